"""Builds the transactions of a release: on each lane one on another, as many claims in each as fit.

A later one spends the change, and perhaps the vault, that an earlier one leaves; the chain's evaluation
agrees to each before it is sent. What is asked for as a kind ("all", a beneficiary's, a milestone's) is
paid as far as the chain and the wallet allow: a milestone whose signatures the chain refuses, or a leaf that
can't be paid, stops nothing else. What is named by its index is paid as a whole or not at all.
"""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Collection,
    Iterable,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field
from typing import Final

from milestones.cardano.outputs import OutputReference, Utxo
from milestones.cardano.value import LOVELACE
from milestones.domain.columns import Kind
from milestones.domain.posix_time import to_posix_ms
from milestones.errors import (
    BudgetSpent,
    ChainRejected,
    ExceededLimit,
    InsufficientFunds,
    InvalidInput,
    LimitsExceeded,
    MilestonesError,
    NotAllowedYet,
)
from milestones.protocol.deposits import doubtful, payout_min_lovelace
from milestones.protocol.distribution import Distribution
from milestones.protocol.terms import Terms
from milestones.services.distribution.on_chain import OpenDistribution
from milestones.services.distribution.signatures import complete_statements
from milestones.services.paying.lanes import Lanes
from milestones.services.paying.left_out import LeftOut, left_out_warnings
from milestones.services.paying.plan import Batch, plan
from milestones.services.sending.attestations import (
    GoodSignatures,
    blames_signatures,
    refusal_warnings,
)
from milestones.services.sending.building import BuildContext, LargestFit
from milestones.transactions.contract_drafts import Attesting, ReleaseSources, release_draft
from milestones.transactions.draft import TransactionDraft
from milestones.transactions.tx_builder import BalancedTransaction

BLOCK_SHARE: Final = 5
"""Into how many parts a block's steps are cut: a block takes as many transactions of one part each.

The largest transactions that there can be leave a part of each block empty, and so pay fewer people.
"""
MOST_AT_ONCE: Final = 256
"""No transaction has room for more payouts: one takes some 65 bytes."""


@dataclass(frozen=True, slots=True)
class BuiltRelease:
    """One transaction, which allocations it pays, and on which lane.

    `deposits_lovelace` is the ADA that goes with the tokens and the attestation, `allowance_lovelace` what
    the payer takes out of the vault.
    """

    batch: Batch
    transaction: BalancedTransaction
    deposits_lovelace: int
    allowance_lovelace: int
    lane: int

    @property
    def cost_lovelace(self) -> int:
        """What the payer pays in the end, fee included; negative where the allowance is more."""
        return self.transaction.fee_lovelace + self.deposits_lovelace - self.allowance_lovelace


TOO_DEAR: Final = "cost"
"""The rule of an error that leaves out what a transaction would pay: each claim costs too much."""
Permit = Callable[[BuiltRelease], None]
"""Raises where a transaction may not be paid for: `BudgetSpent` where fewer claims may do, or `TOO_DEAR`."""


