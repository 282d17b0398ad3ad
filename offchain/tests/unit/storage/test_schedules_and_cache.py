"""The contract cache and the schedules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from milestones.cardano.address import Address, Credential, key_credential
from milestones.errors import InvalidConfiguration
from milestones.storage.records import ObservedNetwork
from milestones.storage.storage import Storage

ADDRESS = Address(0, Credential("script", b"\1" * 28), key_credential(b"\2" * 28)).to_bech32()


def test_cache_is_one_file_an_address(storage: Storage) -> None:
    assert storage.cache.load(ADDRESS) is None
    path = Path(storage.cache.save(ADDRESS, {"slot": 7}))
    assert path == storage.data_directory / "cache" / f"contract_{ADDRESS}.json"
    assert storage.cache.load(ADDRESS) == {"slot": 7}
    assert storage.cache.addresses() == [ADDRESS]
    storage.cache.forget(ADDRESS)
    assert storage.cache.load(ADDRESS) is None


def test_a_corrupted_cache_counts_as_missing(storage: Storage) -> None:
    path = Path(storage.cache.save(ADDRESS, {}))
    path.write_text("[1]")
    assert storage.cache.load(ADDRESS) is None
    assert [report.path for report in storage.take_reports()] == [path]


def test_schedules_are_named_by_distribution(storage: Storage) -> None:
    path = Path(storage.schedules.save(b"\3" * 28, {"quorum_threshold": 2}))
    assert path == storage.data_directory / "schedules" / f"{'03' * 28}.json"
    path.with_name("notes.json").write_text("{}")
    assert storage.schedules.load(b"\3" * 28) == {"quorum_threshold": 2}
    assert storage.schedules.load(b"\4" * 28) is None
    assert storage.schedules.distribution_ids() == [b"\3" * 28]


LATER: list[dict[str, Any]] = [
    {"format_version": 2, "quorum_threshold": 2},
    {"quorum_threshold": 2, "streams": []},
    {"contract_metadata": {"created_at": 1, "network_magic": 42, "series": "00"}},
    {"beneficiary_allocations": [{"token_amount": 1}, {"token_amount": 1, "cliff": 7}]},
]


@pytest.mark.parametrize("document", LATER)
def test_a_schedule_of_a_later_version_is_never_touched(
    storage: Storage, document: dict[str, Any]
) -> None:
    path = Path(storage.schedules.save(b"\3" * 28, {"quorum_threshold": 2}))
    path.write_text(json.dumps(document))
    before = path.read_bytes()
    with pytest.raises(InvalidConfiguration, match="later version") as refused:
        storage.schedules.load(b"\3" * 28)
    assert (refused.value.path, "update this program" in refused.value.hint) == (
        "data_directory",
        True,
    )
    with pytest.raises(InvalidConfiguration, match=str(path)):
        storage.schedules.save(b"\3" * 28, {"quorum_threshold": 3})
    assert storage.take_reports() == []
    assert storage.schedules.find(b"\3" * 28) is None
    assert storage.schedules.find(b"\3" * 28) is None
    storage.schedules.keep(b"\3" * 28, {"quorum_threshold": 3})
    (report,) = storage.take_reports()
    assert (report.kind, report.path) == ("passed_over", path)
    assert path.read_bytes() == before
    assert storage.schedules.distribution_ids() == [b"\3" * 28]


def test_a_schedule_may_name_its_schema(storage: Storage) -> None:
    document = {"$schema": "schedule.json", "quorum_threshold": 2}
    storage.schedules.save(b"\3" * 28, document)
    assert storage.schedules.load(b"\3" * 28) == document


def test_what_is_kept_is_saved(storage: Storage) -> None:
    storage.schedules.keep(b"\3" * 28, {"quorum_threshold": 2})
    assert storage.schedules.find(b"\3" * 28) == {"quorum_threshold": 2}


def test_a_corrupted_schedule_is_not_overwritten_without_a_copy(storage: Storage) -> None:
    path = Path(storage.schedules.save(b"\3" * 28, {}))
    path.write_text("{")
    storage.schedules.save(b"\3" * 28, {"quorum_threshold": 2})
    (report,) = storage.take_reports()
    assert report.moved_to is not None
    assert report.moved_to.read_text() == "{"
    assert "unless it is private" in report.message


def test_a_cache_of_a_later_version_is_passed_over_and_never_touched(storage: Storage) -> None:
    path = Path(storage.cache.save(ADDRESS, {"format_version": 2}))
    before = path.read_bytes()
    assert storage.cache.load(ADDRESS) is None
    storage.cache.save(ADDRESS, {"slot": 8})
    assert path.read_bytes() == before
    (report,) = storage.take_reports()
    assert (report.kind, report.path) == ("passed_over", path)


@pytest.mark.parametrize("later", [{"format_version": 2}, {"kupo_url": "http://127.0.0.1"}])
def test_a_network_of_a_later_version_is_passed_over_and_never_touched(
    storage: Storage, later: dict[str, Any]
) -> None:
    observed = ObservedNetwork(
        network_magic=42, lovelace_per_utxo_byte=4310, observed_at_posix_ms=1
    )
    storage.network.save(observed)
    assert storage.network.load() == observed
    path = storage.data_directory / "cache" / "network.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **later}))
    before = path.read_bytes()
    assert storage.network.load() is None
    storage.network.save(observed)
    assert path.read_bytes() == before
    assert [report.path for report in storage.take_reports()] == [path]
