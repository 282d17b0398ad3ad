"""Plans of vesting become dated amounts: cliff, linear and graded. They add up to the last unit."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from typing import Final

from milestones.errors import InvalidInput

MOST_TRANCHES: Final = 4096
"""More makes nobody happier: each is an allocation of its own, and a claim."""
_PERIOD: Final = re.compile(r"([1-9][0-9]{0,3})([dwmy])")
_DAYS: Final = {"d": 1, "w": 7}
_MONTHS: Final = {"m": 1, "y": 12}


@dataclass(frozen=True, slots=True)
class Period:
    """Days, or months of the calendar; one of them is 0."""

    days: int = 0
    months: int = 0

    @classmethod
    def parse(cls, text: str, path: str) -> Period:
        """A period such as `30d`, `2w`, `1m` or `4y`. Raises `InvalidInput` about `path`."""
        found = _PERIOD.fullmatch(text)
        if found is None:
            raise InvalidInput(
                f"{text[:40]!r} is no period",
                path=path,
                hint="write days, weeks, months or years, such as 30d, 2w, 1m or 4y",
            )
        count, unit = int(found[1]), found[2]
        return cls(days=count * _DAYS.get(unit, 0), months=count * _MONTHS.get(unit, 0))

    def after(self, start: datetime, times: int = 1) -> datetime:
        """So many periods after a moment. A month ends on its last day where it has no such day."""
        months = start.month - 1 + self.months * times
        year, month = start.year + months // 12, months % 12 + 1
        day = min(start.day, calendar.monthrange(year, month)[1])
        return start.replace(year=year, month=month, day=day) + timedelta(self.days * times)


@dataclass(frozen=True, slots=True)
class Tranche:
    """So much (smallest unit of the token), from this moment on (POSIX seconds)."""

    posix_seconds: int
    amount: int


def linear(
    total: int, *, start_posix_seconds: int, duration: Period, every: Period, cliff: Period | None
) -> list[Tranche]:
    """Equal parts, one after each `every`, until `duration` is over; before the cliff they pile up.

    `total` is in the token's smallest unit. Raises `InvalidInput` where `duration` isn't a whole number of
    `every`, the cliff comes after the end, or some tranche would hold nothing.
    """
    start = datetime.fromtimestamp(start_posix_seconds, timezone.utc)
    moments = list(_steps(start, duration.after(start), every))
    earliest = start if cliff is None else cliff.after(start)
    if earliest > moments[-1]:
        raise InvalidInput(
            "the cliff comes after the end", path="cliff", hint="give a cliff within the duration"
        )
    parts = _split(total, [Fraction(1, len(moments))] * len(moments))
    tranches: dict[int, int] = {}
    for moment, part in zip(moments, parts, strict=True):
        when = int(max(moment, earliest).timestamp())
        tranches[when] = tranches.get(when, 0) + part
    return _checked(tranches)


def graded(total: int, grades: Sequence[tuple[int, Fraction]]) -> list[Tranche]:
    """A share of `total` at each moment (POSIX seconds). Raises `InvalidInput` unless the shares are 1."""
    whole = sum((share for _, share in grades), Fraction())
    if whole != 1:
        raise InvalidInput(
            f"the shares add up to {float(whole):.4%}",
            path="grade",
            hint="give shares that add up to 100%",
        )
    tranches: dict[int, int] = {}
    for (moment, _), part in zip(
        grades, _split(total, [share for _, share in grades]), strict=True
    ):
        tranches[moment] = tranches.get(moment, 0) + part
    return _checked(tranches)


def _steps(start: datetime, end: datetime, every: Period) -> Iterator[datetime]:
    for number in range(1, MOST_TRANCHES + 1):
        # From the start, not from the step before: the 31st comes back after a shorter month.
        moment = every.after(start, number)
        if moment > end:
            raise InvalidInput(
                "the duration is no whole number of steps",
                path="every",
                hint="give a step that the duration can be divided into",
            )
        yield moment
        if moment == end:
            return
    raise InvalidInput(
        f"that makes more than {MOST_TRANCHES} tranches", path="every", hint="give a longer step"
    )


def _split(total: int, shares: Sequence[Fraction]) -> list[int]:
    """Whole parts, each within a unit of its share, that add up to the total exactly."""
    parts, so_far = [], Fraction()
    for share in shares:
        before = total * so_far // 1
        so_far += share
        parts.append(int(total * so_far // 1 - before))
    return parts


def _checked(tranches: dict[int, int]) -> list[Tranche]:
    found = [Tranche(moment, amount) for moment, amount in sorted(tranches.items())]
    if any(each.amount <= 0 for each in found):
        raise InvalidInput(
            "a tranche would hold nothing",
            path="amount",
            hint="give a larger amount, or fewer steps",
        )
    return found
