"""Builds the transactions of a release, one on another, before any of them is sent.

A later one spends the change, and perhaps the vault, that an earlier one leaves; the chain's evaluation
agrees to all before any is sent. What is asked for as a kind ("all", a beneficiary's, a milestone's) is
paid as far as the chain allows: a milestone whose signatures it refuses, or a leaf that can't be paid,
stops nothing else. What is named by its index is paid as a whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from milestones.cardano.outputs import OutputReference, Utxo
from milestones.cardano.value import LOVELACE
from milestones.domain.claims import ClaimState
from milestones.errors import (
    ChainRejected,
    InvalidInput,
    LimitsExceeded,
    MilestonesError,
)
from milestones.protocol.distribution import Distribution
from milestones.protocol.terms import Terms
from milestones.services.distribution.on_chain import OpenDistribution
from milestones.services.distribution.signatures import complete_statements
from milestones.services.preflight import must_hold_min_ada
from milestones.services.sending.attestations import (
    GoodSignatures,
    blames_signatures,
    refusal_warnings,
)
from milestones.services.sending.building import BuildContext, LargestFit
from milestones.services.submit_release.plan import Batch, plan
from milestones.transactions.contract_drafts import Attesting, ReleaseSources, release_draft
from milestones.transactions.draft import TransactionDraft
from milestones.transactions.tx_builder import BalancedTransaction


@dataclass(frozen=True, slots=True)
class BuiltRelease:
    """One transaction, and which allocations it pays.

    `deposits_lovelace` is the ADA that goes with the tokens and the attestation, `allowance_lovelace` what
    the payer takes out of the vault.
    """

    batch: Batch
    transaction: BalancedTransaction
    deposits_lovelace: int
    allowance_lovelace: int

    @property
    def cost_lovelace(self) -> int:
        """What the payer pays in the end, fee included; negative where the allowance is more."""
        return self.transaction.fee_lovelace + self.deposits_lovelace - self.allowance_lovelace


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An allocation that the chain would not pay, though neither time nor oracles stand before it."""

    state: ClaimState
    error: MilestonesError


