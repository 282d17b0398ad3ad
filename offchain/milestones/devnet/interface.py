"""One listening port: an ASGI application, the server that runs it, and the faults it may have."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from milestones.devnet.faults import Faults
from milestones.errors import InvalidConfiguration

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""Longest WebSocket message that is read; a longer one ends the connection."""

KEEP_ALIVE_SECONDS = 90
"""How long an HTTP connection may idle: one that is closed under a client's next request looks dropped."""


class _Server(uvicorn.Server):
    """Leaves signals to whoever runs the process, and ends as soon as it is told to."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ending = asyncio.Event()

    def end(self) -> None:
        """Makes `serve` come to its end."""
        self.should_exit = True
        self._ending.set()

    async def main_loop(self) -> None:
        """Once a second, what has to be done once a second."""
        while not await self.on_tick(0):
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._ending.wait(), 1)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Captures none."""
        yield


class Interface:
    """Serves `app` on `host`; port 0 is any free one, known from the start as `port`."""

    def __init__(self, app: ASGIApp, faults: Faults, host: str, port: int) -> None:
        self._app, self.faults, self.host = app, faults, host
        self._socket = _bind(faults.interface, host, port)
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            self._serve,
            interface="asgi3",
            proxy_headers=False,
            ws="websockets-sansio",
            http="h11",
            lifespan="off",
            log_config=None,
            log_level="error",
            access_log=False,
            server_header=False,
            ws_max_size=MAX_MESSAGE_BYTES,
            ws_ping_interval=None,
            ws_per_message_deflate=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=1,
        )
        self._server = _Server(config)
        self._task: asyncio.Task[None] | None = None

    @property
    def authority(self) -> str:
        """Host and port as they stand in a URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    async def start(self) -> None:
        """Returns once connections are accepted."""
        self._task = asyncio.ensure_future(self._server.serve([self._socket]))
        while not self._server.started and not self._task.done():
            await asyncio.sleep(0.001)
        if self._task.done():
            self._task.result()

    async def stop(self) -> None:
        """Closes the port and every connection."""
        self._server.end()
        if self._task is not None:
            await self._task
        self._socket.close()

    def transports(self) -> list[asyncio.Transport]:
        """What every open connection is written to."""
        connections = tuple(self._server.server_state.connections)
        found = (getattr(connection, "transport", None) for connection in connections)
        return [transport for transport in found if transport is not None]

    def drop_connections(self) -> None:
        """Cuts every open connection without a word."""
        for transport in self.transports():
            transport.abort()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.faults.current == "dropping":
            self.drop_connections()
        else:
            await self._app(scope, receive, send)
            if scope["type"] == "websocket":
                self._cut_if_stuck(scope["client"])

    def _cut_if_stuck(self, client: tuple[str, int] | None) -> None:
        """Cuts a WebSocket that is over while its client does not read: it would stay half closed."""
        for connection in tuple(self._server.server_state.connections):
            writable = getattr(connection, "writable", None)
            stuck = isinstance(writable, asyncio.Event) and not writable.is_set()
            if stuck and getattr(connection, "client", None) == client:
                connection.transport.abort()


def _bind(name: str, host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise InvalidConfiguration(
            f"{host}:{port} can't be listened on: {error.strerror or error}",
            path=f"{name}_port",
            hint="end what uses the port, or give another one",
        ) from None
    return listener
