"""`submit-release`: pays allocations out of the vaults, whoever asks for it.

Every rule is checked before anything is signed. Where somebody else spends a vault first, the
transaction is rebuilt on the new one, as long as the allocation is still unpaid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from milestones.cardano.address import Address
from milestones.cardano.outputs import Utxo
from milestones.cardano.parameters import ProtocolParameters
from milestones.clients.rejections import inputs_are_spent
from milestones.domain.claims import ClaimState, claim_states
from milestones.errors import ChainRejected, LimitsExceeded, NotAllowedYet
from milestones.protocol.claim_file import ClaimFile
from milestones.protocol.distribution import Distribution
from milestones.services.backend import Backend, ChainTime, chain_time, require_network, staleness
from milestones.services.funds import Funds, funds_of
from milestones.services.knowledge import known_distribution, recovery_warnings
from milestones.services.on_chain import OnChain, read_on_chain
from milestones.services.preflight import must_be_open
from milestones.services.reference_scripts import require_published
from milestones.services.release_plan import Batch, Chosen, Selection, batches, choose
from milestones.services.release_report import (
    PaidAllocation,
    ReleaseReport,
    ReleaseTransaction,
    SkippedAllocation,
)
from milestones.services.signatures_at_hand import (
    attesting_at_hand,
    milestones_signed,
    statements_at_hand,
)
from milestones.services.standing import wait_for_block, wait_for_next_block
from milestones.services.submission import (
    Errand,
    SubmissionState,
    build,
    deliver,
    still_pending,
    valid_until,
)
from milestones.transactions.published_scripts import PublishedScripts
from milestones.transactions.release import ReleaseSources, release_draft
from milestones.transactions.tx_builder import SignedTransaction
from milestones.transactions.wallet import SigningKey

COMMAND: Final = "submit-release"
ATTEMPTS: Final = 6
"""How often a transaction is rebuilt because somebody else was faster."""
SHRINK: Final = 0.97
"""A batch that is too large is cut to what fits by proportion, and a little less."""


async def submit_release(
    backend: Backend,
    *,
    contract_address: Address,
    key: SigningKey,
    selection: Selection,
    claim_file: ClaimFile | None = None,
    dry_run: bool = False,
    wait: bool = False,
) -> ReleaseReport:
    """Pays the selected allocations with the key's ADA, in as many transactions as it takes.

    Where the oracles' quorum is at hand but not on the chain, the same transaction attests. Raises
    `NotAllowedYet` (naming the rule), `NotFound`, `InvalidInput`, `InsufficientFunds`,
    `LimitsExceeded`, `ChainRejected`, `OutcomeUnknown` and `ServiceUnavailable`.
    """
    await require_network(backend)
    warnings = await staleness(backend)
    release = _Release(
        backend,
        contract_address,
        key=key,
        selection=selection,
        claim_file=claim_file,
        dry_run=dry_run,
    )
    for attempt in range(1, ATTEMPTS + 1):
        try:
            report = await release.attempt()
            break
        except ChainRejected as error:
            if not inputs_are_spent(error) or attempt == ATTEMPTS:
                raise
            warnings.append("somebody else spent the vault first: rebuilding on the new one")
            await wait_for_next_block(backend)
    if wait and not dry_run:
        for transaction in report.transactions:
            await wait_for_block(backend, transaction.transaction_hash)
        report = report.confirmed()
    warnings += recovery_warnings(backend)
    return report.model_copy(update={"warnings": tuple(dict.fromkeys(warnings))})


@dataclass(frozen=True)
class _Situation:
    """All that one attempt builds on."""

    on_chain: OnChain
    distribution: Distribution
    time: ChainTime
    parameters: ProtocolParameters
    scripts: PublishedScripts


@dataclass
class _Progress:
    """What grows from transaction to transaction of one attempt."""

    funds: Funds
    vaults: dict[int, Utxo]
    attestations: dict[str, Utxo]
    unseen: tuple[Utxo, ...] = ()


class _Release:
    """One command: what it was asked, and what it has sent so far over all attempts."""

    def __init__(
        self,
        backend: Backend,
        contract_address: Address,
        *,
        key: SigningKey,
        selection: Selection,
        claim_file: ClaimFile | None,
        dry_run: bool,
    ) -> None:
        self.backend, self.address, self.key = backend, contract_address, key
        self.selection, self.claim_file, self.dry_run = selection, claim_file, dry_run
        self.sent: list[ReleaseTransaction] = []

    async def attempt(self) -> ReleaseReport:
        """Looks, chooses, and sends everything that is not sent yet."""
        backend = self.backend
        on_chain = await read_on_chain(backend, self.address)
        must_be_open(on_chain)
        in_flight = [] if self.dry_run else await self._in_flight(on_chain)
        situation = _Situation(
            on_chain=on_chain,
            distribution=await known_distribution(backend, on_chain, claim_file=self.claim_file),
            time=await chain_time(backend),
            parameters=await backend.ogmios.protocol_parameters(),
            scripts=await require_published(backend),
        )
        chosen = self._choose(situation, in_flight)
        if chosen.payable:
            await self._send_all(situation, chosen)
        return self._report(situation, chosen)

    async def _in_flight(self, on_chain: OnChain) -> list[int]:
        """Allocations that earlier transactions of ours are about to pay; those of others must settle."""
        pending = await still_pending(
            self.backend, command=COMMAND, distribution_id=on_chain.distribution_id
        )
        known = {transaction.transaction_hash for transaction in self.sent}
        indices: list[int] = []
        for submission in pending:
            paid = submission.details.get("allocations")
            allocations = [n for n in paid if isinstance(n, int)] if isinstance(paid, list) else []
            indices += allocations
            if submission.transaction_id not in known:
                self.sent.append(ReleaseTransaction.resumed(submission, tuple(allocations)))
        return indices

    def _choose(self, situation: _Situation, in_flight: Sequence[int]) -> Chosen:
        on_chain, distribution = situation.on_chain, situation.distribution
        states = claim_states(
            distribution.allocations,
            claimed=on_chain.claimed(),
            attested=on_chain.attested(),
            now_posix_ms=situation.time.now_posix_ms,
            signed=milestones_signed(self.backend, on_chain),
        )
        done = {index for transaction in self.sent for index in transaction.allocations}
        done |= set(in_flight)
        selection = self.selection
        if selection.indices and set(selection.indices) <= done:
            return Chosen((), ())
        rest = replace(selection, indices=tuple(n for n in selection.indices if n not in done))
        left = [state for state in states if state.index not in done]
        if done and not selection.indices:
            return _what_is_left(left, rest)
        return choose(left, rest, _shortfalls(self.backend, situation, left))

    async def _send_all(self, situation: _Situation, chosen: Chosen) -> None:
        progress = _Progress(
            funds=await funds_of(self.backend, self.key),
            vaults={},
            attestations={
                milestone.decode(): live[0].utxo
                for milestone, live in situation.on_chain.attestations.items()
                if milestone.decode(errors="replace").encode() == milestone
            },
        )
        for batch in batches(chosen.payable, situation.on_chain.terms.page_depth):
            waiting = batch
            while waiting.indices:
                waiting = await self._send_first_of(situation, waiting, progress)

    async def _send_first_of(
        self, situation: _Situation, batch: Batch, progress: _Progress
    ) -> Batch:
        """Sends as much of a batch as fits into one transaction; what is left of it."""
        vault = progress.vaults.get(batch.page) or _vault_for(situation, batch)
        count = len(batch.indices)
        while True:
            part = replace(batch, indices=batch.indices[:count])
            try:
                signed, limit = await self._build(situation, part, vault, progress)
                break
            except LimitsExceeded as error:
                if count == 1:
                    raise
                worst = max(limit.actual / limit.maximum for limit in error.exceeded)
                count = max(1, min(count - 1, int(count / worst * SHRINK)))
        state = await self._deliver(situation, part, signed, limit)
        self.sent.append(ReleaseTransaction.sent(signed, part, state))
        progress.funds = replace(progress.funds, utxos=signed.wallet_after(progress.funds.utxos))
        progress.vaults[batch.page] = signed.outputs[0]
        if part.attests is not None:
            progress.attestations[part.attests] = signed.outputs[1 + len(part.indices)]
        if self.dry_run:
            progress.unseen = (*progress.unseen, *signed.outputs)
        return Batch(batch.page, batch.indices[count:])

    async def _build(
        self, situation: _Situation, batch: Batch, vault: Utxo, progress: _Progress
    ) -> tuple[SignedTransaction, int]:
        on_chain, distribution = situation.on_chain, situation.distribution
        terms_utxo = on_chain.terms_utxo
        if terms_utxo is None:
            raise NotAllowedYet("closed", "this distribution was closed")
        attesting = (
            None
            if batch.attests is None
            else attesting_at_hand(self.backend, on_chain, batch.attests)
        )
        until = valid_until(situation.time)
        draft = release_draft(
            distribution,
            batch.indices,
            ReleaseSources(
                vault=vault,
                terms=terms_utxo,
                scripts=situation.scripts,
                attestations=progress.attestations,
                attesting=attesting,
            ),
            valid_from_slot=_first_slot(situation, batch),
            valid_until_slot=until,
        )
        signed = await build(
            self.backend,
            draft,
            progress.funds,
            situation.parameters,
            not_on_chain_yet=progress.unseen,
        )
        return signed, until

    async def _deliver(
        self, situation: _Situation, batch: Batch, signed: SignedTransaction, until: int
    ) -> SubmissionState:
        errand = Errand(
            command=COMMAND,
            signed=signed,
            distribution_id=situation.on_chain.distribution_id,
            valid_until_slot=until,
            details={
                "allocations": list(batch.indices),
                "attests": batch.attests,
                "fee_lovelace": signed.fee_lovelace,
                "collateral_lovelace": signed.collateral_lovelace,
            },
        )
        return await deliver(self.backend, errand, dry_run=self.dry_run)

    def _report(self, situation: _Situation, chosen: Chosen) -> ReleaseReport:
        allocations = situation.distribution.allocations
        return ReleaseReport.of(
            contract_address=situation.on_chain.address.to_bech32(),
            transactions=tuple(self.sent),
            paid=tuple(
                PaidAllocation.of(index, allocations[index])
                for transaction in self.sent
                for index in transaction.allocations
                if index in allocations
            ),
            skipped=tuple(SkippedAllocation.of(state) for state in chosen.skipped),
        )


def _what_is_left(states: Sequence[ClaimState], selection: Selection) -> Chosen:
    """After an earlier transaction of the same command, nothing more to pay is no error."""
    wanted = [state for state in states if selection.describes(state)]
    payable = tuple(state for state in wanted if state.claimable)
    return Chosen(payable, tuple(state for state in wanted if not state.claimable))


def _shortfalls(
    backend: Backend, situation: _Situation, states: Sequence[ClaimState]
) -> dict[str, str]:
    """How far the quorum is, for each milestone that lacks it."""
    terms = situation.on_chain.terms
    lacking = {
        state.allocation.milestone_identifier
        for state in states
        if state.status == "milestone not attested"
    }
    found = {}
    for milestone in lacking:
        statements = statements_at_hand(backend, terms, milestone)
        count = len(statements[0].witnesses) if statements else 0
        found[milestone] = f"{count} of {terms.quorum_threshold} signatures are at hand"
    return found


def _vault_for(situation: _Situation, batch: Batch) -> Utxo:
    size = 1 << situation.on_chain.terms.page_depth
    vault = situation.on_chain.vault_paying(batch.page, (n % size for n in batch.indices))
    if vault is None:
        raise NotAllowedYet("claimed", f"no vault of page {batch.page} can still pay these")
    return vault.utxo


def _first_slot(situation: _Situation, batch: Batch) -> int:
    """The first slot that proves that all these allocations are vested."""
    clock = situation.time.clock
    allocations = situation.distribution.allocations
    latest = max(allocations[index].vesting_posix_ms for index in batch.indices)
    return clock.first_slot_from(max(latest, clock.system_start_posix_ms))
