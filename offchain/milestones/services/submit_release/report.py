"""What `submit-release` reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from milestones.cardano.address import Address
from milestones.cardano.value import AssetId
from milestones.domain.claims import ClaimState
from milestones.domain.models import Allocation, TransactionStatus
from milestones.domain.reading import AddressField, HexField
from milestones.services.paying.builder import LeftOut
from milestones.services.results import View
from milestones.services.sending.reports import (
    CommandTransaction,
    SentResult,
    TransactionView,
    transaction_fields,
)
from milestones.services.sending.run import Run
from milestones.storage.submission import ReleasePayload


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


class ReleaseTransaction(TransactionView):
    """One transaction. `deposits_lovelace` is what it adds to the payouts, `allowance_lovelace` what it takes.

    `attested_milestone` is the milestone that it puts on the chain as well, if it does.
    """

    beneficiary_indices: tuple[int, ...]
    attested_milestone: str | None
    deposits_lovelace: int
    allowance_lovelace: int = 0

    @classmethod
    def of(cls, sent: CommandTransaction) -> ReleaseTransaction:
        """From what the journal keeps of it."""
        payload = sent.submission.payload
        known = payload if isinstance(payload, ReleasePayload) else None
        return cls(
            **transaction_fields(sent),
            beneficiary_indices=known.allocations if known else (),
            attested_milestone=known.attested if known else None,
            deposits_lovelace=known.deposits_lovelace if known else 0,
            allowance_lovelace=known.allowance_lovelace if known else 0,
        )


class ReleaseReport(SentResult):
    """The first transaction, and all of them under `transactions`; none where all were paid before.

    `fee_estimate` is what all transactions cost together and `collateral_amount` the most that one puts
    at stake; both in lovelace, like `deposits_lovelace`, the ADA that goes with the tokens, and
    `allowance_lovelace`, what the payer takes out of the vaults for it. `attested` says whether a
    transaction puts oracles' signatures on the chain too. `claimed_before` counts the allocations of the
    kind asked for that had been paid already. `skipped` are not due yet; `left_out` are due and were not
    paid, because the chain would refuse them.
    """

    rows_in = "paid"

    transaction_hash: str | None
    status: TransactionStatus | Literal["all_paid"]
    fee_estimate: int
    collateral_amount: int
    deposits_lovelace: int
    allowance_lovelace: int
    contract_address: AddressField
    attested: bool
    token_policy_id: HexField
    token_name: HexField
    paid_token_amount: int
    claimed_before: int
    paid: tuple[PaidAllocation, ...]
    skipped: tuple[SkippedAllocation, ...]
    left_out: tuple[LeftOutAllocation, ...] = ()
    transactions: tuple[ReleaseTransaction, ...]


def report_of(
    run: Run,
    *,
    skipped: Sequence[ClaimState],
    left_out: Iterable[LeftOut],
    allocations: Mapping[int, Allocation],
    token: AssetId,
    contract_address: Address,
) -> ReleaseReport:
    """The report on a run; without a transaction all that was asked for had been paid."""
    transactions = tuple(map(ReleaseTransaction.of, run.transactions.values()))
    paid = tuple(
        PaidAllocation(
            beneficiary_index=index,
            beneficiary_address=allocations[index].beneficiary_address,
            token_amount=allocations[index].token_amount,
            milestone_identifier=allocations[index].milestone_identifier,
            transaction_hash=transaction.transaction_hash,
        )
        for transaction in transactions
        for index in transaction.beneficiary_indices
        if index in allocations
    )
    return ReleaseReport(
        transaction_hash=transactions[0].transaction_hash if transactions else None,
        status=run.status if transactions else "all_paid",
        fee_estimate=sum(transaction.fee_lovelace for transaction in transactions),
        collateral_amount=max((each.collateral_lovelace for each in transactions), default=0),
        deposits_lovelace=sum(transaction.deposits_lovelace for transaction in transactions),
        allowance_lovelace=sum(transaction.allowance_lovelace for transaction in transactions),
        contract_address=contract_address,
        attested=any(transaction.attested_milestone for transaction in transactions),
        token_policy_id=token.policy_id,
        token_name=token.asset_name,
        paid_token_amount=sum(allocation.token_amount for allocation in paid),
        claimed_before=sum(state.status == "claimed" for state in skipped),
        paid=paid,
        skipped=tuple(SkippedAllocation.of(s) for s in skipped if s.status != "claimed"),
        left_out=tuple(map(LeftOutAllocation.from_error, left_out)),
        transactions=transactions,
    )
