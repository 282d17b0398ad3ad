"""Milestone records: where they are, whose they are, and what a broken one does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from milestones.domain.models import MilestoneCompletion
from milestones.errors import InvalidConfiguration
from milestones.storage.storage import Storage

Make = Callable[..., MilestoneCompletion]
ONE, OTHER = b"\1" * 28, b"\2" * 28


def test_the_file_of_the_quickstart(storage: Storage, record: Make) -> None:
    path = Path(storage.records.save(record(ONE)))
    assert path == storage.data_directory / "milestones" / "milestone-001.json"
    written = json.loads(path.read_text())
    assert written["milestone_identifier"] == "milestone-001"
    assert written["distribution_id"] == "01" * 28
    assert written["oracle_signatures"][0]["signature"] == "00" * 64
    assert written["quorum_status"] == "pending"


def test_what_is_saved_is_found(storage: Storage, record: Make) -> None:
    assert storage.records.find(ONE, "milestone-001") is None
    storage.records.save(record(ONE))
    assert storage.records.find(ONE, "milestone-001") == record(ONE)
    assert storage.records.find(OTHER, "milestone-001") is None


def test_distributions_that_name_a_milestone_alike_do_not_collide(
    storage: Storage, record: Make
) -> None:
    storage.records.save(record(ONE, signatures=1))
    second = Path(storage.records.save(record(OTHER, signatures=2)))
    assert second.name == f"milestone-001.{'02' * 8}.json"
    assert storage.records.find(ONE, "milestone-001") == record(ONE, signatures=1)
    assert storage.records.find(OTHER, "milestone-001") == record(OTHER, signatures=2)
    again = storage.records.save(record(OTHER, signatures=3))
    assert Path(again) == second
    assert storage.records.of_distribution(OTHER) == [record(OTHER, signatures=3)]


def test_a_milestone_called_like_anothers_file_has_its_own(storage: Storage, record: Make) -> None:
    disguised = f"milestone-001.{'02' * 8}"
    for each in (record(ONE), record(ONE, disguised), record(OTHER)):
        storage.records.save(each)
    assert storage.records.find(ONE, disguised) == record(ONE, disguised)
    assert storage.records.find(OTHER, "milestone-001") == record(OTHER)
    assert len(storage.records.all()) == 3


def test_ids_that_begin_alike_do_not_collide(storage: Storage, record: Make) -> None:
    alike = [b"\1" * 27 + bytes([n]) for n in range(3)]
    for distribution_id in alike:
        storage.records.save(record(distribution_id))
    found = [storage.records.find(each, "milestone-001") for each in alike]
    assert [each.distribution_id for each in found if each] == alike


def test_a_milestones_name_stays_inside_the_folder(storage: Storage, record: Make) -> None:
    path = Path(storage.records.save(record(ONE, "../../../escape")))
    assert path.resolve().parent == (storage.data_directory / "milestones").resolve()
    assert storage.records.find(ONE, "../../../escape") == record(ONE, "../../../escape")


def test_update_reads_and_writes_in_one_step(storage: Storage, record: Make) -> None:
    seen = []

    def change(known: MilestoneCompletion | None) -> MilestoneCompletion:
        seen.append(known)
        return record(ONE, signatures=len(seen))

    storage.records.update(ONE, "milestone-001", change)
    storage.records.update(ONE, "milestone-001", change)
    assert seen == [None, record(ONE, signatures=1)]
    assert storage.records.find(ONE, "milestone-001") == record(ONE, signatures=2)
    with pytest.raises(ValueError, match="another"):
        storage.records.update(ONE, "milestone-002", change)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"[]", b'{"milestone_identifier": "milestone-001"}', b"[" * 5000],
)
def test_a_corrupted_record_is_moved_aside_and_reported(
    storage: Storage, record: Make, content: bytes
) -> None:
    path = Path(storage.records.save(record(ONE)))
    path.write_bytes(content)
    assert storage.records.find(ONE, "milestone-001") is None
    (report,) = storage.take_reports()
    assert report.path == path
    assert report.moved_to == path.with_name("milestone-001.json.corrupt-1")
    assert report.moved_to.read_bytes() == content
    assert report.reason
    assert storage.take_reports() == []

    storage.records.save(record(ONE))
    path.write_bytes(content)
    assert storage.records.all() == []
    assert storage.take_reports()[0].moved_to.name == "milestone-001.json.corrupt-2"


@pytest.mark.parametrize("later", [{"format_version": 2}, {"evidence": []}])
def test_a_record_of_a_later_version_is_never_touched(
    storage: Storage, record: Make, later: dict[str, Any]
) -> None:
    path = Path(storage.records.save(record(ONE)))
    path.write_text(json.dumps({**json.loads(path.read_text()), **later}))
    before = path.read_bytes()
    assert storage.records.is_of_later_version(ONE, "milestone-001")
    for action in (
        lambda: storage.records.find(ONE, "milestone-001"),
        lambda: storage.records.save(record(ONE)),
        lambda: storage.records.path_of(record(ONE)),
        lambda: storage.records.update(ONE, "milestone-001", lambda _: record(ONE)),
    ):
        with pytest.raises(InvalidConfiguration, match="later version") as refused:
            action()
        assert refused.value.path == "data_directory"
    assert storage.take_reports() == []
    assert storage.records.all() == storage.records.of_distribution(ONE) == []
    (report,) = storage.take_reports()
    assert (report.kind, report.path) == ("passed_over", path)
    assert path.read_bytes() == before
    assert sorted(each.name for each in path.parent.glob("*.json*")) == ["milestone-001.json"]


def test_one_of_a_later_version_is_in_nobody_elses_way(storage: Storage, record: Make) -> None:
    """It says whose it is: another distribution's record of a milestone called alike has its own file."""
    path = Path(storage.records.save(record(ONE)))
    path.write_text(json.dumps({**json.loads(path.read_text()), "format_version": 2}))
    assert not storage.records.is_of_later_version(OTHER, "milestone-001")
    assert storage.records.find(OTHER, "milestone-001") is None
    second = Path(storage.records.save(record(OTHER)))
    assert second.name == f"milestone-001.{'02' * 8}.json"
    assert storage.records.find(OTHER, "milestone-001") == record(OTHER)


def test_one_that_does_not_say_whose_it_is_may_be_anybodys(storage: Storage, record: Make) -> None:
    path = Path(storage.records.save(record(ONE)))
    path.write_text('{"format_version": 2}')
    with pytest.raises(InvalidConfiguration):
        storage.records.find(OTHER, "milestone-001")
    assert storage.records.find(OTHER, "milestone-002") is None
