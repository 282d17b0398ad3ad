"""What can be claimed: each reason by itself, and the sums."""

from __future__ import annotations

from typing import Any
from unittest.mock import ANY

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milestones.cardano.address import Address, key_credential
from milestones.domain.claims import Amounts, amounts, claim_states
from milestones.domain.models import Allocation

VESTING = 1_735_689_600
BENEFICIARY = Address(0, key_credential(b"b" * 28))


def allocation(
    amount: int = 1000, milestone: str = "milestone-001", at: int = VESTING
) -> Allocation:
    return Allocation(
        beneficiary_address=BENEFICIARY,
        token_amount=amount,
        milestone_identifier=milestone,
        vesting_timestamp=at,
    )


@pytest.mark.parametrize(
    ("circumstances", "status", "reason"),
    [
        ({}, "claimable", "claimable"),
        ({"claimed": {7}}, "claimed", "already claimed"),
        ({"attested": set()}, "milestone_not_attested", "milestone not attested"),
        ({"attested": {"milestone-002"}}, "milestone_not_attested", "milestone not attested"),
        ({"now_posix_ms": VESTING * 1000 - 1}, "vesting", "vesting until 2025-01-01 00:00:00 UTC"),
        (
            {"attested": set(), "signed": {"milestone-001"}},
            "claimable",
            "claimable together with the oracles' signatures",
        ),
        ({"unpayable": {7: "too small"}}, "unpayable", "too small"),
        ({"unpayable": {7: "too small"}, "claimed": {7}}, "claimed", "already claimed"),
        ({"unpayable": {7: "too small"}, "attested": set()}, "milestone_not_attested", ANY),
        ({"closed": True, "unpayable": {7: "too small"}}, "closed", ANY),
        ({"closed": True}, "closed", "the distribution was closed"),
        ({"closed": True, "claimed": {7}}, "claimed", "already claimed"),
    ],
)
def test_one_allocation(circumstances: dict[str, Any], status: str, reason: str) -> None:
    usual: dict[str, Any] = {
        "claimed": set(),
        "attested": {"milestone-001"},
        "now_posix_ms": VESTING * 1000,
    }
    (state,) = claim_states({7: allocation()}, **{**usual, **circumstances})
    assert (state.index, state.status, state.reason) == (7, status, reason)
    assert state.claimable == (status == "claimable")


def test_now_is_in_milliseconds_and_vesting_in_seconds() -> None:
    (state,) = claim_states(
        {0: allocation()}, claimed=(), attested={"milestone-001"}, now_posix_ms=VESTING
    )
    assert not state.vesting_passed


def test_a_moment_beyond_the_calendar_is_still_shown() -> None:
    (state,) = claim_states(
        {0: allocation(at=10**15)}, claimed=(), attested={"milestone-001"}, now_posix_ms=0
    )
    assert state.reason == "vesting until 1000000000000000 s after 1970"


def test_sums_by_what_has_become_of_them() -> None:
    known = {0: allocation(1), 1: allocation(10), 2: allocation(100, "milestone-002")}
    known[3] = allocation(1000, at=VESTING + 1)
    states = claim_states(
        known, claimed={0}, attested={"milestone-001"}, now_posix_ms=VESTING * 1000
    )
    assert amounts(states) == Amounts(claimed=1, claimable=10, later=1100)


def test_what_a_closing_took_back_is_in_no_sum() -> None:
    states = claim_states(
        {0: allocation(1), 1: allocation(10)},
        claimed={0},
        attested={"milestone-001"},
        now_posix_ms=VESTING * 1000,
        closed=True,
    )
    assert amounts(states) == Amounts(claimed=1, claimable=0, later=0)


@given(
    st.dictionaries(st.integers(0, 50), st.from_type(Allocation), max_size=20),
    st.sets(st.integers(0, 50)),
    st.sets(st.sampled_from(("milestone-001", "milestone-002", "étape"))),
    st.integers(0, 10**13),
)
def test_nothing_is_lost_and_nothing_claimable_breaks_a_rule(
    known: dict[int, Allocation], claimed: set[int], attested: set[str], now: int
) -> None:
    states = claim_states(known, claimed=claimed, attested=attested, now_posix_ms=now)
    sums = amounts(states)
    assert sums.claimed + sums.claimable + sums.later == sum(a.token_amount for a in known.values())
    assert [state.index for state in states] == sorted(known)
    for state in states:
        allowed = (
            state.index not in claimed
            and state.allocation.milestone_identifier in attested
            and state.allocation.vesting_timestamp * 1000 <= now
        )
        assert state.claimable == allowed
