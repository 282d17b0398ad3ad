"""Attacks that every action of `board` has in common: tokens forged, escaping, and what stands beside them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from milestones.cardano import plutus_data
from milestones.cardano.address import Address, script_credential
from milestones.cardano.hashes import blake2b_256
from milestones.cardano.outputs import Utxo
from milestones.cardano.plutus_data import Constr, PlutusData
from milestones.cardano.value import AssetId, Value
from milestones.protocol import redeemers
from milestones.transactions.draft import DraftOutput, Mint, Spend, TransactionDraft
from tests.support.acts import ACTS, BURNING, ENDING, MAKING, RETURNING, Act, act_of
from tests.support.creators import UNIT
from tests.support.hostile import (
    ALWAYS_TRUE,
    Edit,
    Judge,
    along,
    case_name,
    created,
    longer,
    minting,
    native_policy,
    shorter,
    sorted_policy,
    under,
    with_datum,
    with_output,
    with_redeemer,
    with_value,
)
from tests.support.scenes import FIRST, Scene

CLOSE = plutus_data.encode(redeemers.Close().to_data())
NAMES = (
    "first board",
    "next board",
    "last board",
    "notice",
    "home",
    "proposal",
    "other proposal",
    "no name",
)
CASES = [(name, token) for name in ACTS for token in NAMES]


def thieves(scene: Scene, policy: bytes, name: bytes, quantity: int = 1) -> DraftOutput:
    """An output of the attacker's that takes a token."""
    token = AssetId(policy, name)
    return DraftOutput(address=scene.harness.address, value=Value.of(token, quantity))


def refused(judge: Judge, act: Act, draft: TransactionDraft, *more: str) -> None:
    """`board` refuses it; so does `vault` where nothing is burnt first, though something of ours is spent."""
    minted = dict(draft.mints[act.place].assets)
    spends_ours = any(each.redeemer is not None for each in draft.spends)
    is_shut = spends_ours and not act.opens(minted)
    judge.refused(draft, *{"mint", *more, *(("spend",) if is_shut else ())})


# -- tokens


@pytest.mark.parametrize(("name", "token"), CASES)
def test_a_token_of_ours_forged_beside(scene: Scene, judge: Judge, name: str, token: str) -> None:
    """One token more, of every name there is, for the attacker: who holds it could say anything."""
    act = act_of(scene, name)
    forged = act.names()[token]
    draft = minting(act.draft, forged, 1, place=act.place)
    draft = along(draft, outputs=(thieves(scene, act.policy, forged),))
    if draft.mints[act.place].assets:
        refused(judge, act, draft)
    judge.accepted(act.draft)


@pytest.mark.parametrize("name", BURNING)
def test_a_token_escapes(scene: Scene, judge: Judge, name: str) -> None:
    """Something is burnt, but one token of what is spent goes to the attacker instead."""
    act = act_of(scene, name)
    for escaped, quantity in act.minted.items():
        if quantity < 0:
            draft = minting(act.draft, escaped, 1, place=act.place)
            draft = along(draft, outputs=(thieves(scene, act.policy, escaped),))
            if draft.mints[act.place].assets:
                refused(judge, act, draft)
            else:
                without = replace(
                    draft, mints=tuple(m for m in draft.mints if m.policy_id != act.policy)
                )
                judge.refused_at_least(without, "spend")
    judge.accepted(act.draft)


@pytest.mark.parametrize("name", MAKING)
def test_the_token_goes_to_the_attacker(scene: Scene, judge: Judge, name: str) -> None:
    """The output stands where it should, without its token."""
    act = act_of(scene, name)
    (place,) = act.made
    (token,) = (n for n, quantity in act.minted.items() if quantity > 0)
    draft = with_value(act.draft, place, -Value.of(AssetId(act.policy, token), 1))
    draft = along(draft, outputs=(thieves(scene, act.policy, token),))
    judge.refused(draft, "mint")
    judge.accepted(act.draft)


@pytest.mark.parametrize("name", MAKING)
def test_two_tokens_for_one(scene: Scene, judge: Judge, name: str) -> None:
    """The token twice: both in its output, or one for the attacker."""
    act = act_of(scene, name)
    (place,) = act.made
    (token,) = (n for n, quantity in act.minted.items() if quantity > 0)
    twice = minting(act.draft, token, 1, place=act.place)
    both = with_value(twice, place, Value.of(AssetId(act.policy, token), 1))
    judge.refused(both, "mint")
    judge.refused(along(twice, outputs=(thieves(scene, act.policy, token),)), "mint")
    judge.accepted(act.draft)


@pytest.mark.parametrize("behind", [False, True], ids=["before ours", "behind ours"])
@pytest.mark.parametrize("name", [name for name in ACTS if name not in {*ENDING, "birth"}])
def test_foreign_mint_alongside(scene: Scene, judge: Judge, name: str, behind: bool) -> None:
    """Another policy mints in the same transaction: each action but the end and the opening names all."""
    act = act_of(scene, name)
    policy = sorted_policy(scene.harness, "attacker", behind=behind)
    draft = along(act.draft, mints=(Mint(policy.hash(), {b"": 1}),), scripts=(policy,))
    judge.refused(draft, "mint")
    judge.accepted(act.draft)


