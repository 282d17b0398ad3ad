"""`transaction`: what has become of a submitted transaction."""

from __future__ import annotations

from milestones.cardano.outputs import TransactionId
from milestones.domain.models import TransactionStatus
from milestones.services.backend import Backend, require_network, staleness, storage_warnings
from milestones.services.results import Result
from milestones.services.sending.tracking import state_of
from milestones.storage.submission import Purpose


class TransactionReport(Result):
    """What has become of a transaction.

    `confirmed`: a block has it, whose `slot` and `block` (the header's hash) are given, and `depth`, the
    number of blocks after it. `submitted`: the mempool has it. `rejected` and `expired`: it can never be
    included any more, and what it spent can be spent anew. `unknown`: nobody has it now. `command` is the
    one of this program that made it, and `purpose` what it was built for, where the journal knows.
    """

    transaction_hash: str
    status: TransactionStatus
    slot: int | None = None
    block: str | None = None
    depth: int | None = None
    reason: str = ""
    command: str | None = None
    purpose: Purpose | None = None


async def transaction_status(backend: Backend, transaction_hash: str) -> TransactionReport:
    """Looks in the index, the mempool and the journal. Raises `InvalidInput` for what is no id.

    A transaction that nobody knows is a status, not an error. The index knows blocks, not
    transactions: one that pays none of the addresses it watches is never found there.
    """
    transaction_id = str(TransactionId.parse(transaction_hash))
    await require_network(backend)
    warnings = await staleness(backend)
    state = await state_of(backend, transaction_id)
    submission = backend.storage.journal.find(transaction_id)
    reason = state.reason
    if not reason and submission is not None and state.status != "confirmed":
        reason = submission.history[-1].note
    return TransactionReport(
        transaction_hash=transaction_id,
        status=state.status,
        slot=state.point.slot if state.point else None,
        block=state.point.header_hash.hex() if state.point else None,
        depth=state.depth,
        reason=reason,
        command=submission.command if submission else None,
        purpose=submission.purpose if submission else None,
        warnings=(*warnings, *storage_warnings(backend)),
    )
