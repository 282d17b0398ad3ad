"""Attacks on the proof that a release carries, and trees that their creator has lied about."""

from __future__ import annotations

from dataclasses import replace

import pytest

from milestones.cardano import plutus_data
from milestones.cardano.hashes import blake2b_224
from milestones.cardano.plutus_data import PlutusData
from milestones.cardano.value import Value
from milestones.domain.columns import AllocationColumns
from milestones.domain.merkle import inner_node, node_sum
from milestones.protocol.datums import VaultState
from milestones.protocol.leaves import leaf_of, page_trees
from milestones.protocol.redeemers import Claim, Release
from milestones.transactions.draft import DraftOutput, Layout, Spend, TransactionDraft
from tests.support.hostile import (
    Edit,
    Judge,
    shorter,
    with_datum,
    with_output,
    with_redeemer,
    with_value,
)
from tests.support.scenes import AMOUNT, FIRST, Scene

PROOF = (2,)
"""Where the proof stands in the redeemer."""


def as_bytes(data: PlutusData) -> bytes:
    assert isinstance(data, bytes)
    return data


@pytest.mark.parametrize(
    "edit",
    [
        lambda proof: as_bytes(proof)[:0],
        lambda proof: as_bytes(proof)[:-1],
        lambda proof: as_bytes(proof)[1:],
        lambda proof: as_bytes(proof)[36:],
        lambda proof: as_bytes(proof)[:-36],
        lambda proof: as_bytes(proof) + b"\0",
        lambda proof: b"\0" + as_bytes(proof),
        lambda proof: as_bytes(proof) + bytes(36),
        lambda proof: bytes(36) + as_bytes(proof),
        lambda proof: as_bytes(proof) * 2,
        lambda proof: as_bytes(proof)[36:] + as_bytes(proof)[:36],
        lambda proof: bytes((as_bytes(proof)[0] ^ 1,)) + as_bytes(proof)[1:],
        lambda proof: as_bytes(proof)[:-1] + bytes((as_bytes(proof)[-1] ^ 1,)),
        lambda proof: as_bytes(proof) + bytes(12_000),
    ],
    ids=[
        "none",
        "a byte short behind",
        "a byte short in front",
        "a node short in front",
        "a node short behind",
        "a byte more behind",
        "a byte more in front",
        "a node more behind",
        "a node more in front",
        "twice",
        "siblings swapped",
        "first bit of a hash flipped",
        "last bit of a sum flipped",
        "kilobytes more",
    ],
)
def test_proof_changed(scene: Scene, judge: Judge, edit: Edit) -> None:
    """A proof that is too short, too long, or another."""
    honest = scene.attested.release_draft([0])
    judge.refused(with_redeemer(honest, "spend", PROOF, edit), "spend")
    judge.accepted(honest)


def test_proof_of_another_leaf_or_page(scene: Scene, judge: Judge) -> None:
    """A good proof, of something else: another leaf (not its twin), the same leaf of another page."""
    honest, distribution = scene.attested.release_draft([0]), scene.opened.distribution
    for other in (2, 3, 4):
        proof = distribution.proof([other])
        judge.refused(with_redeemer(honest, "spend", PROOF, proof), "spend")
    judge.accepted(honest)


def test_leaf_of_another_page(scene: Scene, judge: Judge) -> None:
    """Page 0's vault pays an allocation of page 1, with its proof: each page would pay it once."""
    honest = scene.attested.release_draft([0])
    other = scene.attested.release_draft([4])
    wrong = with_output(honest, 1, address=other.outputs[1].address)
    proof = scene.opened.distribution.proof([4])
    judge.refused(with_redeemer(wrong, "spend", PROOF, proof), "spend")
    judge.accepted(honest)


def test_leaf_of_another_tree(scene: Scene, judge: Judge) -> None:
    """A tree of the attacker's, with the same sums, in which everything is promised to the attacker."""
    honest, known = scene.attested.release_draft([0]), scene.opened.distribution
    mine = [
        allocation.model_copy(update={"beneficiary_address": scene.harness.address})
        for allocation in known.allocations.values()
    ]
    tree = page_trees(AllocationColumns.of(mine), known.terms.page_depth)[0]
    assert node_sum(tree.root) == known.terms.page_amount(0)
    wrong = with_output(honest, 1, address=scene.harness.address)
    judge.refused(with_redeemer(wrong, "spend", PROOF, tree.multiproof([0])), "spend")
    judge.accepted(honest)


def test_leaf_of_nothing(scene: Scene, judge: Judge) -> None:
    """An allocation of no token: nothing could be in its payout, and nothing would be paid."""

    def claim(amount: int) -> TransactionDraft:
        allocation = scene.opened.distribution.allocations[0]
        leaf = leaf_of(allocation.model_copy(update={"token_amount": amount}))
        left = inner_node(leaf, scene.trees()[0].node(0, 1))
        root = inner_node(left, scene.trees()[0].node(1, 1))
        grown = scene.grown({(0, 0): leaf, (1, 0): left, (2, 0): root})
        draft = with_output(grown.release_draft([0]), 1, value=scene.amount(amount))
        funded = scene.amount(grown.distribution.terms.total_token_amount - amount)
        vault = funded + Value.of(grown.distribution.vault_token, 1)
        draft = with_output(draft, 0, value=vault)
        remaining = funded.quantity(scene.token)
        return with_datum(draft, 0, (2,), remaining)

    judge.refused(claim(0), "spend")
    judge.accepted(claim(1))


