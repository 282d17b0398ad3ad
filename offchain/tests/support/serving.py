"""A server on a real socket over a chain of its own, and a client that asks as a page does."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx
import jsonschema_rs

from milestones.services.backend import Backend
from milestones.testing.distribution import OpenDistribution
from milestones.web.api.operations import document
from milestones.web.guard import CLAIM_PATH
from milestones.web.server import RunningServer, running
from milestones.web.serving import Serving
from milestones.web.settings import ServeSettings
from milestones.web.tokens import TOKEN_HEADER


def _closed(schema: Any) -> Any:
    """The same schema, where no object has a field that it doesn't name."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(value) for name, value in schema.items()}
    if isinstance(closed.get("properties"), dict) and "type" in closed:
        closed.setdefault("additionalProperties", False)
    return closed


@cache
def _components() -> Any:
    return _closed(document()["components"])


@cache
def _operation_at(method: str, path: str) -> Any:
    for template, methods in document()["paths"].items():
        if re.fullmatch(re.sub("{.*?}", "[^/]+", template), path):
            return methods.get(method.lower())
    return None


@cache
def _validator(reference: str) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for({"$ref": reference, "components": _components()})


def must_be_described(method: str, path: str, status: int, answer: Any) -> None:
    """An answer of the API is as the OpenAPI document has it: its status, and each of its fields."""
    operation = _operation_at(method, path)
    if operation is None:
        assert status in (403, 404, 405, 414), (method, path, status)
        kind = "ClaimRefused" if path.startswith(CLAIM_PATH) else "Error"
        schema = f"#/components/schemas/{kind}"
    else:
        described = operation["responses"][str(status)]
        if "$ref" in described:
            described = document()["components"]["responses"][described["$ref"].split("/")[-1]]
        schema = described["content"]["application/json"]["schema"]["$ref"]
    _validator(schema).validate(answer)


async def _check(response: httpx.Response) -> None:
    path = response.request.url.path
    if path.startswith("/api/") and response.headers.get("content-type") == "application/json":
        await response.aread()
        if not path.endswith("/openapi.json"):
            must_be_described(response.request.method, path, response.status_code, response.json())


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
        httpx.AsyncClient(
            base_url=server.url, timeout=60, event_hooks={"response": [_check]}
        ) as http,
    ):
        yield server, serving, http


@asynccontextmanager
async def serve(opened: OpenDistribution, **settings: Any) -> AsyncIterator[ServedDistribution]:
    """The distribution, served on a free port; `settings` are `ServeSettings`'."""
    chosen = ServeSettings(distributions=(opened.distribution.address,), **{"port": 0, **settings})
    async with serving_of(opened.backend, chosen) as (server, serving, http):
        yield ServedDistribution(opened, server, serving, http)
