"""A relay between a client and Ogmios that cuts the line when a transaction is submitted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Literal

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

Moment = Literal["before", "after"]
"""Cut before Ogmios hears of the transaction, or after it has taken it but before it can say so."""


class CuttingProxy:
    """`url` stands in for Ogmios' WebSocket. `on_cut` is called at the moment of the cut.

    The first `skip` transactions pass.
    """

    def __init__(
        self,
        upstream: str,
        moment: Moment,
        on_cut: Callable[[], None] = lambda: None,
        *,
        skip: int = 0,
    ) -> None:
        self.url, self.cuts, self._skip = "", 0, skip
        self._upstream, self._moment, self._on_cut = upstream, moment, on_cut

    async def serve_client(self, client: ServerConnection) -> None:
        """Relays until one side ends, or the line is cut."""
        async with connect(self._upstream, ping_interval=None, max_size=None) as ogmios:
            answers = asyncio.ensure_future(self._answers(ogmios, client))
            try:
                await self._requests(client, ogmios)
            except ConnectionClosed:
                pass
            finally:
                answers.cancel()
        client.transport.abort()

    async def _requests(self, client: ServerConnection, ogmios: ClientConnection) -> None:
        async for message in client:
            submits = "submitTransaction" in str(message)
            if not submits or self._skip:
                self._skip -= submits
                await ogmios.send(message)
                continue
            if self._moment == "after":
                async with connect(self._upstream, ping_interval=None, max_size=None) as line:
                    await line.send(message)
                    await line.recv()
            self.cuts += 1
            self._on_cut()
            return

    @staticmethod
    async def _answers(ogmios: ClientConnection, client: ServerConnection) -> None:
        async for message in ogmios:
            await client.send(message)


@asynccontextmanager
async def cutting_proxy(
    upstream: str,
    moment: Moment,
    on_cut: Callable[[], None] = lambda: None,
    *,
    skip: int = 0,
) -> AsyncIterator[CuttingProxy]:
    """A relay on a free port, for as long as the context lasts."""
    proxy = CuttingProxy(upstream, moment, on_cut, skip=skip)
    async with serve(
        proxy.serve_client, "127.0.0.1", 0, ping_interval=None, max_size=None
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        proxy.url = f"ws://127.0.0.1:{port}"
        yield proxy
