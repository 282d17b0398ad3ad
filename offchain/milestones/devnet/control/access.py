"""Who may speak to the control interface: programs, and the pages that it served itself.

A web page of another origin can have a browser send requests here, and a name of its own can be made to
point at this machine (DNS rebinding). Both show in headers that a page can't set: `Host` and `Origin`.
"""

from __future__ import annotations

from starlette.requests import Request

from milestones.errors import InvalidInput
from milestones.listening import host_name, is_own


class Forbidden(InvalidInput):
    """A request of another host or origin: 403."""


class WrongType(InvalidInput):
    """A body that isn't declared as what it must be: 415. Pages can send any type but JSON without asking."""


def check_access(request: Request, listening_on: str) -> None:
    """Raises `Forbidden`. `listening_on` is the host that the interface was given."""
    host = request.headers.get("host", "")
    if not is_own(host, listening_on):
        raise Forbidden(
            f"{host[:80]!r} is not the name of this chain's machine",
            path="Host",
            hint="use the control_url of the chain's first line, or start it with --host"
            f" {host_name(host)[:80]}",
        )
    origin = request.headers.get("origin")
    if origin is not None and origin.lower() != f"http://{host.lower()}":
        raise Forbidden(
            f"a page of {origin[:80]!r} asks",
            path="Origin",
            hint="only programs and the chain's own pages may",
        )


def check_type(request: Request, body: bytes) -> None:
    """Raises `WrongType` for a body of another type, or one that does not say its type."""
    given = request.headers.get("content-type")
    if given is None and not body:
        return
    if (given or "").partition(";")[0].strip().lower() != "application/json":
        raise WrongType(
            "the body must be JSON and say so",
            path="Content-Type",
            hint="send the header Content-Type: application/json",
        )


def check_form(request: Request) -> None:
    """Raises `Forbidden` or `WrongType`: a form is one of this chain's own pages, whose browser says so."""
    if request.headers.get("origin") is None:
        raise Forbidden(
            "a form that names no page", path="Origin", hint="programs POST JSON to /faucet"
        )
    given = request.headers.get("content-type", "")
    if given.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise WrongType("the body must be a form's", path="Content-Type", hint="see /openapi.json")
