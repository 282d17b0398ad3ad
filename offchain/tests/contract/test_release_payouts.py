"""Attacks on what a release pays: to whom, how much, and how often."""

from __future__ import annotations

from dataclasses import replace

import pytest

from milestones.cardano import plutus_data
from milestones.cardano.value import LOVELACE, Value
from milestones.transactions.draft import TransactionDraft
from tests.support.hostile import (
    Judge,
    elements,
    native_policy,
    settled,
    shorter,
    swapped,
    with_datum,
    with_output,
    with_redeemer,
    with_value,
    without_output,
)
from tests.support.scenes import AMOUNT, Scene

DATUM = plutus_data.encode(0)
FIRST_INDEX = (1, 0, 3)
"""Where the first claim's leaf index stands in the redeemer."""


def test_payout_to_another_address(each_scene: Scene, judge: Judge) -> None:
    """The payout goes to the attacker."""
    honest = each_scene.attested.release_draft([0])
    judge.refused(with_output(honest, 1, address=each_scene.harness.address), "spend")
    judge.accepted(honest)


@pytest.mark.parametrize("staking", ["none", "another", "a script's"])
def test_payout_with_another_staking_part(scene: Scene, judge: Judge, staking: str) -> None:
    """The beneficiary's key, but the attacker's stake: rewards and votes would be theirs."""
    honest = scene.attested.release_draft([0])
    address = honest.outputs[1].address
    assert address.staking is not None
    part = {
        "none": None,
        "another": scene.harness.address.payment,
        "a script's": replace(address.staking, kind="script"),
    }[staking]
    judge.refused(with_output(honest, 1, address=replace(address, staking=part)), "spend")
    judge.accepted(honest)


def test_payout_to_a_script_with_the_same_hash(scene: Scene, judge: Judge) -> None:
    """The right 28 bytes as a script's hash: nobody could ever spend it."""
    honest = scene.attested.release_draft([0])
    address = honest.outputs[1].address
    script = replace(address, payment=replace(address.payment, kind="script"))
    judge.refused(with_output(honest, 1, address=script), "spend")
    judge.accepted(honest)


@pytest.mark.parametrize("difference", [-1, 1])
def test_payout_of_one_less_or_more(each_scene: Scene, judge: Judge, difference: int) -> None:
    """One token (or lovelace) less than promised, the attacker keeps it; or one more."""
    honest = each_scene.attested.release_draft([0])
    judge.refused(with_value(honest, 1, each_scene.amount(difference)), "spend")
    judge.accepted(honest)


@pytest.mark.parametrize("difference", [-1, 1, AMOUNT])
def test_payout_and_vault_agree_on_another_amount(
    each_scene: Scene, judge: Judge, difference: int
) -> None:
    """The beneficiary takes more (less), and the vault's tokens and datum say so too."""
    honest = each_scene.attested.release_draft([0])
    wrong = settled(each_scene.harness, honest)
    wrong = with_value(wrong, 1, each_scene.amount(difference))
    wrong = with_value(wrong, 0, each_scene.amount(-difference))
    remaining = each_scene.attested.distribution.terms.page_amount(0) - AMOUNT - difference
    judge.refused(with_datum(wrong, 0, (2,), remaining), "spend")
    judge.accepted(honest)


def test_payout_in_another_asset(scene: Scene, judge: Judge) -> None:
    """A worthless token in the right quantity."""
    honest = scene.attested.release_draft([0])
    scene.harness.give(Value(5_000_000, {scene.harness.token: AMOUNT}))
    worthless = Value(0, {scene.harness.token: AMOUNT})
    judge.refused(with_output(honest, 1, value=worthless), "spend")
    judge.accepted(honest)


def test_payout_without_the_tokens(scene: Scene, judge: Judge) -> None:
    """Lovelace alone where a token is promised, the attacker keeps the token."""
    honest = scene.attested.release_draft([0])
    judge.refused(with_output(honest, 1, value=Value()), "spend")
    judge.accepted(honest)


def test_payout_of_lovelace_with_a_token(each_scene: Scene, judge: Judge) -> None:
    """Dust beside the payout."""
    honest = each_scene.attested.release_draft([0])
    dust = Value(0, {each_scene.harness.token: 1})
    judge.refused(with_value(honest, 1, dust), "spend")
    judge.accepted(honest)


@pytest.mark.parametrize(
    "attached", [{"inline_datum": DATUM}, {"datum_hash": bytes(32)}], ids=["inline", "hashed"]
)
def test_payout_with_a_datum(each_scene: Scene, judge: Judge, attached: dict[str, bytes]) -> None:
    """A datum, which a beneficiary's wallet may not know how to spend."""
    honest = each_scene.attested.release_draft([0])
    judge.refused(with_output(honest, 1, **attached), "spend")
    judge.accepted(honest)


def test_payout_with_a_reference_script(each_scene: Scene, judge: Judge) -> None:
    """A script in the payout, which makes spending it dearer."""
    honest = each_scene.attested.release_draft([0])
    script = native_policy(each_scene.harness, "attacker")
    judge.refused(with_output(honest, 1, script=script), "spend")
    judge.accepted(honest)


def test_payouts_in_another_order(scene: Scene, judge: Judge) -> None:
    """Each beneficiary gets the other's amount."""
    honest = scene.attested.release_draft([0, 2])
    judge.refused(swapped(honest, 1, 2), "spend")
    judge.accepted(honest)


