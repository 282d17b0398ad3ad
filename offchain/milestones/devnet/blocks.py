"""Blocks: what they hold, how they are named and undone, and the outputs that are unspent after them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from milestones.cardano import cbor
from milestones.cardano.hashes import blake2b_256
from milestones.cardano.outputs import OutputReference
from milestones.devnet.ledger.outputs import Output
from milestones.devnet.ledger.rules import effects
from milestones.devnet.ledger.transaction import Transaction


class Point(NamedTuple):
    """A place on the chain: slot and header hash (32 bytes)."""

    slot: int
    header_hash: bytes


@dataclass(frozen=True, slots=True)
class Inclusion:
    """A transaction in a block, with what it does to the set of unspent outputs.

    `reference_scripts_size` is the bytes of the reference scripts that its inputs bring along.
    """

    transaction: Transaction
    consumed: dict[OutputReference, Output]
    produced: dict[OutputReference, Output]
    reference_scripts_size: int


def included(utxo: Mapping[OutputReference, Output], transaction: Transaction) -> Inclusion:
    """What `transaction`, whose inputs are all in `utxo`, does to it."""
    spent, produced = effects(transaction)
    body = transaction.body
    brought = (utxo[each].script for each in {*body.inputs, *body.reference_inputs})
    size = sum(len(script.code) for script in brought if script is not None)
    return Inclusion(transaction, {each: utxo[each] for each in spent}, produced, size)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """A block and, through `parent`, all before it; the genesis block has none.

    `height` counts from 0, `body_size` is the bytes of its transactions.
    """

    slot: int
    height: int
    inclusions: tuple[Inclusion, ...]
    parent: Block | None = field(repr=False)
    header_hash: bytes

    @property
    def point(self) -> Point:
        """Where this block stands."""
        return Point(self.slot, self.header_hash)

    @property
    def body_size(self) -> int:
        """Bytes of the transactions."""
        return sum(len(each.transaction.raw) for each in self.inclusions)


def forge(slot: int, inclusions: tuple[Inclusion, ...], parent: Block | None) -> Block:
    """A block on top of `parent`. Its hash covers slot, height, parent and every transaction."""
    height = 0 if parent is None else parent.height + 1
    body_hash = blake2b_256(b"".join(blake2b_256(each.transaction.raw) for each in inclusions))
    header = b"".join(
        (
            cbor.head(cbor.ARRAY, 4),
            cbor.head(cbor.UINT, height),
            cbor.head(cbor.UINT, slot),
            cbor.encode_bytes(b"" if parent is None else parent.header_hash),
            cbor.encode_bytes(body_hash),
        )
    )
    return Block(slot, height, inclusions, parent, blake2b_256(header))


UtxoSet = Mapping[OutputReference, Output]
"""Unspent outputs by where they stand."""


class UtxoView(Mapping[OutputReference, Output]):
    """Another set seen through differences: `created` are added to it, `spent` taken away."""

    def __init__(self, base: UtxoSet) -> None:
        self._base = base
        self.created: dict[OutputReference, Output] = {}
        self.spent: set[OutputReference] = set()

    def __getitem__(self, reference: OutputReference) -> Output:
        if reference in self.created:
            return self.created[reference]
        if reference in self.spent:
            raise KeyError(reference)
        return self._base[reference]

    def __contains__(self, reference: object) -> bool:
        if reference in self.created:
            return True
        return reference not in self.spent and reference in self._base

    def __iter__(self) -> Iterator[OutputReference]:
        yield from (each for each in self._base if each not in self.spent)
        yield from self.created

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def apply(self, inclusion: Inclusion) -> None:
        """Adds what a transaction does."""
        for reference in inclusion.consumed:
            if self.created.pop(reference, None) is None:
                self.spent.add(reference)
        self.created.update(inclusion.produced)

    def undo(self, inclusion: Inclusion) -> None:
        """Takes back what a transaction that the base contains did."""
        for reference in inclusion.produced:
            if self.created.pop(reference, None) is None:
                self.spent.add(reference)
        self.created.update(inclusion.consumed)
        self.spent.difference_update(inclusion.consumed)


def apply_block(utxo: dict[OutputReference, Output], block: Block) -> None:
    """Does to `utxo` what the block's transactions do."""
    for each in block.inclusions:
        for reference in each.consumed:
            del utxo[reference]
        utxo.update(each.produced)


def undo_block(utxo: dict[OutputReference, Output], block: Block) -> None:
    """The inverse of `apply_block`."""
    for each in reversed(block.inclusions):
        for reference in each.produced:
            utxo.pop(reference)
        utxo.update(each.consumed)