@dataclass(frozen=True, slots=True)
class BuiltReleases:
    """Transactions in the order in which they must be sent, and what is in none of them.

    `warnings` name the oracles whose signatures were left out, and the allocations.
    """

    releases: tuple[BuiltRelease, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class ReleaseBuilder:
    """Pays allocations of an open distribution; where `whole`, all of them or none.

    `context` is what the next transaction is built with; the vaults and attestations that transactions
    built before it leave stand in for those on the chain.
    """

    context: BuildContext
    on_chain: OpenDistribution
    distribution: Distribution
    whole: bool
    _vaults: dict[OutputReference, Utxo] = field(default_factory=dict)
    _attestations: dict[str, Utxo] = field(default_factory=dict)
    _attesting: dict[str, Attesting] = field(default_factory=dict)
    _refused: frozenset[bytes] = frozenset()

    async def build(self, payable: Sequence[ClaimState]) -> BuiltReleases:
        """Transactions for as many of the allocations as the chain would pay.

        Raises what forbids one where all must be paid; `InsufficientFunds` with the fee of all together;
        `LimitsExceeded` where not even one claim fits.
        """
        start, left_out = self.context, self._too_small(payable)
        while True:
            if left_out and self.whole:
                raise left_out[0].error
            self._start_from(start)
            out = {each.state.index for each in left_out}
            waiting = plan((s for s in payable if s.index not in out), self.on_chain)
            releases: list[BuiltRelease] = []
            try:
                while waiting:
                    release = await self._largest(waiting[0])
                    self._go_on(release)
                    releases.append(release)
                    rest = waiting[0].without_first(len(release.batch.indices))
                    waiting = [rest, *waiting[1:]] if rest.indices else waiting[1:]
            except (ChainRejected, InvalidInput) as error:
                if self.whole or not _is_of_the_content(error):
                    raise
                found = await self._at_fault(payable, waiting[0], error)
                if not found:
                    raise
                left_out += found
            else:
                refused = refusal_warnings(self.distribution.terms, self._refused)
                cost = uncovered_warnings(self.distribution.terms, releases)
                warnings = (*refused, *_left_out_warnings(left_out), *cost)
                return BuiltReleases(tuple(releases), tuple(left_out), warnings)

    def _start_from(self, context: BuildContext) -> None:
        self.context = context
        self._vaults, self._attestations, self._attesting = {}, {}, {}
        self._refused = frozenset()

    async def _largest(self, batch: Batch) -> BuiltRelease:
        """As much of the beginning of a batch as fits; with signatures that the chain takes, if it attests."""
        fit, signatures = LargestFit(len(batch.indices)), self._signatures(batch)
        while not fit.found:
            attesting = self._attesting.get(batch.attests) if batch.attests else None
            if signatures is not None:
                attesting = signatures.attesting
            try:
                release = await self._release(batch.first(fit.count), attesting)
            except LimitsExceeded as error:
                fit.too_much(error)
            except ChainRejected as error:
                if signatures is None:
                    raise
                await signatures.leave_out_bad_ones(error)
            else:
                fit.fits()
        if batch.attests is not None and signatures is not None:
            self._attesting[batch.attests] = signatures.attesting
            self._refused |= signatures.refused
        return release

    def _signatures(self, batch: Batch) -> GoodSignatures | None:
        """The signatures to choose from; None where nothing is attested, or the choice is made."""
        if batch.attests is None or batch.attests in self._attesting:
            return None
        statements = complete_statements(self.context.backend, self.on_chain, batch.attests)
        return GoodSignatures(self.context, self.on_chain, statements)

    async def _release(self, batch: Batch, attesting: Attesting | None) -> BuiltRelease:
        vault = batch.vault.utxo
        sources = ReleaseSources(
            vault=self._vaults.get(vault.reference, vault),
            terms=self.on_chain.terms_utxo,
            scripts=self.context.scripts,
            attestations={**self.on_chain.attestation_utxos(), **self._attestations},
            attesting=attesting,
        )
        draft = release_draft(
            self.distribution, batch.indices, sources, valid_from_slot=self._first_slot(batch)
        )
        built = await self.context.build(draft)
        allowance = self._allowance_taken(draft, built, batch)
        return BuiltRelease(batch, built, _added_lovelace(draft, built) + allowance, allowance)

    def _allowance_taken(
        self, draft: TransactionDraft, built: BalancedTransaction, batch: Batch
    ) -> int:
        """What the vault has less than it paid; its own minimum may let less be taken than the terms do."""
        if not self.distribution.terms.allowance_lovelace:
            return 0
        before, after = draft.spends[0].utxo.output.value, built.outputs[0].output.value
        paid = 0
        if self.distribution.token == LOVELACE:
            allocations = self.distribution.allocations
            paid = sum(allocations[index].token_amount for index in batch.indices)
        return max(0, before.lovelace - after.lovelace - paid)

    def _first_slot(self, batch: Batch) -> int:
        """The first slot that proves that all these allocations are vested."""
        allocations = self.distribution.allocations
        latest = max(allocations[index].vesting_posix_ms for index in batch.indices)
        return self.context.first_slot_from(latest)

    def _go_on(self, release: BuiltRelease) -> None:
        """What the next transaction finds."""
        built, batch = release.transaction, release.batch
        self.context = self.context.after(built)
        self._vaults[batch.vault.utxo.reference] = built.outputs[0]
        if batch.attests is not None:
            self._attestations[batch.attests] = built.outputs[1 + len(batch.indices)]

    def _too_small(self, payable: Iterable[ClaimState]) -> list[LeftOut]:
        """ADA allocations below the ledger's minimum: scripts agree to them, and no block takes them."""
        if self.distribution.token != LOVELACE:
            return []
        found = []
        for state in payable:
            try:
                must_hold_min_ada(state, self.context.parameters.lovelace_per_utxo_byte)
            except MilestonesError as error:
                found.append(LeftOut(state, error))
        return found

    async def _at_fault(
        self, payable: Sequence[ClaimState], batch: Batch, error: ChainRejected | InvalidInput
    ) -> list[LeftOut]:
        """Those of the allocations that can't be paid, after `batch` could not be built.

        The contract fails a transaction as a whole. So parts of it are evaluated, smaller and smaller
        ones, until those remain that fail alone. None where parts can be built, whichever way it is cut.
        """
        if blames_signatures(error):
            return [
                LeftOut(state, error)
                for state in payable
                if state.allocation.milestone_identifier == batch.attests
            ]
        found: dict[int, MilestonesError] = {}
        waiting: list[tuple[Batch, MilestonesError]] = [(batch, error)]
        while waiting:
            part, reason = waiting.pop()
            if len(part.indices) == 1:
                found[part.indices[0]] = reason
                continue
            for half in part.halves():
                try:
                    await self._largest(half)
                except (ChainRejected, InvalidInput) as failure:
                    if not _is_of_the_content(failure):
                        raise
                    waiting.append((half, failure))
        return [LeftOut(state, found[state.index]) for state in payable if state.index in found]


def _is_of_the_content(error: MilestonesError) -> bool:
    """Whether what was to be done is at fault, and not somebody who was faster."""
    return not (isinstance(error, ChainRejected) and error.inputs_spent)


def uncovered_warnings(terms: Terms, releases: Iterable[BuiltRelease]) -> list[str]:
    """A warning where there is an allowance and it doesn't repay what paying out costs."""
    cost = sum(release.cost_lovelace for release in releases)
    if not terms.allowance_lovelace or cost <= 0:
        return []
    return [
        f"the allowance does not repay the fee and the ADA that goes with the tokens: paying out costs"
        f" {cost} lovelace"
    ]


def _left_out_warnings(left_out: Iterable[LeftOut]) -> list[str]:
    """A warning for every reason, with the allocations that it keeps from being paid."""
    by_reason: dict[str, list[int]] = {}
    for each in left_out:
        by_reason.setdefault(each.error.message, []).append(each.state.index)
    return [
        f"not paid: {'allocation' if len(indices) == 1 else 'allocations'}"
        f" {', '.join(map(str, indices))}: {reason}"
        for reason, indices in by_reason.items()
    ]


def _added_lovelace(draft: TransactionDraft, built: BalancedTransaction) -> int:
    """What the outputs of the draft hold beyond what its inputs bring."""
    held = sum(utxo.output.value.lovelace for utxo in built.outputs[: len(draft.outputs)])
    return held - sum(spend.utxo.output.value.lovelace for spend in draft.spends)
