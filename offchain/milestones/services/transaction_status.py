"""`transaction`: where a submitted transaction stands."""

from __future__ import annotations

from typing import Literal

from milestones.errors import InvalidInput
from milestones.services.backend import Backend, require_network, staleness
from milestones.services.distribution.knowledge import recovery_warnings
from milestones.services.results import Result
from milestones.services.submitting.standing import Standing, standing_of
from milestones.storage.submission import Submission

TransactionPlace = Literal["unknown", "in_mempool", "in_block", "rejected_for_ever"]


class TransactionStatus(Result):
    """Where a transaction stands.

    `slot` and `block` (the header's hash) are those of its block, `depth` the number of blocks after it.
    `rejected_for_ever`: it can never be included any more, and what it spent can be spent anew. `command`
    is the one of this program that made it, where the journal knows.
    """

    transaction_hash: str
    status: TransactionPlace
    slot: int | None = None
    block: str | None = None
    depth: int | None = None
    reason: str = ""
    command: str | None = None


async def transaction_status(backend: Backend, transaction_hash: str) -> TransactionStatus:
    """Looks in the index, the mempool and the journal. Raises `InvalidInput` for what is no id.

    A transaction that nobody knows is a status, not an error. The index knows blocks, not
    transactions: one that pays none of the addresses it watches is never found there.
    """
    transaction_id = _identifier(transaction_hash)
    await require_network(backend)
    warnings = await staleness(backend)
    standing = await standing_of(backend, transaction_id)
    submission = backend.storage.journal.find(transaction_id)
    return TransactionStatus(
        transaction_hash=transaction_id,
        status="rejected_for_ever" if standing.place == "never" else standing.place,
        slot=standing.point.slot if standing.point else None,
        block=standing.point.header_hash.hex() if standing.point else None,
        depth=standing.depth,
        reason=_reason(standing, submission),
        command=submission.command if submission else None,
        warnings=(*warnings, *recovery_warnings(backend)),
    )


def _identifier(text: str) -> str:
    identifier = text.strip().lower()
    if len(identifier) != 64 or not set(identifier) <= set("0123456789abcdef"):
        raise InvalidInput(
            f"{text[:80]!r} is not a transaction id",
            path="transaction_hash",
            hint="give the 64 hexadecimal digits of `transaction_hash`",
        )
    return identifier


def _reason(standing: Standing, submission: Submission | None) -> str:
    if standing.place == "in_block" or submission is None or standing.reason:
        return standing.reason
    return submission.history[-1].note
