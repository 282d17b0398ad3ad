"""Announcing a schedule that doesn't fit into the opening transaction: earlier transactions, in a chain.

Each part, and then the opening, spends an output of the part before: a rollback can't keep the opening
and lose the schedule. Parts go out a few at a time, and each is in a block before the opening is sent:
so the slots that it names are right, and no money is locked before the schedule is public.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from milestones.cardano.outputs import Utxo
from milestones.protocol.schedule_metadata import (
    LABEL,
    Link,
    SchedulePart,
    encode_content,
    encode_part,
    links_of_opening,
    links_of_part,
    split_schedule,
)
from milestones.services.sending.building import BuildContext
from milestones.services.sending.run import Run, SubmissionRequest
from milestones.services.sending.tracking import find_block, track
from milestones.storage.submission import SchedulePartPayload, Submission
from milestones.transactions.draft import TransactionDraft
from milestones.transactions.tx_builder import BalancedTransaction

IN_FLIGHT: Final = 5
"""Parts sent before a block is waited for: less than a block's worth, so that a mempool has room."""
MARGIN_BYTES: Final = 300
"""Left free in each transaction for inputs and change that turn out longer than when it was measured."""
_EMPTY: Final = SchedulePart((), b"")


@dataclass(frozen=True, slots=True)
class MetadataCapacity:
    """Bytes of metadata that fit into the opening transaction, and into a part."""

    opening: int
    part: int

    @classmethod
    def measure(cls, opening: TransactionDraft, context: BuildContext) -> MetadataCapacity:
        """Found by balancing both kinds of transaction with next to no metadata."""
        return cls(_capacity(opening, context), _capacity(TransactionDraft(), context))


def _capacity(draft: TransactionDraft, context: BuildContext) -> int:
    everything = replace(context, funds=replace(context.funds, utxos=context.funds.all_utxos))
    balanced = everything.balanced(
        replace(
            draft,
            metadata={**draft.metadata, LABEL: encode_content(_EMPTY)},
            valid_until_slot=context.valid_until_slot,
        ),
        within_limits=False,
    )
    spare = context.parameters.max_transaction_size - balanced.size + len(encode_part(_EMPTY))
    return max(0, spare - MARGIN_BYTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """A schedule on its way: its segments, and the parts that are out.

    The last segment stands in the opening. `links` are the parts so far; the slots of those `in_flight`
    are guesses. `last` is an output of the newest part, which the next transaction spends.
    """

    segments: tuple[bytes, ...]
    capacity: MetadataCapacity
    links: tuple[Link, ...] = ()
    in_flight: tuple[int, ...] = ()
    last: Utxo | None = None

    @classmethod
    def of(cls, body: bytes, capacity: MetadataCapacity) -> Announcement:
        """One of which nothing is out yet."""
        segments = split_schedule(
            body, opening_capacity=capacity.opening, part_capacity=capacity.part
        )
        return cls(segments=segments, capacity=capacity)

    @property
    def parts_left(self) -> int:
        """How many parts must still go out before the opening."""
        return len(self.segments) - 1 - len(self.links)

    def opening_metadata(self) -> dict[int, bytes]:
        """The opening's own metadata, by label."""
        part = SchedulePart(links_of_opening(self.links), self.segments[-1])
        return {LABEL: encode_content(part)}

    def must_wait(self) -> bool:
        """Whether blocks must have what is out, before another part may follow."""
        return len(self.in_flight) >= IN_FLIGHT or bool(links_of_part(self.links))

    async def next_part(self, context: BuildContext) -> SubmissionRequest:
        """The next part, tied to the one before."""
        number = len(self.links)
        part = SchedulePart(links_of_part(self.links), self.segments[number])
        draft = TransactionDraft(metadata={LABEL: encode_content(part)})
        return SubmissionRequest(
            transaction=await context.build(draft, include=self.tie()),
            payload=SchedulePartPayload(
                number=number,
                opening_capacity_bytes=self.capacity.opening,
                part_capacity_bytes=self.capacity.part,
            ),
        )

    def tie(self) -> tuple[Utxo, ...]:
        """What the next transaction must spend, to be tied to the newest part."""
        return () if self.last is None else (self.last,)

    def after(self, part: BalancedTransaction, slot: int) -> Announcement:
        """The state once `part` is out; `slot` is where it may come to stand."""
        return replace(
            self,
            links=(*self.links, Link(slot, part.id)),
            in_flight=(*self.in_flight, len(self.links)),
            last=part.change[-1],
        )

    async def settled(self, run: Run) -> Announcement:
        """The state once every part that is out is in a block, with the blocks' slots."""
        links = list(self.links)
        for number in self.in_flight:
            transaction_id = links[number].transaction_id.hex()
            await run.see_through([transaction_id])
            point = None if run.dry_run else await find_block(run.backend, transaction_id)
            if point is not None:
                links[number] = replace(links[number], slot=point.slot)
        return replace(self, links=tuple(links), in_flight=())


async def resume(
    run: Run, context: BuildContext, distribution_id: bytes, body: bytes
) -> Announcement | None:
    """The announcement of a distribution that an earlier run began, as far as it is on the chain or on its way.

    Nothing is sent here. None where nothing of it is left, or where something else has spent the last
    part's change, so that no transaction could be tied to it any more.
    """
    parts = run.backend.storage.journal.of(
        distribution_id, command=run.command, purpose="schedule_part", chain=run.chain
    )
    chain = await _alive(run, longest_chain(parts))
    if not chain:
        return None
    newest = bytes.fromhex(chain[-1].transaction_id)
    ends = [utxo for utxo in context.funds.all_utxos if utxo.reference.transaction_id == newest]
    payload = chain[0].payload
    if not ends or not isinstance(payload, SchedulePartPayload):
        return None
    capacity = MetadataCapacity(payload.opening_capacity_bytes, payload.part_capacity_bytes)
    return replace(
        Announcement.of(body, capacity),
        links=tuple(Link(0, bytes.fromhex(each.transaction_id)) for each in chain),
        in_flight=tuple(range(len(chain))),
        last=ends[-1],
    )


def longest_chain(submissions: Iterable[Submission]) -> list[Submission]:
    """The longest run of parts 0, 1, 2, ... in which each spends an output of the one before."""
    by_id = {bytes.fromhex(each.transaction_id): each for each in submissions}
    chains = (list(_back_to_first(each, by_id)) for each in by_id.values())
    whole = [chain[::-1] for chain in chains if _number(chain[-1]) == 0]
    return max(whole, key=len, default=[])


def _back_to_first(newest: Submission, by_id: dict[bytes, Submission]) -> Iterator[Submission]:
    part: Submission | None = newest
    while part is not None:
        yield part
        before = _number(part) - 1
        spent = (by_id.get(reference.transaction_id) for reference in part.inputs)
        part = next((each for each in spent if each and _number(each) == before), None)


def _number(part: Submission) -> int:
    return part.payload.number if isinstance(part.payload, SchedulePartPayload) else -1


async def _alive(run: Run, chain: Sequence[Submission]) -> list[Submission]:
    """The beginning of the chain that is in blocks or on its way."""
    alive: list[Submission] = []
    for tracked in await track(run.backend, chain):
        if tracked.status not in ("confirmed", "submitted"):
            break
        alive.append(tracked.submission)
    return alive
