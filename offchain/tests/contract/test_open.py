"""Attacks on opening: distributions that are not funded, not well-formed, or not what they say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from milestones.cardano import plutus_data
from milestones.cardano.address import Address, key_credential, script_credential
from milestones.cardano.hashes import blake2b_224, blake2b_256
from milestones.cardano.plutus_data import Constr, PlutusData
from milestones.cardano.value import LOVELACE, AssetId, Value
from milestones.domain.merkle import leaf_node, node_sum
from milestones.errors import InvalidEncoding
from milestones.protocol.datums import (
    VaultState,
    attestation_token_name,
    terms_token_name,
    vault_token_name,
)
from milestones.protocol.redeemers import Close
from milestones.protocol.terms import Terms
from milestones.transactions.draft import DraftOutput, Mint, Spend, TransactionDraft
from tests.support.hostile import (
    Edit,
    Judge,
    along,
    case_name,
    created,
    foreign_copy,
    longer,
    minting,
    native_policy,
    replaced,
    settled,
    shorter,
    swapped,
    together,
    under,
    with_datum,
    with_output,
    with_redeemer,
    with_value,
    without_output,
)
from tests.support.scenes import Scene

OTHER = bytes(28)
TERMS, VAULT, LAST_VAULT = 0, 1, 2
"""Outputs of an opening."""

# -- the creator's consent


def test_creator_has_not_signed(scene: Scene, judge: Judge) -> None:
    """Somebody opens a distribution in the creator's name."""
    honest = scene.opening()
    judge.refused(replace(honest, required_signers=()), "mint")
    judge.accepted(honest)


def test_somebody_else_has_signed(scene: Scene, judge: Judge) -> None:
    """Another key in the creator's place."""
    honest = scene.opening()
    other = scene.harness.key("attacker").key_hash
    judge.refused(replace(honest, required_signers=(other,)), "mint")
    judge.accepted(honest)


def test_creator_is_a_script_that_was_not_asked(scene: Scene, judge: Judge) -> None:
    """A treasury's script as creator, and no input that it guards; its keys' signatures don't do."""
    script = native_policy(scene.harness, "treasurer")
    treasury = script_credential(script.hash())
    draft = scene.opening(creator=treasury)
    hold = created(scene.harness, DraftOutput(address=Address(0, treasury)))
    key = scene.harness.key("treasurer").key_hash
    judge.refused(along(draft, signers=(key,)), "mint")
    judge.accepted(along(draft, spends=(Spend(hold),), scripts=(script,)))


def test_creator_is_a_key_with_a_scripts_hash(scene: Scene, judge: Judge) -> None:
    """The creator is a key; an input of the script with the same hash is spent."""
    script = native_policy(scene.harness, "treasurer")
    hold = created(scene.harness, DraftOutput(address=Address(0, script_credential(script.hash()))))
    spend = (Spend(hold),)
    as_key = scene.opening(creator=key_credential(script.hash()))
    as_key = replace(as_key, required_signers=())
    as_script = scene.opening(creator=script_credential(script.hash()))
    judge.refused(along(as_key, spends=spend, scripts=(script,)), "mint")
    judge.accepted(along(as_script, spends=spend, scripts=(script,)))


def test_creator_is_the_vault(scene: Scene, judge: Judge) -> None:
    """Anybody can make the vault's script agree, with junk of their own: here it does, for an opening."""
    harness = scene.harness
    junk = foreign_copy(harness, scene.opened.vaults[0])
    policy = native_policy(harness, "attacker")
    burnt = Mint(policy.hash(), {scene.opened.distribution.vault_token.asset_name: -1})
    spend = Spend(junk, plutus_data.encode(Close().to_data()))

    vault_script = harness.scripts.vault
    assert vault_script is not None

    def beside_junk(draft: TransactionDraft) -> TransactionDraft:
        more = along(draft, spends=(spend,), mints=(burnt,), scripts=(policy,))
        return along(more, references=(vault_script,))

    vault = script_credential(harness.contract.vault_hash)
    judge.refused(beside_junk(scene.opening(creator=vault)), "mint")
    judge.accepted(beside_junk(scene.opening()))


