"""Speaks to the control interface of a running chain."""

from __future__ import annotations

from typing import Any, Final

import httpx

from milestones.errors import (
    InsufficientFunds,
    InvalidInput,
    MilestonesError,
    NotFound,
    ServiceUnavailable,
)

TIMEOUT_SECONDS: Final = 120.0
"""Ten thousand blocks on a slow disk take a while."""

MAX_PORT: Final = 65_535

_SERVICE: Final = "the embedded chain's control interface"


class ControlClient:
    """One running chain, by the URL of its control interface, as its first line says.

    Raises `InvalidInput` for what is no such URL.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        try:
            read = httpx.URL(self.url)
            right = read.scheme == "http" and read.host and 0 < (read.port or 80) <= MAX_PORT
        except httpx.InvalidURL:
            right = False
        if not right:
            raise InvalidInput(
                f"{url[:80]!r} is not the address of a control interface",
                path="control_url",
                hint="give the control_url of the chain's first line, such as http://127.0.0.1:1338",
            )

    def get(self, name: str) -> dict[str, Any]:
        """What `GET /name` answers. Raises `ServiceUnavailable`, and whatever the chain says."""
        return self._ask("GET", name, None)

    def post(self, name: str, **arguments: Any) -> dict[str, Any]:
        """What `POST /name` answers; arguments that are None are left out. Raises as `get` does."""
        return self.post_all(
            name, {key: value for key, value in arguments.items() if value is not None}
        )

    def post_all(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """What `POST /name` answers to just these arguments. Raises as `get` does."""
        return self._ask("POST", name, arguments)

    def _ask(self, method: str, name: str, body: dict[str, Any] | None) -> dict[str, Any]:
        try:
            # No proxy stands between a chain and its owner.
            with httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
                answer = client.request(method, f"{self.url}/{name}", json=body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._unavailable(str(error) or type(error).__name__) from None
        try:
            found = answer.json()
        except ValueError:
            found = None
        if isinstance(found, dict) and answer.is_success:
            return found
        if isinstance(found, dict) and isinstance(found.get("error"), dict):
            raise _reported(answer.status_code, found["error"])
        raise self._unavailable(f"status {answer.status_code} and no answer of its kind")

    def _unavailable(self, reason: str) -> ServiceUnavailable:
        return ServiceUnavailable(
            _SERVICE,
            self.url,
            reason,
            hint="start the chain with `milestones devnet`, or give the control_url of its first line",
        )


def _reported(status: int, error: dict[str, Any]) -> MilestonesError:
    """The chain's own error again, of the kind that gives the same exit code."""
    message, hint = str(error.get("message", "")), str(error.get("hint", ""))
    details = error.get("details")
    known = details if isinstance(details, dict) else {}
    if status == 503:
        return ServiceUnavailable(
            str(known.get("service", _SERVICE)),
            str(known.get("url", "")),
            str(known.get("reason", message)),
            hint=hint,
        )
    if status == 404:
        return NotFound(message, hint=hint, details=known)
    if error.get("code") == InsufficientFunds.code:
        needed, held = known.get("required_lovelace", 0), known.get("available_lovelace", 0)
        return InsufficientFunds("the faucet", needed, held, hint=hint)
    return InvalidInput(message, hint=hint, details=known)