def test_payouts_not_right_behind_the_vault(scene: Scene, judge: Judge) -> None:
    """Something else stands where the first payout belongs."""
    honest = scene.attested.release_draft([2])
    wrong = replace(honest, outputs=(*honest.outputs, replace(honest.outputs[1], value=Value())))
    judge.refused(swapped(wrong, 1, 2), "spend")
    judge.accepted(honest)


def test_one_output_serving_two_claims(each_scene: Scene, judge: Judge) -> None:
    """Two equal allocations of one beneficiary, one output: the attacker keeps the other half."""
    honest = each_scene.attested.release_draft([0, 1])
    judge.refused(without_output(honest, 2), "spend")
    judge.accepted(honest)


def test_two_claims_paid_in_one_sum(each_scene: Scene, judge: Judge) -> None:
    """Both amounts in one output, and the second output somebody else's."""
    honest = each_scene.attested.release_draft([0, 1])
    wrong = with_value(settled(each_scene.harness, honest), 1, each_scene.amount(AMOUNT))
    judge.refused(with_output(wrong, 2, address=each_scene.harness.address), "spend")
    judge.accepted(honest)


def _claiming(scene: Scene, draft: TransactionDraft, leaf: int) -> TransactionDraft:
    """A release of one claim that names another leaf, with that leaf's proof."""
    proof = scene.opened.distribution.proof([leaf])
    return with_redeemer(with_redeemer(draft, "spend", FIRST_INDEX, leaf), "spend", (2,), proof)


@pytest.mark.parametrize("marked", [0b1, 0b11], ids=["as before", "another leaf"])
def test_the_same_leaf_again(each_scene: Scene, judge: Judge, marked: int) -> None:
    """Allocation 0 is paid a second time, marking nothing, or its twin, as paid."""
    later, _ = each_scene.attested.release([0])
    honest = later.release_draft([1])
    again = with_datum(_claiming(each_scene, honest, 0), 0, (3,), bytes([marked]))
    judge.refused(again, "spend")
    judge.accepted(honest)


def test_the_same_leaf_twice_at_once(each_scene: Scene, judge: Judge) -> None:
    """Both claims name leaf 0, with a proof for it, and both twins are marked."""
    honest = each_scene.attested.release_draft([0, 1])
    proof = each_scene.opened.distribution.proof([0])
    twice = with_redeemer(honest, "spend", (1, 0, 4), 0)
    judge.refused(twice, "spend")
    judge.refused(with_redeemer(twice, "spend", (2,), proof), "spend")
    judge.accepted(honest)


def test_claims_out_of_order(scene: Scene, judge: Judge) -> None:
    """Leaf 1 before leaf 0; twins, so nothing else differs."""
    honest = scene.attested.release_draft([0, 1])
    backwards = with_redeemer(with_redeemer(honest, "spend", (1, 0, 3), 1), "spend", (1, 0, 4), 0)
    judge.refused(backwards, "spend")
    judge.accepted(honest)


@pytest.mark.parametrize("alias", [4, 5, 7])
def test_leaf_aliased_past_the_page(each_scene: Scene, judge: Judge, alias: int) -> None:
    """The last leaf under an index past the page, whose bit the bitmap's byte still has."""
    honest = each_scene.attested.release_draft([3])
    aliased = with_redeemer(honest, "spend", FIRST_INDEX, alias)
    judge.refused(with_datum(aliased, 0, (3,), bytes([1 << alias])), "spend")
    judge.accepted(honest)


@pytest.mark.parametrize("index", [-1, -8, 8, 256, 1 << 64])
def test_leaf_index_that_no_bitmap_has(scene: Scene, judge: Judge, index: int) -> None:
    """A negative leaf, or one far beyond."""
    honest = scene.attested.release_draft([0])
    judge.refused(with_redeemer(honest, "spend", FIRST_INDEX, index), "spend")
    judge.accepted(honest)


def test_an_empty_leaf(scene: Scene, judge: Judge) -> None:
    """The last leaf of page 1 belongs to nobody: the attacker claims all that is left with it."""
    honest = scene.attested.release_draft([6])
    nodes = scene.trees()[1]
    stolen = with_redeemer(honest, "spend", FIRST_INDEX, 3)
    stolen = with_redeemer(stolen, "spend", (2,), nodes.multiproof([3]))
    stolen = with_datum(stolen, 0, (3,), bytes([8]))
    judge.refused(with_output(stolen, 1, address=scene.harness.address), "spend")
    judge.accepted(honest)


def test_an_earlier_vesting_time(scene: Scene, judge: Judge) -> None:
    """The claim names a time that has come where its leaf names another."""
    honest = scene.attested.release_draft([2])
    earlier = scene.attested.distribution.allocations[0].vesting_posix_ms
    judge.refused(with_redeemer(honest, "spend", (1, 0, 1), earlier), "spend")
    judge.accepted(honest)


def test_another_milestone(scene: Scene, judge: Judge) -> None:
    """A claim in the run of a milestone that is not its leaf's."""
    honest = scene.attested.release_draft([0, 3])
    merged = with_redeemer(honest, "spend", (1, 0), lambda run: (*elements(run), 3))
    judge.refused(with_redeemer(merged, "spend", (1,), shorter), "spend")
    judge.accepted(honest)


def test_lovelace_beside_a_payout_is_nobodys_loss(each_scene: Scene, judge: Judge) -> None:
    """More lovelace than the minimum beside a token may be paid; with lovelace as asset it may not."""
    honest = settled(each_scene.harness, each_scene.attested.release_draft([0]))
    generous = with_value(honest, 1, Value(5))
    if each_scene.token == LOVELACE:
        judge.refused(generous, "spend")
        judge.accepted(honest)
    else:
        judge.accepted(generous)