# -- terms that are not well-formed

HIGH, LOW = b"\xff" * 28, b"\x01" * 28


def pages_of(*sums: int) -> dict[str, object]:
    """Terms with pages of these sums."""
    pages = tuple(leaf_node(OTHER, amount) for amount in sums)
    return {"pages": pages, "total_token_amount": sum(sums)}


MALFORMED = {
    "quorum of nobody": ({"quorum_threshold": 0}, {"quorum_threshold": 1}),
    "negative quorum": ({"quorum_threshold": -1}, {"quorum_threshold": 1}),
    "quorum of one too many": ({"quorum_threshold": 4}, {"quorum_threshold": 3}),
    "enormous quorum": ({"quorum_threshold": 1 << 64}, {"quorum_threshold": 3}),
    "oracles unsorted": ({"oracles": (HIGH, LOW)}, {"oracles": (LOW, HIGH)}),
    "one oracle twice": ({"oracles": (LOW, LOW)}, {"oracles": (LOW, HIGH)}),
    "the first of three twice": ({"oracles": (LOW, LOW, HIGH)}, {"oracles": (LOW, HIGH)}),
    "the last of three twice": ({"oracles": (LOW, HIGH, HIGH)}, {"oracles": (LOW, HIGH)}),
    "short oracle": ({"oracles": (LOW, HIGH[:27])}, {"oracles": (LOW, HIGH)}),
    "long oracle": ({"oracles": (LOW, HIGH + b"\0")}, {"oracles": (LOW, HIGH)}),
    "empty oracle": ({"oracles": (b"", HIGH)}, {"oracles": (LOW, HIGH)}),
    "fewer oracles than the quorum": ({"oracles": (LOW,)}, {"oracles": (LOW, HIGH)}),
    "no oracle": ({"oracles": ()}, {"oracles": (LOW, HIGH)}),
    "page depth 15": (
        {"page_depth": 15, **pages_of(5)},
        {"page_depth": 14, **pages_of(5)},
    ),
    "page depth 16": (
        {"page_depth": 16, **pages_of(5)},
        {"page_depth": 0, **pages_of(5)},
    ),
    "no page": (pages_of(), pages_of(1)),
    "total one too high": ({**pages_of(5, 6), "total_token_amount": 12}, pages_of(5, 6)),
    "total one too low": ({**pages_of(5, 6), "total_token_amount": 10}, pages_of(5, 6)),
    "total of nothing": ({**pages_of(5, 6), "total_token_amount": 0}, pages_of(5, 6)),
    "negative total": ({**pages_of(5, 6), "total_token_amount": -11}, pages_of(5, 6)),
    "a hundred and one oracles": (
        {"oracles": tuple(bytes(27) + bytes((n,)) for n in range(101))},
        {"oracles": tuple(bytes(27) + bytes((n,)) for n in range(100))},
    ),
    "waiver before all times": ({"waiver_after_posix_ms": -1}, {"waiver_after_posix_ms": 0}),
    "reclaiming before all times": ({"reclaim_after_posix_ms": -1}, {"reclaim_after_posix_ms": 0}),
    "total of 2^63": (pages_of(1 << 62, 1 << 62), pages_of(1 << 62, (1 << 62) - 1)),
}


@pytest.mark.parametrize(("hostile", "honest"), MALFORMED.values(), ids=MALFORMED)
def test_terms_that_are_not_well_formed(
    scene: Scene, judge: Judge, hostile: dict[str, object], honest: dict[str, object]
) -> None:
    """Each rule about the terms broken in turn; everything else is in order, and funded."""
    provide(scene)
    judge.refused(scene.opening(**hostile), "mint")
    judge.accepted(scene.opening(**honest))


