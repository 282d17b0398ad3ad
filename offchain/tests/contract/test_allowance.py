"""Attacks on the allowance: taken twice, over, or out of others' promises; and payouts with a datum."""

from __future__ import annotations

from dataclasses import replace

import pytest

from milestones.cardano import plutus_data
from milestones.cardano.address import Address, script_credential
from milestones.cardano.hashes import blake2b_256
from milestones.cardano.outputs import OutputDatum
from milestones.cardano.value import LOVELACE, Value
from milestones.domain.models import Allocation
from milestones.protocol.distribution import Distribution
from milestones.testing.cast import ADA
from milestones.testing.contract import FIRST_SLOT, Opened, moment, schedule
from tests.support.creators import UNIT
from tests.support.hostile import (
    ALWAYS_TRUE,
    Judge,
    settled,
    with_output,
    with_redeemer,
    with_value,
)
from tests.support.scenes import AMOUNT, FIRST, LATER, RECLAIM, SECOND, Scene

ALLOWANCE = 400_000
VAULT = 1
"""Output of an opening."""


def generous(scene: Scene, **terms: object) -> Opened:
    """A distribution with an allowance, all attested; vaults that hold 10 ADA more than they must."""
    distribution = scene.other(**{"allowance_lovelace": ALLOWANCE, **terms})
    draft = scene.opening_of(distribution)
    for place in (1, 2):
        draft = with_value(draft, place, Value(10 * ADA))
    opened = scene.opened_by(distribution, scene.harness.send(draft))
    return opened.attest(FIRST)[0].attest(SECOND)[0]


# -- how much


@pytest.mark.parametrize("indices", [[0], [0, 1], [0, 1, 2, 3]], ids=len)
def test_one_lovelace_over(each_scene: Scene, judge: Judge, indices: list[int]) -> None:
    """For so many claims so many allowances, and not a lovelace more."""
    world = generous(each_scene)
    honest = settled(each_scene.harness, world.release_draft(indices))
    before = world.vaults[0].output.value.lovelace
    paid = 0
    if each_scene.token == LOVELACE:
        paid = sum(world.distribution.allocations[index].token_amount for index in indices)
    assert honest.outputs[0].value.lovelace == before - paid - ALLOWANCE * len(indices)
    judge.refused(with_value(honest, 0, Value(-1)), "spend")
    judge.refused(with_value(honest, 0, Value(-ALLOWANCE)), "spend")
    judge.accepted(honest)


def test_not_taken_is_left_to_others(each_scene: Scene, judge: Judge) -> None:
    """Whoever doesn't take it leaves it in the vault, where nobody gets more by it."""
    world = generous(each_scene)
    modest = with_value(settled(each_scene.harness, world.release_draft([0])), 0, Value(ALLOWANCE))
    later, _ = world.paid(judge.accepted(modest), [0])
    honest = settled(each_scene.harness, later.release_draft([1]))
    judge.refused(with_value(honest, 0, Value(-ALLOWANCE)), "spend")
    judge.accepted(honest)


def test_paid_in_full_it_ends_before_its_time(each_scene: Scene, judge: Judge) -> None:
    """An allowance in the terms says nothing about what is owed: the creator need not wait for `RECLAIM`."""
    world = generous(each_scene).release([0, 1, 2, 3])[0]
    judge.refused(world.close_draft(slot=LATER), "mint")
    paid = world.release([4, 5, 6])[0]
    assert LATER < RECLAIM
    judge.accepted(paid.close_draft(slot=LATER))


def test_no_allowance_is_none(each_scene: Scene, judge: Judge) -> None:
    """Terms with 0: not a lovelace."""
    world = generous(each_scene, allowance_lovelace=0)
    honest = settled(each_scene.harness, world.release_draft([0]))
    judge.refused(with_value(honest, 0, Value(-1)), "spend")
    judge.accepted(honest)


def test_runs_of_nothing_count_for_nothing(each_scene: Scene, judge: Judge) -> None:
    """A redeemer with a second run of the same milestone, without a leaf: an allowance for nobody."""
    world = generous(each_scene)
    honest = settled(each_scene.harness, world.release_draft([0]))

    def padded(runs: object) -> tuple[object, ...]:
        assert isinstance(runs, tuple)
        return (*runs, runs[0][:3])

    empty = with_redeemer(honest, "spend", (1,), padded)  # type: ignore[arg-type]
    judge.refused(with_value(empty, 0, Value(-ALLOWANCE)), "spend")
    judge.accepted(empty)


def test_the_same_claim_twice(each_scene: Scene, judge: Judge) -> None:
    """Leaf 0 named twice, one payout: the second allowance is for nobody."""
    world = generous(each_scene)
    honest = settled(each_scene.harness, world.release_draft([0]))

    def twice(run: object) -> tuple[object, ...]:
        assert isinstance(run, tuple)
        return (*run, run[-1])

    again = with_redeemer(honest, "spend", (1, 0), twice)  # type: ignore[arg-type]
    judge.refused(with_value(again, 0, Value(-ALLOWANCE)), "spend")
    judge.accepted(honest)


