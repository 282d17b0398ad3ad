"""One conversation with Ogmios: connects when needed, asks again what may be asked again.

An idle connection is closed by the server after 90 s, and nothing tells before the next request. So a
query whose connection was lost is repeated once, on a new connection. Whatever changes the chain goes
through `once`, which never repeats.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from milestones.clients.json_rpc import (
    AnswerLost,
    JsonRpcConnection,
    NotSent,
    TimedOut,
)
from milestones.clients.ogmios_errors import unavailable

PING_TIMEOUT_SECONDS: Final = 5.0
Answer = TypeVar("Answer")


class OgmiosSession:
    """Keeps one connection to `url`, shared by all that ask at the same time."""

    def __init__(self, url: str, *, timeout_seconds: float) -> None:
        self.url = url
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
                raise unavailable(self.url, str(lost)) from lost
        try:
            return await self._attempt(questions)
        except (NotSent, AnswerLost) as lost:
            raise unavailable(self.url, f"the connection was lost twice: {lost}") from lost

    async def once(self, method: str, params: Any) -> Any:
        """The result of a request that must never be repeated.

        Raises `ServiceUnavailable` if it did not leave, `AnswerLost` if it left without an answer, `RpcError`.
        """
        connection = await self._connected()
        if not await connection.responds(timeout_seconds=PING_TIMEOUT_SECONDS):
            await self._drop(connection)
            connection = await self._connected()
        try:
            return await connection.call(method, params, timeout_seconds=self.timeout_seconds)
        except NotSent as error:
            raise unavailable(self.url, str(error)) from error
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
                self._connection = await connect(self.url, timeout_seconds=self.timeout_seconds)
            return self._connection

    async def _drop(self, connection: JsonRpcConnection) -> None:
        if self._connection is connection:
            self._connection = None
        await connection.close()


async def connect(url: str, *, timeout_seconds: float) -> JsonRpcConnection:
    """A new connection. Raises `ServiceUnavailable` with the reason and how to start Ogmios."""
    try:
        return await JsonRpcConnection.open(url, timeout_seconds=timeout_seconds)
    except NotSent as error:
        raise unavailable(url, str(error)) from error