# -- outputs


@pytest.mark.parametrize("where", ["attacker", "no staking part", "another distribution's"])
@pytest.mark.parametrize("name", MAKING)
def test_output_elsewhere(scene: Scene, judge: Judge, name: str, where: str) -> None:
    """A board, proposal or notice where nobody finds it, or where it could be spent."""
    act = act_of(scene, name)
    (place,) = act.made
    address = {
        "attacker": scene.harness.address,
        "no staking part": replace(act.draft.outputs[place].address, staking=None),
        "another distribution's": scene.opened.distribution.address,
    }[where]
    judge.refused(with_output(act.draft, place, address=address), "mint")
    judge.accepted(act.draft)


@pytest.mark.parametrize("behind", [False, True], ids=["before ours", "behind ours"])
@pytest.mark.parametrize("name", MAKING)
def test_dust_beside_the_token(scene: Scene, judge: Judge, name: str, behind: bool) -> None:
    """A foreign token in the output, on either side of ours."""
    policy = sorted_policy(scene.harness, "attacker", behind=behind)
    scene.harness.send(TransactionDraft(mints=(Mint(policy.hash(), {b"": 1}),), scripts=(policy,)))
    act = act_of(scene, name)
    (place,) = act.made
    dust = Value(1_000_000, {AssetId(policy.hash(), b""): 1})
    judge.refused(with_value(act.draft, place, dust), "mint")
    judge.accepted(with_value(act.draft, place, Value(1_000_000)))


@pytest.mark.parametrize("name", MAKING)
def test_reference_script_in_the_output(scene: Scene, judge: Judge, name: str) -> None:
    """A script in the output, which every later transaction would pay for."""
    act = act_of(scene, name)
    (place,) = act.made
    script = native_policy(scene.harness, "attacker")
    more = with_value(act.draft, place, Value(1_000_000))
    judge.refused(with_output(more, place, script=script), "mint")
    judge.accepted(more)


@pytest.mark.parametrize("name", MAKING)
def test_no_inline_datum(scene: Scene, judge: Judge, name: str) -> None:
    """No datum, or only its hash: it would be nobody's board, and its deposit lost."""
    act = act_of(scene, name)
    (place,) = act.made
    datum = act.draft.outputs[place].inline_datum
    assert datum is not None
    judge.refused(with_output(act.draft, place, inline_datum=None), "mint")
    hashed = with_output(act.draft, place, inline_datum=None, datum_hash=blake2b_256(datum))
    judge.refused(hashed, "mint")
    judge.accepted(act.draft)


FIELDS = {"propose": 7, "rotate": 5, "birth": 5}


@pytest.mark.parametrize(
    ("name", "field"),
    [(name, field) for name in MAKING for field in range(FIELDS.get(name, 5))],
)
def test_datum_says_something_else(scene: Scene, judge: Judge, name: str, field: int) -> None:
    """Each field in turn: other oracles, another distribution's, later, or earlier than was said."""
    act = act_of(scene, name)
    (place,) = act.made

    def changed(data: PlutusData) -> PlutusData:
        if isinstance(data, int):
            return data + 1
        return data[:-1] + b"\1" if isinstance(data, bytes) else longer(data)

    more = with_value(act.draft, place, Value(1_000_000))
    judge.refused(with_datum(more, place, (field,), changed), "mint")
    judge.accepted(more)


@pytest.mark.parametrize("edit", [longer, shorter, under(1)], ids=case_name)
@pytest.mark.parametrize("name", MAKING)
def test_datum_of_another_shape(scene: Scene, judge: Judge, name: str, edit: Edit) -> None:
    """A field more or less, another constructor."""
    act = act_of(scene, name)
    (place,) = act.made
    more = with_value(act.draft, place, Value(1_000_000))
    judge.refused(with_datum(more, place, (), edit), "mint")
    judge.accepted(more)


# -- redeemers


@pytest.mark.parametrize(
    "edit", [longer, shorter, *map(under, range(9)), Constr(8, (0,)), 0, ()], ids=case_name
)
@pytest.mark.parametrize("name", ACTS)
def test_redeemer_of_another_action(
    scene: Scene, judge: Judge, name: str, edit: PlutusData | Edit
) -> None:
    """A field more or less; the same fields for every other action; no action at all."""
    act = act_of(scene, name)
    draft = with_redeemer(act.draft, "mint", (), edit, place=act.place)
    layout = scene.harness.guessed(act.draft).assembly.layout
    if redeemer_data(draft, act, layout) != redeemer_data(act.draft, act, layout):
        judge.refused(draft, "mint")
    judge.accepted(act.draft)


