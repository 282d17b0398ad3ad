"""`submit-release`: pays allocations out of the vaults, whoever asks for it.

Every rule is checked before anything is signed. Where somebody else spends a vault first, the
transactions are rebuilt on the new one, as long as the allocations are still unpaid.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field, replace

from milestones.cardano.value import Value
from milestones.domain.claims import ClaimState
from milestones.errors import NotAllowedYet
from milestones.protocol.claim_file import ClaimFile
from milestones.protocol.distribution import ContractAddress, Distribution
from milestones.services.backend import Backend, select_version
from milestones.services.distribution.history import history_of
from milestones.services.distribution.naming import identify
from milestones.services.distribution.on_chain import OpenDistribution, paying_in
from milestones.services.distribution.schedule_source import known_distribution
from milestones.services.distribution.signatures import shortfall
from milestones.services.distribution.state import state_of
from milestones.services.paying.builder import ReleaseBuilder
from milestones.services.paying.lanes import MOST_LANES
from milestones.services.paying.left_out import LeftOut
from milestones.services.paying.plan import Chosen, Selection, choose, must_agree, must_be_there
from milestones.services.paying.releasing import allocations_in, being_paid, requests
from milestones.services.preflight import must_be_open, why_not
from milestones.services.registered_token import amount_of
from milestones.services.sending.payer import PaidBy
from milestones.services.sending.run import Run, SubmissionRequest
from milestones.services.sending.runner import DistributionCommand, perform
from milestones.services.submit_release.report import ReleaseReport, report_of
from milestones.storage.submission import ReleasePayload, Submission
from milestones.transactions.places import amount_in_words


async def submit_release(
    backend: Backend,
    *,
    contract_address: ContractAddress,
    key: PaidBy,
    selection: Selection,
    claim_file: ClaimFile | None = None,
    dry_run: bool = False,
    wait: bool = False,
) -> ReleaseReport:
    """Pays the selected allocations with the key's ADA, in as many transactions as it takes.

    Where the oracles' quorum is at hand but not on the chain, the same transaction attests. A run that
    was cut off is finished: nothing is paid twice. Of a kind, all that the chain would pay is paid, and
    the rest named; what is named by its index is paid as a whole or not at all. Raises `NotAllowedYet`
    (`closed`, `claimed`, `vesting`, `quorum`, `min_ada`), `NotFound`, `InvalidInput`, `InsufficientFunds`,
    `LimitsExceeded`, `ChainRejected`, `OutcomeUnknown` and `ServiceUnavailable`.
    """
    must_agree(selection)
    backend = select_version(backend, contract_address.payment.hash)
    name = await identify(backend, contract_address)
    command = _SubmitRelease(
        distribution_name=name,
        selection=selection,
        claim_file=claim_file,
    )
    return await perform(backend, command, key=key, dry_run=dry_run, wait=wait)


@dataclass(kw_only=True)
class _SubmitRelease(DistributionCommand[ReleaseReport]):
    """All payouts that were asked for, and what is known of those that are not made."""

    name = "submit-release"
    selection: Selection
    claim_file: ClaimFile | None
    distribution: Distribution | None = None
    chosen: Chosen = field(default_factory=Chosen)
    left_out: Sequence[LeftOut] = ()

    async def build(self, run: Run) -> AsyncIterator[SubmissionRequest]:
        """Looks and chooses; what is named is built as a whole before any of it is sent."""
        backend = run.backend
        on_chain = must_be_open(await self.look(run))
        distribution = await known_distribution(backend, on_chain, claim_file=self.claim_file)
        self.distribution, self.left_out = distribution, ()
        must_be_there(self.selection, distribution)
        state = await state_of(backend, on_chain)
        standing = state.standing(self.selection.among(distribution.allocations))
        sent = run.resume(lambda submission: self._was_asked_for(submission, distribution))
        whole = bool(self.selection.indices)
        self.chosen = chosen = choose(
            standing, strict=whole, ours=being_paid(each.submission for each in sent)
        )
        if chosen.refused is not None:
            (refused,) = state.claim_states(distribution, [chosen.refused])
            raise await _refusal(run, on_chain, refused)
        if not chosen.payable:
            return
        builder = ReleaseBuilder(
            await run.context(),
            on_chain,
            distribution,
            whole,
            lanes=1 if whole else MOST_LANES,
            lost=run.lost,
            as_funds_allow=not whole and run.gift is None,
        )
        releases = builder.releases(chosen.payable)
        total = await _total(backend, distribution, chosen.payable)
        async for request in requests(releases, run, builder.context.parameters):
            yield replace(request, meaning=(total, _costs(request, len(chosen.payable))))
        self.left_out = builder.left_out
        if self.left_out and not builder.built and not sent:
            raise self.left_out[0].error
        run.warnings += builder.warnings

    def _was_asked_for(self, submission: Submission, distribution: Distribution) -> bool:
        known = distribution.allocations
        return any(
            index in known and self.selection.includes(index, known[index])
            for index in allocations_in(submission)
        )

    def report(self, run: Run) -> ReleaseReport:
        """All transactions, those of earlier runs included, and what they don't pay."""
        return report_of(
            run,
            chosen=self.chosen,
            left_out=self.left_out,
            distribution=self.distribution,
            token=self.on_chain.terms.token,
            contract_address=self.distribution_name.address,
        )


async def _total(backend: Backend, distribution: Distribution, payable: Collection[int]) -> str:
    """What is to be paid in all, and to how many."""
    table = distribution.allocations
    total = sum(each.amount for each in table.totals_of(payable).values())
    payments = f"{len(payable):,} payment{'s' if len(payable) > 1 else ''}"
    return (
        f"makes {payments} to {table.people_of(payable):,} of the beneficiaries,"
        f" {await amount_of(backend, distribution.token, total)} in all"
    )


def _costs(first: SubmissionRequest, count: int) -> str:
    """What the first transaction costs whoever pays, and how many of the payments it makes."""
    fee, payload = amount_in_words(Value(first.transaction.fee_lovelace)), first.payload
    costs = f"costs {fee} of fees"
    if isinstance(payload, ReleasePayload):
        costs += f", and {amount_in_words(Value(payload.deposits_lovelace))} that go along and stay theirs"
        if payload.allowance_lovelace:
            costs += (
                f"; {amount_in_words(Value(payload.allowance_lovelace))} come back as an allowance"
            )
        if len(payload.allocations) < count:
            made = len(payload.allocations)
            costs = f"the first transaction makes {made:,} of them and {costs}; others follow"
    return costs


async def _refusal(run: Run, on_chain: OpenDistribution, state: ClaimState) -> NotAllowedYet:
    """The rule that forbids it, with what there is to know about it."""
    backend = run.backend
    paid_by = waiting = None
    if state.status == "claimed":
        claims = (await history_of(backend, on_chain)).claims
        found = [c.transaction_id for c in claims if c.index == state.index]
        paid_by = next((each.hex() for each in reversed(found) if each is not None), None)
        waiting = paying_in(run.mempool, on_chain, backend.contract, state.index)
    return why_not(
        state,
        lack=shortfall(backend, on_chain, state.allocation.milestone_identifier),
        quorum_threshold=on_chain.sitting.quorum_threshold,
        paid_by=paid_by or waiting,
        paid_in_block=paid_by is not None or waiting is None,
    )
