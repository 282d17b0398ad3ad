"""Attacks on notices: by those who may not give one, backdated, or in somebody else's name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from milestones.cardano.value import AssetId, Value
from milestones.domain.models import Canceller
from milestones.protocol.redeemers import OracleWitness
from milestones.protocol.statements import NoticeStatement, Statement
from milestones.testing.contract import oracles
from milestones.testing.proceedings import SOON, NoticeBy, Proceedings
from milestones.transactions.draft import TransactionDraft
from tests.support.creators import NATIVE, PLUTUS, Creator, creators
from tests.support.hostile import (
    Fake,
    Judge,
    along,
    bare_copy,
    copy_at_home,
    foreign_copy,
    together,
    unstaked_copy,
    with_datum,
    with_redeemer,
)
from tests.support.raw_terms import opened_raw
from tests.support.scenes import DAY, FIRST, Scene

SIGNATURES, EVIDENCE_FIELD, SAID_AT = (5,), (3,), (4,)
"""Places in the redeemer."""
GIVEN: tuple[NoticeBy, ...] = ("creator", "quorum")


def flat(witnesses: list[OracleWitness]) -> tuple[bytes, ...]:
    """Witnesses as a redeemer lists them."""
    return tuple(p for w in witnesses for p in (w.verification_key, w.signature, w.prefix))


def statement(proceedings: Proceedings) -> NoticeStatement:
    """What the quorum's notice says."""
    known, notice = proceedings.opened.distribution, proceedings.notice("quorum")
    return NoticeStatement(
        known.contract.policy_id, known.id, notice.said_at_posix_ms, notice.evidence_hash
    )


# -- time


@pytest.mark.parametrize("by", GIVEN)
def test_backdated_by_a_slot(
    governed: Proceedings, judge: Judge, scene: Scene, by: NoticeBy
) -> None:
    """The grace starts at a moment when the notice need not have been on the chain."""
    said = scene.harness.slot + SOON
    judge.refused(governed.notify_draft(by, said_slot=said, until_slot=said + 1), "mint")
    judge.accepted(governed.notify_draft(by, said_slot=said, until_slot=said))


@pytest.mark.parametrize("by", GIVEN)
def test_backdated_by_a_year(
    governed: Proceedings, judge: Judge, scene: Scene, by: NoticeBy
) -> None:
    """The grace would be over at once."""
    long_ago = scene.harness.slot - 365 * DAY
    until = scene.harness.slot + SOON
    judge.refused(governed.notify_draft(by, said_slot=long_ago, until_slot=until), "mint")
    judge.accepted(governed.notify_draft(by))


@pytest.mark.parametrize("by", GIVEN)
def test_without_an_end(governed: Proceedings, judge: Judge, scene: Scene, by: NoticeBy) -> None:
    """A transaction that doesn't say until when it is valid; a start is no end."""
    honest = governed.notify_draft(by)
    endless = replace(honest, valid_until_slot=None)
    judge.refused(endless, "mint")
    judge.refused(replace(endless, valid_from_slot=scene.harness.slot), "mint")
    judge.accepted(honest)


@pytest.mark.parametrize("moment", [-1, 1])
def test_said_before_there_was_time(governed: Proceedings, judge: Judge, moment: int) -> None:
    """Next to 0, which would say that all may go home."""
    honest = governed.notify_draft("creator")
    wrong = with_datum(with_redeemer(honest, "mint", SAID_AT, moment), 0, (2,), moment)
    judge.refused(wrong, "mint")
    judge.accepted(honest)


# -- who may

MAY: dict[frozenset[Canceller], tuple[NoticeBy, ...]] = {
    frozenset(): (),
    frozenset({"creator"}): ("creator",),
    frozenset({"quorum"}): ("quorum",),
    frozenset({"creator", "quorum"}): GIVEN,
}


@pytest.mark.parametrize("is_rotatable", [False, True], ids=["fixed", "rotatable"])
@pytest.mark.parametrize("by", GIVEN)
@pytest.mark.parametrize("who", MAY, ids=lambda who: "+".join(sorted(who)) or "nobody")
def test_only_whom_the_terms_name(
    scene: Scene, judge: Judge, who: frozenset[Canceller], by: NoticeBy, is_rotatable: bool
) -> None:
    """Each of both, under each of the four."""
    draft = scene.proceedings(cancel_by=who, is_rotatable=is_rotatable).notify_draft(by)
    if by in MAY[who]:
        judge.accepted(draft)
    else:
        judge.refused(draft, "mint")


@pytest.mark.parametrize("value", [-1, 4, 5, 1 << 64])
@pytest.mark.parametrize("by", GIVEN)
def test_terms_that_name_nobody_known(scene: Scene, judge: Judge, value: int, by: NoticeBy) -> None:
    """`cancel_by` beyond 0 to 3: the chain takes it for nobody."""
    judge.refused(opened_raw(scene, (14,), value).notify_draft(by), "mint")
    judge.accepted(opened_raw(scene, (14,), 3).notify_draft(by))


