"""What can't be meant: times, names that people can't tell apart, rows that are there twice."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milestones.cardano.network import CARDANO_START_POSIX_SECONDS, KNOWN_MAGICS, MAINNET_MAGIC
from milestones.domain.models import MilestoneSchedule
from milestones.domain.plausibility import (
    implausible,
    meant_instead,
    moment_problems,
    name_doubts,
    name_problems,
    row_doubts,
    same_form,
    skeleton,
    token_name_doubts,
)
from milestones.domain.posix_time import LATEST_POSIX_SECONDS
from milestones.domain.powers import doubts_about
from milestones.domain.schedule import parse_schedule
from tests.unit.domain.test_schedule import VESTING, changed, good

PREPROD, PREVIEW = KNOWN_MAGICS["preprod"], KNOWN_MAGICS["preview"]


def of(seconds: int, magic: int | None = None, **more: bool) -> list[tuple[str, str]]:
    return [(each.message, each.hint) for each in moment_problems(seconds, "at", magic, **more)]


@pytest.mark.parametrize(
    ("number", "looks_like", "instead"),
    [
        (2025, "a year", "1735689600"),
        (20251231, "a date without dashes", "1767139200"),
        (31122025, "a date without dashes", "1767139200"),
        (12312025, "a date without dashes", "1767139200"),
        (1022025, "a date without dashes", "2025-02-01"),
        (202512311230, "a date without dashes", "2025-12-31 12:30:00"),
        (20251231123015, "a date without dashes", "2025-12-31 12:30:15"),
        (45658, "a day's number in a spreadsheet", "1735689600"),
        (31536000, "a duration (365 days)", "the moment at which it is over"),
        (5400 * 2, "a duration (3 hours)", "the moment at which it is over"),
        (1735689600123, "milliseconds", "1735689600"),
        (1735689600123456, "microseconds", "1735689600"),
        (1735689600123456789, "nanoseconds", "1735689600"),
    ],
)
def test_a_number_that_is_no_posix_seconds_is_refused_with_what_was_meant(
    number: int, looks_like: str, instead: str
) -> None:
    ((message, hint),) = of(number)
    assert f"{number} looks like {looks_like}" in message
    assert instead in hint


@pytest.mark.parametrize(
    ("slot", "magic", "when"),
    [
        (144123309, MAINNET_MAGIC, 1735689600),
        (80006401, PREPROD, 1735689601),
        (69033601, PREVIEW, 1735689601),
    ],
)
def test_a_slot_is_recognised_on_a_network_that_is_known(slot: int, magic: int, when: int) -> None:
    ((message, hint),) = of(slot, magic)
    assert "looks like a slot" in message
    assert str(when) in hint
    assert "slot" not in of(slot + 1)[0][0]


@pytest.mark.parametrize("number", [-1, 1, 7, 1_000_000_007, 10**10, 10**30, -(10**30)])
def test_what_looks_like_nothing_is_refused_all_the_same(number: int) -> None:
    ((message, hint),) = of(number)
    assert message.startswith(f"{number} ")
    assert "looks like" not in message
    assert "POSIX seconds" in hint


@pytest.mark.parametrize(
    ("magic", "start"),
    [
        (None, CARDANO_START_POSIX_SECONDS),
        (42, CARDANO_START_POSIX_SECONDS),
        (MAINNET_MAGIC, CARDANO_START_POSIX_SECONDS),
        (PREPROD, 1_654_041_600),
        (PREVIEW, 1_666_656_000),
    ],
)
def test_the_network_s_own_start_is_the_border(magic: int | None, start: int) -> None:
    assert of(start, magic) == []
    assert "before the network began" in of(start - 1, magic)[0][0]
    assert of(LATEST_POSIX_SECONDS, magic) == []
    assert "after 2200" in of(LATEST_POSIX_SECONDS + 1, magic)[0][0]


def test_zero_means_at_once_where_it_does() -> None:
    assert of(0, zero_is_at_once=True) == []
    assert len(of(0)) == 1
    vests_at_once = parse_schedule(changed("beneficiary_allocations[0].vesting_timestamp", 0))
    assert list(implausible(vests_at_once)) == []
    created = parse_schedule(changed("contract_metadata.created_at", 0))
    assert [each.path for each in implausible(created)] == ["contract_metadata.created_at"]


@given(st.integers())
def test_every_number_is_judged(number: int) -> None:
    assert bool(of(number)) != (CARDANO_START_POSIX_SECONDS <= number <= LATEST_POSIX_SECONDS)


@pytest.mark.parametrize(
    "name",
    [
        *(" m", "m ", "m\t", "m\u00a0", "\u3000m", "m\n", "m\r", "\u2003m"),
        *("m\x00", "a\nb", "a\tb", "a\x1b[31mb", "a\x7fb", "a\x85b", "a\x9bb"),
        *("a\u200bb", "a\u200db", "a\ufeffb", "a\u2060b", "a\u00adb", "a\u034fb", "a\u3164b"),
        *("a\u202eb", "a\u2066b", "a\u200fb", "a\u061cb"),
        *("a\u2028b", "a\u2029b", "a\ue000b", "a\U0010ffffb", "a\ufdd0b", "\u2800"),
        *("a\U000e0041b", "\u115f"),
    ],
)
def test_a_name_that_people_cannot_read_is_refused(name: str) -> None:
    ((message, hint),) = [(each.message, each.hint) for each in name_problems(name, "name")]
    assert message.isprintable()
    assert hint
    raw = changed("beneficiary_allocations[3].milestone_identifier", name)
    (problem,) = implausible(parse_schedule(raw))
    assert problem.path == "beneficiary_allocations[3].milestone_identifier"


@pytest.mark.parametrize(
    "name",
    ["m1", "Phase 1: Beta β?", "café", "里程碑一", "مرحلة", "🚀", "⭐️", "100 %", "a-b_c", "é" * 32],
)
def test_names_of_every_language_are_taken(name: str) -> None:
    assert list(name_problems(name, "name")) == []
    assert list(name_doubts(name)) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cafe\u0301", "normal form C"),
        ("Phase\u00a01", "not the usual one"),
        ("l\u0430unch", "Cyrillic and Latin"),
        ("\u039filestone", "Greek and Latin"),
    ],
)
def test_what_is_odd_about_a_name_is_said(name: str, words: str) -> None:
    (doubt,) = name_doubts(name)
    assert words in doubt


def named(*names: str) -> MilestoneSchedule:
    raw = good()
    row = raw["beneficiary_allocations"][0]
    raw["beneficiary_allocations"] = [
        {**row, "milestone_identifier": name, "token_amount": 1 + number}
        for number, name in enumerate(names)
    ]
    return parse_schedule(raw)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("café", "cafe\u0301"),
        ("Phase 1", "Phase\u00a01"),
        ("Phase 1", "Phase  1"),
        ("m1", "\uff4d\uff11"),
        ("ﬁnal", "final"),
        ("⭐", "⭐\ufe0f"),
        ("x²", "x2"),
    ],
)
def test_names_that_look_the_same_are_refused_with_both_rows(first: str, second: str) -> None:
    schedule = named("other", first, first, second)
    (problem,) = implausible(schedule)
    assert problem.path == "beneficiary_allocations[3].milestone_identifier"
    assert repr(first) in problem.message
    assert "beneficiary_allocations[1] (rows 2 and 4)" in problem.message


@pytest.mark.parametrize(
    ("first", "second"),
    [("launch", "Launch"), ("straße", "STRASSE"), ("m-1", "m\u20131"), ("it's", "it\u2019s")],
)
def test_names_that_look_alike_are_warned_of_with_both_rows(first: str, second: str) -> None:
    schedule = named(first, "other", second)
    assert list(implausible(schedule)) == []
    (doubt,) = row_doubts(schedule)
    assert repr(first) in doubt
    assert repr(second) in doubt
    assert "rows 1 and 3" in doubt


def test_different_names_are_no_doubt() -> None:
    schedule = named("m1", "m2", "phase 1", "phase 11", "ф1")
    assert list(implausible(schedule)) == []
    assert list(row_doubts(schedule)) == []


@given(st.text(max_size=20))
def test_forms_are_their_own_forms(name: str) -> None:
    assert same_form(same_form(name)) == same_form(name)
    assert skeleton(same_form(name)) == skeleton(name)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("m1 ", "m1"),
        ("M1", "m1"),
        ("lauch", "launch"),
        ("cafe\u0301", "café"),
        ("launch\u200b", "launch"),
        ("nothing like it", None),
        ("phase-01", "phase-1"),
        ("phase-2", None),
    ],
)
def test_what_was_meant_by_a_name_that_is_not_there(typed: str, meant: str | None) -> None:
    assert meant_instead(typed, ["m1", "launch", "café", "phase-1"]) == meant


def rows(*changes: dict[str, Any]) -> MilestoneSchedule:
    raw = good()
    row = raw["beneficiary_allocations"][0]
    raw["beneficiary_allocations"] = [{**row, **change} for change in changes]
    return parse_schedule(raw)


def test_equal_rows_are_counted_and_the_first_are_named() -> None:
    (doubt,) = row_doubts(rows({}, {"token_amount": 5}, {}))
    assert "beneficiary_allocations[2] repeats beneficiary_allocations[0] (rows 1 and 3)" in doubt
    (doubt,) = row_doubts(rows(*[{}] * 30))
    assert "29 times; the first 5: " in doubt
    assert doubt.count("repeats") == 5


def test_rows_that_differ_in_one_field_are_no_doubt() -> None:
    later = {"vesting_timestamp": VESTING - 1}
    assert list(row_doubts(rows({}, later, {"token_amount": 7}, {"datum": "00"}))) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (b"4752414e54", "the text '4752414e54', which could be hexadecimal"),
        (b"cafe", "write cafe in a file, 0xcafe on the command line"),
        (b"0xCAFE", "0xcafe on the command line"),
        (b"2025", "could be hexadecimal"),
        (b"\xca\xfe", "write 63616665"),
        (b" %", "are no text"),
        (b"\x12\x34", "are no text"),
    ],
)
def test_a_token_name_that_may_be_in_the_other_notation_is_said(name: bytes, words: str) -> None:
    (doubt,) = token_name_doubts(name)
    assert words in doubt
    schedule = parse_schedule(changed("token_name", name.hex()))
    assert list(doubts_about(schedule)) == [doubt]


@pytest.mark.parametrize(
    "name",
    [b"", b"GRANT", b"abc", "é".encode(), b"\x00\x14\xde\x40GRANT", bytes(range(200, 232)), b"0x"],
)
def test_other_token_names_are_no_doubt(name: bytes) -> None:
    assert list(token_name_doubts(name)) == []
