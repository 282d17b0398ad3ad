"""The tables of the journal's database, a submission as a row, and what can be read of a damaged one.

What is looked up by is a column; the rest is JSON in `entry`. A transaction that is on its way must be
followed to its end, so of a damaged row everything is used that is whole, and the bytes say the rest.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple, get_args

from pydantic import ValidationError

from milestones.domain.models import TransactionStatus
from milestones.errors import InvalidEncoding
from milestones.storage import book
from milestones.storage.submission import (
    ENTRY_VERSION,
    Entry,
    Submission,
    TransactionFacts,
    id_of,
)

if TYPE_CHECKING:
    import sqlite3

SCHEMA_VERSION: Final = 1
"""`PRAGMA user_version` of the tables below."""
APPLICATION_ID: Final = 0x4D6C734A
"""`PRAGMA application_id`: whose file it is."""
_LARGEST_INTEGER: Final = (1 << 63) - 1
"""That a column holds; a later moment or slot is as good as never."""

_TABLES: Final = """
CREATE TABLE submissions (
  transaction_id TEXT PRIMARY KEY NOT NULL,
  transaction_cbor BLOB NOT NULL,
  command TEXT NOT NULL,
  distribution_id TEXT,
  valid_until_slot INTEGER,
  chain TEXT,
  sole TEXT,
  purpose TEXT,
  status TEXT NOT NULL,
  prepared_at_posix_ms INTEGER NOT NULL,
  entry TEXT NOT NULL
);
CREATE INDEX open_on_chain ON submissions (chain, status, valid_until_slot);
CREATE INDEX open_anywhere ON submissions (status, valid_until_slot);
CREATE INDEX of_distribution ON submissions (distribution_id, command, purpose);
CREATE TABLE damaged (
  transaction_id TEXT NOT NULL,
  reason TEXT NOT NULL,
  transaction_cbor BLOB,
  entry TEXT
);
"""


def create_tables(connection: sqlite3.Connection) -> None:
    """Makes an empty database the journal's."""
    for statement in _TABLES.split(";"):
        connection.execute(statement)
    connection.execute(book.TABLE)
    connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")


class Row(NamedTuple):
    """A row of `submissions`, in the order of `COLUMNS`."""

    transaction_id: str
    transaction_cbor: bytes
    command: str
    distribution_id: str | None
    valid_until_slot: int | None
    chain: str | None
    sole: str | None
    purpose: str | None
    status: str
    prepared_at_posix_ms: int
    entry: str


COLUMNS: Final = ", ".join(Row._fields)
_OWN_COLUMNS: Final = Submission.model_fields.keys() - Entry.model_fields.keys()
"""The fields that columns hold, and `entry` doesn't."""


class Reading(NamedTuple):
    """What a row says. `submission` is None where its bytes are not the transaction's.

    `damage` says what could not be read; empty where all could, and for a later version's.
    """

    submission: Submission | None
    damage: str = ""

    @property
    def is_of_later_version(self) -> bool:
        """Whether a later version of this program wrote it: it is followed, and must stay as it is."""
        return self.submission is not None and self.submission.version > ENTRY_VERSION


def to_row(submission: Submission) -> Row:
    """The row that holds a submission."""
    limit, digest = submission.valid_until_slot, submission.distribution_id
    return Row(
        transaction_id=submission.transaction_id,
        transaction_cbor=submission.transaction_cbor,
        command=submission.command,
        distribution_id=None if digest is None else digest.hex(),
        valid_until_slot=None if limit is None else min(limit, _LARGEST_INTEGER),
        chain=submission.chain,
        sole=submission.sole,
        purpose=submission.purpose,
        status=submission.status,
        prepared_at_posix_ms=min(submission.prepared_at_posix_ms, _LARGEST_INTEGER),
        entry=submission.model_dump_json(include=set(Entry.model_fields)),
    )


_PUT: Final = (
    f"INSERT INTO submissions ({COLUMNS}) VALUES ({', '.join('?' * len(Row._fields))})"  # noqa: S608
    " ON CONFLICT (transaction_id) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in Row._fields if name != "purpose")
    # Of a damaged entry the payload is lost, and what it was for is not.
    + ", purpose = coalesce(excluded.purpose, purpose)"
)