def provide(scene: Scene) -> None:
    """Twice 2^62 of the distributed token for the wallet."""
    assert scene.token_policy is not None
    for _ in range(2):
        mint = Mint(scene.token.policy_id, {scene.token.asset_name: 1 << 62})
        output = DraftOutput(address=scene.harness.address, value=mint.value())
        draft = TransactionDraft(mints=(mint,), outputs=(output,), scripts=(scene.token_policy,))
        minted = scene.harness.send(draft).outputs[0]
        scene.harness.wallet = (*scene.harness.wallet, minted)


@pytest.mark.parametrize("others", [(), (5,)], ids=["alone", "behind another"])
def test_an_empty_page(each_scene: Scene, judge: Judge, others: tuple[int, ...]) -> None:
    """A page of nothing, funded with as much: a vault that nothing could ever be claimed from."""
    judge.refused(each_scene.opening(**pages_of(*others, 0)), "mint")
    judge.accepted(each_scene.opening(**pages_of(*others, 1)))


@pytest.mark.parametrize("cut", [35, 37])
def test_page_of_another_length(scene: Scene, judge: Judge, cut: int) -> None:
    """A root that no computation gives: nothing could ever be claimed."""
    page = leaf_node(OTHER, 1 << 20)
    other = (page + b"\0")[:cut]
    amount = int.from_bytes(other[28:36], "big")
    hostile = with_first_vault(scene.opening(pages=(other,), total_token_amount=amount), amount)
    judge.refused(hostile, "mint")
    judge.accepted(scene.opening(pages=(page,), total_token_amount=1 << 20))


def with_first_vault(draft: TransactionDraft, remaining: int) -> TransactionDraft:
    """Its first vault's datum says that so much remains."""
    return with_datum(draft, VAULT, (2,), remaining)


def raw_opening(scene: Scene, terms: PlutusData, claimed: bytes = b"\0") -> TransactionDraft:
    """Opens terms of any shape, with everything else as these terms would have it."""
    honest = scene.opening()
    datum = plutus_data.encode(terms)
    digest = blake2b_224(datum)
    policy = scene.harness.contract.policy_id
    names = (terms_token_name(digest), vault_token_name(digest))
    known = scene.opened.distribution.terms
    address = replace(honest.outputs[0].address, staking=key_credential(digest))
    outputs = [
        DraftOutput(
            address=address,
            value=Value.of(AssetId(policy, names[0]), 1),
            inline_datum=datum,
        )
    ]
    for page in range(len(known.pages)):
        amount = known.page_amount(page)
        outputs.append(
            DraftOutput(
                address=address,
                value=scene.amount(amount) + Value.of(AssetId(policy, names[1]), 1),
                min_ada="add" if scene.token == LOVELACE else "raise",
                inline_datum=VaultState(digest, page, amount, claimed).encode(),
            )
        )
    mint = replace(honest.mints[0], assets={names[0]: 1, names[1]: len(known.pages)})
    return replace(honest, mints=(mint,), outputs=tuple(outputs))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((), Constr(0)),
        ((), 0),
        ((), longer),
        ((), shorter),
        ((), under(1)),
        ((0,), -1),
        ((0,), b""),
        ((1,), ()),
        ((1,), 0),
        ((1, 0), 0),
        ((2,), -1),
        ((2,), b""),
        ((3,), 0),
        ((3, 0), 0),
        ((4,), b""),
        ((5,), 0),
        ((6,), Constr(0, (bytes(28),))),
        ((7,), 0),
        ((8,), 0),
        ((9,), b"\xaa" * 27),
        ((9,), 0),
        ((10,), b"OTHER"),
        ((11,), b""),
        ((12,), 0),
    ],
    ids=case_name,
)
def test_terms_of_another_shape(
    scene: Scene, judge: Judge, path: tuple[int, ...], value: PlutusData | Edit
) -> None:
    """A field of another type, or with a value that no list of ours could hold; all else agrees."""
    known = scene.opened.distribution.terms.to_data()
    judge.refused(raw_opening(scene, replaced(known, path, value)), "mint")
    judge.accepted(raw_opening(scene, known))


