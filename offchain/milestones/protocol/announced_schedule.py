"""The schedule as it is announced on chain: its allocations, in order, in a compact CBOR form.

Everything else of a schedule is in the terms. The form (version 1) is an array of
`[count, addresses, milestones, address steps, milestone places, vesting times, amounts]`:
the distinct addresses one after the other as bytes, the distinct milestones as byte strings, both in the
order of their first use, and four columns of integers. An address step is how far the address stands
behind the one before, counted around the table; vesting times are in seconds. Where any payout carries a
datum, two parts follow: the distinct ones as byte strings (Plutus Data of the output's datum: none, a hash,
or inline), and a column of places among them.

Schedules repeat themselves: one vesting time, three milestones in turn, equal amounts. So a column is
written as `[form, content]` in the shortest of four forms; of equally short ones the first:

| form | content | meaning |
|---|---|---|
| 0 | [v, v, ...] | the values |
| 1 | [v, n, v, n, ...] | runs: v, n times |
| 2 | [v, ...] | these values over and over |
| 3 | [[v, ...], column] | a dictionary, and a column of places in it |
"""

from __future__ import annotations

from array import array as numbers_column
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Final

from milestones.cardano import cbor, plutus_data
from milestones.cardano.address import Address
from milestones.cardano.cbor import Item
from milestones.cardano.encoding import array, integer
from milestones.cardano.outputs import NO_DATUM, OutputDatum
from milestones.domain.columns import AllocationColumns, KindTable, packed
from milestones.domain.models import Allocation
from milestones.errors import InvalidAddress, InvalidEncoding

COUNT_LIMIT: Final = 1 << 20
"""No schedule has more allocations, whatever a caller allows."""
PLAIN: Final = 0
RUNS: Final = 1
CYCLE: Final = 2
DICTIONARY: Final = 3
LONGEST_CYCLE: Final = 64
_NO_DATUM: Final = plutus_data.encode(NO_DATUM.to_data())


def encode_allocations(allocations: Sequence[Allocation]) -> bytes:
    """The compact form. Amounts and times must be 0 to 2^64 - 1. The same schedule gives the same bytes."""
    columns = AllocationColumns.of(allocations)
    raws = columns.raw_addresses()
    addresses = _table(raws)
    used = list(columns.first_rows())
    milestones = _table(kind.milestone_identifier.encode() for kind in used)
    names = [milestones.get(kind.milestone_identifier.encode(), 0) for kind in columns.table]
    places = [addresses[raw] for raw in raws]
    steps = [
        (place - before) % len(addresses)
        for before, place in zip([-1, *places], places, strict=False)
    ]
    parts = [
        integer(len(columns)),
        cbor.encode_bytes(b"".join(addresses)),
        array([cbor.encode_bytes(milestone) for milestone in milestones]),
        encode_column(steps),
        encode_column([names[kind] for kind in columns.kinds]),
        encode_column([columns.table[kind].vesting_timestamp for kind in columns.kinds]),
        encode_column(columns.amounts.tolist()),
    ]
    return array([*parts, *_datum_parts(columns)])


def _datum_parts(columns: AllocationColumns) -> list[bytes]:
    if not columns.datums:
        return []
    datums = [_NO_DATUM] * len(columns)
    for row, given in columns.datums.items():
        datums[row] = plutus_data.encode(OutputDatum(*given).to_data())
    table = _table(datums)
    places = encode_column([table[datum] for datum in datums])
    return [array([cbor.encode_bytes(datum) for datum in table]), places]


def _table(values: Iterable[bytes]) -> dict[bytes, int]:
    return {value: place for place, value in enumerate(dict.fromkeys(values))}


def decode_allocations(body: bytes, *, most: int, network_id: int) -> AllocationColumns:
    """The allocations in their order; addresses are those of the given network.

    Raises `InvalidEncoding` for anything that `encode_allocations` doesn't write, and for more than
    `most` allocations (pages x 2^page_depth), before building them. What comes out is no truth yet:
    compare it with the roots in the terms (`Distribution.check`).
    """
    parts = cbor.read(body).array()
    if len(parts) not in (7, 9):
        raise InvalidEncoding(
            f"a schedule of {len(parts)} parts where 7 or, with datums, 9 are expected"
        )
    count = parts[0].unsigned()
    if not 1 <= count <= min(most, COUNT_LIMIT):
        raise InvalidEncoding(f"a schedule of {count} allocations where at most {most} can be")
    addresses = _addresses(parts[1].bytes(), network_id)
    milestones = [_milestone(item) for item in parts[2].array()]
    steps, places, times, amounts = (decode_column(item, count) for item in parts[3:7])
    datums = enumerate(_datums(parts[7:], count))
    names = [milestones[place] if place < len(milestones) else None for place in places]
    if None in names:
        raise InvalidEncoding(f"a schedule without a milestone {max(places)}")
    before, rows = -1, []
    for step in steps:
        before = (before + step) % len(addresses)
        rows.append(addresses[before])
    kinds = KindTable()
    numbers = kinds.numbers([name or "" for name in names], times)
    given = {row: (each.inline, each.hash) for row, each in datums if each != NO_DATUM}
    return AllocationColumns(
        packed(rows), numbers_column("Q", amounts), numbers, kinds.table, given
    )


def _addresses(raw: bytes, network_id: int) -> list[bytes]:
    addresses, position = [], 0
    while position < len(raw):
        length = 57 if raw[position] >> 4 < 4 else 29
        try:
            address = Address.from_bytes(raw[position : position + length])
        except InvalidAddress as error:
            raise InvalidEncoding(f"a schedule with a bad address: {error.reason}") from None
        addresses.append(replace(address, network_id=network_id).to_bytes())
        position += length
    if not addresses:
        raise InvalidEncoding("a schedule without addresses")
    return addresses


def _datums(parts: Sequence[Item], count: int) -> list[OutputDatum]:
    if not parts:
        return [NO_DATUM] * count
    table = [OutputDatum.from_data(plutus_data.decode(item.bytes())) for item in parts[0].array()]
    places = decode_column(parts[1], count)
    if max(places) >= len(table):
        raise InvalidEncoding(f"a schedule without a datum {max(places)}")
    return [table[place] for place in places]


def _milestone(item: Item) -> str:
    try:
        return item.bytes().decode()
    except UnicodeDecodeError:
        raise InvalidEncoding(f"a milestone at byte {item.start} is not UTF-8") from None


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
    return [_form(DICTIONARY, array((_list(list(places)), column)))]


def _period(values: Sequence[int]) -> int:
    for period in range(1, min(LONGEST_CYCLE, len(values) // 2) + 1):
        if all(map(int.__eq__, values, values[period:])):
            return period
    return 0


def _form(form: int, content: bytes) -> bytes:
    return array((integer(form), content))


def _list(values: Sequence[int]) -> bytes:
    return array([cbor.head(cbor.UINT, value) for value in values])


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
