"""Flame graphs as SVG: each frame as wide as what it and all that it called took, callees below callers.

Positions are shares of the width, and sizes of letters are pixels: it can be read on any screen. There are
no scripts in it, and nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any, Final

from milestones.devnet.control.plutus_text import printable
from milestones.devnet.ledger.plutus.profile import CLOSING_MARK, LABEL_MARK

ROW_PIXELS: Final = 20
HEAD_PIXELS: Final = 44
NARROWEST: Final = 0.001
"""Share of the width below which a frame is left out."""
NARROWEST_NAMED: Final = 0.02

STYLE_PATH: Final = "/flame.css"
"""Where a page has the style from: no style may stand in it."""
# Dark letters on light frames, in light and dark surroundings: contrasts of 9 and more.
STYLE: Final = (
    ".flame{color-scheme:light dark;background:Canvas;font:12px system-ui,sans-serif}"
    ".flame text{fill:#111}.flame .head{fill:CanvasText}"
    ".flame rect{stroke:Canvas;fill:#cbd5e1}.flame .function rect{fill:#fbbf77}"
    ".flame .check rect{fill:#86dba5}.flame .builtin rect{fill:#9cc8fb}"
)
_LEGEND: Final = (
    ("script", "script"),
    ("function", "function i_n"),
    ("check", "check, by its label"),
    ("builtin", "built-in"),
)


class _Frame:
    """A frame with what is inside it, by name."""

    __slots__ = ("children", "units")

    def __init__(self) -> None:
        self.units = 0
        self.children: dict[str, _Frame] = {}


def flame_graph(
    stacks: Iterable[Mapping[str, Any]], measure: str, name: str, *, styled: bool = True
) -> str:
    """The SVG document of stacks: rows with `frames` and with units under `measure`, `cpu` or `memory`.

    `name` has to differ between graphs of one page. One that isn't `styled` is for a page with `STYLE`.
    """
    whole = _gathered(stacks, measure)
    unit = "steps" if measure == "cpu" else "units of memory"
    frames = list(_drawn(whole, unit))
    height = HEAD_PIXELS + ROW_PIXELS * (1 + max((level for level, _ in frames), default=-1))
    style = f"<style>{STYLE}</style>" if styled else ""
    title = f"Flame graph: {whole.units:,} {unit}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="flame" role="img" width="100%" height="{height}"'
        f' aria-labelledby="{name}-title {name}-description"><title id="{name}-title">{title}</title>'
        f'<desc id="{name}-description">Each frame is as wide as what it took with all below it, which it'
        f" called. Frames under a thousandth are left out. The tables have the same in figures.</desc>"
        f'{style}<text class="head" x="4" y="15">{title}</text>{_legend()}'
        f"{''.join(drawn for _, drawn in frames)}</svg>\n"
    )


def _gathered(stacks: Iterable[Mapping[str, Any]], measure: str) -> _Frame:
    whole = _Frame()
    for stack in stacks:
        frame, units = whole, stack[measure]
        frame.units += units
        for name in stack["frames"]:
            frame = frame.children.setdefault(name, _Frame())
            frame.units += units
    return whole


def _drawn(whole: _Frame, unit: str) -> Iterator[tuple[int, str]]:
    """(level, element) of each frame that is wide enough, callers before callees."""
    waiting: list[tuple[_Frame, int, int]] = [(whole, 0, 0)]
    while waiting:
        outer, level, position = waiting.pop()
        children = sorted(outer.children.items(), key=lambda each: (-each[1].units, each[0]))
        for name, frame in children:
            share = frame.units / whole.units if whole.units else 0
            if share >= NARROWEST:
                left = position / whole.units
                kind = _kind(name, level, frame.children)
                yield level, _element(name, kind, (left, share), level, f"{frame.units:,} {unit}")
                waiting.append((frame, level + 1, position))
            position += frame.units


def _kind(name: str, level: int, children: Mapping[str, _Frame]) -> str:
    if name.startswith(LABEL_MARK):
        return "check"
    if name.startswith("i_"):
        return "function"
    return "builtin" if level and not children else "script"


def _element(name: str, kind: str, place: tuple[float, float], level: int, units: str) -> str:
    """An SVG of its own for each frame, whose border cuts a name that is too long."""
    left, share = place
    shown = escape(printable(name))
    # The colour says that it is a check: its few visible letters are kept for what is checked.
    short = shown.removeprefix(LABEL_MARK).removesuffix(CLOSING_MARK).removeprefix("expect ")
    text = f'<text x="4" y="14">{short}</text>' if share >= NARROWEST_NAMED else ""
    top = HEAD_PIXELS + level * ROW_PIXELS
    return (
        f'<svg class="{kind}" x="{left:.3%}" y="{top}" width="{share:.3%}" height="{ROW_PIXELS}">'
        f"<title>{shown}: {units}, {share:.1%}</title>"
        f'<rect width="100%" height="100%"/>{text}</svg>'
    )


def _legend() -> str:
    parts: Sequence[str] = [
        f'<svg class="{kind}" x="{4 + 135 * place}" y="22" width="135" height="18">'
        f'<rect width="12" height="12" y="2"/><text class="head" x="18" y="12">{text}</text></svg>'
        for place, (kind, text) in enumerate(_LEGEND)
    ]
    return "".join(parts)
