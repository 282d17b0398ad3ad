"""What `submit-release` tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from milestones.domain.claims import ClaimState
from milestones.domain.reading import AddressField
from milestones.domain.models import Allocation
from milestones.services.results import Result, View
from milestones.services.sending.submission import SubmissionState
from milestones.services.submit_release.blame import LeftOut
from milestones.services.submit_release.plan import Batch
from milestones.transactions.signing import SignedTransaction


class PaidAllocation(View):
    """An allocation that a transaction of this command pays. `token_amount` in the smallest unit."""

    beneficiary_index: int
    beneficiary_address: AddressField
    token_amount: int
    milestone_identifier: str
    transaction_hash: str


class SkippedAllocation(View):
    """An allocation of the kind asked for that can't be paid now, and why."""

    beneficiary_index: int
    token_amount: int
    milestone_identifier: str
    reason: str

    @classmethod
    def of(cls, state: ClaimState) -> SkippedAllocation:
        """From its state."""
        return cls(
            beneficiary_index=state.index,
            token_amount=state.allocation.token_amount,
            milestone_identifier=state.allocation.milestone_identifier,
            reason=state.reason,
        )


class LeftOutAllocation(SkippedAllocation):
    """An allocation that is due, but that the chain would not pay; `code` is that of its error."""

    code: str

    @classmethod
    def from_error(cls, left_out: LeftOut) -> LeftOutAllocation:
        """From what was found out about it."""
        state, error = left_out.state, left_out.error
        return cls(
            beneficiary_index=state.index,
            token_amount=state.allocation.token_amount,
            milestone_identifier=state.allocation.milestone_identifier,
            reason=error.message,
            code=error.code,
        )


class ReleaseTransaction(View):
    """One transaction: fee, collateral and what it adds to the payouts in lovelace, size in bytes.

    `attested` is the milestone that it puts on the chain as well. `resumed` says that an earlier run of
    the command had sent it.
    """

    transaction_hash: str
    status: SubmissionState
    allocations: tuple[int, ...]
    attested: str | None
    fee_lovelace: int
    collateral_lovelace: int
    deposits_lovelace: int
    size: int
    memory: int
    cpu: int
    resumed: bool = False

    @classmethod
    def of(
        cls, signed: SignedTransaction, batch: Batch, *, deposits_lovelace: int
    ) -> ReleaseTransaction:
        """One that was just built."""
        return cls(
            transaction_hash=signed.id.hex(),
            status="dry_run",
            allocations=batch.indices,
            attested=batch.attests,
            fee_lovelace=signed.fee_lovelace,
            collateral_lovelace=signed.collateral_lovelace,
            deposits_lovelace=deposits_lovelace,
            size=signed.size,
            memory=signed.units.memory,
            cpu=signed.units.cpu,
        )

    def now(self, status: SubmissionState) -> ReleaseTransaction:
        """The same with another status."""
        return self.model_copy(update={"status": status})


class ReleaseReport(Result):
    """The first transaction, and all of them under `transactions`.

    `fee_estimate` is what all transactions cost together and `collateral_amount` the most that one puts
    at stake; both in lovelace, like `deposits_lovelace`, the ADA that goes with the tokens. `attested`
    says whether a transaction puts oracles' signatures on the chain too. `claimed_before` counts the
    allocations of the kind asked for that had been paid already. `skipped` are not due yet; `left_out` are
    due and were not paid, because the chain would refuse them.
    """

    transaction_hash: str
    status: SubmissionState
    fee_estimate: int
    collateral_amount: int
    deposits_lovelace: int
    contract_address: AddressField
    attested: bool
    paid_token_amount: int
    claimed_before: int
    paid: tuple[PaidAllocation, ...]
    skipped: tuple[SkippedAllocation, ...]
    left_out: tuple[LeftOutAllocation, ...] = ()
    transactions: tuple[ReleaseTransaction, ...]


def report_of(
    transactions: tuple[ReleaseTransaction, ...],
    skipped: Iterable[ClaimState],
    left_out: Iterable[LeftOut],
    *,
    allocations: Mapping[int, Allocation],
    **facts: Any,
) -> ReleaseReport:
    """The report on at least one transaction; `facts` are its remaining fields."""
    paid = tuple(
        PaidAllocation(
            beneficiary_index=index,
            beneficiary_address=allocations[index].beneficiary_address,
            token_amount=allocations[index].token_amount,
            milestone_identifier=allocations[index].milestone_identifier,
            transaction_hash=transaction.transaction_hash,
        )
        for transaction in transactions
        for index in transaction.allocations
        if index in allocations
    )
    left = list(skipped)
    return ReleaseReport(
        transaction_hash=transactions[0].transaction_hash,
        status=_together(transactions),
        fee_estimate=sum(transaction.fee_lovelace for transaction in transactions),
        collateral_amount=max(transaction.collateral_lovelace for transaction in transactions),
        deposits_lovelace=sum(transaction.deposits_lovelace for transaction in transactions),
        attested=any(transaction.attested for transaction in transactions),
        paid_token_amount=sum(allocation.token_amount for allocation in paid),
        claimed_before=sum(state.status == "claimed" for state in left),
        paid=paid,
        skipped=tuple(SkippedAllocation.of(s) for s in left if s.status != "claimed"),
        left_out=tuple(map(LeftOutAllocation.from_error, left_out)),
        transactions=transactions,
        **facts,
    )


def _together(transactions: tuple[ReleaseTransaction, ...]) -> SubmissionState:
    states = {transaction.status for transaction in transactions}
    return states.pop() if len(states) == 1 else "submitted"
