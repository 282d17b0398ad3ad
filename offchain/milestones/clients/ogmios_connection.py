"""The connection to Ogmios: JSON-RPC 2.0 over one WebSocket, numbered requests, answers in any order.

The caller learns exactly how far a request got, because a transaction must never be sent twice by
accident: `NotSent` means that not a byte of the request left; `AnswerLost` means that it may have arrived.
An idle connection is closed by the server after 90 s, which shows only at the next request. So a query
whose connection was lost is repeated once, on a new connection. Whatever changes the chain goes through
`once`, which never repeats.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any, Final, TypeVar

from websockets.asyncio import client as websocket
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.protocol import State

from milestones.clients.answers import asking, json_value
from milestones.clients.failures import (
    connection_failure,
    cut_failure,
    status_failure,
    trusted,
    unavailable,
)
from milestones.clients.service_address import OGMIOS, ServiceAddress
from milestones.errors import (
    MilestonesError,
    NotFound,
    ServiceOutOfSync,
)

MAX_MESSAGE_BYTES: Final = 64 * 2**20
"""The largest answer that is read. A full block in JSON is around a megabyte."""
KEEP_ALIVE_SECONDS: Final = 30
PING_TIMEOUT_SECONDS: Final = 5.0
HELD_SECONDS: Final = 600.0
"""How long a service may let a request wait that it has a reason to hold."""
Answer = TypeVar("Answer")
Held = Callable[[], Awaitable[bool]]
INTERSECTION_NOT_FOUND: Final = 1000
"""Ogmios: none of the given points is on the node's chain."""
INTERNAL_ERROR: Final = -32603
"""JSON-RPC: the server failed while it worked on a request, so its effect is not known."""
_ERA_MISMATCH: Final = 2001
_UNAVAILABLE_IN_ERA: Final = 2002


class NotSent(Exception):
    """The request did not leave: the connection was closed before."""


class AnswerLost(Exception):
    """The request left, and its answer did not come."""


class TimedOut(AnswerLost):
    """The request left, and its answer did not come in time; the connection still looks open."""


