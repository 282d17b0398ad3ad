"""What the demo reports at its end: one object, which `milestones demo --json` prints."""

from __future__ import annotations

from typing import Literal

from milestones.demo.figures import Books, TransactionFigures
from milestones.domain.reading import AddressField, HexField
from milestones.errors import ChainRejected, MilestonesError
from milestones.services.check_status.report import StatusReport
from milestones.services.results import Result, View


class Refusal(View):
    """Something that was tried and refused: by the program before signing, or by the chain."""

    attempt: str
    refused_by: Literal["program", "chain"]
    code: str
    message: str


def refused_by_program(attempt: str, error: MilestonesError) -> Refusal:
    """A check before the signature."""
    rule = error.details.get("rule", error.code)
    return Refusal(attempt=attempt, refused_by="program", code=str(rule), message=error.message)


def refused_by_chain(attempt: str, error: ChainRejected) -> Refusal:
    """The ledger or the contract; `code` is Ogmios'."""
    code = str(error.rejection_code)
    return Refusal(attempt=attempt, refused_by="chain", code=code, message=error.message)


class ProposedMilestone(View):
    """A milestone that the oracles were silent about and somebody proposed, and what became of it.

    Its bond went to `bond_to`; `tokens_paid` is what beneficiaries got for it, in the smallest unit.
    """

    milestone_identifier: str
    outcome: Literal["confirmed", "stopped"]
    review_period_seconds: int
    bond_lovelace: int
    bond_to: AddressField
    tokens_paid: int


class OracleReplaced(View):
    """The board that came after, and the milestone that it attested with the new oracle's signature."""

    sequence: int
    left: AddressField
    came: AddressField
    milestone_identifier: str
    signers: tuple[AddressField, ...]


class PaidInGrace(View):
    """What a relayer paid between the notice and the end, and what was left of the allowance for it.

    `earned_lovelace` is the allowance without the deposits of the payouts and the fee.
    """

    allocations: int
    tokens: int
    allowance_lovelace: int
    deposits_lovelace: int
    fee_lovelace: int
    earned_lovelace: int


class Returned(View):
    """What was left at the end, and where the terms sent it."""

    refund_address: AddressField
    lovelace: int
    tokens: int


class CancelledProject(View):
    """The second project: silent reviewers, an objection, a lost oracle, a notice and the end of it."""

    contract_address: AddressField
    distribution_id: HexField
    proposals: tuple[ProposedMilestone, ...]
    oracle_replaced: OracleReplaced
    grace_seconds: int
    paid_in_grace: PaidInGrace
    returned: Returned


class Summary(Result):
    """The whole story in figures; `refusals`, `transactions` and `books` are of both projects.

    What stands beside them is of the first project, which goes well; `cancelled` is the second.
    """

    contract_address: str
    distribution_id: str
    beneficiary_count: int
    milestone_count: int
    oracle_count: int
    quorum_threshold: int
    refusals: tuple[Refusal, ...]
    status_before_closing: StatusReport
    transactions: tuple[TransactionFigures, ...]
    deposits_returned_lovelace: int
    cancelled: CancelledProject
    books: Books
    books_balance: bool
    seconds: float
