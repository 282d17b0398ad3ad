"""Allocations out of a table: delimited text as spreadsheets write it, a header and a payment a row.

Nothing is guessed where money or a date hangs on it. A number with marks in it is taken where it has one
meaning only, a date where it has a zone; everything else is refused, with its line and its column.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from difflib import get_close_matches
from typing import Any, Final, Literal

from milestones.domain.posix_time import read_moment
from milestones.domain.reading import Problem, refusal
from milestones.errors import InvalidSchedule

DecimalMark = Literal[".", ","]
DELIMITERS: Final = (",", ";", "\t")
COLUMNS: Final = {
    "beneficiary_address": ("address", "beneficiary", "recipient", "wallet"),
    "token_amount": ("amount", "tokens", "quantity"),
    "milestone_identifier": ("milestone", "milestone id"),
    "vesting_timestamp": ("vests", "vests at", "vesting", "vesting time", "vesting date"),
    "datum": ("payout datum",),
    "datum_hash": ("payout datum hash",),
}
"""Each field of an allocation, and what else people call its column. Case, `_`, `-` and blanks don't count."""
REQUIRED: Final = tuple(COLUMNS)[:4]
MOST_DECIMALS: Final = 19
"""More no token can use: quantities stay below 2^63."""
_GROUPING: Final = " \u00a0\u202f\u2009'\u2019_"
"""What stands between groups of three digits, beside the mark that isn't the decimal one."""


_SEPARATOR: Final = re.compile(r"sep=([,;\t]?)")
"""What a spreadsheet may write above the header: what stands between cells."""
_PLACE: Final = re.compile(r"beneficiary_allocations\[(\d+)\](?:\.(\w+))?")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows as JSON has them, each with its line in the file (from 1), and what its columns are called.

    `columns` are the file's own names by field; `ignored` are columns that mean nothing here.
    """

    rows: tuple[dict[str, Any], ...]
    lines: Sequence[int]
    columns: Mapping[str, str]
    ignored: tuple[str, ...] = ()

    def placed(self, text: str) -> str:
        """A sentence about `beneficiary_allocations[3].token_amount`, as one about a line and a column."""
        return _PLACE.sub(self._place, text)

    def _place(self, found: re.Match[str]) -> str:
        index, field = int(found[1]), found[2]
        if index >= len(self.lines):
            return found[0]
        return _at(self.lines[index], None if field is None else self.columns.get(field, field))


def _at(line: int, column: str | None = None) -> str:
    return f"line {line}" if column is None else f"line {line}, column {column!r}"


def read_table(
    text: str, *, decimals: int | None = None, decimal_mark: DecimalMark | None = None
) -> Table:
    """The allocations in a table.

    `decimals` is how many digits of an amount stand behind the decimal mark (0 to 19); None: amounts are
    whole numbers of the smallest unit, without any mark. `decimal_mark` settles what `1,000` means, which
    otherwise is refused. Raises `InvalidSchedule` with the line and the column of each problem.
    """
    reader = TableReader(io.StringIO(text, newline=""), text, decimals=decimals, mark=decimal_mark)
    rows, lines, problems = [], [], list[Problem]()
    for line, cells in reader.cells():
        found = reader.row(cells, line)
        problems += [each for each in found.values() if isinstance(each, Problem)]
        rows.append(found)
        lines.append(line)
    if not rows:
        problems = [
            Problem("beneficiary_allocations", "the table has no rows", "add a row a payment")
        ]
    if problems:
        raise refusal(problems, InvalidSchedule)
    return Table(tuple(rows), tuple(lines), reader.columns, reader.ignored_columns)


class TableReader:
    """A table's header, and its rows one after the other. `start` is the text's beginning, header included.

    Raises `InvalidSchedule` about the header, and about quotation marks wherever they are wrong.
    """

    def __init__(
        self, lines: Iterable[str], start: str, *, decimals: int | None, mark: DecimalMark | None
    ) -> None:
        self._reader = csv.reader(lines, delimiter=_delimiter(start), strict=True)
        with self._quoted():
            self.header = next(
                (cells for cells in self._reader if any(cells) and not _SEPARATOR.match(cells[0])),
                [],
            )
        self.fields, self._ignored, problems = _fields(self.header)
        if problems:
            raise refusal(problems, InvalidSchedule)
        self._amounts = _Amounts(decimals, mark)
        self._nameless = set[int]()

    @contextmanager
    def _quoted(self) -> Iterator[None]:
        try:
            yield
        except csv.Error as error:
            raise InvalidSchedule(
                f"line {self._reader.line_num}: {error}",
                path="beneficiary_allocations",
                hint="close every quotation mark, and write one that is meant as two",
            ) from None

    def cells(self) -> Iterator[tuple[int, list[str]]]:
        """Each row's line in the file, from 1, and its cells; rows of blanks are passed over."""
        blank = [place for place, name in enumerate(self.header) if not name.strip()]
        strip = str.strip
        line = self._reader.line_num
        with self._quoted():
            for cells in self._reader:
                # A row whose cells have lines in them ends further down.
                first, line = line + 1, self._reader.line_num
                if any(map(strip, cells)):
                    if blank:
                        self._nameless.update(
                            place for place in blank if place < len(cells) and cells[place].strip()
                        )
                    yield first, cells

    @property
    def columns(self) -> dict[str, str]:
        """What the fields' columns are called."""
        return {field: self.header[place].strip() for field, place in self.fields.items()}

    @property
    def ignored_columns(self) -> tuple[str, ...]:
        """The columns that mean nothing here, those without a name as far as they were read."""
        unnamed = (f"column {place + 1}, without a name" for place in sorted(self._nameless))
        return (*self._ignored, *unnamed)

    def row(self, cells: Sequence[str], line: int) -> dict[str, Any]:
        """A row's values; a `Problem` for each that can't be read."""
        return _row(cells, self.fields, line, self.header, self._amounts)

    def amounts(self, cells: Sequence[str]) -> list[int]:
        """Amounts in the smallest unit. Raises `Unreadable`."""
        joined = "".join(cells)
        if all(cells) and joined.isascii() and joined.isdigit():
            unit = self._amounts.read("1")
            return [unit * int(cell) for cell in cells]
        return [self._amounts.read(cell.strip()) for cell in cells]

    def moment(self, cell: str) -> int:
        """A time in POSIX seconds. Raises `Unreadable`."""
        return _moment(cell)


