"""What the index keeps of each output: numbers, and how a match is read by them out of the blocks."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from milestones.cardano.outputs import OutputReference
from milestones.cardano.parameters import RedeemerPointer
from milestones.devnet.blocks import Block, Inclusion, Point, Spent
from milestones.devnet.ledger.auxiliary_data import decode_metadata
from milestones.devnet.ledger.outputs import Output
from milestones.devnet.snapshots import join, split


@dataclass(slots=True)
class Match:
    """An output that a pattern asked for. `inclusion` made it; None where another network did."""

    reference: OutputReference
    output: Output
    transaction_index: int
    created: Point
    inclusion: Inclusion | None
    spent: Spent | None = None
    known_labels: frozenset[int] = frozenset()

    @property
    def labels(self) -> frozenset[int]:
        """The labels of its transaction's metadata, as far as they are known."""
        return self.known_labels if self.inclusion is None else labels_of(self.inclusion)


NOT_SPENT: Final = -1
Path: TypeAlias = Sequence[Block] | Mapping[int, Block]
"""Blocks by their number along the index's path."""


class Records:
    """Every indexed output, by its number in the chain's order: where it was created, and where spent.

    Blocks are numbered along the index's path. `hidden` are outputs that were forgotten.
    """

    def __init__(self) -> None:
        self.block, self.position, self.output = array("I"), array("I"), array("H")
        self.spent_block, self.spent_position, self.spent_input = array("i"), array("I"), array("I")
        self.hidden = bytearray()

    def __len__(self) -> int:
        return len(self.block)

    def add(self, block: int, position: int, output: int) -> int:
        """Adds an output; returns its number."""
        for column, value in zip(
            self._columns(), (block, position, output, NOT_SPENT, 0, 0), strict=True
        ):
            column.append(value)
        self.hidden.append(0)
        return len(self.block) - 1

    def taken(self, candidates: Sequence[int], *, unspent: bool) -> Records:
        """A copy of some, in order, as they are now; with `unspent`, without those that were spent."""
        hidden, spent = self.hidden, self.spent_block
        wanted = (
            number
            for number in candidates
            if not hidden[number] and not (unspent and spent[number] != NOT_SPENT)
        )
        chosen = array("I", wanted)
        found = Records()
        for column, own in zip(found._columns(), self._columns(), strict=True):
            column.extend(map(own.__getitem__, chosen))
        found.hidden[:] = bytes(len(chosen))
        return found

    def blocks(self) -> set[int]:
        """The numbers of the blocks that created and spent the outputs."""
        return {*self.block, *self.spent_block} - {NOT_SPENT}

    def match(self, number: int, path: Path, utxo: Mapping[OutputReference, Output]) -> Match:
        """Reads a match out of its block; what `utxo` has is not read again."""
        block = path[self.block[number]]
        position = self.position[number]
        inclusion = block.inclusions[position]
        reference = OutputReference(inclusion.id, self.output[number])
        spent = self._spent(number, path)
        output = utxo.get(reference) if spent is None else None
        if output is None:
            output = inclusion.produced[reference]
        return Match(reference, output, position, block.point, inclusion, spent)

    def _spent(self, number: int, path: Path) -> Spent | None:
        if self.spent_block[number] == NOT_SPENT:
            return None
        block = path[self.spent_block[number]]
        inclusion = block.inclusions[self.spent_position[number]]
        return spent_by(block, inclusion, self.spent_input[number])

    def cut(self, length: int) -> None:
        """Drops all outputs from this number on."""
        for column in (*self._columns(), self.hidden):
            del column[length:]

    def spend(self, number: int, block: int, position: int, index: int) -> None:
        """Notes by which input of which transaction an output was spent."""
        self.spent_block[number], self.spent_position[number] = block, position
        self.spent_input[number] = index

    def packed(self) -> bytes:
        """All of it, in bytes."""
        return join([*(column.tobytes() for column in self._columns()), bytes(self.hidden)])

    @classmethod
    def unpacked(cls, raw: bytes) -> Records:
        """The inverse of `packed`."""
        found = cls()
        *columns, found.hidden[:] = split(raw)
        for column, content in zip(found._columns(), columns, strict=True):
            column.frombytes(content)
        return found

    def _columns(self) -> tuple[array[int], ...]:
        created = (self.block, self.position, self.output)
        return (*created, self.spent_block, self.spent_position, self.spent_input)


def spent_by(block: Block, inclusion: Inclusion, index: int) -> Spent:
    """How a block's transaction spends by its input of this number."""
    transaction = inclusion.transaction
    redeemers = {each.pointer: each.data for each in transaction.witnesses.redeemers}
    redeemer = redeemers.get(RedeemerPointer("spend", index)) if transaction.is_valid else None
    return Spent(block.point, inclusion.id, index, redeemer)


def labels_of(inclusion: Inclusion) -> frozenset[int]:
    """The labels of a transaction's metadata."""
    auxiliary = inclusion.transaction.auxiliary_data
    return frozenset(decode_metadata(auxiliary)) if auxiliary else frozenset()
