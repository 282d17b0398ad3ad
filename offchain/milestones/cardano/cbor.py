"""A strict CBOR reader (RFC 8949) that keeps, for every item, the span of bytes it was read from.

Ids and hashes on Cardano are taken over the bytes as they were sent, and one value has many legal
encodings. So nothing here is re-encoded: an `Item` knows where it stood, and `item.raw` is what to
hash. Legal but unusual forms (long heads, indefinite lengths) are read as what they mean; what is not
well-formed, nested over `MAX_DEPTH` or followed by trailing bytes is refused with `InvalidEncoding`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, Final

from milestones.errors import InvalidEncoding

MAX_DEPTH: Final = 500
"""Nesting at which reading stops. Real transactions nest some ten deep."""

UINT: Final = 0
NINT: Final = 1
BYTES: Final = 2
TEXT: Final = 3
ARRAY: Final = 4
MAP: Final = 5
TAG: Final = 6
SIMPLE: Final = 7

KIND_NAMES: Final = (
    "integer",
    "negative integer",
    "bytes",
    "text",
    "array",
    "map",
    "tag",
    "simple",
)


class Item:
    """One CBOR item: its `kind` (major type 0 to 7), `value`, and span `start:end` in `source`.

    `value` is an int (kinds 0 and 1), bytes, str, a tuple of items (array), a tuple of pairs of items
    (map, in order, duplicates kept), an item (tag; `tag` is its number) or, for kind 7, True, False,
    None, a float or `Undefined`'s number as an int in `tag`.
    """

    __slots__ = ("end", "indefinite", "kind", "source", "start", "tag", "value")

    def __init__(
        self,
        kind: int,
        value: Any,
        source: bytes,
        start: int,
        end: int,
        *,
        tag: int = -1,
        indefinite: bool = False,
    ) -> None:
        self.kind, self.value, self.source = kind, value, source
        self.start, self.end, self.tag, self.indefinite = start, end, tag, indefinite

    @property
    def raw(self) -> bytes:
        """The bytes this item was read from, exactly."""
        return self.source[self.start : self.end]

    def __repr__(self) -> str:
        return f"Item({KIND_NAMES[self.kind]}, {self.raw.hex()})"

    def integer(self) -> int:
        """The value of an integer of kind 0 or 1 (a bignum tag is not one)."""
        return int(self._of(UINT, NINT))

    def unsigned(self) -> int:
        """The value of an unsigned integer, 0 to 2^64 - 1."""
        return int(self._of(UINT))

    def definite_bytes(self, length: int | None = None) -> bytes:
        """The value of a byte string, refusing one that comes in chunks.

        Below protocol 12 the ledger reads chunks in Plutus Data and metadata only. Source:
        `decodeBytes` in `Cardano.Ledger.Binary.Decoding.Decoder`.
        """
        value = self.bytes(length)
        if self.indefinite:
            raise InvalidEncoding(f"a byte string in chunks at byte {self.start}")
        return value

    def bytes(self, length: int | None = None) -> bytes:
        """The value of a byte string, of exactly `length` bytes where one is given."""
        value = bytes(self._of(BYTES))
        if length is not None and len(value) != length:
            raise InvalidEncoding(
                f"expected {length} bytes, found {len(value)} at byte {self.start}"
            )
        return value

    def text(self) -> str:
        """The value of a text string."""
        return str(self._of(TEXT))

    def array(self) -> tuple[Item, ...]:
        """The items of an array."""
        value: tuple[Item, ...] = self._of(ARRAY)
        return value

    def pairs(self) -> tuple[tuple[Item, Item], ...]:
        """The entries of a map in order, duplicate keys included (legal in Plutus Data)."""
        value: tuple[tuple[Item, Item], ...] = self._of(MAP)
        return value

    def members(self) -> tuple[Item, ...]:
        """What an array or a map holds, in order: of a map the keys, each before its value."""
        if self.kind == MAP:
            return tuple(member for pair in self.pairs() for member in pair)
        return self.array()

    def entries(self) -> Iterator[tuple[Item, Item]]:
        """The entries of a map, refusing a key that stands twice, however it is encoded."""
        seen: set[Any] = set()
        for key, value in self.pairs():
            identity = _identity(key)
            if identity in seen:
                raise InvalidEncoding(f"a map's key stands twice, at byte {key.start}")
            seen.add(identity)
            yield key, value

    def is_null(self) -> bool:
        """Whether this is CBOR's null."""
        return self.kind == SIMPLE and self.value is None and self.tag == 22

    def untagged(self, number: int) -> Item:
        """The item inside tag `number`, or this item where it does not have that tag (sets, tag 258)."""
        if self.kind == TAG and self.tag == number:
            inner: Item = self.value
            return inner
        return self

    def _of(self, *kinds: int) -> Any:
        if self.kind in kinds:
            return self.value
        expected = " or ".join(KIND_NAMES[kind] for kind in kinds)
        raise InvalidEncoding(
            f"expected {expected}, found {KIND_NAMES[self.kind]} at byte {self.start}"
        )


def _identity(item: Item) -> Any:
    """What makes two keys the same whatever their encoding: all heads and values, in one flat order."""
    # A list of what is still to do, not recursion: keys may be nested as deep as everything else.
    found: list[tuple[Any, ...]] = []
    waiting = [item]
    while waiting:
        part = waiting.pop()
        if part.kind in (ARRAY, MAP):
            found.append((part.kind, len(part.value)))
            waiting += (
                part.value if part.kind == ARRAY else [x for pair in part.value for x in pair]
            )
        elif part.kind == TAG:
            found.append((TAG, part.tag))
            waiting.append(part.value)
        else:
            found.append((part.kind, part.tag, part.value))
    return tuple(found)