def test_the_asset_is_our_own_token(scene: Scene, judge: Judge) -> None:
    """The terms distribute tokens of the contract's own policy: its vault's own, for instance."""
    known = scene.opened.distribution
    policy = scene.harness.contract.policy_id
    for name in (b"GRANT", known.vault_token.asset_name):
        asset = AssetId(policy, name)
        hostile = scene.opening(token=asset)
        minted = minting(hostile, name, known.terms.total_token_amount)
        judge.refused(minted, "mint")
    judge.accepted(scene.opening())


def test_lovelace_by_another_name(judge: Judge, scene: Scene) -> None:
    """No policy and yet a name, the vaults funded with lovelace: nothing could be paid out."""
    lovelace = scene.opening(token=LOVELACE)
    amounts = [node_sum(page) for page in scene.opened.distribution.terms.pages]
    hostile = scene.opening(token=AssetId(b"", b"GRANT"))
    for place, amount in enumerate(amounts, 1):
        held = hostile.outputs[place].value
        tokens = {asset: n for asset, n in held.assets.items() if asset.policy_id}
        hostile = with_output(hostile, place, value=Value(amount, tokens), min_ada="add")
    judge.refused(hostile, "mint")
    judge.accepted(lovelace)


# -- outputs


def test_underfunded(each_scene: Scene, judge: Judge) -> None:
    """A vault with one token less than its page's sum; with lovelace as asset, one lovelace."""
    honest = settled(each_scene.harness, each_scene.opening())
    judge.refused(with_value(honest, VAULT, each_scene.amount(-1)), "mint")
    judge.accepted(honest)


def test_overfunded(scene: Scene, judge: Judge) -> None:
    """A vault with one token more, which nobody could ever claim."""
    honest = scene.opening()
    judge.refused(with_value(honest, VAULT, scene.amount(1)), "mint")
    judge.accepted(honest)


def test_funds_of_two_vaults_in_one(scene: Scene, judge: Judge) -> None:
    """The total is there, in the wrong vaults."""
    honest = scene.opening()
    moved = with_value(honest, VAULT, scene.amount(1))
    judge.refused(with_value(moved, LAST_VAULT, scene.amount(-1)), "mint")
    judge.accepted(honest)


@pytest.mark.parametrize("place", [TERMS, VAULT, LAST_VAULT])
def test_dust_from_the_start(each_scene: Scene, judge: Judge, place: int) -> None:
    """A foreign token in the terms' output or in a vault."""
    honest = each_scene.opening()
    dust = Value(0, {each_scene.harness.token: 1})
    judge.refused(with_value(honest, place, dust), "mint")
    judge.accepted(honest)


@pytest.mark.parametrize(
    "places",
    [(TERMS,), (VAULT,), (LAST_VAULT,), (TERMS, VAULT, LAST_VAULT)],
    ids=["terms", "vault", "last vault", "all of them"],
)
@pytest.mark.parametrize("where", ["attacker", "no staking part", "another distribution's"])
def test_output_elsewhere(scene: Scene, judge: Judge, places: tuple[int, ...], where: str) -> None:
    """Terms, a vault, or all at another address: of a key, or under another staking part."""
    honest = scene.opening()
    address = {
        "attacker": scene.harness.address,
        "no staking part": replace(honest.outputs[TERMS].address, staking=None),
        "another distribution's": scene.other(quorum_threshold=1).address,
    }[where]
    hostile = honest
    for place in places:
        hostile = with_output(hostile, place, address=address)
    judge.refused(hostile, "mint")
    judge.accepted(honest)


@pytest.mark.parametrize("place", [TERMS, VAULT, LAST_VAULT])
def test_reference_script_from_the_start(scene: Scene, judge: Judge, place: int) -> None:
    """A script in the terms' output would be paid for by every later transaction."""
    honest = scene.opening()
    script = native_policy(scene.harness, "attacker")
    judge.refused(with_output(honest, place, script=script), "mint")
    judge.accepted(honest)


