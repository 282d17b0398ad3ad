"""What `submit-release` reports."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from milestones.cardano.address import Address
from milestones.cardano.value import AssetId
from milestones.domain.models import TransactionStatus
from milestones.domain.reading import AddressField, HexField
from milestones.protocol.distribution import Distribution
from milestones.services.paying.left_out import LeftOut, NotDue, NotPaid, not_due, not_paid
from milestones.services.paying.plan import Chosen
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
    skipped: tuple[NotDue, ...]
    left_out: tuple[NotPaid, ...] = ()
    transactions: tuple[ReleaseTransaction, ...]


def report_of(
    run: Run,
    *,
    chosen: Chosen,
    left_out: Iterable[LeftOut],
    distribution: Distribution | None,
    token: AssetId,
    contract_address: Address,
) -> ReleaseReport:
    """The report on a run; without a transaction all that was asked for had been paid."""
    known = {} if distribution is None else distribution.allocations
    transactions = tuple(map(ReleaseTransaction.of, run.transactions.values()))
    paid = tuple(
        PaidAllocation(
            beneficiary_index=index,
            beneficiary_address=known[index].beneficiary_address,
            token_amount=known[index].token_amount,
            milestone_identifier=known[index].milestone_identifier,
            transaction_hash=transaction.transaction_hash,
        )
        for transaction in transactions
        for index in transaction.beneficiary_indices
        if index in known
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
        claimed_before=chosen.claimed_count,
        paid=paid,
        skipped=() if distribution is None else not_due(chosen.waiting, distribution),
        left_out=() if distribution is None else not_paid(left_out, distribution),
        transactions=transactions,
    )
