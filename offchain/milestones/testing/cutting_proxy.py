"""A relay between a client and Ogmios that cuts the line when a transaction is submitted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Literal

from milestones.testing.spoiling_proxy import Fault, Message, spoiling_proxy

Moment = Literal["before", "after"]
"""Cut before Ogmios hears of the transaction, or after it has taken it but before it can say so."""


class CuttingProxy:
    """`url` stands in for Ogmios, `cuts` counts. The first `skip` transactions pass."""

    def __init__(self, moment: Moment, on_cut: Callable[[], None], *, skip: int) -> None:
        self.url, self.cuts = "", 0
        self._fault: Fault = "cut_before" if moment == "before" else "cut_after"
        self._on_cut, self._skip = on_cut, skip

    def spoil(self, message: Message) -> Fault | None:
        """What becomes of a message: transactions are cut off."""
        if message.question != "submitTransaction":
            return None
        if self._skip:
            self._skip -= 1
            return None
        return self._fault

    def note_cut(self) -> None:
        """Counts, and lets the test do what it does at the moment of the cut."""
        self.cuts += 1
        self._on_cut()


@asynccontextmanager
async def cutting_proxy(
    upstream: str,
    moment: Moment,
    on_cut: Callable[[], None] = lambda: None,
    *,
    skip: int = 0,
) -> AsyncIterator[CuttingProxy]:
    """A relay on a free port, for as long as the context lasts. `on_cut` is called at the moment of the cut."""
    cutting = CuttingProxy(moment, on_cut, skip=skip)
    async with spoiling_proxy(
        ogmios_url=upstream, spoil=cutting.spoil, on_cut=cutting.note_cut
    ) as proxy:
        cutting.url = proxy.ogmios_url
        yield cutting
