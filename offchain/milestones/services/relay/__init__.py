"""`relay`: pays what becomes claimable, unattended and within a budget."""

from milestones.services.paying.budget import Budget
from milestones.services.relay.command import relay
from milestones.services.relay.report import Paid, Relayed
from milestones.services.relay.step import pay

__all__ = ["Budget", "Paid", "Relayed", "pay", "relay"]
