"""The flat encoding of Plutus Core, bit by bit: numbers, byte strings and constants.

Source: the Plutus Core specification, appendix on the flat serialisation.
"""

from __future__ import annotations

from typing import Any, Final, NoReturn

from milestones.devnet.ledger.plutus import values
from milestones.devnet.ledger.plutus.data import decode_data
from milestones.devnet.ledger.plutus.values import Kind
from milestones.errors import InvalidEncoding, MilestonesError

MAX_TYPE_SIZE: Final = 32
"""Parts of a constant's type, since protocol version 11. Source: `maxBoundsByPV`."""

MAX_TYPE_SIZE_BEFORE: Final = 256
"""The same before, where the ledger has no bound. Real ones have up to seven; it keeps reading shallow."""

_MANY_GROUPS: Final = 64
_WORD: Final = 1 << 64


class MalformedScript(MilestonesError):
    """Bytes that are no compiled Plutus script, or none of this language at this version."""

    code = "malformed_script"
    exit_code = 2


class FlatReader:
    """Reads a flat program from its first bit on. Every method raises `MalformedScript`."""

    def __init__(self, data: bytes, protocol_version: int) -> None:
        self._data, self._position, self._bits = data, 0, len(data) * 8
        self.protocol_version = protocol_version

    def bits(self, count: int) -> int:
        """The next `count` bits, up to 8, as a number."""
        position = self._position
        self._position = end = position + count
        if end > self._bits:
            malformed("the script ends inside a term")
        index = position >> 3
        data = self._data
        window = data[index] << 8
        if index + 1 < len(data):
            window |= data[index + 1]
        return window >> (16 - (position & 7) - count) & ((1 << count) - 1)

    def natural(self) -> int:
        """A natural number in groups of seven bits, the lowest first."""
        value = shift = 0
        while shift < 7 * _MANY_GROUPS:
            group = self.bits(8)
            value |= (group & 127) << shift
            shift += 7
            if group < 128:
                return value
        groups = []
        while True:
            group = self.bits(8)
            groups.append(f"{group & 127:07b}")
            if group < 128:
                return value | int("".join(reversed(groups)), 2) << shift

    def word(self) -> int:
        """A natural number of 64 bits."""
        value = self.natural()
        if value >= _WORD:
            malformed("a number over 64 bits")
        return value

    def byte_string(self) -> bytes:
        """Padding to a byte's start, then chunks of up to 255 bytes, closed by an empty one."""
        self._skip_padding()
        data, index = self._data, self._position >> 3
        chunks: list[bytes] = []
        while True:
            if index >= len(data):
                malformed("the script ends inside a byte string")
            length = data[index]
            index += 1
            if not length:
                self._position = index << 3
                return b"".join(chunks)
            chunks.append(data[index : index + length])
            index += length

    def end(self) -> None:
        """Padding to the last byte's end, and nothing after it."""
        self._skip_padding()
        if self._position != self._bits:
            malformed("bytes follow the program")

    def _skip_padding(self) -> None:
        while not self.bits(1):
            pass
        if self._position & 7:
            malformed("padding ends inside a byte")

    def constant(self) -> Any:
        """A constant: the tags of its type, then its value."""
        tags: list[int] = []
        newest = self.protocol_version >= 11
        most = MAX_TYPE_SIZE if newest else MAX_TYPE_SIZE_BEFORE
        while self.bits(1):
            tags.append(self.bits(4))
            if len(tags) > most:
                malformed("a constant's type is nested too deep")
        kind, rest = _kind(tags)
        if rest:
            malformed("a constant's type has more parts than it needs")
        return self._value(kind)

    def _value(self, kind: Kind) -> Any:
        # One frame a level of the type, whose size is bounded above.
        if isinstance(kind, tuple):
            if kind[0] == "pair":
                first = self._value(kind[1])
                return values.Pair(kind, first, self._value(kind[2]))
            items = []
            while self.bits(1):
                items.append(self._value(kind[1]))
            if kind[0] == "list":
                return values.cells(kind[1], items)
            return values.Array(kind[1], tuple(items))
        read = _SIMPLE_READERS.get(kind)
        if read is None:
            malformed("a constant of a type that has no encoding")
        return read(self)

    def integer(self) -> int:
        """An integer: even for those from 0 on."""
        natural = self.natural()
        return -(natural >> 1) - 1 if natural & 1 else natural >> 1

    def text(self) -> str:
        """A text in UTF-8."""
        try:
            return self.byte_string().decode()
        except UnicodeDecodeError:
            raise MalformedScript("a text that is not UTF-8") from None

    def data(self) -> values.Data:
        """Plutus Data, as CBOR in a byte string."""
        try:
            return decode_data(self.byte_string())
        except InvalidEncoding as error:
            raise MalformedScript(error.message) from None

    def tokens(self) -> values.Tokens:
        """A value: sorted, without zeros and empty inner maps."""
        policies: dict[bytes, dict[bytes, int]] = {}
        before: bytes | None = None
        while self.bits(1):
            policy = before = self._key(before)
            names: dict[bytes, int] = {}
            name_before: bytes | None = None
            while self.bits(1):
                name = name_before = self._key(name_before)
                names[name] = quantity = self.integer()
                if not quantity or not -(1 << 127) <= quantity < 1 << 127:
                    malformed("a quantity that a value can't have")
            if not names:
                malformed("an empty inner map in a value")
            policies[policy] = names
        return values.Tokens(policies)

    def _key(self, before: bytes | None) -> bytes:
        key = self.byte_string()
        if len(key) > 32 or (before is not None and key <= before):
            malformed("a value's keys are too long or not in order")
        return key


_SIMPLE_READERS: Final[dict[Kind, Any]] = {
    values.INTEGER: FlatReader.integer,
    values.BYTES: FlatReader.byte_string,
    values.TEXT: FlatReader.text,
    values.UNIT: lambda _: None,
    values.BOOL: lambda reader: bool(reader.bits(1)),
    values.DATA: FlatReader.data,
    values.TOKENS: FlatReader.tokens,
}

_KINDS: Final[dict[int, Kind]] = {
    0: values.INTEGER,
    1: values.BYTES,
    2: values.TEXT,
    3: values.UNIT,
    4: values.BOOL,
    8: values.DATA,
    9: values.G1,
    10: values.G2,
    11: values.ML,
    13: values.TOKENS,
}
_LIST, _PAIR, _APPLICATION, _ARRAY = 5, 6, 7, 12


def _kind(tags: list[int]) -> tuple[Kind, list[int]]:
    """(kind, tags left). Lists, arrays and pairs are type constructors, applied by tag 7."""
    if tags and tags[0] in _KINDS:
        return _KINDS[tags[0]], tags[1:]
    if not tags:
        malformed("a constant without a type")
    if tags[0] in (_LIST, _PAIR, _ARRAY):
        malformed("a list or a pair of nothing, or an array")
    if tags[0] != _APPLICATION:
        malformed("not a constant's type")
    if tags[1:2] in ([_LIST], [_ARRAY]):
        inner, rest = _kind(tags[2:])
        return ("list" if tags[1] == _LIST else "array", inner), rest
    if tags[1:3] == [_APPLICATION, _PAIR]:
        first, rest = _kind(tags[3:])
        second, rest = _kind(rest)
        return ("pair", first, second), rest
    return malformed("not a constant's type")


def malformed(reason: str) -> NoReturn:
    """Raises `MalformedScript`."""
    raise MalformedScript(reason)