@dataclass(slots=True)
class ReleaseBuilder:
    """Pays allocations of an open distribution; where `whole`, all of them or none.

    `context` is what is known when the first is built; the vaults and attestations that transactions
    built before leave stand in for those on the chain. `lanes` is how many there may be, `lost` those on
    which others were faster, which end. `as_funds_allow`: what the wallet can't pay is left out. `permit` is
    asked about each transaction.
    """

    context: BuildContext
    on_chain: OpenDistribution
    distribution: Distribution
    whole: bool
    lanes: int = 1
    lost: Collection[int] = ()
    as_funds_allow: bool = False
    permit: Permit = field(default=lambda _: None)
    left_out: list[LeftOut] = field(default_factory=list)
    built: list[BuiltRelease] = field(default_factory=list)
    _payable: Mapping[int, Kind] = field(default_factory=dict)
    _lanes: Lanes = field(init=False)
    _used: dict[OutputReference, set[int]] = field(default_factory=dict)
    _vaults: dict[OutputReference, Utxo] = field(default_factory=dict)
    _attestations: dict[str, Utxo] = field(default_factory=dict)
    _attesting: dict[str, Attesting] = field(default_factory=dict)
    _refused: frozenset[bytes] = frozenset()
    _usual: int = MOST_AT_ONCE

    def __post_init__(self) -> None:
        self._lanes = Lanes(self.context, self.lanes)

    async def releases(self, payable: Mapping[int, Kind]) -> AsyncGenerator[BuiltRelease, None]:
        """Transactions for as many of the allocations as the chain would pay, in the order to send them.

        `payable` has the kind of each by index, ascending. Each transaction is to be sent before the
        next is asked for, but where `whole`: then all are built before. What isn't paid is in `left_out`
        afterwards. Raises what forbids one where all must be paid; `InsufficientFunds` where nothing can be;
        `LimitsExceeded` where not even one claim fits.
        """
        self._payable = payable
        if not self.whole:
            async for release in self._releases():
                yield release
            return
        for release in [each async for each in self._releases()]:
            yield release

    async def _releases(self) -> AsyncIterator[BuiltRelease]:
        self._leave_out(self._too_small())
        waiting = self._waiting(self._payable)
        while waiting:
            made = sum(len(each.batch.indices) for each in self.built)
            self.context.backend.doing(
                f"paying: {made:,} of {len(self._payable):,} allocations are in transactions"
            )
            batch = waiting.pop(0)
            if self._is_lost(batch):
                continue
            try:
                release = await self._largest(batch)
            except (InsufficientFunds, NotAllowedYet, ChainRejected, InvalidInput) as error:
                waiting = await self._without(error, batch, waiting)
            else:
                self._go_on(release)
                yield release
                rest = batch.without_first(len(release.batch.indices))
                if rest.indices:
                    waiting.append(rest)

    async def _without(
        self,
        error: MilestonesError,
        batch: Batch,
        others: Sequence[Batch],
    ) -> list[Batch]:
        """What is left to build, after nothing of a batch could be. Raises `error` where that ends all."""
        left = [batch, *others]
        if isinstance(error, InsufficientFunds):
            if not (self.as_funds_allow and self.built):
                raise error
            self._leave_out([_all_of(left, error)])
            return []
        if isinstance(error, NotAllowedYet):
            if self.whole or error.rule != TOO_DEAR:
                raise error
            self._leave_out([_all_of([batch], error)])
            return list(others)
        if self.whole or not _is_of_the_content(error):
            raise error
        found = await self._at_fault(left, error)
        if not found:
            raise error
        self._leave_out(found)
        return self._waiting(sorted(index for each in left for index in each.indices))

    def _leave_out(self, found: list[LeftOut]) -> None:
        if found and self.whole:
            raise found[0].error
        self.left_out += found

    def _waiting(self, indices: Iterable[int]) -> list[Batch]:
        """Batches in turn of each vault; those first without which others can't be."""
        out = {index for each in self.left_out for index in each.indices}
        left = {index: self._payable[index] for index in indices if index not in out}
        batches = plan(left, self.on_chain, attested=frozenset(self._attestations))
        return sorted(batches, key=lambda batch: batch.attests is None)

    def _is_lost(self, batch: Batch) -> bool:
        """Whether the vault is not what it was taken for: a transaction of its lane was refused."""
        used = self._used.get(batch.vault.utxo.reference, set())
        return bool(used & set(self.lost)) or self._lane_of(batch) in self.lost

    def _lane_of(self, batch: Batch) -> int:
        return self._lanes.of_page(batch.vault.state.page)

    async def _largest(self, batch: Batch) -> BuiltRelease:
        """As much of the beginning of a batch as fits; with signatures that the chain takes, if it attests."""
        total, usual = len(batch.indices), self._usual
        fit, signatures = LargestFit(total, first=usual), self._signatures(batch)
        while not fit.found:
            try:
                release = await self._release(
                    batch.first(fit.count), self._attests(batch, signatures)
                )
            except LimitsExceeded as error:
                fit.too_much(error)
            except InsufficientFunds as error:
                self._with_fewer(fit, error)
            except ChainRejected as error:
                if signatures is None:
                    raise
                await signatures.leave_out_bad_ones(error)
            else:
                fit.fits()
                if fit.largest == usual:
                    break
        if batch.attests is not None and signatures is not None:
            self._attesting[batch.attests] = signatures.attesting
            self._refused |= signatures.refused
        if fit.largest < total:
            # As many as the ledger lets, or the funds, which become less: the next one begins there.
            self._usual = fit.largest
        return release

    def _attests(self, batch: Batch, signatures: GoodSignatures | None) -> Attesting | None:
        """What the transaction puts on the chain beside, if anything."""
        if signatures is not None:
            return signatures.attesting
        return None if batch.attests is None else self._attesting.get(batch.attests)

    def _with_fewer(self, fit: LargestFit, error: InsufficientFunds) -> None:
        """All lanes' funds together, or fewer claims; unless all are paid or none."""
        if not self.as_funds_allow:
            raise error
        if isinstance(error, BudgetSpent) or not self._lanes.merge(self.lost):
            fit.too_much(error)

    def _signatures(self, batch: Batch) -> GoodSignatures | None:
        """The signatures to choose from; None where nothing is attested, or the choice is made."""
        if batch.attests is None or batch.attests in self._attesting:
            return None
        context = self._lanes.context(self._lane_of(batch))
        statements = complete_statements(context.backend, self.on_chain, batch.attests)
        return GoodSignatures(context, self.on_chain, statements)

    async def _release(self, batch: Batch, attesting: Attesting | None) -> BuiltRelease:
        vault, lane = batch.vault.utxo, self._lane_of(batch)
        context = self._lanes.context(lane)
        sources = ReleaseSources(
            vault=self._vaults.get(vault.reference, vault),
            terms=self.on_chain.terms_utxo,
            scripts=context.scripts,
            attestations={**self.on_chain.attestation_utxos(), **self._attestations},
            attesting=attesting,
        )
        draft = release_draft(
            self.distribution,
            batch.indices,
            sources,
            valid_from_slot=self._first_slot(context, batch),
        )
        built = await context.build(draft)
        _must_leave_room(context, built, len(batch.indices))
        allowance = self._allowance_taken(draft, built, batch)
        added = _added_lovelace(draft, built) + allowance
        release = BuiltRelease(batch, built, added, allowance, lane)
        self.permit(release)
        return release

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

    def _first_slot(self, context: BuildContext, batch: Batch) -> int:
        """The first slot that proves that all these allocations are vested."""
        latest = max(self._payable[index].vesting_timestamp for index in batch.indices)
        return context.first_slot_from(to_posix_ms(latest))

    def _go_on(self, release: BuiltRelease) -> None:
        """What the next transaction finds."""
        built, batch = release.transaction, release.batch
        self.built.append(release)
        self._lanes.go_on(release.lane, built)
        self._used.setdefault(batch.vault.utxo.reference, set()).add(release.lane)
        self._vaults[batch.vault.utxo.reference] = built.outputs[0]
        if batch.attests is not None:
            self._attestations[batch.attests] = built.outputs[1 + len(batch.indices)]

    def _too_small(self) -> list[LeftOut]:
        """ADA allocations below the ledger's minimum: scripts agree to them, and no block takes them."""
        known, token = self.distribution.allocations, self.distribution.token
        if token != LOVELACE:
            return []
        found, price = [], self.context.parameters.lovelace_per_utxo_byte
        for index in doubtful(known, token, self.distribution.terms.network_id, price):
            if index in self._payable:
                allocation = known[index]
                least = payout_min_lovelace(allocation, token, price)
                if allocation.token_amount < least:
                    found.append(LeftOut((index,), _below(index, allocation.token_amount, least)))
        return found

    async def _at_fault(self, left: Sequence[Batch], error: MilestonesError) -> list[LeftOut]:
        """Those of the allocations that can't be paid, after the first batch of `left` could not be built.

        The contract fails a transaction as a whole. So parts of it are evaluated, smaller and smaller
        ones, until those remain that fail alone. None where parts can be built, whichever way it is cut.
        """
        batch = left[0]
        if blames_signatures(error):
            every = sorted(index for each in left for index in each.indices)
            waits = self._payable
            same = tuple(i for i in every if waits[i].milestone_identifier == batch.attests)
            return [LeftOut(same, error)] if same else []
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
        return [LeftOut((index,), reason) for index, reason in sorted(found.items())]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Whose signatures were left out, which allocations, and an allowance that repays nobody."""
        terms = self.distribution.terms
        refused = refusal_warnings(terms, self._refused)
        return (
            *refused,
            *left_out_warnings(self.left_out),
            *uncovered_warnings(terms, self.built),
        )


def _must_leave_room(context: BuildContext, built: BalancedTransaction, claims: int) -> None:
    """Raises `LimitsExceeded` where several claims take more of a block than its share."""
    most = context.parameters.max_block_execution_units.cpu // BLOCK_SHARE
    if claims > 1 and built.units.cpu > most:
        limit = ExceededLimit("a transaction's share of a block", built.units.cpu, most, "steps")
        raise LimitsExceeded((limit,), {})


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


def _all_of(batches: Iterable[Batch], error: MilestonesError) -> LeftOut:
    indices = sorted(index for batch in batches for index in batch.indices)
    return LeftOut(tuple(indices), error)


def _below(index: int, amount: int, least: int) -> NotAllowedYet:
    """An ADA payout is exactly the amount: below the ledger's minimum there can't be one."""
    return NotAllowedYet(
        "min_ada",
        f"allocation {index} is of {amount} lovelace, and an output must hold {least}",
        hint="it can be paid only once the ledger's minimum has fallen",
        details={"beneficiary_index": index, "least_lovelace": least},
    )


def _added_lovelace(draft: TransactionDraft, built: BalancedTransaction) -> int:
    """What the outputs of the draft hold beyond what its inputs bring."""
    held = sum(utxo.output.value.lovelace for utxo in built.outputs[: len(draft.outputs)])
    return held - sum(spend.utxo.output.value.lovelace for spend in draft.spends)
