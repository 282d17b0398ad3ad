"""Every check before a signature. Each function is a rule, and raises an error that names it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from milestones.cardano.address import Address, Credential
from milestones.cardano.outputs import Utxo
from milestones.cardano.value import LOVELACE, AssetId
from milestones.clients.mempool import Mempool
from milestones.domain.claims import ClaimState
from milestones.domain.models import MilestoneIdentifier, MilestoneSchedule
from milestones.domain.posix_time import to_posix_seconds
from milestones.domain.reading import Problem, refusal
from milestones.errors import InvalidInput, InvalidSchedule, NotAllowedYet, NotFound
from milestones.protocol.datums import terms_token_name
from milestones.protocol.deposits import (
    PayoutMinimums,
    proposal_deposit,
)
from milestones.protocol.distribution import Distribution
from milestones.protocol.terms import Terms
from milestones.protocol.validator_loader import Contract
from milestones.services.backend import Backend, ChainTime
from milestones.services.distribution.on_chain import OnChain, OpenDistribution
from milestones.services.distribution.signatures import Shortfall
from milestones.services.sending.funds import Funds
from milestones.services.sending.waiting import wait_for_index


def must_be_open(on_chain: OnChain) -> OpenDistribution:
    """The distribution, open: one that was closed pays nothing any more."""
    if on_chain.closed:
        raise NotAllowedYet(
            "closed",
            "this distribution was closed: what it still held went back",
            hint="see what it had paid with `milestones check-status`",
            details={"contract_address": on_chain.address.to_bech32()},
        )
    return OpenDistribution.of(on_chain)


def why_not(
    state: ClaimState,
    *,
    lack: Shortfall,
    quorum_threshold: int,
    paid_by: str | None = None,
    paid_in_block: bool = True,
) -> NotAllowedYet:
    """The rule that keeps this allocation from being paid now.

    `lack` says how far the signatures at hand for its milestone are from the quorum, `paid_by` which
    transaction (hexadecimal) pays it, where that is known, and `paid_in_block` whether a block has that.
    """
    name = f"allocation {state.index}"
    milestone = state.allocation.milestone_identifier
    details = {"beneficiary_index": state.index, "status": state.status}
    if state.status == "claimed":
        by = "" if paid_by is None else f", by transaction {paid_by}"
        waits = "" if paid_in_block else ", which waits for a block"
        return NotAllowedYet(
            "claimed",
            f"{name} is already claimed{by}{waits}",
            hint="nothing is left to do for it"
            if paid_in_block
            else f"see what becomes of it with `milestones transaction {paid_by}`",
            details={**details, "transaction_hash": paid_by},
        )
    if state.status == "vesting":
        return NotAllowedYet(
            "vesting",
            f"{name} is not vested yet: {state.reason}",
            hint="wait until the chain's time has passed it",
            details={**details, "vesting_timestamp": state.allocation.vesting_timestamp},
        )
    return NotAllowedYet(
        "quorum",
        f"{name} waits for milestone {milestone!r}, which is not attested, and has {lack.words}",
        hint=lack.hint,
        details={
            **details,
            "milestone_identifier": milestone,
            "signature_count": lack.signature_count,
            "quorum_threshold": quorum_threshold,
        },
    )


def must_be_the_creator(terms: Terms, payer: Credential) -> None:
    """Whoever pays is the creator: a key that signs, or a script that consents by what it spends."""
    if terms.creator == payer:
        return
    if terms.creator.kind == "script":
        raise InvalidInput(
            "the creator is a script: it consents by an input that it spends, so it has to pay",
            path="payer",
            hint="give --payer with the native script's file and --unsigned-out; for another script,"
            " build the transaction with its own wallet",
        )
    raise InvalidInput(
        f"the creator's key hash is {terms.creator.hash.hex()}, the given key's is {payer.hash.hex()}",
        path="signing_key_path",
        hint="sign with the creator's key, or hand it out to be signed with it",
    )


def must_hold_rotatable(terms: Terms, funds: Funds) -> tuple[Utxo, ...]:
    """The output that terms with replaceable oracles name is the payer's, and unspent; it is returned."""
    wanted = terms.rotatable
    if wanted is None:
        return ()
    found = tuple(utxo for utxo in funds.all_utxos if utxo.reference == wanted)
    if not found:
        raise InvalidInput(
            f"the opening must spend the output {wanted}, and the paying key doesn't hold it: it is"
            " another's, was spent, or a transaction on its way spends it",
            path="rotatable",
            hint="register the schedule again with an output that the key holds: --rotatable oldest",
        )
    return found


