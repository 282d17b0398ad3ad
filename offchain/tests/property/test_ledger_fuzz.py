"""Hostile bytes for the ledger: it answers all, and keeps nothing of them. `make fuzz` has many more."""

from __future__ import annotations

import cbor2
import pytest

from tests.support.ledger_fuzz import fuzz
from tests.support.raw_transactions import minting

COUNT = 12_000
MOST_GROWTH_KIB = 96 * 1024


def test_the_ledger_answers_whatever_comes() -> None:
    answers, peaks = fuzz(2026, count=COUNT)
    assert {"not a transaction", "3100", "3117", "accepted"} <= answers.keys()
    assert peaks[-1] - peaks[0] < MOST_GROWTH_KIB


@pytest.mark.parametrize("constructor", ["0101", "0110"])
def test_a_constant_of_a_type_without_its_arguments(constructor: str) -> None:
    """`(con list …)` or `(con pair …)`, of nothing: found by fuzzing, malformed."""
    bits = "0100" + "1" + constructor + "0"
    flat = b"\x01\x01\x00" + int((bits + "1" * 22).ljust(32, "1"), 2).to_bytes(4, "big")
    failure = minting(3, cbor2.dumps(flat)).judge()
    assert failure is not None
    assert failure.rpc_code == 3116
