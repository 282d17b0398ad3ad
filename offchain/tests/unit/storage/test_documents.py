"""The contract cache and the schedules."""

from __future__ import annotations

from pathlib import Path

from milestones.cardano.address import Address, Credential, key_credential
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
