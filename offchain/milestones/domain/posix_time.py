"""The one place where POSIX seconds (files, command line) and milliseconds (the chain) meet.

People write seconds, as the mission's files do; the ledger's script context and so every datum holds
milliseconds. A mix-up is a factor of a thousand: milliseconds read as seconds vest in the year 50000.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Final

LATEST_POSIX_SECONDS: Final = 7_258_118_400
"""The beginning of 2200. A larger number of seconds is in another unit, or nobody lives to see it."""


def to_posix_ms(posix_seconds: int) -> int:
    """Milliseconds, the unit of the chain, of a moment in seconds."""
    return posix_seconds * 1000


def to_posix_seconds(posix_ms: int) -> int:
    """Seconds of a moment in milliseconds, rounded down; exact for all that this program writes."""
    return posix_ms // 1000


def in_words(posix_seconds: int) -> str:
    """A moment as people read it, in UTC; any integer, also one that no calendar reaches."""
    try:
        return datetime.fromtimestamp(posix_seconds, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return f"{posix_seconds} s after 1970"


_MOMENT: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ]([0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(?:\.0+)? ?(Z|UTC|[+-][0-9]{2}:?[0-9]{2})?)?",
    re.IGNORECASE,
)


def read_moment(text: str, *, without_zone: str | None = None) -> int:
    """POSIX seconds out of a number of them, or an ISO 8601 time; a date alone is its midnight in UTC.

    `without_zone` is the zone of a time that names none, such as `Z`; None: such a time is refused. Raises
    ValueError that says, in words that follow the text, what it is not.
    """
    if re.fullmatch(r"[0-9]{1,18}", text):
        return int(text)
    parts = _MOMENT.fullmatch(text)
    if parts is None:
        ambiguous = re.fullmatch(r"[0-9]{1,2}[/.\-][0-9]{1,2}[/.\-][0-9]{2,4}", text)
        raise ValueError("is a date that is read in two ways" if ambiguous else "is no time")
    day, clock, zone = parts.groups()
    zone = zone or ("Z" if clock is None else without_zone)
    if zone is None:
        raise ValueError("is a time without its zone")
    offset = "+00:00" if zone.upper() in ("Z", "UTC") else zone
    if len(offset) == 5:
        offset = f"{offset[:3]}:{offset[3:]}"
    try:
        return int(datetime.fromisoformat(f"{day}T{clock or '00:00'}{offset}").timestamp())
    except ValueError:
        raise ValueError("is in no calendar") from None


_UNITS: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def duration_in_words(seconds: int) -> str:
    """A period as people read it, such as `7 days` or `1 day 12 hours`; exact."""
    words = " ".join(_parts(abs(seconds))) or "0 seconds"
    return f"minus {words}" if seconds < 0 else words


def about(seconds: int) -> str:
    """How long it is until something, as people say it: the two largest units, rounded down."""
    return " ".join(_parts(max(0, seconds))[:2]) or "no time"


def _parts(seconds: int) -> list[str]:
    parts, left = [], seconds
    for name, length in _UNITS:
        count, left = divmod(left, length)
        if count:
            parts.append(f"{count} {name}{'' if count == 1 else 's'}")
    return parts
