"""Seconds and milliseconds: one conversion."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milestones.domain.posix_time import (
    in_words,
    to_posix_ms,
    to_posix_seconds,
)


@given(st.integers(-(10**12), 10**12))
def test_there_and_back(seconds: int) -> None:
    assert to_posix_seconds(to_posix_ms(seconds)) == seconds


def test_the_missions_example() -> None:
    assert to_posix_ms(1735689600) == 1735689600000


@pytest.mark.parametrize(
    ("posix_ms", "seconds"), [(1, 0), (1735689600999, 1735689600), (1735689601000, 1735689601)]
)
def test_parts_of_a_second_are_rounded_down(posix_ms: int, seconds: int) -> None:
    assert to_posix_seconds(posix_ms) == seconds


@pytest.mark.parametrize(
    ("posix_seconds", "words"),
    [(1735689600, "2025-01-01 00:00:00 UTC"), (10**18, "1000000000000000000 s after 1970")],
)
def test_a_moment_in_words(posix_seconds: int, words: str) -> None:
    assert in_words(posix_seconds) == words
