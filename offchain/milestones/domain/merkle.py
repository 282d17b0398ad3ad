"""The Merkle sum tree: every node commits to the sum of the amounts under it.

A node is 36 bytes: a blake2b_224 digest and the sum, 8 bytes big endian. Leaves come as pairs of
(digest, amount); what the digest is taken over is the caller's business. Inner nodes hash `0x01` and
both children, so that no leaf (hashed over `0x00`) can pass for one. Unused leaves are 36 zero bytes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Final

from milestones.cardano.hashes import blake2b_224
from milestones.errors import InvalidEncoding, InvalidInput

DIGEST_LENGTH: Final = 28
SUM_LENGTH: Final = 8
NODE_LENGTH: Final = DIGEST_LENGTH + SUM_LENGTH
EMPTY_LEAF: Final = bytes(NODE_LENGTH)
SUM_LIMIT: Final = 1 << 63
"""Amounts and sums are below this, as the ledger's quantities are."""

NodeAt = Callable[[int, int], bytes]
"""(height, position) -> node; height 0 are the leaves, positions count from 0 on the left."""


def leaf_node(digest: bytes, amount: int) -> bytes:
    """A leaf's node. Raises `InvalidInput` for an amount outside 0 to 2^63 - 1."""
    if not 0 <= amount < SUM_LIMIT:
        raise InvalidInput(f"an amount of {amount} is outside 0 to 2^63 - 1")
    return digest + amount.to_bytes(SUM_LENGTH, "big")


def node_sum(node: bytes) -> int:
    """The sum that a node commits to."""
    return int.from_bytes(node[DIGEST_LENGTH:], "big")


def inner_node(left: bytes, right: bytes) -> bytes:
    """The node above two others. Raises `InvalidInput` where the sum reaches 2^63."""
    total = node_sum(left) + node_sum(right)
    return leaf_node(blake2b_224(b"\x01" + left + right), total)


class SumTree:
    """A full binary tree of 2^depth leaves, all levels kept; missing leaves on the right are empty."""

    __slots__ = ("_empty", "_levels", "depth")

    def __init__(self, leaves: Sequence[bytes], depth: int) -> None:
        if len(leaves) > 1 << depth:
            raise InvalidInput(f"{len(leaves)} leaves don't fit in a tree of depth {depth}")
        self.depth = depth
        self._empty = [EMPTY_LEAF]
        self._levels = [list(leaves)]
        # The sums stay numbers from level to level; no sum is larger than the one above it.
        sums = [node_sum(leaf) for leaf in leaves]
        total = sum(sums)
        if total >= SUM_LIMIT:
            raise InvalidInput(f"an amount of {total} is outside 0 to 2^63 - 1")
        for height in range(depth):
            level, sums = self._above(self._levels[height], sums, self._empty[height])
            self._levels.append(level)
            self._empty.append(inner_node(self._empty[height], self._empty[height]))

    @staticmethod
    def _above(level: list[bytes], sums: list[int], empty: bytes) -> tuple[list[bytes], list[int]]:
        if len(level) % 2:
            level, sums = [*level, empty], [*sums, 0]
        above = [left + right for left, right in zip(sums[::2], sums[1::2], strict=True)]
        nodes = [
            blake2b(b"\x01" + left + right, digest_size=DIGEST_LENGTH).digest()
            + total.to_bytes(SUM_LENGTH, "big")
            for left, right, total in zip(level[::2], level[1::2], above, strict=True)
        ]
        return nodes, above

    @property
    def root(self) -> bytes:
        """The node above all leaves, 36 bytes."""
        return self.node(self.depth, 0)

    def node(self, height: int, position: int) -> bytes:
        """Any node; height 0 are the leaves."""
        level = self._levels[height]
        return level[position] if position < len(level) else self._empty[height]

    def multiproof(self, indices: Iterable[int]) -> bytes:
        """The siblings that prove these leaves together, left to right, 36 bytes each."""
        return multiproof(self.depth, indices, self.node)


def upper_nodes(depth: int, height: int, node_at: NodeAt) -> bytes:
    """All nodes from a height up to the root, level by level, left to right, 36 bytes each."""
    return b"".join(
        node_at(level, position)
        for level in range(height, depth + 1)
        for position in range(1 << (depth - level))
    )


def multiproof(depth: int, indices: Iterable[int], node_at: NodeAt) -> bytes:
    """The siblings that prove a set of leaves, left to right, out of any source of nodes.

    Raises `InvalidInput` for no leaf at all, one outside the tree, or one that is named twice.
    """
    wanted = _ascending(depth, indices)
    out: list[bytes] = []

    def walk(height: int, position: int, low: int, high: int) -> None:
        if low == high:
            out.append(node_at(height, position))
        elif height:
            middle = bisect_left(wanted, (2 * position + 1) << (height - 1), low, high)
            walk(height - 1, 2 * position, low, middle)
            walk(height - 1, 2 * position + 1, middle, high)

    walk(depth, 0, 0, len(wanted))
    return b"".join(out)


def _ascending(depth: int, indices: Iterable[int]) -> list[int]:
    wanted = sorted(indices)
    if not wanted:
        raise InvalidInput("a proof of no leaf proves nothing")
    if len(set(wanted)) < len(wanted):
        raise InvalidInput("a leaf is named twice")
    if wanted[0] < 0 or wanted[-1] >= 1 << depth:
        raise InvalidInput(f"a leaf is outside 0 to {(1 << depth) - 1}")
    return wanted


def proven_nodes(
    depth: int, leaves: Mapping[int, bytes], proof: bytes
) -> dict[tuple[int, int], bytes]:
    """Reads a multiproof as the contract does; every node that it shows, by (height, position).

    The root is at (depth, 0). Raises `InvalidEncoding` where the proof is too short or too long.
    """
    wanted = _ascending(depth, leaves)
    nodes: dict[tuple[int, int], bytes] = {}
    offset = 0

    def walk(height: int, position: int, claims: list[int]) -> bytes:
        nonlocal offset
        if not claims:
            node = proof[offset : offset + NODE_LENGTH]
            offset += NODE_LENGTH
        elif not height:
            node = leaves[claims[0]]
        else:
            border = (2 * position + 1) << (height - 1)
            left = walk(height - 1, 2 * position, [n for n in claims if n < border])
            right = walk(height - 1, 2 * position + 1, [n for n in claims if n >= border])
            node = _combined(left, right)
        nodes[height, position] = node
        return node

    walk(depth, 0, wanted)
    if offset != len(proof):
        raise InvalidEncoding(f"a proof of {len(proof)} bytes where {offset} are needed")
    return nodes


def _combined(left: bytes, right: bytes) -> bytes:
    if len(left) != NODE_LENGTH or len(right) != NODE_LENGTH:
        raise InvalidEncoding("the proof ends inside a node")
    return inner_node(left, right)


def root_of_proof(depth: int, leaves: Mapping[int, bytes], proof: bytes) -> bytes:
    """The root that these leaves and this multiproof lead to; see `proven_nodes` for errors."""
    return proven_nodes(depth, leaves, proof)[depth, 0]
