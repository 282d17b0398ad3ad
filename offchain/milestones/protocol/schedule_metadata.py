"""The announced schedule as transaction metadata: in pieces, over as many transactions as it takes.

Under label 1296649285 stands `[version, links, chunks]`. The chunks (bytes, at most 64 each) are a
segment of the compact schedule; the links, `[slot, transaction id]`, name earlier transactions whose
segments come before it. The opening transaction links what didn't fit into itself. So that the links of
a very large schedule fit, every 16th part links the 15 before it, and the opening only links the 16th.
The slots are hints: a rollback can move a transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from milestones.cardano import cbor
from milestones.cardano.cbor import Item
from milestones.cardano.encoding import array, integer, mapping
from milestones.errors import InvalidEncoding, InvalidSchedule

LABEL: Final = 1296649285
"""ASCII `MILE`."""
VERSION: Final = 1
CHUNK: Final = 64
"""The ledger's limit for a byte string in metadata."""
GROUP: Final = 16
MOST_PARTS: Final = 4096
"""Where a reader stops following links."""
_CHUNK_HEAD: Final = 2
_LARGEST_LINK: Final = 44
_FRAME: Final = 14
"""The map, the label, the array, the version and the heads of both lists."""
AUXILIARY_DATA_TAG: Final = 259


@dataclass(frozen=True, slots=True)
class Link:
    """An earlier part: the slot where it was seen, and its transaction (32 bytes)."""

    slot: int
    transaction_id: bytes


@dataclass(frozen=True, slots=True)
class SchedulePart:
    """What one transaction holds of a schedule."""

    links: tuple[Link, ...]
    segment: bytes


def encode_part(part: SchedulePart) -> bytes:
    """The transaction's whole metadata (auxiliary data in the form of a plain map)."""
    return mapping([(integer(LABEL), encode_content(part))])


def encode_content(part: SchedulePart) -> bytes:
    """What stands under the label."""
    links = [
        array((integer(link.slot), cbor.encode_bytes(link.transaction_id))) for link in part.links
    ]
    starts = range(0, len(part.segment), CHUNK)
    chunks = [cbor.encode_bytes(part.segment[start : start + CHUNK]) for start in starts]
    return array((integer(VERSION), array(links), array(chunks)))


def decode_part(metadata: bytes) -> SchedulePart:
    """Reads metadata in any form the ledger knows: a map, with scripts beside it, or tagged.

    Raises `InvalidEncoding` where nothing of ours is in it, or nothing that can be read.
    """
    parts = content_of(metadata, LABEL).array()
    if not parts or parts[0].unsigned() != VERSION:
        raise InvalidEncoding("a schedule announced in a version that this program doesn't know")
    if len(parts) != 3:
        raise InvalidEncoding("an announced schedule has a version, links and chunks")
    links = tuple(_link(item) for item in parts[1].array())
    return SchedulePart(links, b"".join(chunk.bytes() for chunk in parts[2].array()))


def content_of(metadata: bytes, label: int) -> Item:
    """What stands under a label of metadata in any form the ledger knows. Raises `InvalidEncoding`."""
    item = cbor.read(metadata)
    if item.kind == cbor.TAG and item.tag == AUXILIARY_DATA_TAG:
        item = _value_of(item.value, 0)
    elif item.kind == cbor.ARRAY and item.value:
        item = item.value[0]
    return _value_of(item, label)


def _value_of(item: Item, wanted: int) -> Item:
    for key, value in item.pairs():
        if key.kind == cbor.UINT and key.value == wanted:
            return value
    raise InvalidEncoding(f"the metadata holds nothing under {wanted}")


def _link(item: Item) -> Link:
    fields = item.array()
    if len(fields) != 2:
        raise InvalidEncoding("a link has a slot and a transaction id")
    return Link(fields[0].unsigned(), fields[1].bytes(32))


def links_of_part(earlier: Sequence[Link]) -> tuple[Link, ...]:
    """What the next part links, when these parts came before it: usually nothing."""
    if len(earlier) % GROUP == GROUP - 1:
        return tuple(earlier[len(earlier) - GROUP + 1 :])
    return ()