def must_be_closable(on_chain: OnChain, time: ChainTime) -> None:
    """Everything is paid out, or the time has come from which the creator may take the rest."""
    if not on_chain.remaining:
        return
    reclaim_after = on_chain.terms.reclaim_after_posix_ms
    details = {"remaining_token_amount": on_chain.remaining}
    if reclaim_after is None:
        raise NotAllowedYet(
            "irrevocable",
            f"{on_chain.remaining} tokens are not claimed yet, and this distribution is"
            " irrevocable: nobody can ever take them back",
            hint="pay out what is claimable with `milestones submit-release --all`",
            details=details,
        )
    if time.now_posix_ms < reclaim_after:
        raise NotAllowedYet(
            "reclaim_after",
            f"{on_chain.remaining} tokens are not claimed yet, and can be taken back only from"
            f" {to_posix_seconds(reclaim_after)} (POSIX seconds) on; the chain's time is {time.now}",
            hint="wait, or pay out what is claimable with `milestones submit-release --all`",
            details={**details, "reclaim_after": to_posix_seconds(reclaim_after), "now": time.now},
        )


def must_be_on_network(schedule: MilestoneSchedule, network_magic: int) -> None:
    """The terms name the network that they are opened on."""
    named = schedule.contract_metadata.network_magic
    if named != network_magic:
        raise InvalidSchedule(
            f"the schedule is for the network with magic {named}, this one has {network_magic}",
            path="contract_metadata.network_magic",
            hint="register the schedule again for this network, or use the other network's services",
        )


def must_be_for_contract(schedule: MilestoneSchedule, contract: Contract) -> None:
    """The terms name the version of the contract that they are opened with."""
    version = schedule.contract_metadata.contract_version
    if version != contract.version:
        raise InvalidSchedule(
            f"the schedule is for version {version!r} of the contract, this one is {contract.version!r}",
            path="contract_metadata.contract_version",
            hint="register the schedule again, or name that version's blueprint",
        )


def ada_problems(distribution: Distribution, lovelace_per_utxo_byte: int) -> list[Problem]:
    """Each ADA allocation under twice the least payout there can be: a rise would strand it."""
    if distribution.token != LOVELACE:
        return []
    found = []
    minimums = PayoutMinimums(LOVELACE, lovelace_per_utxo_byte)
    for indices, columns in distribution.allocations.pieces():
        for row, amount in enumerate(columns.amounts):
            least = 2 * minimums.of(columns, row)
            if amount < least:
                found.append(
                    Problem(
                        f"beneficiary_allocations[{indices[row]}].token_amount",
                        f"{amount} lovelace are less than {least}, twice what an output must hold",
                        "give more ADA: were the ledger's minimum to rise, it could never be paid out",
                    )
                )
    return found


def bond_problems(distribution: Distribution, lovelace_per_utxo_byte: int) -> list[Problem]:
    """A bond below what a proposal's output must hold in any case: it would bind nobody to anything."""
    bond = distribution.terms.bond_lovelace
    if bond <= 0:
        return []
    names = distribution.allocations.milestones()
    least = max(proposal_deposit(distribution, name, lovelace_per_utxo_byte) for name in names)
    if bond >= least:
        return []
    return [
        Problem(
            "review_bond_lovelace",
            f"a bond of {bond} lovelace is less than {least}, what a proposal holds in any case",
            "give a bond that is worth something, or leave it out for just that",
        )
    ]


