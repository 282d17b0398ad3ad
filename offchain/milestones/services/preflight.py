"""Every check before a signature: what the chain would refuse, and what it can't or needn't refuse.

One rule a function; each raises the error that names its rule.
"""

from __future__ import annotations

from milestones.cardano.address import Address
from milestones.cardano.value import LOVELACE, AssetId
from milestones.domain.models import MilestoneSchedule
from milestones.domain.reading import Problem, refusal
from milestones.errors import InvalidKeyFile, InvalidSchedule, NotAllowedYet, NotFound
from milestones.protocol.deposits import payout_min_lovelace
from milestones.protocol.distribution import Distribution
from milestones.protocol.terms import Terms
from milestones.protocol.tokens import terms_token_name
from milestones.protocol.validator_loader import Contract
from milestones.services.backend import Backend
from milestones.transactions.wallet import SigningKey


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


def must_sign_as_creator(terms: Terms, key: SigningKey) -> None:
    """The key is the creator's: opening and closing need the creator's consent."""
    if terms.creator.kind == "script":
        raise InvalidSchedule(
            "the creator is a script: its consent is an input spent from it, which takes that script's"
            " own signatures or redeemer, and this program signs with a single key",
            path="creator",
            hint="build this transaction with the tool of that multisig, or register the schedule"
            " with a key's address as creator",
        )
    if terms.creator.hash != key.key_hash:
        raise InvalidKeyFile(
            "this is not the creator's key: its hash is"
            f" {key.key_hash.hex()}, the creator's is {terms.creator.hash.hex()}",
            path="signing_key_path",
            hint="sign with the creator's key, or register the schedule with this key as creator",
        )


def ada_problems(distribution: Distribution, lovelace_per_utxo_byte: int) -> list[Problem]:
    """Each ADA allocation under twice the least payout there can be: a rise would strand it."""
    if distribution.token != LOVELACE:
        return []
    found = []
    for index, allocation in distribution.allocations.items():
        address, amount = allocation.beneficiary_address, allocation.token_amount
        least = 2 * payout_min_lovelace(address, LOVELACE, amount, lovelace_per_utxo_byte)
        if amount < least:
            found.append(
                Problem(
                    f"beneficiary_allocations[{index}].token_amount",
                    f"{amount} lovelace are less than {least}, twice what an output must hold",
                    "give more ADA: were the ledger's minimum to rise, it could never be paid out",
                )
            )
    return found


def must_pay_enough_ada(distribution: Distribution, lovelace_per_utxo_byte: int) -> None:
    """No ADA allocation is so small that the ledger could ever refuse its payout."""
    problems = ada_problems(distribution, lovelace_per_utxo_byte)
    if problems:
        raise refusal(problems, InvalidSchedule)


async def must_be_indexed(backend: Backend, address: Address) -> None:
    """Kupo watches this address: else "nothing is there" would mean nothing."""
    text = address.to_bech32()
    if not await backend.kupo.patterns_including(text):
        raise NotFound(
            f"Kupo does not index {text}, so it can't be told what is there",
            hint="run `milestones init` first",
            details={"address": text},
        )


async def must_not_have_been_opened(backend: Backend, distribution: Distribution) -> None:
    """These terms were never opened: twice funds them twice, and inherits every signature."""
    await must_be_indexed(backend, distribution.address)
    address = distribution.address.to_bech32()
    token = AssetId(backend.contract.policy_id, terms_token_name(distribution.id))
    matches = await backend.kupo.matches(address, resolve_hashes=False)
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
