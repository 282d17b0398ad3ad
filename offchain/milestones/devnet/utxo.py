"""The set of unspent outputs: that of the tip, and views of it that cost nothing to make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from milestones.cardano.outputs import OutputReference
from milestones.devnet.blocks import Block, Inclusion
from milestones.devnet.ledger.outputs import Output

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
