"""Where a transaction stands: in a block, in the mempool, on its way, or never going to be."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Final, Literal

from milestones.clients.chain_walk import RollForward
from milestones.clients.points import Point
from milestones.errors import NotFound, OutcomeUnknown, ServiceOutOfSync
from milestones.services.backend import Backend
from milestones.storage.submission import Submission

Place = Literal["in_block", "in_mempool", "unknown", "never"]
POLL_SECONDS: Final = 0.25
POLL_MOST_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Standing:
    """`point` and `depth` (0 is the newest block) for a transaction in a block; `reason` otherwise."""

    place: Place
    point: Point | None = None
    depth: int | None = None
    reason: str = ""


async def find_block(backend: Backend, transaction_id: str) -> Point | None:
    """The block that has the transaction, as far as Kupo has read; None if it knows of none."""
    matches = await backend.kupo.matches(f"*@{transaction_id}", resolve_hashes=False)
    return matches[0].created_at if matches else None


Whereabouts = Literal["in_block", "in_mempool", "nowhere", "expired"]
INDEX_PATIENCE_SECONDS: Final = 20.0
"""How long the index may take to read what the node has read already."""


async def whereabouts(
    backend: Backend,
    submission: Submission,
    *,
    patience_seconds: float = INDEX_PATIENCE_SECONDS,
) -> Whereabouts:
    """Where a transaction of ours is. `nowhere`: no block has it, and it can still be sent.

    Raises `ServiceOutOfSync` where neither the mempool has it nor the index has read all blocks: then it
    may be in one of them, and nothing may be concluded.
    """
    transaction_id, limit = submission.transaction_id, submission.valid_until_slot
    if await find_block(backend, transaction_id) is not None:
        return "in_block"
    if await backend.ogmios.has_transaction(transaction_id):
        return "in_mempool"
    tip = await wait_for_index(backend, timeout_seconds=patience_seconds)
    if await find_block(backend, transaction_id) is not None:
        return "in_block"
    return "nowhere" if limit is None or tip < limit else "expired"


async def standing_of(backend: Backend, transaction_id: str) -> Standing:
    """Where the transaction stands now. The journal is consulted, and brought up to date."""
    point = await find_block(backend, transaction_id)
    submission = backend.storage.journal.find(transaction_id)
    if point is not None:
        _mark(backend, submission, "confirmed", f"in the block at slot {point.slot}")
        return Standing("in_block", point, await _depth(backend, point))
    if await backend.ogmios.has_transaction(transaction_id):
        return Standing("in_mempool", reason="waiting for a block")
    if submission is None:
        return Standing("unknown", reason="neither the mempool, nor Kupo, nor the journal knows it")
    return await _fate(backend, submission)


async def _fate(backend: Backend, submission: Submission) -> Standing:
    """What becomes of a transaction of ours that is nowhere to be seen."""
    try:
        place = await whereabouts(backend, submission, patience_seconds=POLL_MOST_SECONDS)
    except ServiceOutOfSync as error:
        return Standing("unknown", reason=f"a block may have it: {error.reason}")
    if place in ("in_block", "in_mempool"):
        return await standing_of(backend, submission.transaction_id)
    if place == "expired":
        reason = f"it was valid until slot {submission.valid_until_slot}, which has passed"
        _mark(backend, submission, "expired", reason)
        return Standing("never", reason=reason)
    if submission.status == "rejected":
        return Standing("never", reason=submission.history[-1].note or "the chain refused it")
    left = {utxo.reference for utxo in await backend.ogmios.utxo(submission.inputs)}
    gone = [reference for reference in submission.inputs if reference not in left]
    if gone:
        return Standing(
            "unknown",
            reason=f"it spends {gone[0]}, which is not there: either its block has just come,"
            " or another transaction was faster",
        )
    return Standing("unknown", reason="it can still be submitted: run the same command again")


def _mark(
    backend: Backend,
    submission: Submission | None,
    status: Literal["confirmed", "expired"],
    note: str,
) -> None:
    if submission is not None and submission.status != status:
        backend.storage.journal.mark(
            submission.transaction_id, status, at_posix_ms=now_posix_ms(), note=note
        )


def now_posix_ms() -> int:
    """This machine's time, for the journal's history only: no rule depends on it."""
    return time.time_ns() // 1_000_000


async def _depth(backend: Backend, point: Point) -> int | None:
    """How many blocks came after this one; None if it was rolled back meanwhile."""
    try:
        async with backend.ogmios.walk_from([point]) as walk:
            tip = (await walk.next_block()).tip
            if tip is None:
                return None
            if tip.point == point:
                return 0
            following = await walk.next_block()
    except NotFound:
        return None
    if not isinstance(following, RollForward):
        return None
    return tip.height - following.block.height + 1


async def wait_for_block(
    backend: Backend, transaction_id: str, *, timeout_seconds: float = 600
) -> Standing:
    """Waits until Kupo shows the transaction in a block. Raises `OutcomeUnknown` when time is up."""
    deadline = time.monotonic() + timeout_seconds
    pause = POLL_SECONDS
    while True:
        point = await find_block(backend, transaction_id)
        if point is not None:
            _mark(
                backend,
                backend.storage.journal.find(transaction_id),
                "confirmed",
                f"in the block at slot {point.slot}",
            )
            return Standing("in_block", point)
        if time.monotonic() > deadline:
            raise OutcomeUnknown(transaction_id, f"no block had it after {timeout_seconds:.0f} s")
        await asyncio.sleep(pause)
        pause = min(POLL_MOST_SECONDS, pause * 1.5)


async def wait_for_news(
    backend: Backend, known_slot: int | None, *, timeout_seconds: float = 300
) -> None:
    """Waits until Kupo has read another block than the one at `known_slot`.

    Raises `ServiceOutOfSync` when it reads none in time.
    """
    deadline = time.monotonic() + timeout_seconds
    while (await backend.kupo.health()).checkpoint_slot == known_slot:
        if time.monotonic() > deadline:
            reason = f"it has read no new block in {timeout_seconds:.0f} s"
            raise ServiceOutOfSync("Kupo", backend.kupo.url, reason)
        await asyncio.sleep(POLL_SECONDS)


async def wait_for_index(
    backend: Backend, *, timeout_seconds: float = INDEX_PATIENCE_SECONDS
) -> int:
    """Waits until Kupo has read all that the node has; the slot of the node's newest block.

    Raises `ServiceOutOfSync` when it has not in time.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        tip = await backend.ogmios.network_tip()
        slot, read = tip.slot if tip else 0, (await backend.kupo.health()).checkpoint_slot or 0
        if read >= slot:
            return slot
        if time.monotonic() > deadline:
            reason = f"it has read the chain up to slot {read}, and the node is at slot {slot}"
            raise ServiceOutOfSync("Kupo", backend.kupo.url, reason)
        await asyncio.sleep(POLL_SECONDS)
