"""`deploy`: opens a distribution, funded, with its schedule announced."""

from milestones.services.deploy.command import deploy, registered_schedule
from milestones.services.deploy.report import Deployed

__all__ = ["Deployed", "deploy", "registered_schedule"]
