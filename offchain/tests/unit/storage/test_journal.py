"""The submission journal keeps what was sent, and what became of it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milestones.errors import InvalidConfiguration, InvalidInput, NotAllowedYet, NotFound
from milestones.storage.journal_rows import Row
from milestones.storage.storage import Storage
from milestones.storage.submission import Submission

Make = Callable[..., Submission]


def ids(submissions: list[Submission]) -> list[str]:
    return [each.transaction_id for each in submissions]


def change(storage: Storage, statement: str, *values: Any) -> None:
    """Changes the database behind the journal's back."""
    storage.close()
    with closing(sqlite3.connect(storage.journal.path)) as connection, connection:
        connection.execute(statement, values)


def column(storage: Storage, statement: str) -> list[Any]:
    with closing(sqlite3.connect(storage.journal.path)) as connection:
        return [row[0] for row in connection.execute(statement)]


def test_what_is_prepared_is_found_after_a_restart(storage: Storage, submission: Make) -> None:
    prepared = storage.journal.prepare(submission(), slot=0)
    assert prepared == submission()
    later = Storage(storage.data_directory)
    found = later.journal.find(prepared.transaction_id.upper())
    later.close()
    assert found == prepared
    assert (found.status, found.is_pending, found.purpose) == ("prepared", True, "release")
    assert found.prepared_at_posix_ms == 1000


def test_looking_into_an_empty_directory_makes_nothing(storage: Storage) -> None:
    assert storage.journal.unsettled(0) == storage.journal.pending() == []
    assert storage.journal.of(b"\1" * 28) == []
    assert storage.journal.find("00" * 32) is None
    assert storage.journal.mark_all([], "confirmed", at_posix_ms=1) == []
    assert not storage.data_directory.exists()


def test_a_row_can_be_read_by_people(storage: Storage, submission: Make) -> None:
    storage.journal.prepare(submission(), slot=0)
    (entry,) = column(storage, "SELECT entry FROM submissions")
    written = json.loads(entry)
    assert written["version"] == 2
    assert written["history"] == [{"status": "prepared", "at_posix_ms": 1000, "note": ""}]
    assert written["payload"]["allocations"] == [0, 3]
    assert column(storage, "SELECT distribution_id FROM submissions") == ["01" * 28]


def test_a_commit_waits_for_the_disk(storage: Storage, submission: Make) -> None:
    """WAL alone does not: `synchronous` is the connection's own, so it is asked there."""
    storage.journal.prepare(submission(), slot=0)
    asked: list[Any] = storage.journal._database.read(
        lambda connection: [
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous")
        ],
        [],
    )
    assert asked == ["wal", 2]


def test_history_grows_and_preparing_again_keeps_it(storage: Storage, submission: Make) -> None:
    one = storage.journal.prepare(submission(), slot=0).transaction_id
    storage.journal.mark(one, "unknown", at_posix_ms=2000, note="the connection was lost")
    again = storage.journal.prepare(submission(at_posix_ms=3000), slot=0)
    assert [change.status for change in again.history] == ["prepared", "unknown"]
    storage.journal.mark(one, "unknown", at_posix_ms=4000, note="the connection was lost")
    storage.journal.mark(one.upper(), "confirmed", at_posix_ms=5000)
    found = storage.journal.find(one)
    assert found is not None
    assert [change.at_posix_ms for change in found.history] == [1000, 2000, 5000]
    assert not found.is_pending


@pytest.mark.parametrize("status", ["rejected", "confirmed", "expired"])
def test_pending_is_by_distribution_and_command(
    storage: Storage, submission: Make, status: Any
) -> None:
    journal = storage.journal
    two = journal.prepare(submission(2, at_posix_ms=30), slot=0).transaction_id
    one = journal.prepare(submission(1, at_posix_ms=20), slot=0).transaction_id
    other = {"distribution_id": None, "command": "publish-script"}
    three = journal.prepare(submission(3, at_posix_ms=10, **other), slot=0).transaction_id
    assert ids(journal.pending()) == [three, one, two]
    assert ids(journal.pending(distribution_id=b"\1" * 28)) == [one, two]
    assert ids(journal.pending(command="publish-script")) == [three]
    journal.mark(one, status, at_posix_ms=40)
    assert ids(journal.pending(command="submit-release")) == [two]
    assert ids(journal.of(b"\1" * 28)) == [one, two]
    assert ids(journal.of(b"\1" * 28, command="submit-release", purpose="release")) == [one, two]
    assert journal.of(b"\1" * 28, purpose="closing") == []


