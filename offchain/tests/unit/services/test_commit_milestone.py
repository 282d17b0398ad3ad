"""Keeping oracle signatures: by their form alone, and by what they say."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from milestones.domain.models import OracleSignature
from milestones.errors import InvalidAddress, InvalidInput, InvalidSignature, NotFound
from milestones.services.backend import Workspace
from milestones.services.commit_milestone import MilestoneCommitted, commit_milestone
from milestones.storage.storage import Storage
from tests.support.desk import Desk


async def commit(desk: Desk, *entries: OracleSignature, **options: Any) -> MilestoneCommitted:
    given = {"milestone_identifier": "milestone-001", "oracle_signatures": entries, **options}
    return await commit_milestone(desk.workspace, **given)


QUICKSTART = {"quorum_threshold": 2, "total_oracles": 3}


async def test_a_quorum_makes_the_milestone_verified(desk: Desk) -> None:
    result = await commit(desk, desk.entry(0), desk.entry(1), **QUICKSTART)
    assert (result.status, result.verified, result.quorum_status) == ("stored", True, "met")
    assert (result.signature_count, result.quorum_threshold, result.total_oracles) == (2, 2, 3)
    assert result.signatures_added == 2
    assert result.contract_address == desk.distribution.address
    assert result.warnings == ()
    document = json.loads(Path(result.file).read_text(encoding="utf-8"))
    assert (
        Path(result.file) == desk.workspace.storage.data_directory / "milestones/milestone-001.json"
    )
    assert document["milestone_identifier"] == "milestone-001"
    assert document["distribution_id"] == desk.distribution.id.hex()
    assert document["verification_timestamp"] == 1_735_689_600
    assert document["quorum_status"] == "met"
    assert len(document["oracle_signatures"]) == 2


async def test_signatures_come_one_by_one(desk: Desk) -> None:
    first = await commit(desk, desk.entry(0), **QUICKSTART)
    assert (first.verified, first.quorum_status, first.signature_count) == (False, "pending", 1)
    second = await commit(desk, desk.entry(2))
    assert (second.verified, second.signature_count, second.signatures_added) == (True, 2, 1)


@pytest.mark.parametrize("at_once", [True, False])
async def test_the_same_oracle_twice_counts_once(desk: Desk, at_once: bool) -> None:
    later = desk.entry(0).model_copy(update={"signature_timestamp": 1_735_689_999})
    if at_once:
        result = await commit(desk, desk.entry(0), later, **QUICKSTART)
        assert result.signatures_added == 1
    else:
        await commit(desk, desk.entry(0), **QUICKSTART)
        result = await commit(desk, later)
        assert result.signatures_added == 0
    assert (result.signature_count, result.quorum_status) == (1, "pending")
    record = desk.workspace.storage.records.find(desk.distribution.id, "milestone-001")
    assert record.oracle_signatures == (later,)


async def test_strangers_who_came_before_the_terms_were_known_block_nobody(desk: Desk) -> None:
    await commit(desk, *(desk.entry(number) for number in (3, 4, 5)), **QUICKSTART)
    desk.know_schedule()
    result = await commit(desk, desk.entry(0), desk.entry(1))
    assert (result.signature_count, result.quorum_status) == (2, "met")


async def test_different_statements_do_not_add_up(desk: Desk) -> None:
    other = desk.entry(1, verification_posix_ms=1_735_689_601_000)
    result = await commit(desk, desk.entry(0), other, **QUICKSTART)
    assert (result.signature_count, result.quorum_status) == (1, "pending")
    assert [group.count for group in result.groups] == [1, 1]
    assert [group.verification_timestamp for group in result.groups] == [
        1_735_689_600,
        1_735_689_601,
    ]
    assert result.warnings[0].endswith(
        "different statements about this milestone: 1 signature for the statement at 2025-01-01 00:00:00"
        " UTC, 1 for the one at 2025-01-01 00:00:01 UTC: no statement has its quorum of 2"
    )


@pytest.mark.parametrize(
    ("change", "path", "words"),
    [
        ({"policy_id": b"\x07" * 28}, "signed_data", "another contract"),
        ({"distribution_id": b"\x07" * 28}, "signed_data", "another distribution"),
        ({"milestone": "milestone-002"}, "signed_data", "another milestone, 'milestone-002'"),
    ],
)
async def test_a_statement_about_something_else_is_refused_whole(
    desk: Desk, change: dict[str, Any], path: str, words: str
) -> None:
    with pytest.raises(InvalidSignature, match=words) as refused:
        await commit(desk, desk.entry(0), desk.entry(1, **change), **QUICKSTART)
    assert refused.value.path == f"oracle_signatures[1].{path}"
    assert desk.workspace.storage.records.all() == []


@pytest.mark.parametrize(
    ("change", "path", "words"),
    [
        ({"signature": b"\x01" * 63}, "signature", "64 bytes, not 63"),
        ({"signature": None}, "signature", "missing"),
        ({"verification_key": b"\x01" * 32}, "verification_key", "not the payment key"),
        ({"signed_data": b"\xff"}, "signed_data", "not a statement"),
        ({"cose_sign1": b"\x80"}, "cose_key", "missing"),
    ],
)
async def test_a_wrong_form_is_refused_with_its_path(
    desk: Desk, change: dict[str, Any], path: str, words: str
) -> None:
    wrong = desk.entry(1).model_copy(update=change)
    with pytest.raises(InvalidSignature, match=words) as refused:
        await commit(desk, desk.entry(0), wrong, **QUICKSTART)
    assert refused.value.path == f"oracle_signatures[1].{path}"
    assert desk.workspace.storage.records.all() == []


FOUR_FIELDS = {"oracle_address", "signature", "signed_data", "signature_timestamp"}


def keyless(desk: Desk, number: int, milestone: str = "milestone-001") -> OracleSignature:
    """An entry with the quickstart's four fields."""
    entry = desk.entry(number, milestone)
    return OracleSignature.model_validate({name: getattr(entry, name) for name in FOUR_FIELDS})


