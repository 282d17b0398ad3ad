"""Where transactions are: in a block, in the mempool, nowhere yet, or never to be.

However many the journal holds, a handful of questions finds them: one to the index about everything the
payers have received since, and a few to the mempool, in which a transaction never is without those that
it spends.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from milestones.cardano.address import Address
from milestones.cardano.slots import Point
from milestones.clients.chain_walk import RollForward
from milestones.domain.models import TransactionStatus
from milestones.errors import InvalidAddress, NotFound, ServiceOutOfSync
from milestones.services.backend import Backend, now_posix_ms, tip_slot
from milestones.services.sending.waiting import (
    INDEX_PATIENCE_SECONDS,
    POLL_MOST_SECONDS,
    wait_for_index,
)
from milestones.storage.submission import Submission, chains_of

MEMPOOL_QUESTIONS: Final = 3
"""How often the mempool is asked about one command's journal. What it was not asked about is sent again."""
REACH_BACK_SLOTS: Final = 7200
"""How far before a transaction was written down it is looked for: a rollback can take time back."""


@dataclass(frozen=True, slots=True)
class TrackedSubmission:
    """A transaction of the journal and where it is now.

    `confirmed`: a block has it. `submitted`: the mempool has it. `unknown`: nobody has it, and it can
    still be sent. `expired`: nobody has it, and it can't be included any more.
    """

    submission: Submission
    status: TransactionStatus


@dataclass(frozen=True, slots=True)
class TransactionState:
    """What is known of one transaction. `point` and `depth` (0 is the newest block) are its block's."""

    status: TransactionStatus
    point: Point | None = None
    depth: int | None = None
    reason: str = ""


async def find_block(backend: Backend, transaction_id: str) -> Point | None:
    """The block that has the transaction, as far as Kupo has read; None if it knows of none."""
    matches = await backend.kupo.matches(f"*@{transaction_id}", resolve_hashes=False)
    return matches[0].created_at if matches else None


async def track(
    backend: Backend,
    submissions: Sequence[Submission],
    *,
    patience_seconds: float = INDEX_PATIENCE_SECONDS,
) -> list[TrackedSubmission]:
    """Where each transaction is, in the order given.

    Raises `ServiceOutOfSync` where neither a block nor the mempool has one, and the index has not read
    all blocks: then nothing may be concluded.
    """
    found: dict[str, TransactionStatus] = {}

    def missing() -> list[Submission]:
        return [each for each in submissions if each.transaction_id not in found]

    found |= dict.fromkeys(await _in_blocks(backend, missing()), "confirmed")
    if left := missing():
        found |= dict.fromkeys(await _in_mempool(backend, left), "submitted")
    if missing():
        tip = await wait_for_index(backend, timeout_seconds=patience_seconds)
        found |= dict.fromkeys(await _in_blocks(backend, missing()), "confirmed")
        found |= dict.fromkeys(await _pruned(backend, missing()), "confirmed")
        for each in missing():
            limit = each.valid_until_slot
            found[each.transaction_id] = "unknown" if limit is None or tip < limit else "expired"
    return [TrackedSubmission(each, found[each.transaction_id]) for each in submissions]


async def _pruned(backend: Backend, submissions: Sequence[Submission]) -> set[str]:
    """Those that a block had and the index has forgotten: a Kupo that prunes keeps no spent output.

    One that was rolled back has given its inputs back; where they are gone, it is still there.
    """
    seen = [each for each in submissions if each.status == "confirmed"]
    inputs = {reference for each in seen for reference in each.inputs}
    left = {utxo.reference for utxo in await backend.ogmios.utxo(inputs)} if inputs else set()
    return {each.transaction_id for each in seen if left.isdisjoint(each.inputs)}


async def _in_blocks(backend: Backend, submissions: Sequence[Submission]) -> set[str]:
    """Those that a block has, with all that they spend of each other: one question to the index."""
    if not submissions:
        return set()
    if len(submissions) == 1:
        only = submissions[0].transaction_id
        return {only} if await find_block(backend, only) is not None else set()
    since = max(0, min(each.prepared_slot for each in submissions) - REACH_BACK_SLOTS)
    matches = await backend.kupo.matches(
        _pattern_of(submissions), created_after=since, resolve_hashes=False
    )
    seen = {match.reference.transaction_id.hex() for match in matches}
    return _with_ancestors(submissions, seen)


def _pattern_of(submissions: Iterable[Submission]) -> str:
    """Where all of them leave something: the one payer's addresses, else everything that is indexed."""
    payers: set[bytes | None] = set()
    for each in submissions:
        payers |= {_payment_hash(output.address) for output in each.change} or {None}
    only = payers.pop() if len(payers) == 1 else None
    return "*" if only is None else f"{only.hex()}/*"


def _payment_hash(address: str) -> bytes | None:
    try:
        return Address.from_bech32(address).payment.hash
    except InvalidAddress:
        return None