def links_of_opening(parts: Sequence[Link]) -> tuple[Link, ...]:
    """What the opening links: the last of each full group, and the parts after the last group."""
    grouped = len(parts) - len(parts) % GROUP
    return (*parts[GROUP - 1 : grouped : GROUP], *parts[grouped:])


def split_schedule(body: bytes, *, opening_capacity: int, part_capacity: int) -> tuple[bytes, ...]:
    """Segments in order: the last is the opening's (it may be empty), those before it are parts.

    Capacities are the bytes of metadata that each transaction has room for. Raises `InvalidSchedule` where
    the opening can't even hold the links.
    """
    if len(body) <= segment_capacity(opening_capacity, 0):
        return (body,)
    capacity = segment_capacity(part_capacity, GROUP - 1)
    if capacity < CHUNK:
        raise InvalidSchedule(
            f"{part_capacity} bytes of metadata are too few to announce a schedule"
        )
    segments = [body[start : start + capacity] for start in range(0, len(body), capacity)]
    if len(segments[-1]) > segment_capacity(opening_capacity, _opening_links(len(segments) - 1)):
        segments.append(b"")
    links = _opening_links(len(segments) - 1)
    if len(segments) > MOST_PARTS or links * _LARGEST_LINK + _FRAME > opening_capacity:
        raise InvalidSchedule(
            "the schedule is too large to be announced on chain",
            hint="open the distribution as a private one, and hand out claim files",
        )
    return tuple(segments)


def _opening_links(parts: int) -> int:
    return parts // GROUP + parts % GROUP


def segment_capacity(metadata_capacity: int, links: int) -> int:
    """Bytes of a segment that fit into this many bytes of metadata, beside some links."""
    left = max(0, metadata_capacity - _FRAME - links * _LARGEST_LINK)
    full, rest = divmod(left, CHUNK + _CHUNK_HEAD)
    return full * CHUNK + max(0, rest - _CHUNK_HEAD)


class ScheduleAssembly:
    """Puts an announced schedule together, whatever order its parts are found in.

    Start with the opening's metadata; `missing` says what to look for; `add` each part's metadata;
    once nothing is missing, `body` is what `decode_allocations` reads. Everything raises
    `InvalidEncoding` for what can't be an announced schedule.
    """

    __slots__ = ("_links", "_opening", "_parts")

    def __init__(self, opening_metadata: bytes) -> None:
        self._opening = decode_part(opening_metadata)
        self._parts: dict[bytes, SchedulePart] = {}
        self._links: dict[bytes, Link] = {}
        self._follow(self._opening.links)

    @property
    def missing(self) -> tuple[Link, ...]:
        """The parts that are known of and not there yet."""
        return tuple(link for key, link in self._links.items() if key not in self._parts)

    def add(self, transaction_id: bytes, metadata: bytes) -> None:
        """The metadata of one of the missing parts."""
        if transaction_id not in self._links or transaction_id in self._parts:
            raise InvalidEncoding(f"transaction {transaction_id.hex()} is no missing part")
        part = decode_part(metadata)
        self._follow(part.links)
        self._parts[transaction_id] = part

    def body(self) -> bytes:
        """All segments in order."""
        segments: list[bytes] = []
        waiting: list[SchedulePart | Link] = [*self._opening.links, self._opening]
        waiting.reverse()
        while waiting:
            next_one = waiting.pop()
            if isinstance(next_one, SchedulePart):
                segments.append(next_one.segment)
                continue
            part = self._parts.get(next_one.transaction_id)
            if part is None:
                raise InvalidEncoding(f"part {next_one.transaction_id.hex()} is missing")
            waiting.append(part)
            waiting += reversed(part.links)
        return b"".join(segments)

    def _follow(self, links: Sequence[Link]) -> None:
        for link in links:
            if link.transaction_id in self._links:
                raise InvalidEncoding(f"part {link.transaction_id.hex()} is linked twice")
            if len(self._links) == MOST_PARTS:
                raise InvalidEncoding(f"a schedule in more than {MOST_PARTS} parts")
            self._links[link.transaction_id] = link