def test_an_allowance_of_other_terms(scene: Scene, judge: Judge) -> None:
    """The attacker's own terms, of the same tree, allow a million."""
    poor = generous(scene, allowance_lovelace=0)
    rich = generous(scene, allowance_lovelace=ADA)
    honest = settled(scene.harness, poor.release_draft([0]))
    stolen = replace(poor, terms=rich.terms).release_draft([0])
    stolen = settled(scene.harness, stolen)
    judge.refused(with_value(stolen, 0, Value(-ADA)), "spend")
    judge.accepted(honest)


def test_drained_to_its_end(each_scene: Scene, judge: Judge) -> None:
    """Every claim takes its allowance, one after the other, and the last one is paid as the first."""
    distribution = each_scene.other(allowance_lovelace=ALLOWANCE)
    opened = each_scene.open(distribution).attest(FIRST)[0].attest(SECOND)[0]
    first = opened.vaults[0].output.value.lovelace
    paid = 0
    for index in range(4):
        opened, sent = opened.release([index])
        paid += distribution.allocations[index].token_amount
    left = opened.vaults[0].output.value.lovelace
    lovelace = paid if each_scene.token == LOVELACE else 0
    assert left == first - lovelace - 4 * ALLOWANCE
    assert judge.harness is each_scene.harness
    assert sent.outputs[0].output.value.lovelace == left


# -- funded


@pytest.mark.parametrize("depth", [2, 4])
@pytest.mark.parametrize("allowance", [0, 1, ALLOWANCE])
def test_a_vault_of_lovelace_that_is_not_funded(
    judge: Judge, each_scene: Scene, allowance: int, depth: int
) -> None:
    """A lovelace less than sum, minimum and all allowances: the last claimants would pay for it."""
    allocations = list(each_scene.opened.distribution.allocations.values())
    plan = schedule(each_scene.harness, allocations, token=each_scene.token, page_depth=depth)
    plan = plan.model_copy(update={"allowance_lovelace": allowance})
    distribution = Distribution.from_schedule(plan, each_scene.harness.contract)
    honest = settled(each_scene.harness, each_scene.opening_of(distribution))
    if each_scene.token == LOVELACE:
        bitmap = max(1, (1 << depth) // 8)
        amount = distribution.terms.page_amount(0)
        least = amount + 3_200_000 + 8_920 * bitmap + (allowance << depth)
        assert honest.outputs[VAULT].value.lovelace == least
        judge.refused(with_value(honest, VAULT, Value(-1)), "mint")
        judge.refused(with_value(honest, VAULT, Value(amount - least)), "mint")
    judge.accepted(honest)


# -- payouts with a datum

DATUM = plutus_data.encode((7, b"for the script"))
DATUMS = {
    "none": OutputDatum(),
    "inline": OutputDatum(DATUM),
    "hash of it": OutputDatum(None, blake2b_256(DATUM)),
    "another": OutputDatum(plutus_data.encode((8, b"for the script"))),
    "unit": OutputDatum(UNIT),
}


def promising(scene: Scene, datum: OutputDatum) -> Opened:
    """One allocation, to a script that needs a datum to be spent, or to none."""
    allocation = Allocation(
        beneficiary_address=Address(0, script_credential(ALWAYS_TRUE.hash())),
        token_amount=AMOUNT,
        milestone_identifier=FIRST,
        vesting_timestamp=moment(FIRST_SLOT),
        datum=datum.inline,
        datum_hash=datum.hash,
    )
    plan = schedule(scene.harness, [allocation], token=scene.token, page_depth=1)
    distribution = Distribution.from_schedule(plan, scene.harness.contract)
    return scene.open(distribution).attest(FIRST)[0]


@pytest.mark.parametrize("given", DATUMS)
@pytest.mark.parametrize("right", DATUMS)
def test_a_payout_with_another_datum_than_was_promised(
    each_scene: Scene, judge: Judge, right: str, given: str
) -> None:
    """Without it, with another one, with its hash instead: the script could never spend the payout."""
    if each_scene.token == LOVELACE and right not in {"none", "inline"}:
        return
    honest = promising(each_scene, DATUMS[right]).release_draft([0])
    datum = DATUMS[given]
    if given != right:
        wrong = with_output(honest, 1, inline_datum=datum.inline, datum_hash=datum.hash)
        judge.refused(wrong, "spend")
    judge.accepted(honest)


def test_a_payout_with_a_datum_elsewhere(each_scene: Scene, judge: Judge) -> None:
    """The right datum at the attacker's address, or of one lovelace or token less."""
    honest = settled(each_scene.harness, promising(each_scene, DATUMS["inline"]).release_draft([0]))
    judge.refused(with_output(honest, 1, address=each_scene.harness.address), "spend")
    judge.refused(with_value(honest, 1, each_scene.amount(-1)), "spend")
    judge.accepted(honest)
