"""`commit-milestone`: keeps oracles' signatures in the local record of a milestone.

Only their form is checked: whether a signature is genuine is decided by the chain.
"""

from milestones.services.commit_milestone.command import commit_milestone
from milestones.services.commit_milestone.report import MilestoneCommitted

__all__ = ["MilestoneCommitted", "commit_milestone"]
