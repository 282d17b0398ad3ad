"""Kupo's HTTP server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from milestones.devnet.chain import Chain
from milestones.devnet.interface import Faults, KupoObserver, marks, read_body
from milestones.devnet.kupo.filters import Query
from milestones.devnet.kupo.index import Index
from milestones.devnet.kupo.rendering import Refusal, not_fetched, refusal_reply
from milestones.devnet.kupo.routes import Call, NotYet, dispatch
from milestones.devnet.origin import NotFetched
from milestones.errors import MilestonesError

CACHED: Final = ("checkpoints", "matches", "datums", "scripts", "metadata")
"""Routes that answer 304, whatever the method, to a client that has seen the most recent block."""


class KupoApp:
    """The ASGI application. `watches_changed` is called after the patterns were changed."""

    def __init__(
        self,
        chain: Chain,
        index: Index,
        faults: Faults,
        watches_changed: Callable[[], None],
        observers: Sequence[KupoObserver] = (),
    ) -> None:
        self._chain, self._index, self._faults = chain, index, faults
        self._observers = observers
        self._watches_changed = watches_changed
        chain.listeners.append(index.follow)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        await self._faults.wait_if_hanging()
        body = await read_body(request) if request.method == "PUT" else b""
        response = await self._answer(request, body or b"")
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Server"] = "kupo"
        response.headers.update(marks(self._chain))
        if not isinstance(response, StreamingResponse):
            self._observe(request, response, bytes(response.body))
        elif self._observers:
            response.body_iterator = self._observed(request, response, response.body_iterator)
        await response(scope, receive, send)

    async def _observed(
        self, request: Request, response: Response, pieces: AsyncIterable[Any]
    ) -> AsyncIterator[bytes]:
        """The same pieces; whoever observes has them all before the end is sent."""
        seen = bytearray()
        async for piece in pieces:
            seen += piece
            yield piece
        self._observe(request, response, bytes(seen))

    def _observe(self, request: Request, response: Response, body: bytes) -> None:
        content_type = response.headers.get("content-type", "")
        for observer in self._observers:
            observer.kupo_answered(
                request.method, request.url.path, response.status_code, content_type, body
            )

    async def _answer(self, request: Request, body: bytes) -> Response:
        waits_for: NotYet | None = None
        while True:
            try:
                return self._respond(request, body, waits_for)
            except NotYet as not_yet:
                waits_for = not_yet
                await self._next_block()
            except NotFetched as missing:
                try:
                    await missing.fetch()
                except MilestonesError as error:
                    return refusal_reply(not_fetched(error))

    async def _next_block(self) -> None:
        changed = asyncio.Event()
        listener = changed.set
        self._chain.listeners.append(listener)
        try:
            await changed.wait()
        finally:
            self._chain.listeners.remove(listener)

    def _respond(self, request: Request, body: bytes, waits_for: NotYet | None) -> Response:
        if request.method == "OPTIONS":
            return Response()
        call = Call(
            chain=self._chain,
            index=self._index,
            method=request.method,
            path=_segments(request.scope),
            query=_query(request.scope["query_string"]),
            accept=request.headers.get("accept"),
            body=_json(body),
            connected=self._faults.current != "disconnected",
            waits_for=waits_for,
        )
        while call.path and call.path[0] == "v1":
            call = replace(call, path=call.path[1:])
        try:
            response = self._unchanged(request, call) or dispatch(call)
        except Refusal as refusal:
            return refusal_reply(refusal)
        if call.method in ("PUT", "DELETE"):
            self._watches_changed()
        if call.path[0] != "patterns":
            self._add_headers(response)
        return response

    def _unchanged(self, request: Request, call: Call) -> Response | None:
        """304 for a client that has seen the most recent block already."""
        checkpoint, known = self._index.checkpoint, request.headers.get("if-none-match")
        if checkpoint is None or not call.path or call.path[0] not in CACHED:
            return None
        return Response(status_code=304) if known == checkpoint.header_hash.hex() else None

    def _add_headers(self, response: Response) -> None:
        checkpoint = self._index.checkpoint
        slot = 0 if checkpoint is None else checkpoint.slot
        response.headers["X-Most-Recent-Checkpoint"] = str(slot)
        if checkpoint is not None:
            response.headers["ETag"] = checkpoint.header_hash.hex()


def _segments(scope: Scope) -> list[str]:
    """The path's parts, each decoded on its own: an encoded slash does not part them."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    path = raw.decode("latin-1").partition("?")[0]
    return [unquote(part) for part in path.removeprefix("/").split("/")]


def _query(raw: bytes) -> Query:
    """Parameters in order; a bare flag has no value, which `?flag=` does."""
    found: Query = []
    text = raw.decode("latin-1").replace(";", "&")
    for part in text.removesuffix("&").split("&") if text else ():
        name, equals, value = part.replace("+", " ").partition("=")
        found.append((unquote(name), unquote(value) if equals else None))
    return found


def _json(body: bytes) -> Any:
    try:
        return json.loads(body.decode(), parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None


def _no_number(text: str) -> None:
    """Python reads NaN and Infinity as numbers, and JSON has neither."""
    raise ValueError(text)
