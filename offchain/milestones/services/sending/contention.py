"""What happens where others want the same: who is about to spend it, who was faster, how long one waits."""

from __future__ import annotations

import random
from typing import Final

from milestones.errors import MilestonesError

REBUILD_SECONDS: Final = 600.0
"""How long a command is built anew because others were faster, or have reserved what it needs."""
LONGEST_PAUSE_SECONDS: Final = 5.0
SHORTEST_PAUSE_SECONDS: Final = 0.25


class Contended(Exception):
    """Others were faster, or are about to be: what is to be done must be looked at and built again.

    `outcome` is the error where it doesn't end in time. `reserved`: by another process of this machine,
    which gives it up when it has sent. Never leaves `services`.
    """

    def __init__(self, words: str, outcome: MilestonesError, *, reserved: bool = False) -> None:
        super().__init__(words)
        self.outcome, self.reserved = outcome, reserved


def pause_seconds(attempt: int, *, reserved: bool = False) -> float:
    """How long to wait before the next attempt (from 0): at random, or all who collided would again.

    What is only `reserved` is soon free, and costs nobody anything to look at.
    """
    most = min(LONGEST_PAUSE_SECONDS, SHORTEST_PAUSE_SECONDS * 2 ** min(attempt, 10))
    return random.uniform(0, SHORTEST_PAUSE_SECONDS if reserved else most)  # noqa: S311 - no secret
