"""From the journal into a block: bytes are sent, sent again where they were lost, and waited for.

The chain takes the same bytes at most once. So a lost answer is never taken for a failure, and what nobody has
can be sent again, unless somebody else has done the same meanwhile.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from milestones.cardano.slots import Point
from milestones.domain.models import TransactionStatus
from milestones.errors import (
    ChainRejected,
    InvalidConfiguration,
    MilestonesError,
    OutcomeUnknown,
    ServiceUnavailable,
)
from milestones.services.backend import Backend, now_posix_ms, tip_slot
from milestones.services.sending.contention import Contended
from milestones.services.sending.effects import Effect, done_by_another, effect_there
from milestones.services.sending.tracking import (
    TrackedSubmission,
    find_block,
    mark,
    mark_confirmed,
    track,
)
from milestones.services.sending.waiting import POLL_MOST_SECONDS, POLL_SECONDS, Gap, wait_for_index
from milestones.storage.submission import Submission

LOOK_AGAIN_SECONDS: Final = 30.0
"""How long a transaction is waited for before the mempool is asked whether it still has it."""
WAIT_SECONDS: Final = 7200
"""How long a transaction is waited for at most: as long as one is valid."""


async def take_up_unsettled(
    backend: Backend, chain: str, command: str, distribution_id: bytes | None
) -> list[TrackedSubmission]:
    """As `unsettled`, after what was lost was sent again, and what can't come any more given up.

    Else its change would be missing, or it would come back when it has been replaced. What a block has
    is written down by the command that sent it, which reports it; another command does so only once no
    rollback can take it away.
    """
    slot = await tip_slot(backend)
    found = []
    for tracked in await track(backend, backend.storage.journal.unsettled(slot, chain)):
        submission, status = tracked.submission, tracked.status
        limit = submission.valid_until_slot
        if status == "expired":
            mark(backend, submission, "expired", f"slot {limit} passed")
        elif status == "confirmed" and not submission.is_of(None, distribution_id, command):
            if limit is not None and slot >= limit:
                mark(backend, submission, "confirmed", "in a block")
        elif status != "unknown":
            found.append(tracked)
        elif await _is_taken_again(backend, submission):
            found.append(TrackedSubmission(submission, "submitted"))
    return found


async def _is_taken_again(backend: Backend, submission: Submission) -> bool:
    try:
        await send_again(backend, submission)
    except (ChainRejected, Contended):
        return False
    return True


async def send_again(backend: Backend, submission: Submission) -> None:
    """Sends a transaction of the journal that is nowhere, unless its effect is there by another's hand.

    The index must have read all blocks. Raises as `send_bytes`; `Contended` where it isn't sent: then the
    journal says so.
    """
    effect = Effect.of(submission.transaction_cbor, submission.purpose)
    if effect.names:
        mempool, since = await backend.ogmios.mempool(), submission.prepared_slot
        ours = backend.storage.journal.pending(submission.chain)
        there = await effect_there(
            backend,
            effect,
            mempool,
            since_slot=since,
            ours={bytes.fromhex(each.transaction_id) for each in ours},
        )
        if there is not None:
            note = f"not sent again: what it does is done, in {there}"
            mark(backend, submission, "rejected", note)
            raise Contended(note, done_by_another(there))
    await send_bytes(backend, submission.transaction_id, submission.transaction_cbor)


async def send_bytes(backend: Backend, transaction_id: str, transaction_cbor: bytes) -> None:
    """Sends what the journal holds already, and writes down what came of it.

    Raises `ChainRejected`, `ServiceUnavailable` (it was not sent) or `OutcomeUnknown`, also where it was
    sent and the journal can't be written any more.
    """
    # Before the first byte leaves: an interruption is reported with the id.
    backend.sent.append(transaction_id)
    try:
        try:
            await backend.ogmios.submit(transaction_cbor)
        except ChainRejected as error:
            if not (error.inputs_spent and await _is_in_already(backend, transaction_id)):
                raise
    except OutcomeUnknown as error:
        _note(backend, transaction_id, "unknown", error.reason)
        raise
    except ChainRejected as error:
        backend.sent.remove(transaction_id)
        _note(backend, transaction_id, "rejected", error.message)
        raise
    except ServiceUnavailable:
        backend.sent.remove(transaction_id)
        raise
    try:
        backend.storage.journal.mark(transaction_id, "submitted", at_posix_ms=now_posix_ms())
    except Exception as error:
        raise OutcomeUnknown.after(transaction_id, error) from error


def _note(backend: Backend, transaction_id: str, status: TransactionStatus, reason: str) -> None:
    """Writes down what came of it, where that can be written: else the next run finds it out anew."""
    with suppress(MilestonesError):
        backend.storage.journal.mark(
            transaction_id, status, at_posix_ms=now_posix_ms(), note=reason
        )


async def _is_in_already(backend: Backend, transaction_id: str) -> bool:
    """Whether it is this transaction itself that has spent its inputs."""
    try:
        if await backend.ogmios.in_mempool([transaction_id]):
            return True
        await wait_for_index(backend)
        return await find_block(backend, transaction_id) is not None
    except ServiceUnavailable as error:
        reason = f"its inputs are spent, perhaps by itself: {error.message}"
        raise OutcomeUnknown(transaction_id, reason) from error


async def see_through(
    backend: Backend, transaction_id: str, *, look_again_seconds: float = LOOK_AGAIN_SECONDS
) -> Point:
    """The block that has a transaction of the journal's, once there is one.

    A node forgets its mempool when it restarts, and drops what another transaction has displaced: from
    time to time the transaction is looked for, and sent again where it is nowhere. Services may fail for
    `GAP_SECONDS` in between. Raises `ChainRejected` if it can't come any more, and `OutcomeUnknown` when
    its time is up, or a service has failed for longer.
    """
    backend.waits(f"waiting for a block to have transaction {transaction_id}")
    submission = backend.storage.journal.find(transaction_id)
    until = asyncio.get_running_loop().time() + WAIT_SECONDS
    gap, looking = Gap(), Gap()
    while True:
        try:
            return await wait_for_block(
                backend, transaction_id, timeout_seconds=look_again_seconds, gap=gap
            )
        except InvalidConfiguration as error:
            raise OutcomeUnknown.after(transaction_id, error) from error
        except OutcomeUnknown:
            if submission is None or gap.is_final or asyncio.get_running_loop().time() > until:
                raise
        try:
            (tracked,) = await track(backend, [submission])
            if tracked.status in ("unknown", "expired"):
                await send_again(backend, submission)
            looking.close()
        except ServiceUnavailable as error:
            if not await looking.may_pass(error):
                raise OutcomeUnknown(transaction_id, error.message, taken=True) from error
        except OutcomeUnknown:
            # It was sent again, and may be there: so it is waited for.
            looking.close()


async def wait_for_block(
    backend: Backend,
    transaction_id: str,
    *,
    timeout_seconds: float = 600,
    gap: Gap | None = None,
) -> Point:
    """Waits until Kupo shows a transaction, which the node has taken, in a block.

    Raises `OutcomeUnknown` when time is up, or Kupo has failed for longer than `GAP_SECONDS`.
    """
    deadline = asyncio.get_running_loop().time() + timeout_seconds
    pause, gap = POLL_SECONDS, gap or Gap()
    while True:
        try:
            point = await find_block(backend, transaction_id)
            gap.close()
        except ServiceUnavailable as error:
            if not await gap.may_pass(error):
                raise OutcomeUnknown(transaction_id, error.message, taken=True) from error
            point = None
        if point is not None:
            mark_confirmed(backend, backend.storage.journal.find(transaction_id), point)
            return point
        if asyncio.get_running_loop().time() > deadline:
            reason = f"no block had it after {timeout_seconds:.0f} s"
            raise OutcomeUnknown(transaction_id, reason, taken=True)
        await asyncio.sleep(pause)
        pause = min(POLL_MOST_SECONDS, pause * 1.5)
