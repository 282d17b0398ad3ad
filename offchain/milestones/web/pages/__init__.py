"""The pages for people. `routes` are the application's; what guards it (`web/guard.py`) guards them as well.

They show what the services answer, as the API does, and in words. Whatever is signed or sent goes through the
API, from `static/pages.js`.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from milestones.errors import MilestonesError, NotFound
from milestones.look.pages import stylesheet
from milestones.web.pages import claim, creator, distribution, oracles, overview, statements
from milestones.web.pages.rendering import refusal

_KINDS: Final = {"js": "text/javascript", "css": "text/css"}
_FILES: Final = (
    "asking.js",
    "blake2b.js",
    "files.js",
    "following.js",
    "news.js",
    "pages.css",
    "pages.js",
    "wallet.js",
    "words.js",
)


def routes() -> list[BaseRoute]:
    """Where the pages are, and what they are made with."""
    return [
        Route("/", overview.overview, name="overview"),
        Route("/d/{distribution}", distribution.distribution, name="page"),
        Route("/d/{distribution}/claim", claim.claim, name="claim_page"),
        Route("/d/{distribution}/oracles", oracles.oracles, name="oracles_page"),
        Route("/d/{distribution}/oracles/milestone", oracles.milestone, name="milestone_page"),
        Route("/d/{distribution}/oracles/statement", statements.statement, name="statement_page"),
        Route("/d/{distribution}/oracles/proposal", oracles.proposal, name="proposal_page"),
        Route("/d/{distribution}/oracles/propose", oracles.propose, name="propose_page"),
        Route("/d/{distribution}/creator", creator.creator, name="creator_page"),
        Route("/d/{distribution}/creator/transaction", creator.signing, name="signing_page"),
        Route("/d/{distribution}/{file}", distribution.download, name="download"),
        Route("/static/{file}", _file, name="file"),
    ]


def error_page(request: Request, error: MilestonesError, status: int) -> Response:
    """The answer to a person where something is wrong; `error` is as outsiders may see it."""
    return refusal(request, error, status)


async def _file(request: Request) -> Response:
    """The stylesheets and scripts. Raises `NotFound` for any other name."""
    text = _text_of(request.path_params["file"])
    kind = _KINDS[request.path_params["file"].rpartition(".")[2]]
    return Response(text, media_type=kind, headers={"Cache-Control": "no-cache"})


@cache
def _text_of(name: str) -> str:
    if name == "look.css":
        return stylesheet()
    if name not in _FILES:
        raise NotFound("there is no such file", hint="the pages begin at /")
    return (resources.files("milestones.web") / "static" / name).read_text(encoding="utf-8")
