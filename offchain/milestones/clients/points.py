"""Where something stands on the chain."""

from __future__ import annotations

from dataclasses import dataclass


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
