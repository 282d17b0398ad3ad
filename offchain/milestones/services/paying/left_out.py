"""What is due and isn't paid, and what is not due: in words, by reason, however many there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from milestones.domain.claims import WaitingKind
from milestones.domain.reading import LISTED
from milestones.errors import MilestonesError
from milestones.protocol.distribution import Distribution
from milestones.services.results import View

MOST_NAMED: Final = 100
"""How many allocations of those with one reason a result names."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Allocations that aren't paid, though neither time nor oracles stand before them."""

    indices: tuple[int, ...]
    error: MilestonesError


class Unpaid(View):
    """Allocations that are not paid, and why.

    `beneficiary_indices` are the first hundred of `allocation_count`, `token_amount` is what all are together,
    in the smallest unit.
    """

    beneficiary_indices: tuple[int, ...]
    allocation_count: int
    token_amount: int
    reason: str


class NotDue(Unpaid):
    """Those that wait for one milestone and one time, in POSIX seconds."""

    milestone_identifier: str
    vesting_timestamp: int


class NotPaid(Unpaid):
    """Those that are due and were not paid; `code` is that of an error."""

    code: str


def not_due(waiting: Iterable[WaitingKind], distribution: Distribution) -> tuple[NotDue, ...]:
    """By milestone and time."""
    return tuple(
        NotDue(
            **_counted(each.indices, distribution),
            reason=each.reason,
            milestone_identifier=each.kind.milestone_identifier,
            vesting_timestamp=each.kind.vesting_timestamp,
        )
        for each in waiting
    )


def not_paid(left_out: Iterable[LeftOut], distribution: Distribution) -> tuple[NotPaid, ...]:
    """By reason."""
    return tuple(
        NotPaid(**_counted(indices, distribution), reason=error.message, code=error.code)
        for error, indices in _by_reason(left_out)
    )


def left_out_warnings(left_out: Iterable[LeftOut]) -> list[str]:
    """A warning for every reason, with the first of the allocations that it keeps from being paid."""
    found = []
    for error, indices in _by_reason(left_out):
        names = ", ".join(map(str, indices[:LISTED]))
        more = f" and {len(indices) - LISTED:,} more" if len(indices) > LISTED else ""
        what = "allocation" if len(indices) == 1 else "allocations"
        found.append(f"not paid: {what} {names}{more}: {error.message}")
    return found


def _by_reason(left_out: Iterable[LeftOut]) -> list[tuple[MilestonesError, list[int]]]:
    reasons: dict[tuple[str, str], tuple[MilestonesError, list[int]]] = {}
    for each in left_out:
        key = (each.error.code, each.error.message)
        reasons.setdefault(key, (each.error, []))[1].extend(each.indices)
    return [(error, sorted(indices)) for error, indices in reasons.values()]


def _counted(indices: Sequence[int], distribution: Distribution) -> dict[str, Any]:
    totals = distribution.allocations.totals_of(indices).values()
    return {
        "beneficiary_indices": tuple(indices[:MOST_NAMED]),
        "allocation_count": len(indices),
        "token_amount": sum(each.amount for each in totals),
    }
