"""When somebody else is faster: another transaction has spent what ours wanted to spend."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from milestones.clients.rejections import inputs_are_spent
from milestones.errors import ChainRejected
from milestones.services.backend import Backend
from milestones.services.sending.earlier import send_again_what_is_lost
from milestones.services.sending.tracking import wait_for_news

T = TypeVar("T")
ATTEMPTS: Final = 30
"""How often a transaction is rebuilt. A block comes every 20 s: with bad luck all the time, 10 minutes."""


async def rebuilding(
    backend: Backend, attempt: Callable[[], Awaitable[T]], warnings: list[str]
) -> T:
    """What `attempt` returns, made again on the chain's new state as long as its inputs are gone.

    Each attempt has to look at the chain anew. Raises what it raises, and `ServiceOutOfSync` when the
    index shows nothing new.
    """
    for _ in range(ATTEMPTS - 1):
        seen = (await backend.kupo.health()).checkpoint_slot
        try:
            return await attempt()
        except ChainRejected as error:
            if not inputs_are_spent(error):
                raise
        warnings.append(
            "what this would have spent was spent meanwhile: built again on what is there"
        )
        # It may have been the change of a transaction of ours that the node has forgotten.
        await send_again_what_is_lost(backend)
        await wait_for_news(backend, seen)
    return await attempt()
