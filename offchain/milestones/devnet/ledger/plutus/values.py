"""Constants of Plutus Core: what they are in Python, and their types.

Integers, byte strings, texts and booleans are Python's; the unit is `None`; the rest are classes of
this module. A *kind* is a constant's type: a name, or a tuple of a type constructor and the kinds
inside. Source: the Plutus Core specification.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeAlias

Kind: TypeAlias = "str | tuple[Any, ...]"
"""A constant's type: `"integer"`, or `("list", kind)`, `("pair", kind, kind)`, `("array", kind)`."""

INTEGER: Final = "integer"
BYTES: Final = "bytestring"
TEXT: Final = "string"
UNIT: Final = "unit"
BOOL: Final = "bool"
DATA: Final = "data"
G1: Final = "bls12_381_G1_element"
G2: Final = "bls12_381_G2_element"
ML: Final = "bls12_381_mlresult"
TOKENS: Final = "value"
PAIR_OF_DATA: Final = ("pair", DATA, DATA)
LIST_OF_DATA: Final = ("list", DATA)
LIST_OF_PAIRS: Final = ("list", PAIR_OF_DATA)
_INDEX_AND_FIELDS: Final = ("pair", INTEGER, LIST_OF_DATA)

CONSTR, MAP, LIST, NUMBER, STRING = range(5)
"""What a node of data is."""

CLOSURE, SUSPENSION, PARTIAL, STRUCTURE = range(4)
"""Values that are no constants.

`(CLOSURE, body, fresh, environment, term)`, `(SUSPENSION, body, environment, term)`,
`(PARTIAL, function, forces to come, arguments)`, `(STRUCTURE, tag, fields)`.
"""


class Cell:
    """A list: its first element and the rest. The empty list has no rest, `None`.

    `kind` is the elements'. Cells are shared between lists and never changed.
    """

    __slots__ = ("head", "kind", "tail")

    def __init__(self, kind: Kind, head: Any = None, tail: Cell | None = None) -> None:
        self.kind, self.head, self.tail = kind, head, tail

    def __iter__(self) -> Iterator[Any]:
        cell = self
        while cell.tail is not None:
            yield cell.head
            cell = cell.tail


class Pair:
    """Two constants; `kind` is the pair's own."""

    __slots__ = ("first", "kind", "second")

    def __init__(self, kind: Kind, first: Any, second: Any) -> None:
        self.kind, self.first, self.second = kind, first, second


class Array:
    """Constants of one kind, reached by their index."""

    __slots__ = ("items", "kind")

    def __init__(self, kind: Kind, items: tuple[Any, ...]) -> None:
        self.kind, self.items = kind, items


class Data:
    """A node of Plutus Data.

    `value` by `tag`: a `Pair` of index and fields, a list of pairs, a list, an integer, bytes.
    """

    __slots__ = ("tag", "value")

    def __init__(self, tag: int, value: Any) -> None:
        self.tag, self.value = tag, value


class Tokens:
    """A value: quantities by policy, then by name; no zero, no empty inner map.

    `count` is the number of entries, `longest` that of the longest inner map.
    """

    __slots__ = ("_has_negative", "count", "longest", "policies")

    def __init__(self, policies: dict[bytes, dict[bytes, int]]) -> None:
        self.policies = policies
        lengths = [len(names) for names in policies.values()]
        self.count, self.longest = sum(lengths), max(lengths, default=0)
        self._has_negative: bool | None = None

    @property
    def has_negative(self) -> bool:
        """Whether a quantity is below zero; looked for once."""
        if self._has_negative is None:
            inner = self.policies.values()
            self._has_negative = any(min(names.values()) < 0 for names in inner)
        return self._has_negative


class Curve:
    """An element of G1 or G2, or what a Miller loop gives; `kind` says which."""

    __slots__ = ("kind", "point")

    def __init__(self, kind: Kind, point: Any) -> None:
        self.kind, self.point = kind, point


EMPTY_DATA: Final = Cell(DATA)
EMPTY_PAIRS: Final = Cell(PAIR_OF_DATA)

_SIMPLE: Final[dict[type, Kind]] = {
    int: INTEGER,
    bytes: BYTES,
    str: TEXT,
    bool: BOOL,
    type(None): UNIT,
    Data: DATA,
    Tokens: TOKENS,
}


def kind_of(value: Any) -> Kind:
    """A constant's kind."""
    found = _SIMPLE.get(type(value))
    if found is not None:
        return found
    if type(value) is Cell:
        return ("list", value.kind)
    if type(value) is Array:
        return ("array", value.kind)
    kind: Kind = value.kind
    return kind


def cells(kind: Kind, items: Iterable[Any]) -> Cell:
    """A list of constants of one kind."""
    cell = Cell(kind)
    for item in reversed(list(items)):
        cell = Cell(kind, item, cell)
    return cell


def constructor(index: int, fields: Cell) -> Data:
    """A constructor with its fields."""
    return Data(CONSTR, Pair(_INDEX_AND_FIELDS, index, fields))
