"""What release 0.1.0 wrote is taken over: `fixtures/0.1.0` is a data directory that it really wrote.

All its commands ran against an embedded chain: every purpose is there, and every status.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from milestones.cardano.address import Address
from milestones.domain.schedule import parse_schedule
from milestones.storage.storage import Storage
from milestones.storage.submission import (
    AttestationPayload,
    ClosingPayload,
    OpeningPayload,
    ReleasePayload,
    SchedulePartPayload,
    ScriptsPayload,
    Submission,
    chains_of,
)

WRITTEN = Path(__file__).parent / "fixtures" / "0.1.0"
ENTRIES = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((WRITTEN / "journal").glob("*.json"))
}


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    """A data directory of 0.1.0."""
    shutil.copytree(WRITTEN, tmp_path / "data")
    storage = Storage(tmp_path / "data")
    yield storage
    storage.close()


def everything(storage: Storage) -> dict[str, Submission]:
    found = [storage.journal.find(identifier) for identifier in ENTRIES]
    return {each.transaction_id: each for each in found if each is not None}


def folder(storage: Storage) -> Path:
    return storage.data_directory / "journal"


def test_the_fixture_has_every_purpose_and_every_status(storage: Storage) -> None:
    found = everything(storage)
    assert Counter(each.purpose for each in found.values()) == {
        "release": 7,
        "attestation": 4,
        "opening": 3,
        "schedule_part": 1,
        "closing": 1,
        "scripts": 1,
    }
    assert {each.status for each in found.values()} == {
        "prepared",
        "submitted",
        "unknown",
        "confirmed",
        "rejected",
        "expired",
    }


@pytest.mark.parametrize("identifier", ENTRIES)
def test_an_entry_says_what_it_said(storage: Storage, identifier: str) -> None:
    found, before = everything(storage)[identifier], ENTRIES[identifier]
    assert found.version == 2
    assert found.command == before["command"]
    assert found.transaction_cbor.hex() == before["transaction_cbor"]
    assert [str(each) for each in found.inputs] == before["inputs"]
    assert found.valid_until_slot == before["valid_until_slot"]
    assert (found.chain, found.sole) == (before["chain"], before.get("sole"))
    assert (found.distribution_id or b"").hex() == before.get("distribution_id", "")
    assert [each.model_dump() for each in found.history] == before["history"]
    details = before["details"]
    assert [each.model_dump(mode="json") for each in found.change] == details["change"]
    facts = details.get("result") or details.get("facts") or {}
    assert found.fee_lovelace == facts.get("fee_lovelace", found.fee_lovelace)
    assert found.size == facts.get("size", facts.get("transaction_size", found.size))
    for name in ("collateral_lovelace", "memory", "cpu"):
        assert getattr(found, name) == facts.get(name, getattr(found, name))
    expected = facts.get("collateral_amount", found.collateral_lovelace)
    assert found.collateral_lovelace == expected
    assert found.payload == _payload(before["command"], details)


def _payload(command: str, details: Any) -> Any:
    """Field by field, as the commands of 0.1.0 read them."""
    if command == "deploy" and details["role"] == "part":
        return SchedulePartPayload(
            number=details["number"],
            opening_capacity_bytes=details["opening_room"],
            part_capacity_bytes=details["part_room"],
        )
    if command == "publish-script":
        return ScriptsPayload(
            outputs=details["places"], deposits_lovelace=details["facts"]["deposits_lovelace"]
        )
    result = details["result"]
    if command == "deploy":
        return OpeningPayload(
            private=result["private"],
            schedule_transactions=tuple(result["schedule_transactions"]),
            total_token_amount=result["total_token_amount"],
            terms_deposit_lovelace=result["deposits_lovelace"]["terms"],
            vaults_deposit_lovelace=result["deposits_lovelace"]["vaults"],
        )
    if command == "attest":
        return AttestationPayload(
            milestone_identifier=result["milestone_identifier"],
            verification_posix_ms=result["verification_timestamp"] * 1000,
            evidence_hash=bytes.fromhex(result["evidence_hash"]),
            signers=tuple(_hash(each) for each in result["signers"]),
            refused_oracles=tuple(_hash(each) for each in result["refused_oracles"]),
            deposit_lovelace=result["deposit_lovelace"],
        )
    if command == "submit-release":
        return ReleasePayload(
            allocations=tuple(result["allocations"]),
            attested=result["attested"],
            deposits_lovelace=result["deposits_lovelace"],
        )
    return ClosingPayload(
        vaults=result["vaults"],
        attestations_burnt=result["attestations_burnt"],
        deposits_returned_lovelace=result["deposits_returned_lovelace"],
        tokens_returned=result["tokens_returned"],
    )


def _hash(address: str) -> bytes:
    return Address.from_bech32(address).payment.hash


def test_the_fixture_is_not_poor(storage: Storage) -> None:
    """What makes the comparison above worth something."""
    payloads = [each.payload for each in everything(storage).values()]
    assert any(isinstance(p, AttestationPayload) and p.refused_oracles for p in payloads)
    assert any(isinstance(p, OpeningPayload) and p.private for p in payloads)
    assert any(isinstance(p, OpeningPayload) and p.schedule_transactions for p in payloads)
    assert any(isinstance(p, ReleasePayload) and p.attested for p in payloads)
    assert any(isinstance(p, ReleasePayload) and len(p.allocations) > 1 for p in payloads)


def test_what_is_open_is_found_and_asked_about_as_chains(storage: Storage) -> None:
    slot = max(each["valid_until_slot"] for each in ENTRIES.values()) - 1
    found = storage.journal.unsettled(0, next(iter(ENTRIES.values()))["chain"])
    assert len(found) == sum(
        each["history"][-1]["status"] not in ("rejected", "expired") for each in ENTRIES.values()
    )
    assert len(storage.journal.unsettled(slot)) < len(found)
    chains = chains_of(found)
    assert len(chains) < len(found)
    assert sum(map(len, chains)) == len(found)


def test_it_is_reported_once_and_the_folder_is_kept(storage: Storage) -> None:
    before = {path.name: path.read_bytes() for path in folder(storage).iterdir()}
    assert len(storage.journal.pending()) == 3
    (report,) = storage.take_reports()
    kept = storage.data_directory / "journal.migrated"
    assert (report.kind, report.moved_to) == ("taken_over", kept)
    assert f"{len(ENTRIES)} transactions" in report.message
    assert not folder(storage).exists()
    after = {path.name: path.read_bytes() for path in kept.glob("*.json")}
    assert after == before
    storage.close()
    assert len(storage.journal.pending()) == 3
    assert storage.take_reports() == []


def test_an_old_program_that_writes_once_more_is_heard(storage: Storage) -> None:
    """Its newer word counts; an older one doesn't undo what was written since."""
    (submitted, *_) = [each for each in everything(storage).values() if each.status == "submitted"]
    identifier = submitted.transaction_id
    entry = ENTRIES[identifier]
    late = {"status": "confirmed", "at_posix_ms": 4_000_000_000_000, "note": ""}
    folder(storage).mkdir()
    written = {**entry, "history": [*entry["history"], late]}
    (folder(storage) / f"{identifier}.json").write_text(json.dumps(written))
    found = storage.journal.find(identifier)
    assert found is not None
    assert found.status == "confirmed"
    assert (storage.data_directory / "journal.migrated-2").is_dir()
    folder(storage).mkdir()
    (folder(storage) / f"{identifier}.json").write_text(json.dumps(entry))
    assert storage.journal.find(identifier) == found


