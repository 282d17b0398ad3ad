"""Attacks on closing: too early, by others, in part, or along with what belongs to others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from milestones.cardano import plutus_data
from milestones.cardano.address import Address
from milestones.cardano.outputs import Utxo
from milestones.cardano.plutus_data import Constr, PlutusData
from milestones.cardano.value import AssetId, Value
from milestones.devnet.ledger.failures import TransactionRejected
from milestones.devnet.ogmios.failures import rpc_failure
from milestones.protocol.datums import vault_token_name
from milestones.protocol.distribution import Distribution
from milestones.protocol.redeemers import Burn, Close
from milestones.testing.contract import Opened
from milestones.testing.proceedings import Proceedings
from milestones.transactions.draft import DraftOutput, Layout, Mint, Spend, TransactionDraft
from tests.support.creators import NATIVE, PLUTUS, Creator
from tests.support.hostile import (
    Edit,
    Judge,
    along,
    bare_copy,
    case_name,
    created,
    longer,
    minting,
    native_policy,
    shorter,
    sorted_policy,
    together,
    with_redeemer,
)
from tests.support.scenes import FIRST, RECLAIM, SECOND, Scene

UNKNOWN_INPUTS, ALL_SPENT, NOT_CONSERVED = 3117, 3997, 3123
"""A submission's answers when an input isn't there, none is, or values don't add up."""
CLOSE = plutus_data.encode(Close().to_data())


@pytest.fixture
def ended(scene: Scene) -> Opened:
    """Past the time of reclaiming, nothing claimed."""
    scene.harness.reach(RECLAIM)
    return scene.attested


def closing(ended: Opened) -> TransactionDraft:
    """The creator closes it, as soon as it is allowed."""
    return ended.close_draft(slot=RECLAIM)


def without(draft: TransactionDraft, utxo: Utxo) -> TransactionDraft:
    """A closing that leaves one UTxO where it is, with its token."""
    ours = draft.mints[0].policy_id
    (name,) = (a.asset_name for a in utxo.output.value.assets if a.policy_id == ours)
    kept = replace(draft, spends=tuple(each for each in draft.spends if each.utxo != utxo))
    return minting(kept, name, 1)


def burning(scene: Scene, *spent: Utxo, terms: Utxo | None = None) -> TransactionDraft:
    """Spends and burns just these, signed by the creator; `terms` is where the redeemer points."""
    draft = replace(scene.attested, attestations={}, vaults=()).close_draft(slot=RECLAIM)
    policy = scene.harness.contract.policy_id
    burnt = [a.asset_name for u in spent for a in u.output.value.assets if a.policy_id == policy]
    names = {name: -burnt.count(name) for name in burnt}
    pointed = terms or spent[0]

    def redeemer(layout: Layout) -> bytes:
        return plutus_data.encode(Burn(layout.input_index(pointed.reference)).to_data())

    return replace(
        draft,
        spends=tuple(Spend(utxo, CLOSE) for utxo in spent),
        mints=(Mint(policy, names, redeemer),),
    )


# -- time


def test_one_slot_before_its_time(each_scene: Scene, judge: Judge) -> None:
    """The validity interval starts a second before `reclaim_after`."""
    each_scene.harness.reach(RECLAIM)
    judge.refused(each_scene.attested.close_draft(slot=RECLAIM - 1), "mint")
    judge.accepted(each_scene.attested.close_draft(slot=RECLAIM))


def test_no_lower_bound(each_scene: Scene, judge: Judge) -> None:
    """A transaction that doesn't say when it starts; only an end long after."""
    each_scene.harness.reach(RECLAIM)
    honest = each_scene.attested.close_draft(slot=RECLAIM)
    boundless = replace(honest, valid_from_slot=None)
    judge.refused(boundless, "mint")
    judge.refused(replace(boundless, valid_until_slot=RECLAIM + 1_000), "mint")
    judge.accepted(honest)


def test_before_its_time_with_one_vault_full(each_scene: Scene, judge: Judge) -> None:
    """All of page 0 and all but one of page 1 are paid; then all is, and the time is nothing."""
    paid = each_scene.attested.release([0, 1, 2, 3])[0].release([4, 5])[0]
    judge.refused(paid.close_draft(slot=each_scene.harness.slot), "mint")
    empty, _ = paid.release([6])
    judge.accepted(empty.close_draft())