def put(connection: sqlite3.Connection, submission: Submission) -> None:
    """Writes a submission, in the place of an older row about the same transaction."""
    connection.execute(_PUT, to_row(submission))


def copy_rows(broken: sqlite3.Connection, new: sqlite3.Connection, order: str) -> None:
    """Copies rows until one can't be read. What a row says is checked by whoever reads it."""
    import sqlite3  # noqa: PLC0415 - only where needed

    every = f"SELECT * FROM submissions NOT INDEXED ORDER BY rowid {order}"  # noqa: S608
    for row in broken.execute(every):
        marks = ", ".join("?" * len(row))
        with suppress(sqlite3.IntegrityError):
            new.execute(f"INSERT OR IGNORE INTO submissions VALUES ({marks})", row)  # noqa: S608


_KEEP: Final = (
    "INSERT INTO damaged SELECT transaction_id, ?, transaction_cbor, entry FROM submissions"
    " WHERE transaction_id = ?"
)


def repair(connection: sqlite3.Connection, row: Row, reading: Reading) -> None:
    """Puts what could be read in a damaged row's place, or takes it out; a copy is kept in `damaged`."""
    connection.execute(_KEEP, (reading.damage, row.transaction_id))
    if reading.submission is None:
        connection.execute(
            "DELETE FROM submissions WHERE transaction_id = ?", (row.transaction_id,)
        )
    else:
        put(connection, reading.submission)


def read_row(row: Row) -> Reading:
    """What a row says."""
    if not isinstance(row.transaction_cbor, bytes) or (
        id_of(row.transaction_cbor) != row.transaction_id
    ):
        return Reading(None, "the bytes are not those of the transaction")
    entry, damage = _entry(row)
    try:
        submission = Submission.model_validate(
            {
                **{name: getattr(entry, name) for name in Entry.model_fields},
                **{name: getattr(row, name) for name in _OWN_COLUMNS},
            }
        )
    except ValidationError as error:
        return Reading(None, _reason(error))
    return Reading(submission, "" if submission.version > ENTRY_VERSION else damage)


def _entry(row: Row) -> tuple[Entry, str]:
    try:
        return Entry.model_validate_json(row.entry), ""
    except ValidationError as error:
        broken = {str(each["loc"][0]) for each in error.errors(include_url=False) if each["loc"]}
        return _whole_parts(row, broken), _reason(error)


def _whole_parts(row: Row, broken: set[str]) -> Entry:
    """The fields that are whole, and for the others what bytes and columns say."""
    rest = _from_bytes(row)
    try:
        document = json.loads(row.entry)
        kept = {
            name: document[name]
            for name in Entry.model_fields
            if name in document and name not in broken
        }
        return Entry.model_validate_json(json.dumps({**rest, **kept}))
    except (ValueError, TypeError, RecursionError):
        return Entry.model_validate_json(json.dumps(rest))


def _from_bytes(row: Row) -> dict[str, Any]:
    status = row.status if row.status in get_args(TransactionStatus) else "unknown"
    moment = row.prepared_at_posix_ms
    history = [{"status": status, "at_posix_ms": moment if isinstance(moment, int) else 0}]
    return {**facts_of(row.transaction_cbor), "history": history}


def facts_of(transaction_cbor: bytes) -> dict[str, Any]:
    """The fields of an entry that the bytes decide, as JSON; zeros where even they can't be read."""
    try:
        facts = TransactionFacts.read(transaction_cbor)
    except InvalidEncoding:
        return {"inputs": [], "fee_lovelace": 0, "size": len(transaction_cbor)}
    return {
        "inputs": [str(each) for each in facts.inputs],
        "fee_lovelace": facts.fee_lovelace,
        "collateral_lovelace": facts.collateral_lovelace,
        "size": facts.size,
        "memory": facts.memory,
        "cpu": facts.cpu,
    }


def _reason(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    place = ".".join(map(str, first["loc"]))
    return f"{place}: {first['msg']}" if place else str(first["msg"])
