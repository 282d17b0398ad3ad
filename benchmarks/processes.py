"""How long a process takes from its start to its end, and how much memory: measured from a small one.

A child's peak counts what its parent held when it started, so that a benchmark full of data would measure
itself: the launcher is a Python that has loaded nothing else.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LAUNCHER: Final = """
import json, os, resource, subprocess, sys, time
started = time.perf_counter()
done = subprocess.run(sys.argv[2:], cwd=sys.argv[1], stdin=subprocess.DEVNULL, capture_output=True,
    text=True)
wall = time.perf_counter() - started
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([done.returncode, done.stdout, done.stderr[-2000:], wall, used.ru_utime + used.ru_stime,
    used.ru_maxrss / 1024]))
"""
NOTHING: Final = (sys.executable, "-c", "pass")
"""What everything that starts a process is set beside."""


@dataclass(frozen=True)
class Ran:
    """A process that has ended well: what it printed; seconds by the clock and of the processor; peak MiB."""

    stdout: str
    wall_s: float
    busy_s: float
    peak_mib: float


def run(
    command: Sequence[str], folder: Path = Path(), environment: Mapping[str, str] | None = None
) -> Ran:
    """Runs a command to its end. Ends the benchmark where it fails."""
    launched = subprocess.run(
        [sys.executable, "-I", "-S", "-c", LAUNCHER, str(folder), *command],
        env=dict(os.environ if environment is None else environment),
        capture_output=True,
        check=True,
        text=True,
    )
    code, stdout, stderr, *figures = json.loads(launched.stdout)
    if code:
        raise SystemExit(f"{' '.join(command)} ended with {code}: {stdout}{stderr}")
    return Ran(stdout, *figures)


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(values)


def median_ratio(measured: Sequence[Ran], beside: Sequence[Ran]) -> float:
    """How many times the processor time of others that ran in turn with it, the median of all pairs."""
    pairs = zip(measured, beside, strict=True)
    return statistics.median(one.busy_s / other.busy_s for one, other in pairs)
