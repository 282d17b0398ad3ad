"""Publishing a schedule that doesn't fit into the opening transaction: earlier transactions, in a chain.

Each part, and then the opening, spends an output of the part before: a rollback can't keep the opening
and lose the schedule. Parts go out a few at a time, and each is in a block before the opening is sent:
so the slots that it names are right, and no money is locked before the schedule is public.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from milestones.cardano.outputs import Utxo
from milestones.cardano.parameters import ProtocolParameters
from milestones.protocol.schedule_metadata import (
    LABEL,
    Link,
    PublishedPart,
    encode_content,
    encode_part,
    links_of_opening,
    links_of_part,
    split_schedule,
)
from milestones.services.backend import Backend, chain_of, chain_time
from milestones.services.submitting.funds import Funds
from milestones.services.submitting.standing import whereabouts
from milestones.services.submitting.submission import (
    Errand,
    build,
    see_through,
    submit,
    valid_until,
)
from milestones.storage.submission import SchedulePartPayload, Submission
from milestones.transactions.tx_builder import (
    SignedTransaction,
    TransactionDraft,
    balance,
)

IN_FLIGHT: Final = 5
"""Parts sent before a block is waited for: less than a block's worth, so that a mempool has room."""
MARGIN_BYTES: Final = 300
"""Left free in each transaction for inputs and change that turn out longer than when it was measured."""
_EMPTY: Final = PublishedPart((), b"")


@dataclass(frozen=True, slots=True)
class Rooms:
    """Bytes of metadata that fit into the opening transaction, and into a part."""

    opening: int
    part: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A schedule on its way: its segments, the parts that are out, and what pays for the rest.

    `links` are the parts so far; the slots of those `in_flight` are guesses. `last` is an output of the
    newest part, which the next transaction spends.
    """

    segments: tuple[bytes, ...]
    rooms: Rooms
    funds: Funds
    links: tuple[Link, ...] = ()
    in_flight: tuple[int, ...] = ()
    last: Utxo | None = None
    sent: tuple[SignedTransaction, ...] = field(default=())

    @property
    def parts_left(self) -> int:
        """How many parts must still go out before the opening."""
        return len(self.segments) - 1 - len(self.links)

    def opening_metadata(self) -> dict[int, bytes]:
        """The opening's own metadata, by label."""
        part = PublishedPart(links_of_opening(self.links), self.segments[-1])
        return {LABEL: encode_content(part)}

    def part_metadata(self) -> dict[int, bytes]:
        """The next part's metadata, by label."""
        segment = self.segments[len(self.links)]
        return {LABEL: encode_content(PublishedPart(links_of_part(self.links), segment))}

    def tie(self) -> tuple[Utxo, ...]:
        """What the next transaction must spend, to be tied to the newest part."""
        return () if self.last is None else (self.last,)

    def after(self, signed: SignedTransaction, slot: int) -> Publication:
        """The state once `signed` is out as the next part; `slot` is where it may come to stand."""
        return replace(
            self,
            funds=replace(self.funds, utxos=signed.wallet_after(self.funds.utxos)),
            links=(*self.links, Link(slot, signed.id)),
            in_flight=(*self.in_flight, len(self.links)),
            last=signed.change[-1],
            sent=(*self.sent, signed),
        )


def measure_rooms(opening: TransactionDraft, funds: Funds, parameters: ProtocolParameters) -> Rooms:
    """How much metadata fits, found by balancing both kinds of transaction with next to none."""
    part = TransactionDraft(valid_until_slot=opening.valid_until_slot)
    opening_room, part_room = (_room(draft, funds, parameters) for draft in (opening, part))
    return Rooms(opening_room, part_room)


def _room(draft: TransactionDraft, funds: Funds, parameters: ProtocolParameters) -> int:
    balanced = balance(
        replace(draft, metadata={LABEL: encode_content(_EMPTY)}),
        parameters=parameters,
        wallet=funds.utxos,
        change_address=funds.change_address,
        within_limits=False,
    )
    spare = parameters.max_transaction_size - balanced.size + len(encode_part(_EMPTY))
    return max(0, spare - MARGIN_BYTES)


