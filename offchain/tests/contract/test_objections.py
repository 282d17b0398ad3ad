"""Attacks on objections, by too few, by others, against something else; and on where bonds go."""

from __future__ import annotations

from dataclasses import replace

import pytest

from milestones.cardano import plutus_data
from milestones.cardano.value import Value
from milestones.protocol.redeemers import OracleWitness
from milestones.protocol.statements import NoticeStatement, RotationStatement, Statement
from milestones.testing.contract import EVIDENCE, oracles
from milestones.testing.proceedings import Proceedings, slot_of
from milestones.transactions.board_drafts import LiveProposal
from milestones.transactions.draft import DraftOutput, TransactionDraft
from tests.support.acts import NEXT, RETURNING, act_of
from tests.support.hostile import (
    Fake,
    Judge,
    along,
    bare_copy,
    copy_at_home,
    foreign_copy,
    native_policy,
    unstaked_copy,
    with_output,
    with_redeemer,
    with_value,
)
from tests.support.scenes import FIRST, SECOND, Scene

DATUM = plutus_data.encode(0)
ADDRESS = (3,)
"""Where the redeemer says where the bond goes."""


def signed(proceedings: Proceedings, statement: Statement, *numbers: int) -> list[OracleWitness]:
    """The signatures of these of the three oracles."""
    keys = oracles(proceedings.harness, 3)
    data = statement.signed_data
    return [OracleWitness(keys[n].verification_key, keys[n].sign(data)) for n in numbers]


# -- who objects


def test_one_objector_short(governed: Proceedings, judge: Judge) -> None:
    """One signature where two are asked for; nobody's; the same twice."""
    live = governed.propose()
    statement = governed.objection(live)
    first, second = signed(governed, statement, 0, 1)
    for few in ([], [first], [second]):
        judge.refused(governed.object_draft(live, few), "mint")
    twice = with_redeemer(
        governed.object_draft(live, [first]),
        "mint",
        (4,),
        (first.verification_key, first.signature, b"") * 2,
    )
    judge.refused(twice, "mint")
    judge.accepted(governed.object_draft(live, [first, second]))


@pytest.mark.parametrize(("objectors", "needed"), [(1, 1), (2, 2), (3, 2), (100, 2)])
def test_as_many_as_the_terms_ask_or_a_quorum(
    scene: Scene, judge: Judge, objectors: int, needed: int
) -> None:
    """A quorum of two can always object, whatever the terms ask beyond it."""
    proceedings = scene.proceedings(objectors=objectors)
    live = proceedings.propose()
    statement = proceedings.objection(live)
    few = signed(proceedings, statement, *range(1, needed))
    judge.refused(proceedings.object_draft(live, few), "mint")
    judge.accepted(proceedings.object_draft(live, signed(proceedings, statement, *range(needed))))


def test_a_smaller_board_can_object(scene: Scene, judge: Judge) -> None:
    """Two are asked for, and one oracle is left, a quorum of one."""
    proceedings = scene.proceedings(is_rotatable=True).rotate(["oracle-9"], 1)
    live = proceedings.propose()
    judge.refused(proceedings.object_draft(live, []), "mint")
    judge.accepted(proceedings.object_draft(live))


def test_objectors_who_are_no_oracles(governed: Proceedings, judge: Judge) -> None:
    """The attacker's own signature, beside an oracle's or instead of it."""
    live = governed.propose()
    statement = governed.objection(live)
    key = governed.harness.key("attacker")
    stranger = OracleWitness(key.verification_key, key.sign(statement.signed_data))
    oracle, _ = signed(governed, statement, 0, 1)
    parts = tuple(
        part for w in (oracle, stranger) for part in (w.verification_key, w.signature, w.prefix)
    )
    honest = governed.object_draft(live)
    judge.refused(with_redeemer(honest, "mint", (4,), parts), "mint")
    judge.accepted(honest)


# -- what they signed