def read(data: bytes) -> Item:
    """Reads exactly one item. Trailing bytes are refused."""
    item = read_first(data)
    if item.end != len(data):
        raise InvalidEncoding(
            f"{len(data) - item.end} bytes follow the end of the data at byte {item.end}"
        )
    return item


def read_first(data: bytes, start: int = 0) -> Item:
    """Reads the item that starts at `start`; the next would start at `item.end`."""
    return _read(bytes(data), start, MAX_DEPTH)


def _read(data: bytes, start: int, depth: int) -> Item:
    # One Python frame a level of nesting, so that MAX_DEPTH stays clear of the interpreter's own limit.
    kind, argument, position = _head(data, start)
    if kind <= NINT:
        return Item(kind, argument if kind == UINT else -1 - argument, data, start, position)
    if kind <= TEXT:
        return _string(data, start, kind, argument, position)
    if kind == SIMPLE:
        return _simple(data, start, argument, position)
    if depth == 0:
        raise InvalidEncoding(f"nested deeper than {MAX_DEPTH} levels at byte {start}")
    if kind == TAG:
        inner = _read(data, position, depth - 1)
        return Item(TAG, inner, data, start, inner.end, tag=argument)
    found: list[Item] = []
    wanted = argument * (2 if kind == MAP else 1)
    while len(found) < wanted if argument >= 0 else not _at_break(data, position):
        item = _read(data, position, depth - 1)
        found.append(item)
        position = item.end
    if argument < 0:
        position += 1
    if kind == ARRAY:
        return Item(ARRAY, tuple(found), data, start, position, indefinite=argument < 0)
    if len(found) % 2:
        raise InvalidEncoding(f"a map's last key at byte {found[-1].start} has no value")
    pairs = tuple(zip(found[::2], found[1::2], strict=True))
    return Item(MAP, pairs, data, start, position, indefinite=argument < 0)


def _head(data: bytes, start: int) -> tuple[int, int, int]:
    """(major type, argument or -1 for an indefinite length, position after the head)."""
    if start >= len(data):
        raise InvalidEncoding(f"the data ends at byte {start}, where an item should start")
    first = data[start]
    kind, info = first >> 5, first & 31
    if info < 24:
        return kind, info, start + 1
    if info < 28:
        size = 1 << (info - 24)
        end = start + 1 + size
        if end > len(data):
            raise InvalidEncoding(f"the data ends inside the head of the item at byte {start}")
        if kind == SIMPLE and info > 24:
            return kind, -info, end
        return kind, int.from_bytes(data[start + 1 : end], "big"), end
    if info == 31 and kind not in (UINT, NINT, TAG, SIMPLE):
        return kind, -1, start + 1
    raise InvalidEncoding(f"byte {start} ({first:#04x}) starts no CBOR item")


def _at_break(data: bytes, position: int) -> bool:
    if position >= len(data):
        raise InvalidEncoding(
            f"the data ends at byte {position} inside an item of indefinite length"
        )
    return data[position] == 0xFF


def _string(data: bytes, start: int, kind: int, argument: int, position: int) -> Item:
    if argument >= 0:
        end = position + argument
        chunk = _chunk(data, start, position, end)
        return Item(kind, _text(chunk, start) if kind == TEXT else chunk, data, start, end)
    parts: list[bytes] = []
    while not _at_break(data, position):
        chunk_start = position
        inner, length, position = _head(data, chunk_start)
        if inner != kind or length < 0:
            raise InvalidEncoding(
                f"a chunk at byte {chunk_start} is not a definite string of its kind"
            )
        parts.append(_chunk(data, chunk_start, position, position + length))
        if kind == TEXT:
            _text(parts[-1], chunk_start)
        position += length
    whole = b"".join(parts)
    value = _text(whole, start) if kind == TEXT else whole
    return Item(kind, value, data, start, position + 1, indefinite=True)


def _chunk(data: bytes, start: int, position: int, end: int) -> bytes:
    if end > len(data):
        raise InvalidEncoding(
            f"the string at byte {start} is {end - len(data)} bytes longer than the data"
        )
    return data[position:end]


def _text(value: bytes, start: int) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidEncoding(f"the text at byte {start} is not UTF-8") from None


_SIMPLE_VALUES: Final = {20: False, 21: True, 22: None}
_FLOATS: Final = {-25: ">e", -26: ">f", -27: ">d"}


def _simple(data: bytes, start: int, argument: int, position: int) -> Item:
    if argument < 0:
        layout = _FLOATS[argument]
        (value,) = struct.unpack(layout, data[start + 1 : position])
        return Item(SIMPLE, value, data, start, position, tag=argument)
    if position - start == 2 and argument < 32:
        raise InvalidEncoding(f"byte {start} holds a simple value in a form that is not allowed")
    return Item(SIMPLE, _SIMPLE_VALUES.get(argument), data, start, position, tag=argument)


def head(kind: int, argument: int) -> bytes:
    """The shortest head of an item: major type `kind` (0 to 7) with `argument` (0 to 2^64 - 1)."""
    first = kind << 5
    if argument < 24:
        return bytes((first | argument,))
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if argument < 1 << (8 * size):
            return bytes((first | info,)) + argument.to_bytes(size, "big")
    raise InvalidEncoding(f"{argument} does not fit in a CBOR head")


def encode_bytes(value: bytes) -> bytes:
    """A byte string of definite length."""
    return head(BYTES, len(value)) + value
