"""Built-in functions of pairs, lists, arrays, data and values.

Arguments have been checked and paid for. Source: `PlutusCore.Default.Builtins`, `PlutusCore.Value`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from milestones.devnet.ledger.plutus import values
from milestones.devnet.ledger.plutus.data import data_equal, encode_data
from milestones.devnet.ledger.plutus.functions_numbers import BuiltinFailure
from milestones.devnet.ledger.plutus.printing import number_text
from milestones.devnet.ledger.plutus.values import (
    CONSTR,
    EMPTY_DATA,
    EMPTY_PAIRS,
    LIST,
    MAP,
    NUMBER,
    STRING,
    Array,
    Cell,
    Data,
    Pair,
    Tokens,
)

LONGEST_KEY: Final = 32
"""Bytes of a value's keys."""

MOST_ENTRIES: Final = 40_000
"""Entries of a value that `valueData` takes."""


def mk_cons(head: Any, tail: Cell) -> Cell:
    """The constant's type must be the list's."""
    kind = tail.kind
    if values.kind_of(head) != kind:
        raise BuiltinFailure(
            structural="The type of the value does not match the type of elements in the list"
        )
    return Cell(kind, head, tail)


def head_list(cell: Cell) -> Any:
    """The first element."""
    if cell.tail is None:
        raise BuiltinFailure("Expected a non-empty list but got an empty one")
    return cell.head


def tail_list(cell: Cell) -> Cell:
    """All elements but the first."""
    if cell.tail is None:
        raise BuiltinFailure("Expected a non-empty list but got an empty one")
    return cell.tail


def drop_list(count: int, cell: Cell) -> Cell:
    """All elements but the first `count`."""
    while count > 0 and cell.tail is not None:
        cell = cell.tail
        count -= 1
    return cell


def index_array(array: Array, index: int) -> Any:
    """The element at an index."""
    if not 0 <= index < len(array.items):
        raise BuiltinFailure("Array index out of bounds")
    return array.items[index]


def _opened(tag: int, name: str) -> Callable[[Data], Any]:
    def function(data: Data) -> Any:
        if data.tag != tag:
            raise BuiltinFailure(f"Expected the {name} constructor but got a different one")
        return data.value

    return function


def _in_bounds(quantity: int) -> bool:
    return -(1 << 127) <= quantity < 1 << 127


def insert_coin(policy: bytes, name: bytes, quantity: int, tokens: Tokens) -> Tokens:
    """Replaces a quantity; 0 removes it, whatever the keys' lengths."""
    policies = tokens.policies
    names = policies.get(policy, {})
    if quantity:
        for what, key in (("currency", policy), ("token", name)):
            if len(key) > LONGEST_KEY:
                raise BuiltinFailure(f"insertCoin: invalid {what}: {_bytes_text(key)}")
        if not _in_bounds(quantity):
            raise BuiltinFailure(f"insertCoin: quantity out of bounds: {number_text(quantity)}")
        return Tokens({**policies, policy: {**names, name: quantity}})
    if name not in names:
        return tokens
    rest = {each: names[each] for each in names if each != name}
    changed = {**policies, policy: rest}
    if not rest:
        del changed[policy]
    return Tokens(changed)


def lookup_coin(policy: bytes, name: bytes, tokens: Tokens) -> int:
    """A quantity; 0 where there is none."""
    return tokens.policies.get(policy, {}).get(name, 0)


def union_value(one: Tokens, other: Tokens) -> Tokens:
    """The sum of two values."""
    policies = {policy: dict(names) for policy, names in one.policies.items()}
    for policy, names in other.policies.items():
        into = policies.setdefault(policy, {})
        for name, quantity in names.items():
            total = into.get(name, 0) + quantity
            if not _in_bounds(total):
                raise BuiltinFailure(
                    "unionValue: quantity is out of the signed 128-bit integer bounds"
                )
            if total:
                into[name] = total
            else:
                del into[name]
        if not into:
            del policies[policy]
    return Tokens(policies)


def value_contains(one: Tokens, other: Tokens) -> bool:
    """Whether `one` has at least what `other` has."""
    for which, tokens in (("first", one), ("second", other)):
        if tokens.has_negative:
            raise BuiltinFailure(f"valueContains: {which} value contains negative amounts")
    if other.count > one.count:
        return False
    return all(
        lookup_coin(policy, name, one) >= quantity
        for policy, names in other.policies.items()
        for name, quantity in names.items()
    )


