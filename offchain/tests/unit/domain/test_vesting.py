"""Plans of vesting: when, how much, and that nothing is lost to rounding."""

from __future__ import annotations

from datetime import datetime, timezone
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milestones.domain.vesting import Period, Tranche, graded, linear
from milestones.errors import InvalidInput


def at(year: int, month: int, day: int) -> int:
    """Midnight of a day, in POSIX seconds."""
    return int(datetime(year, month, day, tzinfo=timezone.utc).timestamp())


MONTH, YEAR, DAY = Period(months=1), Period(months=12), Period(days=1)


def test_four_years_by_month_with_a_cliff_of_one() -> None:
    tranches = linear(
        4_800,
        start_posix_seconds=at(2027, 1, 1),
        duration=Period(months=48),
        every=MONTH,
        cliff=YEAR,
    )
    assert tranches[0] == Tranche(at(2028, 1, 1), 1_200)
    assert tranches[1] == Tranche(at(2028, 2, 1), 100)
    assert tranches[-1] == Tranche(at(2031, 1, 1), 100)
    assert len(tranches) == 37


def test_the_end_of_a_month_is_its_last_day_and_comes_back() -> None:
    tranches = linear(
        3, start_posix_seconds=at(2027, 1, 31), duration=Period(months=3), every=MONTH, cliff=None
    )
    assert [each.posix_seconds for each in tranches] == [
        at(2027, 2, 28),
        at(2027, 3, 31),
        at(2027, 4, 30),
    ]


def test_grades_are_shares_of_the_whole() -> None:
    grades = [(at(2027, 1, 1), Fraction(1, 3)), (at(2028, 1, 1), Fraction(2, 3))]
    assert graded(100, grades) == [Tranche(at(2027, 1, 1), 33), Tranche(at(2028, 1, 1), 67)]


@given(st.integers(100, 10**30), st.integers(1, 100))
def test_a_linear_plan_adds_up_to_the_last_unit(total: int, count: int) -> None:
    tranches = linear(
        total,
        start_posix_seconds=at(2027, 1, 1),
        duration=Period(days=count),
        every=DAY,
        cliff=None,
    )
    amounts = [each.amount for each in tranches]
    assert sum(amounts) == total
    assert len(amounts) == count
    assert max(amounts) - min(amounts) <= 1


@given(st.integers(10**6, 10**30), st.lists(st.integers(1, 1000), min_size=1, max_size=30))
def test_a_graded_plan_adds_up_to_the_last_unit(total: int, weights: list[int]) -> None:
    grades = [(at(2027, 1, 1) + n, Fraction(w, sum(weights))) for n, w in enumerate(weights)]
    tranches = graded(total, grades)
    assert sum(each.amount for each in tranches) == total
    assert all(
        abs(each.amount - total * share) < 1
        for each, (_, share) in zip(tranches, grades, strict=True)
    )


@pytest.mark.parametrize(
    ("text", "period"),
    [("30d", Period(days=30)), ("2w", Period(days=14)), ("1m", MONTH), ("4y", Period(months=48))],
)
def test_periods(text: str, period: Period) -> None:
    assert Period.parse(text, "every") == period


@pytest.mark.parametrize("text", ["", "0d", "1", "m", "1h", "-1m", "1.5m", "10000d"])
def test_what_is_no_period_is_refused_by_its_field(text: str) -> None:
    with pytest.raises(InvalidInput) as error:
        Period.parse(text, "every")
    assert error.value.details["path"] == "every"


@pytest.mark.parametrize(
    ("total", "duration", "every", "cliff", "path"),
    [
        (100, Period(days=10), Period(days=3), None, "every"),
        (100, Period(days=10), DAY, Period(days=11), "cliff"),
        (5, Period(days=10), DAY, None, "amount"),
        (10**9, Period(days=9000), DAY, None, "every"),
    ],
)
def test_plans_that_cannot_be(
    total: int, duration: Period, every: Period, cliff: Period | None, path: str
) -> None:
    with pytest.raises(InvalidInput) as error:
        linear(
            total,
            start_posix_seconds=at(2027, 1, 1),
            duration=duration,
            every=every,
            cliff=cliff,
        )
    assert error.value.details["path"] == path


def test_shares_that_are_not_the_whole_are_refused() -> None:
    with pytest.raises(InvalidInput, match="99"):
        graded(100, [(at(2027, 1, 1), Fraction(99, 100))])
