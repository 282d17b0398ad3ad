"""A network's time: its calendar of eras, epochs and slots, and the clock that says where in it one is.

Every clock of a Cardano client is built from the calendar: the system start, the era summaries and the
genesis configuration. A fresh network runs in Conway from its first slot, the earlier eras have no length.
Under the magic of mainnet or preprod, whose Byron eras lasted 208 and 4 epochs of 20-second slots, the
calendar is theirs, so that clients that know these networks by heart come to the same slots.

Sources: `startTime`, `epochLength` and `slotLength` of the networks' genesis files, as published with the
configurations of cardano-node; the end of Byron at slots 4,492,800 and 86,400 as every client's table of
slot configurations has it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Final

from milestones.errors import InvalidInput

MAINNET_MAGIC: Final = 764824073
DEVNET_MAGIC: Final = 42

BYRON_EPOCH_SLOTS: Final = 21_600
BYRON_SLOT_MS: Final = 20_000
SLOT_MS: Final = 1000
SECURITY_PARAMETER: Final = 2160
"""`k`: blocks after which a real network never rolls back."""
BYRON_SAFE_ZONE_SLOTS: Final = 2 * SECURITY_PARAMETER
SAFE_ZONE_SLOTS: Final = 129_600
"""3k/f: slots for which the calendar is certain whatever happens next."""

_SHELLEY_ERAS: Final = ("shelley", "allegra", "mary", "alonzo", "babbage", "conway")
_NAMES: Final = {MAINNET_MAGIC: "mainnet", 1: "preprod", 2: "preview"}
_STARTS_POSIX_MS: Final = {
    MAINNET_MAGIC: 1_506_203_091_000,
    1: 1_654_041_600_000,
    2: 1_666_656_000_000,
}
_BYRON_EPOCHS: Final = {MAINNET_MAGIC: 208, 1: 4}
_EPOCH_SLOTS: Final = {2: 86_400}


@dataclass(frozen=True, slots=True)
class Bound:
    """Where an era starts or ends: milliseconds since the system start, slot and epoch."""

    elapsed_ms: int
    slot: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Era:
    """An era's extent and its epochs and slots; `end` of the running era is how far ahead is certain."""

    name: str
    start: Bound
    end: Bound
    epoch_slots: int
    slot_ms: int
    safe_zone_slots: int


@dataclass(frozen=True, slots=True)
class Calendar:
    """Converts between slots, epochs and POSIX milliseconds on one network.

    `later_starts` are where the eras after Shelley began, where that is known; else all began with it.
    """

    magic: int
    start_posix_ms: int
    byron_epochs: int = 0
    epoch_slots: int = 432_000
    later_starts: tuple[Bound, ...] = ()

    @property
    def network_id(self) -> int:
        """What addresses carry: 1 on mainnet, 0 elsewhere."""
        return 1 if self.magic == MAINNET_MAGIC else 0

    @property
    def network_name(self) -> str:
        """The name Ogmios' health check shows for this magic."""
        return _NAMES.get(self.magic, f"unknown ({self.magic})")

    @property
    def shelley(self) -> Bound:
        """The end of Byron, from which a slot lasts a second."""
        slots = self.byron_epochs * BYRON_EPOCH_SLOTS
        return Bound(slots * BYRON_SLOT_MS, slots, self.byron_epochs)

    @property
    def slot_zero_posix_ms(self) -> int:
        """When slot 0 would have begun had every slot lasted a second."""
        return self.start_posix_ms + self.shelley.elapsed_ms - self.shelley.slot * SLOT_MS

    def slot_at(self, posix_ms: int) -> int:
        """The slot that contains this moment; the first of Shelley for any before it."""
        return max(self.shelley.slot, (posix_ms - self.slot_zero_posix_ms) // SLOT_MS)

    def start_of(self, slot: int) -> int:
        """POSIX milliseconds at which a slot of Shelley or later begins."""
        return self.slot_zero_posix_ms + slot * SLOT_MS

    def epoch_of(self, slot: int) -> int:
        """The epoch that contains a slot of Shelley or later."""
        return self.byron_epochs + (slot - self.shelley.slot) // self.epoch_slots

    def epoch_start(self, epoch: int) -> Bound:
        """The first slot of an epoch of Shelley or later."""
        slot = self.shelley.slot + (epoch - self.byron_epochs) * self.epoch_slots
        return Bound(self.start_of(slot) - self.start_posix_ms, slot, epoch)

    def horizon(self, tip_slot: int) -> Bound:
        """The end of what is certain: the first epoch boundary that is a safe zone past the tip."""
        return self.epoch_start(self.epoch_of(tip_slot + SAFE_ZONE_SLOTS) + 1)

    def eras(self, tip_slot: int) -> tuple[Era, ...]:
        """All eras, Byron to Conway, as seen from a tip at `tip_slot`."""
        shelley = self.shelley
        byron = Era(
            "byron",
            Bound(0, 0, 0),
            shelley,
            BYRON_EPOCH_SLOTS,
            BYRON_SLOT_MS,
            BYRON_SAFE_ZONE_SLOTS,
        )
        starts = [shelley, *(self.later_starts or [shelley] * (len(_SHELLEY_ERAS) - 1))]
        ends = [*starts[1:], self.horizon(tip_slot)]
        later = (
            Era(name, start, end, self.epoch_slots, SLOT_MS, SAFE_ZONE_SLOTS)
            for name, start, end in zip(_SHELLEY_ERAS, starts, ends, strict=True)
        )
        return byron, *later


def calendar_for(
    magic: int, start_posix_ms: int | None, *, default_start_posix_ms: int
) -> Calendar:
    """The calendar of a network, a known network's own start and Byron era where none is given.

    A start that is given belongs to a network without history: no Byron era then, unless it is the
    known network's own start.
    """
    known = _STARTS_POSIX_MS.get(magic)
    if start_posix_ms is None:
        start_posix_ms = default_start_posix_ms if known is None else known
    byron_epochs = _BYRON_EPOCHS.get(magic, 0) if start_posix_ms == known else 0
    return Calendar(magic, start_posix_ms, byron_epochs, _EPOCH_SLOTS.get(magic, 432_000))


LAST_POSIX_MS: Final = 221_845_392_000_000
"""The start of the year 9000: calendars, Python's too, end with the year 9999."""


def machine_posix_ms() -> int:
    """The machine's own time, POSIX milliseconds."""
    return time.time_ns() // 1_000_000


class Clock:
    """The chain's time. It never runs backwards except by `restore`.

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

    def reach_slot(self, slot: int) -> bool:
        """Moves a clock that is behind the start of `slot` to it; returns whether it was."""
        missing_ms = self.calendar.start_of(slot) - self.posix_ms()
        self.offset_ms += max(0, missing_ms)
        return missing_ms > 0

    def restore(self, offset_ms: int) -> None:
        """Goes back to an offset that was noted before."""
        self.offset_ms = offset_ms


def utc(posix_ms: int) -> str:
    """A moment as text, in ISO 8601; no fraction of a second where there is none."""
    moment = datetime.fromtimestamp(posix_ms // 1000, timezone.utc)
    fraction = f".{posix_ms % 1000:03d}".rstrip("0") if posix_ms % 1000 else ""
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z"
