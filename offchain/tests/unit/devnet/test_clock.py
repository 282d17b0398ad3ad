"""The calendar (slots, epochs and time, and that all ways of naming them agree) and the clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milestones.devnet.clock import (
    MAINNET_MAGIC,
    SAFE_ZONE_SLOTS,
    Calendar,
    Clock,
    calendar_for,
    utc,
)
from milestones.errors import InvalidInput

NOW_MS = 1_795_000_000_000
CALENDARS = [
    calendar_for(magic, None, default_start_posix_ms=NOW_MS) for magic in (42, 1, 2, MAINNET_MAGIC)
]


@pytest.mark.parametrize("calendar", CALENDARS, ids=lambda each: each.network_name)
@given(offset=st.integers(0, 400_000_000))
def test_slots_and_time_are_inverse(calendar: Calendar, offset: int) -> None:
    slot = calendar.shelley.slot + offset
    start_ms = calendar.start_of(slot)
    assert calendar.slot_at(start_ms) == slot
    assert calendar.slot_at(start_ms + 999) == slot
    assert calendar.slot_at(start_ms - 1) == max(slot - 1, calendar.shelley.slot)


@pytest.mark.parametrize("calendar", CALENDARS, ids=lambda each: each.network_name)
@given(offset=st.integers(0, 400_000_000))
def test_eras_follow_each_other_and_the_last_reaches_past_the_safe_zone(
    calendar: Calendar, offset: int
) -> None:
    tip = calendar.shelley.slot + offset
    eras = calendar.eras(tip)
    assert [era.name for era in eras] == [
        *("byron", "shelley", "allegra", "mary", "alonzo", "babbage", "conway")
    ]
    for before, after in zip(eras, eras[1:]):  # noqa: B905, RUF007 - one shorter on purpose
        assert before.end == after.start
    for era in eras:
        slots, epochs = era.end.slot - era.start.slot, era.end.epoch - era.start.epoch
        assert slots == epochs * era.epoch_slots
        assert era.end.elapsed_ms - era.start.elapsed_ms == slots * era.slot_ms
    horizon = eras[-1].end.slot
    assert tip + SAFE_ZONE_SLOTS < horizon <= tip + SAFE_ZONE_SLOTS + calendar.epoch_slots
    epoch = calendar.epoch_of(tip)
    assert calendar.epoch_start(epoch).slot <= tip < calendar.epoch_start(epoch + 1).slot


def test_known_networks_have_their_own_calendar() -> None:
    _, preprod, preview, mainnet = CALENDARS
    # The first Shelley block's time and slot of each network.
    assert preprod.start_of(86_400) == 1_655_769_600_000
    assert mainnet.start_of(4_492_800) == 1_596_059_091_000
    assert preview.start_of(0) == 1_666_656_000_000
    assert preview.epoch_slots == 86_400
    assert (mainnet.network_id, preprod.network_id) == (1, 0)


def test_a_start_of_one_s_own_has_no_history() -> None:
    calendar = calendar_for(1, NOW_MS, default_start_posix_ms=0)
    assert calendar.shelley.slot == 0
    assert calendar.start_of(0) == NOW_MS


CALENDAR = Calendar(42, 1_000_000)


def test_it_follows_the_machine_and_can_run_ahead() -> None:
    now = [1_005_500]
    clock = Clock(CALENDAR, now=lambda: now[0])
    assert clock.slot() == 5
    now[0] += 1000
    assert clock.slot() == 6
    clock.advance(10_000)
    assert (clock.slot(), clock.posix_ms()) == (16, 1_016_500)
    with pytest.raises(InvalidInput):
        clock.advance(-1)


def test_it_stops_before_calendars_do() -> None:
    clock = Clock(CALENDAR, now=lambda: 1_005_500)
    for _ in range(22):
        clock.advance(10_000_000_000_000)
    with pytest.raises(InvalidInput, match="9000"):
        clock.advance(10_000_000_000_000)
    assert utc(clock.posix_ms()).startswith("8941-")


def test_a_manual_clock_stands_still() -> None:
    now = [1_005_500]
    clock = Clock(CALENDAR, manual=True, now=lambda: now[0])
    now[0] += 60_000
    assert clock.slot() == 5
    clock.reach_slot(9)
    assert clock.posix_ms() == CALENDAR.start_of(9)
    clock.reach_slot(7)
    assert clock.slot() == 9
    clock.restore(0)
    assert clock.slot() == 5
