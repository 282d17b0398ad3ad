"""What `relay` reports: of a step, and in the end."""

from __future__ import annotations

from typing import Literal

from milestones.domain.reading import AddressField
from milestones.protocol.distribution import Distribution
from milestones.services.paying.left_out import NotPaid
from milestones.services.paying.releasing import allocations_in
from milestones.services.results import Result
from milestones.services.sending.reports import SentResult, TransactionView, transaction_fields
from milestones.services.sending.run import Run
from milestones.storage.board_payloads import ConfirmationPayload

Ended = Literal["stopped", "budget_spent", "all_paid"]


class Payment(TransactionView):
    """A transaction of a step: the allocations that it pays, or the milestone whose proposal it confirms.

    `token_amount` is what they are together, in the smallest unit.
    """

    beneficiary_indices: tuple[int, ...] = ()
    token_amount: int = 0
    confirmed_milestone: str | None = None


class Paid(SentResult):
    """One step in one distribution: its transactions, those of earlier steps that are on their way included.

    `unpaid_count` counts the allocations that nothing pays yet, due or not; `pending_count` the transactions
    that no block has; `rebuilt_count` how often others were faster, and it was built again.
    """

    contract_address: AddressField
    transactions: tuple[Payment, ...]
    unpaid_count: int
    pending_count: int
    rebuilt_count: int
    left_out: tuple[NotPaid, ...] = ()


class Relayed(Result):
    """What a relay has done from its start to its end; amounts in lovelace.

    `ended`: it was asked to stop, its budget is spent, or all is paid that it was to pay. Counts, fees and what
    was added (ADA that goes with tokens, less allowances) are of its transactions that a block has or may
    bring, those included that it took up. `rebuilt_count` is how often others were faster. `spent_lovelace`
    is all that its book holds, of earlier runs too, `most_lovelace` what may be spent in all; None: no limit.
    """

    ended: Ended
    contract_addresses: tuple[str, ...]
    transaction_count: int
    claim_count: int
    confirmation_count: int
    fee_lovelace: int
    added_lovelace: int
    rebuilt_count: int
    book: str
    spent_lovelace: int
    most_lovelace: int | None


def payments_in(run: Run, distribution: Distribution | None) -> tuple[Payment, ...]:
    """What a run has sent, or taken up."""
    known = {} if distribution is None else distribution.allocations
    found = []
    for each in run.transactions.values():
        payload, indices = each.submission.payload, allocations_in(each.submission)
        found.append(
            Payment(
                **transaction_fields(each),
                beneficiary_indices=indices,
                token_amount=sum(known[i].token_amount for i in indices if i in known),
                confirmed_milestone=payload.milestone_identifier
                if isinstance(payload, ConfirmationPayload)
                else None,
            )
        )
    return tuple(found)
