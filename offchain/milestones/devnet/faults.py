"""Faults that a test can switch on: an index that stops following, a service that hangs or hangs up."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Literal

from milestones.errors import InvalidInput

Fault = Literal["stale", "hanging", "dropping", "disconnected"]
FAULTS: dict[str, frozenset[str]] = {
    "ogmios": frozenset({"hanging", "dropping", "disconnected"}),
    "kupo": frozenset({"stale", "hanging", "dropping", "disconnected"}),
}
"""What can be wrong with each interface.

`hanging` takes requests and does not answer them until it is over; `dropping` closes every connection
without an answer; `disconnected` has lost the node, so that Ogmios ends its clients' WebSockets and only
tells its health; a `stale` index stays at its checkpoint.
"""


@dataclass(slots=True)
class Faults:
    """The fault of one interface, if any."""

    interface: str
    current: str | None = None
    _healed: asyncio.Event = field(default_factory=asyncio.Event)

    def set(self, fault: str) -> None:
        """Switches a fault on. Raises `InvalidInput` for one that this interface can't have."""
        if fault not in FAULTS[self.interface]:
            raise InvalidInput(
                f"{self.interface} can't be {fault!r}",
                path="fault",
                hint="one of " + ", ".join(sorted(FAULTS[self.interface])),
            )
        self.clear()
        self.current = fault

    def clear(self) -> None:
        """Everything works again; what hung goes on."""
        self.current = None
        self._healed.set()
        self._healed = asyncio.Event()

    async def wait_if_hanging(self) -> None:
        """Returns once the interface answers."""
        while self.current == "hanging":
            await self._healed.wait()
