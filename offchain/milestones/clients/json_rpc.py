"""JSON-RPC 2.0 over one WebSocket: numbered requests, answers in any order.

The caller is told exactly how far a request got, because a transaction must never be sent twice by
accident: `NotSent` means that not a byte of the request left; `AnswerLost` means that it may have arrived.
"""

from __future__ import annotations

import asyncio
import json
from itertools import count
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI
from websockets.protocol import State

MAX_MESSAGE_BYTES: Final = 64 * 2**20
"""The largest answer that is read. A full block in JSON is around a megabyte."""
KEEP_ALIVE_SECONDS: Final = 30


class NotSent(Exception):
    """The request did not leave: the connection could not be made, or was closed before."""


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

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, url: str, *, timeout_seconds: float) -> JsonRpcConnection:
        """Connects. Raises `NotSent` with the reason."""
        try:
            socket = await connect(
                url,
                open_timeout=timeout_seconds,
                close_timeout=1,
                compression=None,
                max_size=MAX_MESSAGE_BYTES,
                ping_interval=KEEP_ALIVE_SECONDS,
                # A busy node answers pings late; only the request's own timeout decides.
                ping_timeout=None,
                proxy=None,
            )
        except (OSError, asyncio.TimeoutError, InvalidHandshake, InvalidURI) as error:
            raise NotSent(_reason(error)) from error
        return cls(socket)

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

    async def call(self, method: str, params: Any = None, *, timeout_seconds: float) -> Any:
        """The result. Raises `NotSent`, `AnswerLost`, or `RpcError`."""
        if not self.is_open:
            raise NotSent("the connection is closed")
        number = next(self._numbers)
        request = {"jsonrpc": "2.0", "method": method, "id": number}
        if params is not None:
            request["params"] = params
        future = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            answer = await asyncio.wait_for(self._exchange(request, future), timeout_seconds)
        except asyncio.TimeoutError:
            raise TimedOut(f"no answer to {method} within {timeout_seconds:g} s") from None
        except ConnectionClosed as error:
            raise AnswerLost(_reason(error)) from error
        finally:
            del self._waiting[number]
            _retire(future)
        return _result(answer)

    async def _exchange(
        self, request: dict[str, Any], future: asyncio.Future[dict[str, Any]]
    ) -> dict[str, Any]:
        await self._socket.send(json.dumps(request))
        return await future

    async def _read(self) -> None:
        try:
            async for message in self._socket:
                answer = json.loads(message)
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


def _retire(future: asyncio.Future[Any]) -> None:
    """Ends a wait; asks for an error that nobody awaited, so that asyncio does not print it."""
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
    if isinstance(error, asyncio.TimeoutError):
        return "no answer in time"
    if isinstance(error, ConnectionRefusedError) or "Connect call failed" in str(error):
        return "connection refused"
    return str(error) or type(error).__name__
