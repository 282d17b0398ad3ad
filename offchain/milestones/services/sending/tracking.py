"""Where transactions are: in a block, in the mempool, nowhere yet, or never to be.

However many the journal holds, a handful of questions finds them: one to the index about everything the
payers have received since, and a few to the mempool, in which a transaction never is without those that
it spends.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from milestones.cardano.address import Address
from milestones.cardano.slots import Point
from milestones.clients.chain_walk import RollForward
from milestones.domain.models import TransactionStatus
from milestones.errors import (
    ChainRejected,
    InvalidAddress,
    InvalidConfiguration,
    MilestonesError,
    NotFound,
    OutcomeUnknown,
    ServiceOutOfSync,
    ServiceUnavailable,
)
from milestones.services.backend import Backend
from milestones.services.sending.contention import Contended
from milestones.services.sending.effects import Effect, done_by_another, effect_there
from milestones.storage.submission import Submission, chains_of

POLL_SECONDS: Final = 0.25
POLL_MOST_SECONDS: Final = 2.0
INDEX_PATIENCE_SECONDS: Final = 20.0
"""How long the index may take to read what the node has read already."""
LOOK_AGAIN_SECONDS: Final = 30.0
"""How long a transaction is waited for before the mempool is asked whether it still has it."""
WAIT_SECONDS: Final = 7200
"""How long a transaction is waited for at most: as long as one is valid."""
GAP_SECONDS: Final = 120.0
"""How long services may fail without a break while something is waited for: a restart, a gateway's."""
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
    tip = await backend.ogmios.network_tip()
    if submission.is_void(tip.slot if tip else 0):
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


# -- the journal's unsettled transactions


async def unsettled(backend: Backend, chain: str) -> list[TrackedSubmission]:
    """Where everything is that a block of the chain may still bring, or a rollback take away; oldest first.

    Nothing is sent or written down. See `take_up_unsettled`.
    """
    tip = await backend.ogmios.network_tip()
    return await track(backend, backend.storage.journal.unsettled(tip.slot if tip else 0, chain))


async def take_up_unsettled(
    backend: Backend, chain: str, command: str, distribution_id: bytes | None
) -> list[TrackedSubmission]:
    """As `unsettled`, after what was lost was sent again, and what can't come any more given up.

    Else its change would be missing, or it would come back when it has been replaced. What a block has
    is written down by the command that sent it, which reports it; another command does so only once no
    rollback can take it away.
    """
    tip = await backend.ogmios.network_tip()
    slot = tip.slot if tip else 0
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


def now_posix_ms() -> int:
    """This machine's time, for the journal's history only: no rule depends on it."""
    return time.time_ns() // 1_000_000


# -- waiting


async def see_through(
    backend: Backend, transaction_id: str, *, look_again_seconds: float = LOOK_AGAIN_SECONDS
) -> Point:
    """The block that has a transaction of the journal's, once there is one.

    A node forgets its mempool when it restarts, and drops what another transaction has displaced: from
    time to time the transaction is looked for, and sent again where it is nowhere. Services may fail for
    `GAP_SECONDS` in between. Raises `ChainRejected` if it can't come any more, and `OutcomeUnknown` when
    its time is up, or a service has failed for longer.
    """
    submission = backend.storage.journal.find(transaction_id)
    until = time.monotonic() + WAIT_SECONDS
    gap, looking = _Gap(), _Gap()
    while True:
        try:
            return await wait_for_block(
                backend, transaction_id, timeout_seconds=look_again_seconds, gap=gap
            )
        except InvalidConfiguration as error:
            raise OutcomeUnknown.after(transaction_id, error) from error
        except OutcomeUnknown:
            if submission is None or gap.is_final or time.monotonic() > until:
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


class _Gap:
    """How long services have failed without a break, while something is waited for.

    `is_final`: it isn't waited for any longer that they answer.
    """

    def __init__(self) -> None:
        self._since: float | None = None
        self.is_final = False

    def close(self) -> None:
        """They answer."""
        self._since = None

    async def may_pass(self, error: ServiceUnavailable) -> bool:
        """Returns after a pause; False where the failure won't pass, or has lasted too long."""
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        self.is_final = not error.may_pass or now - self._since > GAP_SECONDS
        if not self.is_final:
            await asyncio.sleep(min(error.retry_after_seconds or POLL_MOST_SECONDS, GAP_SECONDS))
        return not self.is_final


async def wait_for_block(
    backend: Backend,
    transaction_id: str,
    *,
    timeout_seconds: float = 600,
    gap: _Gap | None = None,
) -> Point:
    """Waits until Kupo shows a transaction, which the node has taken, in a block.

    Raises `OutcomeUnknown` when time is up, or Kupo has failed for longer than `GAP_SECONDS`.
    """
    deadline = time.monotonic() + timeout_seconds
    pause, gap = POLL_SECONDS, gap or _Gap()
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
        if time.monotonic() > deadline:
            reason = f"no block had it after {timeout_seconds:.0f} s"
            raise OutcomeUnknown(transaction_id, reason, taken=True)
        await asyncio.sleep(pause)
        pause = min(POLL_MOST_SECONDS, pause * 1.5)


async def wait_for_news(
    backend: Backend, known_slot: int | None, *, timeout_seconds: float = 300
) -> None:
    """Waits until Kupo has read another block than the one at `known_slot`.

    Kupo may fail for `GAP_SECONDS` in between. Raises `ServiceOutOfSync` when it reads none in time.
    """
    deadline, gap = time.monotonic() + timeout_seconds, _Gap()
    while True:
        try:
            if (await backend.kupo.health()).checkpoint_slot != known_slot:
                return
            gap.close()
        except ServiceUnavailable as error:
            if not await gap.may_pass(error):
                raise
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