def _delimiter(text: str) -> str:
    said = _SEPARATOR.match(text)
    if said is not None:
        return said[1]
    header = re.sub(r'"[^"]*"', "", text.lstrip("\r\n").partition("\n")[0])
    return max(DELIMITERS, key=header.count)


# -- columns


def _fields(header: Sequence[str]) -> tuple[dict[str, int], tuple[str, ...], list[Problem]]:
    """Each field's column, the columns that mean nothing here, and what is wrong with the header."""
    known = {_plain(each): field for field, names in COLUMNS.items() for each in (field, *names)}
    places: dict[str, int] = {}
    ignored: list[str] = []
    problems: list[Problem] = []
    for place, name in enumerate(header):
        field = known.get(_plain(name))
        if field is None:
            ignored += [name.strip()] if name.strip() else []
        elif field in places:
            first = header[places[field]].strip()
            message = f"the columns {first!r} and {name.strip()!r} both mean {field}"
            problems.append(Problem("line 1", message, "keep one of them"))
        else:
            places[field] = place
    for field in REQUIRED:
        if field not in places:
            near = get_close_matches(_plain(field), map(_plain, ignored), n=1, cutoff=0.6) or (
                get_close_matches(_plain(COLUMNS[field][0]), map(_plain, ignored), n=1, cutoff=0.7)
            )
            meant = f"; is it {near[0]!r}?" if near else ""
            names = ", ".join((field, *COLUMNS[field]))
            problems.append(
                Problem("line 1", f"no column is named {field}{meant}", f"name it one of: {names}")
            )
    return places, tuple(ignored), problems


def _plain(name: str) -> str:
    return " ".join(re.sub(r"[\s_\-]+", " ", name).casefold().split())


# -- rows


def _row(
    cells: Sequence[str],
    fields: dict[str, int],
    line: int,
    header: Sequence[str],
    amounts: _Amounts,
) -> dict[str, Any]:
    """The row's values; a `Problem` for each that can't be read."""
    if any(cell.strip() for cell in cells[len(header) :]):
        return {
            "": Problem(
                _at(line),
                f"has {len(cells)} cells, and the header {len(header)}",
                "put a cell that has the delimiter in it between quotation marks",
            )
        }
    found: dict[str, Any] = {}
    for field, place in fields.items():
        cell = cells[place] if place < len(cells) else ""
        where = _at(line, header[place].strip())
        if not cell.strip():
            if field in REQUIRED:
                hint = "fill it, or take the row out: sums and remarks are no allocations"
                found[field] = Problem(where, "is empty", hint)
            continue
        read = _READERS.get(field)
        try:
            if field == "token_amount":
                found[field] = amounts.read(cell.strip())
            else:
                found[field] = cell if read is None else read(cell.strip())
        except Unreadable as error:
            found[field] = Problem(where, str(error), error.hint)
    return found


