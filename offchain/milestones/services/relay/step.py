"""One step of a relay: what can be paid now in one distribution, within the budget."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from milestones.cardano.value import LOVELACE, AssetId
from milestones.domain.columns import Kind
from milestones.errors import ChainRejected, InvalidInput, NotAllowedYet
from milestones.protocol.distribution import ContractAddress, Distribution
from milestones.services.backend import Backend, select_version
from milestones.services.distribution.in_use import proposal_state
from milestones.services.distribution.naming import identify
from milestones.services.distribution.on_chain import OnChain, OpenDistribution, read_on_chain
from milestones.services.distribution.schedule_source import known_distribution
from milestones.services.distribution.state import DistributionState, state_of
from milestones.services.paying.budget import Budget
from milestones.services.paying.builder import ReleaseBuilder
from milestones.services.paying.confirming import confirmation
from milestones.services.paying.lanes import MOST_LANES
from milestones.services.paying.left_out import LeftOut, not_paid
from milestones.services.paying.plan import Selection
from milestones.services.paying.releasing import (
    allocations_in,
    being_paid,
    fills_the_mempool,
    request_of,
)
from milestones.services.preflight import must_be_open
from milestones.services.relay.report import Paid, payments_in
from milestones.services.sending.building import BuildContext
from milestones.services.sending.payer import PaidBy
from milestones.services.sending.run import Run, SubmissionRequest
from milestones.services.sending.runner import DistributionCommand, perform
from milestones.transactions.board_drafts import LiveProposal

EVERYTHING = Selection(everything=True)


async def pay(
    backend: Backend,
    *,
    contract_address: ContractAddress,
    key: PaidBy,
    budget: Budget,
    vouched: Collection[AssetId] = (),
    selection: Selection = EVERYTHING,
    wait: bool = False,
) -> Paid:
    """Pays what is selected and can be claimed now, as far as the budget goes, and confirms what is due.

    It ends where the mempool has no more room; the next step goes on. Tokens that are not `vouched` for are
    left alone: a payout brings ADA to its beneficiary, whatever the token is worth. ADA needs nobody's word.
    Raises `BudgetSpent` where not even one claim can be paid of it, `NotAllowedYet` (`token`, `closed`),
    `NotFound`, `InsufficientFunds`, `OutcomeUnknown` and `ServiceUnavailable`.
    """
    step = await step_of(
        backend,
        contract_address,
        budget=budget,
        vouched=vouched,
        selection=selection,
    )
    return await step.taken(backend, key=key, wait=wait)


async def step_of(
    backend: Backend,
    contract_address: ContractAddress,
    *,
    budget: Budget,
    vouched: Collection[AssetId],
    selection: Selection = EVERYTHING,
    stopping: Callable[[], bool] = lambda: False,
) -> Step:
    """A step that can be taken again and again: the schedule is read once."""
    backend = select_version(backend, contract_address.payment.hash)
    name = await identify(backend, contract_address)
    return Step(
        distribution_name=name,
        budget=budget,
        vouched=frozenset(vouched),
        selection=selection,
        stopping=stopping,
    )


@dataclass(kw_only=True)
class Step(DistributionCommand[Paid]):
    """What can be paid now in a distribution. `stopping` is asked between transactions."""

    name = "relay"
    rehearses = False
    budget: Budget
    vouched: frozenset[AssetId]
    selection: Selection
    stopping: Callable[[], bool]
    distribution: Distribution | None = None
    state: DistributionState | None = None
    left_out: Sequence[LeftOut] = ()
    builds: int = 0

    async def taken(self, backend: Backend, *, key: PaidBy, wait: bool = False) -> Paid:
        """Takes the step, and reports on it."""
        backend = select_version(backend, self.distribution_name.payment.hash)
        self.builds = 0
        return await perform(backend, self, key=key, wait=wait)

    async def in_blocks(self, backend: Backend) -> OnChain:
        """The distribution as blocks have it."""
        backend = select_version(backend, self.distribution_name.payment.hash)
        return await read_on_chain(backend, self.distribution_name)

    async def is_paid(self, backend: Backend) -> bool:
        """Whether blocks have all payments."""
        known = () if self.distribution is None else self.distribution.allocations
        return (await self.in_blocks(backend)).claimed().issuperset(known)

    async def pages(self, backend: Backend) -> int:
        """How many pages are still open."""
        return len((await self.in_blocks(backend)).vaults)

    async def build(self, run: Run) -> AsyncIterator[SubmissionRequest]:
        """Confirmations first, then releases, until the mempool is full or the relay is to stop."""
        backend, self.left_out = run.backend, ()
        self.builds += 1
        on_chain = must_be_open(await self.look(run))
        _must_be_vouched_for(on_chain.terms.token, self.vouched)
        if self.distribution is None:
            self.distribution = await known_distribution(backend, on_chain)
        self.state = await state_of(backend, on_chain)
        standing = self.state.standing(self.selection.among(self.distribution.allocations))
        sent = run.resume(lambda _: True)
        payable = standing.without(being_paid(each.submission for each in sent)).due
        proposals = list(self._due(on_chain, self.distribution))
        if not (payable or proposals) or self.stopping():
            return
        context = await run.context()
        if fills_the_mempool(run, context.parameters):
            return
        for live in proposals:
            request = await self._confirming(run, context, on_chain, live)
            if request is not None:
                yield request
                context = context.after(request.transaction)
        async for request in self._releasing(run, context, on_chain, payable):
            yield request

    async def _releasing(
        self,
        run: Run,
        context: BuildContext,
        on_chain: OpenDistribution,
        payable: Mapping[int, Kind],
    ) -> AsyncIterator[SubmissionRequest]:
        if self.distribution is None or not payable:
            return
        builder = ReleaseBuilder(
            context,
            on_chain,
            self.distribution,
            whole=False,
            lanes=MOST_LANES,
            lost=run.lost,
            as_funds_allow=True,
            permit=self.budget.permit(run.backend, run.chain),
        )
        async with aclosing(builder.releases(payable)) as releases:
            async for release in releases:
                yield request_of(release, self.budget.charge(release.transaction))
                if self.stopping() or fills_the_mempool(run, context.parameters):
                    break
        self.left_out = builder.left_out
        run.warnings += builder.warnings

    def _due(
        self, on_chain: OpenDistribution, distribution: Distribution
    ) -> Iterator[LiveProposal]:
        """Proposals that can be confirmed, one of each milestone that somebody waits for."""
        now = 0 if self.state is None else self.state.time.now_posix_ms
        waited_for = {*distribution.allocations.milestones()} - on_chain.attested()
        for live in on_chain.proposals:
            milestone = live.proposal.milestone_identifier
            if milestone in waited_for and proposal_state(live.proposal, now) != "under_review":
                waited_for.discard(milestone)
                yield live

    async def _confirming(
        self, run: Run, context: BuildContext, on_chain: OpenDistribution, live: LiveProposal
    ) -> SubmissionRequest | None:
        """None where the chain would refuse it, which is only warned of: claims are paid all the same."""
        try:
            request = await confirmation(context, on_chain, live)
        except (ChainRejected, InvalidInput, NotAllowedYet) as error:
            run.warnings.append(
                f"the proposal {live.utxo.reference} is not confirmed: {error.message}"
            )
            return None
        return replace(request, charge=self.budget.charge(request.transaction), lane=-1)

    def report(self, run: Run) -> Paid:
        """What this step has sent, and what it found."""
        return Paid(
            contract_address=self.distribution_name.address,
            transactions=payments_in(run, self.distribution),
            unpaid_count=self._unpaid(run),
            pending_count=sum(e.status == "submitted" for e in run.transactions.values()),
            left_out=()
            if self.distribution is None
            else not_paid(self.left_out, self.distribution),
            rebuilt_count=self.builds - 1,
        )

    def _unpaid(self, run: Run) -> int:
        """Allocations that neither the chain nor a transaction of this step pays."""
        if self.distribution is None or self.state is None:
            return 0
        paid = {i for each in run.transactions.values() for i in allocations_in(each.submission)}
        known = self.distribution.allocations
        return len(known) - sum(index in known for index in paid | self.state.claimed)


def _must_be_vouched_for(token: AssetId, vouched: Collection[AssetId]) -> None:
    if token == LOVELACE or token in vouched:
        return
    raise NotAllowedYet(
        "token",
        f"nobody vouches for the token {token}, and each payout of it costs ADA that its beneficiary keeps",
        hint=f"if it is worth that, vouch for it with --token {token}",
        details={"token": str(token)},
    )
