"""Books: what transactions of the journal cost whoever pays, kept within what may be spent.

A transaction counts from the moment in which it is written down, before it is sent, until it is known that
it can't come any more. One that earns counts once a block has it. So what a book says is what the chain says,
whatever was killed, lost or rolled back in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from milestones.errors import BudgetSpent
from milestones.storage.submission import PENDING

if TYPE_CHECKING:
    import sqlite3

HOUR_MS: Final = 3_600_000
TABLE: Final = """
CREATE TABLE IF NOT EXISTS costs (
  transaction_id TEXT PRIMARY KEY NOT NULL,
  book TEXT NOT NULL,
  cost_lovelace INTEGER NOT NULL,
  written_at_posix_ms INTEGER NOT NULL
)
"""
_VOID: Final = "('rejected', 'expired', 'dropped')"
_IS_PENDING: Final = f"status IN ({', '.join(repr(each) for each in PENDING)})"
_SUMS: Final = f"""
SELECT
  count(*),
  coalesce(sum({_IS_PENDING}), 0),
  coalesce(sum(CASE WHEN cost_lovelace > 0 OR status = 'confirmed' THEN cost_lovelace END), 0),
  coalesce(sum(CASE WHEN cost_lovelace > 0 AND written_at_posix_ms > :since THEN cost_lovelace END), 0)
FROM costs JOIN submissions USING (transaction_id)
WHERE book = :book AND chain = :chain AND status NOT IN {_VOID}
"""  # noqa: S608 - nothing of others is in it


@dataclass(frozen=True, slots=True)
class Charge:
    """What a transaction costs, and the book that it is written in; all lovelace.

    `cost_lovelace` is what the wallet has less afterwards: negative where it earns. The limits are the
    book's: in all, and within an hour; None: no limit.
    """

    book: str
    cost_lovelace: int
    most_lovelace: int | None = None
    most_an_hour_lovelace: int | None = None


@dataclass(frozen=True, slots=True)
class BookState:
    """What a book holds: how many transactions, how many of them no block has yet, and lovelace spent.

    What is spent within the hour leaves out what was earned.
    """

    transaction_count: int = 0
    pending_count: int = 0
    spent_lovelace: int = 0
    spent_in_hour_lovelace: int = 0

    def room_lovelace(self, most: int | None, most_an_hour: int | None) -> int | None:
        """What may still be spent now; None where nothing limits it, never negative."""
        rooms = [
            limit - spent
            for limit, spent in (
                (most, self.spent_lovelace),
                (most_an_hour, self.spent_in_hour_lovelace),
            )
            if limit is not None
        ]
        return max(0, min(rooms)) if rooms else None


def state_of(connection: sqlite3.Connection, book: str, chain: str, now_posix_ms: int) -> BookState:
    """What a book holds about a chain at a moment of this machine's clock."""
    if not has_table(connection):
        return BookState()
    values = {"book": book, "chain": chain, "since": now_posix_ms - HOUR_MS}
    return BookState(*connection.execute(_SUMS, values).fetchone())


def enter(
    connection: sqlite3.Connection,
    transaction_id: str,
    chain: str,
    charge: Charge,
    now_posix_ms: int,
) -> None:
    """Writes what a transaction costs, in the transaction of SQLite that writes it down.

    Raises `BudgetSpent` where that is more than its book has room for.
    """
    state = state_of(connection, charge.book, chain, now_posix_ms)
    room = state.room_lovelace(charge.most_lovelace, charge.most_an_hour_lovelace)
    if room is not None and charge.cost_lovelace > room:
        raise BudgetSpent(charge.cost_lovelace, room)
    connection.execute(
        "INSERT OR REPLACE INTO costs VALUES (?, ?, ?, ?)",
        (transaction_id, charge.book, charge.cost_lovelace, now_posix_ms),
    )


def has_table(connection: sqlite3.Connection) -> bool:
    """Whether there is any book: an earlier version's journal that can't be written has none."""
    named = "SELECT count(*) FROM sqlite_master WHERE name = 'costs'"
    return bool(connection.execute(named).fetchone()[0])


def copy(broken: sqlite3.Connection, new: sqlite3.Connection, order: str) -> None:
    """Copies what can be read of the books of a damaged journal, until a row can't be."""
    if has_table(broken):
        for row in broken.execute(f"SELECT * FROM costs NOT INDEXED ORDER BY rowid {order}"):  # noqa: S608
            new.execute("INSERT OR IGNORE INTO costs VALUES (?, ?, ?, ?)", row)
