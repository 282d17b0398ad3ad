"""Many clients at once, of whom each can fail the test."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any


async def all_together(clients: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Runs all of them to their end, or until the first fails: then the others are cancelled."""
    tasks = [asyncio.ensure_future(each) for each in clients]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    failures = [error for task in done if (error := task.exception()) is not None]
    if failures:
        raise failures[0]
