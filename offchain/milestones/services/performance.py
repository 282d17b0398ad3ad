"""How long things take here, beside the limits that the specification's success criteria set."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Final, Literal

from milestones.services.results import View
from milestones.storage.submission import Submission

Measured = Literal["initialization", "query", "submission"]
LIMITS: Final[dict[Measured, tuple[str, int]]] = {
    "initialization": ("SC-001", 30_000),
    "query": ("SC-004", 10_000),
    "submission": ("SC-005", 120_000),
}
"""The criterion, and how many milliseconds it allows."""
NEWEST: Final = 20
"""How many of the journal's newest transactions count."""


class Measurement(View):
    """How long something took, and how long it may take, in milliseconds.

    `initialization` is `init` itself, `query` one look for the contract's scripts and its outputs. A
    `submission` lasts from the journal's entry to the node's answer; the slowest of the newest counts.
    """

    what: Measured
    criterion: str
    elapsed_ms: int
    limit_ms: int
    within: bool


def measurement(what: Measured, elapsed_ms: int) -> Measurement:
    """The measurement beside its limit."""
    criterion, limit_ms = LIMITS[what]
    return Measurement(
        what=what,
        criterion=criterion,
        elapsed_ms=elapsed_ms,
        limit_ms=limit_ms,
        within=elapsed_ms <= limit_ms,
    )


def since(started: float) -> int:
    """Milliseconds since `time.monotonic()` was `started`."""
    return round((time.monotonic() - started) * 1000)


def slowest_submission(submissions: Iterable[Submission]) -> Measurement | None:
    """Of those that the node took at the first attempt; None where there is none."""
    taken = [elapsed for each in submissions for elapsed in _until_taken(each)]
    return measurement("submission", max(taken)) if taken else None


def _until_taken(submission: Submission) -> Iterator[int]:
    statuses = [change.status for change in submission.history]
    if statuses[:2] == ["prepared", "submitted"]:
        before, after = submission.history[:2]
        yield max(0, after.at_posix_ms - before.at_posix_ms)


def warnings_of(measurements: Iterable[Measurement]) -> Iterator[str]:
    """A warning for each that took longer than it may."""
    for each in measurements:
        if not each.within:
            yield (
                f"{each.what} took {each.elapsed_ms / 1000:.1f} s, over the"
                f" {each.limit_ms // 1000} s of {each.criterion}: look at the load of the node,"
                " Ogmios and Kupo"
            )
