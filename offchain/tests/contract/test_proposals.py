"""Attacks on proposals: backdated, without bond, under other terms, confirmed as something else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from milestones.cardano import plutus_data
from milestones.cardano.outputs import Utxo
from milestones.cardano.plutus_data import Constr, PlutusData
from milestones.cardano.value import Value
from milestones.protocol.datums import Attestation, attestation_token_name
from milestones.testing.contract import EVIDENCE
from milestones.testing.proceedings import SOON, Proceedings, slot_of
from milestones.transactions.board_drafts import LiveProposal
from milestones.transactions.draft import DraftOutput
from tests.support.hostile import (
    Fake,
    Judge,
    along,
    bare_copy,
    copy_at_home,
    foreign_copy,
    minting,
    settled,
    together,
    unstaked_copy,
    with_datum,
    with_output,
    with_redeemer,
    with_value,
)
from tests.support.moments import due
from tests.support.scenes import DAY, FIRST, REVIEW, SECOND, Scene

REGISTRY, BOARD = 0, 1
"""Mints of a confirmation."""
SAID_AT, DUE_AT = 4, 5
"""Fields of a proposal's datum."""


def under_terms(proceedings: Proceedings, terms: Utxo) -> Proceedings:
    """The same, but transactions refer to something else as the terms."""
    return Proceedings(replace(proceedings.opened, terms=terms))


# -- proposing: time


def test_proposed_for_a_moment_before_the_transactions_end(
    governed: Proceedings, judge: Judge, scene: Scene
) -> None:
    """Backdated by a slot: what is said at a moment must be on the chain by then."""
    said = scene.harness.slot + SOON
    proposal = governed.proposal(said_slot=said)
    judge.refused(governed.propose_draft(proposal, until_slot=said + 1), "mint")
    judge.accepted(governed.propose_draft(proposal, until_slot=said))


def test_proposed_without_an_end(governed: Proceedings, judge: Judge, scene: Scene) -> None:
    """A transaction that doesn't say until when it is valid; a start is no end."""
    honest = governed.propose_draft()
    endless = replace(honest, valid_until_slot=None)
    judge.refused(endless, "mint")
    judge.refused(replace(endless, valid_from_slot=scene.harness.slot), "mint")
    judge.accepted(honest)


def test_proposed_long_ago(governed: Proceedings, judge: Judge, scene: Scene) -> None:
    """Said before the chain began, so that its review is over already: redeemer and datum agree."""
    now = scene.harness.slot
    judge.refused(
        governed.propose_draft(governed.proposal(said_slot=now - REVIEW), until_slot=now + SOON),
        "mint",
    )
    judge.accepted(governed.propose_draft())


@pytest.mark.parametrize("earlier", [1, REVIEW * 1000])
def test_due_earlier_than_the_terms_say(governed: Proceedings, judge: Judge, earlier: int) -> None:
    """A millisecond less to object, or none at all."""
    honest = governed.propose_draft()

    def hurried(moment: PlutusData) -> PlutusData:
        assert isinstance(moment, int)
        return moment - earlier

    judge.refused(with_datum(honest, 0, (DUE_AT,), hurried), "mint")
    judge.accepted(honest)


@pytest.mark.parametrize("period_ms", [0, 1, DAY * 1000 - 1, -DAY * 1000])
def test_a_review_of_less_than_a_day(scene: Scene, judge: Judge, period_ms: int) -> None:
    """Terms with a shorter one, or a negative one: nobody could object, so a day counts."""
    proceedings = scene.proceedings(review_period_ms=period_ms)
    honest = proceedings.propose_draft()
    said_at = proceedings.proposal().said_at_posix_ms
    judge.refused(with_datum(honest, 0, (DUE_AT,), said_at + period_ms), "mint")
    judge.refused(with_datum(honest, 0, (DUE_AT,), said_at + DAY * 1000 - 1), "mint")
    assert proceedings.proposal().due_at_posix_ms == said_at + DAY * 1000
    judge.accepted(honest)


# -- proposing: what, and by which terms


@pytest.mark.parametrize("objectors", [0, -1])
def test_terms_without_objectors(scene: Scene, judge: Judge, objectors: int) -> None:
    """Nobody could object, so nothing can be proposed."""
    judge.refused(scene.proceedings(objectors=objectors).propose_draft(), "mint")
    judge.accepted(scene.proceedings(objectors=1).propose_draft())


def test_a_milestone_without_a_name(governed: Proceedings, judge: Judge) -> None:
    """Proposes that "" is complete."""
    judge.refused(governed.propose_draft(governed.proposal("")), "mint")
    judge.accepted(governed.propose_draft(governed.proposal("m")))


def test_the_bond_one_lovelace_short(governed: Proceedings, judge: Judge, scene: Scene) -> None:
    """A proposal that costs less than the terms ask, and next to nothing."""
    honest = settled(scene.harness, governed.propose_draft())
    assert honest.outputs[0].value.lovelace == governed.terms.bond_lovelace
    judge.refused(with_value(honest, 0, Value(-1)), "mint")
    judge.refused(with_value(honest, 0, Value(-2_500_000)), "mint")
    judge.accepted(honest)


