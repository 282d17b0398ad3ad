"""Attacks on what goes home at the end: short, elsewhere, or with something attached."""

from __future__ import annotations

from dataclasses import replace

import pytest

from milestones.cardano import plutus_data
from milestones.cardano.outputs import OutputDatum
from milestones.cardano.value import LOVELACE, Value
from milestones.protocol.terms import Refund
from milestones.testing.contract import base_address
from milestones.testing.proceedings import Proceedings
from milestones.transactions.draft import DraftOutput
from tests.support.hostile import (
    Judge,
    native_policy,
    settled,
    with_output,
    with_value,
)
from tests.support.moments import HOME, KINDS, kinds_of_end, noticed
from tests.support.scenes import FIRST, SECOND, Scene

DATUM = plutus_data.encode((1, b"refund"))


@pytest.mark.parametrize("kind", KINDS)
def test_refund_short(scene: Scene, judge: Judge, kind: str) -> None:
    """One token or one lovelace less, one token more; without the tokens."""
    _, draft = kinds_of_end(scene, kind)
    honest = settled(scene.harness, draft)
    judge.refused(with_value(honest, HOME, Value(-1)), "mint")
    judge.refused(with_value(honest, HOME, scene.amount(-1)), "mint")
    judge.refused(with_value(honest, HOME, scene.amount(1)), "mint")
    amount = honest.outputs[HOME].value.quantity(scene.token)
    assert amount == scene.opened.distribution.terms.total_token_amount
    judge.refused(with_value(honest, HOME, scene.amount(-amount)), "mint")
    judge.accepted(with_value(honest, HOME, Value(1)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("where", ["the attacker", "without staking part", "a script", "key"])
def test_refund_elsewhere(scene: Scene, judge: Judge, kind: str, where: str) -> None:
    """To the attacker, without the staking part, to a script with the same hash, or to the creator's key."""
    refund = Refund(base_address(scene.harness, "treasury"))
    _, honest = kinds_of_end(scene, kind, refund=refund)
    address = {
        "the attacker": scene.harness.key("attacker").address(0),
        "without staking part": replace(refund.address, staking=None),
        "a script": replace(refund.address, payment=replace(refund.address.payment, kind="script")),
        "key": scene.harness.key("creator").address(0),
    }[where]
    judge.refused(with_output(honest, HOME, address=address), "mint")
    judge.accepted(honest)


DATUMS = {
    "none": OutputDatum(),
    "inline": OutputDatum(DATUM),
    "hash": OutputDatum(None, bytes(32)),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("given", DATUMS)
@pytest.mark.parametrize("right", DATUMS)
def test_refund_with_another_datum(
    scene: Scene, judge: Judge, kind: str, right: str, given: str
) -> None:
    """A treasury's script may not be able to spend what comes without its datum, or with another."""
    refund = Refund(base_address(scene.harness, "treasury"), DATUMS[right])
    _, honest = kinds_of_end(scene, kind, refund=refund)
    datum = DATUMS[given]
    draft = with_output(honest, HOME, inline_datum=datum.inline, datum_hash=datum.hash)
    if given == right:
        changed = with_output(draft, HOME, inline_datum=plutus_data.encode(7), datum_hash=None)
        judge.refused(changed, "mint")
        judge.accepted(draft)
    else:
        judge.refused(draft, "mint")
        judge.accepted(honest)


@pytest.mark.parametrize("kind", KINDS)
def test_refund_with_a_script_or_dust(scene: Scene, judge: Judge, kind: str) -> None:
    """A reference script makes it dearer to spend, and so does dust."""
    _, honest = kinds_of_end(scene, kind)
    script = native_policy(scene.harness, "attacker")
    judge.refused(with_output(honest, HOME, script=script), "mint")
    judge.refused(with_value(honest, HOME, Value(0, {scene.harness.token: 1})), "mint")
    judge.accepted(honest)


@pytest.mark.parametrize("kind", KINDS)
def test_refund_not_in_front(scene: Scene, judge: Judge, kind: str) -> None:
    """Output 0 is something else."""
    _, honest = kinds_of_end(scene, kind)
    other = DraftOutput(address=scene.harness.address, value=Value(1_000_000))
    judge.refused(replace(honest, outputs=(other, *honest.outputs)), "mint")
    judge.accepted(replace(honest, outputs=(*honest.outputs, other)))


@pytest.mark.parametrize("kind", KINDS)
def test_deposits_are_the_refunds_too(scene: Scene, judge: Judge, kind: str) -> None:
    """All lovelace that was at the distribution's script, attestations' and notices' deposits included."""
    told, draft = kinds_of_end(scene, kind)
    spent = sum(spend.utxo.output.value.lovelace for spend in draft.spends)
    assert draft.outputs[HOME].value.lovelace == spent
    notice = told.opened.notices[0].output.value.lovelace
    judge.refused(with_value(settled(scene.harness, draft), HOME, Value(-notice)), "mint")
    judge.accepted(draft)


def test_home_of_a_distribution_of_lovelace(each_scene: Scene, judge: Judge) -> None:
    """With each kind of money; a lovelace less is refused."""
    told = noticed(each_scene.proceedings())
    honest = settled(each_scene.harness, told.end_draft())
    judge.refused(with_value(honest, HOME, Value(-1)), "mint")
    if each_scene.token == LOVELACE:
        dust = Value(0, {each_scene.harness.token: 1})
        judge.refused(with_value(honest, HOME, dust), "mint")
    judge.accepted(honest)


def test_home_of_what_is_all_paid(each_scene: Scene, judge: Judge) -> None:
    """No entry of nothing: the refund of emptied vaults is lovelace alone."""
    told = noticed(each_scene.proceedings())
    opened = told.opened.attest(FIRST)[0].attest(SECOND)[0]
    empty = Proceedings(opened.release([0, 1, 2, 3])[0].release([4, 5, 6])[0])
    honest = settled(each_scene.harness, empty.end_draft())
    assert not honest.outputs[HOME].value.assets
    judge.refused(with_value(honest, HOME, Value(-1)), "mint")
    judge.accepted(honest)
