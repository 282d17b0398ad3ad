"""Damaged scripts for the evaluator: it ends them all, and keeps nothing. `make fuzz` has a million."""

from __future__ import annotations

from tests.support.script_fuzz import fuzz

COUNT = 5_000
MOST_GROWTH_KIB = 64 * 1024
LONGEST_S = 5.0
ENDS = {"malformed", "version", "open", "error", "function", "budget", "return", "succeeded"}


def test_the_evaluator_ends_whatever_comes() -> None:
    report = fuzz(2026, COUNT)
    assert report.outcomes.total() == COUNT
    assert report.outcomes.keys() - {"not supported"} == ENDS
    assert report.slowest_s < LONGEST_S
    assert report.memory[-1] - report.memory[0] < MOST_GROWTH_KIB
