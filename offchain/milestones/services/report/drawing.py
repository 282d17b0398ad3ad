"""Where things stand on the timeline: its rows and marks, its beginning and end, and its ticks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Final

from milestones.domain.claims import ClaimStatus, KindState
from milestones.domain.posix_time import LATEST_POSIX_SECONDS
from milestones.services.report.model import BoardReport, Kind, MilestoneReport

MOST_ROWS: Final = 40
"""Milestones that are drawn; all of them are in the table."""
PLACES: Final = 48
"""Of how many places on its line a milestone has marks; what vests closer together has one in common."""
MOST_TICKS: Final = 4
_DAY: Final = 86_400
_KINDS: Final[dict[ClaimStatus, Kind]] = {
    "claimed": "done",
    "claimable": "ready",
    "vesting": "waiting",
    "milestone_not_attested": "waiting",
    "unpayable": "failed",
    "closed": "ended",
}
_FIRST: Final[tuple[Kind, ...]] = ("failed", "ready", "waiting", "ended", "done")
"""Of several kinds in one place, the one that is shown."""


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when a timeline goes, when it was opened, and the chain's time, in POSIX seconds."""

    start: int
    opened: int
    end: int
    now: int


def span(report: BoardReport, ends_at: int | None) -> Span:
    """From the opening to the last thing that has a date, with a little room on both sides."""
    opened, now = report.status.contract_state.opened_at, report.status.now
    moments = [opened, now, *([] if ends_at is None else [ends_at])]
    for each in report.milestones:
        moments += [*each.vestings[:1], *each.vestings[-1:]]
    last = max(moment for moment in moments if moment <= max(now, LATEST_POSIX_SECONDS))
    room = max(3_600, (last - opened) // 40)
    return Span(opened - room, opened, last + room, now)


def marks(milestone: MilestoneReport, where: Span) -> tuple[tuple[int, Kind], ...]:
    """What vests when, and how that stands. What vested before the opening stands there."""
    places: dict[int, list[KindState]] = defaultdict(list)
    width = max(1, (where.end - where.start) // PLACES)
    for each in milestone.kinds:
        places[(_at(each, where) - where.start) // width].append(each)
    return tuple(_mark(kinds, where) for _, kinds in sorted(places.items()))


def _mark(kinds: list[KindState], where: Span) -> tuple[int, Kind]:
    shown = {_KINDS[status] for each in kinds for status in _statuses(each)}
    at = min(_at(each, where) for each in kinds)
    return at, next(kind for kind in _FIRST if kind in shown)


def _statuses(each: KindState) -> Iterator[ClaimStatus]:
    """How allocations of a kind stand: each status that some have."""
    if each.claimed.count:
        yield "claimed"
    if each.status == "claimable":
        if each.unpayable.count:
            yield "unpayable"
        if each.claimable.count:
            yield "claimable"
    elif each.all.count > each.claimed.count:
        yield each.status


def _at(each: KindState, where: Span) -> int:
    return min(max(each.kind.vesting_timestamp, where.opened), where.end)


def ticks(where: Span) -> tuple[tuple[int, str], ...]:
    """At most a few beginnings of years, months, days or hours, with their names."""
    for step in _steps():
        found = list(_ticks(where, *step))
        if len(found) <= MOST_TICKS:
            return tuple(found)
    return ()


def _steps() -> Iterator[tuple[str, int]]:
    for hours in (1, 3, 6, 12):
        yield "hour", hours
    for days in (1, 2, 3, 5, 7, 14):
        yield "day", days
    for months in (1, 2, 3, 4, 6, 12, 24, 60, 120, 600):
        yield "month", months


def _ticks(where: Span, unit: str, step: int) -> Iterator[tuple[int, str]]:
    if unit != "month":
        width = step * (3_600 if unit == "hour" else _DAY)
        for count, at in enumerate(range(-(-where.start // width) * width, where.end, width)):
            yield at, _utc(at).strftime("%H:%M" if unit == "hour" else "%d %b").lstrip("0")
            if count > MOST_TICKS:
                return
        return
    first = _utc(where.start)
    month = -(-(first.year * 12 + first.month) // step) * step
    for count in range(MOST_TICKS + 2):
        year, number = divmod(month + count * step, 12)
        if year > 9_999:
            return
        found = datetime(year, number + 1, 1, tzinfo=timezone.utc)
        at = int(found.timestamp())
        if at >= where.end:
            return
        if at >= where.start:
            yield at, found.strftime("%Y" if step >= 12 else "%b %Y")


def _utc(posix_seconds: int) -> datetime:
    return datetime.fromtimestamp(posix_seconds, timezone.utc)
