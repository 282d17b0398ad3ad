"""What the demo reports at its end: one object, which `milestones demo --json` prints."""

from __future__ import annotations

from typing import Literal

from milestones.demo.figures import Books, TransactionFigures
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


class Summary(Result):
    """The whole story in figures."""

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
    books: Books
    books_balance: bool
    seconds: float
