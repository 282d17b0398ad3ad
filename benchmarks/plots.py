"""A plot as SVG: points and lines over one axis, readable on light and on dark paper, and without colours.

The drawing brings its own paper, so that it can be read wherever it is put. Colours follow the reader's
preference. Each line has a colour, a mark of its own shape, and its name at its end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 92, 44, 76, 58
"""What stands around the lines: numbers, names, the title with the lines' names, the horizontal axis."""
LABEL_WIDTH: Final = 7.1
"""Of a letter at the size of labels, at most."""
COLOURS: Final = (("#1b5cab", "#8bbaf6"), ("#855300", "#e5b75c"), ("#1f7a66", "#6fcbad"))
"""On light and on dark paper, as the project's pages have them."""
SHAPES: Final = (
    "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0z",
    "M-4 -4h8v8h-8z",
    "M0 -5.5L5 4H-5z",
)
STYLE: Final = """
svg { color-scheme: light dark; font: 13px system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
.paper { fill: #fff; } text { fill: #1d2125; } .quiet { fill: #585f68; }
.title { font-size: 16px; font-weight: 600; }
.grid { stroke: #dedbd3; stroke-width: 1; } .axis { stroke: #585f68; stroke-width: 1; }
.line { fill: none; stroke-width: 2; }
"""
DARK: Final = """
.paper { fill: #1c2024; } text { fill: #e9e7e2; } .quiet { fill: #a5abb4; }
.grid { stroke: #30353b; } .axis { stroke: #a5abb4; }
"""


@dataclass(frozen=True)
class Line:
    """A line of a plot by name: its points, from left to right."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Plot:
    """A drawing: its file's name, its title, what the axes count, and its lines, up to three.

    `alt` says in words what is seen.
    """

    name: str
    title: str
    across: str
    up: str
    lines: Sequence[Line]
    alt: str
    log_across: bool = False
    log_up: bool = False

    def svg(self) -> str:
        """The drawing, ending with a line break."""
        xs = [x for line in self.lines for x, _ in line.points]
        ys = [y for line in self.lines for _, y in line.points]
        across, up = _axis(xs, log=self.log_across), _axis(ys, log=self.log_up, from_zero=True)

        def x_of(value: float) -> float:
            return LEFT + across.share(value) * (WIDTH - LEFT - RIGHT)

        def y_of(value: float) -> float:
            return HEIGHT - BOTTOM - up.share(value) * (HEIGHT - TOP - BOTTOM)

        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
            f' aria-labelledby="title words">',
            f'<title id="title">{escape(self.title)}</title>',
            f'<desc id="words">{escape(self.alt)}</desc>',
            f"<style>{STYLE}{_colours(0)}@media (prefers-color-scheme: dark) {{{DARK}{_colours(1)}}}</style>",
            f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}" rx="6"/>',
            f'<text class="title" x="16" y="27">{escape(self.title)}</text>',
        ]
        for tick in up.ticks:
            y = y_of(tick)
            parts.append(
                f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
                f'<text class="quiet" x="{LEFT - 8}" y="{y + 4.5:.1f}" text-anchor="end">{_number(tick)}</text>'
            )
        for tick in across.ticks:
            x = x_of(tick)
            parts.append(
                f'<path class="axis" d="M{x:.1f} {HEIGHT - BOTTOM}v5"/>'
                f'<text class="quiet" x="{x:.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">'
                f"{_number(tick)}</text>"
            )
        parts += [
            f'<path class="axis" d="M{LEFT} {HEIGHT - BOTTOM}H{WIDTH - RIGHT}"/>',
            f'<text class="quiet" x="{WIDTH - RIGHT}" y="{HEIGHT - 14}" text-anchor="end">'
            f"{escape(self.across)}</text>",
            f'<text class="quiet" x="16" y="{TOP - 12}">{escape(self.up)}</text>',
        ]
        at = LEFT + LABEL_WIDTH * len(self.up) - 20
        for number, line in enumerate(self.lines):
            marks = "".join(
                f'<path class="mark{number}" d="{SHAPES[number]}"'
                f' transform="translate({x_of(x):.1f} {y_of(y):.1f})"/>'
                for x, y in line.points
            )
            route = "L".join(f"{x_of(x):.1f} {y_of(y):.1f}" for x, y in line.points)
            parts.append(f'<path class="line line{number}" d="M{route}"/>{marks}')
            parts.append(
                f'<path class="mark{number}" d="{SHAPES[number]}" transform="translate({at:.1f} {TOP - 16})"/>'
                f'<text x="{at + 11:.1f}" y="{TOP - 12}">{escape(line.name)}</text>'
            )
            at += LABEL_WIDTH * len(line.name) + 34
        return "\n".join([*parts, "</svg>"]) + "\n"


@dataclass(frozen=True)
class _Axis:
    low: float
    high: float
    ticks: Sequence[float]
    log: bool

    def share(self, value: float) -> float:
        """How far along the axis a value is, 0 to 1."""
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


def _axis(values: Sequence[float], *, log: bool, from_zero: bool = False) -> _Axis:
    low, high = min(values), max(values)
    if log:
        return _log_axis(low, high)
    if from_zero:
        low = 0
    step = 10.0 ** math.floor(math.log10((high - low) or 1))
    step = next(each for each in (step / 5, step / 2, step, 2 * step) if (high - low) / each <= 7)
    first, last = math.floor(low / step), math.ceil(high / step)
    ticks = [step * n for n in range(first, last + 1)]
    return _Axis(ticks[0], ticks[-1], ticks, log=False)


def _log_axis(low: float, high: float) -> _Axis:
    """Ends at 1, 2 or 5 times a power of ten. Shows these where there are few powers, else the powers."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = [digit * 10.0**decade for decade in decades for digit in (1, 2, 5)]
    first = max(step for step in steps if step <= low)
    last = min(step for step in steps if step >= high and step > first)
    powers = [10.0**decade for decade in decades if first <= 10.0**decade <= last]
    fine = [step for step in steps if first <= step <= last]
    return _Axis(first, last, fine if len(fine) <= 9 else powers, log=True)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.3g}"


def _colours(paper: int) -> str:
    return "".join(
        f".line{number} {{ stroke: {pair[paper]}; }} .mark{number} {{ fill: {pair[paper]}; }}\n"
        for number, pair in enumerate(COLOURS)
    )