def test_irrevocable(scene: Scene, judge: Judge) -> None:
    """`reclaim_after` is None: what isn't claimed stays, however late it is."""
    for_ever = scene.open(scene.other(reclaim_after_posix_ms=None)).attest(FIRST)[0]
    scene.harness.reach(RECLAIM)
    judge.refused(for_ever.close_draft(slot=RECLAIM), "mint")
    paid = for_ever.attest(SECOND)[0].release([0, 1, 2, 3])[0].release([4, 5, 6])[0]
    judge.accepted(paid.close_draft())


# -- consent


def test_creator_has_not_signed(scene: Scene, judge: Judge, ended: Opened) -> None:
    """Nobody signs but who pays; or another key."""
    other = scene.harness.key("attacker").key_hash
    judge.refused(replace(closing(ended), required_signers=()), "mint")
    judge.refused(replace(closing(ended), required_signers=(other,)), "mint")
    judge.accepted(closing(ended))


@pytest.mark.parametrize("creator", [NATIVE, PLUTUS], ids=["native script", "Plutus script"])
def test_creator_is_a_script_that_consents(scene: Scene, judge: Judge, creator: Creator) -> None:
    """A script's consent could be borrowed, so it isn't asked for: everything goes home, or stays."""
    distribution = scene.other(creator=creator.credential)
    opened = scene.open(distribution, creator)
    scene.harness.reach(RECLAIM)
    close = opened.close_draft(slot=RECLAIM)
    key = scene.harness.key("creator").key_hash
    judge.refused(close, "mint")
    judge.refused(along(close, signers=(key,)), "mint")
    judge.refused(creator.consenting(scene.harness, close), "mint")
    sent_home = Proceedings(opened).notify("home")
    judge.accepted(sent_home.end_draft(slot=RECLAIM))


# -- all or nothing


def test_terms_while_vaults_live(scene: Scene, judge: Judge, ended: Opened) -> None:
    """Only the terms: their vaults could then never pay."""
    judge.refused(burning(scene, ended.terms), "mint")
    judge.accepted(closing(ended))


@pytest.mark.parametrize("place", [0, 1])
def test_one_vault_left_out(judge: Judge, ended: Opened, scene: Scene, place: int) -> None:
    """A vault stays behind, without its terms."""
    judge.refused(without(closing(ended), ended.vaults[place]), "mint")
    judge.accepted(closing(ended))


def test_vaults_without_their_terms(scene: Scene, judge: Judge, ended: Opened) -> None:
    """Both vaults are closed, the terms stay and could be believed."""
    judge.refused(burning(scene, *ended.vaults), "mint")
    judge.refused(burning(scene, ended.vaults[0]), "mint")
    judge.accepted(closing(ended))


def test_an_attestation_alone(scene: Scene, judge: Judge, ended: Opened) -> None:
    """Its deposit is taken while claims need it."""
    judge.refused(burning(scene, ended.attestations[FIRST]), "mint")
    judge.accepted(closing(ended))


def test_attestations_may_stay(scene: Scene, judge: Judge, ended: Opened) -> None:
    """One more than fits can be left behind: its token vouches for what is over."""
    judge.accepted(without(closing(ended), ended.attestations[FIRST]))


@pytest.mark.parametrize("what", ["terms", "vault", "attestation"])
def test_close_without_burning(scene: Scene, judge: Judge, ended: Opened, what: str) -> None:
    """Spent with Close while nothing is minted or burnt: the token goes to the attacker."""
    utxo = {
        "terms": ended.terms,
        "vault": ended.vaults[0],
        "attestation": ended.attestations[FIRST],
    }[what]
    judge.refused(
        TransactionDraft(
            spends=(Spend(utxo, CLOSE),), reference_inputs=closing(ended).reference_inputs[:1]
        ),
        "spend",
    )
    judge.accepted(closing(ended))


