"""`series/<root>/`: what is kept of a series. `series.json` says what it is; the index serves claims.

`allocations.cbor` are the rows as they are published, page after page: the only copy of a series that nobody
else keeps, and what the index is made anew from.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from filelock import FileLock

from milestones.domain.reading import HexField, Record
from milestones.storage.files import (
    LOCK_TIMEOUT_SECONDS,
    PRIVATE_FILE,
    JsonFolder,
    make_private,
    refusals,
    sync_folder,
    to_text,
)
from milestones.storage.index import AllocationIndex, open_index

FORMAT_VERSION: Final = 1
INDEX: Final = "index.sqlite"
ROWS: Final = "allocations.cbor"
DESCRIPTION: Final = "series"


class SeriesPart(Record):
    """One distribution of a series: its number from 1, its terms' CBOR, and its rows."""

    part: int
    distribution_id: HexField
    contract_name: str
    terms_cbor: HexField
    first_row: int
    rows: int


class SeriesRecord(Record):
    """`series.json`. `file_hash` is blake2b_256 of `allocations.cbor`; `order` how its rows are sorted."""

    format_version: Literal[1] = FORMAT_VERSION
    series_root: HexField
    network_magic: int
    contract_version: str
    rows: int
    order: Literal["payout", "file"]
    file_hash: HexField
    uri: str = ""
    distributions: tuple[SeriesPart, ...]


@dataclass(frozen=True, slots=True)
class SeriesFolder:
    """The folder of one series."""

    path: Path
    record: SeriesRecord

    @property
    def index_file(self) -> Path:
        """Where the index is."""
        return self.path / INDEX

    @property
    def rows_file(self) -> Path:
        """Where the rows are, as they are published."""
        return self.path / ROWS


class SeriesFiles:
    """All series of a data directory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: dict[Path, SeriesFolder] = {}
        self._open: dict[Path, AllocationIndex | None] = {}

    def all(self) -> list[SeriesFolder]:
        """Every series, in the order of their roots; those that can't be read are passed over."""
        found = []
        for path in sorted(self.folder.glob("[0-9a-f]*/series.json")):
            known = self.load(path.parent)
            if known is not None:
                found.append(known)
        return found

    def load(self, path: Path) -> SeriesFolder | None:
        """The series in a folder; None where there is none that this version can read."""
        if path not in self._known:
            with suppress(OSError, ValueError):
                text = (path / "series.json").read_text(encoding="utf-8")
                record = SeriesRecord.model_validate_json(text)
                self._known[path] = SeriesFolder(path, record)
        return self._known.get(path)

    def find(self, root: bytes) -> SeriesFolder | None:
        """The series with this root (28 bytes), if it is here."""
        return self.load(self.folder / root.hex())

    def of(self, distribution_id: bytes) -> tuple[SeriesFolder, SeriesPart] | None:
        """The series that a distribution (id of 28 bytes) is a part of, if it is here."""
        for series in self.all():
            for part in series.record.distributions:
                if part.distribution_id == distribution_id:
                    return series, part
        return None

    def index(self, series: SeriesFolder) -> AllocationIndex | None:
        """Its index; None where it is missing, or can't be read."""
        path = series.index_file
        if self._open.get(path) is None or not path.exists():
            self._open[path] = open_index(path)
        return self._open[path]

    @contextmanager
    def new_folder(self) -> Iterator[Path]:
        """A folder to put a series together in: nothing is left of it, unless `keep` has moved it."""
        path = self.folder / f".new-{secrets.token_hex(4)}"
        with refusals(self.folder):
            make_private(self.folder)
        lock = FileLock(self.folder / ".lock", timeout=LOCK_TIMEOUT_SECONDS, mode=PRIVATE_FILE)
        with refusals(self.folder), lock:
            for left in self.folder.glob(".new-*"):
                # Of a run that was cut off: a registration doesn't go on, it begins anew.
                shutil.rmtree(left, ignore_errors=True)
            make_private(path)
            try:
                yield path
            finally:
                shutil.rmtree(path, ignore_errors=True)

    def keep(self, path: Path, record: SeriesRecord) -> SeriesFolder:
        """Puts a folder that is complete into its place, under its root."""
        place = self.folder / record.series_root.hex()
        JsonFolder(path, lambda _: None).write(DESCRIPTION, to_text(record.model_dump(mode="json")))
        with refusals(place):
            if place.exists():
                # The same series, whose index or rows were missing.
                for name in (INDEX, ROWS, f"{DESCRIPTION}.json"):
                    (path / name).replace(place / name)
            else:
                path.rename(place)
            sync_folder(self.folder)
        self._known.pop(place, None)
        self._open.pop(place / INDEX, None)
        return SeriesFolder(place, record)

    def close(self) -> None:
        """Ends the use of all indices."""
        for index in self._open.values():
            if index is not None:
                index.close()
        self._open.clear()
