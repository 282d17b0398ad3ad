"""A relay between a client and its services that spoils messages: cut, late, twice, garbled, dripping.

Everything is on real sockets. A first run without faults shows in `messages` what there is to spoil.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Literal, get_args
from urllib.parse import urlsplit

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

Fault = Literal[
    "cut_before",
    "cut_after",
    "delayed",
    "duplicated",
    "garbage",
    "wrong_types",
    "http_error",
    "dripping",
]
"""What becomes of a question's answer.

`cut_before`: the line breaks before the service hears of the question; `cut_after`: when it has
answered, and nobody hears it. `delayed` by the proxy's `delay_seconds`. `duplicated`: it comes twice.
`garbage` is no JSON, `wrong_types` is JSON of another shape. `http_error`: a gateway says 502; on a
WebSocket it hangs up, and says so when the client connects again. `dripping`: a byte every
`drip_seconds`.
"""
FAULTS: Final[tuple[Fault, ...]] = get_args(Fault)
GATEWAYS_PAGE: Final = "<html><h1>502 Bad Gateway</h1></html>"
_WRONG: Final = {"unexpected": [None, -1, {"deep": "wrong"}]}


@dataclass(frozen=True, slots=True)
class Message:
    """A question that passes: its number from 0 on, whom it is for, and its method, or verb and path."""

    number: int
    service: Literal["Ogmios", "Kupo"]
    question: str


Alteration = Callable[[Any], Any]
"""Changes the JSON of an answer: over HTTP the body, of Ogmios' WebSocket the result."""
Relay = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]
Spoil = Callable[[Message], "Fault | Alteration | None"]


class SpoilingProxy:
    """`ogmios_url` and `kupo_url` stand in for the services; `messages` are those that came so far.

    `spoil` decides about each; `spoiled` are those that it has spoiled. It may be replaced at any time.
    `on_cut` is called at the moment of a cut.
    """

    def __init__(
        self, spoil: Spoil, on_cut: Callable[[], None], *, delay_seconds: float, drip_seconds: float
    ) -> None:
        self.spoil, self._on_cut = spoil, on_cut
        self.ogmios_url = self.kupo_url = ""
        self.messages: list[Message] = []
        self.spoiled: list[tuple[Message, Fault | Alteration]] = []
        self._delay_seconds, self._drip_seconds = delay_seconds, drip_seconds
        self._handshakes_to_refuse = 0

    def fault_of(
        self, service: Literal["Ogmios", "Kupo"], question: str
    ) -> Fault | Alteration | None:
        """What becomes of the message that has just come."""
        message = Message(len(self.messages), service, question)
        self.messages.append(message)
        fault = self.spoil(message)
        if fault is not None:
            self.spoiled.append((message, fault))
        return fault

    # -- HTTP

    async def relay_http(
        self,
        upstream: str,
        service: Literal["Ogmios", "Kupo"],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        websocket_port: int | None = None,
    ) -> None:
        """Serves one connection to its end; a WebSocket is handed on to `websocket_port`."""
        with suppress(OSError, asyncio.IncompleteReadError, httpx.TransportError):
            async with httpx.AsyncClient(timeout=None, trust_env=False, verify=False) as http:  # noqa: S113, S501 - no TLS here
                while True:
                    head = await reader.readuntil(b"\r\n\r\n")
                    if websocket_port and b"upgrade: websocket" in head.lower():
                        await _tunnel(head, reader, writer, websocket_port)
                        break
                    verb, path, headers = _parsed(head)
                    body = await reader.readexactly(int(headers.get("content-length", 0)))
                    fault = self.fault_of(service, f"{verb} {path.partition('?')[0]}")
                    if fault == "cut_before":
                        self._on_cut()
                        break
                    kept = {
                        name: value
                        for name, value in headers.items()
                        if name not in ("host", "content-length")
                    }
                    answer = await http.request(verb, upstream + path, content=body, headers=kept)
                    if fault == "cut_after":
                        self._on_cut()
                        break
                    await self._answer_http(writer, answer, fault)
        writer.transport.abort()

    async def _answer_http(
        self, writer: asyncio.StreamWriter, answer: httpx.Response, fault: Fault | Alteration | None
    ) -> None:
        status, body, headers = answer.status_code, answer.content, dict(answer.headers)
        if callable(fault):
            body = json.dumps(fault(answer.json())).encode()
        elif fault == "http_error":
            status, body = 502, GATEWAYS_PAGE.encode()
            headers = {"content-type": "text/html"}
        elif fault == "garbage":
            body = GATEWAYS_PAGE.encode()
        elif fault == "wrong_types":
            body = json.dumps(_WRONG).encode()
        elif fault == "delayed":
            await asyncio.sleep(self._delay_seconds)
        for name in ("content-length", "transfer-encoding", "content-encoding", "connection"):
            headers.pop(name, None)
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", f"content-length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        data = "\r\n".join((*lines, "", "")).encode() + body
        if fault == "dripping":
            for byte in data:
                writer.write(bytes((byte,)))
                await writer.drain()
                await asyncio.sleep(self._drip_seconds)
            return
        writer.write(data * (2 if fault == "duplicated" else 1))
        await writer.drain()

    # -- WebSockets

    def refuse_handshake(self, connection: ServerConnection, _: Request) -> Response | None:
        """A gateway's refusal, where one is due."""
        if not self._handshakes_to_refuse:
            return None
        self._handshakes_to_refuse -= 1
        return connection.respond(HTTPStatus.BAD_GATEWAY, GATEWAYS_PAGE)

    async def relay_websocket(self, upstream: str, client: ServerConnection) -> None:
        """Relays until one side ends, or the line is cut."""
        with suppress(OSError):
            async with connect(upstream, ping_interval=None, max_size=None) as ogmios:
                faults: dict[str, Fault | Alteration] = {}
                await _until_one_ends(
                    self._questions(client, ogmios, faults), self._answers(ogmios, client, faults)
                )
        client.transport.abort()

    async def _questions(
        self,
        client: ServerConnection,
        ogmios: ClientConnection,
        faults: dict[str, Fault | Alteration],
    ) -> None:
        with suppress(ConnectionClosed):
            async for message in client:
                question = json.loads(message)
                fault = self.fault_of("Ogmios", question["method"])
                if fault == "cut_before":
                    self._on_cut()
                    return
                if fault is not None:
                    faults[json.dumps(question.get("id"))] = fault
                await ogmios.send(message)

    async def _answers(
        self,
        ogmios: ClientConnection,
        client: ServerConnection,
        faults: dict[str, Fault | Alteration],
    ) -> None:
        with suppress(ConnectionClosed):
            async for message in ogmios:
                answer = json.loads(message)
                fault = faults.pop(json.dumps(answer.get("id")), None)
                if fault in ("cut_after", "http_error"):
                    self._handshakes_to_refuse += fault == "http_error"
                    self._on_cut()
                    return
                await self._send(client, answer, fault)

    async def _send(
        self, client: ServerConnection, answer: dict[str, Any], fault: Fault | Alteration | None
    ) -> None:
        if callable(fault) and "result" in answer:
            answer = {**answer, "result": fault(answer["result"])}
        text = json.dumps(answer)
        if fault == "garbage":
            text = GATEWAYS_PAGE
        elif fault == "wrong_types":
            text = json.dumps({**answer, "result": _WRONG})
        elif fault == "delayed":
            await asyncio.sleep(self._delay_seconds)
        if fault == "dripping":
            await client.send(self._dripped(text))
            return
        await client.send(text)
        if fault == "duplicated":
            await client.send(text)

    async def _dripped(self, text: str) -> AsyncIterator[str]:
        for sign in text:
            yield sign
            await asyncio.sleep(self._drip_seconds)


