"""The flat encoding of Plutus Core, bit by bit. Source: Plutus Core specification, appendix C."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from milestones.cardano import cbor
from milestones.devnet.ledger.plutus_data import check_plutus_data
from milestones.errors import MilestonesError

FlatType: TypeAlias = tuple[Any, ...]
"""A type's tag, then the types inside it."""

MAX_TYPE_TAGS: Final = 64
"""Tags of one constant's type. Real ones have up to seven; the bound keeps reading shallow."""

INTEGER, BYTE_STRING, STRING, UNIT, BOOL, LIST, PAIR, APPLICATION, DATA = range(9)


class MalformedFlat(MilestonesError):
    """Bytes that are no compiled Plutus script."""

    code = "malformed_script"
    exit_code = 2


class FlatReader:
    """Reads a flat program from its first bit on. Every method raises `MalformedFlat` at the end."""

    def __init__(self, data: bytes) -> None:
        self._data, self._position = data, 0

    def bit(self) -> int:
        """The next bit."""
        index = self._position >> 3
        if index >= len(self._data):
            raise MalformedFlat("the script ends inside a term")
        value = self._data[index] >> (7 - (self._position & 7)) & 1
        self._position += 1
        return value

    def bits(self, count: int) -> int:
        """The next `count` bits, up to 8, as a number."""
        index, shift = self._position >> 3, 16 - (self._position & 7) - count
        window = self._data[index : index + 2]
        self._position += count
        if self._position > len(self._data) * 8:
            raise MalformedFlat("the script ends inside a term")
        return int.from_bytes(window.ljust(2, b"\x00"), "big") >> shift & (1 << count) - 1

    def natural(self) -> int:
        """A natural number in groups of seven bits, the lowest first."""
        value = shift = 0
        while True:
            group = self.bits(8)
            value |= (group & 127) << shift
            shift += 7
            if group < 128:
                return value

    def byte_string(self) -> bytes:
        """Padding to a byte's start, then chunks of up to 255 bytes, closed by an empty one."""
        self._skip_padding()
        chunks = []
        while length := self.bits(8):
            start = self._position >> 3
            chunks.append(self._data[start : start + length])
            self._position += length * 8
        return b"".join(chunks)

    def constant(self) -> None:
        """A constant: the tags of its type, then its value."""
        tags = []
        while self.bit():
            tags.append(self.bits(4))
            if len(tags) > MAX_TYPE_TAGS:
                raise MalformedFlat("a constant's type is nested too deep")
        kind, rest = _type(tags)
        if rest:
            raise MalformedFlat("a constant's type has more parts than it needs")
        self._value(kind)

    def end(self) -> None:
        """Padding to the last byte's end, and nothing after it."""
        self._skip_padding()
        if self._position != len(self._data) * 8:
            raise MalformedFlat("bytes follow the program")

    def _skip_padding(self) -> None:
        while not self.bit():
            pass
        if self._position & 7:
            raise MalformedFlat("padding ends inside a byte")

    def _value(self, kind: FlatType) -> None:
        tag = kind[0]
        if tag == INTEGER:
            self.natural()
        elif tag == BYTE_STRING:
            self.byte_string()
        elif tag == STRING:
            _check_text(self.byte_string())
        elif tag == BOOL:
            self.bit()
        elif tag == DATA:
            check_plutus_data(cbor.read(self.byte_string()))
        elif tag == PAIR:
            self._value(kind[1])
            self._value(kind[2])
        elif tag == LIST:
            while self.bit():
                self._value(kind[1])
        elif tag != UNIT:
            raise MalformedFlat("a constant of a type that has no encoding")


def _check_text(data: bytes) -> None:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedFlat("a text that is not UTF-8") from None


def _type(tags: list[int]) -> tuple[FlatType, list[int]]:
    """(type, tags left). Lists and pairs are type constructors, applied by tag 7."""
    if not tags:
        raise MalformedFlat("a constant without a type")
    if tags[0] in (LIST, PAIR):
        raise MalformedFlat("a list or a pair of nothing")
    if tags[0] != APPLICATION:
        return (tags[0],), tags[1:]
    if tags[1:2] == [LIST]:
        inner, rest = _type(tags[2:])
        return (LIST, inner), rest
    if tags[1:3] == [APPLICATION, PAIR]:
        first, rest = _type(tags[3:])
        second, rest = _type(rest)
        return (PAIR, first, second), rest
    raise MalformedFlat("not a constant's type")