async def test_the_quickstarts_four_fields_are_kept_and_what_is_missing_is_said(desk: Desk) -> None:
    result = await commit(desk, keyless(desk, 0), keyless(desk, 1), **QUICKSTART)
    assert (result.verified, result.signature_count) == (True, 2)
    (warning,) = result.warnings
    for number in (0, 1):
        assert str(desk.key(number).address(0)) in warning
    assert "--oracle-keys" in warning


async def test_keys_are_given_then_or_later_or_known_from_earlier_entries(desk: Desk) -> None:
    keys = [desk.key(number).verification_key for number in range(3)]
    await commit(desk, keyless(desk, 0), keyless(desk, 1), **QUICKSTART)
    result = await commit(desk, keyless(desk, 0), oracle_keys=keys[:1])
    assert str(desk.key(1).address(0)) in result.warnings[0]
    assert str(desk.key(0).address(0)) not in result.warnings[0]
    result = await commit(desk, keyless(desk, 0), oracle_keys=keys)
    assert result.warnings == ()
    other = await commit(
        desk,
        *(keyless(desk, number, "milestone-002") for number in (0, 1)),
        milestone_identifier="milestone-002",
        **QUICKSTART,
    )
    assert other.warnings == ()
    for record in desk.workspace.storage.records.all():
        assert [e.verification_key for e in record.oracle_signatures] == keys[:2]


async def test_what_is_wrong_with_each_entry_is_said_at_once(desk: Desk) -> None:
    short = keyless(desk, 0).model_copy(update={"signature": bytes(63)})
    other = desk.entry(1, "milestone-002")
    with pytest.raises(InvalidSignature) as refused:
        await commit(desk, short, desk.entry(2), other, **QUICKSTART)
    assert refused.value.details["error_count"] == 2
    paths = [each["path"] for each in refused.value.details["errors"]]
    assert paths == ["oracle_signatures[0].signature", "oracle_signatures[2].signed_data"]


async def test_times_that_cannot_be_meant_are_said_of_what_is_signed(desk: Desk) -> None:
    odd = desk.entry(0).model_copy(update={"signature_timestamp": 1_735_689_600_000})
    desk.know_schedule()
    (warning,) = (await commit(desk, odd)).warnings
    assert warning.startswith("signature_timestamp: 1735689600000 looks like milliseconds")


async def test_the_form_of_four_fields_is_checked(desk: Desk) -> None:
    short = keyless(desk, 0).model_copy(update={"signature": bytes(63)})
    with pytest.raises(InvalidSignature, match="64 bytes, not 63"):
        await commit(desk, short, **QUICKSTART)


async def test_a_forged_signature_of_the_right_form_is_kept(desk: Desk) -> None:
    """Cryptography is the chain's: only the form is checked here."""
    forged = desk.entry(1).model_copy(update={"signature": bytes(64)})
    assert (await commit(desk, desk.entry(0), forged, **QUICKSTART)).verified


async def test_the_terms_decide_where_they_are_known(desk: Desk) -> None:
    desk.know_schedule()
    result = await commit(desk, desk.entry(0), desk.entry(2))
    assert (result.quorum_threshold, result.total_oracles, result.verified) == (2, 3, True)


@pytest.mark.parametrize(
    ("given", "path"),
    [({"quorum_threshold": 1}, "quorum_threshold"), ({"total_oracles": 5}, "total_oracles")],
)
async def test_numbers_that_contradict_the_terms_are_refused(
    desk: Desk, given: dict[str, int], path: str
) -> None:
    desk.know_schedule()
    with pytest.raises(InvalidInput, match="the distribution's terms say") as refused:
        await commit(desk, desk.entry(0), **given)
    assert refused.value.path == path


