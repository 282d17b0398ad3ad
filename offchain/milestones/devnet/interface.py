"""One listening port: an ASGI application, the server that runs it, its observers, and faults it may have."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

import uvicorn
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from milestones.devnet.chain import Chain
from milestones.errors import InvalidInput
from milestones.listening import PortServer, authority, listen

Fault = Literal["stale", "hanging", "dropping", "disconnected"]
FAULTS: dict[str, frozenset[str]] = {
    "ogmios": frozenset({"hanging", "dropping", "disconnected"}),
    "kupo": frozenset({"stale", "hanging", "dropping", "disconnected"}),
}
"""What can be wrong with each interface.

`hanging` takes requests and does not answer them until it is over; `dropping` closes every connection
without an answer; `disconnected` has lost the node, so that Ogmios ends its clients' WebSockets, answers
500 to `POST`, and speaks of its health only; a `stale` index stays at its checkpoint.
"""


@dataclass(slots=True)
class Faults:
    """The fault of one interface, if any."""

    interface: str
    current: str | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

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
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait_if_hanging(self) -> None:
        """Returns once the interface answers."""
        while self.current == "hanging":
            await self._changed.wait()

    async def wait_until(self, fault: Fault) -> None:
        """Returns once the interface has this fault."""
        while self.current != fault:
            await self._changed.wait()


class Observer(Protocol):
    """Sees Ogmios' answers just before they are sent. What it raises ends the connection."""

    def ogmios_answered(self, version: str, text: str) -> None:
        """A JSON text of the Ogmios interface, and the version that it speaks."""


class KupoObserver(Protocol):
    """Sees Kupo's answers just before their end is sent. What it raises ends the connection."""

    def kupo_answered(
        self, method: str, path: str, status: int, content_type: str, body: bytes
    ) -> None:
        """An answer of the Kupo interface; `path` is the request's, without its query."""


MAX_BODY_BYTES: Final = 16 * 1024 * 1024
"""Longest body that is read."""


async def read_body(request: Request) -> bytes | None:
    """The body; None where it is longer than `MAX_BODY_BYTES`."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)


MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""Longest WebSocket message that is read; a longer one ends the connection."""

KEEP_ALIVE_SECONDS = 90
"""How long an HTTP connection may idle: one that is closed under a client's next request looks dropped."""


def marks(chain: Chain) -> dict[str, str]:
    """Headers that say what no network is: a fork, and credentials whose witnesses are waived."""
    found = {}
    if chain.fork is not None:
        found["X-Milestones-Fork"] = chain.fork.facts.name
    if chain.impersonated:
        found["X-Milestones-Impersonated"] = ", ".join(sorted(map(bytes.hex, chain.impersonated)))
    return found


class Interface:
    """Serves `app` on `host`; port 0 is any free one, known from the start as `port`."""

    def __init__(self, app: ASGIApp, faults: Faults, host: str, port: int) -> None:
        self._app, self.faults, self.host = app, faults, host
        self._socket = listen(f"{faults.interface}_port", host, port)
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
        )
        self._server = PortServer(config)
        self._task: asyncio.Task[None] | None = None

    @property
    def authority(self) -> str:
        """Host and port as they stand in a URL."""
        return authority(self.host, self.port)

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
