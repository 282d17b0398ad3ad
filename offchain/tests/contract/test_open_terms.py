"""Attacks on opening by what terms may say beyond money: staking parts, boards, allowances, many oracles."""

from __future__ import annotations

from dataclasses import replace

import pytest

from milestones.cardano.address import Credential, key_credential, script_credential
from milestones.cardano.outputs import Utxo
from milestones.cardano.plutus_data import Constr, PlutusData
from milestones.cardano.value import AssetId, Value
from milestones.domain.models import Allocation
from milestones.errors import InvalidEncoding
from milestones.protocol.datums import board_hash, board_token_name
from milestones.protocol.distribution import Distribution
from milestones.protocol.redeemers import OracleWitness
from milestones.protocol.terms import Terms
from milestones.testing.contract import FIRST_SLOT, base_address, moment, oracles, schedule
from milestones.testing.proceedings import Proceedings
from milestones.transactions.contract_drafts import Attesting, attest_draft
from milestones.transactions.draft import DraftOutput, Spend, TransactionDraft
from tests.support.hostile import (
    Judge,
    along,
    case_name,
    copy_at_home,
    minting,
    replaced,
    settled,
    together,
    with_output,
    with_redeemer,
)
from tests.support.raw_terms import RawTerms, raw_distribution, raw_opening
from tests.support.scenes import FIRST, GOVERNED, GRACE, Scene

OUTPUTS = (0, 1, 2)
"""Terms and vaults of an opening."""
STAKING: dict[str, Credential | None] = {
    "none": None,
    "a key": key_credential(b"\1" * 28),
    "a script": script_credential(b"\1" * 28),
    "another key": key_credential(b"\2" * 28),
}

# -- the staking part


def moved(draft: TransactionDraft, staking: Credential | None, *places: int) -> TransactionDraft:
    """Outputs under another staking part."""
    for place in places:
        address = replace(draft.outputs[place].address, staking=staking)
        draft = with_output(draft, place, address=address)
    return draft


@pytest.mark.parametrize("given", STAKING)
@pytest.mark.parametrize("named", STAKING)
def test_staking_part_swapped(scene: Scene, judge: Judge, named: str, given: str) -> None:
    """All outputs agree on another staking part than the terms say: the attacker's stake."""
    distribution = scene.other(staking=STAKING[named])
    honest = scene.opening_of(distribution)
    other = STAKING[given] or key_credential(distribution.id)
    if given != named:
        judge.refused(moved(honest, other, *OUTPUTS), "mint")
        for place in OUTPUTS:
            judge.refused(moved(honest, other, place), "mint")
    judge.refused(moved(honest, None, *OUTPUTS), "mint")
    judge.accepted(honest)


@pytest.mark.parametrize("named", ["a key", "a script"])
def test_the_staking_part_stays(scene: Scene, judge: Judge, named: str) -> None:
    """Attestations, proposals, notices, boards and vaults carry it, or are refused."""
    told = scene.proceedings(is_rotatable=True, staking=STAKING[named])
    own = key_credential(told.opened.distribution.id)
    drafts = {
        "attest": told.opened.attest_draft(FIRST),
        "propose": told.propose_draft(),
        "notify": told.notify_draft("creator"),
        "rotate": told.rotate_draft(told.next_board(["oracle-7"], 1)),
    }
    for draft in drafts.values():
        for staking in (None, own, STAKING["another key"]):
            judge.refused(moved(draft, staking, 0), "mint")
        judge.accepted(draft)
    later = scene.proceedings(staking=STAKING[named])
    release = later.opened.attest(FIRST)[0].release_draft([0])
    judge.refused(moved(release, own, 0), "spend")
    judge.accepted(release)


def test_two_distributions_at_one_address(scene: Scene, judge: Judge) -> None:
    """Neither can be taken for the other: tokens name them, the address doesn't."""
    shared = STAKING["a script"]
    one = scene.proceedings(staking=shared)
    other = scene.proceedings(staking=shared, quorum_threshold=1)
    assert one.opened.distribution.address == other.opened.distribution.address
    attested = other.opened.attest(FIRST)[0]
    fooled = one.opened.attested(FIRST, attested.attestations[FIRST])
    judge.refused(fooled.release_draft([0]), "spend")
    judge.refused(replace(one.opened, terms=other.opened.terms).attest_draft(FIRST), "mint")
    swapped = replace(one.opened.attest(FIRST)[0], terms=other.opened.terms)
    judge.refused(swapped.release_draft([0]), "spend")
    judge.accepted(attested.release_draft([0]))


KEY = Constr(0, (b"\1" * 28,))
CREDENTIALS: list[PlutusData] = [
    0,
    b"",
    (),
    Constr(0),
    Constr(0, (KEY, 0)),
    Constr(0, (0,)),
    Constr(0, (Constr(2, (b"\1" * 28,)),)),
    Constr(0, (Constr(0),)),
    Constr(0, (Constr(0, (b"\1" * 28, 0)),)),
    Constr(0, (Constr(0, (0,)),)),
    Constr(1, (KEY,)),
    Constr(2),
    Constr(2, (KEY,)),
]


