"""What is waited for: an index that has read enough, and services that fail for a while."""

from __future__ import annotations

import asyncio
from typing import Final

from milestones.errors import ServiceOutOfSync, ServiceUnavailable
from milestones.services.backend import Backend, tip_slot

POLL_SECONDS: Final = 0.25
POLL_MOST_SECONDS: Final = 2.0
INDEX_PATIENCE_SECONDS: Final = 20.0
"""How long the index may take to read what the node has read already."""
GAP_SECONDS: Final = 120.0
"""How long services may fail without a break while something is waited for: a restart, a gateway's."""


class Gap:
    """How long services have failed without a break, while something is waited for.

    `is_final`: it isn't waited for any longer that they answer.
    """

    def __init__(self) -> None:
        self._since: float | None = None
        self.is_final = False

    def close(self) -> None:
        """They answer."""
        self._since = None

    async def may_pass(self, error: ServiceUnavailable) -> bool:
        """Returns after a pause; False where the failure won't pass, or has lasted too long."""
        now = asyncio.get_running_loop().time()
        self._since = now if self._since is None else self._since
        self.is_final = not error.may_pass or now - self._since > GAP_SECONDS
        if not self.is_final:
            await asyncio.sleep(min(error.retry_after_seconds or POLL_MOST_SECONDS, GAP_SECONDS))
        return not self.is_final


async def wait_for_news(
    backend: Backend, known_slot: int | None, *, timeout_seconds: float = 300
) -> None:
    """Waits until Kupo has read another block than the one at `known_slot`.

    Kupo may fail for `GAP_SECONDS` in between. Raises `ServiceOutOfSync` when it reads none in time.
    """
    deadline, gap = asyncio.get_running_loop().time() + timeout_seconds, Gap()
    while True:
        try:
            if (await backend.kupo.health()).checkpoint_slot != known_slot:
                return
            gap.close()
        except ServiceUnavailable as error:
            if not await gap.may_pass(error):
                raise
        if asyncio.get_running_loop().time() > deadline:
            reason = f"it has read no new block in {timeout_seconds:.0f} s"
            raise ServiceOutOfSync("Kupo", backend.kupo.url, reason)
        await asyncio.sleep(POLL_SECONDS)


async def wait_for_index(
    backend: Backend, *, timeout_seconds: float = INDEX_PATIENCE_SECONDS
) -> int:
    """Waits until Kupo has read all that the node has; the slot of the node's newest block.

    Raises `ServiceOutOfSync` when it has not in time.
    """
    deadline = asyncio.get_running_loop().time() + timeout_seconds
    while True:
        slot = await tip_slot(backend)
        read = (await backend.kupo.health()).checkpoint_slot or 0
        if read >= slot:
            return slot
        backend.doing("waiting for Kupo to read the newest block")
        if asyncio.get_running_loop().time() > deadline:
            reason = f"it has read the chain up to slot {read}, and the node is at slot {slot}"
            raise ServiceOutOfSync("Kupo", backend.kupo.url, reason)
        await asyncio.sleep(POLL_SECONDS)
