"""Attacks on when a release may happen, on what evidence, and in what company."""

from __future__ import annotations

from dataclasses import replace

import pytest

from milestones.cardano import plutus_data
from milestones.cardano.address import Address, script_credential
from milestones.cardano.plutus_data import Constr, PlutusData
from milestones.cardano.value import AssetId, Value
from milestones.domain.merkle import inner_node
from milestones.protocol.leaves import leaf_of
from milestones.transactions.draft import DraftOutput, Mint, Spend, TransactionDraft
from tests.support.hostile import (
    ALWAYS_TRUE,
    Edit,
    Fake,
    Judge,
    along,
    bare_copy,
    case_name,
    copy_at_home,
    created,
    exchanged,
    foreign_copy,
    longer,
    minting,
    native_policy,
    part,
    replaced,
    shorter,
    together,
    under,
    unstaked_copy,
    with_output,
    with_redeemer,
    with_value,
)
from tests.support.scenes import AMOUNT, FIRST, LATER, RECLAIM, SECOND, VESTED, Scene

ATTESTATION = (1, 0, 2)
"""Where the redeemer says where the first run's attestation is."""
TERMS = (0,)
UNIT = plutus_data.encode(Constr(0))

# -- time


def test_one_slot_before_vesting(each_scene: Scene, judge: Judge) -> None:
    """The validity interval starts a second too early."""
    judge.refused(each_scene.attested.release_draft([2], slot=LATER - 1), "spend")
    judge.accepted(each_scene.attested.release_draft([2], slot=LATER))


def test_no_lower_bound(each_scene: Scene, judge: Judge) -> None:
    """A transaction that doesn't say when it starts could be of any time."""
    honest = each_scene.attested.release_draft([2])
    judge.refused(replace(honest, valid_from_slot=None), "spend")
    judge.accepted(honest)


def test_upper_bound_only(scene: Scene, judge: Judge) -> None:
    """An end long after vesting is no proof of a start after it."""
    honest = scene.attested.release_draft([2])
    until = replace(honest, valid_until_slot=scene.harness.slot + 1_000)
    judge.refused(replace(until, valid_from_slot=None), "spend")
    judge.accepted(until)


@pytest.mark.parametrize("indices", [[0, 2], [2, 3]], ids=["last run", "first run"])
def test_one_of_two_claims_not_vested(scene: Scene, judge: Judge, indices: list[int]) -> None:
    """A claim that has vested beside one that has not."""
    judge.refused(scene.attested.release_draft(indices, slot=VESTED), "spend")
    judge.accepted(scene.attested.release_draft(indices, slot=LATER))


# -- attestations


@pytest.mark.parametrize("place", [-1, -2, 3, 1 << 70])
def test_no_attestation_there(scene: Scene, judge: Judge, place: int) -> None:
    """The redeemer points behind or before the reference inputs, or to a mint that isn't there."""
    honest = scene.attested.release_draft([0])
    judge.refused(with_redeemer(honest, "spend", ATTESTATION, place), "spend")
    judge.accepted(honest)


@pytest.mark.parametrize("index", [0, 3])
def test_attestation_of_another_milestone(scene: Scene, judge: Judge, index: int) -> None:
    """One milestone's attestation for the other's claim."""
    honest = scene.attested.release_draft([index])
    right, wrong = (FIRST, SECOND) if index == 0 else (SECOND, FIRST)
    fooled = scene.attested.attested(right, scene.attested.attestations[wrong])
    judge.refused(fooled.release_draft([index]), "spend")
    judge.accepted(honest)


def test_terms_as_attestation(scene: Scene, judge: Judge) -> None:
    """The redeemer says that the terms are the attestation."""
    honest = scene.attested.release_draft([0])

    def confused(data: PlutusData) -> PlutusData:
        return replaced(data, ATTESTATION, part(data, TERMS))

    judge.refused(with_redeemer(honest, "spend", (), confused), "spend")
    judge.accepted(honest)


def test_second_run_not_attested(scene: Scene, judge: Judge) -> None:
    """The first run's attestation serves for the second run's milestone too."""
    honest = scene.attested.release_draft([0, 3])

    def confused(data: PlutusData) -> PlutusData:
        return replaced(data, (1, 1, 2), part(data, ATTESTATION))

    judge.refused(with_redeemer(honest, "spend", (), confused), "spend")
    judge.accepted(honest)


def test_first_run_not_attested(scene: Scene, judge: Judge) -> None:
    """A milestone without any attestation in front of one that has it."""
    honest = scene.attested.release_draft([0, 3])
    judge.refused(with_redeemer(honest, "spend", ATTESTATION, -1), "spend")
    judge.accepted(honest)


