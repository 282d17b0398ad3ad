"""What a run over a series finds: fees by their kind, what steps take, targets, books; in words and tables."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from milestones.cardano.hashes import blake2b_224
from milestones.testing.cast import ADA
from milestones.testing.processes import PROGRAM, program_environment
from milestones.testing.world import World

DEAREST_CLAIM_LOVELACE: Final = 302_000


@dataclass(frozen=True)
class Fees:
    """The fees of the transactions of a kind, in lovelace; `payments` is how many they pay together."""

    kind: str
    transactions: int
    sum_lovelace: int
    least_lovelace: int
    median_lovelace: int
    dearest_lovelace: int
    payments: int = 0

    @classmethod
    def of(cls, kind: str, fees: Sequence[int], payments: int = 0) -> Fees:
        """Of the fee of each."""
        middle = round(statistics.median(fees))
        return cls(kind, len(fees), sum(fees), min(fees), middle, max(fees), payments)


@dataclass(frozen=True)
class Step:
    """What a step took: seconds by the clock and of processor, its process' peak in MiB (None: not its own)."""

    name: str
    wall_seconds: float
    cpu_seconds: float
    peak_mib: float | None = None


@dataclass(frozen=True)
class Target:
    """A row of the table of targets: what was wanted, and what this run reached."""

    what: str
    target: float
    reached: float
    unit: str

    @property
    def met(self) -> bool:
        """Whether it was."""
        return self.reached <= self.target


@dataclass
class Figures:
    """Everything that a run found. Amounts in lovelace and in the token's smallest unit."""

    rows: int
    claims: int
    distributions: int = 0
    attested_in: int = 0
    index_mib: float = 0.0
    fees: list[Fees] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    books: dict[str, int] = field(default_factory=dict)

    def step(self, name: str) -> Step:
        """The step of this name."""
        return next(each for each in self.steps if each.name == name)

    def dearest(self, kind: str) -> int:
        """The dearest fee of a kind."""
        return next(each.dearest_lovelace for each in self.fees if each.kind == kind)


class Ran(NamedTuple):
    """A command's result, and what it took."""

    json: Any
    step: Step


async def run(world: World, name: str, *arguments: str, key: str | None = None) -> Ran:
    """A command of the program as a process of its own, which must succeed."""
    return await asyncio.to_thread(_run, world, name, arguments, key)


def _run(world: World, name: str, arguments: Sequence[str], key: str | None) -> Ran:
    started = time.perf_counter()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as told:
        process = subprocess.Popen(
            (*PROGRAM, *arguments),
            cwd=world.directory,
            env=program_environment(**world.settings(key)),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=told,
        )
        peak, waiting = 0, threading.Event()
        while True:
            found, status, used = os.wait4(process.pid, os.WNOHANG)
            if found:
                break
            peak = max(peak, _peak_kib(process.pid))
            waiting.wait(0.02)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - started
        texts = []
        for file in (out, told):
            file.seek(0)
            texts.append(file.read().decode())
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)}: {texts[0]}{texts[1]}")
    step = Step(name, wall, used.ru_utime + used.ru_stime, peak / 1024)
    return Ran(json.loads(texts[0]) if texts[0].strip() else None, step)


def _peak_kib(pid: int) -> int:
    """The most memory that a process has had; 0 where the system doesn't say."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


@contextmanager
def timed(figures: Figures, name: str) -> Iterator[None]:
    """What a step in this process takes, the embedded chain's part in it included."""
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    figures.steps.append(Step(name, time.perf_counter() - wall, time.process_time() - cpu))


def plain_hashes_seconds(count: int) -> float:
    """Processor time of a bare loop that hashes so many leaves and as many nodes, which nothing can beat."""
    leaf, node, started = bytes(112), bytes(73), time.process_time()
    for _ in range(count):
        blake2b_224(leaf)
        blake2b_224(node)
    return time.process_time() - started


def judged(figures: Figures) -> None:
    """The targets, of what this run has measured."""
    registering, status = figures.step("register-milestone"), figures.step("check-status")
    plain = figures.step("a bare loop of as many hashes").cpu_seconds
    claim = [each for each in figures.steps if each.name == "single claim, its own process"]
    wall = statistics.median(each.wall_seconds for each in claim)
    cold, warm, anew = (
        figures.step(name).wall_seconds
        for name in (
            "find and prove one, index opened",
            "find and prove one, index open",
            "index made anew of the rows",
        )
    )
    figures.targets += [
        Target(
            "register: processor time beside a bare loop of hashes",
            12,
            registering.cpu_seconds / plain,
            "times",
        ),
        Target("register: by the clock", 6, registering.wall_seconds, "s"),
        Target("register: peak", 200, registering.peak_mib or 0, "MiB"),
        Target("index", 100, figures.index_mib, "MiB"),
        Target("find and prove, index opened for it", 10, 1_000 * cold, "ms"),
        Target("find and prove, median", 2, 1_000 * warm, "ms"),
        Target("claim, from the process' start to accepted", 0.7, wall, "s"),
        Target("check-status of the series", 0.6, status.wall_seconds, "s"),
        Target("check-status of the series: peak", 80, status.peak_mib or 0, "MiB"),
        Target("index made again", 8, anew, "s"),
        Target(
            "dearest single claim",
            DEAREST_CLAIM_LOVELACE / ADA,
            figures.dearest("single claim") / ADA,
            "ADA",
        ),
    ]


def markdown(figures: Figures) -> str:
    """All tables."""
    ada = "{:,.6f}".format
    lines = [
        f"{figures.rows:,} allocations in {figures.distributions} distributions, one milestone attested in"
        f" {figures.attested_in}, {figures.claims:,} single claims.",
        "",
        "| fees (ADA) | transactions | sum | least | median | dearest | for each payment |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for fees in figures.fees:
        amounts = (
            fees.sum_lovelace,
            fees.least_lovelace,
            fees.median_lovelace,
            fees.dearest_lovelace,
        )
        cells = " | ".join(ada(each / ADA) for each in amounts)
        payment = ada(fees.sum_lovelace / fees.payments / ADA) if fees.payments else ""
        lines.append(f"| {fees.kind} | {fees.transactions:,} | {cells} | {payment} |")
    lines += ["", "| step | s by the clock | s of processor | peak (MiB) |", "|---|---:|---:|---:|"]
    for step in figures.steps:
        peak = "" if step.peak_mib is None else f"{step.peak_mib:,.0f}"
        lines.append(
            f"| {step.name} | {step.wall_seconds:,.3f} | {step.cpu_seconds:,.3f} | {peak} |"
        )
    lines += ["", "| target | wanted | reached | met |", "|---|---:|---:|---|"]
    for each in figures.targets:
        lines.append(
            f"| {each.what} | {each.target:g} {each.unit} | {each.reached:,.4g} {each.unit}"
            f" | {'yes' if each.met else 'no'} |"
        )
    lines += ["", "| the books | |", "|---|---:|"]
    lines += [
        f"| {name.replace('_', ' ')} | {amount:,} |" for name, amount in figures.books.items()
    ]
    return "\n".join(lines)
