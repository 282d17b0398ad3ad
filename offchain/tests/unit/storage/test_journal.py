"""The submission journal keeps what was sent, and what became of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from milestones.cardano.hashes import blake2b_256
from milestones.cardano.outputs import OutputReference
from milestones.errors import InvalidInput, NotAllowedYet, NotFound
from milestones.storage.journal import Submission
from milestones.storage.storage import Storage

TRANSACTIONS = {
    blake2b_256(body).hex(): b"\x84" + body + bytes.fromhex("a0f5f6")
    for body in (bytes((0xA1, 0x00, number)) for number in range(4))
}
ONE, TWO, THREE, FOUR = TRANSACTIONS


def prepare(storage: Storage, transaction_id: str = ONE, **changes: Any) -> Submission:
    arguments: dict[str, Any] = {
        "transaction_id": transaction_id,
        "command": "submit-release",
        "transaction_cbor": TRANSACTIONS[transaction_id],
        "inputs": (OutputReference(b"\7" * 32, 1),),
        "at_posix_ms": 1000,
        "distribution_id": b"\1" * 28,
        "valid_until_slot": 500,
        "details": {"leaves": [0, 3]},
    }
    return storage.journal.prepare(**{**arguments, **changes})


def test_what_is_prepared_is_found_after_a_restart(storage: Storage) -> None:
    prepared = prepare(storage)
    found = Storage(storage.data_directory).journal.find(ONE)
    assert found == prepared
    assert found is not None
    assert (found.status, found.is_pending, found.prepared_at_posix_ms) == ("prepared", True, 1000)
    assert found.transaction_cbor == TRANSACTIONS[ONE]
    assert found.inputs == (OutputReference(b"\7" * 32, 1),)


def test_the_file_can_be_read_by_people(storage: Storage) -> None:
    prepare(storage)
    path = storage.data_directory / "journal" / f"{ONE}.json"
    written = json.loads(path.read_text())
    assert written["inputs"] == ["07" * 32 + "#1"]
    assert written["history"] == [{"status": "prepared", "at_posix_ms": 1000, "note": ""}]
    assert written["details"] == {"leaves": [0, 3]}


def test_history_grows_and_preparing_again_keeps_it(storage: Storage) -> None:
    prepare(storage)
    storage.journal.mark(ONE, "unknown", at_posix_ms=2000, note="the connection was lost")
    again = prepare(storage, at_posix_ms=3000)
    assert [change.status for change in again.history] == ["prepared", "unknown"]
    storage.journal.mark(ONE, "unknown", at_posix_ms=4000, note="the connection was lost")
    storage.journal.mark(ONE.upper(), "confirmed", at_posix_ms=5000)
    found = storage.journal.find(ONE)
    assert found is not None
    assert [change.at_posix_ms for change in found.history] == [1000, 2000, 5000]
    assert not found.is_pending


@pytest.mark.parametrize("status", ["rejected", "confirmed", "expired"])
def test_pending_is_by_distribution_and_command(storage: Storage, status: Any) -> None:
    prepare(storage, TWO, at_posix_ms=30)
    prepare(storage, ONE, at_posix_ms=20)
    prepare(storage, THREE, at_posix_ms=10, distribution_id=None, command="publish-script")
    pending = storage.journal.pending
    assert [each.transaction_id for each in pending()] == [THREE, ONE, TWO]
    assert [each.transaction_id for each in pending(distribution_id=b"\1" * 28)] == [ONE, TWO]
    assert [each.transaction_id for each in pending(command="publish-script")] == [THREE]
    storage.journal.mark(ONE, status, at_posix_ms=40)
    assert [each.transaction_id for each in pending(command="submit-release")] == [TWO]
    assert len(storage.journal.all()) == 3


def test_only_transaction_ids_name_files(storage: Storage) -> None:
    for name in ("../" + ONE, "01", ONE + "00", "zz" * 32):
        with pytest.raises(InvalidInput):
            storage.journal.find(name)
    with pytest.raises(NotFound):
        storage.journal.mark(ONE, "confirmed", at_posix_ms=1)


@pytest.mark.parametrize(
    "broken",
    [{"inputs": ["07#1"]}, {"history": []}, {"transaction_cbor": "zz"}, {"surprise": 1}],
)
def test_a_corrupted_entry_is_moved_aside_and_told(storage: Storage, broken: Any) -> None:
    prepare(storage)
    path: Path = storage.data_directory / "journal" / f"{ONE}.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **broken}))
    assert storage.journal.pending() == []
    (told,) = storage.take_corrupted()
    assert told.moved_to.exists()


def test_what_may_be_done_only_once_is_not_prepared_twice(storage: Storage) -> None:
    prepare(storage, sole="opening")
    prepare(storage, TWO, sole="another")
    prepare(storage, FOUR, sole="opening", distribution_id=b"\2" * 28)
    with pytest.raises(NotAllowedYet, match=ONE) as refused:
        prepare(storage, THREE, sole="opening")
    assert refused.value.rule == "under_way"
    assert storage.journal.find(THREE) is None
    storage.journal.mark(ONE, "confirmed", at_posix_ms=2)
    with pytest.raises(NotAllowedYet):
        prepare(storage, THREE, sole="opening", slot=499)
    storage.journal.mark(ONE, "rejected", at_posix_ms=3)
    assert prepare(storage, THREE, sole="opening").is_pending


def test_a_block_counts_as_final_once_the_time_of_the_transaction_is_up(storage: Storage) -> None:
    prepare(storage)
    storage.journal.mark(ONE, "confirmed", at_posix_ms=2)
    assert [each.transaction_id for each in storage.journal.unsettled(499)] == [ONE]
    assert storage.journal.unsettled(500) == []


def test_what_is_known_to_be_of_another_chain_is_left_out(storage: Storage) -> None:
    prepare(storage, chain="42@1000")
    assert storage.journal.pending("42@2000") == []
    assert [each.transaction_id for each in storage.journal.pending("42@1000")] == [ONE]


def test_one_that_was_given_up_can_be_prepared_again(storage: Storage) -> None:
    prepare(storage)
    storage.journal.mark(ONE, "rejected", at_posix_ms=2)
    again = prepare(storage, at_posix_ms=3)
    assert [change.status for change in again.history] == ["prepared", "rejected", "prepared"]


def test_a_file_with_another_name_is_none_of_the_journals(storage: Storage) -> None:
    prepare(storage)
    (storage.data_directory / "journal" / f"{'z' * 64}.json").write_text("{}")
    assert [each.transaction_id for each in storage.journal.all()] == [ONE]


@pytest.mark.parametrize("bytes_of_it", ["84", "", "84a1000182f5f6", "80"])
def test_bytes_that_are_not_the_transactions_are_moved_aside(
    storage: Storage, bytes_of_it: str
) -> None:
    """They would be sent in its place, or stop every command that looks at the journal."""
    prepare(storage)
    path = storage.data_directory / "journal" / f"{ONE}.json"
    written = json.loads(path.read_text())
    path.write_text(json.dumps({**written, "transaction_cbor": bytes_of_it}))
    assert storage.journal.pending() == []
    (corrupted,) = storage.take_corrupted()
    assert corrupted.path == path
