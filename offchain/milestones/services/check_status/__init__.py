"""`check-status`: how a distribution and its milestones are. Local first, verified against the chain."""

from milestones.services.check_status.command import check_status
from milestones.services.check_status.report import StatusReport

__all__ = ["StatusReport", "check_status"]
