"""How long the program takes to say what it can do, beside a Python that does nothing."""

from __future__ import annotations

import sys
from typing import Final

from figures import Block, Column, Table, Words
from processes import NOTHING, Ran, median, median_ratio, run

RUNS: Final = 15
MOST: Final = 2.5
"""A help may take so many times as long as importing what the command line is made of."""
IMPORTS: Final = (sys.executable, "-c", "import typer, rich")
COMMANDS: Final = (
    ("--help",),
    ("--version",),
    ("submit-release", "--help"),
    ("keys", "--help"),
    ("devnet", "faucet", "--help"),
    ("schema", "schedule"),
)


def helps(*, smallest: bool = False) -> list[Block]:
    """Processor time, medians. Runs alternate, so that a busy machine slows all of them down."""
    lines = {"python -c pass": NOTHING, "python -c 'import typer, rich'": IMPORTS}
    for words in COMMANDS[: 1 if smallest else None]:
        lines[f"milestones {' '.join(words)}"] = (sys.executable, "-m", "milestones", *words)
    found: dict[str, list[Ran]] = {name: [] for name in lines}
    for _ in range(1 if smallest else RUNS):
        for name, command in lines.items():
            found[name].append(run(command))
    idle, imports, *_ = found.values()
    rows = [
        (
            f"`{name}`",
            1000 * median([each.busy_s for each in ran]),
            median_ratio(ran, idle),
            median_ratio(ran, imports),
        )
        for name, ran in found.items()
    ]
    asked = [
        row for row, command in zip(rows, lines.values(), strict=True) if command[-1] == "--help"
    ]
    slowest = max(row[3] for row in asked)
    return [
        Words(
            f"A help takes up to {slowest:.1f} times as long as importing typer and rich, which the command"
            f" line is made of (at most {MOST} is the rule), and {max(row[2] for row in asked):.0f} times as"
            " long as a Python that does nothing."
        ),
        Table(
            [
                Column("command", None),
                Column("processor time (ms)"),
                Column("times `pass`", 1),
                Column("times the imports", 2),
            ],
            rows,
        ),
    ]
