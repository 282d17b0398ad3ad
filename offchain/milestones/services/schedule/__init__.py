"""`schedule`: allocations as people have them, before anything is registered. Asks nobody."""

from milestones.services.schedule.allocations import AllocationsRead, read_allocations
from milestones.services.schedule.check import ScheduleChecked, schedule_check
from milestones.services.schedule.writing import (
    ScheduleTemplate,
    VestingPlanned,
    schedule_template,
    schedule_vesting,
)

__all__ = [
    "AllocationsRead",
    "ScheduleChecked",
    "ScheduleTemplate",
    "VestingPlanned",
    "read_allocations",
    "schedule_check",
    "schedule_template",
    "schedule_vesting",
]
