"""Python and the compiled contract agree on digests, roots, ids, and proofs of any set of leaves."""

from __future__ import annotations

from functools import lru_cache

from hypothesis import given, settings
from hypothesis import strategies as st

from milestones.cardano.address import Address, Credential
from milestones.cardano.value import LOVELACE, Value
from milestones.domain.models import Allocation
from milestones.testing.cast import ADA
from milestones.testing.contract import (
    FIRST_SLOT,
    ContractHarness,
    Opened,
    moment,
    open_distribution,
    schedule,
)
from tests.support.hostile import Judge, with_redeemer

EXAMPLES = 25


@lru_cache(maxsize=1)
def harness() -> ContractHarness:
    """One chain for all examples, which undo what they do."""
    made = ContractHarness()
    made.give(Value(100_000 * ADA))
    made.publish()
    return made


def addresses() -> st.SearchStrategy[Address]:
    """Keys and scripts, with and without a staking part of either kind."""
    credentials = st.from_type(Credential)
    return st.builds(Address, st.just(0), credentials, st.none() | credentials)


def allocations(least: int, most: int) -> st.SearchStrategy[Allocation]:
    """Amounts within these bounds, vested, of few milestones, so that some share one."""
    names = ("milestone-001", "étape", "m" * 64)
    return st.builds(
        Allocation,
        beneficiary_address=addresses(),
        token_amount=st.sampled_from((least, most)) | st.integers(least, most),
        milestone_identifier=st.sampled_from(names),
        vesting_timestamp=st.integers(0, moment(FIRST_SLOT)),
    )


@st.composite
def opened(draw: st.DrawFn) -> Opened:
    """A random schedule, opened through the compiled contract: so roots and id are its own."""
    is_lovelace = draw(st.booleans())
    bounds = (3 * ADA, 9 * ADA) if is_lovelace else (1, 1 << 56)
    plan = draw(st.lists(allocations(*bounds), min_size=1, max_size=24))
    chain = harness()
    made = schedule(
        chain,
        plan,
        token=LOVELACE if is_lovelace else chain.token,
        page_depth=draw(st.none() | st.integers(max(0, (len(plan) - 1).bit_length() - 2), 8)),
        oracle_count=draw(st.integers(2, 4)),
    )
    return open_distribution(chain, made)[0]


def flipped(proof: bytes, bit: int) -> bytes:
    """A proof with one bit changed."""
    return (int.from_bytes(proof, "big") ^ 1 << bit).to_bytes(len(proof), "big")


@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_any_subset_of_any_schedule_can_be_claimed(data: st.DataObject) -> None:
    """Random subsets, page by page, in two rounds; a proof with one bit changed pays nobody."""
    with harness().undone():
        world, judge = data.draw(opened()), Judge(harness())
        for name in {a.milestone_identifier for a in world.distribution.allocations.values()}:
            world, _ = world.attest(name)
        unclaimed = set(world.distribution.allocations)
        for _ in range(2):
            chosen = data.draw(st.sets(st.sampled_from(sorted(unclaimed)))) if unclaimed else set()
            for indices in world.distribution.by_page(chosen).values():
                honest = world.release_draft(indices)
                proof = world.distribution.proof(indices)
                if proof:
                    changed = flipped(proof, data.draw(st.integers(0, 8 * len(proof) - 1)))
                    judge.refused(with_redeemer(honest, "spend", (2,), changed), "spend")
                world, _ = world.paid(judge.accepted(honest), indices)
            unclaimed -= chosen
        left = sum(world.distribution.allocations[index].token_amount for index in unclaimed)
        at_contract = (
            harness().held_by(world.distribution.address).quantity(world.distribution.token)
        )
        assert world.distribution.token == LOVELACE or at_contract == left