PROGRAM = """
import sys
from pathlib import Path
from milestones.storage.storage import Storage
storage = Storage(Path(sys.argv[1]))
print("begin", flush=True)
print(len(storage.journal.unsettled(0)), flush=True)
storage.close()
"""


@pytest.mark.parametrize("milliseconds", [0, 2, 5, 10, 20, 40])
def test_killed_at_any_moment_it_is_done_again(tmp_path: Path, milliseconds: int) -> None:
    data = tmp_path / "data"
    shutil.copytree(WRITTEN, data)
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(data)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begin\n"
    time.sleep(milliseconds / 1000)
    process.kill()
    process.communicate()
    with closing(Storage(data)) as storage:
        assert len(everything(storage)) == len(ENTRIES)
        assert {report.kind for report in storage.take_reports()} <= {"taken_over"}
    assert not (data / "journal").exists()
    assert len(list((data / "journal.migrated").glob("*.json"))) == len(ENTRIES)


def test_a_stop_between_the_database_and_the_folder_changes_nothing(storage: Storage) -> None:
    """The rows are committed, and the folder is still called as before."""
    before = everything(storage)
    storage.close()
    (storage.data_directory / "journal.migrated").rename(folder(storage))
    assert everything(storage) == before


def test_two_processes_take_it_over_once(tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(WRITTEN, data)
    command = [sys.executable, "-W", "error", "-c", PROGRAM, str(data)]
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = [process.communicate(timeout=60) for process in both]
    assert {stdout.splitlines()[1] for stdout, _ in said} == {"15"}, said
    assert sorted(path.name for path in data.glob("journal.m*")) == ["journal.migrated"]


def test_damaged_entries_strand_nothing(storage: Storage) -> None:
    open_ones = [
        identifier
        for identifier, each in ENTRIES.items()
        if each["history"][-1]["status"] in ("prepared", "submitted", "unknown")
    ]
    damages: tuple[dict[str, Any], ...] = (
        {"details": {}},
        {"details": None, "history": []},
        {"details": {"result": {}}},
    )
    for identifier, damage in zip(open_ones, damages, strict=True):
        path = folder(storage) / f"{identifier}.json"
        path.write_text(json.dumps({**ENTRIES[identifier], **damage}))
    found = storage.journal.pending()
    assert sorted(each.transaction_id for each in found) == sorted(open_ones)
    assert [each.payload for each in found] == [None, None, None]
    reports = [each for each in storage.take_reports() if each.kind == "damaged"]
    assert len(reports) == 3
    for each in found:
        before = ENTRIES[each.transaction_id]
        assert [str(reference) for reference in each.inputs] == before["inputs"]
        assert each.transaction_cbor.hex() == before["transaction_cbor"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"transaction_cbor": "zz"}',
        b'{"transaction_cbor": "80"}',
        b"\xff",
    ],
)
def test_what_can_not_be_read_at_all_is_kept_and_named(storage: Storage, content: bytes) -> None:
    identifier = min(ENTRIES)
    (folder(storage) / f"{identifier}.json").write_bytes(content)
    assert storage.journal.find(identifier) is None
    (damaged, taken) = storage.take_reports()
    assert f"`milestones transaction {identifier}`" in damaged.message
    assert taken.kind == "taken_over"
    assert len(everything(storage)) == len(ENTRIES) - 1
    kept = storage.data_directory / "journal.migrated" / f"{identifier}.json"
    assert kept.read_bytes() == content


def test_every_record_schedule_and_cache_of_it_is_read(storage: Storage) -> None:
    assert len(storage.records.all()) == 5
    for distribution_id in storage.schedules.distribution_ids():
        document = storage.schedules.load(distribution_id)
        assert document is not None
        assert parse_schedule(document).beneficiary_allocations
    assert len(storage.schedules.distribution_ids()) == 3
    for address in storage.cache.addresses():
        assert storage.cache.load(address) is not None
    assert len(storage.cache.addresses()) == 2
    assert storage.network.load() is not None
    assert storage.take_reports() == []
