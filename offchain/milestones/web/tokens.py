"""Tokens against forged requests: whoever changes something has read a page, or an answer, of this server.

Nobody is logged in, so a token stands for no person: it shows that the request isn't one that a page of
another origin had a browser send. Such a page can neither read a token nor send its header.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from milestones.web.answers import RequestRefused

TOKEN_HEADER: Final = "X-Milestones-Token"  # noqa: S105 - its name
LIFETIME_SECONDS: Final = 12 * 3_600


@dataclass(frozen=True, slots=True)
class Tokens:
    """Makes and checks tokens: `<POSIX seconds until when>.<MAC>`. `secret` has 32 bytes.

    The secret is in the data directory: a restart makes no open page worthless.
    """

    secret: bytes
    clock: Callable[[], float] = time.time

    def new(self) -> tuple[str, int]:
        """A token, and until when it is good (POSIX seconds)."""
        until = int(self.clock()) + LIFETIME_SECONDS
        return f"{until}.{self._mac(until)}", until

    def check(self, token: str | None) -> None:
        """Raises `RequestRefused` (403) for one that is missing, too old, or none of ours."""
        until, _, mac = (token or "").partition(".")
        good = until.isascii() and until.isdigit() and len(until) < 20
        if good and hmac.compare_digest(self._mac(int(until)).encode(), mac.encode()):
            if int(until) >= self.clock():
                return
            words = "the token is too old"
        else:
            words = "a token is missing, or is none of this server's"
        raise RequestRefused(
            403,
            words,
            path=TOKEN_HEADER,
            hint=f"ask for one: GET /api/v1/token, and send it in the header {TOKEN_HEADER}",
        )

    def _mac(self, until: int) -> str:
        text = f"token {until}".encode()
        return blake2b(text, key=self.secret, digest_size=24).hexdigest()
