"""The chain's clock."""

from __future__ import annotations

import pytest

from milestones.devnet.clock import Calendar, Clock
from milestones.devnet.ogmios.queries import utc
from milestones.errors import InvalidInput

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
