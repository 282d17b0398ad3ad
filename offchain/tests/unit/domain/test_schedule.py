"""Each rule of a schedule: a schedule that breaks just this one is refused, at the right path."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milestones.cardano.address import Address, key_credential, script_credential
from milestones.domain.models import MilestoneSchedule
from milestones.domain.paging import MOST_ALLOCATIONS, paging_for
from milestones.domain.powers import doubts_about
from milestones.domain.problems import Circumstances
from milestones.domain.schedule import (
    check_schedule,
    parse_allocations,
    parse_schedule,
    problems_of,
)
from milestones.errors import InvalidSchedule

OWN = script_credential(b"V" * 28)
NOW = Circumstances(now_posix_ms=1_735_000_000_000, own_scripts=frozenset((OWN.hash,)))
VESTING = 1_735_689_600


def key_address(name: str, network_id: int = 0) -> str:
    return Address(network_id, key_credential(name.encode().ljust(28, b"."))).to_bech32()


def script_address(name: bytes) -> str:
    return Address(0, script_credential(name.ljust(28, b"."))).to_bech32()


def good() -> dict[str, Any]:
    return {
        "token_policy_id": "aa" * 28,
        "token_name": b"TOKEN".hex(),
        "beneficiary_allocations": [
            {
                "beneficiary_address": key_address(f"beneficiary {n}"),
                "token_amount": 1_000_000,
                "milestone_identifier": "milestone-001",
                "vesting_timestamp": VESTING,
            }
            for n in range(4)
        ],
        "oracle_addresses": [key_address(f"oracle {n}") for n in range(3)],
        "quorum_threshold": 2,
        "creator": key_address("creator"),
        "reclaim_after": VESTING + 1,
        "contract_metadata": {"created_at": 1_735_000_000, "network_magic": 42},
    }


def changed(path: str, value: Any) -> dict[str, Any]:
    """The good schedule with one field replaced; a path such as `a[3].b`."""
    raw = good()
    *way, last = [
        int(p) if p.isdigit() else p for p in path.replace("[", ".").replace("]", "").split(".")
    ]
    place: Any = raw
    for step in way:
        place = place[step]
    place[last] = value
    return raw


def refused(raw: dict[str, Any], circumstances: Circumstances = NOW) -> InvalidSchedule:
    with pytest.raises(InvalidSchedule) as caught:
        check_schedule(parse_schedule(raw), circumstances)
    return caught.value


def test_the_good_schedule_breaks_no_rule() -> None:
    check_schedule(parse_schedule(good()), NOW)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("token_policy_id", "aa" * 27, "28 bytes"),
        ("token_policy_id", "xx" * 28, "not hexadecimal"),
        ("token_policy_id", "a", "not hexadecimal"),
        ("token_policy_id", b"V".hex() * 28, "contract's own"),
        ("token_policy_id", None, "hexadecimal text"),
        ("token_name", "00" * 33, "32 bytes"),
        ("beneficiary_allocations", [], "1 to 65536"),
        ("beneficiary_allocations", "none", "a list is expected"),
        ("beneficiary_allocations[3]", 7, "an object is expected"),
        ("beneficiary_allocations[3].token_amount", 0, "greater than zero"),
        ("beneficiary_allocations[3].token_amount", -5, "greater than zero"),
        ("beneficiary_allocations[3].token_amount", 1 << 63, "2^63"),
        ("beneficiary_allocations[3].token_amount", True, "a whole number is expected, not True"),
        ("beneficiary_allocations[3].token_amount", 1000.0, "a whole number is expected"),
        ("beneficiary_allocations[3].token_amount", Decimal("1e3"), "expected, not 1E+3"),
        ("beneficiary_allocations[3].token_amount", "1000", "a whole number is expected"),
        ("beneficiary_allocations[3].milestone_identifier", "", "1 to 64 bytes"),
        ("beneficiary_allocations[3].milestone_identifier", "é" * 32 + "e", "not 65"),
        ("beneficiary_allocations[3].milestone_identifier", "\ud800", "Unicode"),
        ("beneficiary_allocations[3].milestone_identifier", 7, "text is expected"),
        ("beneficiary_allocations[3].vesting_timestamp", VESTING * 1000, "milliseconds"),
        ("beneficiary_allocations[3].vesting_timestamp", -1, "before 1970"),
        ("beneficiary_allocations[3].vesting_timestamp", "2025-01-01", "a whole number"),
        ("beneficiary_allocations[3].beneficiary_address", key_address("x", 1), "mainnet"),
        ("beneficiary_allocations[3].beneficiary_address", script_address(b"s"), "V1 or V2"),
        (
            "beneficiary_allocations[3].beneficiary_address",
            script_address(b"V" * 28),
            "own address",
        ),
        ("beneficiary_allocations[3].beneficiary_address", "addr_test1nonsense", "not an address"),
        ("beneficiary_allocations[3].beneficiary_address", "Ae2tdPwUPEZ", "not a Shelley"),
        ("beneficiary_allocations[3].beneficiary_address", 7, "an address is text"),
        ("oracle_addresses", [], "at least one oracle"),
        ("oracle_addresses[1]", key_address("oracle 0"), "same payment key as oracle_addresses[0]"),
        ("oracle_addresses[1]", script_address(b"o"), "can't sign"),
        ("oracle_addresses[1]", key_address("oracle 1", 1), "mainnet"),
        ("quorum_threshold", 0, "1 to 3"),
        ("quorum_threshold", 4, "1 to 3"),
        ("creator", script_address(b"V" * 28), "own address"),
        ("creator", key_address("creator", 1), "mainnet"),
        ("reclaim_after", VESTING, "not after the last vesting"),
        ("reclaim_after", (VESTING + 1) * 1000, "milliseconds"),
        ("contract_metadata.created_at", 1_735_000_000_000, "milliseconds"),
        ("contract_metadata.network_magic", -1, "2^32"),
        ("contract_metadata.network_magic", 1 << 32, "2^32"),
        ("contract_metadata.description", "é" * 128 + "e", "256 bytes"),
        ("contract_metadata.description", "\udfff", "Unicode"),
        ("page_depth", 13, "0 to 12"),
        ("page_depth", -1, "0 to 12"),
    ],
)
def test_a_schedule_that_breaks_one_rule(path: str, value: Any, words: str) -> None:
    error = refused(changed(path, value))
    assert words in error.message
    assert error.path == path


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("token_name", "00" * 32),
        ("beneficiary_allocations[3].token_amount", (1 << 63) - 1 - 3_000_000),
        ("beneficiary_allocations[3].milestone_identifier", "é" * 32),
        ("beneficiary_allocations[3].vesting_timestamp", 0),
        ("quorum_threshold", 3),
        ("creator", script_address(b"treasury")),
        ("contract_metadata.description", "é" * 128),
        ("page_depth", 12),
    ],
)
def test_the_border_that_is_still_allowed(path: str, value: Any) -> None:
    check_schedule(parse_schedule(changed(path, value)), NOW)


def test_milliseconds_where_seconds_belong_are_answered_with_the_seconds() -> None:
    error = refused(changed("beneficiary_allocations[0].vesting_timestamp", 1_735_689_600_123))
    assert error.hint == "write 1735689600"


def test_sums_stay_below_the_ledgers_limit() -> None:
    error = refused(changed("beneficiary_allocations[3].token_amount", (1 << 63) - 3_000_000))
    assert error.path == "beneficiary_allocations"
    assert "sum" in error.message


def test_lovelace_has_no_token_name() -> None:
    assert refused(changed("token_policy_id", "")).path == "token_name"
    check_schedule(parse_schedule({**good(), "token_policy_id": "", "token_name": ""}), NOW)


def test_script_beneficiaries_are_allowed_by_those_who_know_them() -> None:
    raw = changed("beneficiary_allocations[0].beneficiary_address", script_address(b"multisig"))
    allowed = Circumstances(NOW.now_posix_ms, NOW.own_scripts, scripts_may_benefit=True)
    check_schedule(parse_schedule(raw), allowed)
    own = changed("beneficiary_allocations[0].beneficiary_address", script_address(b"V" * 28))
    assert "own address" in refused(own, allowed).message


def test_more_than_fifteen_signatures_are_never_demanded() -> None:
    raw = changed("oracle_addresses", [key_address(f"oracle {n}") for n in range(20)])
    check_schedule(parse_schedule({**raw, "quorum_threshold": 15}), NOW)
    assert "1 to 15" in refused({**raw, "quorum_threshold": 16}).message


def test_a_choice_between_reclaiming_and_irrevocable_is_demanded() -> None:
    neither, both = good(), good()
    del neither["reclaim_after"]
    both["irrevocable"] = True
    for raw in (neither, both):
        assert refused(raw).path == "reclaim_after"
    check_schedule(parse_schedule({**neither, "irrevocable": True}), NOW)


def test_reclaiming_in_the_past_is_refused() -> None:
    late = Circumstances(now_posix_ms=(VESTING + 1) * 1000)
    assert "in the past" in refused(good(), late).message
    check_schedule(parse_schedule(good()), Circumstances(now_posix_ms=(VESTING + 1) * 1000 - 1))


def test_identical_allocations_are_two_allocations_and_are_said() -> None:
    raw = good()
    raw["beneficiary_allocations"] = [raw["beneficiary_allocations"][0]] * 2
    schedule = parse_schedule(raw)
    check_schedule(schedule, NOW)
    assert schedule.total_token_amount == 2_000_000
    (doubt,) = doubts_about(schedule)
    assert "beneficiary_allocations[1] repeats beneficiary_allocations[0]" in doubt
    assert "rows 1 and 2" in doubt


def test_many_problems_are_counted_and_the_first_are_listed() -> None:
    raw = good()
    raw["beneficiary_allocations"] = [
        {**raw["beneficiary_allocations"][0], "vesting_timestamp": 2025} for _ in range(300)
    ]
    error = refused(raw)
    assert error.message.endswith("(and 299 more)")
    assert error.details["error_count"] == 300
    assert len(error.details["errors"]) == 50


def test_everything_that_is_wrong_is_said_at_once() -> None:
    raw = changed("beneficiary_allocations[1].token_amount", 0)
    raw["beneficiary_allocations"][2]["token_amount"] = -1
    raw["quorum_threshold"] = 9
    error = refused(raw)
    paths = [problem["path"] for problem in error.details["errors"]]
    assert paths == [
        "beneficiary_allocations[1].token_amount",
        "beneficiary_allocations[2].token_amount",
        "quorum_threshold",
    ]
    assert error.message.endswith("(and 2 more)")


def test_missing_and_unknown_fields_are_named() -> None:
    raw = {**good(), "quorum": 2}
    raw["contract_metadata"]["createdAt"] = 5
    del raw["beneficiary_allocations"][1]["token_amount"]
    error = refused(raw)
    found = [(problem["path"], problem["message"]) for problem in error.details["errors"]]
    assert found == [
        ("beneficiary_allocations[1].token_amount", "this field is missing"),
        ("contract_metadata.createdAt", "there is no such field"),
        ("quorum", "there is no such field"),
    ]
    hints = {problem["path"]: problem["hint"] for problem in error.details["errors"]}
    assert hints["contract_metadata.createdAt"] == "did you mean created_at?"
    assert "quorum_threshold" in hints["quorum"]


def test_the_missions_allocations_file() -> None:
    allocations = parse_allocations(good()["beneficiary_allocations"])
    assert [a.token_amount for a in allocations] == [1_000_000] * 4
    assert allocations[0].vesting_posix_ms == VESTING * 1000
    with pytest.raises(InvalidSchedule) as caught:
        parse_allocations([{**good()["beneficiary_allocations"][0], "token_amount": 1.5}])
    assert caught.value.path == "beneficiary_allocations[0].token_amount"


@given(st.from_type(MilestoneSchedule))
def test_json_gives_the_same_schedule_back(schedule: MilestoneSchedule) -> None:
    assert parse_schedule(schedule.model_dump(mode="json")) == schedule
    assert problems_of(schedule, Circumstances(now_posix_ms=0)) == []


@given(st.integers(1, MOST_ALLOCATIONS))
def test_paging_holds_every_allocation_with_no_empty_page(count: int) -> None:
    paging = paging_for(count)
    assert (paging.pages - 1) << paging.page_depth < count <= paging.pages << paging.page_depth
    assert paging.pages <= 16


@pytest.mark.parametrize(
    ("count", "depth", "pages"),
    [
        (1, 0, 1),
        (2, 1, 1),
        (3, 2, 1),
        (5, 3, 1),
        (64, 6, 1),
        (128, 7, 1),
        (129, 7, 2),
        (2048, 7, 16),
        (2049, 8, 9),
        (4097, 9, 9),
        (65536, 12, 16),
    ],
)
def test_paging(count: int, depth: int, pages: int) -> None:
    paging = paging_for(count)
    assert (paging.page_depth, paging.pages) == (depth, pages)


def test_a_page_depth_that_is_given_is_kept() -> None:
    assert paging_for(5, 1).pages == 3


@given(st.integers(1, MOST_ALLOCATIONS), st.data())
def test_an_index_has_one_place_and_a_place_one_index(count: int, data: st.DataObject) -> None:
    paging = paging_for(count)
    index = data.draw(st.integers(0, count - 1))
    page, leaf = paging.place_of(index)
    assert 0 <= page < paging.pages
    assert 0 <= leaf < paging.page_size
    assert paging.index_of(page, leaf) == index < paging.most_allocations


def test_the_second_page_begins_after_the_first() -> None:
    paging = paging_for(129)
    assert (paging.place_of(127), paging.place_of(128)) == ((0, 127), (1, 0))


@pytest.mark.parametrize("count", [0, MOST_ALLOCATIONS + 1])
def test_paging_has_limits(count: int) -> None:
    with pytest.raises(InvalidSchedule):
        paging_for(count)


def test_a_page_depth_with_too_many_pages_is_refused() -> None:
    raw = {**good(), "page_depth": 0}
    raw["beneficiary_allocations"] *= 4
    check_schedule(parse_schedule(raw), NOW)
    raw["beneficiary_allocations"].append(raw["beneficiary_allocations"][0])
    assert refused(raw).path == "page_depth"
