"""The chain's time: that of the machine, shifted as one likes, or a clock that only moves by hand."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from milestones.devnet.eras import Calendar
from milestones.errors import InvalidInput

LAST_POSIX_MS: Final = 221_845_392_000_000
"""The start of the year 9000: calendars, Python's too, end with the year 9999."""


def machine_posix_ms() -> int:
    """The machine's own time, POSIX milliseconds."""
    return time.time_ns() // 1_000_000


class Clock:
    """Tells the chain's time. It never runs backwards except by `restore`.

    `offset_ms` is how far it runs ahead of the machine; a `manual` clock stands still between calls
    of `advance`.
    """

    def __init__(
        self,
        calendar: Calendar,
        *,
        manual: bool = False,
        offset_ms: int = 0,
        now: Callable[[], int] = machine_posix_ms,
    ) -> None:
        self.calendar, self.manual = calendar, manual
        stopped_at = now()
        self._now: Callable[[], int] = (lambda: stopped_at) if manual else now
        self.offset_ms = offset_ms

    def posix_ms(self) -> int:
        """The chain's time, POSIX milliseconds."""
        return self._now() + self.offset_ms

    def slot(self) -> int:
        """The slot that is now."""
        return self.calendar.slot_at(self.posix_ms())

    def advance(self, milliseconds: int) -> None:
        """Moves the time forward. Raises `InvalidInput` for a step backwards."""
        if milliseconds < 0:
            raise InvalidInput(
                f"time does not run backwards, {milliseconds} ms was asked for",
                path="seconds",
                hint="revert to a snapshot to go back",
            )
        if self.posix_ms() + milliseconds > LAST_POSIX_MS:
            raise InvalidInput(
                "time goes no further than to the year 9000",
                path="seconds",
                hint="advance less, or revert to a snapshot",
            )
        self.offset_ms += milliseconds

    def reach_slot(self, slot: int) -> None:
        """Moves a clock that is behind the start of `slot` to it; does nothing otherwise."""
        missing_ms = self.calendar.start_of(slot) - self.posix_ms()
        if missing_ms > 0:
            self.offset_ms += missing_ms

    def restore(self, offset_ms: int) -> None:
        """Goes back to an offset that was noted before."""
        self.offset_ms = offset_ms
