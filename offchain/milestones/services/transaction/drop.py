"""`transaction drop`: a transaction that waits for signatures is given up, and what it needs is free again."""

from __future__ import annotations

from milestones.cardano.outputs import TransactionId
from milestones.errors import NotAllowedYet, NotFound
from milestones.services.backend import Workspace, now_posix_ms, storage_warnings
from milestones.services.results import Result
from milestones.storage.submission import Submission


class TransactionDropped(Result):
    """What was given up. Whoever has its file and all signatures can send it all the same."""

    transaction_hash: str
    command: str
    valid_until_slot: int | None


def drop_transaction(workspace: Workspace, transaction_hash: str) -> TransactionDropped:
    """Gives up a transaction (id in hexadecimal) that was handed out to be signed. Asks no service.

    What it needs can be spent otherwise then, which makes it void for good. Raises `NotFound` where the
    journal doesn't know it, and `NotAllowedYet` (`sent`) where it isn't waiting for signatures any more.
    """
    journal = workspace.storage.journal
    submission = _waiting(
        journal.find(str(TransactionId.parse(transaction_hash))), transaction_hash
    )
    journal.mark(submission.transaction_id, "dropped", at_posix_ms=now_posix_ms(), note="given up")
    return TransactionDropped(
        transaction_hash=submission.transaction_id,
        command=submission.command,
        valid_until_slot=submission.valid_until_slot,
        warnings=(
            "whoever has all signatures can send it until something else spends what it spends",
            *storage_warnings(workspace),
        ),
    )


def _waiting(submission: Submission | None, transaction_hash: str) -> Submission:
    if submission is None:
        raise NotFound(
            f"the journal doesn't know transaction {transaction_hash}",
            hint="give the hash that the command reported, in the same data directory",
        )
    if submission.status != "waiting_for_signatures":
        raise NotAllowedYet(
            "sent",
            f"it waits for no signatures: it is {submission.status}",
            hint=f"see where it stands: `milestones transaction {submission.transaction_id}`",
        )
    return submission