def test_what_is_written_in_the_same_moment_stays_in_order(
    storage: Storage, submission: Make
) -> None:
    written = [storage.journal.prepare(submission(n), slot=0) for n in (5, 3, 4, 1, 2)]
    assert ids(storage.journal.unsettled(0)) == ids(written)


def test_only_transaction_ids_are_looked_for(storage: Storage) -> None:
    one = "0a" * 32
    for name in ("../" + one, "01", one + "00", "zz" * 32, one + "\n"):
        with pytest.raises(InvalidInput):
            storage.journal.find(name)
    with pytest.raises(NotFound):
        storage.journal.mark(one, "confirmed", at_posix_ms=1)


def test_all_are_marked_or_none(storage: Storage, submission: Make) -> None:
    written = [storage.journal.prepare(submission(n), slot=0).transaction_id for n in (1, 2)]
    with pytest.raises(NotFound):
        storage.journal.mark_all([*written, "0a" * 32], "confirmed", at_posix_ms=2)
    assert ids(storage.journal.pending()) == written
    marked = storage.journal.mark_all(written, "confirmed", at_posix_ms=3, note="slot 7")
    assert [each.history[-1].note for each in marked] == ["slot 7", "slot 7"]
    assert storage.journal.pending() == []


def test_what_may_be_done_only_once_is_not_prepared_twice(
    storage: Storage, submission: Make
) -> None:
    journal = storage.journal
    one = journal.prepare(submission(1, sole="opening"), slot=0).transaction_id
    journal.prepare(submission(2, sole="another"), slot=0)
    journal.prepare(submission(4, sole="opening", distribution_id=b"\2" * 28), slot=0)
    journal.prepare(submission(5, sole="opening", command="close"), slot=0)
    journal.prepare(submission(6, sole="opening", command="deploy", chain="42@1"), slot=0)
    journal.prepare(submission(7, sole="opening", command="deploy", chain="42@2"), slot=0)
    three = submission(3, sole="opening")
    with pytest.raises(NotAllowedYet, match=one) as refused:
        journal.prepare(three, slot=0)
    assert refused.value.rule == "under_way"
    assert journal.find(three.transaction_id) is None
    journal.mark(one, "confirmed", at_posix_ms=2)
    with pytest.raises(NotAllowedYet):
        journal.prepare(three, slot=499)
    journal.mark(one, "rejected", at_posix_ms=3)
    assert journal.prepare(three, slot=0).is_pending


def test_a_block_counts_as_final_once_the_time_of_the_transaction_is_up(
    storage: Storage, submission: Make
) -> None:
    one = storage.journal.prepare(submission(), slot=0).transaction_id
    ever = storage.journal.prepare(submission(2, valid_until_slot=None), slot=0).transaction_id
    storage.journal.mark_all([one, ever], "confirmed", at_posix_ms=2)
    assert ids(storage.journal.unsettled(499)) == [one, ever]
    assert ids(storage.journal.unsettled(500)) == [ever]


def test_what_is_known_to_be_of_another_chain_is_left_out(
    storage: Storage, submission: Make
) -> None:
    one = storage.journal.prepare(submission(1, chain="42@1000"), slot=0).transaction_id
    two = storage.journal.prepare(submission(2), slot=0).transaction_id
    for found in (storage.journal.pending, lambda chain: storage.journal.unsettled(0, chain)):
        assert ids(found("42@2000")) == [two]
        assert ids(found("42@1000")) == ids(found(None)) == [one, two]
    assert ids(storage.journal.of(b"\1" * 28, chain="42@2000")) == [two]


def test_one_that_was_given_up_can_be_prepared_again(storage: Storage, submission: Make) -> None:
    one = storage.journal.prepare(submission(), slot=0).transaction_id
    storage.journal.mark(one, "rejected", at_posix_ms=2)
    again = storage.journal.prepare(submission(at_posix_ms=3), slot=0)
    assert [change.status for change in again.history] == ["prepared", "rejected", "prepared"]
    assert storage.journal.find(one) == again


