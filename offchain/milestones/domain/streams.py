"""Long lists of allocations, read in blocks into columns: a file is never held as a whole.

Only what is plainly right is read here. Whatever is odd about a row ends it (`Odd`), and the usual readers,
`read_table` and `parse_allocations`, then say what is wrong, and where.
"""

from __future__ import annotations

import binascii
import csv
import gc
import io
import json
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, TextIO

from milestones.domain.columns import (
    AllocationColumns,
    Datums,
    KindTable,
    addresses_of,
    columns_of_rows,
    packed,
)
from milestones.domain.tables import DecimalMark, Table, TableReader, Unreadable
from milestones.errors import InvalidSchedule
from milestones.notation import unique

BLOCK: Final = 4_096
PIECE: Final = 1 << 20
"""Characters of JSON that are looked at together."""
LONGEST_ROW: Final = 1 << 16
"""Characters: a datum has up to 8,192 bytes."""


class Odd(Exception):
    """Something about the file is not plainly right."""


@dataclass(frozen=True, slots=True)
class Streamed:
    """All rows of a file; `table` has the lines and columns they come from, where it is a table."""

    allocations: AllocationColumns
    table: Table | None


def stream_json(file: TextIO) -> Streamed:
    """The rows of a JSON list. Raises `Odd`."""
    rows = _Growing()
    for block in _json_blocks(file):
        columns = columns_of_rows(block, rows.kinds)
        if columns is None:
            raise Odd
        rows.add(columns)
    return Streamed(rows.columns(), None)


def stream_table(
    file: TextIO, *, decimals: int | None, decimal_mark: DecimalMark | None
) -> Streamed:
    """The rows of a table. Raises `Odd`."""
    start = file.read(LONGEST_ROW)
    rows, lines = _Growing(), array("I")
    try:
        reader = TableReader(_lines(start, file), start, decimals=decimals, mark=decimal_mark)
        cells = reader.cells()
        while block := list(islice(cells, BLOCK)):
            lines.extend(line for line, _ in block)
            rows.add(_table_columns(reader, [row for _, row in block], rows.kinds))
    except (InvalidSchedule, csv.Error, ValueError, Unreadable):
        raise Odd from None
    if not len(lines):
        raise Odd
    return Streamed(rows.columns(), Table((), lines, reader.columns, reader.ignored_columns))


@contextmanager
def uncollected() -> Iterator[None]:
    """Inside, nobody looks for garbage: among millions of small values that all live it takes a quarter."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


class _Growing:
    """Columns that grow by blocks which share their kinds."""

    def __init__(self) -> None:
        self.kinds = KindTable()
        self._addresses = bytearray()
        self._amounts, self._numbers = array("Q"), array("I")
        self._datums: dict[int, Datums] = {}

    def add(self, columns: AllocationColumns) -> None:
        before = len(self._amounts)
        self._datums.update((before + row, each) for row, each in columns.datums.items())
        self._addresses += columns.addresses
        self._amounts.extend(columns.amounts)
        self._numbers.extend(columns.kinds)

    def columns(self) -> AllocationColumns:
        return AllocationColumns(
            self._addresses, self._amounts, self._numbers, self.kinds.table, self._datums
        )


# -- JSON


def _json_blocks(file: TextIO) -> Iterator[list[Any]]:
    """The rows in pieces, each cut behind the last `}` that the parser agrees to."""
    text = file.read(PIECE).lstrip()
    if text[:1] != "[":
        raise Odd
    text, comma = text[1:], ""
    while True:
        piece = file.read(PIECE)
        text = (text + piece).lstrip()
        if comma and text:
            if text[0] == "]":
                break
            if text[0] != ",":
                raise Odd
            text, comma = text[1:], ""
        rows, text = _complete_rows(text, whole=not piece)
        if rows:
            yield rows
            comma = ","
        elif not piece or len(text) > PIECE + LONGEST_ROW:
            break
    if not comma or text.strip() != "]" or file.read(1):
        raise Odd


def _complete_rows(text: str, *, whole: bool) -> tuple[list[Any], str]:
    """The rows that a piece holds to their end, and what is behind the last of them."""
    cut = text.rfind("}")
    for _ in range(8):
        if cut < 0:
            break
        try:
            rows = json.loads(f"[{text[: cut + 1]}]", object_pairs_hook=unique)
        except (ValueError, RecursionError):
            # It may be inside a text, or in the middle of an object.
            cut = text.rfind("}", 0, cut)
        else:
            return rows, text[cut + 1 :].lstrip()
    if whole:
        raise Odd
    return [], text


# -- tables


def _lines(start: str, file: TextIO) -> Iterator[str]:
    """The lines of a text whose beginning was read already, with their ends."""
    yield from io.StringIO(start + file.readline(), newline="")
    yield from file


def _table_columns(
    reader: TableReader, rows: Sequence[Sequence[str]], kinds: KindTable
) -> AllocationColumns:
    width = len(reader.header)
    if any(len(row) != width for row in rows):
        raise Odd
    columns = {field: [row[place] for row in rows] for field, place in reader.fields.items()}
    addresses = addresses_of([cell.strip() for cell in columns["beneficiary_address"]])
    milestones = columns["milestone_identifier"]
    if addresses is None or not all(milestones):
        raise Odd
    times = _each_once(columns["vesting_timestamp"], reader.moment)
    amounts = reader.amounts(columns["token_amount"])
    if max(amounts) >= 1 << 64 or any(name.isspace() for name in set(milestones)):
        raise Odd
    numbers = kinds.numbers(milestones, times)
    return AllocationColumns(packed(addresses), array("Q", amounts), numbers, (), _datums(columns))


def _datums(columns: Mapping[str, Sequence[str]]) -> dict[int, Datums]:
    datums: dict[int, Datums] = {}
    for field in columns.keys() & {"datum", "datum_hash"}:
        for number, cell in enumerate(columns[field]):
            digits = cell.strip()
            if digits:
                datum, datum_hash = datums.get(number, (None, None))
                raw = binascii.unhexlify(digits)
                datums[number] = (raw, datum_hash) if field == "datum" else (datum, raw)
    return datums


def _each_once(cells: Iterable[str], read: Callable[[str], int]) -> list[int]:
    known: dict[str, int] = {}
    found = []
    for cell in cells:
        value = known.get(cell)
        if value is None:
            value = known[cell] = read(cell.strip())
        found.append(value)
    return found
