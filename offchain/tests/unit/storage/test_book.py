"""A book counts what may still come, within its limits, and nothing that can't come any more."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import pytest

from milestones.errors import BudgetSpent
from milestones.storage.book import HOUR_MS, BookState, Charge
from milestones.storage.storage import Storage
from milestones.storage.submission import Submission

Make = Callable[..., Submission]
CHAIN = "42@0"


def write(storage: Storage, made: Submission, cost: int, most: int | None = 100) -> None:
    charge = Charge("relay", cost, most)
    storage.journal.prepare(made.model_copy(update={"chain": CHAIN}), slot=1, charge=charge)


def held(storage: Storage, book: str = "relay", *, now_posix_ms: int = 2_000) -> BookState:
    return storage.journal.book(book, CHAIN, now_posix_ms=now_posix_ms)


def test_what_is_written_down_counts_before_it_is_sent(storage: Storage, submission: Make) -> None:
    assert held(storage) == BookState()
    write(storage, submission(1), 60)
    assert held(storage) == BookState(1, 1, 60, 60)
    assert held(storage, "another") == BookState()


def test_nothing_is_written_that_the_limit_forbids(storage: Storage, submission: Make) -> None:
    write(storage, submission(1), 60)
    with pytest.raises(BudgetSpent) as refused:
        write(storage, submission(2), 41)
    assert (refused.value.required_lovelace, refused.value.available_lovelace) == (41, 40)
    assert storage.journal.find(submission(2).transaction_id) is None
    write(storage, submission(3), 40)
    assert held(storage).spent_lovelace == 100


@pytest.mark.parametrize("status", ["rejected", "expired", "dropped"])
def test_what_can_not_come_any_more_gives_its_cost_back(
    storage: Storage, submission: Make, status: str
) -> None:
    made = submission(1)
    write(storage, made, 60)
    storage.journal.mark(made.transaction_id, status, at_posix_ms=2_000)  # type: ignore[arg-type]
    assert held(storage) == BookState()
    # It was seen in a block after all, as after a rollback.
    storage.journal.mark(made.transaction_id, "confirmed", at_posix_ms=3_000)
    assert held(storage) == BookState(1, 0, 60, 60)


def test_what_earns_counts_once_a_block_has_it(storage: Storage, submission: Make) -> None:
    made = submission(1)
    write(storage, made, -30, most=0)
    assert held(storage) == BookState(1, 1, 0, 0)
    storage.journal.mark(made.transaction_id, "confirmed", at_posix_ms=2_000)
    assert held(storage) == BookState(1, 0, -30, 0)
    write(storage, submission(2), 30, most=0)


def test_an_hour_later_the_hours_limit_has_room_again(storage: Storage, submission: Make) -> None:
    write(storage, submission(1, at_posix_ms=1_000), 60)
    assert held(storage, now_posix_ms=1_000 + HOUR_MS - 1).room_lovelace(None, 70) == 10
    later = held(storage, now_posix_ms=1_001 + HOUR_MS)
    assert (later.room_lovelace(None, 70), later.room_lovelace(100, 70)) == (70, 40)
    assert later.room_lovelace(None, None) is None


def test_a_journal_that_was_begun_before_there_were_books_gets_one(
    storage: Storage, submission: Make
) -> None:
    storage.journal.prepare(submission(1), slot=1)
    storage.close()
    with sqlite3.connect(storage.journal.path) as database:
        database.execute("DROP TABLE costs")
    assert held(storage) == BookState()
    write(storage, submission(2), 60)
    assert held(storage).transaction_count == 1


def test_what_can_be_read_of_a_damaged_journal_keeps_its_book(
    storage: Storage, submission: Make
) -> None:
    for number in range(200):
        write(storage, submission(number), 1, most=None)
    storage.close()
    content = bytearray(storage.journal.path.read_bytes())
    middle = len(content) // 8192 * 4096
    content[middle : middle + 4 * 4096] = b"\xff" * (4 * 4096)
    storage.journal.path.write_bytes(content)
    found = storage.journal.unsettled(0)
    assert 100 < len(found) < 200
    state = held(storage)
    assert 100 < state.transaction_count == state.spent_lovelace <= len(found)