def test_burning_the_distributed_token_instead(each_scene: Scene, judge: Judge) -> None:
    """The vault is spent with Close while the token that it pays out (or any) is burnt."""
    harness, policy, token = each_scene.harness, each_scene.token_policy, each_scene.token
    if policy is None:
        policy = native_policy(harness, "attacker")
        token = AssetId(policy.hash(), b"GRANT")
        mint = Mint(token.policy_id, {token.asset_name: 1})
        harness.send(TransactionDraft(mints=(mint,), scripts=(policy,)))
    harness.reach(RECLAIM)
    honest = each_scene.attested.close_draft(slot=RECLAIM)
    stolen = TransactionDraft(
        spends=(Spend(each_scene.attested.vaults[0], CLOSE),),
        mints=(Mint(token.policy_id, {token.asset_name: -1}),),
        reference_inputs=honest.reference_inputs[:1],
        scripts=(policy,),
    )
    judge.refused(stolen, "spend")
    judge.accepted(honest)


# -- tokens that escape


@pytest.mark.parametrize("where", ["to the attacker", "to where it was"])
@pytest.mark.parametrize("what", ["terms", "vault", "attestation"])
def test_token_escapes(scene: Scene, judge: Judge, ended: Opened, what: str, where: str) -> None:
    """One of the spent tokens isn't burnt but goes to the attacker, or stays at the address."""
    known = ended.distribution
    token = {
        "terms": known.terms_token,
        "vault": known.vault_token,
        "attestation": known.attestation_token(FIRST),
    }[what]
    address = scene.harness.address if where == "to the attacker" else known.address
    thief = DraftOutput(address=address, value=Value.of(token, 1))
    judge.refused(along(minting(closing(ended), token.asset_name, 1), outputs=(thief,)), "mint")
    judge.accepted(closing(ended))


@pytest.mark.parametrize("label", ["before all", "ATST", "between", "behind all"])
def test_minting_while_burning(scene: Scene, judge: Judge, ended: Opened, label: str) -> None:
    """A new token of ours is minted along with the burning, whatever its name."""
    policy, known = scene.harness.contract.policy_id, ended.distribution
    name = {
        "before all": b"",
        "ATST": known.attestation_token("another").asset_name,
        "between": b"TERM" + b"\xff" * 28,
        "behind all": vault_token_name(b"\xff" * 28),
    }[label]
    thief = DraftOutput(address=scene.harness.address, value=Value.of(AssetId(policy, name), 1))
    draft = along(minting(closing(ended), name, 1), outputs=(thief,))
    # The vault looks at the first of our tokens alone: it notices where that is the new one.
    noticed = name == min(draft.mints[0].assets)
    judge.refused(draft, *(("spend", "mint") if noticed else ("mint",)))
    judge.accepted(closing(ended))


# -- others' belongings


@pytest.fixture(params=["before ours", "behind ours"])
def other(request: pytest.FixtureRequest, scene: Scene) -> Opened:
    """Somebody else's distribution, open and attested, which can't be closed before its claims.

    Among what is burnt its terms stand before ours, where only the inputs tell, or behind.
    """
    known = scene.opened.distribution

    def made(moment: int) -> Distribution:
        metadata = replace(known.terms.metadata, created_at_posix_ms=moment)
        return scene.other(reclaim_after_posix_ms=None, metadata=metadata)

    behind = request.param == "behind ours"
    distribution = next(d for d in map(made, range(100)) if (d.id > known.id) == behind)
    return scene.open(distribution).attest(FIRST)[0]


@pytest.mark.parametrize("what", ["terms", "vault", "attestation"])
def test_something_of_anothers_alongside(
    scene: Scene, judge: Judge, other: Opened, ended: Opened, what: str
) -> None:
    """A UTxO of another distribution is spent and burnt in this closing."""
    utxo = {
        "terms": other.terms,
        "vault": other.vaults[0],
        "attestation": other.attestations[FIRST],
    }[what]
    policy = scene.harness.contract.policy_id
    (name,) = (a.asset_name for a in utxo.output.value.assets if a.policy_id == policy)
    draft = along(closing(ended), spends=(Spend(utxo, CLOSE),))
    judge.refused(minting(draft, name, -1), "mint")
    judge.accepted(closing(ended))


