"""Plutus Core for tests: terms, and their flat encoding, written apart from the reader that is tested.

Source: the Plutus Core specification, appendix on the flat serialisation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from milestones.devnet.ledger.plutus.data import encode_data
from milestones.devnet.ledger.plutus.signatures import SIGNATURES
from milestones.devnet.ledger.plutus.values import (
    Array,
    Cell,
    Data,
    Kind,
    Pair,
    Tokens,
    cells,
    kind_of,
)

Term: TypeAlias = "tuple[Any, ...]"
"""A term's tag in the encoding, and what it holds."""

VERSION: Final = (1, 1, 0)
TAGS: Final = {each.name: each.tag for each in SIGNATURES}
FORCES: Final = {each.name: each.forces for each in SIGNATURES}
ERROR: Final[Term] = (6,)


def var(index: int) -> Term:
    return 0, index


def delay(body: Term) -> Term:
    return 1, body


def lam(body: Term) -> Term:
    return 2, body


def application(called: Term, *arguments: Term) -> Term:
    for argument in arguments:
        called = (3, called, argument)
    return called


def const(value: Any, kind: Kind | None = None) -> Term:
    """A constant; of lists in Python `kind` says the type."""
    if isinstance(value, list):
        assert isinstance(kind, tuple)
        value = cells(kind[1], value)
    return 4, kind or kind_of(value), value


def force(body: Term) -> Term:
    return 5, body


def function(name: str) -> Term:
    return 7, TAGS[name]


def call(name: str, *arguments: Term) -> Term:
    """A built-in function with its forces, applied."""
    called = function(name)
    for _ in range(FORCES[name]):
        called = force(called)
    return application(called, *arguments)


def constr(tag: int, *fields: Term) -> Term:
    return 8, tag, fields


def case(scrutinee: Term, *branches: Term) -> Term:
    return 9, scrutinee, branches


UNIT: Final = const(None)


def program(term: Term, version: tuple[int, int, int] = VERSION) -> bytes:
    """A program's flat encoding."""
    writer = FlatWriter()
    for number in version:
        writer.natural(number)
    writer.term(term)
    writer.pad()
    return writer.finished()


class FlatWriter:
    """Writes bit by bit."""

    def __init__(self) -> None:
        self._value, self._length = 0, 0
        self._done: list[bytes] = []

    def bits(self, value: int, count: int) -> None:
        self._value = self._value << count | value
        self._length += count
        if self._length >= 512:
            rest = self._length & 7
            whole = self._value >> rest
            self._done.append(whole.to_bytes(self._length >> 3, "big"))
            self._value, self._length = self._value & ((1 << rest) - 1), rest

    def finished(self) -> bytes:
        assert self._length % 8 == 0
        return b"".join(self._done) + self._value.to_bytes(self._length >> 3, "big")

    def pad(self) -> None:
        count = 8 - self._length % 8
        self.bits(1, count)

    def natural(self, value: int) -> None:
        while value > 127:
            self.bits(128 | value & 127, 8)
            value >>= 7
        self.bits(value, 8)

    def integer(self, value: int) -> None:
        self.natural(2 * value if value >= 0 else -2 * value - 1)

    def byte_string(self, data: bytes) -> None:
        self.pad()
        for start in range(0, len(data), 255):
            chunk = data[start : start + 255]
            self.bits(len(chunk), 8)
            self.bits(int.from_bytes(chunk, "big"), 8 * len(chunk))
        self.bits(0, 8)

    def items(self, items: Any, write: Callable[[Any], None]) -> None:
        for item in items:
            self.bits(1, 1)
            write(item)
        self.bits(0, 1)

    def term(self, term: Term) -> None:
        tag = term[0]
        self.bits(tag, 4)
        if tag == 0:
            self.natural(term[1])
        elif tag == 4:
            self.constant(term[1], term[2])
        elif tag == 7:
            self.bits(term[1], 7)
        elif tag == 8:
            self.natural(term[1])
            self.items(term[2], self.term)
        elif tag == 9:
            self.term(term[1])
            self.items(term[2], self.term)
        else:
            for part in term[1:]:
                self.term(part)

    def constant(self, kind: Kind, value: Any) -> None:
        self.items(type_tags(kind), lambda tag: self.bits(tag, 4))
        self.value(kind, value)

    def value(self, kind: Kind, value: Any) -> None:
        if isinstance(value, Pair):
            self.value(kind[1], value.first)
            self.value(kind[2], value.second)
        elif isinstance(value, (Cell, Array)):
            items = value if isinstance(value, Cell) else value.items
            self.items(items, lambda item: self.value(kind[1], item))
        elif isinstance(value, Tokens):
            self.items(sorted(value.policies.items()), self._policy)
        elif isinstance(value, Data):
            self.byte_string(encode_data(value))
        elif isinstance(value, bool):
            self.bits(value, 1)
        elif isinstance(value, int):
            self.integer(value)
        elif value is not None:
            self.byte_string(value.encode() if isinstance(value, str) else value)

    def _policy(self, entry: tuple[bytes, dict[bytes, int]]) -> None:
        self.byte_string(entry[0])
        self.items(sorted(entry[1].items()), self._name)

    def _name(self, entry: tuple[bytes, int]) -> None:
        self.byte_string(entry[0])
        self.integer(entry[1])


_TYPES: Final = {
    "integer": 0,
    "bytestring": 1,
    "string": 2,
    "unit": 3,
    "bool": 4,
    "data": 8,
    "value": 13,
}
_CONSTRUCTORS: Final = {"list": 5, "pair": 6, "array": 12}


def type_tags(kind: Kind) -> list[int]:
    """A type as the encoding has it: applications come before what they apply."""
    if isinstance(kind, str):
        return [_TYPES[kind]]
    inner = [tag for each in kind[1:] for tag in type_tags(each)]
    if kind[0] == "pair":
        return [7, 7, 6, *inner]
    return [7, _CONSTRUCTORS[kind[0]], *inner]