def test_the_bond_in_another_output(governed: Proceedings, judge: Judge, scene: Scene) -> None:
    """Half of it with the proposal, half in an output of the attacker's."""
    honest = settled(scene.harness, governed.propose_draft())
    half = Value(governed.terms.bond_lovelace // 2)
    beside = DraftOutput(address=scene.harness.address, value=half)
    judge.refused(along(with_value(honest, 0, -half), outputs=(beside,)), "mint")
    judge.accepted(honest)


@pytest.mark.parametrize("fake", [bare_copy, foreign_copy, unstaked_copy, copy_at_home])
def test_proposed_under_fake_terms(
    governed: Proceedings, judge: Judge, scene: Scene, fake: Fake
) -> None:
    """The terms' datum without their token, or with the token of an attacker's own registry."""
    copy = fake(scene.harness, governed.opened.terms)
    honest, proposal = governed.propose_draft(), governed.proposal()
    judge.refused(under_terms(governed, copy).propose_draft(proposal), "mint")
    judge.accepted(honest)


def test_proposed_under_the_terms_of_another(
    governed: Proceedings, judge: Judge, scene: Scene
) -> None:
    """The attacker's own terms ask for no bond and name the attacker's oracles."""
    lax = scene.proceedings(bond_lovelace=0, allowance_lovelace=1)
    honest, proposal = governed.propose_draft(), governed.proposal()
    judge.refused(under_terms(governed, lax.opened.terms).propose_draft(proposal), "mint")
    judge.accepted(honest)


def test_proposed_and_attested_at_once(governed: Proceedings, judge: Judge) -> None:
    """A proposal and an attestation in one transaction, of the same distribution."""
    propose, attest = governed.propose_draft(), governed.opened.attest_draft(SECOND)
    attest = with_redeemer(attest, "mint", (2,), 1)
    judge.refused(together(propose, attest), "mint")
    judge.accepted(propose)
    judge.accepted(with_redeemer(attest, "mint", (2,), 0))


# -- confirming: time


def test_confirmed_one_slot_early(governed: Proceedings, judge: Judge, scene: Scene) -> None:
    """The validity interval starts a second before the proposal is due; or doesn't start."""
    live = due(governed)
    judge.refused(governed.confirm_draft(live, slot=scene.harness.slot - 1), "mint")
    honest = governed.confirm_draft(live)
    judge.refused(replace(honest, valid_from_slot=None), "mint")
    until = replace(honest, valid_from_slot=None, valid_until_slot=scene.harness.slot + DAY)
    judge.refused(until, "mint")
    judge.accepted(honest)


def test_confirmed_what_is_not_due(governed: Proceedings, judge: Judge, scene: Scene) -> None:
    """In its first moment, and in its last."""
    live = governed.propose()
    said = slot_of(live.proposal.said_at_posix_ms)
    for slot in (said, said + REVIEW - 1):
        scene.harness.reach(slot)
        judge.refused(governed.confirm_draft(live), "mint")
    scene.harness.reach(said + REVIEW)
    judge.accepted(governed.confirm_draft(live))


# -- confirming: evidence and time are the proposal's


@pytest.mark.parametrize(
    ("redeemer_field", "datum_field", "value"),
    [(4, 2, b"\1" * 32), (4, 2, b""), (5, 3, 0)],
    ids=["other evidence", "no evidence", "another time"],
)
def test_confirmed_with_another_statement(
    governed: Proceedings,
    judge: Judge,
    redeemer_field: int,
    datum_field: int,
    value: PlutusData,
) -> None:
    """Attestation and `registry` agree on it; nobody had a chance to object to it."""
    honest = governed.confirm_draft(due(governed))
    wrong = with_redeemer(honest, "mint", (redeemer_field,), value)
    judge.refused(with_datum(wrong, 0, (datum_field,), value), "mint")
    judge.accepted(honest)


def test_confirmed_with_a_decoy(governed: Proceedings, judge: Judge, scene: Scene) -> None:
    """`board` is shown an output that says what was proposed, `registry` another that says more."""
    live = due(governed)
    honest = governed.confirm_draft(live)
    wrong = with_redeemer(honest, "mint", (4,), b"\1" * 32)
    wrong = with_datum(wrong, 0, (2,), b"\1" * 32)
    decoy = replace(honest.outputs[0], value=Value())
    swapped = along(wrong, outputs=(decoy, honest.outputs[1]))
    pointed = with_redeemer(swapped, "mint", (0,), 2, place=BOARD)
    judge.refused(pointed, "mint")
    policy = scene.harness.contract.policy_id
    name = attestation_token_name(governed.opened.distribution.id, FIRST.encode())
    twice = minting(pointed, name, 1)
    both = with_output(twice, 2, value=honest.outputs[0].value)
    assert both.mints[REGISTRY].policy_id == policy
    judge.refused(both, "mint")
    judge.accepted(honest)


def test_confirmed_with_signers_who_never_signed(governed: Proceedings, judge: Judge) -> None:
    """The attestation names oracles."""
    honest = governed.confirm_draft(due(governed))
    judge.refused(with_datum(honest, 0, (4,), (governed.opened.sitting.oracles[0],)), "mint")
    judge.accepted(honest)


def test_confirmed_another_milestone(governed: Proceedings, judge: Judge, scene: Scene) -> None:
    """FIRST was proposed, and SECOND is attested: token, redeemer and datum agree."""
    live = due(governed)
    honest = governed.confirm_draft(live)
    other = LiveProposal(live.utxo, replace(live.proposal, milestone=SECOND.encode()))
    wrong = governed.confirm_draft(other)
    burnt = replace(wrong.mints[BOARD], assets={live.proposal.token_name: -1})
    judge.refused(replace(wrong, mints=(wrong.mints[REGISTRY], burnt)), "mint")
    judge.accepted(honest)


def test_confirmed_for_another_distribution(
    governed: Proceedings, judge: Judge, scene: Scene
) -> None:
    """The attacker's own distribution asks for no bond; its proposal attests for this one."""
    lax = scene.proceedings(bond_lovelace=0, allowance_lovelace=1)
    own = lax.propose()
    live = due(governed)
    stolen = governed.confirm_draft(own)
    judge.refused(stolen, "mint")
    judge.accepted(lax.confirm_draft(own))
    judge.accepted(governed.confirm_draft(live))


def test_confirmed_by_a_proposal_under_an_attackers_registry(
    governed: Proceedings, judge: Judge, scene: Scene
) -> None:
    """A copy of the terms under a policy of the attacker's, proposed and due: other names, for nobody."""
    copy = foreign_copy(scene.harness, governed.opened.terms)
    (token,) = (a for a in copy.output.value.assets)
    fake = under_terms(governed, copy)
    proposal = replace(governed.proposal(), registry=token.policy_id)
    draft = fake.propose_draft(proposal)
    live = LiveProposal(judge.accepted(draft).outputs[0], proposal)
    genuine = due(governed)
    judge.refused(governed.confirm_draft(live), "mint")
    judge.accepted(governed.confirm_draft(genuine))


def test_attested_without_signatures_beside_another_action(
    governed: Proceedings, judge: Judge, scene: Scene
) -> None:
    """The proposal is burnt by Retire or Object, which look at neither evidence nor attestation."""
    live = governed.propose()
    scene.harness.reach(scene.harness.slot + SOON + 2 * REVIEW)
    honest = governed.confirm_draft(live)
    retired = replace(honest.mints[BOARD], redeemer=plutus_data.encode(Constr(7, (1,))))
    judge.refused(replace(honest, mints=(honest.mints[REGISTRY], retired)), "mint")
    objected = governed.object_draft(live)
    beside = together(honest, objected)
    swapped = replace(honest.mints[BOARD], redeemer=objected.mints[0].redeemer)
    both = replace(
        beside,
        spends=honest.spends,
        mints=(honest.mints[REGISTRY], swapped),
    )
    judge.refused(both, "mint")
    judge.accepted(honest)


def test_attested_beside_a_proposal_that_stays(governed: Proceedings, judge: Judge) -> None:
    """Neither signatures nor a proposal burnt; or one is minted instead."""
    live = due(governed)
    honest = governed.confirm_draft(live)
    alone = replace(honest, spends=(), mints=honest.mints[:1])
    judge.refused(alone, "mint")
    judge.accepted(honest)


def test_a_quorum_overtakes_a_proposal(governed: Proceedings, judge: Judge) -> None:
    """Signatures attest what is only proposed; the proposal can still be confirmed, and harms nobody."""
    live = governed.propose()
    judge.accepted(governed.opened.attest_draft(FIRST))
    governed.harness.reach(governed.harness.slot + SOON + REVIEW)
    judge.accepted(governed.confirm_draft(live))


def test_signed_and_confirmed_at_once(governed: Proceedings, judge: Judge) -> None:
    """An attestation with signatures that burns a proposal as well: `registry` asks for one of them."""
    live = due(governed)
    honest = governed.confirm_draft(live)
    signed = governed.opened.attesting(FIRST)
    statement = replace(
        governed.opened.statement(FIRST), verification_posix_ms=live.proposal.said_at_posix_ms
    )
    witnesses = governed.opened.witnesses(statement)
    parts = tuple(p for w in witnesses for p in (w.verification_key, w.signature, w.prefix))
    assert len(signed.witnesses) == len(witnesses)
    judge.refused(with_redeemer(honest, "mint", (6,), parts), "mint")
    judge.accepted(honest)


def test_a_confirmed_milestone_pays(governed: Proceedings, judge: Judge) -> None:
    """What nobody objected to is worth as much as what a quorum signed."""
    opened = governed.confirm(due(governed))
    attestation = Attestation.decode(opened.attestations[FIRST].output.inline_datum or b"")
    assert (attestation.signers, attestation.evidence_hash) == ((), EVIDENCE)
    judge.accepted(opened.release_draft([0, 1]))
