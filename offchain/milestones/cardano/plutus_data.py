"""Plutus Data, with the encoding of Plutus' built-in `serialise_data`.

Hashes that the contract recomputes (a distribution's id, leaves, what oracles sign) are taken over
this encoding, so it is exact and not merely equivalent. Non-empty lists have indefinite length, empty
ones are `80`; maps have definite length. Byte strings over 64 bytes come in chunks of 64. Constructors
use the tags 121 to 127, 1280 to 1400 and 102. What datums and redeemers are read with
(`fields_of`, `bytes_of` and the like) is strict: all raise `InvalidEncoding`.
Source: the Plutus Core specification, appendix on the serialisation of Data; CDDL `plutus_data`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from milestones.cardano import cbor
from milestones.cardano.cbor import Item
from milestones.errors import InvalidEncoding

CHUNK: Final = 64
"""Bytes of a byte string that the ledger accepts in one piece."""

GENERAL_TAG: Final = 102
"""The tag of a constructor of any index: an array of the index and the fields follows."""


@dataclass(frozen=True, slots=True)
class Constr:
    """A constructor: its index (0 to 2^64 - 1) and its fields."""

    index: int
    fields: tuple[PlutusData, ...] = ()


@dataclass(frozen=True, slots=True)
class PlutusMap:
    """A map as Plutus sees it: pairs in order; a key may stand twice."""

    pairs: tuple[tuple[PlutusData, PlutusData], ...] = ()


PlutusData: TypeAlias = "Constr | PlutusMap | int | bytes | tuple[PlutusData, ...]"
"""Integers are unbounded; lists are tuples."""


def encode(data: PlutusData) -> bytes:
    """The bytes that `serialise_data` gives on chain."""
    out = bytearray()
    _write(out, data)
    return bytes(out)


def encode_definite(data: PlutusData) -> bytes:
    """The same data with lists of definite length, as hardware wallets' tools take it in witnesses.

    For what nothing is hashed over but the script data hash, which is taken over these bytes.
    Source: CIP-21; cardano-hw-cli, which refuses witnesses in another form.
    """
    out = bytearray()
    _write(out, data, definite=True)
    return bytes(out)


def decode(data: bytes) -> PlutusData:
    """Reads Plutus Data in any of its legal encodings; refuses trailing bytes and depth over 500."""
    return from_item(cbor.read(data))


def _write(out: bytearray, data: PlutusData, *, definite: bool = False) -> None:
    if isinstance(data, Constr):
        out += encode_constructor(data.index)
        _write(out, data.fields, definite=definite)
    elif isinstance(data, PlutusMap):
        out += cbor.head(cbor.MAP, len(data.pairs))
        for key, value in data.pairs:
            _write(out, key, definite=definite)
            _write(out, value, definite=definite)
    elif isinstance(data, int):
        out += encode_integer(data)
    elif isinstance(data, bytes):
        out += encode_bytes(data)
    elif definite or not data:
        out += cbor.head(cbor.ARRAY, len(data))
        for element in data:
            _write(out, element, definite=definite)
    else:
        out += b"\x9f"
        for element in data:
            _write(out, element)
        out += b"\xff"


def encode_constructor(index: int) -> bytes:
    """The start of a constructor; its fields, a list, follow.

    An index that is negative or over 64 bits can be built on chain and written, but not be read back.
    Source: `encodeData` in `PlutusCore.Data`.
    """
    if 0 <= index < 7:
        return cbor.head(cbor.TAG, 121 + index)
    if 7 <= index < 128:
        return cbor.head(cbor.TAG, 1280 + index - 7)
    number = encode_integer(index, cbor.encode_bytes)
    return cbor.head(cbor.TAG, GENERAL_TAG) + cbor.head(cbor.ARRAY, 2) + number


def encode_bytes(value: bytes) -> bytes:
    """A byte string, in chunks where it is over `CHUNK` bytes."""
    if len(value) <= CHUNK:
        return cbor.encode_bytes(value)
    chunks = (value[start : start + CHUNK] for start in range(0, len(value), CHUNK))
    return b"\x5f" + b"".join(cbor.encode_bytes(chunk) for chunk in chunks) + b"\xff"


def encode_integer(value: int, write: Callable[[bytes], bytes] = encode_bytes) -> bytes:
    """An integer of any size; `write` encodes the bytes of one that needs over 64 bits."""
    kind, magnitude = (cbor.UINT, value) if value >= 0 else (cbor.NINT, -1 - value)
    if magnitude < 1 << 64:
        return cbor.head(kind, magnitude)
    size = (magnitude.bit_length() + 7) // 8
    return cbor.head(cbor.TAG, 2 + kind) + write(magnitude.to_bytes(size, "big"))


def from_item(item: Item) -> PlutusData:
    """Plutus Data out of a CBOR item that was read already."""
    if item.kind in (cbor.UINT, cbor.NINT):
        return item.integer()
    if item.kind == cbor.BYTES:
        return _bounded_bytes(item)
    # Loops, not comprehensions: one Python frame a level of nesting.
    elements: list[PlutusData] = []
    if item.kind == cbor.ARRAY:
        for element in item.array():
            elements.append(from_item(element))
        return tuple(elements)
    if item.kind == cbor.MAP:
        for key, value in item.pairs():
            elements += (from_item(key), from_item(value))
        return PlutusMap(tuple(zip(elements[::2], elements[1::2], strict=True)))
    if item.kind != cbor.TAG:
        raise InvalidEncoding(f"byte {item.start} holds no Plutus Data")
    if item.tag in (2, 3):
        magnitude = int.from_bytes(_bounded_bytes(item.value), "big")
        return magnitude if item.tag == 2 else -1 - magnitude
    index, fields = constructor_parts(item)
    for field in fields:
        elements.append(from_item(field))
    return Constr(index, tuple(elements))


def constructor_parts(item: Item) -> tuple[int, tuple[Item, ...]]:
    """A constructor's index and fields. Raises `InvalidEncoding` for every other tag."""
    index = index_of_tag(item.tag)
    if index is not None:
        return index, item.value.array()
    if item.tag == GENERAL_TAG and len(item.value.array()) == 2:
        written, fields = item.value.array()
        return written.unsigned(), fields.array()
    raise InvalidEncoding(f"tag {item.tag} at byte {item.start} is not Plutus Data")