@pytest.mark.parametrize("value", CREDENTIALS, ids=case_name)
def test_staking_has_one_shape(scene: Scene, judge: Judge, value: PlutusData) -> None:
    """What isn't an optional credential in its only shape; the outputs are under that key, or the id."""
    for staking in (key_credential(b"\1" * 28), None):
        distribution = raw_distribution(scene, (12,), value)
        draft = scene.opening_of(distribution)
        draft = moved(draft, staking or key_credential(distribution.id), *OUTPUTS)
        judge.refused(draft, "mint")
    judge.accepted(scene.opening(**GOVERNED, staking=key_credential(b"\1" * 28)))


REFERENCES: list[PlutusData] = [
    0,
    b"",
    (),
    Constr(0),
    Constr(0, (0,)),
    Constr(0, (Constr(0, (bytes(32), 0)), 0)),
    Constr(0, (Constr(0, (bytes(32), 0)),)),
    Constr(0, (Constr(0, (bytes(32),)),)),
    Constr(1, (0,)),
    Constr(2),
    Constr(2, (Constr(0, (bytes(32), 0)),)),
]


@pytest.mark.parametrize("value", REFERENCES, ids=case_name)
def test_rotatable_has_one_shape(scene: Scene, judge: Judge, value: PlutusData) -> None:
    """None, or an output that is spent here: neither of any other shape, nor somebody else's."""
    judge.refused(raw_opening(scene, (5,), value), "mint")
    judge.accepted(raw_opening(scene, (5,), Constr(1)))


@pytest.mark.parametrize("change", ["field more", "in a list"])
def test_a_reference_of_another_shape_that_is_spent(
    scene: Scene, judge: Judge, change: str
) -> None:
    """The output is spent and the board born; only the reference's own shape is odd."""
    distribution = scene.rotatable(**GOVERNED)
    honest = scene.opening_of(distribution)
    reference = distribution.terms.to_data().fields[5]
    assert isinstance(reference, Constr)
    inner = reference.fields[0]
    assert isinstance(inner, Constr)
    odd = replace(inner, fields=(*inner.fields, 0)) if change == "field more" else (inner,)
    raw = replaced(distribution.terms.to_data(), (5,), Constr(0, (odd,)))
    written = scene.with_terms(RawTerms.written(distribution.terms, raw))
    judge.refused(scene.opening_of(written), "mint")
    judge.accepted(honest)


# -- allowances


def test_an_allowance_of_less_than_nothing(each_scene: Scene, judge: Judge) -> None:
    """Whoever pays out would have to pay the vault for it."""
    for allowance in (-1, -(10**6)):
        draft = each_scene.opening(allowance_lovelace=allowance)
        fixed = settled(each_scene.harness, each_scene.opening())
        for place in (1, 2):
            lovelace = fixed.outputs[place].value.lovelace
            value = Value(lovelace, draft.outputs[place].value.assets)
            draft = with_output(draft, place, value=value, min_ada="ignore")
        judge.refused(draft, "mint")
    judge.accepted(each_scene.opening(allowance_lovelace=0))


# -- many oracles


def test_a_hundred_oracles_can_be_attested(scene: Scene, judge: Judge) -> None:
    """As many as may sit, the quorum that the program allows, and their signatures fit."""
    keys = oracles(scene.harness, 100)
    opened = scene.open(
        scene.other(oracles=tuple(key.key_hash for key in keys), quorum_threshold=15)
    )
    statement = opened.statement(FIRST)
    witnesses = [
        OracleWitness(key.verification_key, key.sign(statement.signed_data)) for key in keys[-15:]
    ]
    few = Attesting.of(opened.sitting, statement, witnesses[1:])
    enough = Attesting.of(opened.sitting, statement, witnesses)
    scripts = scene.harness.scripts
    judge.refused(attest_draft(few, terms=opened.terms, scripts=scripts), "mint")
    judge.accepted(attest_draft(enough, terms=opened.terms, scripts=scripts))


# -- something under `board`'s policy


@pytest.mark.parametrize("is_rotatable", [False, True], ids=["fixed", "rotatable"])
@pytest.mark.parametrize("what", ["propose", "notify"])
def test_opened_beside_another_action_of_board(
    scene: Scene, judge: Judge, what: str, is_rotatable: bool
) -> None:
    """A proposal or a notice of another distribution is minted by its own redeemer."""
    told = scene.proceedings(allowance_lovelace=3)
    beside = told.propose_draft() if what == "propose" else told.notify_draft("creator")
    distribution = scene.rotatable(**GOVERNED) if is_rotatable else scene.other(**GOVERNED)
    opening = scene.opening_of(distribution)
    place = (2 if what == "notify" else 1,)
    shifted = with_redeemer(beside, "mint", place, len(opening.outputs))
    both = replace(
        together(shifted, opening),
        outputs=(*opening.outputs, *beside.outputs),
        valid_until_slot=beside.valid_until_slot,
        reference_inputs=tuple(
            dict.fromkeys((*beside.reference_inputs, *opening.reference_inputs))
        ),
    )
    judge.refused(both, "mint")
    judge.accepted(opening)
    judge.accepted(beside)