async def test_a_stranger_is_no_oracle_of_known_terms(desk: Desk) -> None:
    desk.know_schedule()
    with pytest.raises(InvalidSignature, match="none of the distribution's oracles") as refused:
        await commit(desk, desk.entry(0), desk.entry(3))
    assert refused.value.path == "oracle_signatures[1].oracle_address"


async def test_a_milestone_that_nobody_waits_for_is_refused(desk: Desk) -> None:
    desk.know_schedule()
    with pytest.raises(NotFound, match="no allocation") as refused:
        await commit(
            desk, desk.entry(0, "milestone-1"), milestone_identifier="milestone-1", **QUICKSTART
        )
    assert refused.value.hint == (
        "did you mean 'milestone-001'? its milestones: milestone-001, milestone-002"
    )


async def test_an_edited_schedule_is_not_believed(desk: Desk) -> None:
    document = desk.schedule.model_copy(update={"quorum_threshold": 1}).model_dump(mode="json")
    desk.workspace.storage.schedules.save(desk.distribution.id, document)
    with pytest.raises(InvalidInput, match="terms are not known"):
        await commit(desk, desk.entry(0))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"quorum_threshold": 0, "total_oracles": 3}, "at least 1"),
        ({"quorum_threshold": 4, "total_oracles": 3}, "can't be reached by 3"),
    ],
)
async def test_an_impossible_quorum_is_refused(
    desk: Desk, given: dict[str, int], words: str
) -> None:
    with pytest.raises(InvalidInput, match=words) as refused:
        await commit(desk, desk.entry(0), **given)
    assert refused.value.path == "quorum_threshold"


async def test_more_signers_than_oracles_are_refused_over_several_commits(desk: Desk) -> None:
    await commit(desk, desk.entry(0), desk.entry(1), quorum_threshold=2, total_oracles=2)
    with pytest.raises(InvalidSignature, match="3 oracles signed, but there are only 2"):
        await commit(desk, desk.entry(2))
    record = desk.workspace.storage.records.find(desk.distribution.id, "milestone-001")
    assert len(record.oracle_signatures) == 2


@pytest.mark.parametrize("identifier", ["", "m" * 65, "\ud800"])
async def test_an_impossible_name_of_a_milestone_is_refused(desk: Desk, identifier: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await commit(desk, desk.entry(0), milestone_identifier=identifier, **QUICKSTART)
    assert refused.value.path == "milestone_identifier"


async def test_no_signature_is_an_error(desk: Desk) -> None:
    with pytest.raises(InvalidSignature, match="there is no signature"):
        await commit(desk, **QUICKSTART)


async def test_the_address_must_be_the_one_that_was_signed_for(desk: Desk) -> None:
    result = await commit(
        desk, desk.entry(0), contract_address=desk.distribution.address, **QUICKSTART
    )
    assert result.signatures_added == 1
    with pytest.raises(InvalidAddress, match="not an address of this contract"):
        await commit(desk, desk.entry(0), contract_address=desk.key(0).address(0), **QUICKSTART)


async def test_equal_names_in_two_distributions_never_mix(desk: Desk) -> None:
    await commit(desk, desk.entry(0), **QUICKSTART)
    other = desk.entry(1, distribution_id=b"\x09" * 28)
    result = await commit(desk, other, **QUICKSTART)
    assert result.signature_count == 1
    assert len(desk.workspace.storage.records.all()) == 2


async def test_a_name_never_escapes_the_folder(desk: Desk) -> None:
    name = "../../../escape"
    result = await commit(desk, desk.entry(0, name), milestone_identifier=name, **QUICKSTART)
    folder = desk.workspace.storage.data_directory / "milestones"
    assert Path(result.file).parent == folder


async def test_a_corrupted_record_is_moved_aside_and_told(desk: Desk) -> None:
    first = await commit(desk, desk.entry(0), **QUICKSTART)
    Path(first.file).write_text("{", encoding="utf-8")
    result = await commit(desk, desk.entry(1), **QUICKSTART)
    assert result.signature_count == 1
    assert "can't be used" in result.warnings[0]


def test_commits_at_the_same_time_lose_nothing(desk: Desk) -> None:
    def one(number: int) -> None:
        workspace = Workspace(
            contract=desk.workspace.contract,
            network=desk.workspace.network,
            storage=Storage(desk.workspace.storage.data_directory),
        )
        entries = (desk.entry(number),)
        asyncio.run(
            commit_milestone(
                workspace,
                milestone_identifier="milestone-001",
                oracle_signatures=entries,
                quorum_threshold=5,
                total_oracles=8,
            )
        )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(8)))
    record = desk.workspace.storage.records.find(desk.distribution.id, "milestone-001")
    assert {entry.oracle for entry in record.oracle_signatures} == {
        desk.key(number).key_hash for number in range(8)
    }
    assert record.quorum_status == "met"
