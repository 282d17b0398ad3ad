"""How errors are answered: the program's own, with the same codes and hints, and an HTTP status each."""

from __future__ import annotations

import json
import logging
from typing import Any, Final

from starlette.responses import Response

from milestones.errors import (
    ChainRejected,
    InsufficientFunds,
    InvalidConfiguration,
    InvalidInput,
    MilestonesError,
    NotAllowedYet,
    NotFound,
    OutcomeUnknown,
    ServiceUnavailable,
)

_LOG: Final = logging.getLogger(__name__)
JSON: Final = "application/json"


class RequestRefused(InvalidInput):
    """A request that isn't looked at any further; `status` is HTTP's."""

    code = "request_refused"

    def __init__(
        self,
        status: int,
        message: str,
        *,
        path: str = "",
        hint: str = "",
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(message, path=path, hint=hint)
        self.status, self.retry_after_seconds = status, retry_after_seconds


_STATUSES: Final[tuple[tuple[type[MilestonesError], int], ...]] = (
    (InvalidConfiguration, 500),
    (InvalidInput, 400),
    (ServiceUnavailable, 503),
    (NotFound, 404),
    (NotAllowedYet, 409),
    (InsufficientFunds, 409),
    (ChainRejected, 422),
    (OutcomeUnknown, 504),
)
RETRY_SECONDS: Final = 5
"""After how long it is worth while to ask again where a service is away."""


def status_of(error: MilestonesError) -> int:
    """The HTTP status of an error."""
    if isinstance(error, RequestRefused):
        return error.status
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)


def shown(error: MilestonesError) -> MilestonesError:
    """The error as people outside may see it: where the services are, and the server's files, is not theirs.

    What is left out is in the server's log.
    """
    if isinstance(error, ServiceUnavailable):
        _LOG.warning("%s", error.message)
        less = MilestonesError(
            f"{error.service} is not available to this server",
            hint="try again in a minute",
            details={"service": error.service, "may_pass": error.may_pass},
        )
    elif status_of(error) == 500:
        _LOG.error("%s", error.message, exc_info=error)
        less = MilestonesError(
            "something went wrong in this server", hint="whoever runs it finds more in its log"
        )
    else:
        return error
    # One class per code: an instance's own would be another mechanism.
    return _with_code(less, error.code)


def _with_code(error: MilestonesError, code: str) -> MilestonesError:
    error.__dict__["code"] = code
    return error


def error_answer(error: MilestonesError) -> Response:
    """The answer of the API to an error: `{"error": {...}}`, as the command line prints it."""
    headers = {}
    if isinstance(error, ServiceUnavailable):
        headers["Retry-After"] = str(RETRY_SECONDS)
    if isinstance(error, RequestRefused) and error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    return json_answer({"error": shown(error).to_json()}, status_of(error), headers)


def json_answer(
    value: Any, status: int = 200, headers: dict[str, str] | None = None, media_type: str = JSON
) -> Response:
    """A JSON answer of plain values."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Response(
        body.encode("utf-8", "backslashreplace"), status, headers=headers, media_type=media_type
    )
