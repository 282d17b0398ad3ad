"""`schedule`: allocations as people have them, before anything is registered. Asks nobody."""

from milestones.services.schedule.allocations import AllocationsRead, read_allocations

__all__ = ["AllocationsRead", "read_allocations"]
