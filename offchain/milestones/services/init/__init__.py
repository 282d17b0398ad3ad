"""`init`: whether Ogmios, Kupo and the node are there and in step, and that Kupo watches what we need."""

from milestones.services.init.command import init
from milestones.services.init.report import Initialised

__all__ = ["Initialised", "init"]
