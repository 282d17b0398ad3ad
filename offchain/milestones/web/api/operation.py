"""One thing that can be asked of the API: its path, what it takes, what it answers, and who does it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal, TypeVar, get_args

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from milestones.domain.reading import Record, read_record
from milestones.errors import InvalidEncoding, InvalidInput
from milestones.notation import parse_json
from milestones.web.answers import JSON, RequestRefused, json_answer
from milestones.web.serving import Served, Serving

PREFIX: Final = "/api/v1"
MOST_BODY_BYTES: Final = 256 * 1024
"""A wallet of some thousand outputs, or a claim file of a thousand allocations."""
BODY_SECONDS: Final = 20.0
"""How long a body may take to come."""
R = TypeVar("R", bound=Record)


def serving_of(request: Request) -> Serving:
    """What the server knows."""
    serving = request.app.state.serving
    if not isinstance(serving, Serving):
        raise AssertionError("the application was started")
    return serving


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, read and checked."""

    serving: Serving
    path: Mapping[str, str]
    query: Any = None
    body: Any = None

    @property
    def served(self) -> Served:
        """The distribution that the path names. Raises `NotFound`."""
        return self.serving.served(self.path["distribution"])


Perform = Callable[[Asked], Awaitable[BaseModel]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation. `name` is its id in the OpenAPI document; `summary` and `description` are for readers.

    `query` and `body` are the records that it takes, `answer` is the model of what it returns.
    """

    media_type: ClassVar[str] = JSON

    method: Literal["GET", "POST"] = "GET"
    path: str
    name: str
    summary: str
    description: str = ""
    perform: Perform
    answer: type[BaseModel]
    query: type[Record] | None = None
    body: type[Record] | None = None

    @property
    def whole_path(self) -> str:
        """With the version."""
        return PREFIX + self.path

    def route(self) -> Route:
        """Where it is asked for."""
        return Route(self.whole_path, self._handle, methods=[self.method], name=self.name)

    async def _handle(self, request: Request) -> Response:
        query = _query(request, self.query)
        body = None if self.body is None else await read_body(request, self.body)
        asked = Asked(serving_of(request), request.path_params, query, body)
        answer = await self.perform(asked)
        return json_answer(answer.model_dump(mode="json"))


def _query(request: Request, model: type[Record] | None) -> Record | None:
    given: dict[str, Any] = {}
    for name, text in request.query_params.multi_items():
        if name in given:
            raise InvalidInput("this is given twice", path=name, hint="give it once")
        given[name] = text
    if model is None:
        if given:
            raise InvalidInput(
                "nothing is to be given here", path=next(iter(given)), hint="leave it out"
            )
        return None
    for name, field in model.model_fields.items():
        text = given.get(name, "")
        is_number = int in (field.annotation, *get_args(field.annotation))
        if is_number and text.isascii() and text.isdigit() and len(text) < 20:
            given[name] = int(text)
    return read_record(model, given, InvalidInput)


async def read_body(request: Request, model: type[R]) -> R:
    """The record in a body. Raises `RequestRefused`, and `InvalidInput` with the fields' paths."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        raise RequestRefused(
            415,
            "the body must be JSON, and say so",
            path="Content-Type",
            hint="send the header Content-Type: application/json",
        )
    try:
        value = parse_json((await bounded_body(request, MOST_BODY_BYTES)).decode())
    except ValueError as error:
        raise InvalidEncoding(f"is not JSON: {error}", path="body") from None
    if not isinstance(value, dict):
        raise InvalidInput("is not a JSON object", path="body", hint="send an object")
    return read_record(model, value, InvalidInput)


async def bounded_body(request: Request, most: int) -> bytes:
    """The body, of at most so many bytes. Raises `RequestRefused`: 413, and 408 where it comes too slowly."""

    async def whole() -> bytes:
        raw = bytearray()
        async for chunk in request.stream():
            raw += chunk
            if len(raw) > most:
                raise RequestRefused(
                    413, f"the body is over {most} bytes", path="body", hint="send less"
                )
        return bytes(raw)

    try:
        return await asyncio.wait_for(whole(), BODY_SECONDS)
    except asyncio.TimeoutError:
        raise RequestRefused(408, "the body comes too slowly", path="body") from None