@pytest.mark.parametrize("fake", [bare_copy, foreign_copy, unstaked_copy, copy_at_home])
def test_fake_attestation(scene: Scene, judge: Judge, fake: Fake) -> None:
    """An attestation's datum, there or elsewhere, without its token or with another policy's."""
    honest = scene.attested.release_draft([0])
    genuine = scene.attested.attestations[FIRST]
    fooled = scene.attested.attested(FIRST, fake(scene.harness, genuine))
    judge.refused(fooled.release_draft([0]), "spend")
    judge.accepted(honest)


def test_attestation_of_another_distribution(scene: Scene, judge: Judge) -> None:
    """The same milestone, attested for a distribution that differs in its quorum alone."""
    other = scene.open(scene.other(quorum_threshold=1)).attest(FIRST)[0]
    honest = scene.attested.release_draft([0])
    fooled = scene.attested.attested(FIRST, other.attestations[FIRST])
    judge.refused(fooled.release_draft([0]), "spend")
    judge.accepted(honest)


def test_milestone_without_a_name(scene: Scene, judge: Judge) -> None:
    """A leaf whose milestone is empty, as the state before the first run would be."""
    known = scene.opened.distribution
    nameless = known.allocations[0].model_copy(update={"milestone_identifier": ""})
    left = inner_node(leaf_of(nameless), scene.trees()[0].node(0, 1))
    root = inner_node(left, scene.trees()[0].node(1, 1))
    grown = scene.grown({(0, 0): leaf_of(nameless), (1, 0): left, (2, 0): root})
    assert grown.distribution.terms.pages == (root,)
    honest = grown.release_draft([0])
    judge.refused(with_redeemer(honest, "spend", (1, 0, 0), b""), "spend")
    unattested = with_redeemer(honest, "spend", ATTESTATION, -1)
    judge.refused(with_redeemer(unattested, "spend", (1, 0, 0), b""), "spend")
    judge.accepted(scene.grown({}).release_draft([0]))


def test_attesting_another_milestone_alongside(scene: Scene, judge: Judge) -> None:
    """The transaction mints an attestation, of another milestone than the one claimed."""
    honest = scene.opened.release_draft([0], attesting=FIRST)
    draft = scene.opened.release_draft([0], attesting=SECOND)
    judge.refused(draft, "spend")
    judge.accepted(honest)


def test_forged_attestation_in_the_same_transaction(scene: Scene, judge: Judge) -> None:
    """Mints the attestation with signatures that are none: the claim is fine, the mint is not."""
    honest = scene.opened.release_draft([0], attesting=FIRST)
    judge.refused(with_redeemer(honest, "mint", (6, 1), bytes(64)), "mint")
    judge.accepted(honest)


# -- terms


@pytest.mark.parametrize("fake", [bare_copy, foreign_copy, unstaked_copy, copy_at_home])
def test_fake_terms(scene: Scene, judge: Judge, fake: Fake) -> None:
    """The terms' datum, there or elsewhere, without their token or with another policy's."""
    honest = scene.attested.release_draft([0])
    copy = fake(scene.harness, scene.attested.terms)
    fooled = replace(scene.attested, terms=copy).release_draft([0])
    judge.refused(fooled, "spend")
    judge.accepted(honest)


def test_terms_of_another_distribution(scene: Scene, judge: Judge) -> None:
    """Genuine terms, which promise leaf 0 to the attacker, of a distribution of the attacker's."""
    allocation = scene.opened.distribution.allocations[0]
    own = allocation.model_copy(update={"beneficiary_address": scene.harness.address})
    left = inner_node(leaf_of(own), scene.trees()[0].node(0, 1))
    root = inner_node(left, scene.trees()[0].node(1, 1))
    grown = scene.grown({(0, 0): leaf_of(own), (1, 0): left, (2, 0): root})
    stolen = replace(scene.attested, terms=grown.terms).release_draft([0])
    stolen = with_redeemer(stolen, "spend", (2,), grown.distribution.proof([0]))
    judge.refused(with_output(stolen, 1, address=scene.harness.address), "spend")
    judge.accepted(scene.attested.release_draft([0]))


@pytest.mark.parametrize("place", [-1, 3, 1 << 70])
def test_no_terms_there(scene: Scene, judge: Judge, place: int) -> None:
    """The redeemer points behind or before the reference inputs."""
    honest = scene.attested.release_draft([0])
    judge.refused(with_redeemer(honest, "spend", TERMS, place), "spend")
    judge.accepted(honest)


