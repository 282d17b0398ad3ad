"""Attacks on the waiver: too early, under terms without one, without the creator."""

from __future__ import annotations

from dataclasses import replace

import pytest

from milestones.cardano.plutus_data import Constr, PlutusData
from milestones.testing.contract import oracles
from milestones.testing.proceedings import Proceedings, posix_ms
from tests.support.creators import NATIVE, PLUTUS, creators
from tests.support.hostile import (
    Fake,
    Judge,
    along,
    bare_copy,
    case_name,
    copy_at_home,
    foreign_copy,
    together,
    unstaked_copy,
    with_datum,
    with_redeemer,
)
from tests.support.raw_terms import raw_opening
from tests.support.scenes import DAY, FIRST, SECOND, WAIVER, Scene


@pytest.fixture
def lenient(governed: Proceedings) -> Proceedings:
    """The time of waiving has come in this very slot."""
    governed.harness.reach(WAIVER)
    return governed


def test_waived_one_slot_early(lenient: Proceedings, judge: Judge) -> None:
    """The validity interval starts a second before; or nowhere; or has an end alone."""
    judge.refused(lenient.waive_draft(slot=WAIVER - 1), "mint")
    honest = lenient.waive_draft(slot=WAIVER)
    endless = replace(honest, valid_from_slot=None)
    judge.refused(endless, "mint")
    judge.refused(replace(endless, valid_until_slot=WAIVER + DAY), "mint")
    judge.accepted(honest)


def test_terms_without_a_waiver(scene: Scene, judge: Judge) -> None:
    """However late it is, oracles alone decide; a waiver at time 0 is from the beginning."""
    strict = scene.proceedings(waiver_after_posix_ms=None)
    lax = scene.proceedings(waiver_after_posix_ms=0)
    judge.accepted(lax.waive_draft())
    scene.harness.reach(WAIVER + 1000 * DAY)
    judge.refused(strict.waive_draft(), "mint")
    judge.accepted(strict.opened.attest_draft(FIRST))


def test_the_creator_has_not_signed(lenient: Proceedings, judge: Judge) -> None:
    """Nobody signs, somebody else, or an oracle."""
    honest = lenient.waive_draft()
    oracle = oracles(lenient.harness, 3)[0].key_hash
    stranger = lenient.harness.key("attacker").key_hash
    for signers in ((), (stranger,), (oracle,)):
        judge.refused(replace(honest, required_signers=signers), "mint")
    judge.accepted(honest)


@pytest.mark.parametrize("kind", ["key", "native script", "Plutus script"])
def test_creators_of_every_kind(scene: Scene, judge: Judge, kind: str) -> None:
    """A key signs; an input under a script is spent, and neither does for the other."""
    creator = creators(scene.harness)[kind]
    proceedings = scene.proceedings(creator=creator)
    scene.harness.reach(WAIVER)
    bare = replace(proceedings.waive_draft(), required_signers=())
    other = NATIVE if kind == "Plutus script" else PLUTUS
    judge.refused(bare, "mint")
    judge.refused(other.consenting(scene.harness, bare), "mint")
    stranger = scene.harness.key("attacker").key_hash
    judge.refused(along(bare, signers=(stranger,)), "mint")
    judge.accepted(creator.consenting(scene.harness, bare))


def test_the_creator_of_another_distribution(scene: Scene, judge: Judge) -> None:
    """The attacker's own terms allow the attacker a waiver, not of somebody else's milestones."""
    attacker = scene.harness.key("attacker").address(0).payment
    victim = scene.proceedings(waiver_after_posix_ms=None)
    lax = Proceedings(scene.open(scene.other(creator=attacker, waiver_after_posix_ms=0)))
    stolen = Proceedings(replace(victim.opened, terms=lax.opened.terms)).waive_draft()
    judge.refused(replace(stolen, required_signers=(attacker.hash,)), "mint")
    judge.accepted(lax.waive_draft())


