"""Amounts, addresses and tables as people read them, the same in every view."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from datetime import datetime, timezone
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from milestones.cardano.value import AssetId
from milestones.cli.output import Sentence, harmless
from milestones.domain.posix_time import in_words
from milestones.look.figures import ADA_DECIMALS, ada, amount, counted, short, token_unit

if TYPE_CHECKING:
    from milestones.services.registered_token import RegisteredToken

__all__ = [
    "ADA_DECIMALS",
    "ada",
    "amount",
    "counted",
    "dates",
    "figure",
    "happened",
    "heading",
    "labelled",
    "moment",
    "more",
    "of_token",
    "registered",
    "short",
    "table",
    "whole",
]


_REGISTERED: Final[ContextVar[Mapping[AssetId, RegisteredToken]]] = ContextVar(
    "registered", default=MappingProxyType({})
)


def registered(
    parts: Iterable[RenderableType], tokens: Mapping[AssetId, RegisteredToken]
) -> Iterator[RenderableType]:
    """A view whose amounts have the decimals that tokens are registered with; by whose word stands below."""
    before = _REGISTERED.set(tokens)
    try:
        yield from parts
        for token, known in tokens.items():
            decimals = counted(known.decimals, "decimal")
            yield Sentence(f"{token_unit(*token)} has {decimals}, as {known.source} says.", "dim")
    finally:
        _REGISTERED.reset(before)


def figure(units: int, policy_id: bytes, name: bytes, decimals: int | None = None) -> str:
    """As `of_token`, without the token's name: for a column, or where it was just named."""
    known = _REGISTERED.get().get(AssetId(policy_id, name))
    if decimals is None and known is not None:
        decimals = known.decimals
    return amount(units, decimals if policy_id else ADA_DECIMALS)


def of_token(units: int, policy_id: bytes, name: bytes, decimals: int | None = None) -> str:
    """An amount and its token's ticker or name; decimals are those that are given, else registered."""
    known = _REGISTERED.get().get(AssetId(policy_id, name))
    unit = (known.ticker if known else None) or token_unit(policy_id, name)
    return f"{figure(units, policy_id, name, decimals)} {unit}"


def moment(posix_seconds: int) -> str:
    """A moment in UTC to the minute, and in this machine's zone where that is another."""
    utc = in_words(posix_seconds)
    try:
        local = datetime.fromtimestamp(posix_seconds, timezone.utc).astimezone()
    except (OverflowError, ValueError, OSError):
        return utc
    shown = utc.removesuffix(":00 UTC") + " UTC" if utc.endswith(":00 UTC") else utc
    return shown if not local.utcoffset() else f"{shown} ({local:%Y-%m-%d %H:%M %Z})"


def dates(moments: Iterable[int]) -> str:
    """From when to when (POSIX seconds), in days of UTC; 0 is at once."""
    ordered = sorted(set(moments))
    first, last = (in_words(each)[:10] if each else "at once" for each in (ordered[0], ordered[-1]))
    return first if first == last else f"{first} to {last}"


def whole(text: str) -> Text:
    """What is copied: the line is never broken, whatever the terminal's width."""
    line = harmless(text)
    line.no_wrap = True
    return line


def happened(status: str, done: str) -> str:
    """What became of what a command sends, in words; `done` is what a block has then."""
    where = {
        "dry_run": "only as a dry run",
        "waiting_for_signatures": "once it is signed and sent",
        "submitted": "once a block has it",
        "confirmed": "in a block",
    }
    return f"{done}, {where.get(status, status.replace('_', ' '))}"


def labelled(*pairs: tuple[str, str]) -> Iterator[Text]:
    """A line each, never broken: a name, and what is copied; what is empty is left out."""
    shown = [(name, text) for name, text in pairs if text]
    width = max((len(name) for name, _ in shown), default=0)
    return (whole(f"{name:<{width}}  {text}") for name, text in shown)


def more(count: int, shown: int, one: str, several: str = "") -> Iterator[Text]:
    """How many of a list are not shown, if any."""
    if count > shown:
        yield harmless(f"and {counted(count - shown, one, several)} more: `--full`")


def table(
    headings: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numbers: Sequence[str] = (),
    header: bool = True,
) -> Table:
    """Columns without lines between them; those that are `numbers` stand to the right."""
    found = Table(
        box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0), show_header=header
    )
    for heading in headings:
        is_number = heading in numbers
        found.add_column(
            heading, justify="right" if is_number else "left", overflow="fold", no_wrap=is_number
        )
    for row in rows:
        found.add_row(*map(harmless, row))
    return found


def heading(text: str) -> Sentence:
    """The one sentence that a view begins with."""
    return Sentence(text, "bold")