class Unreadable(Exception):
    """A cell that has no one meaning; `hint` says what to write."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def _moment(cell: str) -> int:
    try:
        return read_moment(cell)
    except ValueError as error:
        hint = "write 2027-06-30, 2027-06-30T12:00Z, 2027-06-30T14:00+02:00, or POSIX seconds"
        raise Unreadable(f"{cell[:40]!r} {error}", hint) from None


def _trimmed(cell: str) -> str:
    return cell


_READERS: Final[dict[str, Callable[[str], Any]]] = {
    "beneficiary_address": _trimmed,
    "datum": _trimmed,
    "datum_hash": _trimmed,
    "vesting_timestamp": _moment,
}
"""How a field's cell is read, without the blanks around it. A milestone's name is taken as it stands."""


class _Amounts:
    """Reads amounts: whole ones of the smallest unit, or, with `decimals`, as people write them."""

    def __init__(self, decimals: int | None, mark: DecimalMark | None) -> None:
        if decimals is not None and not 0 <= decimals <= MOST_DECIMALS:
            raise InvalidSchedule(
                f"{decimals} is no number of decimals",
                path="decimals",
                hint=f"give 0 to {MOST_DECIMALS}: what the token is registered with",
            )
        self._decimals, self._mark = decimals, mark

    def read(self, cell: str) -> int:
        """The amount in the smallest unit."""
        if re.fullmatch(r"[0-9]+", cell):
            return self._scaled(cell, "")
        if re.fullmatch(r"[0-9.,]+[eE][+-]?[0-9]+", cell):
            hint = "format the column as a number without an exponent"
            raise Unreadable(f"{cell[:40]!r} is rounded by the spreadsheet", hint)
        if self._decimals is None:
            raise Unreadable(
                f"{cell[:40]!r} is no whole number",
                "write the smallest unit in digits alone, or say --decimals",
            )
        whole, fraction = self._parts(cell)
        return self._scaled(whole, fraction)

    def _scaled(self, whole: str, fraction: str) -> int:
        decimals = self._decimals or 0
        if len(fraction.rstrip("0")) > decimals:
            raise Unreadable(
                f"{whole}.{fraction} has more than {decimals} decimals",
                "write no more decimals than the token has",
            )
        return int(whole + fraction[:decimals].ljust(decimals, "0"))

    def _parts(self, cell: str) -> tuple[str, str]:
        """The digits before the decimal mark, and those behind it."""
        readings = set(self._readings(cell))
        if len(readings) == 1:
            return readings.pop()
        if readings:
            raise Unreadable(
                f"{cell[:40]!r} is read in two ways", "say --decimal-mark . or --decimal-mark ,"
            )
        raise Unreadable(
            f"{cell[:40]!r} is no amount",
            "write digits, with one decimal mark and groups of three if you like",
        )

    def _readings(self, cell: str) -> Iterator[tuple[str, str]]:
        for mark in (self._mark,) if self._mark else (".", ","):
            between = re.escape(_GROUPING + ("," if mark == "." else "."))
            groups = rf"[0-9]{{1,3}}([{between}])[0-9]{{3}}(?:\2[0-9]{{3}})*"
            number = rf"([0-9]+|{groups})(?:{re.escape(mark)}([0-9]*))?"
            found = re.fullmatch(number, cell)
            if found:
                yield re.sub(r"[^0-9]", "", found[1]), found[3] or ""


def read_amount(
    text: str, *, decimals: int | None = None, decimal_mark: DecimalMark | None = None
) -> int:
    """One amount as `read_table` reads them, in the smallest unit. Raises `InvalidSchedule` about `amount`."""
    try:
        return _Amounts(decimals, decimal_mark).read(text.strip())
    except Unreadable as error:
        raise InvalidSchedule(str(error), path="amount", hint=error.hint) from None


# -- writing


def template() -> str:
    """A table to begin with: the columns by their plain names, and two rows that show what can stand there."""
    return _written(
        ("addr_test1...", "1000", "milestone-001", "2027-06-30"),
        ("addr_test1...", "2500", "milestone-002", "2027-12-31T12:00Z"),
    )


def write_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Allocations, as JSON has them, as a table that `read_table` reads back without `decimals`."""
    return _written(
        *(
            (
                row["beneficiary_address"],
                str(row["token_amount"]),
                row["milestone_identifier"],
                datetime.fromtimestamp(row["vesting_timestamp"], timezone.utc).strftime(_UTC),
            )
            for row in rows
        )
    )


_UTC: Final = "%Y-%m-%dT%H:%M:%SZ"


def _written(*rows: Sequence[str]) -> str:
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(("address", "amount", "milestone", "vests"))
    writer.writerows(rows)
    return written.getvalue()
