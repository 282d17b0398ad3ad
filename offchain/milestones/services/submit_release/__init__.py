"""`submit-release`: pays allocations out of the vaults, whoever asks for it."""

from milestones.services.paying.plan import Selection
from milestones.services.submit_release.command import submit_release
from milestones.services.submit_release.report import ReleaseReport

__all__ = ["ReleaseReport", "Selection", "submit_release"]
