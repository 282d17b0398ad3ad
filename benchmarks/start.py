"""How long the program takes to say what it can do, beside importing what its command line is made of.

    python benchmarks/start.py

Prints a line a command: the median of its processor time (user and system) in milliseconds, and how often that
is the time of `python -c "import typer, rich"` in the same run. The exit code is 1 where a help takes more than
2.5 times as long. Runs alternate, so that a busy machine slows all of them down.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
from typing import Final

RUNS: Final = 15
MOST: Final = 2.5
BASE: Final = ("-c", "import typer, rich")
COMMANDS: Final = (
    ("--help",),
    ("--version",),
    ("submit-release", "--help"),
    ("keys", "--help"),
    ("devnet", "faucet", "--help"),
    ("schema", "schedule"),
)


def main() -> int:
    """Measures and prints; the exit code."""
    lines: dict[tuple[str, ...], tuple[str, ...]] = {BASE: BASE}
    lines |= {each: ("-m", "milestones", *each) for each in COMMANDS}
    seconds: dict[tuple[str, ...], list[float]] = {name: [] for name in lines}
    for _ in range(RUNS):
        for name, arguments in lines.items():
            seconds[name].append(_processor_seconds(arguments))
    for name, measured in seconds.items():
        label = " ".join(name) if name == BASE else f"milestones {' '.join(name)}"
        print(
            f"{label:40}{statistics.median(measured) * 1000:8.0f} ms{_ratio(measured, seconds):8.2f}"
        )
    helps = [measured for name, measured in seconds.items() if name[-1] == "--help"]
    return 0 if all(_ratio(measured, seconds) <= MOST for measured in helps) else 1


def _ratio(measured: list[float], seconds: dict[tuple[str, ...], list[float]]) -> float:
    return statistics.median(a / b for a, b in zip(measured, seconds[BASE], strict=True))


def _processor_seconds(arguments: tuple[str, ...]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


if __name__ == "__main__":
    sys.exit(main())