class RpcError(Exception):
    """The service answered with an error: its `code`, `message` and `data` (any JSON, or None)."""

    def __init__(self, code: int, message: str, data: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.data = code, message, data


class JsonRpcConnection:
    """One open WebSocket. Requests may overlap; each waits for the answer that carries its number."""

    def __init__(self, socket: websocket.ClientConnection) -> None:
        self._socket = socket
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._reader = asyncio.create_task(self._read())

    @property
    def is_open(self) -> bool:
        """Whether, as far as this side knows, a request would leave."""
        return self._socket.state is State.OPEN and not self._reader.done()

    async def responds(self, *, timeout_seconds: float) -> bool:
        """Whether the other side still answers a ping: a half-dead connection looks open."""
        try:
            await asyncio.wait_for(await self._socket.ping(), timeout_seconds)
        except (ConnectionClosed, asyncio.TimeoutError):
            return False
        return self.is_open

    async def call(
        self,
        method: str,
        params: Any = None,
        *,
        timeout_seconds: float,
        is_held: Held | None = None,
    ) -> Any:
        """The result. Raises `NotSent`, `AnswerLost`, or `RpcError`.

        Where time is up, `is_held` is asked whether the service has a reason to let it wait: then it is
        waited for as long again, for `HELD_SECONDS` at most.
        """
        if not self.is_open:
            raise NotSent("the connection is closed")
        number = next(self._numbers)
        request = {"jsonrpc": "2.0", "method": method, "id": number}
        if params is not None:
            request["params"] = params
        future = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            with asking(OGMIOS.name, method):
                await asyncio.wait_for(self._socket.send(json.dumps(request)), timeout_seconds)
                answer = await _answer_of(future, timeout_seconds, is_held)
        except asyncio.TimeoutError:
            raise TimedOut(f"no answer to {method} within {timeout_seconds:g} s") from None
        except ConnectionClosed as error:
            raise AnswerLost(_reason(error)) from error
        finally:
            del self._waiting[number]
            _retire(future)
        return _result(answer)

    async def _read(self) -> None:
        try:
            async for message in self._socket:
                answer = json_value(message)
                future = self._waiting.get(answer.get("id"))
                if future is not None and not future.done():
                    future.set_result(answer)
            self._fail("the service closed the connection")
        except ConnectionClosed as error:
            self._fail(_reason(error))
        except (ValueError, AttributeError, TypeError, RecursionError):
            self._fail("the service sent something that is not JSON-RPC")

    def _fail(self, reason: str) -> None:
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(AnswerLost(reason))

    async def close(self) -> None:
        """Closes the socket; requests that still wait raise `AnswerLost`."""
        await self._socket.close()
        await self._reader


async def _answer_of(
    future: asyncio.Future[dict[str, Any]], timeout_seconds: float, is_held: Held | None
) -> dict[str, Any]:
    until = asyncio.get_running_loop().time() + HELD_SECONDS
    while True:
        try:
            return await asyncio.wait_for(asyncio.shield(future), timeout_seconds)
        except asyncio.TimeoutError:
            late = asyncio.get_running_loop().time() > until
            if is_held is None or late or not await is_held():
                raise


def _retire(future: asyncio.Future[Any]) -> None:
    """Ends a wait; asks for an error that nobody waits for, so that asyncio does not print it."""
    if not future.cancel() and not future.cancelled():
        future.exception()


def _result(answer: dict[str, Any]) -> Any:
    if "result" in answer:
        return answer["result"]
    error = answer.get("error")
    if not isinstance(error, dict) or not isinstance(error.get("code"), int):
        raise AnswerLost("the answer has neither a result nor an error")
    raise RpcError(error["code"], str(error.get("message", "")), error.get("data"))


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__


class OgmiosSession:
    """Keeps one connection to an address, shared by all that ask at the same time."""

    def __init__(self, address: ServiceAddress, *, timeout_seconds: float) -> None:
        self.address = address
        self.timeout_seconds = timeout_seconds
        self._connection: JsonRpcConnection | None = None
        self._connecting = asyncio.Lock()

    async def close(self) -> None:
        """Closes the connection; the next request opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def query(self, method: str, params: Any = None) -> Any:
        """The result of a request that changes nothing. Raises `ServiceUnavailable` or `RpcError`."""

        async def ask(connection: JsonRpcConnection) -> Any:
            return await connection.call(method, params, timeout_seconds=self.timeout_seconds)

        return await self.converse(ask)

    async def converse(self, questions: Callable[[JsonRpcConnection], Awaitable[Answer]]) -> Answer:
        """Several requests that belong together; where the connection is lost, all of them again."""
        try:
            return await self._attempt(questions)
        except (NotSent, AnswerLost) as lost:
            if isinstance(lost, TimedOut):
                raise unavailable(self.address, str(lost), may_pass=True) from lost
        try:
            return await self._attempt(questions)
        except (NotSent, AnswerLost) as lost:
            reason = f"the connection was lost twice: {lost}"
            raise unavailable(self.address, reason, may_pass=True) from lost

    async def once(self, method: str, params: Any, *, is_held: Held | None = None) -> Any:
        """The result of a request that must never be repeated; `is_held` as `JsonRpcConnection.call` has it.

        Raises `ServiceUnavailable` if it did not leave, `AnswerLost` if it left without an answer, `RpcError`.
        """
        connection = await self._connected()
        if not await connection.responds(timeout_seconds=PING_TIMEOUT_SECONDS):
            await self._drop(connection)
            connection = await self._connected()
        try:
            return await connection.call(
                method, params, timeout_seconds=self.timeout_seconds, is_held=is_held
            )
        except NotSent as error:
            raise unavailable(self.address, str(error), may_pass=True) from error
        except AnswerLost:
            await self._drop(connection)
            raise

    async def _attempt(self, questions: Callable[[JsonRpcConnection], Awaitable[Answer]]) -> Answer:
        connection = await self._connected()
        try:
            return await questions(connection)
        except (NotSent, AnswerLost):
            await self._drop(connection)
            raise

    async def _connected(self) -> JsonRpcConnection:
        async with self._connecting:
            if self._connection is None or not self._connection.is_open:
                await self.close()
                self._connection = await connect(self.address, timeout_seconds=self.timeout_seconds)
            return self._connection

    async def _drop(self, connection: JsonRpcConnection) -> None:
        if self._connection is connection:
            self._connection = None
        await connection.close()


TRIES: Final = 3
"""How often a connection is asked for that a gateway refuses: nothing of a request has left by then."""
PAUSE_SECONDS: Final = 0.3
PATIENCE_SECONDS: Final = 5.0
"""Up to which wait a service that asks for one gets it."""
_SILENT: Final = logging.Logger("milestones.websocket", level=logging.CRITICAL)
"""The library would write every handshake down, with the password in it."""


async def connect(address: ServiceAddress, *, timeout_seconds: float) -> JsonRpcConnection:
    """A new connection. Raises `ServiceUnavailable` with the reason and what to do."""
    for tried in range(1, TRIES + 1):
        try:
            return JsonRpcConnection(await _opened(address, timeout_seconds))
        except InvalidStatus as error:
            response = error.response
            headers = {name.lower(): value for name, value in response.headers.raw_items()}
            body = bytes(response.body or b"")[:2000].decode(errors="replace")
            failure = status_failure(address, response.status_code, headers, body)
            wait = failure.retry_after_seconds or PAUSE_SECONDS
            if tried == TRIES or not failure.may_pass or wait > PATIENCE_SECONDS:
                raise failure from error
        except (InvalidHandshake, EOFError) as error:
            raise await cut_failure(address, error) from error
        except (OSError, asyncio.TimeoutError, InvalidURI) as error:
            raise connection_failure(address, error) from error
        await asyncio.sleep(wait)
    raise AssertionError("the last try returns or raises")


async def _opened(address: ServiceAddress, timeout_seconds: float) -> websocket.ClientConnection:
    return await websocket.connect(
        address.websocket_url,
        additional_headers=address.headers,
        ssl=trusted() if address.secure else None,
        open_timeout=timeout_seconds,
        close_timeout=1,
        compression=None,
        max_size=MAX_MESSAGE_BYTES,
        ping_interval=KEEP_ALIVE_SECONDS,
        # A busy node answers pings late; only the request's own timeout decides.
        ping_timeout=None,
        proxy=None,
        logger=_SILENT,
    )


def query_failure(address: ServiceAddress, method: str, error: RpcError) -> MilestonesError:
    """What an error answer to a query means."""
    answer = f"{error.message} (code {error.code}, {method})"
    if error.code == INTERSECTION_NOT_FOUND:
        return NotFound(
            "none of the given blocks is on the node's chain: a rollback has replaced them",
            hint="look the transaction up again",
            details={"rejection_code": error.code},
        )
    if error.code in (_ERA_MISMATCH, _UNAVAILABLE_IN_ERA):
        hint = "wait until the node has caught up with the network, then try again"
        return ServiceOutOfSync(address.service.name, str(address), answer, hint=hint)
    return unavailable(
        address,
        f"it refused the question: {answer}",
        hint="check that it is Ogmios 6.14 or 7.0, and that its node is running",
        may_pass=error.code == INTERNAL_ERROR,
    )
