"""The chain on disk: one SQLite database in a state directory.

A block counts as made once its row is on the disk (WAL, `synchronous=FULL`), so a process that is
killed at any moment starts again from the last block that anyone heard of.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from milestones.devnet.blocks import Block
from milestones.errors import InvalidConfiguration

FORMAT: Final = 1
"""Version of the tables below."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blocks (
  height INTEGER PRIMARY KEY, slot INTEGER NOT NULL, header_hash BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS transactions (
  height INTEGER NOT NULL, position INTEGER NOT NULL, cbor BLOB NOT NULL,
  PRIMARY KEY (height, position)) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class StoredBlock:
    """A block as it was read back."""

    height: int
    slot: int
    header_hash: bytes
    transactions: tuple[bytes, ...]


class Store:
    """The database of one chain. Only one process may have it open."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.path = directory / "chain.sqlite"
        self._database = sqlite3.connect(
            self.path, isolation_level=None, timeout=2, check_same_thread=False
        )
        try:
            self._prepare()
        except sqlite3.Error as error:
            self._database.close()
            raise InvalidConfiguration(
                f"{self.path} can't be used: {error}",
                path="state_dir",
                hint="end the other process that uses it, or give another directory",
            ) from None

    def _prepare(self) -> None:
        for statement in ("locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=FULL"):
            self._database.execute(f"PRAGMA {statement}")
        self._database.executescript(_SCHEMA)
        self._database.execute("BEGIN EXCLUSIVE")
        self._database.execute("COMMIT")
        found = self.fact("format", FORMAT)
        if found != FORMAT:
            raise sqlite3.DatabaseError(f"its format is {found}, this program writes {FORMAT}")
        self.set_fact("format", FORMAT)

    def fact(self, name: str, default: Any = None) -> Any:
        """A named JSON value, or `default`."""
        row = self._database.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return default if row is None else json.loads(row[0])

    def set_fact(self, name: str, value: Any) -> None:
        """Notes a named JSON value."""
        self._database.execute(
            "INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, json.dumps(value))
        )

    def append(self, block: Block) -> None:
        """Writes a block; it is on disk when this returns."""
        self.replace_from(block.height, (block,))

    def replace_from(self, height: int, blocks: tuple[Block, ...]) -> None:
        """Drops every block from `height` on and writes `blocks` in their place, all or nothing."""
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            for table in ("blocks", "transactions"):
                self._database.execute(
                    f"DELETE FROM {table} WHERE height >= ?",  # noqa: S608
                    (height,),
                )
            self._database.executemany(
                "INSERT INTO blocks VALUES (?, ?, ?)",
                ((each.height, each.slot, each.header_hash) for each in blocks),
            )
            self._database.executemany("INSERT INTO transactions VALUES (?, ?, ?)", _rows(blocks))

    def blocks(self) -> Iterator[StoredBlock]:
        """Every block, genesis first."""
        rows = self._database.execute(
            "SELECT height, slot, header_hash FROM blocks ORDER BY height"
        )
        for height, slot, header_hash in rows.fetchall():
            transactions = self._database.execute(
                "SELECT cbor FROM transactions WHERE height = ? ORDER BY position", (height,)
            )
            yield StoredBlock(height, slot, header_hash, tuple(row[0] for row in transactions))

    def close(self) -> None:
        """Ends the use of the database."""
        self._database.close()


def _rows(blocks: tuple[Block, ...]) -> Iterator[tuple[int, int, bytes]]:
    for block in blocks:
        for position, each in enumerate(block.inclusions):
            yield block.height, position, each.transaction.raw
