"""Making an index: written beside, synced, and put into its place at once."""

from __future__ import annotations

import os
import secrets
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from milestones.domain.columns import AllocationColumns, Kind, big_endian
from milestones.domain.merkle import NodeAt, upper_nodes
from milestones.domain.streams import uncollected
from milestones.errors import InvalidConfiguration
from milestones.storage.files import (
    LOCK_TIMEOUT_SECONDS,
    PRIVATE_FILE,
    make_private,
    refusals,
    sweep,
    sync_folder,
)
from milestones.storage.index import (
    APPLICATION_ID,
    CHUNK_HEIGHT,
    KEY_OFFSET,
    SCHEMA_VERSION,
    TABLES,
)


class IndexWriter:
    """An index that grows part by part; `finish` puts it into its place. Make one with `writing_index`."""

    def __init__(self, temporary: Path) -> None:
        import sqlite3  # noqa: PLC0415 - `--help` has no use for it

        self._connection = sqlite3.connect(temporary, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = OFF")
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        self._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        self._connection.executescript(TABLES)
        self._connection.execute("BEGIN")
        self._kinds: dict[Kind, int] = {}
        self._keys = array("q")
        self._parts: list[tuple[int, int, int, int]] = []
        self._pages = self._rows = 0

    @property
    def rows(self) -> int:
        """How many rows it has so far."""
        return self._rows

    def add(
        self,
        columns: AllocationColumns,
        page_depth: int,
        nodes: Sequence[NodeAt],
        *,
        sources: Sequence[int] | None = None,
    ) -> None:
        """The next distribution's rows, and the nodes of its pages' trees.

        `sources` are the rows' places in the file that they come from, where those are others. Rows before
        it are a multiple of 64.
        """
        size = 1 << page_depth
        self._parts.append((self._rows, len(columns), page_depth, self._pages))
        for page, node_at in enumerate(nodes):
            some = slice(page * size, min((page + 1) * size, len(columns)))
            part = None if sources is None else array("I", sources[some])
            self._add_page(columns[some], page_depth, node_at, part)

    def _add_page(
        self,
        columns: AllocationColumns,
        page_depth: int,
        node_at: NodeAt,
        sources: array[int] | None,
    ) -> None:
        base = min(CHUNK_HEIGHT, page_depth)
        used = Counter(columns.kinds)
        numbers = {n: self._kinds.setdefault(columns.table[n], len(self._kinds)) for n in used}
        kinds = array("I", [numbers[kind] for kind in columns.kinds])
        self._connection.execute(
            "INSERT INTO page VALUES (?, ?, ?, ?, ?)",
            (
                *(self._pages, upper_nodes(page_depth, base, node_at)),
                *(big_endian(columns.amounts), big_endian(kinds)),
                None if sources is None else big_endian(sources),
            ),
        )
        sums = Counter[int]()
        for kind, amount in zip(kinds, columns.amounts, strict=True):
            sums[kind] += amount
        self._connection.executemany(
            "INSERT INTO tally VALUES (?, ?, ?, ?)",
            [(self._pages, numbers[n], count, sums[numbers[n]]) for n, count in used.items()],
        )
        raws = columns.raw_addresses()
        step = 1 << base
        self._connection.executemany(
            "INSERT INTO chunk VALUES (?, ?)",
            [
                ((self._rows + start) // step, b"".join(raws[start : start + step]))
                for start in range(0, len(raws), step)
            ],
        )
        self._connection.executemany(
            "INSERT INTO datum VALUES (?, ?, ?)",
            [(self._rows + row, *given) for row, given in columns.datums.items()],
        )
        self._keys.extend([int.from_bytes(raw[1:9], "big") - KEY_OFFSET for raw in raws])
        self._pages += 1
        self._rows += len(columns)

    def finish(
        self, identities: Sequence[tuple[bytes, bytes]], network_magic: int, root: bytes = b""
    ) -> None:
        """Who has which row; the id and the terms' CBOR of each distribution, and the series' root."""
        keys = self._keys
        order = sorted(range(len(keys)), key=keys.__getitem__)
        self._connection.executemany(
            "INSERT INTO who VALUES (?, ?)", ((keys[row], row) for row in order)
        )
        self._connection.executemany(
            "INSERT INTO distribution VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                (number, *identity, *part)
                for number, (identity, part) in enumerate(zip(identities, self._parts, strict=True))
            ),
        )
        self._connection.executemany(
            "INSERT INTO kind VALUES (?, ?, ?)",
            (
                (number, kind.milestone_identifier, str(kind.vesting_timestamp))
                for kind, number in self._kinds.items()
            ),
        )
        self._connection.execute(
            "INSERT INTO series VALUES (?, ?, ?)", (root, network_magic, self._rows)
        )
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Ends the use of the file."""
        self._connection.close()


@contextmanager
def _sqlite_refusals(path: Path) -> Iterator[None]:
    import sqlite3  # noqa: PLC0415 - see above

    try:
        yield
    except sqlite3.Error as error:
        raise InvalidConfiguration(
            f"the index {path} can't be written: {error}",
            path="data_directory",
            hint="make room on the disk, or give another directory with --data-dir",
        ) from error


@contextmanager
def writing_index(path: Path) -> Iterator[IndexWriter]:
    """A writer whose file is at `path` once all went well; nothing is left of it where not.

    What a killed process has left of writing there is deleted; writers in one folder take turns. Raises
    `InvalidConfiguration` where the file system refuses.
    """
    with refusals(path):
        make_private(path.parent)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    writer = None
    # A claim makes an index anew that is missing: killed again and again it would fill the disk.
    lock = FileLock(path.parent / ".lock", timeout=LOCK_TIMEOUT_SECONDS, mode=PRIVATE_FILE)
    try:
        with refusals(path), lock, uncollected():
            sweep(path.parent, path.name)
            os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE))
            with _sqlite_refusals(path):
                writer = IndexWriter(temporary)
                yield writer
                writer.close()
            descriptor = os.open(temporary, os.O_RDWR)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            temporary.replace(path)
            sync_folder(path.parent)
    finally:
        if writer is not None:
            writer.close()
        temporary.unlink(missing_ok=True)
