"""The pages for people. `routes` are the application's; what guards it (`web/guard.py`) guards them as well.

A handler finds what it shows in `serving_of(request)`, and puts `serving.tokens.new()` into the page for the
script's requests.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute

from milestones.errors import MilestonesError


def routes() -> list[BaseRoute]:
    """Where the pages are, and what they are made with."""
    return []


def error_page(request: Request, error: MilestonesError, status: int) -> Response:
    """The answer to a person where something is wrong; `error` is as outsiders may see it."""
    del request
    return PlainTextResponse(f"{error.message}\n{error.hint}\n", status)
