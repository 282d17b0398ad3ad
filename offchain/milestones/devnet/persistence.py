"""The chain on disk: one SQLite database in a state directory.

A block counts as made once its row is on the disk (WAL, `synchronous=FULL`), so a process that is
killed at any moment starts again from the last block that anyone heard of.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from milestones.cardano.address import Credential
from milestones.devnet.blocks import Block, Grant
from milestones.devnet.ledger.certs import Deposits
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
CREATE TABLE IF NOT EXISTS deposits (
  height INTEGER NOT NULL, position INTEGER NOT NULL, account INTEGER NOT NULL, pool INTEGER NOT NULL,
  PRIMARY KEY (height, position)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS grants (
  height INTEGER NOT NULL, position INTEGER NOT NULL, kind TEXT NOT NULL, hash BLOB NOT NULL,
  lovelace INTEGER NOT NULL, PRIMARY KEY (height, position)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS snapshot (
  height INTEGER PRIMARY KEY, digest BLOB NOT NULL, content BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS fetched (
  kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID;
"""

_TABLES: Final = ("blocks", "transactions", "deposits", "grants", "snapshot")


_HINTS: Final = {
    "locked": "end the other process that uses it, or give another directory",
    "full": "make room on the disk; every block that anybody heard of is there",
    "disk I/O": "make room on the disk, or look after it; every block that anybody heard of is there",
    "readonly": "give a directory that can be written to",
    "unable to open": "give a directory that can be written to",
}
"""What to do about SQLite's errors, by a word in them."""

_OTHER_HINT: Final = "restore the directory from a copy, or give another one"


@dataclass(frozen=True, slots=True)
class StoredBlock:
    """A block as it was read back. `deposits` are those in force, by position: where there are certificates."""

    height: int
    slot: int
    header_hash: bytes
    transactions: tuple[bytes, ...]
    deposits: dict[int, Deposits]
    grants: tuple[Grant, ...]