def value_data(tokens: Tokens) -> Data:
    """A value as a map of maps, in order."""
    if tokens.count > MOST_ENTRIES:
        raise BuiltinFailure(f"valueData: maximum input size ({MOST_ENTRIES}) exceeded")
    outer = []
    for policy, names in sorted(tokens.policies.items()):
        inner = [
            (Data(STRING, name), Data(NUMBER, quantity)) for name, quantity in sorted(names.items())
        ]
        outer.append((Data(STRING, policy), _map(inner)))
    return _map(outer)


def _map(entries: list[tuple[Data, Data]]) -> Data:
    kind = values.PAIR_OF_DATA
    return Data(MAP, values.cells(kind, [Pair(kind, key, value) for key, value in entries]))


def un_value_data(data: Data) -> Tokens:
    """A value from a map of maps that could be one of `valueData`'s."""
    policies: dict[bytes, dict[bytes, int]] = {}
    before: bytes | None = None
    for pair in _pairs(data):
        policy, inner = _key(pair.first), _pairs(pair.second)
        if before is not None and policy <= before:
            raise BuiltinFailure("unValueData: currency symbols not strictly ascending")
        policies[policy] = _names(inner)
        before = policy
    return Tokens(policies)


def _names(pairs: Cell) -> dict[bytes, int]:
    names: dict[bytes, int] = {}
    before: bytes | None = None
    for pair in pairs:
        name, quantity = _key(pair.first), _quantity(pair.second)
        if before is not None and name <= before:
            raise BuiltinFailure("unValueData: token names not strictly ascending")
        if not quantity:
            raise BuiltinFailure("unValueData: zero quantity")
        names[name] = quantity
        before = name
    if not names:
        raise BuiltinFailure("unValueData: empty inner map")
    return names


def _pairs(data: Data) -> Cell:
    if data.tag != MAP:
        raise BuiltinFailure("unValueData: non-Map constructor")
    cell: Cell = data.value
    return cell


def _key(data: Data) -> bytes:
    if data.tag != STRING:
        raise BuiltinFailure("unValueData: non-B constructor")
    key: bytes = data.value
    if len(key) > LONGEST_KEY:
        raise BuiltinFailure(f"unValueData: invalid key: {_bytes_text(key)}")
    return key


def _quantity(data: Data) -> int:
    if data.tag != NUMBER:
        raise BuiltinFailure("unValueData: non-I constructor")
    quantity: int = data.value
    if not _in_bounds(quantity):
        raise BuiltinFailure("unValueData: invalid quantity")
    return quantity


def _bytes_text(data: bytes) -> str:
    return f"[{','.join(map(str, data))}]"


def scale_value(factor: int, tokens: Tokens) -> Tokens:
    """Every quantity times a number."""
    if not factor:
        return Tokens({})
    policies: dict[bytes, dict[bytes, int]] = {}
    for policy, names in sorted(tokens.policies.items()):
        scaled = policies[policy] = {}
        for name, quantity in sorted(names.items()):
            scaled[name] = factor * quantity
            if not _in_bounds(scaled[name]):
                product = f"{number_text(factor)} * {quantity}"
                raise BuiltinFailure(f"scaleValue: quantity out of bounds: {product}")
    return Tokens(policies)


DATA_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "fstPair": lambda pair: pair.first,
    "sndPair": lambda pair: pair.second,
    "chooseList": lambda cell, nil, cons: nil if cell.tail is None else cons,
    "mkCons": mk_cons,
    "headList": head_list,
    "tailList": tail_list,
    "nullList": lambda cell: cell.tail is None,
    "dropList": drop_list,
    "lengthOfArray": lambda array: len(array.items),
    "listToArray": lambda cell: Array(cell.kind, tuple(cell)),
    "indexArray": index_array,
    "chooseData": lambda data, *choices: choices[data.tag],
    "constrData": values.constructor,
    "mapData": lambda cell: Data(MAP, cell),
    "listData": lambda cell: Data(LIST, cell),
    "iData": lambda number: Data(NUMBER, number),
    "bData": lambda string: Data(STRING, string),
    "unConstrData": _opened(CONSTR, "Constr"),
    "unMapData": _opened(MAP, "Map"),
    "unListData": _opened(LIST, "List"),
    "unIData": _opened(NUMBER, "I"),
    "unBData": _opened(STRING, "B"),
    "equalsData": data_equal,
    "mkPairData": lambda first, second: Pair(values.PAIR_OF_DATA, first, second),
    "mkNilData": lambda _: EMPTY_DATA,
    "mkNilPairData": lambda _: EMPTY_PAIRS,
    "serialiseData": encode_data,
    "insertCoin": insert_coin,
    "lookupCoin": lookup_coin,
    "unionValue": union_value,
    "valueContains": value_contains,
    "valueData": value_data,
    "unValueData": un_value_data,
    "scaleValue": scale_value,
}
"""By name."""