def test_two_closings_in_one_transaction(scene: Scene, judge: Judge) -> None:
    """Each could be closed alone."""
    second = scene.open(scene.other(quorum_threshold=1))
    scene.harness.reach(RECLAIM)
    first, other = scene.attested.close_draft(slot=RECLAIM), second.close_draft(slot=RECLAIM)
    judge.refused(together(first, other), "mint")
    judge.accepted(first)
    judge.accepted(other)


def test_terms_of_another_for_these_vaults(scene: Scene, judge: Judge, ended: Opened) -> None:
    """The attacker's own terms, long reclaimable, and this distribution's vaults."""
    lax = scene.open(scene.other(reclaim_after_posix_ms=0))
    draft = burning(scene, lax.terms, *ended.vaults)
    judge.refused(draft, "mint")
    judge.accepted(closing(ended))


def test_the_same_terms_opened_twice(scene: Scene, judge: Judge) -> None:
    """One closing takes one terms token: vaults of the twin can't come along, nor its terms alone."""
    twin = scene.open(scene.other())
    scene.harness.reach(RECLAIM)
    honest, known = scene.attested.close_draft(slot=RECLAIM), twin.distribution
    judge.refused(together(honest, twin.close_draft(slot=RECLAIM)), "mint")
    for utxo, token in ((twin.vaults[0], known.vault_token), (twin.terms, known.terms_token)):
        more = along(honest, spends=(Spend(utxo, CLOSE),))
        judge.refused(minting(more, token.asset_name, -1), "mint")
    judge.accepted(honest)


def test_close_beside_opening(scene: Scene, judge: Judge, ended: Opened) -> None:
    """Closes one distribution and opens another, with either's redeemer."""
    close, opening = closing(ended), scene.opening(quorum_threshold=1)
    judge.refused(together(close, opening), "mint")
    judge.refused(together(opening, close), "mint")
    judge.accepted(close)
    judge.accepted(opening)


def test_close_beside_attesting(scene: Scene, judge: Judge, ended: Opened) -> None:
    """Closes one distribution and attests for another, with either's redeemer."""
    other = scene.open(scene.other(quorum_threshold=1))
    close, attest = closing(ended), other.attest_draft(FIRST)
    both = together(close, attest)
    # The vault's door looks at the first of our tokens: it opens where that one is burnt.
    first = min(both.mints[0].assets)
    noticed = ("spend", "mint") if both.mints[0].assets[first] > 0 else ("mint",)
    judge.refused(both, *noticed)
    judge.refused(together(attest, close), *noticed)
    judge.accepted(close)
    judge.accepted(attest)


def test_junk_at_the_address(scene: Scene, judge: Judge, ended: Opened) -> None:
    """Datums of ours without tokens, at our address: cheap spam, which neither harms nor helps."""
    for genuine in (ended.vaults[0], ended.terms, ended.attestations[FIRST]):
        junk = bare_copy(scene.harness, genuine)
        judge.refused(along(closing(ended), spends=(Spend(junk, CLOSE),)), "spend")
    judge.accepted(closing(ended))


@pytest.mark.parametrize("behind", [False, True], ids=["before ours", "behind ours"])
def test_foreign_mint_alongside_is_nobodys_loss(
    scene: Scene, judge: Judge, ended: Opened, behind: bool
) -> None:
    """Another policy mints in the closing: that counts for nothing, and hinders nothing."""
    policy = sorted_policy(scene.harness, "stranger", behind=behind)
    minted = (Mint(policy.hash(), {b"": 1}),)
    bare = replace(closing(ended), mints=())
    judge.refused(along(bare, mints=minted, scripts=(policy,)), "spend")
    judge.accepted(along(closing(ended), mints=minted, scripts=(policy,)))