class Store:
    """The database of one chain. Only one process may have it open."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "chain.sqlite"
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidConfiguration(
                f"{directory} is no directory that a chain can be kept in: {error.strerror or error}",
                path="state_dir",
                hint="give a directory that is there or can be made, and can be written to",
            ) from None
        with self._usable():
            self._database = sqlite3.connect(
                self.path, isolation_level=None, timeout=2, check_same_thread=False
            )
        try:
            with self._usable():
                self._prepare()
        except InvalidConfiguration:
            self._database.close()
            raise

    @contextmanager
    def _usable(self) -> Iterator[None]:
        """Says what the database can't be used for, and what to do about it."""
        try:
            yield
        except sqlite3.Error as error:
            reason = str(error)
            hint = next((said for word, said in _HINTS.items() if word in reason), _OTHER_HINT)
            raise InvalidConfiguration(
                f"{self.path} can't be used: {reason}", path="state_dir", hint=hint
            ) from None

    def damage(self, what: str) -> InvalidConfiguration:
        """The error of a database that holds what no chain has written."""
        return InvalidConfiguration(
            f"{self.path} is damaged: {what} can't be read",
            path="state_dir",
            hint="restore the directory from a copy, or start a new one",
        )

    @contextmanager
    def undamaged(self, what: str) -> Iterator[None]:
        """Turns what reading `what` fails with into `damage`: nothing else wrote it but a chain."""
        try:
            yield
        except InvalidConfiguration:
            raise
        except Exception as error:
            raise self.damage(what) from error

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
        with self._usable(), self.undamaged(f"the fact {name!r}"):
            found = self._database.execute("SELECT value FROM facts WHERE name = ?", (name,))
            row = found.fetchone()
            return default if row is None else json.loads(row[0])

    def set_fact(self, name: str, value: Any) -> None:
        """Notes a named JSON value."""
        with self._usable():
            self._database.execute(
                "INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, json.dumps(value))
            )

    def keep_fetched(self, kind: str, key: str, value: Any) -> None:
        """Keeps an answer of the network that this chain was forked from, in JSON."""
        with self._usable():
            self._database.execute(
                "INSERT OR REPLACE INTO fetched VALUES (?, ?, ?)", (kind, key, json.dumps(value))
            )

    def fetched(self) -> Iterator[tuple[str, str, Any]]:
        """Every answer that was kept: its kind, what was asked for, and the answer."""
        for kind, key, value in self._database.execute("SELECT kind, key, value FROM fetched"):
            yield kind, key, json.loads(value)

    def append(self, block: Block) -> None:
        """Writes a block; it is on disk when this returns."""
        self.replace_from(block.height, (block,))

    def replace_from(self, height: int, blocks: tuple[Block, ...]) -> None:
        """Drops every block from `height` on and writes `blocks` in their place, all or nothing."""
        with self._usable(), self._database:
            self._database.execute("BEGIN IMMEDIATE")
            for table in _TABLES:
                self._database.execute(
                    f"DELETE FROM {table} WHERE height >= ?",  # noqa: S608
                    (height,),
                )
            self._database.executemany(
                "INSERT INTO blocks VALUES (?, ?, ?)",
                ((each.height, each.slot, each.header_hash) for each in blocks),
            )
            self._database.executemany("INSERT INTO transactions VALUES (?, ?, ?)", _rows(blocks))
            self._database.executemany(
                "INSERT INTO deposits VALUES (?, ?, ?, ?)", _deposits(blocks)
            )
            self._database.executemany("INSERT INTO grants VALUES (?, ?, ?, ?, ?)", _grants(blocks))

    def keep_snapshot(self, height: int, digest: bytes, content: bytes) -> None:
        """Writes what the chain is after a block, in place of an earlier snapshot."""
        with self._usable(), self._database:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.execute("DELETE FROM snapshot")
            self._database.execute(
                "INSERT INTO snapshot VALUES (?, ?, ?)", (height, digest, content)
            )

    def snapshot(self) -> tuple[int, bytes, bytes] | None:
        """The height, hash and content of the snapshot; None where there is none."""
        found = self._database.execute("SELECT height, digest, content FROM snapshot")
        row: tuple[int, bytes, bytes] | None = found.fetchone()
        return row

    def blocks(self) -> Iterator[StoredBlock]:
        """Every block, genesis first."""
        deposits: dict[int, dict[int, Deposits]] = {}
        for height, position, *each in self._database.execute("SELECT * FROM deposits"):
            deposits.setdefault(height, {})[position] = Deposits(*each)
        grants: dict[int, list[Grant]] = {}
        for height, _, kind, digest, lovelace in self._database.execute(
            "SELECT * FROM grants ORDER BY height, position"
        ):
            grants.setdefault(height, []).append(Grant(Credential(kind, digest), lovelace))
        rows = self._database.cursor().execute(
            "SELECT height, cbor FROM transactions ORDER BY height, position"
        )
        waiting = next(rows, None)
        for height, slot, header_hash in self._database.execute(
            "SELECT height, slot, header_hash FROM blocks ORDER BY height"
        ):
            transactions = []
            while waiting is not None and waiting[0] == height:
                transactions.append(waiting[1])
                waiting = next(rows, None)
            found = tuple(transactions), deposits.get(height, {}), tuple(grants.get(height, ()))
            yield StoredBlock(height, slot, header_hash, *found)

    def close(self) -> None:
        """Ends the use of the database."""
        self._database.close()


def _rows(blocks: tuple[Block, ...]) -> Iterator[tuple[int, int, bytes]]:
    for block in blocks:
        for position, each in enumerate(block.inclusions):
            yield block.height, position, each.transaction.raw


def _deposits(blocks: tuple[Block, ...]) -> Iterator[tuple[int, ...]]:
    for block in blocks:
        for position, each in enumerate(block.inclusions):
            if each.transaction.body.certificates:
                yield block.height, position, *each.deposits


def _grants(blocks: tuple[Block, ...]) -> Iterator[tuple[int, int, str, bytes, int]]:
    for block in blocks:
        for position, (who, lovelace) in enumerate(block.grants):
            yield block.height, position, who.kind, who.hash, lovelace