@pytest.mark.parametrize("name", ["notice", "home", "second board", "no name"])
def test_something_else_born_beside_the_first_board(scene: Scene, judge: Judge, name: str) -> None:
    """A spare token for the attacker, made by an opening."""
    distribution = scene.rotatable(**GOVERNED)
    registry = distribution.contract.policy_id
    token = {
        "notice": b"CNCL" + board_hash(registry, distribution.id),
        "home": b"HOME" + board_hash(registry, distribution.id),
        "second board": board_token_name(registry, distribution.id, 1),
        "no name": b"",
    }[name]
    honest = scene.opening_of(distribution)
    held = Value.of(AssetId(distribution.contract.board_policy, token), 1)
    thief = DraftOutput(address=scene.harness.address, value=held)
    judge.refused(along(minting(honest, token, 1, place=1), outputs=(thief,)), "mint")
    judge.accepted(honest)


# -- what nothing on the chain reads


def test_a_token_of_boards_can_be_distributed_and_then_not_be_ended(
    scene: Scene, judge: Judge
) -> None:
    """Of an attacker's own registry alone, worth nothing: for whoever opens it, no notice ends it.

    Claims are paid all the same, and nobody else is concerned.
    """
    allocation = Allocation(
        beneficiary_address=base_address(scene.harness, "beneficiary"),
        token_amount=1,
        milestone_identifier=FIRST,
        vesting_timestamp=moment(FIRST_SLOT),
    )
    held = forged(scene)
    (token,) = held.output.value.assets
    plan = schedule(scene.harness, [allocation], token=token, page_depth=0)
    plan = plan.model_copy(update={"cancel_by": ("creator",)})
    distribution = Distribution.from_schedule(plan, scene.harness.contract)
    opening = along(scene.opening_of(distribution), spends=(Spend(held),))
    opened = scene.opened_by(distribution, judge.accepted(opening))
    told = Proceedings(opened).notify("creator")
    scene.harness.reach(scene.harness.slot + 10 * GRACE)
    # The program takes the asset for one of the contract's own tokens, and would burn it.
    sent_home = minting(told.end_draft(), token.asset_name, 1, place=1)
    judge.refused(sent_home, "mint")
    judge.accepted(told.opened.attest(FIRST)[0].release_draft([0]))


def forged(scene: Scene) -> Utxo:
    """One token under `board`'s policy in a purse: a proposal under terms that an attacker made up."""
    genuine = scene.proceedings()
    copy = copy_at_home(scene.harness, genuine.opened.terms)
    (token,) = copy.output.value.assets
    fake = Proceedings(replace(genuine.opened, terms=copy))
    proposal = replace(fake.proposal(), registry=token.policy_id)
    return scene.harness.send(fake.propose_draft(proposal)).outputs[0]


@pytest.mark.parametrize(
    ("path", "value"),
    [((14,), 4), ((15,), -1), ((16,), -1), ((17,), -1), ((18,), -1), ((13,), 0), ((19,), b"")],
    ids=case_name,
)
def test_what_only_board_reads_is_read_leniently(
    scene: Scene, judge: Judge, path: tuple[int, ...], value: PlutusData
) -> None:
    """Claims go on whatever stands there; readers are told that it is odd."""
    raw = raw_distribution(scene, path, value)
    with pytest.raises(InvalidEncoding):
        Terms.decode(raw.terms.encode())
    told = scene.open(raw)
    opened = told.attest(FIRST)[0]
    judge.accepted(opened.release_draft([0]))


def test_a_bond_below_nothing_is_none(scene: Scene, judge: Judge) -> None:
    """The ledger's own minimum is all that a proposal then holds."""
    told = scene.proceedings(bond_lovelace=-5)
    draft = told.propose_draft()
    honest = with_output(draft, 0, value=Value(0, draft.outputs[0].value.assets), min_ada="raise")
    judge.accepted(honest)


def test_periods_beyond_all_times(scene: Scene, judge: Judge) -> None:
    """A grace of a million years: the notice counts, and nobody lives to see the end."""
    for_ever = 10**15
    told = scene.proceedings(cancel_grace_ms=for_ever, review_period_ms=for_ever)
    live = told.propose()
    noticed = told.notify("creator")
    scene.harness.reach(scene.harness.slot + 10 * GRACE)
    judge.refused(noticed.end_draft(), "mint")
    judge.refused(told.confirm_draft(live), "mint")
    judge.accepted(told.opened.attest_draft(FIRST))