@pytest.mark.parametrize("fake", [bare_copy, foreign_copy, unstaked_copy, copy_at_home])
def test_waived_under_fake_terms(
    lenient: Proceedings, judge: Judge, scene: Scene, fake: Fake
) -> None:
    """The terms' datum without their token, or with another policy's."""
    copy = fake(scene.harness, lenient.opened.terms)
    judge.refused(Proceedings(replace(lenient.opened, terms=copy)).waive_draft(), "mint")
    judge.accepted(lenient.waive_draft())


def test_one_signature_and_the_creators(lenient: Proceedings, judge: Judge) -> None:
    """The creator signs in a missing oracle's place: signatures ask for a quorum, waivers for none."""
    statement = lenient.opened.statement(FIRST)
    honest = lenient.waive_draft()
    (first, _) = lenient.opened.witnesses(statement)
    attest = lenient.opened.attest_draft(FIRST)
    creator = lenient.terms.creator.hash
    one = with_redeemer(
        attest, "mint", (6,), (first.verification_key, first.signature, first.prefix)
    )
    judge.refused(along(one, signers=(creator,)), "mint")
    judge.accepted(honest)


def test_the_datum_names_oracles(lenient: Proceedings, judge: Judge) -> None:
    """A waiver that looks as if a quorum had signed."""
    honest = lenient.waive_draft()
    judge.refused(with_datum(honest, 0, (4,), lenient.terms.oracles[:2]), "mint")
    judge.accepted(honest)


def test_the_datum_says_something_else(lenient: Proceedings, judge: Judge) -> None:
    """Evidence, time, milestone or distribution that the redeemer doesn't say."""
    honest = lenient.waive_draft()
    for path, value in (((0,), bytes(28)), ((1,), b"m"), ((2,), b""), ((3,), 0)):
        judge.refused(with_datum(honest, 0, path, value), "mint")
    judge.accepted(honest)


def test_a_milestone_without_a_name(lenient: Proceedings, judge: Judge) -> None:
    """Waives that "" was reached."""
    judge.refused(lenient.waive_draft(""), "mint")
    judge.accepted(lenient.waive_draft("m"))


def test_two_waivers_at_once(lenient: Proceedings, judge: Judge) -> None:
    """One redeemer, two milestones."""
    first, second = lenient.waive_draft(FIRST), lenient.waive_draft(SECOND)
    judge.refused(together(first, second), "mint")
    judge.accepted(first)
    judge.accepted(second)


def test_it_favours_beneficiaries(lenient: Proceedings, judge: Judge) -> None:
    """What was waived is paid to whom it was promised, and to nobody else."""
    sent = judge.accepted(lenient.waive_draft(FIRST))
    waived = lenient.opened.attested(FIRST, sent.outputs[0])
    judge.refused(waived.release_draft([3]), "spend")
    judge.accepted(waived.release_draft([0, 1, 2]))


SHAPES = [
    0,
    b"",
    (),
    Constr(0),
    Constr(0, (0, 0)),
    Constr(0, (b"",)),
    Constr(0, (b"\x05",)),
    Constr(0, ((),)),
    Constr(0, (Constr(0),)),
    Constr(0, (-1,)),
    Constr(1, (0,)),
    Constr(2),
    Constr(2, (0,)),
]


@pytest.mark.parametrize("value", SHAPES, ids=case_name)
@pytest.mark.parametrize("field", [7, 8], ids=["waiver_after", "reclaim_after"])
def test_times_have_one_shape(scene: Scene, judge: Judge, field: int, value: PlutusData) -> None:
    """Every other shape would mean one thing to the chain and another one to a reader."""
    judge.refused(raw_opening(scene, (field,), value), "mint")
    for good in (Constr(1), Constr(0, (0,)), Constr(0, (posix_ms(WAIVER),))):
        judge.accepted(raw_opening(scene, (field,), good, allowance_lovelace=1))