def test_junk_whose_second_token_is_left(scene: Scene, judge: Judge) -> None:
    """A vault's name twice under one policy of a stranger's is no vault token: the other one counts."""
    harness, vault = scene.harness, scene.opened.vaults[0].output
    name = scene.opened.distribution.vault_token.asset_name
    front, back = (sorted_policy(harness, "stranger", behind=behind) for behind in (False, True))

    def closed(quantity: int) -> TransactionDraft:
        tokens = {AssetId(front.hash(), name): quantity, AssetId(back.hash(), b"other"): 1}
        output = DraftOutput(
            address=Address.from_bech32(vault.address),
            value=Value(0, tokens),
            inline_datum=vault.inline_datum,
        )
        junk = created(harness, output, front, back)
        burnt = Mint(front.hash(), {name: -quantity})
        return TransactionDraft(
            spends=(Spend(junk, CLOSE),),
            mints=(burnt,),
            reference_inputs=scene.attested.close_draft().reference_inputs[:1],
            scripts=(front,),
        )

    judge.refused(closed(2), "spend")
    judge.accepted(closed(1))


# -- redeemers


@pytest.mark.parametrize("place", [-1, 1 << 70])
def test_no_terms_there(scene: Scene, judge: Judge, ended: Opened, place: int) -> None:
    """The place of the terms is before or behind the inputs."""
    judge.refused(with_redeemer(closing(ended), "mint", (0,), place), "mint")
    judge.accepted(closing(ended))


def test_something_else_in_place_of_the_terms(scene: Scene, judge: Judge, ended: Opened) -> None:
    """The redeemer points to every other input in turn: vaults and attestations."""
    honest = closing(ended)
    balanced = scene.harness.balanced(honest)
    right = balanced.assembly.layout.input_index(ended.terms.reference)
    places = set(range(len(balanced.assembly.inputs))) - {right}
    assert len(places) == 4
    for place in places:
        judge.refused(with_redeemer(honest, "mint", (0,), place), "mint")
    judge.accepted(honest)


@pytest.mark.parametrize(
    ("path", "value"),
    [((), longer), ((), shorter), ((), Constr(3)), ((), Constr(0)), ((), 0), ((0,), b"")],
    ids=case_name,
)
def test_burn_redeemer_of_another_shape(
    scene: Scene, judge: Judge, ended: Opened, path: tuple[int, ...], value: PlutusData | Edit
) -> None:
    """A field more or less, another constructor, another type."""
    judge.refused(with_redeemer(closing(ended), "mint", path, value), "mint")
    judge.accepted(closing(ended))


@pytest.mark.parametrize(
    "value", [longer, Constr(0), Constr(2), Constr(0, (0, (), b"")), 0, ()], ids=case_name
)
def test_close_redeemer_of_another_shape(
    scene: Scene, judge: Judge, ended: Opened, value: PlutusData | Edit
) -> None:
    """Fields where none belong, another constructor, a release without claims."""
    judge.refused(with_redeemer(closing(ended), "spend", (), value), "spend")
    judge.accepted(closing(ended))


def test_closed_once_is_closed(scene: Scene, judge: Judge, ended: Opened) -> None:
    """What was closed can't be closed, released or attested for again; the deposits are back."""
    again = (closing(ended), ended.release_draft([0]), ended.attest_draft(FIRST))
    assert scene.harness.held_by(ended.distribution.address).lovelace > 0
    judge.accepted(closing(ended))
    assert scene.harness.held_by(ended.distribution.address) == Value()
    for draft in again:
        signed = scene.harness.signed(scene.harness.guessed(draft))
        with pytest.raises(TransactionRejected) as refusal:
            scene.harness.chain.submit(signed.cbor)
        assert rpc_failure(refusal.value).rpc_code in {UNKNOWN_INPUTS, ALL_SPENT}, refusal.value


def test_burnt_without_its_utxo(scene: Scene, judge: Judge, ended: Opened) -> None:
    """A vault is left out, and its token burnt all the same: the ledger's books do not balance."""
    harness, honest = scene.harness, closing(ended)
    balanced = harness.guessed(honest)
    whole = balanced.assembly
    vault = ended.vaults[0]
    short = replace(
        whole,
        draft=replace(honest, spends=tuple(s for s in honest.spends if s.utxo != vault)),
        inputs=tuple(utxo for utxo in whole.inputs if utxo != vault),
    )
    with pytest.raises(TransactionRejected) as refusal:
        harness.chain.submit(harness.signed(replace(balanced, assembly=short)).cbor)
    assert rpc_failure(refusal.value).rpc_code == NOT_CONSERVED, refusal.value
    judge.accepted(honest)