def _with_ancestors(submissions: Iterable[Submission], seen: Collection[str]) -> set[str]:
    """Those `seen`, and those of the others that these spend: they can't be anywhere else."""
    by_id = {each.transaction_id: each for each in submissions}
    waiting = [transaction_id for transaction_id in by_id if transaction_id in seen]
    found: set[str] = set()
    while waiting:
        transaction_id = waiting.pop()
        if transaction_id in by_id and transaction_id not in found:
            found.add(transaction_id)
            inputs = by_id[transaction_id].inputs
            waiting += [reference.transaction_id.hex() for reference in inputs]
    return found


async def _in_mempool(backend: Backend, submissions: Sequence[Submission]) -> set[str]:
    """Those that the mempool has; of transactions that spend each other only a few are asked about.

    Where the newest of a chain is there, all are. What a run was about to send when it ended is its
    newest; so the one before is asked about too, and the oldest, without which none is there.
    """
    ranked = [
        dict.fromkeys(each.transaction_id for each in (chain[-1], chain[-2:][0], chain[0]))
        for chain in chains_of(submissions)
    ]
    asked = [each for rank in zip_longest(*ranked) for each in rank if each is not None]
    return _with_ancestors(submissions, await backend.ogmios.in_mempool(asked[:MEMPOOL_QUESTIONS]))


async def state_of(backend: Backend, transaction_id: str) -> TransactionState:
    """What is known of a transaction now. The journal is consulted, and brought up to date."""
    submission = backend.storage.journal.find(transaction_id)
    point = await find_block(backend, transaction_id)
    if point is not None:
        with backend.storage.if_possible():
            mark_confirmed(backend, submission, point)
        return TransactionState("confirmed", point, await _depth(backend, point))
    if await backend.ogmios.in_mempool([transaction_id]):
        return TransactionState("submitted", reason="waiting for a block")
    if submission is None:
        reason = "neither the mempool, nor Kupo, nor the journal knows it"
        return TransactionState("unknown", reason=reason)
    if submission.status in ("waiting_for_signatures", "dropped"):
        return await _unsent(backend, submission)
    return await _state_of_ours(backend, submission)


async def _state_of_ours(backend: Backend, submission: Submission) -> TransactionState:
    """Of one in the journal that neither the index nor the mempool shows at first sight."""
    if await _pruned(backend, [submission]):
        reason = (
            f"a block has had it ({submission.history[-1].note}), and what it spent is spent; Kupo has"
            " forgotten its outputs, as one that prunes does"
        )
        return TransactionState("confirmed", reason=reason)
    try:
        (tracked,) = await track(backend, [submission], patience_seconds=POLL_MOST_SECONDS)
    except ServiceOutOfSync as error:
        return TransactionState("unknown", reason=f"a block may have it: {error.reason}")
    if tracked.status in ("confirmed", "submitted"):
        return await state_of(backend, submission.transaction_id)
    return await _fate(backend, tracked)


async def _unsent(backend: Backend, submission: Submission) -> TransactionState:
    """Of what was handed out to be signed, and that nobody has sent as far as one can see."""
    if submission.is_void(await tip_slot(backend)):
        reason = f"it was valid until slot {submission.valid_until_slot}, which has passed"
        mark(backend, submission, "expired", reason)
        return TransactionState("expired", reason=reason)
    reason = "it waits for signatures: `milestones transaction submit` sends it once it has them"
    if submission.status == "dropped":
        reason = f"it was given up: {submission.history[-1].note}"
    return TransactionState(submission.status, reason=reason)


async def _fate(backend: Backend, tracked: TrackedSubmission) -> TransactionState:
    """What becomes of a transaction of ours that is nowhere to be seen."""
    submission = tracked.submission
    if tracked.status == "expired":
        reason = f"it was valid until slot {submission.valid_until_slot}, which has passed"
        with backend.storage.if_possible():
            mark(backend, submission, "expired", reason)
        return TransactionState("expired", reason=reason)
    if submission.status == "rejected":
        reason = submission.history[-1].note or "the chain refused it"
        return TransactionState("rejected", reason=reason)
    left = {utxo.reference for utxo in await backend.ogmios.utxo(submission.inputs)}
    gone = [reference for reference in submission.inputs if reference not in left]
    reason = "it can still be submitted: run the same command again"
    if gone:
        reason = (
            f"it spends {gone[0]}, which is not there: either its block has just come,"
            " or another transaction was faster"
        )
    return TransactionState("unknown", reason=reason)


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


async def unsettled(backend: Backend, chain: str) -> list[TrackedSubmission]:
    """Where everything is that a block of the chain may still bring, or a rollback take away; oldest first.

    Nothing is sent or written down. See `take_up_unsettled`.
    """
    slot = await tip_slot(backend)
    return await track(backend, backend.storage.journal.unsettled(slot, chain))


def mark_confirmed(backend: Backend, submission: Submission | None, point: Point) -> None:
    """Writes down that a block has it; nothing where the journal doesn't know it."""
    if submission is not None:
        mark(backend, submission, "confirmed", f"in the block at slot {point.slot}")


def mark(backend: Backend, submission: Submission, status: TransactionStatus, note: str) -> None:
    """Writes down what has become of a transaction, unless that is known already."""
    if submission.status != status:
        backend.storage.journal.mark(
            submission.transaction_id, status, at_posix_ms=now_posix_ms(), note=note
        )
