"""How much of something fits into one transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from milestones.errors import LimitsExceeded

T = TypeVar("T")


async def largest_that_fits(
    total: int, attempt: Callable[[int], Awaitable[T]], *, least: int = 1
) -> tuple[int, T]:
    """The most, from `least` to `total`, that `attempt` does without `LimitsExceeded`; its result.

    Whatever is possible is taken to be possible with less. Raises `LimitsExceeded` where even `least`
    is too much.
    """
    best: tuple[int, T] | None = None
    fits, too_many, count = least - 1, total + 1, total
    while True:
        try:
            best = count, await attempt(count)
            fits = count
        except LimitsExceeded as error:
            if count == least:
                raise
            too_many = count
            proportional = max(least, min(_guess(count, error), count - 1))
        if best is not None and too_many - fits == 1:
            return best
        count = proportional if best is None else (fits + too_many) // 2


def _guess(count: int, error: LimitsExceeded) -> int:
    """How many fit, if each takes the same; too many where there is something that all share."""
    shares = [limit.maximum / limit.actual for limit in error.exceeded if limit.actual]
    return int(count * min(shares, default=0.5))