def test_deposit_of_an_emptied_vault(scene: Scene, judge: Judge) -> None:
    """A token's vault that has paid all looks like one of lovelace: the empty leaf claims its deposit."""
    nearly = scene.attested.release([4, 5])[0]
    honest = nearly.release_draft([6])
    emptied, _ = nearly.paid(judge.accepted(honest), [6])
    vault, terms = emptied.vaults[1], emptied.terms
    state = VaultState.decode(vault.output.inline_datum or b"")
    amount = 2_000_000

    def redeemer(layout: Layout) -> bytes:
        places = (terms, scene.attested.attestations[FIRST])
        first, second = (layout.reference_input_index(utxo.reference) for utxo in places)
        claim = Claim(3, FIRST.encode(), 0, second)
        proof = scene.trees()[1].multiproof([3])
        return plutus_data.encode(Release(first, (claim,), proof).to_data())

    stolen = replace(
        honest,
        spends=(Spend(vault, redeemer),),
        outputs=(
            replace(
                honest.outputs[0],
                value=vault.output.value - Value(amount),
                inline_datum=state.after([3], amount).encode(),
            ),
            DraftOutput(address=scene.harness.address, value=Value(amount), min_ada="ignore"),
        ),
    )
    judge.refused(stolen, "spend")


def test_inner_node_claimed_as_a_leaf(scene: Scene, judge: Judge) -> None:
    """Leaves 0 and 1 as one, at the depth of a page with fewer leaves: their sum to one address."""
    honest = scene.attested.release_draft([0])
    right = scene.trees()[0].node(1, 1)
    wrong = with_value(honest, 1, scene.amount(AMOUNT))
    wrong = with_value(wrong, 0, scene.amount(-AMOUNT))
    judge.refused(with_redeemer(wrong, "spend", PROOF, right), "spend")
    judge.accepted(honest)


def test_one_claim_too_few_for_its_proof(scene: Scene, judge: Judge) -> None:
    """Bits of two leaves are set, two payouts made, one claim named."""
    honest = scene.attested.release_draft([0, 1])
    one = with_redeemer(honest, "spend", (1, 0), shorter)
    judge.refused(one, "spend")
    judge.refused(with_redeemer(one, "spend", PROOF, scene.opened.distribution.proof([0])), "spend")
    judge.accepted(honest)


def _empty(scene: Scene, draft: TransactionDraft, runs: PlutusData) -> TransactionDraft:
    """A release that claims nothing; the page's own node would be its proof."""
    terms = scene.opened.distribution.terms
    vault = scene.opened.vaults[0].output
    draft = with_redeemer(draft, "spend", (1,), runs)
    draft = with_redeemer(draft, "spend", PROOF, terms.pages[0])
    return with_output(draft, 0, inline_datum=vault.inline_datum, value=vault.value)


def test_empty_release(each_scene: Scene, judge: Judge) -> None:
    """No claim at all: anybody could churn the vault for a bare fee."""
    honest = each_scene.attested.release_draft([0])
    nothing = _empty(each_scene, honest, ())
    judge.refused(nothing, "spend")
    judge.accepted(honest)


def test_run_without_a_leaf(scene: Scene, judge: Judge) -> None:
    """A run of claims that names no leaf, on its own."""
    honest = scene.attested.release_draft([0])
    leafless = _empty(scene, honest, ((b"milestone-001", 0, 0),))
    judge.refused(leafless, "spend")
    judge.accepted(honest)


def test_proof_read_past_its_beginning(scene: Scene, judge: Judge) -> None:
    """Two siblings that are equal, given once: a slice in front of all bytes is the first node again."""
    right = scene.trees()[0].node(1, 1)
    left = inner_node(scene.trees()[0].node(0, 0), right)
    grown = scene.grown({(0, 1): right, (1, 0): left, (2, 0): inner_node(left, right)})
    honest = grown.release_draft([0])
    assert grown.distribution.proof([0]) == right + right
    judge.refused(with_redeemer(honest, "spend", PROOF, right), "spend")
    judge.accepted(honest)


@pytest.mark.parametrize("missing", [1, AMOUNT])
def test_root_of_less_than_its_leaves(scene: Scene, judge: Judge, missing: int) -> None:
    """The creator funds less than the leaves promise: the lie is found by whoever claims."""
    tree = scene.trees()[0]
    digest, total = tree.root[:28], node_sum(tree.root)
    liar = scene.grown({(2, 0): digest + (total - missing).to_bytes(8, "big")})
    judge.refused(liar.release_draft([0]), "spend")
    judge.accepted(scene.grown({}).release_draft([0]))


@pytest.mark.parametrize(
    ("sibling", "stated"),
    [((1 << 64) - AMOUNT + 7, 7), (1 << 63, AMOUNT), ((1 << 64) - 1, AMOUNT - 1)],
)
def test_sums_that_overflow(scene: Scene, judge: Judge, sibling: int, stated: int) -> None:
    """A sibling so large that the sum above wraps around 2^63 or 2^64, to what was funded."""

    def claim(sibling: int, stated: int) -> TransactionDraft:
        tree = scene.trees()[0]
        left, right = tree.node(0, 0), bytes(28) + sibling.to_bytes(8, "big")
        parent = blake2b_224(b"\x01" + left + right) + stated.to_bytes(8, "big")
        root = inner_node(parent, tree.node(1, 1))
        return scene.grown({(0, 1): right, (1, 0): parent, (2, 0): root}).release_draft([0])

    judge.refused(claim(sibling, stated), "spend")
    judge.accepted(claim(5, AMOUNT + 5))


def test_proof_of_another_depth(scene: Scene, judge: Judge) -> None:
    """The terms say depth 3, the tree has depth 2: a leaf at the wrong height is no leaf."""
    deeper = scene.open(scene.other(page_depth=3)).attest()[0]
    judge.refused(deeper.release_draft([0]), "spend")
    judge.accepted(scene.grown({}).release_draft([0]))