USUAL_FEE_LOVELACE: Final = 250_000
"""What paying one allocation costs, a little more than the least."""


def allowance_warnings(distribution: Distribution, lovelace_per_utxo_byte: int) -> Iterator[str]:
    """An allowance that repays nobody: less than the fee and the ADA that goes with the tokens."""
    allowance, token = distribution.terms.allowance_lovelace, distribution.token
    if not allowance:
        return
    minimums = PayoutMinimums(token, lovelace_per_utxo_byte)
    needed = Counter(
        USUAL_FEE_LOVELACE + (0 if token == LOVELACE else minimums.of(columns, row))
        for _, columns in distribution.allocations.pieces()
        for row in range(len(columns))
    )
    short = sum(count for least, count in needed.items() if allowance < least)
    if short:
        yield (
            f"the allowance of {allowance} lovelace does not repay a single claim of {short} of"
            f" {needed.total()} allocations: up to {max(needed)} are needed, fee included"
        )


def must_pay_enough_ada(distribution: Distribution, lovelace_per_utxo_byte: int) -> None:
    """No ADA allocation is so small that the ledger could ever refuse its payout, no bond below min-ADA."""
    problems = [
        *ada_problems(distribution, lovelace_per_utxo_byte),
        *bond_problems(distribution, lovelace_per_utxo_byte),
    ]
    if problems:
        raise refusal(problems, InvalidSchedule)


async def must_be_indexed(backend: Backend, address: Address) -> None:
    """Kupo watches this address: else "nothing is there" would mean nothing."""
    text = address.to_bech32()
    if not await backend.kupo.patterns_including(text):
        raise NotFound(
            f"Kupo does not index {text}, so what is there is not known",
            hint="run `milestones init` first",
            details={"address": text},
        )


async def must_not_have_been_opened(
    backend: Backend, distribution: Distribution, mempool: Mempool | None = None
) -> None:
    """These terms were never opened: twice funds them twice, and inherits every signature.

    Nor does anything open them that waits in the `mempool`. Raises `ServiceOutOfSync` where the index is
    behind, and so could be wrong.
    """
    await must_be_indexed(backend, distribution.address)
    await wait_for_index(backend)
    address = distribution.address.to_bech32()
    token = AssetId(backend.contract.policy_id, terms_token_name(distribution.id))
    indexed = await backend.kupo.matches(address, resolve_hashes=False)
    waiting = (mempool or Mempool()).applied((), lambda output: output.address == address)
    matches = [*indexed, *waiting]
    openings = [match for match in matches if match.output.value.quantity(token)]
    if not openings:
        return
    opened_by = openings[-1].reference.transaction_id.hex()
    details = {"contract_address": address, "transaction_hash": opened_by}
    if any(match.spent is None for match in openings):
        raise NotAllowedYet(
            "already_open",
            f"this distribution is open already, since transaction {opened_by}:"
            " opening it again would fund it twice",
            hint=f"see it with `milestones check-status --contract-address {address}`",
            details=details,
        )
    raise NotAllowedYet(
        "opened_before",
        f"this distribution was opened by transaction {opened_by} and closed since: the same terms have"
        " the same id, so every signature given for the first would count for the second",
        hint="register the schedule again: a new created_at gives it a new id",
        details=details,
    )


def must_not_be_attested(on_chain: OnChain, milestone: MilestoneIdentifier) -> None:
    """One attestation of a milestone is enough for all its allocations."""
    live = on_chain.attestations.get(milestone.raw)
    if live:
        raise NotAllowedYet(
            "attested",
            f"the milestone is attested already, in {live[0].utxo.reference}",
            hint="its allocations can be claimed with `milestones submit-release`",
            details={"attestation": str(live[0].utxo.reference)},
        )
