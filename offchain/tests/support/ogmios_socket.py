"""A WebSocket to any Ogmios by its URL, for load: results, or an assertion that fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

PATIENCE_SECONDS = 80
"""Longest wait for an answer, below the 90 s after which a silent connection is closed."""


class OgmiosSocket:
    """One connection. Requests are numbered, and answers must come with their numbers."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket, self._sent = socket, 0

    async def send(self, method: str, **params: Any) -> int:
        """Sends a request; returns its number."""
        self._sent += 1
        request = {"jsonrpc": "2.0", "method": method, "params": params, "id": self._sent}
        await self._socket.send(json.dumps(request))
        return self._sent

    async def receive(self, number: int) -> Any:
        """The result of the request with this number, which must be the next to be answered."""
        answer = json.loads(await asyncio.wait_for(self._socket.recv(), PATIENCE_SECONDS))
        assert answer["id"] == number, answer
        assert "result" in answer, answer
        return answer["result"]

    async def call(self, method: str, **params: Any) -> Any:
        """The result of a request."""
        return await self.receive(await self.send(method, **params))


@asynccontextmanager
async def ogmios_socket(url: str) -> AsyncIterator[OgmiosSocket]:
    """Connects, with patience: many may do so at once.

    Whatever comes is taken in at once: a client that leaves with a full queue waits ten seconds for the
    end of the connection, which stands behind what it does not read.
    """
    settings: dict[str, Any] = {"ping_interval": None, "max_size": None, "max_queue": None}
    async with connect(url, open_timeout=60, **settings) as socket:
        yield OgmiosSocket(socket)