def others(proceedings: Proceedings, live: LiveProposal) -> dict[str, Statement]:
    """What oracles may have signed that is not this objection, but for one thing."""
    again, known = proceedings.propose(), proceedings.objection(live)
    policy, own = known.policy_id, known.distribution_id
    keys = tuple(key.key_hash for key in oracles(proceedings.harness, 3))
    thief = proceedings.harness.key("attacker").address(0)
    return {
        "another proposal": proceedings.objection(again),
        "another milestone": replace(known, milestone=SECOND.encode()),
        "another distribution": replace(known, distribution_id=bytes(28)),
        "another contract": replace(known, policy_id=bytes(28)),
        "another address": proceedings.objection(live, thief),
        "an attestation": proceedings.opened.statement(FIRST),
        "a notice": NoticeStatement(policy, own, 5, EVIDENCE),
        "a rotation": RotationStatement(policy, own, 1, keys, 2),
    }


@pytest.mark.parametrize(
    "kind",
    [
        "another proposal",
        "another milestone",
        "another distribution",
        "another contract",
        "another address",
        "an attestation",
        "a notice",
        "a rotation",
    ],
)
def test_signatures_for_something_else(governed: Proceedings, judge: Judge, kind: str) -> None:
    """A quorum signed something, but not that this proposal's bond goes there."""
    live = governed.propose()
    witnesses = signed(governed, others(governed, live)[kind], 0, 1)
    judge.refused(governed.object_draft(live, witnesses), "mint")
    judge.accepted(governed.object_draft(live))


def test_the_bond_to_another_address_than_was_signed(governed: Proceedings, judge: Judge) -> None:
    """Output, or output and redeemer, name the attacker's."""
    live = governed.propose()
    honest = governed.object_draft(live)
    thief = governed.harness.key("attacker").address(0)
    moved = with_output(honest, 0, address=thief)
    judge.refused(moved, "mint")
    judge.refused(with_redeemer(moved, "mint", ADDRESS, thief.to_data()), "mint")
    judge.refused(with_redeemer(honest, "mint", ADDRESS, thief.to_data()), "mint")
    judge.accepted(honest)


@pytest.mark.parametrize("statement", ["an attestation", "a notice", "a rotation"])
def test_an_objection_used_as_something_else(
    seated: Proceedings, judge: Judge, statement: str
) -> None:
    """Signatures of an objection attest nothing, give no notice, and seat no board."""
    live = seated.propose()
    witnesses = signed(seated, seated.objection(live), 0, 1)
    flat = tuple(p for w in witnesses for p in (w.verification_key, w.signature, w.prefix))
    honest, path = {
        "an attestation": (seated.opened.attest_draft(FIRST), (6,)),
        "a notice": (seated.notify_draft("quorum"), (5,)),
        "a rotation": (seated.rotate_draft(seated.next_board(NEXT, 2)), (1,)),
    }[statement]
    judge.refused(with_redeemer(honest, "mint", path, flat), "mint")
    judge.accepted(honest)


# -- time


def test_objected_until_confirmed(governed: Proceedings, judge: Judge, scene: Scene) -> None:
    """Also when it is due: in its last slot before, in the first after, and long after."""
    for later in (-1, 0, 100_000):
        live = governed.propose()
        scene.harness.reach(slot_of(live.proposal.due_at_posix_ms) + later)
        judge.accepted(governed.object_draft(live))


# -- by whose terms


@pytest.mark.parametrize("fake", [bare_copy, foreign_copy, unstaked_copy, copy_at_home])
def test_objected_under_fake_terms(
    governed: Proceedings, judge: Judge, scene: Scene, fake: Fake
) -> None:
    """The terms' datum without their token, or with the token of an attacker's own registry."""
    live = governed.propose()
    copy = fake(scene.harness, governed.opened.terms)
    fooled = Proceedings(replace(governed.opened, terms=copy))
    judge.refused(fooled.object_draft(live), "mint")
    judge.accepted(governed.object_draft(live))


def test_objected_under_the_terms_of_another(scene: Scene, judge: Judge) -> None:
    """The attacker is the only oracle of the attacker's own distribution."""
    key = scene.harness.key("attacker")
    lax = scene.proceedings(oracles=(key.key_hash,), quorum_threshold=1, objectors=1)
    victim = scene.proceedings()
    live, own = victim.propose(), lax.propose()
    statement = replace(victim.objection(live), distribution_id=lax.opened.distribution.id)
    stolen = [OracleWitness(key.verification_key, key.sign(statement.signed_data))]
    judge.refused(lax.object_draft(live, stolen), "mint")
    judge.accepted(lax.object_draft(own))
    judge.accepted(victim.object_draft(live))


# -- where bonds go, by whatever they return


