"""Slots, time, and where a block stands.

POSIX milliseconds on chain and in this code; a slot is a counter since genesis.
"""

from __future__ import annotations

from dataclasses import dataclass

from milestones.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class EraSummary:
    """One era: where it starts, how long a slot and an epoch are, and where it ends.

    `start_ms` is relative to the system start; `end_slot` is None in an era without a known end. For
    the era that still runs, it is how far ahead slots can be converted.
    """

    start_ms: int
    start_slot: int
    slot_length_ms: int
    end_slot: int | None


@dataclass(frozen=True, slots=True)
class SlotClock:
    """Converts between slots and POSIX milliseconds over all eras. Source: Ogmios' `eraSummaries`."""

    system_start_posix_ms: int
    eras: tuple[EraSummary, ...]

    def slot_at(self, posix_ms: int) -> int:
        """The slot that contains this moment. Raises `InvalidInput` before the system start."""
        elapsed_ms = posix_ms - self.system_start_posix_ms
        if elapsed_ms < 0:
            raise InvalidInput(
                f"{posix_ms} ms is before the network's start", details={"posix_ms": posix_ms}
            )
        era = [era for era in self.eras if era.start_ms <= elapsed_ms][-1]
        return era.start_slot + (elapsed_ms - era.start_ms) // era.slot_length_ms

    def first_slot_from(self, posix_ms: int) -> int:
        """The first slot that starts at or after this moment: the lower bound that proves "not before"."""
        slot = self.slot_at(posix_ms)
        return slot if self.start_of(slot) >= posix_ms else slot + 1

    def start_of(self, slot: int) -> int:
        """POSIX milliseconds at which the slot begins."""
        era = [era for era in self.eras if era.start_slot <= slot][-1]
        elapsed_ms = era.start_ms + (slot - era.start_slot) * era.slot_length_ms
        return self.system_start_posix_ms + elapsed_ms

    @property
    def horizon_slot(self) -> int | None:
        """The first slot whose time can't be foreseen yet; None if there is no limit."""
        return self.eras[-1].end_slot


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """A block: its slot, and the hash of its header (32 bytes)."""

    slot: int
    header_hash: bytes

    def __str__(self) -> str:
        return f"{self.slot}.{self.header_hash.hex()}"


@dataclass(frozen=True, slots=True)
class Tip:
    """The newest block: its point, and its height (how many blocks came before it)."""

    point: Point
    height: int
