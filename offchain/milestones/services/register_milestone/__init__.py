"""`register-milestone`: from a schedule to a distribution's datum, id and address, or to a series of them."""

from milestones.services.register_milestone.command import (
    Registered,
    oldest_output,
    register_milestone,
    stake_script_for,
)
from milestones.services.register_milestone.series import SeriesRegistered, register_series

__all__ = [
    "Registered",
    "SeriesRegistered",
    "oldest_output",
    "register_milestone",
    "register_series",
    "stake_script_for",
]