@pytest.mark.parametrize("place", [TERMS, VAULT, LAST_VAULT])
def test_no_inline_datum(scene: Scene, judge: Judge, place: int) -> None:
    """No datum at all, or only its hash."""
    honest = scene.opening()
    datum = honest.outputs[place].inline_datum
    assert datum is not None
    judge.refused(with_output(honest, place, inline_datum=None), "mint")
    hashed = with_output(honest, place, inline_datum=None, datum_hash=blake2b_256(datum))
    judge.refused(hashed, "mint")
    judge.accepted(honest)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((0,), OTHER),
        ((1,), 1),
        ((1,), -1),
        ((2,), 1),
        ((2,), 1 << 62),
        ((3,), b"\1"),
        ((3,), b"\x80"),
        ((3,), b""),
        ((3,), b"\0\0"),
        ((), longer),
        ((), shorter),
        ((), Constr(1)),
        ((), 0),
    ],
    ids=case_name,
)
def test_vault_datum_that_is_not_untouched(
    scene: Scene, judge: Judge, path: tuple[int, ...], value: PlutusData | Edit
) -> None:
    """Each field changed: a leaf marked as paid, another page, a remainder that isn't there."""
    honest = scene.opening()
    judge.refused(with_datum(honest, VAULT, path, value), "mint")
    judge.accepted(honest)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((0,), 3),
        ((1, 0), leaf_node(OTHER, 5)),
        ((2,), 1),
        ((3, 0), b"\0" * 28),
        ((4,), 1),
        ((6,), Constr(0, (OTHER,))),
        ((7,), Constr(0, (5,))),
        ((8,), Constr(1)),
        ((9,), OTHER),
        ((10,), b"OTHER"),
        ((11,), 1),
        ((12,), Constr(0, (Constr(0, (OTHER,)),))),
        ((13, 0), Constr(0, (Constr(0, (OTHER,)), Constr(1)))),
        ((13, 1), Constr(2, (0,))),
        ((14,), 3),
        ((15,), 5),
        ((16,), 1),
        ((17,), 5),
        ((18,), 5),
        ((19, 0), 0),
        ((19, 1), 1),
        ((19, 2), b"9.9.9"),
        ((19, 3), b"another"),
        ((), longer),
    ],
    ids=case_name,
)
def test_terms_that_their_name_does_not_hash(
    scene: Scene, judge: Judge, path: tuple[int, ...], value: PlutusData | Edit
) -> None:
    """Tokens, address and vaults of one distribution, the terms of another."""
    honest = scene.opening()
    judge.refused(with_datum(honest, TERMS, path, value), "mint")
    judge.accepted(honest)


def test_outputs_in_another_order(scene: Scene, judge: Judge) -> None:
    """Vaults swapped; the terms not in front."""
    honest = scene.opening()
    judge.refused(swapped(honest, VAULT, LAST_VAULT), "mint")
    judge.refused(swapped(honest, TERMS, VAULT), "mint")
    judge.accepted(honest)


def test_a_vault_missing(scene: Scene, judge: Judge) -> None:
    """The second page's vault isn't there; its token goes to the attacker."""
    honest = scene.opening()
    judge.refused(without_output(honest, LAST_VAULT), "mint")
    judge.accepted(honest)


# -- what is minted


@pytest.mark.parametrize("label", ["TERM", "VALT", "ATST", "another", "none"])
def test_one_token_too_many(scene: Scene, judge: Judge, label: str) -> None:
    """A spare token of ours for the attacker: whatever it names, later checks would believe it."""
    known, honest = scene.opened.distribution, scene.opening()
    name = {
        "TERM": known.terms_token.asset_name,
        "VALT": known.vault_token.asset_name,
        "ATST": attestation_token_name(known.id, b"milestone-001"),
        "another": vault_token_name(OTHER),
        "none": b"",
    }[label]
    judge.refused(minting(honest, name, 1), "mint")
    judge.accepted(honest)