def test_numbers_and_notes_that_no_file_holds_do_no_harm(
    storage: Storage, submission: Make
) -> None:
    large = submission(valid_until_slot=1 << 64)
    storage.journal.prepare(large, slot=0)
    marked = storage.journal.mark(
        large.transaction_id, "unknown", at_posix_ms=2, note="half of a pair: \ud800"
    )
    assert storage.journal.find(large.transaction_id).history == marked.history
    assert storage.take_reports() == []


LATER = '{"version": 3, "history": [{"status": "half_confirmed", "since": 7}], "gist": 1}'


def test_an_entry_of_a_later_version_is_followed_and_never_changed(
    storage: Storage, submission: Make
) -> None:
    written = storage.journal.prepare(submission(sole="once"), slot=0)
    change(storage, "UPDATE submissions SET entry = ?", LATER)
    (found,) = storage.journal.unsettled(0)
    assert (found.transaction_cbor, found.inputs) == (written.transaction_cbor, written.inputs)
    assert (found.status, found.payload) == ("prepared", None)
    (report,) = storage.take_reports()
    assert report.kind == "passed_over"
    assert "later version" in report.message
    assert found.transaction_id in report.message
    assert storage.journal.mark(found.transaction_id, "confirmed", at_posix_ms=2).status == (
        "confirmed"
    )
    assert storage.journal.prepare(submission(), slot=0) == found
    with pytest.raises(NotAllowedYet):
        storage.journal.prepare(submission(2, sole="once"), slot=0)
    assert column(storage, "SELECT entry FROM submissions") == [LATER]
    change(storage, "UPDATE submissions SET status = 'expired'")
    with pytest.raises(InvalidConfiguration, match="later version"):
        storage.journal.prepare(submission(), slot=0)
    assert column(storage, "SELECT entry FROM submissions") == [LATER]
    assert storage.take_reports() == []


@pytest.mark.parametrize(
    ("broken", "kept"),
    [
        ({"payload": {"purpose": "release"}}, {"history", "change", "inputs"}),
        ({"payload": {}}, {"history", "change", "inputs"}),
        ({"payload": {"purpose": "gift"}}, {"history", "change", "inputs"}),
        ({"history": []}, {"payload", "change", "inputs"}),
        ({"history": [{"status": "lost"}]}, {"payload", "change", "inputs"}),
        ({"change": [{}]}, {"payload", "history", "inputs"}),
        ({"inputs": ["07#1"]}, {"payload", "history", "change", "inputs"}),
        ({"fee_lovelace": None, "surprise": 1}, {"payload", "history", "inputs", "fee_lovelace"}),
        (None, {"inputs", "fee_lovelace", "size"}),
    ],
)
def test_a_damaged_entry_is_followed_with_what_is_left_of_it(
    storage: Storage, submission: Make, broken: Any, kept: set[str]
) -> None:
    written = storage.journal.prepare(submission(), slot=0)
    (entry,) = column(storage, "SELECT entry FROM submissions")
    text = "{" if broken is None else json.dumps({**json.loads(entry), **broken})
    change(storage, "UPDATE submissions SET entry = ?", text)
    (found,) = storage.journal.unsettled(0)
    assert {name for name in kept if getattr(found, name) != getattr(written, name)} == set()
    assert (found.transaction_cbor, found.status) == (written.transaction_cbor, "prepared")
    assert ("payload" in kept) == (found.payload is not None)
    (report,) = storage.take_reports()
    assert (report.kind, found.transaction_id in report.message) == ("damaged", True)
    # Reported once: what could be read stands in its place, and what stood there is kept.
    storage.close()
    assert storage.journal.unsettled(0) == [found]
    assert storage.take_reports() == []
    assert column(storage, "SELECT entry FROM damaged") == [text]
    storage.journal.mark(found.transaction_id, "confirmed", at_posix_ms=2)
    assert ids(storage.journal.of(b"\1" * 28, purpose="release")) == [found.transaction_id]


