"""Blocks: what they hold, how they are named and undone, and the outputs that are unspent after them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from milestones.cardano import cbor
from milestones.cardano.address import Credential
from milestones.cardano.certificates import encode_credential
from milestones.cardano.hashes import blake2b_256
from milestones.cardano.outputs import OutputReference
from milestones.devnet.ledger.certs import Deposits, deposits_of, staking_changes
from milestones.devnet.ledger.outputs import Output
from milestones.devnet.ledger.parameters import MAINNET_PARAMETERS
from milestones.devnet.ledger.rules import effects
from milestones.devnet.ledger.staking_state import Change, StakingState
from milestones.devnet.ledger.transaction import Transaction


class Point(NamedTuple):
    """A place on the chain: slot and header hash (32 bytes)."""

    slot: int
    header_hash: bytes


class Grant(NamedTuple):
    """Rewards that a block gives to a registered account."""

    credential: Credential
    lovelace: int


@dataclass(frozen=True, slots=True)
class Spent:
    """Where an output was spent, by which input, and with what redeemer (its CBOR)."""

    point: Point
    transaction_id: bytes
    input_index: int
    redeemer: bytes | None


@dataclass(frozen=True, slots=True)
class Inclusion:
    """A transaction in a block, with what it does to the unspent outputs, and to who is registered.

    `reference_scripts_size` is the bytes of the reference scripts that its inputs bring along; `deposits`
    are those that were in force.
    """

    transaction: Transaction
    consumed: dict[OutputReference, Output]
    produced: dict[OutputReference, Output]
    reference_scripts_size: int
    staking: tuple[Change, ...]
    deposits: Deposits


MAINNET_DEPOSITS: Final = deposits_of(MAINNET_PARAMETERS)


def included(
    utxo: Mapping[OutputReference, Output],
    transaction: Transaction,
    staking: StakingState | None = None,
    *,
    deposits: Deposits = MAINNET_DEPOSITS,
    epoch: int = 0,
) -> Inclusion:
    """What `transaction`, whose inputs are all in `utxo`, does to it and to who is registered."""
    spent, produced = effects(transaction)
    body = transaction.body
    brought = (utxo[each].script for each in {*body.inputs, *body.reference_inputs})
    size = sum(len(script.code) for script in brought if script is not None)
    changes: tuple[Change, ...] = ()
    if transaction.is_valid:
        changes = staking_changes(body, staking or StakingState(), deposits, epoch)
    consumed = {each: utxo[each] for each in spent}
    return Inclusion(transaction, consumed, produced, size, changes, deposits)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """A block and, through `parent`, all before it; the genesis block has none.

    `height` counts from 0, `body_size` is the bytes of its transactions. `grants` come before these.
    """

    slot: int
    height: int
    inclusions: tuple[Inclusion, ...]
    parent: Block | None = field(repr=False)
    header_hash: bytes
    grants: tuple[Grant, ...] = ()

    @property
    def point(self) -> Point:
        """Where this block stands."""
        return Point(self.slot, self.header_hash)

    @property
    def body_size(self) -> int:
        """Bytes of the transactions."""
        return sum(len(each.transaction.raw) for each in self.inclusions)


def forge(
    slot: int,
    inclusions: tuple[Inclusion, ...],
    parent: Block | None,
    grants: tuple[Grant, ...] = (),
) -> Block:
    """A block on top of `parent`. Its hash covers slot, height, parent, every transaction and grant."""
    height = 0 if parent is None else parent.height + 1
    body_hash = blake2b_256(b"".join(blake2b_256(each.transaction.raw) for each in inclusions))
    header = b"".join(
        (
            cbor.head(cbor.ARRAY, 4),
            cbor.head(cbor.UINT, height),
            cbor.head(cbor.UINT, slot),
            cbor.encode_bytes(b"" if parent is None else parent.header_hash),
            cbor.encode_bytes(body_hash),
            *(encode_credential(who) + cbor.head(cbor.UINT, coin) for who, coin in grants),
        )
    )
    return Block(slot, height, inclusions, parent, blake2b_256(header), grants)


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


def apply_block(utxo: dict[OutputReference, Output], staking: StakingState, block: Block) -> None:
    """Does to `utxo` and `staking` what the block does."""
    for grant in block.grants:
        staking.grant(*grant)
    for each in block.inclusions:
        staking.apply(each.staking)
        for reference in each.consumed:
            del utxo[reference]
        utxo.update(each.produced)


def undo_block(utxo: dict[OutputReference, Output], staking: StakingState, block: Block) -> None:
    """The inverse of `apply_block`."""
    undo_staking(staking, block)
    for each in reversed(block.inclusions):
        for reference in each.produced:
            utxo.pop(reference)
        utxo.update(each.consumed)


def undo_staking(staking: StakingState, block: Block) -> None:
    """Takes back what a block did to who is registered."""
    for each in reversed(block.inclusions):
        staking.undo(each.staking)
    for who, coin in reversed(block.grants):
        staking.grant(who, -coin)
