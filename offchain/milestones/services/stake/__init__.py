"""`stake`: the reward account of a distribution's staking credential."""

from milestones.services.stake.account import StakeShown, stake_show
from milestones.services.stake.command import (
    StakeChanged,
    stake_delegate,
    stake_deregister,
    stake_register,
    stake_withdraw,
)

__all__ = [
    "StakeChanged",
    "StakeShown",
    "stake_delegate",
    "stake_deregister",
    "stake_register",
    "stake_show",
    "stake_withdraw",
]