def test_the_creator_has_not_signed(governed: Proceedings, judge: Judge, scene: Scene) -> None:
    """Nobody signs, or somebody else."""
    honest = governed.notify_draft("creator")
    other = scene.harness.key("attacker").key_hash
    judge.refused(replace(honest, required_signers=()), "mint")
    judge.refused(replace(honest, required_signers=(other,)), "mint")
    judge.accepted(honest)


@pytest.mark.parametrize("kind", ["key", "native script", "Plutus script"])
def test_creators_of_every_kind(scene: Scene, judge: Judge, kind: str) -> None:
    """A key signs; an input under a script is spent, and neither does for the other."""
    creator = creators(scene.harness)[kind]
    proceedings = scene.proceedings(creator=creator)
    bare = replace(proceedings.notify_draft("creator"), required_signers=())
    judge.refused(bare, "mint")
    other = NATIVE if kind == "Plutus script" else PLUTUS
    judge.refused(other.consenting(scene.harness, bare), "mint")
    key = scene.harness.key("attacker").key_hash
    judge.refused(along(bare, signers=(key,)), "mint")
    judge.accepted(creator.consenting(scene.harness, bare))


# -- a quorum


def test_signed_by_too_few(governed: Proceedings, judge: Judge) -> None:
    """One, one twice; nobody, which would be the creator, who did not consent."""
    honest = governed.notify_draft("quorum")
    first, _ = governed.opened.witnesses(statement(governed))
    for few in ([first], [first, first], []):
        judge.refused(with_redeemer(honest, "mint", SIGNATURES, flat(few)), "mint")
    judge.accepted(honest)


def test_too_few_beside_the_creator(scene: Scene, judge: Judge) -> None:
    """The creator signs for one oracle, where only a quorum may."""
    proceedings = scene.proceedings(cancel_by=frozenset({"quorum"}))
    honest = proceedings.notify_draft("quorum")
    (first, _) = proceedings.opened.witnesses(statement(proceedings))
    few = with_redeemer(honest, "mint", SIGNATURES, flat([first]))
    key = scene.harness.key("creator").key_hash
    judge.refused(along(few, signers=(key,)), "mint")
    judge.accepted(honest)