def test_a_token_too_few(scene: Scene, judge: Judge) -> None:
    """Only one vault token is minted, and the second vault has none."""
    honest = scene.opening()
    token = scene.opened.distribution.vault_token
    bare = with_value(honest, LAST_VAULT, Value.of(token, -1))
    judge.refused(minting(bare, token.asset_name, -1), "mint")
    judge.accepted(honest)


def test_names_of_another_distribution(scene: Scene, judge: Judge) -> None:
    """Sound terms and vaults, named as if they were another distribution's."""
    honest, other = scene.opening(), scene.opening(quorum_threshold=1)
    values = [output.value for output in other.outputs]
    wrong = replace(honest, mints=other.mints)
    for place, value in enumerate(values):
        wrong = with_output(wrong, place, value=value)
    judge.refused(wrong, "mint")
    judge.accepted(honest)


def test_two_openings_in_one_transaction(scene: Scene, judge: Judge) -> None:
    """A second distribution behind the first, unchecked."""
    first, second = scene.opening(), scene.opening(quorum_threshold=1)
    judge.refused(together(first, second), "mint")
    judge.accepted(first)
    judge.accepted(second)


@pytest.mark.parametrize(
    ("path", "value"),
    [((), longer), ((), Constr(3)), ((), Constr(1)), ((), Constr(2)), ((), 0), ((), ())],
    ids=case_name,
)
def test_redeemer_of_another_shape(
    scene: Scene, judge: Judge, path: tuple[int, ...], value: PlutusData | Edit
) -> None:
    """Fields where none belong, constructors that there aren't, other actions."""
    honest = scene.opening()
    judge.refused(with_redeemer(honest, "mint", path, value), "mint")
    judge.accepted(honest)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((6,), longer),
        ((13,), 0),
        ((13, 0), b""),
        ((13, 1), longer),
        ((14,), 4),
        ((14,), -1),
        ((14,), b""),
        ((15,), -1),
        ((15,), ()),
        ((16,), -1),
        ((16,), b""),
        ((17,), -5),
        ((17,), ()),
        ((18,), -1),
        ((18,), b""),
        ((19,), 0),
    ],
    ids=case_name,
)
def test_shapes_that_no_rule_reads_harm_nobody(
    scene: Scene, judge: Judge, path: tuple[int, ...], value: PlutusData | Edit
) -> None:
    """The chain accepts what it never reads; who looks at the terms is told that they are odd.

    Claims are paid as ever, and the creator, whose doing it is, takes nothing back before the end.
    """
    terms = replaced(scene.opened.distribution.terms.to_data(), path, value)
    sent = judge.accepted(raw_opening(scene, terms))
    with pytest.raises(InvalidEncoding):
        Terms.decode(plutus_data.encode(terms))
    assert sent.outputs[0].output.inline_datum == plutus_data.encode(terms)


def test_creator_is_the_vault_in_another_shape(scene: Scene, judge: Judge) -> None:
    """The vault's credential with a field too many: it isn't equal to the vault's, nor to anybody's."""
    vault = Constr(1, (scene.harness.contract.vault_hash, 0))
    known = scene.opened.distribution.terms.to_data()
    judge.refused(raw_opening(scene, replaced(known, (6,), vault)), "mint")
    judge.accepted(raw_opening(scene, known))


def test_terms_of_twelve_kilobytes_make_claims_no_dearer(scene: Scene, judge: Judge) -> None:
    """A description as long as a transaction allows: the creator pays for it, and nobody else."""
    metadata = replace(scene.opened.distribution.terms.metadata, description="x" * 12_000)
    wordy = scene.open(scene.other(metadata=metadata)).attest()[0]
    terse = scene.open(scene.other()).attest()[0]
    fees = [opened.release([0])[1].fee_lovelace for opened in (wordy, terse)]
    assert fees[0] < fees[1] + 1_000
