"""An event loop whose time is simulated: where all of this process wait, it is at once the time they wait for.

Whatever takes the processor's time takes none of the loop's. So minutes of a chain, with all who wait for
its blocks, pass as fast as they can be computed; what is sent over a socket of this process arrives at once.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Jumping(selectors.DefaultSelector):
    """Never waits for a time that is known: it jumps there."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0

    def select(self, timeout: float | None = None) -> Any:
        """What is ready now; where nothing is, the next time is now."""
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is None:
            return super().select(None)
        self.seconds += timeout
        return ready


class SimulatedLoop(asyncio.SelectorEventLoop):
    """Its `time` is simulated seconds since it was made. Nothing in it may run in other threads."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Simulated seconds."""
        return self._jumping.seconds


def run_simulated(main: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`, in simulated time."""
    loop = SimulatedLoop()
    try:
        asyncio.set_event_loop(loop)
        return loop.run_until_complete(main)
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        asyncio.set_event_loop(None)
        loop.close()
