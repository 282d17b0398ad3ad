"""Blocks: what they hold, how they are named and undone, and the outputs that are unspent after them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from milestones.cardano import cbor
from milestones.cardano.address import Credential
from milestones.cardano.certificates import encode_credential
from milestones.cardano.hashes import blake2b_256
from milestones.cardano.outputs import OutputReference
from milestones.devnet.ledger.certs import Deposits, deposits_of, staking_changes
from milestones.devnet.ledger.outputs import Output, decode_output
from milestones.devnet.ledger.parameters import MAINNET_PARAMETERS
from milestones.devnet.ledger.rules import effects
from milestones.devnet.ledger.staking_state import Change, StakingState
from milestones.devnet.ledger.transaction import Transaction, decode_transaction


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


class _Recent:
    """Transactions that were read lately: blocks keep bytes, and whoever looks reads them again."""

    def __init__(self, most: int) -> None:
        self._found: dict[bytes, Transaction] = {}
        self._most = most

    def read(self, raw: bytes) -> Transaction:
        """The transaction of these bytes, which was decoded before and can be."""
        found = self._found.pop(raw, None)
        return self.put(decode_transaction(raw) if found is None else found)

    def put(self, transaction: Transaction) -> Transaction:
        """Remembers one that is at hand."""
        self._found[transaction.raw] = transaction
        if len(self._found) > self._most:
            del self._found[next(iter(self._found))]
        return transaction


_recent: Final = _Recent(1024)
"""As many as a mempool holds of small ones, so that a block is made without reading any again."""


@dataclass(frozen=True, slots=True)
class Inclusion:
    """A transaction in a block, with what it does to the unspent outputs, and to who is registered.

    It is kept as its bytes and its id. `reference_scripts_size` is the bytes of the reference scripts that its
    inputs bring along; `deposits` are those that were in force.
    """

    raw: bytes
    id: bytes
    reference_scripts_size: int
    staking: tuple[Change, ...]
    deposits: Deposits

    @property
    def transaction(self) -> Transaction:
        """The transaction, read anew where nobody has lately."""
        return _recent.read(self.raw)

    @property
    def spent(self) -> tuple[OutputReference, ...]:
        """The outputs that it spends."""
        return effects(self.transaction)[0]

    @property
    def produced(self) -> dict[OutputReference, Output]:
        """The outputs that it creates."""
        return effects(self.transaction)[1]


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
    body = _recent.put(transaction).body
    brought = (utxo[each].script for each in {*body.inputs, *body.reference_inputs})
    size = sum(len(script.code) for script in brought if script is not None)
    changes: tuple[Change, ...] = ()
    if transaction.is_valid:
        changes = staking_changes(body, staking or StakingState(), deposits, epoch)
    return Inclusion(transaction.raw, transaction.id, size, changes, deposits)


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
        return sum(len(each.raw) for each in self.inclusions)


def forge(
    slot: int,
    inclusions: tuple[Inclusion, ...],
    parent: Block | None,
    grants: tuple[Grant, ...] = (),
) -> Block:
    """A block on top of `parent`. Its hash covers slot, height, parent, every transaction and grant."""
    height = 0 if parent is None else parent.height + 1
    body_hash = blake2b_256(b"".join(blake2b_256(each.raw) for each in inclusions))
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


class Outputs(MutableMapping[OutputReference, Output]):
    """Outputs by where they stand, kept as their bytes and read when they are asked for."""

    def __init__(self, found: Iterable[tuple[OutputReference, Output]] = ()) -> None:
        self._raw: dict[bytes, bytes] = {}
        self.update(found)

    def __getitem__(self, reference: OutputReference) -> Output:
        return _read_output(self._raw[_key(reference)])

    def __setitem__(self, reference: OutputReference, output: Output) -> None:
        self._raw[_key(reference)] = output.raw

    def __delitem__(self, reference: OutputReference) -> None:
        del self._raw[_key(reference)]

    def __contains__(self, reference: object) -> bool:
        return isinstance(reference, OutputReference) and _key(reference) in self._raw

    def __iter__(self) -> Iterator[OutputReference]:
        return (OutputReference(key[:32], int.from_bytes(key[32:], "big")) for key in self._raw)

    def __len__(self) -> int:
        return len(self._raw)

    def packed(self) -> Iterable[tuple[bytes, bytes]]:
        """Where each stands, and its bytes."""
        return self._raw.items()

    @classmethod
    def unpacked(cls, pairs: Iterable[tuple[bytes, bytes]]) -> Outputs:
        """The inverse of `packed`."""
        found = cls()
        found._raw.update(pairs)
        return found

    def at(self, addresses: Collection[bytes]) -> dict[OutputReference, Output]:
        """Those at any of these addresses: no other's is read."""
        held = [key for key, raw in self._raw.items() if any(each in raw for each in addresses)]
        found = {}
        for key in held:
            output = _read_output(self._raw[key])
            if output.address.raw in addresses:
                found[OutputReference(key[:32], int.from_bytes(key[32:], "big"))] = output
        return found


