"""Codes by which a telephone's wallet claims (CIP-99): each says whose allocations it is for, and until when.

Nothing is kept of a code: who made it is shown by its MAC, which nobody else can make. Whoever has one can have
its beneficiary paid, and nobody else; so it is no secret, it only keeps strangers from having all paid.
"""

from __future__ import annotations

import base64
import hmac
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final
from urllib.parse import quote

from milestones.cardano.address import Address

LIFETIME_SECONDS: Final = 30 * 86_400
_TAG, _MAC = 8, 12


@dataclass(frozen=True, slots=True)
class Code:
    """What a code says: tags of the beneficiary's address and of a milestone, and until when (POSIX seconds).

    `milestone_tag` is zeros for all milestones.
    """

    until: int
    address_tag: bytes
    milestone_tag: bytes

    def is_of(self, address: Address) -> bool:
        """Whether it was made for this address."""
        return _tag(str(address)) == self.address_tag

    def milestone_among(self, milestones: Iterable[str]) -> str | None:
        """The milestone that it is for, of those there are; None: all."""
        if not any(self.milestone_tag):
            return None
        return next((each for each in milestones if _tag(each) == self.milestone_tag), None)


@dataclass(frozen=True, slots=True)
class Codes:
    """Makes and reads codes. `secret` has 32 bytes, and is kept in the data directory."""

    secret: bytes
    clock: Callable[[], float] = time.time

    def new(
        self, distribution_id: bytes, address: Address, milestone: str | None
    ) -> tuple[str, int]:
        """A code, and until when it is good. The same day has the same code."""
        until = (int(self.clock()) // 86_400 + 1) * 86_400 + LIFETIME_SECONDS
        tag = bytes(_TAG) if milestone is None else _tag(milestone)
        content = until.to_bytes(6, "big") + _tag(str(address)) + tag
        raw = content + self._mac(distribution_id, content)
        return base64.b32encode(raw).decode().rstrip("=").lower(), until

    def read(self, distribution_id: bytes, text: str) -> Code | None:
        """What a code says, whether it has expired or not; None for one that was never made here."""
        try:
            raw = base64.b32decode(text.upper() + "=" * (-len(text) % 8))
        except ValueError:
            return None
        # The last digit has bits to spare: only one writing of a code is the code.
        if base64.b32encode(raw).decode().rstrip("=").lower() != text.lower():
            return None
        content, mac = raw[:-_MAC], raw[-_MAC:]
        right = hmac.compare_digest(self._mac(distribution_id, content), mac)
        if not right or len(content) != 6 + 2 * _TAG:
            return None
        return Code(int.from_bytes(content[:6], "big"), content[6 : 6 + _TAG], content[6 + _TAG :])

    def _mac(self, distribution_id: bytes, content: bytes) -> bytes:
        about = b"code" + distribution_id + content
        return blake2b(about, key=self.secret, digest_size=_MAC).digest()


def _tag(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=_TAG).digest()


def claim_uri(faucet_url: str, code: str) -> str:
    """The link that a wallet opens: both arguments URL-encoded, as CIP-99 wants."""
    return f"web+cardano://claim/v1?faucet_url={quote(faucet_url, safe='')}&code={quote(code, safe='')}"
