"""The index: the file that claims out of a large schedule are served from, without reading all of it.

Columns in pages, the upper nodes of the pages' trees, and who has which row. It is written once and never
changed. Nothing in it is believed for itself: a row counts once its 64 neighbours have been hashed again,
and lead to the root in the terms. What is missing or wrong is made anew, from the schedule or the chain.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from milestones.domain.columns import (
    Kind,
    from_big_endian,
)
from milestones.errors import InvalidConfiguration

if TYPE_CHECKING:  # loaded when an index is first opened: `--help` has no use for it
    import sqlite3

T = TypeVar("T")
APPLICATION_ID: Final = int.from_bytes(b"mdix", "big")
SCHEMA_VERSION: Final = 1
CHUNK_HEIGHT: Final = 6
"""Rows are read and hashed in the subtrees of this height: 64 of them."""
KEY_OFFSET: Final = 1 << 63
"""SQLite's integers are signed."""
CHUNKS_KEPT: Final = 256
TABLES: Final = """
CREATE TABLE series (root BLOB, network_magic INTEGER, rows INTEGER);
CREATE TABLE distribution (number INTEGER PRIMARY KEY, id BLOB, terms BLOB, first INTEGER,
    count INTEGER, page_depth INTEGER, first_page INTEGER);
CREATE TABLE page (number INTEGER PRIMARY KEY, nodes BLOB, amounts BLOB, kinds BLOB, sources BLOB);
CREATE TABLE kind (number INTEGER PRIMARY KEY, milestone TEXT, vesting TEXT);
CREATE TABLE chunk (number INTEGER PRIMARY KEY, addresses BLOB);
CREATE TABLE datum (row INTEGER PRIMARY KEY, datum BLOB, hash BLOB);
CREATE TABLE who (key INTEGER, row INTEGER, PRIMARY KEY (key, row)) WITHOUT ROWID;
CREATE TABLE tally (page INTEGER, kind INTEGER, count INTEGER, amount INTEGER,
    PRIMARY KEY (page, kind)) WITHOUT ROWID;
"""


def key_of(payment_hash: bytes) -> int:
    """What finds a payment part: its first 8 bytes. A collision is one more candidate to look at."""
    return int.from_bytes(payment_hash[:8], "big") - KEY_OFFSET


class IndexedPart(NamedTuple):
    """One distribution in an index: its rows are `first` to `first + size`, its pages follow `first_page`."""

    number: int
    id: bytes
    terms: bytes
    first: int
    size: int
    page_depth: int
    first_page: int


class AllocationIndex:
    """An index that is open for reading. Make one with `open_index`."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path, self._connection = path, connection
        row = self.one("SELECT root, network_magic, rows FROM series")
        self.root, self.network_magic, self.rows = row or (b"", 0, 0)
        self.parts = tuple(
            IndexedPart(*each)
            for each in self.all(
                "SELECT number, id, terms, first, count, page_depth, first_page FROM distribution"
                " ORDER BY number"
            )
        )
        self.kinds = tuple(
            Kind(name, int(vesting))
            for name, vesting in self.all("SELECT milestone, vesting FROM kind ORDER BY number")
        )

    def close(self) -> None:
        """Ends the use."""
        self._connection.close()

    def one(self, query: str, *values: Any) -> tuple[Any, ...] | None:
        """The first row that a query finds. Raises `InvalidConfiguration` where the file is damaged."""
        found = self._asked(lambda: self._connection.execute(query, values).fetchone())
        return None if found is None else tuple(found)

    def all(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """All rows that a query finds. Raises `InvalidConfiguration` where the file is damaged."""
        return self._asked(lambda: self._connection.execute(query, values).fetchall())

    def _asked(self, ask: Callable[[], T]) -> T:
        import sqlite3  # noqa: PLC0415 - see above

        try:
            return ask()
        except (sqlite3.Error, ValueError, TypeError) as error:
            raise self.wrong(str(error)) from None

    def wrong(self, reason: str) -> InvalidConfiguration:
        """The error for what can't be true; the file is gone, so that the next run makes it anew."""
        with suppress(OSError):
            self.path.unlink()
        return InvalidConfiguration(
            f"the index {self.path} is not true: {reason}",
            path="data_dir",
            hint="run the same command again: the index is made anew from the schedule",
        )

    def part_of(self, distribution_id: bytes) -> IndexedPart | None:
        """The distribution with this id; None where it isn't in here."""
        return next((part for part in self.parts if part.id == distribution_id), None)

    def part_with(self, row: int) -> IndexedPart:
        """The distribution that a row of the whole index belongs to."""
        return self.parts[bisect_right([part.first for part in self.parts], row) - 1]

    def rows_with_payment(self, payment_hash: bytes, *, most: int = -1) -> list[int]:
        """Rows of the whole index that may have this payment part, ascending; up to `most` of them."""
        found = self.all(
            "SELECT row FROM who WHERE key = ? ORDER BY row LIMIT ?", key_of(payment_hash), most
        )
        return [row for (row,) in found]

    def source_rows(self, part: IndexedPart, page: int) -> Sequence[int]:
        """Where each row of a page stands in the file that was registered, from 0."""
        found = self.one("SELECT sources FROM page WHERE number = ?", part.first_page + page)
        start = part.first + (page << part.page_depth)
        if found is None or found[0] is None:
            return range(start, start + (1 << part.page_depth))
        return from_big_endian("I", found[0])


def open_index(path: Path) -> AllocationIndex | None:
    """The index in a file; None where there is none that this version can read."""
    import sqlite3  # noqa: PLC0415 - see above

    if not path.exists():
        return None
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
    )
    try:
        versions = [
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("application_id", "user_version")
        ]
    except sqlite3.Error:
        versions = []
    if versions != [APPLICATION_ID, SCHEMA_VERSION]:
        connection.close()
        return None
    try:
        return AllocationIndex(path, connection)
    except InvalidConfiguration:
        connection.close()
        return None


class IndexFiles:
    """The indices in a data directory; each is opened when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[Path, AllocationIndex | None] = {}

    def path_of(self, distribution_id: bytes) -> Path:
        """Where the index of one distribution (id of 28 bytes) is, or would be."""
        return self._folder / f"{distribution_id.hex()}.sqlite"

    def of(self, distribution_id: bytes) -> tuple[AllocationIndex, IndexedPart] | None:
        """The index that has this distribution, and where; None where there is none that can be read."""
        path = self.path_of(distribution_id)
        index = self.opened(path)
        part = None if index is None else index.part_of(distribution_id)
        return None if index is None or part is None else (index, part)

    def opened(self, path: Path) -> AllocationIndex | None:
        """The index in a file, or None."""
        if self._open.get(path) is None:
            self._open[path] = open_index(path)
        return self._open[path]

    def close(self) -> None:
        """Ends the use of all."""
        for index in self._open.values():
            if index is not None:
                index.close()
        self._open.clear()
