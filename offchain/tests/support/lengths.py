"""How long the tests of endurance take: seconds in every run, or as long as it takes to be sure."""

from __future__ import annotations

import os
from typing import Final, TypeVar

T = TypeVar("T")

VARIABLE: Final = "MILESTONES_LONG_TESTS"
"""Set to anything, it asks for the long runs."""


def length(*, short: T, long: T) -> T:
    """One of two sizes."""
    return long if os.environ.get(VARIABLE) else short
