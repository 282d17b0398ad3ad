"""What earlier runs have left open: finished, sent again, or given up. Nothing is done twice.

A transaction is given up only once it is certain that no block has it: the index must have read all that
the node has. It is looked for again as long as a rollback could take it away and bring it back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from milestones.clients.rejections import inputs_are_spent
from milestones.errors import ChainRejected, OutcomeUnknown, ServiceOutOfSync
from milestones.services.backend import Backend, chain_of
from milestones.services.submitting.standing import (
    find_block,
    now_posix_ms,
    wait_for_index,
    whereabouts,
)
from milestones.storage.submission import Submission


@dataclass(frozen=True, slots=True)
class Earlier:
    """A transaction that an earlier run sent, and of which that run did not learn what became of it."""

    submission: Submission
    in_block: bool


async def earlier_submissions(
    backend: Backend, *, command: str, distribution_id: bytes | None
) -> list[Earlier]:
    """What earlier runs of the same command left open: in a block by now, or on its way. Oldest first.

    What was lost is sent again first, other commands' transactions too, whose change it may spend: that is
    how a command that was cut off is finished.
    """
    found = []
    for submission, in_block in await send_again_what_is_lost(backend):
        if not submission.is_of(None, distribution_id, command):
            continue
        if not in_block:
            found.append(Earlier(submission, in_block))
        elif submission.is_pending:
            _mark(backend, submission, "confirmed", "in a block")
            found.append(Earlier(submission, in_block))
    return found


async def still_pending(
    backend: Backend, *, command: str, distribution_id: bytes | None
) -> list[Submission]:
    """Those of the `earlier_submissions` that no block has yet."""
    earlier = await earlier_submissions(backend, command=command, distribution_id=distribution_id)
    return [each.submission for each in earlier if not each.in_block]


async def on_its_way(backend: Backend) -> list[Submission]:
    """What is in the journal and in the mempool: its inputs are gone, its change will be there."""
    return [
        submission
        for submission in await _unsettled(backend)
        if await whereabouts(backend, submission) == "in_mempool"
    ]


async def send_again_what_is_lost(backend: Backend) -> list[tuple[Submission, bool]]:
    """Sends again, or gives up, what is nowhere; the rest, oldest first, each with whether a block has it.

    Else its change would be missing, or it would come back when it has been replaced.
    """
    found = []
    for submission in await _unsettled(backend):
        place = await whereabouts(backend, submission)
        if place == "expired":
            note = f"slot {submission.valid_until_slot} passed"
            _mark(backend, submission, "expired", note)
        elif place != "nowhere" or await _is_taken_again(backend, submission):
            found.append((submission, place == "in_block"))
    return found


async def _unsettled(backend: Backend) -> list[Submission]:
    tip = await backend.ogmios.network_tip()
    journal, chain = backend.storage.journal, await chain_of(backend)
    return journal.unsettled(tip.slot if tip else 0, chain)


async def _is_taken_again(backend: Backend, submission: Submission) -> bool:
    try:
        await send_bytes(backend, submission.transaction_id, submission.transaction_cbor)
    except ChainRejected:
        return False
    return True


async def send_bytes(backend: Backend, transaction_id: str, transaction_cbor: bytes) -> None:
    """Sends what the journal holds already, and writes down what came of it."""
    journal = backend.storage.journal
    try:
        try:
            await backend.ogmios.submit(transaction_cbor)
        except ChainRejected as error:
            if not (inputs_are_spent(error) and await _is_in_already(backend, transaction_id)):
                journal.mark(
                    transaction_id, "rejected", at_posix_ms=now_posix_ms(), note=error.message
                )
                raise
    except OutcomeUnknown as error:
        journal.mark(transaction_id, "unknown", at_posix_ms=now_posix_ms(), note=error.reason)
        raise
    journal.mark(transaction_id, "submitted", at_posix_ms=now_posix_ms())


async def _is_in_already(backend: Backend, transaction_id: str) -> bool:
    """Whether it is this transaction itself that has spent its inputs."""
    if await backend.ogmios.has_transaction(transaction_id):
        return True
    try:
        await wait_for_index(backend)
    except ServiceOutOfSync as error:
        reason = f"its inputs are spent, perhaps by itself: {error.message}"
        raise OutcomeUnknown(transaction_id, reason) from error
    return await find_block(backend, transaction_id) is not None


def _mark(
    backend: Backend, submission: Submission, status: Literal["confirmed", "expired"], note: str
) -> None:
    backend.storage.journal.mark(
        submission.transaction_id, status, at_posix_ms=now_posix_ms(), note=note
    )
