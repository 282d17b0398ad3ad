"""Kupo's answers: JSON with its headers, and its errors `{"hint", "details"?}`."""

from __future__ import annotations

import json
from typing import Any, Final

from starlette.responses import Response

from milestones.errors import MilestonesError

JSON_TYPE: Final = "application/json;charset=utf-8"


class Refusal(MilestonesError):
    """A request that is answered with an error. `status` is the HTTP status."""

    code = "kupo_refusal"

    def __init__(self, status: int, hint: str) -> None:
        super().__init__(hint, hint=hint)
        self.status = status


TEXT_QUANTITIES_TYPE: Final = f"{JSON_TYPE};asset-quantity=string"
"""The type of JSON whose quantities are texts."""


def json_reply(value: Any, status: int = 200, media_type: str = JSON_TYPE) -> Response:
    """A JSON answer."""
    content = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    return Response(content, status, media_type=media_type)


def refusal_reply(refusal: Refusal) -> Response:
    """An error."""
    return json_reply({"hint": refusal.hint}, refusal.status)


def not_found() -> Refusal:
    """No such route."""
    return Refusal(404, "There is no such endpoint; look at the path.")


def wrong_method() -> Refusal:
    """The route is there, the method isn't: 406 in Kupo."""
    return Refusal(406, "This endpoint does not take this method.")


def bad_request(hint: str) -> Refusal:
    """Something is wrong with the request."""
    return Refusal(400, hint)