# -- company


def test_two_vaults_in_one_transaction(each_scene: Scene, judge: Judge) -> None:
    """Both pages pay at once: each could count the other's outputs as its own."""
    first, second = (each_scene.attested.release_draft([index]) for index in (0, 4))
    judge.refused(together(first, second), "spend")
    judge.accepted(first)
    judge.accepted(second)


def test_one_payout_for_two_vaults(scene: Scene, judge: Judge) -> None:
    """The same distribution opened twice: one payout for both vaults, the attacker keeps the other."""
    twin = replace(scene.attested, vaults=scene.open(scene.other()).vaults)
    honest, other = scene.attested.release_draft([0]), twin.release_draft([0])
    both = along(honest, spends=other.spends)
    judge.refused(both, "spend")
    judge.accepted(honest)
    judge.accepted(other)


def test_two_distributions_in_one_transaction(scene: Scene, judge: Judge) -> None:
    """Vaults of two distributions pay at once."""
    other = scene.open(scene.other(quorum_threshold=1)).attest(FIRST)[0]
    first, second = scene.attested.release_draft([0]), other.release_draft([0])
    judge.refused(together(first, second), "spend")
    judge.accepted(first)
    judge.accepted(second)


def test_release_beside_close_of_another(scene: Scene, judge: Judge) -> None:
    """A claim in the transaction that closes another distribution."""
    other = scene.open(scene.other(quorum_threshold=1))
    scene.harness.reach(RECLAIM)
    release, close = scene.attested.release_draft([0]), other.close_draft(slot=RECLAIM)
    judge.refused(together(release, close), "spend", "mint")
    judge.accepted(release)
    judge.accepted(close)


def test_release_beside_close_of_the_same(scene: Scene, judge: Judge) -> None:
    """A vault pays while its distribution ends: it reads its twin's terms, and stays or is burnt."""
    twin, token = scene.open(scene.other()), scene.opened.distribution.vault_token
    scene.harness.reach(RECLAIM)
    release = replace(scene.attested, terms=twin.terms).release_draft([0])
    whole = scene.opened.close_draft(slot=RECLAIM)
    kept = tuple(spend for spend in whole.spends if spend.utxo != scene.opened.vaults[0])
    close = replace(whole, spends=kept)
    stays = together(release, minting(close, token.asset_name, 1))
    judge.refused(stays, "spend", "mint")
    judge.refused(together(with_value(release, 0, Value.of(token, -1)), close), "spend")
    judge.accepted(release)


def test_release_beside_opening(scene: Scene, judge: Judge) -> None:
    """A claim in the transaction that opens another distribution."""
    release, opening = scene.attested.release_draft([0]), scene.opening(quorum_threshold=1)
    judge.refused(together(release, opening), "mint")
    judge.refused(together(opening, release), "spend")
    judge.accepted(release)
    judge.accepted(opening)


def test_foreign_script_spent_alongside(each_scene: Scene, judge: Judge) -> None:
    """Another contract's input, which might count the payout as its own."""
    honest = each_scene.attested.release_draft([0])
    address = Address(0, script_credential(ALWAYS_TRUE.hash()))
    foreign = created(each_scene.harness, DraftOutput(address=address, inline_datum=UNIT))
    beside = along(honest, spends=(Spend(foreign, UNIT),), scripts=(ALWAYS_TRUE,))
    judge.refused(beside, "spend")
    judge.accepted(honest)


def test_foreign_policy_run_alongside(each_scene: Scene, judge: Judge) -> None:
    """Another contract mints."""
    honest = each_scene.attested.release_draft([0])
    mint = Mint(ALWAYS_TRUE.hash(), {b"": 1}, UNIT)
    judge.refused(along(honest, mints=(mint,), scripts=(ALWAYS_TRUE,)), "spend")
    judge.accepted(honest)


def test_native_policy_alongside_is_nobodys_loss(scene: Scene, judge: Judge) -> None:
    """A mint without a script that could be fooled; the tokens can't enter vault or payout."""
    policy = native_policy(scene.harness, "attacker")
    honest = scene.attested.release_draft([0])
    beside = along(honest, mints=(Mint(policy.hash(), {b"": 1}),), scripts=(policy,))
    dust = Value(0, {AssetId(policy.hash(), b""): 1})
    judge.refused(with_output(beside, 0, value=beside.outputs[0].value + dust), "spend")
    judge.accepted(beside)


# -- vaults that are none, redeemers of other shapes


