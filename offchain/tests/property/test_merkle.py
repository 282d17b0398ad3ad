"""The sum tree against a definition written out naively, and its proofs against forgery."""

from __future__ import annotations

from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milestones.domain.merkle import (
    EMPTY_LEAF,
    NODE_LENGTH,
    SumTree,
    leaf_node,
    multiproof,
    node_sum,
    proven_nodes,
    root_of_proof,
)
from milestones.errors import InvalidEncoding, InvalidInput

DIGESTS = st.binary(min_size=28, max_size=28)
LEAVES = st.builds(leaf_node, DIGESTS, st.integers(0, 1 << 50))


@st.composite
def trees(draw: st.DrawFn) -> tuple[int, list[bytes], set[int]]:
    """(depth, leaves, a choice of at least one of all 2^depth places)"""
    depth = draw(st.integers(0, 6))
    leaves = draw(st.lists(LEAVES, min_size=1, max_size=1 << depth))
    return depth, leaves, draw(st.sets(st.integers(0, (1 << depth) - 1), min_size=1))


def naive_root(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    half = len(leaves) // 2
    left, right = naive_root(leaves[:half]), naive_root(leaves[half:])
    total = int.from_bytes(left[28:], "big") + int.from_bytes(right[28:], "big")
    digest = blake2b(b"\x01" + left + right, digest_size=28).digest()
    return digest + total.to_bytes(8, "big")


def padded(depth: int, leaves: list[bytes]) -> list[bytes]:
    return leaves + [bytes(36)] * ((1 << depth) - len(leaves))


@given(trees())
def test_root_is_the_naive_one_and_commits_to_the_sum(
    tree: tuple[int, list[bytes], set[int]],
) -> None:
    depth, leaves, _ = tree
    root = SumTree(leaves, depth).root
    assert root == naive_root(padded(depth, leaves))
    assert node_sum(root) == sum(node_sum(leaf) for leaf in leaves)


@given(trees())
def test_a_multiproof_of_any_set_of_leaves_leads_to_the_root(
    tree: tuple[int, list[bytes], set[int]],
) -> None:
    depth, leaves, chosen = tree
    whole, known = SumTree(leaves, depth), padded(depth, leaves)
    proof = whole.multiproof(chosen)
    assert root_of_proof(depth, {n: known[n] for n in chosen}, proof) == whole.root


@given(trees())
def test_a_multiproof_holds_each_sibling_once_and_no_byte_more(
    tree: tuple[int, list[bytes], set[int]],
) -> None:
    depth, leaves, chosen = tree
    siblings = 0
    level = set(chosen)
    for _ in range(depth):
        siblings += sum(1 for n in level if n ^ 1 not in level)
        level = {n >> 1 for n in level}
    assert len(SumTree(leaves, depth).multiproof(chosen)) == siblings * NODE_LENGTH


@given(trees())
def test_all_leaves_need_no_proof(tree: tuple[int, list[bytes], set[int]]) -> None:
    depth, leaves, _ = tree
    assert SumTree(leaves, depth).multiproof(range(1 << depth)) == b""


@given(trees(), st.data())
def test_a_changed_leaf_or_proof_never_leads_to_the_root(
    tree: tuple[int, list[bytes], set[int]], data: st.DataObject
) -> None:
    depth, leaves, chosen = tree
    whole, known = SumTree(leaves, depth), padded(depth, leaves)
    claims = {n: known[n] for n in chosen}
    message = b"".join(claims[n] for n in sorted(claims)) + whole.multiproof(chosen)
    place = data.draw(st.integers(0, len(message) - 1))
    flipped = bytearray(message)
    flipped[place] ^= data.draw(st.integers(1, 255))
    forged = {n: bytes(flipped[36 * i : 36 * i + 36]) for i, n in enumerate(sorted(claims))}
    try:
        root = root_of_proof(depth, forged, bytes(flipped[36 * len(claims) :]))
    except InvalidInput:
        return  # the sums went over the limit
    assert root != whole.root


@given(trees(), st.data())
def test_a_proof_of_another_length_is_refused(
    tree: tuple[int, list[bytes], set[int]], data: st.DataObject
) -> None:
    depth, leaves, chosen = tree
    whole, known = SumTree(leaves, depth), padded(depth, leaves)
    claims = {n: known[n] for n in chosen}
    proof = whole.multiproof(chosen)
    longer = proof + data.draw(st.binary(min_size=1, max_size=72))
    with pytest.raises(InvalidEncoding):
        root_of_proof(depth, claims, longer)
    if proof:
        shorter = proof[: data.draw(st.integers(0, len(proof) - 1))]
        with pytest.raises(InvalidEncoding):
            root_of_proof(depth, claims, shorter)


def test_a_short_sibling_can_not_move_the_border_between_two_nodes() -> None:
    leaf = leaf_node(b"a" * 28, 5)
    whole = SumTree([leaf, leaf_node(b"b" * 28, 7)], 1)
    moved = leaf + whole.multiproof([0])[:-1]
    with pytest.raises(InvalidEncoding, match="inside a node"):
        root_of_proof(1, {0: moved[:36]}, moved[36:])


@given(trees())
def test_every_node_that_a_proof_shows_is_the_trees(
    tree: tuple[int, list[bytes], set[int]],
) -> None:
    depth, leaves, chosen = tree
    whole, known = SumTree(leaves, depth), padded(depth, leaves)
    shown = proven_nodes(depth, {n: known[n] for n in chosen}, whole.multiproof(chosen))
    assert all(whole.node(*place) == node for place, node in shown.items())


@given(trees())
def test_single_proofs_together_hold_every_multiproof_of_their_leaves(
    tree: tuple[int, list[bytes], set[int]],
) -> None:
    depth, leaves, chosen = tree
    whole, known = SumTree(leaves, depth), padded(depth, leaves)
    nodes: dict[tuple[int, int], bytes] = {}
    for n in chosen:
        nodes.update(proven_nodes(depth, {n: known[n]}, whole.multiproof([n])))
    joined = multiproof(depth, chosen, lambda height, position: nodes[height, position])
    assert joined == whole.multiproof(chosen)


def test_a_leaf_can_not_pass_for_an_inner_node() -> None:
    left, right = leaf_node(b"a" * 28, 5), leaf_node(b"b" * 28, 7)
    unmarked = blake2b(left + right, digest_size=28).digest()
    assert SumTree([left, right], 1).root[:28] != unmarked


@pytest.mark.parametrize("chosen", [[], [4], [-1], [2, 2]])
def test_leaves_that_can_not_be_proven(chosen: list[int]) -> None:
    with pytest.raises(InvalidInput):
        SumTree([EMPTY_LEAF], 2).multiproof(chosen)


def test_too_many_leaves_are_refused() -> None:
    with pytest.raises(InvalidInput, match="depth 1"):
        SumTree([EMPTY_LEAF] * 3, 1)


@pytest.mark.parametrize("amount", [-1, 1 << 63])
def test_amounts_outside_the_ledgers_are_refused(amount: int) -> None:
    with pytest.raises(InvalidInput, match="2\\^63"):
        leaf_node(bytes(28), amount)


def test_a_sum_outside_the_ledgers_is_refused() -> None:
    half = leaf_node(bytes(28), 1 << 62)
    with pytest.raises(InvalidInput, match="2\\^63"):
        SumTree([half, half], 1)
