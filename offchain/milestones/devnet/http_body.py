"""Reads the body of a request, up to a limit."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request

MAX_BODY_BYTES: Final = 16 * 1024 * 1024
"""Longest body that is read."""


async def read_body(request: Request) -> bytes | None:
    """The body; None where it is longer than `MAX_BODY_BYTES`."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)
