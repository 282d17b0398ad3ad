"""`close`: ends a distribution; deposits, and tokens that nobody claimed, go back."""

from milestones.services.close.command import close
from milestones.services.close.report import Closed

__all__ = ["Closed", "close"]