def index_of_tag(tag: int) -> int | None:
    """The constructor that a tag alone stands for; None for other tags, `GENERAL_TAG` too."""
    if 121 <= tag <= 127:
        return tag - 121
    return tag - 1280 + 7 if 1280 <= tag <= 1400 else None


def _bounded_bytes(item: Item) -> bytes:
    value = item.bytes()
    if len(value) <= CHUNK:
        return value
    if not item.indefinite or any(len(chunk) > CHUNK for chunk in _chunks(item)):
        raise InvalidEncoding(f"a byte string over {CHUNK} bytes in one piece at byte {item.start}")
    return value


def _chunks(item: Item) -> list[bytes]:
    chunks, position = [], item.start + 1
    while position < item.end - 1:
        chunk = cbor.read_first(item.source, position)
        chunks.append(chunk.bytes())
        position = chunk.end
    return chunks


def fields_of(data: PlutusData, index: int, count: int, what: str) -> tuple[PlutusData, ...]:
    """The fields of constructor `index`, which must be exactly `count`."""
    if isinstance(data, Constr) and data.index == index and len(data.fields) == count:
        return data.fields
    raise InvalidEncoding(f"not {what}: constructor {index} with {count} fields is expected")


def bytes_of(data: PlutusData, what: str, *lengths: int) -> bytes:
    """A byte string; of one of these lengths, where any are given."""
    if not isinstance(data, bytes):
        raise InvalidEncoding(f"{what} is not a byte string")
    if lengths and len(data) not in lengths:
        wanted = " or ".join(str(length) for length in lengths)
        raise InvalidEncoding(f"{what} has {len(data)} bytes, not {wanted}")
    return data


def text_of(data: PlutusData, what: str) -> str:
    """A byte string that is UTF-8."""
    try:
        return bytes_of(data, what).decode()
    except UnicodeDecodeError:
        raise InvalidEncoding(f"{what} is not UTF-8") from None


def int_of(data: PlutusData, what: str, low: int | None = None, high: int | None = None) -> int:
    """An integer; at least `low` and at most `high`, where given."""
    if not isinstance(data, int):
        raise InvalidEncoding(f"{what} is not an integer")
    if (low is not None and data < low) or (high is not None and data > high):
        raise InvalidEncoding(f"{what} is {data}, out of its bounds")
    return data


def list_of(data: PlutusData, what: str) -> tuple[PlutusData, ...]:
    """A list."""
    if not isinstance(data, tuple):
        raise InvalidEncoding(f"{what} is not a list")
    return data