@pytest.mark.parametrize(
    "change",
    [
        {"said_at_posix_ms": 5},
        {"evidence_hash": b"\1" * 32},
        {"distribution_id": bytes(28)},
        {"policy_id": bytes(28)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_signed_for_something_else(
    governed: Proceedings, judge: Judge, change: dict[str, object]
) -> None:
    """A quorum gave notice, but at another time, for another reason, or of another distribution."""
    honest = governed.notify_draft("quorum")
    other: NoticeStatement = replace(statement(governed), **change)  # type: ignore[arg-type]
    wrong = governed.opened.witnesses(other)
    judge.refused(with_redeemer(honest, "mint", SIGNATURES, flat(wrong)), "mint")
    judge.accepted(honest)


def test_an_attestations_signatures_as_notice(governed: Proceedings, judge: Judge) -> None:
    """The oracles said that a milestone is complete."""
    honest = governed.notify_draft("quorum")
    said: Statement = governed.opened.statement(FIRST)
    wrong = governed.opened.witnesses(said)
    judge.refused(with_redeemer(honest, "mint", SIGNATURES, flat(wrong)), "mint")
    judge.accepted(honest)


def test_a_notices_signatures_as_attestation(governed: Proceedings, judge: Judge) -> None:
    """The oracles said that the distribution ends, not that a milestone is complete."""
    honest = governed.opened.attest_draft(FIRST)
    wrong = governed.opened.witnesses(statement(governed))
    judge.refused(with_redeemer(honest, "mint", (6,), flat(wrong)), "mint")
    judge.accepted(honest)


@pytest.mark.parametrize("place", [EVIDENCE_FIELD, SAID_AT], ids=["evidence", "time"])
def test_the_redeemer_says_something_else(
    governed: Proceedings, judge: Judge, place: tuple[int, ...]
) -> None:
    """Evidence or time changed in redeemer and datum, which agree; nobody signed that."""
    honest = governed.notify_draft("quorum")
    later = governed.notice("quorum").said_at_posix_ms + 1000
    value = b"\1" * 32 if place == EVIDENCE_FIELD else later
    datum = (3,) if place == EVIDENCE_FIELD else (2,)
    judge.refused(with_datum(with_redeemer(honest, "mint", place, value), 0, datum, value), "mint")
    judge.accepted(honest)


def test_the_datum_names_signers_who_never_signed(governed: Proceedings, judge: Judge) -> None:
    """A creator's notice that looks as if it were the oracles'."""
    honest = governed.notify_draft("creator")
    keys = tuple(key.key_hash for key in oracles(governed.harness, 3))
    judge.refused(with_datum(honest, 0, (4,), keys), "mint")
    judge.accepted(honest)


# -- by whose terms


@pytest.mark.parametrize("by", GIVEN)
@pytest.mark.parametrize("fake", [bare_copy, foreign_copy, unstaked_copy, copy_at_home])
def test_notice_under_fake_terms(
    governed: Proceedings, judge: Judge, scene: Scene, fake: Fake, by: NoticeBy
) -> None:
    """The terms' datum without their token, or with the token of an attacker's own registry."""
    copy = fake(scene.harness, governed.opened.terms)
    fooled = Proceedings(replace(governed.opened, terms=copy))
    judge.refused(fooled.notify_draft(by), "mint")
    judge.accepted(governed.notify_draft(by))


def test_notice_under_the_terms_of_another(scene: Scene, judge: Judge) -> None:
    """The attacker, creator of their own distribution, gives notice of somebody else's."""
    attacker = Creator(scene.harness.key("attacker").address(0).payment)
    victim, own = scene.proceedings(), scene.proceedings(creator=attacker)
    stolen = Proceedings(replace(victim.opened, terms=own.opened.terms)).notify_draft("creator")
    stolen = replace(stolen, required_signers=(attacker.credential.hash,))
    judge.refused(stolen, "mint")
    judge.accepted(own.notify_draft("creator"))
    judge.accepted(victim.notify_draft("creator"))


# -- the word that all may go home


@pytest.mark.parametrize("kind", ["key", "native script", "Plutus script"])
def test_home_is_for_creators_that_are_scripts(scene: Scene, judge: Judge, kind: str) -> None:
    """A key's leniency after `reclaim_after` stays the key's: nobody else ends what it opened."""
    creator = creators(scene.harness)[kind]
    proceedings = scene.proceedings(creator=creator, cancel_by=frozenset())
    draft = proceedings.notify_draft("home")
    if kind != "key":
        judge.accepted(draft)
        return
    judge.refused(draft, "mint")
    judge.refused(creator.consenting(scene.harness, draft), "mint")
    scripted = scene.proceedings(creator=NATIVE, cancel_by=frozenset())
    judge.accepted(scripted.notify_draft("home"))


def test_home_with_signatures(scene: Scene, judge: Judge) -> None:
    """A quorum that signed a notice of time 0: that is no notice, and nobody's word is asked for."""
    proceedings = scene.proceedings(creator=NATIVE)
    honest = proceedings.notify_draft("home")
    zero = replace(statement(proceedings), said_at_posix_ms=0)
    witnesses = proceedings.opened.witnesses(zero)
    signers = proceedings.opened.sitting.oracles[:2]
    signed = with_redeemer(honest, "mint", SIGNATURES, flat(witnesses))
    judge.refused(with_datum(signed, 0, (4,), signers), "mint")
    judge.accepted(honest)


@pytest.mark.parametrize(("by", "label"), [("home", "notice"), ("creator", "home")])
def test_one_of_both_under_the_others_name(
    scene: Scene, judge: Judge, by: NoticeBy, label: str
) -> None:
    """`CNCL` with time 0 would cancel without grace; `HOME` with a time, without the creator."""
    proceedings = scene.proceedings(creator=PLUTUS)
    honest = proceedings.notify_draft(by)
    if by == "creator":
        honest = PLUTUS.consenting(scene.harness, honest)
    (mint,) = honest.mints
    (name,) = mint.assets
    other = (b"CNCL" if label == "notice" else b"HOME") + name[4:]
    held = Value.of(AssetId(mint.policy_id, other), 1)
    output = replace(honest.outputs[0], value=held)
    wrong = replace(honest, mints=(replace(mint, assets={other: 1}),), outputs=(output,))
    judge.refused(wrong, "mint")
    judge.accepted(honest)


# -- company


def test_two_notices_at_once(governed: Proceedings, judge: Judge) -> None:
    """One redeemer, two tokens, two outputs: the second one unchecked."""
    first = governed.notify_draft("creator")
    judge.refused(together(first, governed.notify_draft("creator")), "mint")
    judge.accepted(first)


def test_notice_beside_attesting(governed: Proceedings, judge: Judge) -> None:
    """Each names all that is minted."""
    notify = governed.notify_draft("creator")
    attest = with_redeemer(governed.opened.attest_draft(FIRST), "mint", (2,), 1)
    judge.refused(together(notify, attest), "mint")
    judge.accepted(notify)
    judge.accepted(with_redeemer(attest, "mint", (2,), 0))


def test_evidence_of_a_notice_may_be_empty(governed: Proceedings, judge: Judge) -> None:
    """Whoever gives notice may say why, or not: control of what is compared."""
    honest = governed.notify_draft("creator")
    silent: TransactionDraft = with_redeemer(honest, "mint", EVIDENCE_FIELD, b"")
    judge.refused(silent, "mint")
    judge.accepted(with_datum(silent, 0, (3,), b""))
