"""The submission journal: what was about to be sent, written down before it was sent.

After a crash or a lost connection the same command finds its transaction here and can send the same
bytes again, which the chain takes at most once, or see that it can never be included any more.

A row of the database is one submission. What is looked up by is a column, the rest is JSON in `entry`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from milestones.domain.models import TransactionStatus
from milestones.errors import InvalidConfiguration, InvalidInput, NotAllowedYet, NotFound
from milestones.storage import book as books
from milestones.storage.book import BookState, Charge
from milestones.storage.database import JournalDatabase
from milestones.storage.earlier_journal import EarlierJournal
from milestones.storage.files import Report, of_later_version
from milestones.storage.journal_rows import COLUMNS, Reading, Row, put, read_row, repair
from milestones.storage.submission import (
    ENTRY_VERSION,
    PENDING,
    Purpose,
    StatusChange,
    Submission,
)

if TYPE_CHECKING:
    import sqlite3

_LOG: Final = logging.getLogger(__name__)

FILE_NAME: Final = "journal.sqlite3"

_SELECT_FROM: Final = f"SELECT {COLUMNS} FROM"
_SELECT: Final = f"{_SELECT_FROM} submissions"
_IS_PENDING: Final = f"status IN ({', '.join(repr(status) for status in PENDING)})"
_IS_UNSETTLED: Final = (
    _IS_PENDING,
    "status = 'confirmed' AND valid_until_slot > :slot",
    "status = 'confirmed' AND valid_until_slot IS NULL",
)
"""Each is found by an index, which a condition with OR would not be."""


class SubmissionJournal:
    """`journal.sqlite3` in the data directory. Nothing is ever deleted by the program.

    The file is made when the first transaction is written. What version 0.1.0 left in `journal/` is taken
    over when it is opened. Raises `InvalidConfiguration` where the file system refuses. An entry of a later
    version is followed, and never changed.
    """

    def __init__(self, data_directory: Path, report: Callable[[Report], None]) -> None:
        self._report = report
        earlier = EarlierJournal(data_directory / "journal", report)
        self._database = JournalDatabase(
            data_directory / FILE_NAME,
            report,
            has_earlier=earlier.exists,
            take_over=earlier.take_over,
        )
        self._said: set[str] = set()

    @property
    def path(self) -> Path:
        """Where the database is, or would be."""
        return self._database.path

    def close(self) -> None:
        """Closes the database; what is asked next opens it again."""
        self._database.close()

    def prepare(
        self, submission: Submission, *, slot: int, charge: Charge | None = None
    ) -> Submission:
        """Writes a transaction down before it is sent: it is on the disk when this returns.

        With a `charge` it is in that book, too; raises `BudgetSpent` where the book has no room.

        Its history is that it was prepared. One that is written already keeps its own, and is returned.
        Raises `NotAllowedYet` (`under_way`) where, at this slot, another unsettled transaction of the same
        chain, command and distribution has the same `sole`: a second run of the command wrote it while this
        one was still building.
        """

        def work(connection: sqlite3.Connection) -> Submission:
            known = self._get(connection, submission.transaction_id)
            if known is not None and known.is_unsettled(slot):
                return known
            if known is not None and known.version > ENTRY_VERSION:
                raise of_later_version(self.path)
            history = (*(known.history if known else ()), *submission.history)
            fresh = submission.model_copy(update={"history": history})
            self._must_be_alone(connection, fresh, slot)
            if charge is not None:
                moment = fresh.history[-1].at_posix_ms
                books.enter(connection, fresh.transaction_id, fresh.chain or "", charge, moment)
            put(connection, fresh)
            return fresh

        written = self._database.write(work)
        _LOG.info("transaction written down before it is sent", extra=_about(written))
        return written

    def _must_be_alone(self, connection: sqlite3.Connection, fresh: Submission, slot: int) -> None:
        if fresh.sole is None:
            return
        filters = {
            "sole": fresh.sole,
            "distribution_id": _hex(fresh.distribution_id),
            "command": fresh.command,
        }
        statement, values = _query(_IS_UNSETTLED, fresh.chain, slot, filters)
        row = connection.execute(statement, values).fetchone()
        if row is not None:
            other = Row(*row).transaction_id
            raise NotAllowedYet(
                "under_way",
                f"another run of {fresh.command} has just sent transaction {other},"
                " which does the same",
                hint="run the command again: it goes on with that transaction",
                details={"transaction_hash": other},
            )

    def mark(
        self, transaction_id: str, status: TransactionStatus, *, at_posix_ms: int, note: str = ""
    ) -> Submission:
        """Adds to the history; the same status again only with another note. Raises `NotFound`."""
        (marked,) = self.mark_all([transaction_id], status, at_posix_ms=at_posix_ms, note=note)
        return marked

    def mark_all(
        self,
        transaction_ids: Iterable[str],
        status: TransactionStatus,
        *,
        at_posix_ms: int,
        note: str = "",
    ) -> list[Submission]:
        """As `mark`, for all of them or, where one is not in the journal (`NotFound`), for none."""
        names = [_name(each) for each in transaction_ids]
        # What a node says may hold half of a surrogate pair, which no file can.
        text = note.encode(errors="replace").decode()
        change = StatusChange(status=status, at_posix_ms=at_posix_ms, note=text)

        def work(connection: sqlite3.Connection) -> list[Submission]:
            return [self._mark(connection, name, change) for name in names]

        marked = self._database.write(work) if names else []
        for each in marked:
            _LOG.info("transaction is %s", status, extra={**_about(each), "note": text})
        return marked

    def _mark(
        self, connection: sqlite3.Connection, transaction_id: str, change: StatusChange
    ) -> Submission:
        known = self._get(connection, transaction_id)
        if known is None:
            raise NotFound(
                f"transaction {transaction_id} is not in the journal any more",
                hint=f"see where it stands with `milestones transaction {transaction_id}`",
            )
        if (known.status, known.history[-1].note) == (change.status, change.note):
            return known
        marked = known.model_copy(update={"history": (*known.history, change)})
        if known.version <= ENTRY_VERSION:
            put(connection, marked)
        return marked

    def find(self, transaction_id: str) -> Submission | None:
        """The submission with this id (64 hexadecimal digits), or None."""
        found = self._select(f"{_SELECT} WHERE transaction_id = :id", {"id": _name(transaction_id)})
        return found[0] if found else None

    def pending(
        self,
        chain: str | None = None,
        *,
        distribution_id: bytes | None = None,
        command: str | None = None,
    ) -> list[Submission]:
        """What a chain may still take, oldest first; of one distribution or command where given."""
        filters = _given(distribution_id=_hex(distribution_id), command=command)
        return self._select(*_query((_IS_PENDING,), chain, 0, filters))

    def unsettled(
        self,
        slot: int,
        chain: str | None = None,
        *,
        distribution_id: bytes | None = None,
        command: str | None = None,
    ) -> list[Submission]:
        """What is pending, or in a block that may still be rolled back, at a slot of a chain; oldest first.

        Found by an index: what is settled is not read, however much it is.
        """
        filters = _given(distribution_id=_hex(distribution_id), command=command)
        return self._select(*_query(_IS_UNSETTLED, chain, slot, filters))

    def of(
        self,
        distribution_id: bytes,
        *,
        command: str | None = None,
        purpose: Purpose | None = None,
        chain: str | None = None,
    ) -> list[Submission]:
        """Everything about a distribution (id of 28 bytes), settled or not, oldest first."""
        filters = _given(distribution_id=distribution_id.hex(), command=command, purpose=purpose)
        where = " AND ".join(f"{name} = :{name}" for name in filters)
        found = self._select(f"{_SELECT} WHERE {where} {_OLDEST_FIRST}", filters)
        return [each for each in found if each.is_of(chain, None, None)]

    def waiting(self, slot: int, chain: str) -> list[Submission]:
        """What waits for signatures on a chain and can still be included after this slot; oldest first."""
        where = "status = :status AND chain = :chain"
        values = {"status": "waiting_for_signatures", "chain": chain}
        found = self._select(f"{_SELECT} WHERE {where} {_OLDEST_FIRST}", values)
        return [each for each in found if not each.is_void(slot)]

    def book(self, name: str, chain: str, *, now_posix_ms: int) -> BookState:
        """What a book holds about a chain: all that was spent for it since it was begun."""

        def work(connection: sqlite3.Connection) -> BookState:
            return books.state_of(connection, name, chain, now_posix_ms)

        return self._database.read(work, BookState())

    def in_book(self, name: str, chain: str, *, void_from_slot: int) -> list[Submission]:
        """What is in a book, whatever became of it, that was valid until this slot at least; oldest first."""
        where = "transaction_id IN (SELECT transaction_id FROM costs WHERE book = :book)"
        about = "chain = :chain AND (valid_until_slot IS NULL OR valid_until_slot >= :slot)"
        values = {"book": name, "chain": chain, "slot": void_from_slot}
        return self._select(f"{_SELECT} WHERE {where} AND {about} {_OLDEST_FIRST}", values)

    def newest(self, count: int) -> list[Submission]:
        """Up to `count` transactions, the newest first."""
        return self._select(f"{_SELECT} ORDER BY rowid DESC LIMIT :count", {"count": count})

    def _select(self, statement: str, values: dict[str, Any]) -> list[Submission]:
        def work(connection: sqlite3.Connection) -> list[Row]:
            return [Row(*row) for row in connection.execute(statement, values)]

        rows: list[Row] = self._database.read(work, [])
        found = [(row, read_row(row)) for row in rows]
        damaged = [row.transaction_id for row, reading in found if reading.damage]
        if damaged:
            self._repair(damaged)
        for row, reading in found:
            self._report_about(row, reading)
        return [reading.submission for _, reading in found if reading.submission is not None]

    def _repair(self, transaction_ids: list[str]) -> None:
        def work(connection: sqlite3.Connection) -> None:
            for each in transaction_ids:
                self._get(connection, each)

        # Where nothing can be written the rows stay as they are, and are reported at each run.
        with suppress(InvalidConfiguration):
            self._database.write(work)

    def _get(self, connection: sqlite3.Connection, transaction_id: str) -> Submission | None:
        """As `find`, in a transaction that writes: what is damaged is repaired there."""
        statement = f"{_SELECT} WHERE transaction_id = ?"
        found = connection.execute(statement, (transaction_id,)).fetchone()
        if found is None:
            return None
        row = Row(*found)
        reading = read_row(row)
        if reading.damage:
            repair(connection, row, reading)
        self._report_about(row, reading)
        return reading.submission

    def _report_about(self, row: Row, reading: Reading) -> None:
        """What the user must hear of an entry, once in a process."""
        identifier = row.transaction_id
        if not reading.damage and not reading.is_of_later_version:
            return
        if identifier in self._said:
            return
        self._said.add(identifier)
        if reading.is_of_later_version:
            message = (
                f"the journal's entry of transaction {identifier} was written by a later version of this"
                " program: the transaction is followed to its end, and the entry stays as it is; update"
                " this program"
            )
            self._report(Report("passed_over", self.path, message))
        elif reading.submission is None:
            message = (
                f"the journal's entry of transaction {identifier} can't be used ({reading.damage}): it"
                " may still be on its way, and no command knows of it any more. Before you run the"
                " command again that had sent it, see where it stands with `milestones transaction"
                f" {identifier}`"
            )
            self._report(Report("damaged", self.path, message, reason=reading.damage))
        else:
            message = (
                f"the journal's entry of transaction {identifier} is damaged ({reading.damage}): the"
                " transaction is followed to its end, but not all can be reported of it"
            )
            self._report(Report("damaged", self.path, message, reason=reading.damage))


_OLDEST_FIRST: Final = "ORDER BY prepared_at_posix_ms, rowid"


def _query(
    conditions: Iterable[str], chain: str | None, slot: int, filters: dict[str, str | None]
) -> tuple[str, dict[str, Any]]:
    """A statement for rows that keep one of the conditions and all filters, oldest first, and its values.

    A row of which no chain is known belongs to each.
    """
    chains = ("",) if chain is None else ("chain = :chain AND ", "chain IS NULL AND ")
    about = "".join(f" AND {name} IS :{name}" for name in filters)
    arms = [
        f"SELECT {COLUMNS}, rowid FROM submissions WHERE {of_chain}{condition}{about}"  # noqa: S608
        for of_chain in chains
        for condition in conditions
    ]
    statement = f"{_SELECT_FROM} ({' UNION ALL '.join(arms)}) {_OLDEST_FIRST}"
    return statement, {"chain": chain, "slot": slot, **filters}


def _given(**filters: str | None) -> dict[str, str | None]:
    return {name: value for name, value in filters.items() if value is not None}


def _hex(digest: bytes | None) -> str | None:
    return None if digest is None else digest.hex()


def _name(transaction_id: str) -> str:
    name = transaction_id.lower()
    if re.fullmatch(r"[0-9a-f]{64}", name) is None:
        raise InvalidInput(
            f"{transaction_id[:80]!r} is not a transaction id",
            path="transaction_hash",
            hint="give 64 hexadecimal digits",
        )
    return name


def _about(submission: Submission) -> dict[str, str | int | None]:
    """What a line of the log says of a transaction."""
    return {
        "transaction": submission.transaction_id,
        "command": submission.command,
        "fee_lovelace": submission.fee_lovelace,
        "valid_until_slot": submission.valid_until_slot,
    }