_read_output = lru_cache(maxsize=4096)(decode_output)


def _key(reference: OutputReference) -> bytes:
    return reference.transaction_id + reference.index.to_bytes(4, "big")


def outputs_at(utxo: UtxoSet, addresses: Collection[bytes]) -> dict[OutputReference, Output]:
    """The outputs of a set that are at any of these addresses."""
    if isinstance(utxo, (Outputs, UtxoView)):
        return utxo.at(addresses)
    return {ref: output for ref, output in utxo.items() if output.address.raw in addresses}


Find: TypeAlias = Callable[[OutputReference], Output | None]
"""Looks up an output that a block spent."""


def _found(find: Find, references: Iterable[OutputReference]) -> dict[OutputReference, Output]:
    found = {}
    for reference in references:
        output = find(reference)
        if output is None:
            raise KeyError(reference)
        found[reference] = output
    return found


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

    def at(self, addresses: Collection[bytes]) -> dict[OutputReference, Output]:
        """The outputs at any of these addresses."""
        found = outputs_at(self._base, addresses)
        kept = {ref: output for ref, output in found.items() if ref not in self.spent}
        return kept | {
            ref: each for ref, each in self.created.items() if each.address.raw in addresses
        }

    def apply(self, inclusion: Inclusion) -> None:
        """Adds what a transaction does."""
        for reference in inclusion.spent:
            if self.created.pop(reference, None) is None:
                self.spent.add(reference)
        self.created.update(inclusion.produced)

    def undo(self, inclusion: Inclusion, find: Find) -> None:
        """Takes back what a transaction that the base contains did."""
        for reference in inclusion.produced:
            if self.created.pop(reference, None) is None:
                self.spent.add(reference)
        spent = _found(find, inclusion.spent)
        self.created.update(spent)
        self.spent.difference_update(spent)


def apply_block(utxo: Outputs, staking: StakingState, block: Block) -> None:
    """Does to `utxo` and `staking` what the block does."""
    for grant in block.grants:
        staking.grant(*grant)
    for each in block.inclusions:
        staking.apply(each.staking)
        for reference in each.spent:
            del utxo[reference]
        utxo.update(each.produced)


def undo_block(utxo: Outputs, staking: StakingState, block: Block, find: Find) -> None:
    """The inverse of `apply_block`; `find` looks up what the block spent."""
    undo_staking(staking, block)
    for each in reversed(block.inclusions):
        for reference in each.produced:
            utxo.pop(reference)
        utxo.update(_found(find, each.spent))


def undo_staking(staking: StakingState, block: Block) -> None:
    """Takes back what a block did to who is registered."""
    for each in reversed(block.inclusions):
        staking.undo(each.staking)
    for who, coin in reversed(block.grants):
        staking.grant(who, -coin)
