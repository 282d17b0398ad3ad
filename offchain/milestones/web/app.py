"""The application: pages and API over one set of connections, behind one guard."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from milestones.errors import MilestonesError, NotFound
from milestones.web import pages
from milestones.web.answers import RequestRefused, error_answer, shown, status_of
from milestones.web.api import operations, paying
from milestones.web.guard import API, CLAIM_PATH, Guard
from milestones.web.serving import Serving

_LOG: Final = logging.getLogger(__name__)


def application(serving: Serving, more: Sequence[BaseRoute] = ()) -> ASGIApp:
    """The application over these connections, which stay the caller's; `more` is what it answers beside."""

    @asynccontextmanager
    async def alive(app: Starlette) -> AsyncIterator[None]:
        app.state.serving = serving
        yield

    app = Starlette(
        routes=[*operations.routes(), *more, *pages.routes()],
        exception_handlers={
            MilestonesError: _refused,
            HTTPException: _not_routed,
            Exception: _failed,
        },
        lifespan=alive,
    )
    app.router.redirect_slashes = False
    app.state.serving = serving
    return Guard(app, serving.settings, serving.tokens, _answer, serving.requests.note)


def _answer(request: Request, error: MilestonesError) -> Response:
    if request.url.path.startswith(CLAIM_PATH):
        return paying.refused(error)
    if request.url.path.startswith(API):
        return error_answer(error)
    return pages.error_page(request, shown(error), status_of(error))


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, MilestonesError):
        raise AssertionError("it is handled elsewhere")
    return _answer(request, error)


async def _not_routed(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException) and error.status_code == 405:
        refused = RequestRefused(405, f"{request.method} is not answered here", path="method")
        answer = _answer(request, refused)
        answer.headers.update(error.headers or {})
        return answer
    return _answer(
        request,
        NotFound("there is nothing here", hint="GET /api/v1/openapi.json lists what there is"),
    )


async def _failed(request: Request, error: Exception) -> Response:
    fault = MilestonesError(f"{type(error).__name__}: {error}")
    fault.__cause__ = error
    return _answer(request, fault)