@pytest.mark.parametrize("fake", [bare_copy, foreign_copy, unstaked_copy])
def test_fake_vault(scene: Scene, judge: Judge, fake: Fake) -> None:
    """A vault's datum, under its script, without its token or with another policy's: it can't pay."""
    honest = scene.attested.release_draft([0])
    copy = fake(scene.harness, scene.attested.vaults[0])
    fooled = replace(scene.attested, vaults=(copy, *scene.attested.vaults[1:]))
    judge.refused(fooled.release_draft([0]), "spend")
    judge.accepted(honest)


def test_a_world_of_fakes(each_scene: Scene, judge: Judge) -> None:
    """Terms, attestation and vault of the attacker's policy: it pays the attacker's own, by our rules.

    Not even there may the vault's token have another name than a vault's.
    """
    harness, genuine = each_scene.harness, each_scene.attested
    policy, ours = native_policy(harness, "attacker"), genuine.distribution.vault_token
    terms = foreign_copy(harness, genuine.terms)
    attested = foreign_copy(harness, genuine.attestations[FIRST])
    output = genuine.vaults[0].output
    rest = output.value - Value.of(ours, 1)

    def release(name: bytes) -> TransactionDraft:
        held = rest + Value.of(AssetId(policy.hash(), name), 1)
        address = Address.from_bech32(output.address)
        vault = DraftOutput(address=address, value=held, inline_datum=output.inline_datum)
        fake = replace(
            genuine,
            terms=terms,
            attestations={FIRST: attested},
            vaults=(created(harness, vault, policy), *genuine.vaults[1:]),
        )
        return with_output(fake.release_draft([0]), 0, value=held - each_scene.amount(AMOUNT))

    judge.refused(release(genuine.distribution.terms_token.asset_name), "spend")
    judge.accepted(release(ours.asset_name))


@pytest.mark.parametrize("role", ["terms", "attestation"])
def test_released_what_is_no_vault(scene: Scene, judge: Judge, role: str) -> None:
    """The terms or an attestation spent as if it were a vault: its lovelace would be free."""
    opened, twin = scene.attested, scene.open(scene.other())
    target = twin.terms if role == "terms" else opened.attestations[SECOND]
    honest = opened.release_draft([0])
    wrong = exchanged(honest, opened.vaults[0], target)
    datum = target.output.inline_datum
    judge.refused(with_output(wrong, 0, value=target.output.value, inline_datum=datum), "spend")
    judge.accepted(honest)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((), longer),
        ((), shorter),
        ((), Constr(2)),
        ((), 0),
        ((), Constr(1, (0,))),
        ((), under(1)),
        ((), under(2)),
        ((0,), b""),
        ((1,), 0),
        ((1, 0), longer),
        ((1, 0), 0),
        ((1, 0), ()),
        ((1, 0, 0), 0),
        ((1, 0, 1), b""),
        ((1, 0, 2), b""),
        ((1, 0, 3), b""),
        ((2,), 0),
    ],
    ids=case_name,
)
def test_redeemer_of_another_shape(
    scene: Scene, judge: Judge, path: tuple[int, ...], value: PlutusData | Edit
) -> None:
    """One field more or less, another constructor, another type somewhere."""
    honest = scene.attested.release_draft([0])
    judge.refused(with_redeemer(honest, "spend", path, value), "spend")
    judge.accepted(honest)


def test_redeemer_nested_deeply(scene: Scene, judge: Judge) -> None:
    """Four hundred lists within each other where a number belongs."""
    honest = scene.attested.release_draft([0])
    nested: PlutusData = 0
    for _ in range(400):
        nested = (nested,)
    judge.refused(with_redeemer(honest, "spend", TERMS, nested), "spend")
    judge.accepted(honest)


def test_a_claim_rolled_back_and_repeated(scene: Scene, judge: Judge) -> None:
    """A block with a claim is undone, the claim comes again: it is paid once in the end."""
    harness, honest = scene.harness, scene.attested.release_draft([0])
    beneficiary = honest.outputs[1].address
    before = harness.held_by(beneficiary).quantity(scene.token)
    signed = judge.accepted(honest)
    harness.chain.rollback(1)
    assert harness.held_by(beneficiary).quantity(scene.token) == before
    harness.chain.mine()
    amount = scene.opened.distribution.allocations[0].token_amount
    assert harness.held_by(beneficiary).quantity(scene.token) == before + amount
    paid, _ = scene.attested.paid(signed, [0])
    judge.accepted(paid.release_draft([1]))
    assert harness.held_by(beneficiary).quantity(scene.token) == before + 2 * amount
