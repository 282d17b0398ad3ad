"""Whatever was claimed, attested and signed, and whenever it is: amounts are exact, and rules hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milestones.cardano.address import Address, key_credential
from milestones.domain.allocation_table import ColumnTable
from milestones.domain.claims import ClaimState, Standing, amounts, claim_states, standing
from milestones.domain.models import Allocation
from milestones.errors import InvalidInput, NotFound
from milestones.services.distribution.signatures import Shortfall
from milestones.services.paying.plan import Selection, choose, must_be_as_named
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

    def standing(self, selection: Selection) -> Standing:
        """What the program makes of those that are asked for."""
        return standing(
            selection.among(ColumnTable.of(self.allocations)),
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
        must_be_as_named(selection, situation.allocations)
        chosen = choose(situation.standing(selection), strict=bool(selection.indices))
    except (NotFound, InvalidInput):
        return
    assert all(map(situation.may_be_paid, chosen.payable))
    assert all(selection.includes(n, situation.allocations[n]) for n in chosen.payable)
    assert all(
        (a.milestone_identifier, a.vesting_timestamp) == chosen.payable[n]
        for n, a in situation.allocations.items()
        if n in chosen.payable
    )
    wanted = [n for n, a in situation.allocations.items() if selection.includes(n, a)]
    if chosen.refused is None:
        assert list(chosen.payable) == list(filter(situation.may_be_paid, wanted))
        rest = chosen.claimed_count + sum(len(each.indices) for each in chosen.waiting)
        assert len(chosen.payable) + rest == len(wanted)
    else:
        assert not chosen.payable
        assert not situation.may_be_paid(chosen.refused)


@given(situations())
def test_many_stand_where_each_of_them_does(situation: Situation) -> None:
    found = situation.standing(Selection(everything=True))
    states = situation.states()
    assert list(found.due) == [s.index for s in states if s.due]
    assert found.claimed == tuple(s.index for s in states if s.status == "claimed")
    assert {n: each.reason for each in found.waiting for n in each.indices} == {
        s.index: s.reason for s in states if not s.due and s.status != "claimed"
    }
    others = found.without(situation.claimed)
    assert (others.due, others.claimed, others.waiting) == (found.due, (), found.waiting)
    assert found.without(situation.allocations).count == 0


@given(situations())
def test_an_allocation_that_may_not_be_paid_is_refused_by_its_rule(situation: Situation) -> None:
    for state in situation.states():
        named = Selection(indices=(state.index,))
        chosen = choose(situation.standing(named), strict=True)
        if situation.may_be_paid(state.index):
            assert list(chosen.payable) == [state.index]
            continue
        assert chosen.refused == state.index
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
            must_be_as_named(
                Selection(indices=(index,), beneficiary=others[0]), situation.allocations
            )
        milestones = [each for each in MILESTONES if each != allocation.milestone_identifier]
        with pytest.raises(InvalidInput, match="is for milestone"):
            must_be_as_named(
                Selection(indices=(index,), milestone=milestones[0]), situation.allocations
            )
