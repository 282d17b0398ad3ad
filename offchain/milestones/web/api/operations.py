"""Every operation of the API, and the document that describes them."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from milestones.web.answers import json_answer
from milestones.web.api import (
    claiming,
    creator,
    openapi,
    oracles,
    paying,
    proposals,
    reading,
    transactions,
    watching,
)

OPERATIONS: Final = (
    *reading.OPERATIONS,
    *claiming.OPERATIONS,
    *transactions.OPERATIONS,
    *oracles.OPERATIONS,
    *proposals.OPERATIONS,
    *creator.OPERATIONS,
    *paying.OPERATIONS,
)


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document."""
    return openapi.document(OPERATIONS)


async def _document(_request: Request) -> Response:
    return json_answer(document())


def routes() -> list[Route]:
    """Where all of it is."""
    return [
        *(each.route() for each in OPERATIONS),
        Route(openapi.PATH, _document),
        paying.CLAIM_ROUTE,
        *watching.ROUTES,
    ]