@pytest.mark.parametrize("name", RETURNING)
def test_a_bond_one_lovelace_short(scene: Scene, judge: Judge, name: str) -> None:
    """The rest is the attacker's."""
    act, place = act_of(scene, name), RETURNING[name]
    judge.refused(with_value(act.draft, place, Value(-1)), "mint")
    judge.refused(with_value(act.draft, place, Value(-4_000_000)), "mint")
    judge.accepted(with_value(act.draft, place, Value(1)))


@pytest.mark.parametrize("where", ["the attacker", "another staking part", "a script"])
@pytest.mark.parametrize("name", RETURNING)
def test_a_bond_elsewhere(scene: Scene, judge: Judge, name: str, where: str) -> None:
    """To the attacker, under the attacker's stake, or to a script with the same hash."""
    act, place = act_of(scene, name), RETURNING[name]
    address = act.draft.outputs[place].address
    changed = {
        "the attacker": scene.harness.key("attacker").address(0),
        "another staking part": replace(address, staking=scene.harness.address.payment),
        "a script": replace(address, payment=replace(address.payment, kind="script")),
    }[where]
    judge.refused(with_output(act.draft, place, address=changed), "mint")
    judge.accepted(act.draft)


@pytest.mark.parametrize("name", RETURNING)
def test_a_bond_with_something_attached(scene: Scene, judge: Judge, name: str) -> None:
    """A datum, its hash, a script, or dust: what a wallet may not know how to spend."""
    act, place = act_of(scene, name), RETURNING[name]
    script = native_policy(scene.harness, "attacker")
    judge.refused(with_output(act.draft, place, inline_datum=DATUM), "mint")
    judge.refused(with_output(act.draft, place, datum_hash=bytes(32)), "mint")
    judge.refused(with_output(act.draft, place, script=script), "mint")
    dust = Value(0, {scene.harness.token: 1})
    judge.refused(with_value(act.draft, place, dust), "mint")
    judge.accepted(act.draft)


@pytest.mark.parametrize("name", RETURNING)
def test_a_bond_in_two_outputs(scene: Scene, judge: Judge, name: str) -> None:
    """Both at the right address; whoever is to be paid twice would count each."""
    act, place = act_of(scene, name), RETURNING[name]
    half = Value(act.draft.outputs[place].value.lovelace // 2)
    beside = replace(act.draft.outputs[place], value=half)
    judge.refused(along(with_value(act.draft, place, -half), outputs=(beside,)), "mint")
    judge.accepted(act.draft)


@pytest.mark.parametrize("name", RETURNING)
def test_a_bond_that_is_counted_as_change(scene: Scene, judge: Judge, name: str) -> None:
    """Something else stands in its place, and the bond comes behind."""
    act, place = act_of(scene, name), RETURNING[name]
    other = DraftOutput(address=scene.harness.address, value=Value(1_000_000))
    outputs = (*act.draft.outputs[:place], other, *act.draft.outputs[place:])
    judge.refused(replace(act.draft, outputs=outputs), "mint")
    judge.accepted(act.draft)


def two_bonds_one_output(first: TransactionDraft, second: TransactionDraft) -> TransactionDraft:
    """Both proposals are spent, and one output returns a bond."""
    assets = {**first.mints[-1].assets}
    for name, quantity in second.mints[-1].assets.items():
        assets[name] = assets.get(name, 0) + quantity
    mints = (*first.mints[:-1], replace(first.mints[-1], assets=assets))
    return replace(along(first, spends=second.spends), mints=mints)


@pytest.mark.parametrize("milestone", [FIRST, SECOND])
@pytest.mark.parametrize("name", RETURNING)
def test_one_bond_for_two_proposals(
    governed: Proceedings, judge: Judge, scene: Scene, name: str, milestone: str
) -> None:
    """Two proposals of one proposer, one output: the attacker keeps the other bond."""
    live, other = governed.propose(), governed.propose(milestone)
    scene.harness.reach(slot_of(other.proposal.forgotten_at_posix_ms))

    def make(proposal: LiveProposal) -> TransactionDraft:
        return {
            "object": lambda: governed.object_draft(proposal),
            "confirm": lambda: governed.confirm_draft(proposal),
            "retire": lambda: governed.retire_draft(proposal),
        }[name]()

    judge.refused(two_bonds_one_output(make(live), make(other)), "mint")
    judge.accepted(make(live))
    judge.accepted(make(other))