def _parsed(head: bytes) -> tuple[str, str, dict[str, str]]:
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    verb, path, _ = first.split(" ", 2)
    fields = (line.partition(":") for line in lines)
    return verb, path, {name.strip().lower(): value.strip() for name, _, value in fields}


async def _tunnel(
    head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int
) -> None:
    """Hands a connection on, byte by byte, until either side ends."""
    inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
    inner_writer.write(head)

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await source.read(65_536):
                sink.write(data)
                await sink.drain()

    try:
        await _until_one_ends(pump(reader, inner_writer), pump(inner_reader, writer))
    finally:
        inner_writer.transport.abort()


async def _until_one_ends(*directions: Coroutine[Any, Any, None]) -> None:
    tasks = [asyncio.ensure_future(each) for each in directions]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def _listening(relay: Relay) -> AsyncIterator[asyncio.Server]:
    """A server on a free port; at the end its connections are given up with it."""
    open_ones: set[asyncio.Task[None]] = set()

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        open_ones.add(task)
        try:
            await relay(reader, writer)
        finally:
            open_ones.discard(task)
            writer.transport.abort()

    server = await asyncio.start_server(serve_one, "127.0.0.1", 0)
    try:
        yield server
    finally:
        server.close()
        for task in list(open_ones):
            task.cancel()
        await asyncio.gather(*open_ones, return_exceptions=True)
        # The transports close in the loop's next turn.
        await asyncio.sleep(0)


@asynccontextmanager
async def spoiling_proxy(
    *,
    ogmios_url: str,
    kupo_url: str = "",
    spoil: Spoil = lambda _: None,
    on_cut: Callable[[], None] = lambda: None,
    delay_seconds: float = 1.0,
    drip_seconds: float = 1.0,
) -> AsyncIterator[SpoilingProxy]:
    """A relay on free ports before the services at these addresses, for as long as the context lasts."""
    proxy = SpoilingProxy(spoil, on_cut, delay_seconds=delay_seconds, drip_seconds=drip_seconds)
    async with AsyncExitStack() as stack:
        sockets = await stack.enter_async_context(
            serve(
                lambda client: proxy.relay_websocket(ogmios_url, client),
                "127.0.0.1",
                0,
                process_request=proxy.refuse_handshake,
                ping_interval=None,
                max_size=None,
            )
        )
        inner = next(iter(sockets.sockets)).getsockname()[1]
        parts = urlsplit(ogmios_url)
        health = f"http://{parts.netloc}"
        front = await stack.enter_async_context(
            _listening(
                lambda reader, writer: proxy.relay_http(health, "Ogmios", reader, writer, inner)
            )
        )
        proxy.ogmios_url = f"ws://127.0.0.1:{front.sockets[0].getsockname()[1]}"
        if kupo_url:
            behind = await stack.enter_async_context(
                _listening(
                    lambda reader, writer: proxy.relay_http(kupo_url, "Kupo", reader, writer)
                )
            )
            proxy.kupo_url = f"http://127.0.0.1:{behind.sockets[0].getsockname()[1]}"
        yield proxy
