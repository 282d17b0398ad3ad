"""Whatever was claimed, attested and signed, and whenever it is: amounts are exact, and rules hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milestones.cardano.address import Address, key_credential
from milestones.domain.claims import ClaimState, amounts, claim_states
from milestones.domain.models import Allocation
from milestones.errors import InvalidInput, NotFound
from milestones.services.distribution.signatures import Shortfall
from milestones.services.paying.plan import Selection, choose
from milestones.services.preflight import why_not

MILESTONES = ("milestone-001", "milestone-002", "milestone-003")
BENEFICIARIES = tuple(Address(0, key_credential(bytes([n]) * 28)) for n in range(3))
NOW = 1_735_689_600
"""POSIX seconds; vesting times lie around it."""


@dataclass(frozen=True)
class Situation:
    """Allocations, and what the chain and the local records say of them."""

    allocations: dict[int, Allocation]
    claimed: frozenset[int]
    attested: frozenset[str]
    signed: frozenset[str]
    now_posix_ms: int

    def states(self) -> list[ClaimState]:
        """What the program makes of it."""
        return claim_states(
            self.allocations,
            claimed=self.claimed,
            attested=self.attested,
            signed=self.signed,
            now_posix_ms=self.now_posix_ms,
        )

    def may_be_paid(self, index: int) -> bool:
        """The specification's rule, said once more."""
        allocation = self.allocations[index]
        vested = allocation.vesting_timestamp * 1000 <= self.now_posix_ms
        complete = allocation.milestone_identifier in self.attested | self.signed
        return index not in self.claimed and complete and vested


def _allocation() -> st.SearchStrategy[Allocation]:
    return st.builds(
        Allocation,
        beneficiary_address=st.sampled_from(BENEFICIARIES),
        token_amount=st.integers(1, 1 << 60),
        milestone_identifier=st.sampled_from(MILESTONES),
        vesting_timestamp=st.integers(NOW - 2, NOW + 2),
    )


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """One to twelve allocations, in any state."""
    listed = draw(st.lists(_allocation(), min_size=1, max_size=12))
    names = st.frozensets(st.sampled_from(MILESTONES))
    return Situation(
        dict(enumerate(listed)),
        draw(st.frozensets(st.integers(0, len(listed) - 1))),
        draw(names),
        draw(names),
        NOW * 1000 + draw(st.sampled_from((-1, 0, 1, 999))),
    )


@given(situations())
def test_amounts_are_exact_in_every_situation(situation: Situation) -> None:
    found = amounts(situation.states())
    paid = {n: a.token_amount for n, a in situation.allocations.items()}
    claimable = sum(paid[n] for n in paid if situation.may_be_paid(n))
    claimed = sum(paid[n] for n in situation.claimed)
    assert found.claimable == claimable
    assert found.claimed == claimed
    assert found.later == sum(paid.values()) - claimable - claimed


@given(situations(), st.data())
def test_no_selection_ever_pays_what_may_not_be_paid(situation: Situation, data: Any) -> None:
    selection = Selection(
        indices=tuple(
            sorted(data.draw(st.frozensets(st.sampled_from(list(situation.allocations)))))
        ),
        beneficiary=data.draw(st.none() | st.sampled_from(BENEFICIARIES)),
        milestone=data.draw(st.none() | st.sampled_from(MILESTONES)),
    )
    try:
        chosen = choose(situation.states(), selection)
    except (NotFound, InvalidInput):
        return
    assert all(situation.may_be_paid(state.index) for state in chosen.payable)
    assert all(selection.includes(s.index, s.allocation) for s in chosen.payable)
    wanted = [n for n, a in situation.allocations.items() if selection.includes(n, a)]
    if chosen.refused is None:
        assert {state.index for state in chosen.payable} == set(
            filter(situation.may_be_paid, wanted)
        )
    else:
        assert not chosen.payable
        assert not situation.may_be_paid(chosen.refused.index)


@given(situations())
def test_an_allocation_that_may_not_be_paid_is_refused_by_its_rule(situation: Situation) -> None:
    for state in situation.states():
        chosen = choose([state], Selection(indices=(state.index,)))
        if situation.may_be_paid(state.index):
            assert chosen.payable == (state,)
            continue
        assert chosen.refused == state
        lack = Shortfall(1, (), "1 of the 2 signatures it needs", "")
        error = why_not(state, lack=lack, quorum_threshold=2)
        allocation = state.allocation
        if state.index in situation.claimed:
            expected = "claimed"
        elif allocation.milestone_identifier not in situation.attested | situation.signed:
            expected = "quorum"
        else:
            expected = "vesting"
        assert (error.rule, error.exit_code) == (expected, 5)


@given(situations())
def test_an_index_that_belongs_to_somebody_else_is_refused(situation: Situation) -> None:
    for index, allocation in situation.allocations.items():
        others = [each for each in BENEFICIARIES if each != allocation.beneficiary_address]
        with pytest.raises(InvalidInput, match="belongs to"):
            choose(situation.states(), Selection(indices=(index,), beneficiary=others[0]))
        milestones = [each for each in MILESTONES if each != allocation.milestone_identifier]
        with pytest.raises(InvalidInput, match="is for milestone"):
            choose(situation.states(), Selection(indices=(index,), milestone=milestones[0]))
