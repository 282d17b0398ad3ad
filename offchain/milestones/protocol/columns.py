"""A column of integers in as few bytes of CBOR as a simple form allows.

Schedules repeat themselves: one vesting time, three milestones in turn, equal amounts. A column is
written as `[form, content]` in the shortest of four forms; of equally short ones the first:

| form | content | meaning |
|---|---|---|
| 0 | [v, v, ...] | the values |
| 1 | [v, n, v, n, ...] | runs: v, n times |
| 2 | [v, ...] | these values over and over |
| 3 | [[v, ...], column] | a dictionary, and a column of places in it |
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final

from milestones.cardano import cbor
from milestones.cardano.cbor import Item
from milestones.errors import InvalidEncoding

PLAIN: Final = 0
RUNS: Final = 1
CYCLE: Final = 2
DICTIONARY: Final = 3
LONGEST_CYCLE: Final = 64


def array(*elements: bytes) -> bytes:
    """A CBOR array of definite length of elements that are encoded already."""
    return cbor.head(cbor.ARRAY, len(elements)) + b"".join(elements)


def encode_column(values: Sequence[int]) -> bytes:
    """The shortest form of non-negative integers below 2^64."""
    return min((*_simple_forms(values), *_dictionary_forms(values)), key=len)


def _simple_forms(values: Sequence[int]) -> list[bytes]:
    runs = [x for value, run in groupby(values) for x in (value, len(list(run)))]
    forms = [_form(PLAIN, _list(values)), _form(RUNS, _list(runs))]
    period = _period(values)
    return [*forms, _form(CYCLE, _list(values[:period]))] if period else forms


def _dictionary_forms(values: Sequence[int]) -> list[bytes]:
    places = {value: place for place, value in enumerate(dict.fromkeys(values))}
    if len(places) == len(values):
        return []
    codes = [places[value] for value in values]
    column = min(_simple_forms(codes), key=len)
    return [_form(DICTIONARY, array(_list(list(places)), column))]


def _period(values: Sequence[int]) -> int:
    for period in range(1, min(LONGEST_CYCLE, len(values) // 2) + 1):
        if all(map(int.__eq__, values, values[period:])):
            return period
    return 0


def _form(form: int, content: bytes) -> bytes:
    return array(cbor.head(cbor.UINT, form), content)


def _list(values: Sequence[int]) -> bytes:
    return array(*(cbor.head(cbor.UINT, value) for value in values))


def decode_column(item: Item, length: int, *, nested: bool = False) -> list[int]:
    """The values of a column, which must be exactly `length`. Raises `InvalidEncoding`.

    Nothing longer than `length` is ever built, whatever the column claims.
    """
    form, content = _pair(item)
    if form.unsigned() == DICTIONARY and not nested:
        words, codes = _pair(content)
        dictionary = [word.unsigned() for word in words.array()]
        return [_word(dictionary, code) for code in decode_column(codes, length, nested=True)]
    values = [value.unsigned() for value in content.array()]
    if form.value == RUNS:
        values = _expanded(values, length)
    elif form.value == CYCLE and values:
        values = (values * (length // len(values) + 1))[:length]
    elif form.value != PLAIN:
        raise InvalidEncoding(f"a column has no form {form.value}")
    if len(values) != length:
        raise InvalidEncoding(f"a column of {len(values)} values where {length} are expected")
    return values


def _pair(item: Item) -> tuple[Item, Item]:
    elements = item.array()
    if len(elements) != 2:
        raise InvalidEncoding(f"two elements are expected at byte {item.start}")
    return elements[0], elements[1]


def _word(dictionary: list[int], code: int) -> int:
    if code >= len(dictionary):
        raise InvalidEncoding(f"a column's dictionary has no place {code}")
    return dictionary[code]


def _expanded(runs: list[int], length: int) -> list[int]:
    values: list[int] = []
    for value, count in zip(runs[::2], runs[1::2], strict=False):
        if count > length - len(values):
            raise InvalidEncoding(f"a column of more than {length} values")
        values += [value] * count
    return values
