"""A schedule out of JSON values: types alone are checked, `schedule_rules` has the rules."""

from __future__ import annotations

from typing import Any

from milestones.domain.models import Allocation, MilestoneSchedule
from milestones.domain.reading import read_record, read_records
from milestones.errors import InvalidSchedule


def parse_schedule(raw: Any) -> MilestoneSchedule:
    """A schedule from JSON values. Raises `InvalidSchedule` with a path for each field of a wrong type."""
    return read_record(MilestoneSchedule, raw, InvalidSchedule)


def parse_allocations(raw: Any) -> tuple[Allocation, ...]:
    """The list in the mission's `allocations.json`. Raises `InvalidSchedule` with paths."""
    try:
        return read_records(Allocation, raw, InvalidSchedule)
    except InvalidSchedule as error:
        raise error.under("beneficiary_allocations") from None
