"""How long lists are registered, and how one person's row is found, proven and paid out of them.

The program runs as processes on the embedded chain; the run is that of series.py, on lists of several lengths.
"""

from __future__ import annotations

import asyncio
from typing import Final

from figures import Block, Cell, Column, Table, Words
from plots import Line, Plot
from processes import NOTHING, Ran, median, run
from series import measure
from series_figures import CLAIM_PROCESS, FOUND_COLD, FOUND_WARM, MADE_ANEW, PLAIN, Figures, Step

from milestones.domain.paging import MOST_ALLOCATIONS

SMALLEST, USUAL, LONGEST = (192,), (1_000, 10_000, MOST_ALLOCATIONS), 1_000_000
CLAIMS: Final = 5
"""Each a process of its own; the median counts. As many bare starts of Python follow those of each list."""


def lists(*, full: bool = False, smallest: bool = False) -> list[Block]:
    """Lists of several lengths; `full` has the million."""
    sizes = SMALLEST if smallest else (*USUAL, LONGEST) if full else USUAL
    found, starts = [], []
    for size in sizes:
        found.append(_measured(size, 1 if smallest else CLAIMS))
        starts += [run(NOTHING) for _ in range(CLAIMS)]
    return [*_registering(found), *_claiming(found, starts)]


def _measured(size: int, claims: int) -> Figures:
    part = min(MOST_ALLOCATIONS, -(-size // 64) * 64)
    return asyncio.run(measure(size, claims + 1, part_size=part, processes=claims))


def _registering(found: list[Figures]) -> list[Block]:
    rows: list[list[Cell]] = []
    for each in found:
        step, plain = each.step("register-milestone"), _plain(each)
        anew = each.step(MADE_ANEW)
        rows.append(
            [
                each.rows,
                each.distributions,
                step.cpu_seconds,
                plain,
                step.cpu_seconds / plain,
                step.wall_seconds,
                step.peak_mib,
                each.index_mib,
                anew.wall_seconds,
            ]
        )
    largest = rows[-1]
    heads = [
        Column("allocations"),
        Column("distributions"),
        Column("processor time (s)", 2),
        Column("bare loop (s)", 3),
        Column("times the loop", 1),
        Column("by the clock (s)", 2),
        Column("peak (MiB)"),
        Column("index (MiB)", 1),
        Column("index made anew (s)", 2),
    ]
    return [
        Words(
            f"Registering {largest[0]:,} allocations takes {largest[4]:,.1f} times as long as a bare loop"
            " that does nothing but as many hashes, the start of the program and its imports counted in."
        ),
        Plot(
            "performance-register",
            "Registering a list, beside a bare loop of as many hashes",
            "allocations",
            "seconds of processor",
            [
                Line(
                    "register-milestone",
                    [(each.rows, each.step("register-milestone").cpu_seconds) for each in found],
                ),
                Line("bare loop of hashes", [(each.rows, _plain(each)) for each in found]),
            ],
            f"Registering {largest[0]:,} allocations takes {largest[2]:.2f} seconds of processor, a bare loop"
            f" of as many hashes {largest[3]:.2f}; {rows[0][0]:,} allocations take {rows[0][2]:.2f} seconds.",
            log_across=True,
            log_up=True,
        ),
        Table(heads, rows),
    ]


def _plain(figures: Figures) -> float:
    return figures.step(PLAIN).cpu_seconds


def _claiming(found: list[Figures], starts: list[Ran]) -> list[Block]:
    bare, rows = median([each.wall_s for each in starts]), list[list[Cell]]()
    for each in found:
        claims = [step for step in each.steps if step.name == CLAIM_PROCESS]
        wall, status = median([step.wall_seconds for step in claims]), each.step("check-status")
        cold, warm = (
            1_000 * each.step(found_in).wall_seconds for found_in in (FOUND_COLD, FOUND_WARM)
        )
        cpu = median([step.cpu_seconds for step in claims])
        row: list[Cell] = [each.rows, cold, warm, wall, wall / bare, cpu, _peak(claims)]
        rows.append([*row, status.wall_seconds, status.peak_mib])
    heads = [
        Column("allocations"),
        Column("find and prove, index opened (ms)", 1),
        Column("index open (ms)", 2),
        Column("a claim, start to accepted (s)", 2),
        Column("times a bare start"),
        Column("its processor time (s)", 2),
        Column("its peak (MiB)"),
        Column("check-status (s)", 2),
        Column("its peak (MiB)"),
    ]
    first, last = rows[0], rows[-1]
    return [
        Words(
            f"A claim out of {last[0]:,} allocations, from the start of the process until the node has"
            f" accepted it, takes {last[3]:.2f} s; out of {first[0]:,} it takes {first[3]:.2f} s. A Python that"
            f" does nothing takes {bare:.3f} s in the same run."
        ),
        Plot(
            "performance-claim-time",
            "A claim, from the process' start until it is accepted",
            "allocations",
            "seconds by the clock",
            [
                Line("submit-release", [(each[0], each[3]) for each in rows]),  # type: ignore[misc]
                Line("check-status", [(each[0], each[7]) for each in rows]),  # type: ignore[misc]
                Line("python -c pass", [(each.rows, bare) for each in found]),
            ],
            f"A claim takes {first[3]:.2f} seconds out of {first[0]:,} allocations and {last[3]:.2f} out of"
            f" {last[0]:,}; a bare start of Python {bare:.3f}.",
            log_across=True,
        ),
        Table(heads, rows),
    ]


def _peak(steps: list[Step]) -> float:
    return max(step.peak_mib or 0 for step in steps)
