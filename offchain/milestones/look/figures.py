"""Numbers, moments and names as people read them. Nothing here knows HTML or a terminal."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, timezone
from typing import Final

ADA_DECIMALS: Final = 6
FUNGIBLE_LABELS: Final = (bytes.fromhex("0014df10"), bytes.fromhex("001bc280"))
"""Begin the name of a token of which there are many. Source: CIP-67, CIP-68, labels 333 and 444."""
HEAD, TAIL = 14, 8
"""Characters of an address that are shown: its kind and beginning, and its end."""


def amount(units: int, decimals: int | None = None) -> str:
    """A number of the smallest unit with separators; with decimals, every one of them, as `1,000.50`."""
    whole, fraction = divmod(abs(units), 10 ** (decimals or 0))
    sign = "-" if units < 0 else ""
    return f"{sign}{whole:,}" + (f".{fraction:0{decimals}}" if decimals else "")


def ada(lovelace: int) -> str:
    """An amount of ADA to the lovelace."""
    return f"{amount(lovelace, ADA_DECIMALS)} ADA"


def token_unit(policy_id: bytes, name: bytes) -> str:
    """What stands behind an amount: `ADA`, a name that is text, without a label of CIP-68, or hexadecimal."""
    if not policy_id:
        return "ADA"
    try:
        text = (name[4:] if name[:4] in FUNGIBLE_LABELS else name).decode()
    except UnicodeDecodeError:
        text = ""
    return text if text and text.isprintable() else short(name.hex()) or "(no name)"


def counted(count: int, one: str, several: str = "") -> str:
    """A number and its noun, such as `1 payment` or `1,200 payments`."""
    return f"{count:,} {one if count == 1 else several or one + 's'}"


def short(text: str) -> str:
    """An address or an id, shortened in the middle, where it differs least."""
    return text if len(text) <= HEAD + TAIL + 1 else f"{text[:HEAD]}…{text[-TAIL:]}"


def share(part: int, whole: int) -> str:
    """A part in percent, as a coordinate of SVG; 0 of nothing."""
    return f"{100 * part / whole if whole else 0:.3f}%"


def day(posix_seconds: int) -> str:
    """A day in UTC that no country reads otherwise: `4 Mar 2026`."""
    return _calendar(posix_seconds, "%d %b %Y").lstrip("0")


def month(posix_seconds: int) -> str:
    """A month in UTC: `March 2026`."""
    return _calendar(posix_seconds, "%B %Y")


def moment(posix_seconds: int) -> str:
    """A moment in UTC, rounded down to the minute: `4 Mar 2026, 09:00 UTC`."""
    return _calendar(posix_seconds, "%d %b %Y, %H:%M UTC").lstrip("0")


def second(posix_seconds: int) -> str:
    """A moment in UTC to the second: `4 Mar 2026, 09:00:12 UTC`."""
    return _calendar(posix_seconds, "%d %b %Y, %H:%M:%S UTC").lstrip("0")


def iso(posix_seconds: int) -> str:
    """A moment for programs, as ISO 8601."""
    return _calendar(posix_seconds, "%Y-%m-%dT%H:%M:%SZ")


def _calendar(posix_seconds: int, form: str) -> str:
    """In words of the calendar, or in seconds where no calendar reaches."""
    try:
        return datetime.fromtimestamp(posix_seconds, timezone.utc).strftime(form)
    except (OverflowError, ValueError, OSError):
        return f"{posix_seconds} s after 1970"


def visible(text: str) -> str:
    """Words of others, each character of which is seen: what would steer the page is shown as its code.

    Control characters, and those that turn the direction of writing or take no place, become `\\u202e` and
    the like. Line breaks and tabs are text, and stay.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else f"\\u{ord(c):04x}" for c in text)


def isolated(text: str) -> str:
    """A text from right to left is kept from turning what stands beside it; any other is as it was."""
    if text.isascii() or not any(unicodedata.bidirectional(c) in _RIGHT_TO_LEFT for c in text):
        return text
    return f"\N{FIRST STRONG ISOLATE}{text}\N{POP DIRECTIONAL ISOLATE}"


_RIGHT_TO_LEFT: Final = frozenset({"R", "AL", "AN"})
_MARKUP: Final = re.compile(
    r"[\\`*_\[\]<>|~&$@]|(?<=http):|(?<=https):|(?<=ftp):|(?<=www)\.", re.IGNORECASE
)


def markdown(text: str) -> str:
    """Words of others as Markdown that shows just these: no markup, no link, one line.

    No line may begin with them: a list, a heading or a rule could.
    """
    line = " ".join(visible(text).split())
    return isolated(_MARKUP.sub(lambda found: _ENTITIES.get(found[0], f"\\{found[0]}"), line))


_ENTITIES: Final = {":": "&#58;", ".": "&#46;"}
"""What makes a link of an address even without markup, and can't be escaped."""