@pytest.mark.parametrize("entry", ['{"history": [{"note": "\\ud800"}]}', "[" * 5000, "[]", "NaN"])
def test_no_content_of_an_entry_is_an_unexpected_error(
    storage: Storage, submission: Make, entry: str
) -> None:
    one = storage.journal.prepare(submission(), slot=0).transaction_id
    change(storage, "UPDATE submissions SET entry = ?, status = 'half'", entry)
    found = storage.journal.find(one)
    assert found is not None
    assert (found.status, found.payload) == ("unknown", None)
    assert ids(storage.journal.pending()) == [one]


VALUES = (
    st.none()
    | st.integers(-(1 << 63), (1 << 63) - 1)
    | st.floats(allow_nan=False)
    | st.binary(max_size=40)
    | st.text(st.characters(codec="utf-8"), max_size=40)
    | st.sampled_from(("{}", "[]", '{"version": 3}', '{"payload": {}}', '{"version": "x"}'))
)


@given(
    values=st.dictionaries(st.sampled_from(Row._fields), VALUES, min_size=1, max_size=3),
    as_text=st.booleans(),
)
def test_no_value_of_a_column_is_an_unexpected_error(
    submission: Make, values: dict[str, Any], as_text: bool
) -> None:
    with TemporaryDirectory() as directory, closing(Storage(Path(directory))) as storage:
        storage.journal.prepare(submission(), slot=0)
        for name, value in values.items():
            # Bytes as text need not be UTF-8.
            new = "CAST(? AS TEXT)" if as_text and isinstance(value, bytes) else "?"
            change(storage, f"UPDATE OR IGNORE submissions SET {name} = {new}", value)  # noqa: S608
        one = submission().transaction_id
        storage.journal.unsettled(0)
        storage.journal.of(b"\1" * 28)
        found = storage.journal.find(one)
        if found is not None:
            assert found.transaction_cbor == submission().transaction_cbor
            storage.journal.mark(one, "confirmed", at_posix_ms=5)
        storage.journal.prepare(submission(at_posix_ms=6), slot=1 << 62)


@pytest.mark.parametrize("cbor", ["84", "", "84a1000182f5f6", "80"])
def test_bytes_that_are_not_the_transactions_are_taken_out_and_kept(
    storage: Storage, submission: Make, cbor: str
) -> None:
    """They would be sent in its place, or stop every command that looks at the journal."""
    one = storage.journal.prepare(submission(), slot=0).transaction_id
    two = storage.journal.prepare(submission(2), slot=0).transaction_id
    change(
        storage,
        "UPDATE submissions SET transaction_cbor = ? WHERE transaction_id = ?",
        bytes.fromhex(cbor),
        one,
    )
    assert ids(storage.journal.pending()) == [two]
    (report,) = storage.take_reports()
    assert f"`milestones transaction {one}`" in report.message
    assert column(storage, "SELECT transaction_id FROM damaged") == [one]
    storage.close()
    assert ids(storage.journal.pending()) == [two]
    assert storage.take_reports() == []


@pytest.mark.parametrize(
    ("chain", "settled_on", "limit"),
    [(None, "42@1", 400), ("42@1", "42@1", 400), ("42@1", "7@7", 10**9)],
)
def test_what_is_settled_is_never_read(
    storage: Storage, submission: Make, chain: str | None, settled_on: str, limit: int
) -> None:
    """100,000 that are settled, and 281 open ones: SQLite is asked how much it does.

    The slots of another chain are other slots: what is settled there may seem to be open here.
    """
    storage.journal.prepare(submission(0), slot=0)
    settled = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
        " INSERT INTO submissions SELECT printf('%064x', i), x'80', 'deploy', printf('%056x', i % 7),"
        " ? - i % 400, ?, NULL, 'release',"
        " iif(i % 3, 'confirmed', iif(i % 2, 'expired', 'rejected')), i, '{}' FROM n"
    )
    change(storage, settled, limit, settled_on)
    for number in range(1, 281):
        storage.journal.prepare(submission(number, chain="42@1"), slot=0)
    seen = 0

    def count() -> int:
        nonlocal seen
        seen += 1
        return 0

    database = storage.journal._database
    # Called after each of SQLite's own steps, of which reading all rows would take millions.
    database.read(lambda connection: connection.set_progress_handler(count, 1), None)
    found = storage.journal.unsettled(400, chain)
    database.read(lambda connection: connection.set_progress_handler(None, 0), None)
    assert len(found) == 281
    assert seen < 281 * 150
    assert storage.take_reports() == []
