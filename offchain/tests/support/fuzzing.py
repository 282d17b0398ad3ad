"""Bytes and texts that a server was never meant to get: random ones, and right ones with something wrong."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

from tests.support.checkout import OFFCHAIN

REPORT_EVERY: Final = 100_000
"""Inputs after which the memory is looked at."""
ODD_VALUES: Final[tuple[Any, ...]] = (
    *(None, True, -1, 0, 1.5, 1e308, 1 << 63, -(1 << 200), "", "0", "\x00", "\ud7ff", "é" * 40),
    *([], {}, [[]], {"": None}, "00" * 28, "00" * 32, "ff" * 600, "84a0a0f5f6", "9f" * 700),
    *("origin", "*", "*/*", "addr1", "__proto__", [0] * 300),
)


@dataclass
class Report:
    """What became of the inputs; memory in KiB at the start and after each `REPORT_EVERY`; the slowest.

    The slowest is that which took most processor time: other programs are not its fault.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    memory: list[int] = field(default_factory=list)
    slowest_s: float = 0.0
    slowest: str = ""

    def note(self, outcome: Callable[[], str], what: Callable[[], str]) -> None:
        """Counts how one ended, and keeps what it was if none took longer."""
        started = time.process_time()
        self.outcomes[outcome()] += 1
        taken_s = time.process_time() - started
        if taken_s > self.slowest_s:
            self.slowest_s, self.slowest = taken_s, what()


class Damage:
    """One source of damage; the same seed gives the same damage."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - repeatable on purpose

    def noise(self, most: int = 200) -> bytes:
        """Any bytes at all."""
        return self.random.randbytes(self.random.randrange(most))

    def of_bytes(self, right: bytes) -> bytes:
        """Right bytes after one to four accidents."""
        for _ in range(self.random.randint(1, 4)):
            right = self.random.choice(_ACCIDENTS)(right, self)
        return right

    def of_text(self, right: str) -> str:
        """A right text after accidents, still a text."""
        return self.of_bytes(right.encode()).decode("utf-8", "replace")

    def of_json(self, right: Any) -> str:
        """The JSON of a value in which something stands in another's place."""
        return json.dumps(self._of_value(right))

    def _of_value(self, value: Any) -> Any:
        if self.random.random() < 0.15 or not value or not isinstance(value, (dict, list)):
            return self._instead_of(value)
        if isinstance(value, dict):
            name = self.random.choice(list(value))
            if self.random.random() < 0.1:
                return {key: each for key, each in value.items() if key != name}
            return {**value, name: self._of_value(value[name])}
        place = self.random.randrange(len(value))
        return [*value[:place], self._of_value(value[place]), *value[place + 1 :]]

    def _instead_of(self, value: Any) -> Any:
        if isinstance(value, str) and value and self.random.random() < 0.6:
            return self.of_text(value)
        if isinstance(value, int) and self.random.random() < 0.5:
            return value + self.random.choice((-1, 1, 1 << 32, -(1 << 64)))
        return self.random.choice(ODD_VALUES)

    def place(self, value: Sequence[Any]) -> int:
        """Somewhere in it, its end included."""
        return self.random.randrange(len(value) + 1)


def _flipped(right: bytes, damage: Damage) -> bytes:
    if not right:
        return right
    place = damage.random.randrange(len(right))
    bit = 1 << damage.random.randrange(8)
    return right[:place] + bytes((right[place] ^ bit,)) + right[place + 1 :]


def _cut(right: bytes, damage: Damage) -> bytes:
    return right[: damage.place(right)]


def _inserted(right: bytes, damage: Damage) -> bytes:
    place = damage.place(right)
    return right[:place] + damage.noise(8) + right[place:]


def _removed(right: bytes, damage: Damage) -> bytes:
    first, last = sorted((damage.place(right), damage.place(right)))
    return right[:first] + right[min(last, first + 12) :]


def _repeated(right: bytes, damage: Damage) -> bytes:
    first, last = sorted((damage.place(right), damage.place(right)))
    return right[:last] + right[first:last] * damage.random.randint(1, 3) + right[last:]


_ACCIDENTS: Final[tuple[Callable[[bytes, Damage], bytes], ...]] = (
    *(_flipped, _cut, _inserted, _removed, _repeated),
)


def requests_made(
    directory: Path,
    description: dict[str, Any],
    url: str,
    arguments: Sequence[str],
    hooks: str | None = None,
) -> int:
    """How many requests were made without anything found; an assertion with its report otherwise.

    `hooks` names a module that schemathesis loads.
    """
    (directory / "openapi.json").write_text(json.dumps(description))
    environment = {**os.environ, "NO_COLOR": "1"}
    if hooks is not None:
        environment |= {"SCHEMATHESIS_HOOKS": hooks, "PYTHONPATH": str(OFFCHAIN)}
    command = [sys.executable, "-m", "schemathesis.cli", "run", "openapi.json", "--url", url]
    settings = ["--seed", "2026", "--warnings", "off", "--no-shrink"]
    done = subprocess.run(
        [*command, *settings, *arguments],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = re.findall(r"(\d+) generated, \1 passed", done.stdout)
    return int(made)
