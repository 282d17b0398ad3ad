"""What holds for every request, page or API, before anything is done for it.

Who asks: by which name of this machine, from which page, how often. What a browser may do with the answer.
A page of another origin can have a browser send requests here, and a name of its own can be made to point at
this machine (DNS rebinding): `Host` and `Origin` show it, and a page can't set them.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from milestones.listening import host_name, is_own
from milestones.web.answers import RequestRefused
from milestones.web.settings import ServeSettings
from milestones.web.tokens import TOKEN_HEADER, Tokens

API: Final = "/api/"
CLAIM_PATH: Final = "/api/v1/cip99/"
"""Where wallets claim by CIP-99, whatever page or program they are of: codes say what may be done."""
HEALTH_PATH: Final = "/health"
METRICS_PATH: Final = "/metrics"
OPERATORS: Final = (HEALTH_PATH, METRICS_PATH)
"""What whoever runs a public server asks on its own machine, past the proxy."""
SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
METHODS: Final = frozenset({*SAFE_METHODS, "POST", "OPTIONS"})
MOST_TARGET_BYTES: Final = 8_192
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'"
    " data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    # A stricter one would take the origin out of a form's request.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(slots=True)
class Rates:
    """How often each address may ask: so many a second, and ten times as many at once."""

    per_second: int | None
    _left: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)
    clock: Callable[[], float] = time.monotonic

    MOST_ADDRESSES: Final = 10_000

    def take(self, address: str) -> None:
        """Counts one request. Raises `RequestRefused` (429)."""
        if self.per_second is None:
            return
        now, most = self.clock(), 10.0 * self.per_second
        left, seen = self._left.pop(address, (most, now))
        left = min(most, left + (now - seen) * self.per_second)
        self._left[address] = (max(0.0, left - 1), now)
        while len(self._left) > self.MOST_ADDRESSES:
            self._left.popitem(last=False)
        if left < 1:
            raise RequestRefused(
                429,
                "too many requests from this address",
                hint="wait a second",
                retry_after_seconds=1,
            )


class Guard:
    """The outermost part of the application. `answer` is how a refusal is answered; `note` hears of each
    request's kind, status and seconds.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: ServeSettings,
        tokens: Tokens,
        answer: Callable[[Request, RequestRefused], Response],
        note: Callable[[str, int, float], None],
    ) -> None:
        self._app, self._settings, self._tokens = app, settings, tokens
        self._answer, self._note = answer, note
        self._rates = Rates(settings.rate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; a WebSocket is none of ours."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        # Who answers a refusal finds the application here, as handlers do.
        scope["app"] = self._app
        request, started = Request(scope), time.monotonic()
        shared = self._shared_with(request)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in {**HEADERS, **shared}.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
                headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
                kind = _kind_of(request.url.path)
                self._note(kind, message["status"], time.monotonic() - started)
            await send(message)

        try:
            self._check(request)
        except RequestRefused as refused:
            await self._answer(request, refused)(scope, receive, with_headers)
            return
        if request.method == "OPTIONS":
            await _preflight(shared)(scope, receive, with_headers)
            return
        await self._app(scope, receive, with_headers)

    def _check(self, request: Request) -> None:
        self._must_be_ours(request)
        if request.method not in METHODS:
            raise RequestRefused(405, f"{request.method[:20]} is not answered", path="method")
        target = request.scope.get("raw_path") or b""
        if len(target) + len(request.scope["query_string"]) > MOST_TARGET_BYTES:
            raise RequestRefused(414, "the address that is asked for is too long", path="query")
        if not request.url.path.startswith(CLAIM_PATH):
            self._must_be_of_own_page(request)
            if request.method == "POST":
                self._tokens.check(request.headers.get(TOKEN_HEADER))
        client = request.client.host if request.client else ""
        self._rates.take(client)

    def _must_be_ours(self, request: Request) -> None:
        host = request.headers.get("host", "")
        own = is_own(host, self._settings.host)
        if self._settings.public_url is not None:
            is_public_name = host.lower() == urlsplit(self._settings.public_url).netloc
            path = request.url.path
            own = (is_public_name and path != METRICS_PATH) or (own and path in OPERATORS)
        if not own:
            raise RequestRefused(
                403,
                f"{host_name(host)[:80]!r} is not the name of this server",
                path="Host",
                hint="use the address that `milestones serve` printed; behind a proxy, pass Host on",
            )

    def _own_origins(self, request: Request) -> frozenset[str]:
        if self._settings.public_url is not None:
            return frozenset({self._settings.public_url})
        return frozenset({f"http://{request.headers.get('host', '').lower()}"})

    def _must_be_of_own_page(self, request: Request) -> None:
        origin = request.headers.get("origin")
        if origin is None:
            # A page can have pictures and scripts asked for without saying whose it is.
            site = request.headers.get("sec-fetch-site", "none")
            if site in ("none", "same-origin") or not request.url.path.startswith(API):
                return
            origin = site
        if origin not in self._settings.allowed_origins | self._own_origins(request):
            raise RequestRefused(
                403,
                f"a page of another origin asks: {origin[:80]!r}",
                path="Origin",
                hint="only this server's own pages may, programs, and origins that it was given with"
                " --allow-origin",
            )

    def _shared_with(self, request: Request) -> dict[str, str]:
        """What lets pages of other origins read the answer, where they may (CORS)."""
        origin = request.headers.get("origin")
        if request.url.path.startswith(CLAIM_PATH):
            return {
                "Access-Control-Allow-Origin": "*",
                "Cross-Origin-Resource-Policy": "cross-origin",
            }
        if origin is None or origin not in self._settings.allowed_origins:
            return {"Vary": "Origin"}
        return {
            "Access-Control-Allow-Origin": origin,
            "Cross-Origin-Resource-Policy": "cross-origin",
            "Vary": "Origin",
        }


def _kind_of(path: str) -> str:
    if path.startswith(CLAIM_PATH):
        return "claim"
    return "api" if path.startswith(API) else "page"


def _preflight(shared: Mapping[str, str]) -> Response:
    headers: dict[str, str] = {}
    if "Access-Control-Allow-Origin" in shared:
        headers = {
            "Access-Control-Allow-Methods": "GET, POST",
            "Access-Control-Allow-Headers": f"Content-Type, {TOKEN_HEADER}",
            "Access-Control-Max-Age": "600",
        }
    return Response(status_code=204, headers=headers)
