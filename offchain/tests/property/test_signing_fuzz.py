"""Damaged keys, envelopes, witnesses, transactions: read or refused, soon. `make fuzz` has a million."""

from __future__ import annotations

from tests.support.signing_fuzz import fuzz

COUNT = 5_000
MOST_GROWTH_KIB = 64 * 1024
LONGEST_S = 5.0


def test_whatever_comes_back_is_read_or_refused() -> None:
    report = fuzz(2026, COUNT)
    assert report.outcomes.total() == COUNT
    kinds = {kind.partition(":")[0] for kind in report.outcomes}
    for kind in kinds:
        assert report.outcomes[f"{kind}: refused"] > 0, kind
    assert report.outcomes["transaction: read"] > 50
    assert report.outcomes["signatures: read"] > 20
    assert report.slowest_s < LONGEST_S
    assert report.memory[-1] - report.memory[0] < MOST_GROWTH_KIB
