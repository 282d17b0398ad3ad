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
    try:
        return total, await attempt(total)
    except LimitsExceeded as error:
        if total == least:
            raise
        failure, guess = error, _guess(total, error)
    best: tuple[int, T] | None = None
    fits, too_many, count = least - 1, total, min(max(guess, least), total - 1)
    while too_many - fits > 1:
        try:
            best = count, await attempt(count)
            fits = count
        except LimitsExceeded as error:
            failure, too_many = error, count
        count = (fits + too_many) // 2
    if best is None:
        raise failure
    return best


def _guess(count: int, error: LimitsExceeded) -> int:
    """How many fit, if each takes the same."""
    shares = [limit.maximum / limit.actual for limit in error.exceeded if limit.actual]
    return int(count * min(shares, default=0.5))
