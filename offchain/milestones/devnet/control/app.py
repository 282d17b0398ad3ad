"""The control interface. Described in `openapi.json` beside this file, served at `/openapi.json`."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from milestones.devnet.control import pages
from milestones.devnet.control.actions import ACTIONS, Controlled, state
from milestones.devnet.http_body import read_body
from milestones.errors import InvalidInput, MilestonesError, NotFound

_STATUS: Final = {NotFound: 404, InvalidInput: 400}
_HINT: Final = "see /openapi.json"
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


class ControlApp:
    """The ASGI application."""

    def __init__(self, devnet: Controlled) -> None:
        self._devnet = devnet

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        body = await read_body(request)
        try:
            if body is None:
                raise InvalidInput("the body is too long")
            response = self._respond(request.method, request.url.path, body)
        except MilestonesError as error:
            status = next((n for kind, n in _STATUS.items() if isinstance(error, kind)), 409)
            response = _refusal(request, error, status)
        # The pages need nothing but their own style: whatever a transaction could smuggle in, nothing runs.
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        await response(scope, receive, send)

    def _respond(self, method: str, path: str, body: bytes) -> Response:
        action = ACTIONS.get(path)
        if action is None:
            page = self._page(path)
            return page if method in ("GET", "HEAD") else _wrong_method(method, path, "GET")
        if method != "POST":
            return _wrong_method(method, path, "POST")
        return JSONResponse(action(self._devnet, _arguments(body)))

    def _page(self, path: str) -> Response:
        chain = self._devnet.chain
        if path == "/":
            return HTMLResponse(pages.overview(chain))
        if path == "/state":
            return JSONResponse(state(self._devnet))
        if path == "/openapi.json":
            text = resources.files("milestones.devnet.control").joinpath("openapi.json").read_text()
            return Response(text, media_type="application/json")
        kind, _, name = path.removeprefix("/").partition("/")
        if kind == "block" and name.isdecimal() and len(name) < 19:
            return HTMLResponse(pages.block(chain, int(name)))
        if kind == "transaction" and len(name) == 64:
            return HTMLResponse(pages.transaction(chain, name))
        raise NotFound(f"there is nothing at {path}", hint=f"start at /, or {_HINT}")


def _refusal(request: Request, error: MilestonesError, status: int) -> Response:
    """JSON for programs, a page for browsers."""
    if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
        return HTMLResponse(pages.refusal(error.message, error.hint or ""), status)
    return JSONResponse({"error": error.to_json()}, status)


def _wrong_method(method: str, path: str, right: str) -> Response:
    wrong = InvalidInput(f"{path} takes {right}, not {method}", hint=_HINT)
    return JSONResponse({"error": wrong.to_json()}, 405, {"Allow": right})


def _arguments(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise InvalidInput("the body must be a JSON object")
    return value