def cut(body: bytes, rooms: Rooms, funds: Funds) -> Publication:
    """A publication of which nothing is out yet."""
    segments = split_schedule(body, opening_room=rooms.opening, part_room=rooms.part)
    return Publication(segments=segments, rooms=rooms, funds=funds)


async def build_part(
    backend: Backend, publication: Publication, parameters: ProtocolParameters, limit_slot: int
) -> SignedTransaction:
    """The next part, signed."""
    draft = TransactionDraft(
        metadata=publication.part_metadata(),
        valid_until_slot=limit_slot,
    )
    return await build(backend, draft, publication.funds, parameters, include=publication.tie())


async def rehearse(
    backend: Backend, publication: Publication, parameters: ProtocolParameters
) -> Publication:
    """All parts built and none sent: what they cost, and that they can be paid."""
    time = await chain_time(backend)
    while publication.parts_left:
        signed = await build_part(backend, publication, parameters, valid_until(time))
        publication = publication.after(signed, time.slot)
    return publication


async def publish_parts(
    backend: Backend,
    publication: Publication,
    parameters: ProtocolParameters,
    distribution_id: bytes,
    tell: Callable[[str], None],
) -> Publication:
    """Sends all parts that are left, and returns once every part is in a block."""
    while publication.parts_left:
        if len(publication.in_flight) >= IN_FLIGHT or links_of_part(publication.links):
            publication = await settled(backend, publication)
        time = await chain_time(backend)
        limit = valid_until(time)
        signed = await build_part(backend, publication, parameters, limit)
        number, total = len(publication.links), len(publication.segments) - 1
        errand = Errand(
            command="deploy",
            signed=signed,
            distribution_id=distribution_id,
            valid_until_slot=limit,
            payload=SchedulePartPayload(
                number=number,
                opening_capacity_bytes=publication.rooms.opening,
                part_capacity_bytes=publication.rooms.part,
            ),
        )
        await submit(backend, errand)
        tell(f"part {number + 1} of {total} of the schedule: transaction {signed.id.hex()}")
        publication = publication.after(signed, time.slot)
    return await settled(backend, publication)


async def settled(backend: Backend, publication: Publication) -> Publication:
    """The publication once every part that is out is in a block, with the blocks' slots."""
    links = list(publication.links)
    for number in publication.in_flight:
        standing = await see_through(backend, links[number].transaction_id.hex())
        if standing.point is not None:
            links[number] = replace(links[number], slot=standing.point.slot)
    return replace(publication, links=tuple(links), in_flight=())


async def resume(
    backend: Backend, body: bytes, funds: Funds, distribution_id: bytes
) -> Publication | None:
    """The publication that an earlier run began, as far as it is on the chain or on its way.

    Nothing is sent here. None where nothing of it is left, or where something else has spent the last
    part's change, so that no transaction could be tied to it any more.
    """
    here = await chain_of(backend)
    submissions = backend.storage.journal.of(
        distribution_id, command="deploy", purpose="schedule_part", chain=here
    )
    chain = await _alive(backend, longest_chain(submissions))
    if not chain:
        return None
    newest = bytes.fromhex(chain[-1].transaction_id)
    ends = [utxo for utxo in funds.utxos if utxo.reference.transaction_id == newest]
    if not ends:
        return None
    rooms = _rooms(chain[0])
    return replace(
        cut(body, rooms, funds),
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
        part = next((p for p in spent if p and _number(p) == before), None)


def _number(submission: Submission) -> int:
    payload = submission.payload
    return payload.number if isinstance(payload, SchedulePartPayload) else -1


def _rooms(submission: Submission) -> Rooms:
    payload = submission.payload
    if not isinstance(payload, SchedulePartPayload):
        return Rooms(0, 0)
    return Rooms(payload.opening_capacity_bytes, payload.part_capacity_bytes)


async def _alive(backend: Backend, chain: Sequence[Submission]) -> list[Submission]:
    """The beginning of the chain that is in blocks or on its way."""
    alive: list[Submission] = []
    for part in chain:
        if await whereabouts(backend, part) not in ("in_block", "in_mempool"):
            break
        alive.append(part)
    return alive