def redeemer_data(draft: TransactionDraft, act: Act, layout: object) -> PlutusData:
    """What a redeemer of `board`'s says in the transaction: the same can be written in two ways."""
    redeemer = draft.mints[act.place].redeemer
    assert redeemer is not None
    written = redeemer(layout) if callable(redeemer) else redeemer  # type: ignore[arg-type]
    return plutus_data.decode(written)


@pytest.mark.parametrize("place", [-1, -2, 9, 1 << 70])
@pytest.mark.parametrize("name", [name for name in ACTS if name != "end by key"])
def test_nothing_where_the_redeemer_points(
    scene: Scene, judge: Judge, name: str, place: int
) -> None:
    """The first place that each redeemer names, terms or output, is before or behind what there is."""
    act = act_of(scene, name)
    draft = with_redeemer(act.draft, "mint", (0,), place, place=act.place)
    judge.refused(draft, "mint")
    judge.accepted(act.draft)


# -- company


@pytest.mark.parametrize("name", [*RETURNING, "end by notice", "end by home"])
@pytest.mark.parametrize("how", ["spend", "mint"])
def test_foreign_script_that_could_count_the_money_twice(
    scene: Scene, judge: Judge, name: str, how: str
) -> None:
    """Another contract runs beside, to which the attacker owes what is returned here."""
    act = act_of(scene, name)
    if how == "spend":
        address = Address(0, script_credential(ALWAYS_TRUE.hash()))
        order = created(scene.harness, DraftOutput(address=address, inline_datum=UNIT))
        draft = along(act.draft, spends=(Spend(order, UNIT),), scripts=(ALWAYS_TRUE,))
    else:
        mint = Mint(ALWAYS_TRUE.hash(), {b"": 1}, UNIT)
        draft = along(act.draft, mints=(mint,), scripts=(ALWAYS_TRUE,))
    judge.refused(draft, "mint")
    judge.accepted(act.draft)


@pytest.mark.parametrize("name", ACTS)
def test_release_beside(scene: Scene, judge: Judge, name: str) -> None:
    """A vault pays in the same transaction: it runs alone, or beside an attestation."""
    act = act_of(scene, name)
    release = scene.attested.release_draft([0])
    draft = replace(
        along(
            release,
            spends=act.draft.spends,
            mints=act.draft.mints,
            references=tuple(
                u for u in act.draft.reference_inputs if u not in release.reference_inputs
            ),
            signers=act.draft.required_signers,
        ),
        outputs=(*release.outputs, *act.draft.outputs),
        valid_until_slot=act.draft.valid_until_slot,
    )
    judge.refused_at_least(draft, "spend")
    judge.accepted(act.draft)
    judge.accepted(release)


@pytest.mark.parametrize("what", ["terms", "vault", "attestation"])
@pytest.mark.parametrize("name", [name for name in BURNING if name not in ENDING])
def test_spent_beside_what_board_burns(scene: Scene, judge: Judge, name: str, what: str) -> None:
    """Terms, a vault or an attestation leave by the door that `board` has opened for something else."""
    act = act_of(scene, name)
    opened = scene.attested
    utxo = {
        "terms": opened.terms,
        "vault": opened.vaults[0],
        "attestation": opened.attestations[FIRST],
    }[what]
    draft = along(act.draft, spends=(Spend(utxo, CLOSE),))
    purposes = ("spend",) if name == "rotate" else ("spend", "mint")
    judge.refused(draft, *purposes)
    judge.accepted(act.draft)


@pytest.mark.parametrize("name", BURNING)
def test_two_inputs_with_tokens_of_ours(scene: Scene, judge: Judge, name: str) -> None:
    """A proposal of somebody else's comes along: burnt, or its token for the attacker."""
    other = scene.proceedings(allowance_lovelace=1).propose()
    act = act_of(scene, name)
    forged = other.proposal.token_name
    draft = along(act.draft, spends=(Spend(other.utxo, CLOSE),))
    burnt = minting(draft, forged, -1, place=act.place)
    refused(judge, act, burnt)
    refused(judge, act, along(draft, outputs=(thieves(scene, act.policy, forged),)))
    judge.accepted(act.draft)


def board_utxos(scene: Scene) -> dict[str, Utxo]:
    """One of each kind, of another distribution."""
    world = scene.proceedings(is_rotatable=True, allowance_lovelace=2).notify("creator")
    assert world.opened.board is not None
    return {"board": world.opened.board, "notice": world.opened.notices[0]}


@pytest.mark.parametrize("what", ["board", "notice"])
@pytest.mark.parametrize("name", BURNING)
def test_boards_and_notices_of_others_alongside(
    scene: Scene, judge: Judge, name: str, what: str
) -> None:
    """Somebody else's board or notice is burnt beside: their oracles would be gone, or their notice."""
    utxo = board_utxos(scene)[what]
    act = act_of(scene, name)
    (token,) = (a.asset_name for a in utxo.output.value.assets)
    draft = along(act.draft, spends=(Spend(utxo, CLOSE),))
    refused(judge, act, minting(draft, token, -1, place=act.place))
    judge.accepted(act.draft)
