"""Allocations out of a file, as a table or as JSON; what is wrong is then said of the file's own places."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from milestones import documents
from milestones.domain.paging import MOST_ALLOCATIONS
from milestones.domain.streams import Odd, Streamed, stream_json, stream_table, uncollected
from milestones.domain.tables import DecimalMark, Table, read_table
from milestones.errors import InvalidInput, InvalidSchedule
from milestones.look.figures import counted
from milestones.recognition import is_table
from milestones.services.registered_token import RegisteredToken, as_registered
from milestones.services.results import Result

R = TypeVar("R", bound=Result)
FIELD: Final = "beneficiary_allocations"
ADA_DECIMALS: Final = 6


@dataclass(frozen=True, slots=True)
class AllocationsRead:
    """The list in a file, as JSON values that nothing has judged yet; `table` is None where it is JSON.

    `registered` is by whose word a table's amounts were read with decimals; None: by that of whoever gave it.
    """

    allocations: Any
    table: Table | None
    registered: RegisteredToken | None = None

    @property
    def is_for_a_series(self) -> bool:
        """Whether there are more than one distribution can have."""
        rows = self.allocations
        return isinstance(rows, Sequence) and len(rows) > MOST_ALLOCATIONS

    def located(self, error: InvalidSchedule) -> InvalidSchedule:
        """The same error, about lines and columns where the file is a table."""
        if self.table is None:
            return error
        details = _placed(self.table, error.details)
        details.pop("path", None)
        return type(error)(
            self.table.placed(error.reason),
            path=self.table.placed(error.path),
            hint=self.table.placed(error.hint),
            details=details,
        )

    def warned(self, result: R) -> R:
        """The same result, its warnings about lines and columns; columns that were ignored are named."""
        if self.table is None:
            return result
        first = list[str]()
        if ignored := ", ".join(repr(name) for name in self.table.ignored):
            first.append(f"columns that mean nothing here were left out: {ignored}")
        if self.registered is not None:
            decimals = counted(self.registered.decimals, "decimal")
            first.append(f"amounts are read with {decimals}, as {self.registered.source} says")
        warnings = tuple(self.table.placed(each) for each in result.warnings)
        return result.model_copy(update={"warnings": (*first, *warnings)})


def read_allocations(
    file: Path,
    *,
    is_ada: bool = False,
    decimals: int | None = None,
    decimal_mark: DecimalMark | None = None,
    registered: RegisteredToken | None = None,
) -> AllocationsRead:
    """The allocations in a table (comma, semicolon or tab between cells), or in a JSON list.

    `decimals` is how many digits of a table's amounts stand behind the decimal mark, 0 to 19; None: amounts
    are whole numbers of the token's smallest unit (lovelace for ADA). `decimal_mark` settles what `1,000`
    means. `registered` is what the token is registered with: a table's decimals where none are given.
    Amounts in JSON are whole always. Raises `InvalidInput` where the file can't be read, or where the
    decimals are others than ADA's or those registered; `InvalidSchedule` about each line and column of a
    table that has no one meaning.
    """
    if is_ada and decimals not in (None, ADA_DECIMALS):
        raise InvalidInput(
            f"ADA has {ADA_DECIMALS} decimals, not {decimals}",
            path="decimals",
            hint=f"give {ADA_DECIMALS}, or leave it out and write lovelace",
        )
    of_table = as_registered(decimals, registered)
    said = registered if decimals is None else None
    streamed = _streamed(file, of_table, decimal_mark)
    if streamed is not None and (streamed.table is not None or decimals is None):
        return AllocationsRead(streamed.allocations, streamed.table, said)
    kind = documents.ALLOCATIONS
    text = documents.read_text(file, kind, FIELD, InvalidInput)
    if is_table(text):
        table = read_table(text, decimals=of_table, decimal_mark=decimal_mark)
        return AllocationsRead(list(table.rows), table, said)
    value = documents.json_in(text, file, kind, FIELD, InvalidInput)
    if decimals is not None or decimal_mark is not None:
        raise InvalidInput(
            "goes with a table alone: amounts in JSON are whole numbers of the smallest unit",
            path="decimals" if decimals is not None else "decimal_mark",
            hint="leave it out, or give a table (CSV)",
        )
    return AllocationsRead(value, None)


def _streamed(
    file: Path, decimals: int | None, decimal_mark: DecimalMark | None
) -> Streamed | None:
    """The rows of a file in which all is plainly right; None where the usual readers have to look."""
    if not file.is_file():
        return None
    with documents.reading(file, FIELD, InvalidInput) as chunks, uncollected():
        raw = io.BufferedReader(_Chunks(chunks), 1 << 20)
        start = raw.peek(_PEEKED).decode("utf-8-sig", "ignore")
        text = io.TextIOWrapper(raw, "utf-8-sig", newline="")
        try:
            if is_table(start[:_PEEKED]):
                return stream_table(text, decimals=decimals, decimal_mark=decimal_mark)
            if decimal_mark is None:
                return stream_json(text)
        except (Odd, UnicodeDecodeError):
            pass
    return None


_PEEKED: Final = 1 << 14


class _Chunks(io.RawIOBase):
    """Pieces of bytes as a file that is read once."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._left = chunks, b""

    def readable(self) -> bool:
        """It is read, and not written."""
        return True

    def readinto(self, buffer: Any) -> int:
        """As much of the next piece as there is room for; 0 at the end."""
        if not self._left:
            self._left = next(self._chunks, b"")
        size = min(len(buffer), len(self._left))
        buffer[:size] = self._left[:size]
        self._left = self._left[size:]
        return size


def _placed(table: Table, value: Any) -> Any:
    if isinstance(value, str):
        return table.placed(value)
    if isinstance(value, dict):
        return {name: _placed(table, each) for name, each in value.items()}
    return [_placed(table, each) for each in value] if isinstance(value, list) else value
