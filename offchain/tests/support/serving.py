"""A server on a real socket over a chain of its own, and a client that asks as a page does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from milestones.services.backend import Backend
from milestones.testing.distribution import OpenDistribution
from milestones.web.server import RunningServer, running
from milestones.web.serving import Serving
from milestones.web.settings import ServeSettings
from milestones.web.tokens import TOKEN_HEADER


@dataclass(frozen=True)
class ServedDistribution:
    """An open distribution that is served, and who asks."""

    opened: OpenDistribution
    server: RunningServer
    serving: Serving
    http: httpx.AsyncClient

    @property
    def path(self) -> str:
        """Where the distribution is in the API."""
        (served,) = self.serving.distributions
        return f"/api/v1/distributions/{served.key}"

    async def get(self, path: str, **query: Any) -> Any:
        """What a `GET` answers, which must be 200."""
        answer = await self.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: Any, *, status: int = 200) -> Any:
        """What a `POST` with a token answers, which must have this status."""
        headers = {TOKEN_HEADER: self.serving.tokens.new()[0]}
        answer = await self.http.post(path, json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()


@asynccontextmanager
async def serving_of(backend: Backend, settings: ServeSettings) -> AsyncIterator[Any]:
    """A running server over these connections, what it knows, and a client of it."""
    serving = Serving.of(settings, backend)
    async with (
        running(serving) as server,
        httpx.AsyncClient(base_url=server.url, timeout=60) as http,
    ):
        yield server, serving, http


@asynccontextmanager
async def serve(opened: OpenDistribution, **settings: Any) -> AsyncIterator[ServedDistribution]:
    """The distribution, served on a free port; `settings` are `ServeSettings`'."""
    chosen = ServeSettings(distributions=(opened.distribution.address,), **{"port": 0, **settings})
    async with serving_of(opened.backend, chosen) as (server, serving, http):
        yield ServedDistribution(opened, server, serving, http)
