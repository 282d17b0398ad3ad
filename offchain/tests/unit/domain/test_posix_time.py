"""Seconds and milliseconds: one conversion, exact or refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milestones.domain.posix_time import (
    LATEST_POSIX_SECONDS,
    looks_like_milliseconds,
    to_posix_ms,
    to_posix_seconds,
)
from milestones.errors import InvalidEncoding


@given(st.integers(-(10**12), 10**12))
def test_there_and_back(seconds: int) -> None:
    assert to_posix_seconds(to_posix_ms(seconds)) == seconds


def test_the_missions_example() -> None:
    assert to_posix_ms(1735689600) == 1735689600000


@pytest.mark.parametrize("posix_ms", [1, 1735689600001, -1])
def test_parts_of_a_second_are_not_lost_silently(posix_ms: int) -> None:
    with pytest.raises(InvalidEncoding, match="whole second"):
        to_posix_seconds(posix_ms)


def test_what_is_taken_for_milliseconds() -> None:
    assert not looks_like_milliseconds(LATEST_POSIX_SECONDS)
    assert looks_like_milliseconds(LATEST_POSIX_SECONDS + 1)
    assert looks_like_milliseconds(to_posix_ms(1735689600))
