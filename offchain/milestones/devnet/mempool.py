"""Transactions that wait for a block, and the outputs as they will be after them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from milestones.cardano.parameters import ExecutionUnits
from milestones.devnet.blocks import Inclusion, UtxoSet, UtxoView, included
from milestones.devnet.ledger.parameters import Parameters
from milestones.devnet.ledger.transaction import Transaction


class MempoolFull(Exception):
    """There is no room for a transaction now; its sender waits, as on the network."""


class Mempool:
    """Accepted transactions in the order of arrival; each may spend outputs of those before it.

    `utxo` shows the tip's outputs as they will be after all of them; `revision` grows with each change.
    """

    def __init__(self, tip_utxo: UtxoSet) -> None:
        self._tip_utxo = tip_utxo
        self._waiting: dict[bytes, Inclusion] = {}
        self.utxo = UtxoView(tip_utxo)
        self.size_bytes = 0
        self.revision = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, transaction_id: object) -> bool:
        return transaction_id in self._waiting

    def __iter__(self) -> Iterator[Inclusion]:
        return iter(tuple(self._waiting.values()))

    @property
    def transactions(self) -> tuple[Transaction, ...]:
        """The waiting transactions in order."""
        return tuple(each.transaction for each in self._waiting.values())

    def has_room_for(self, transaction: Transaction, parameters: Parameters) -> bool:
        """Whether the mempool, which holds two blocks' worth of bytes, has room for one more."""
        return self.size_bytes + len(transaction.raw) <= capacity_bytes(parameters)

    def add(self, transaction: Transaction) -> None:
        """Takes a transaction that was found valid against `utxo`."""
        self._append(transaction)
        self.revision += 1

    def drop_expired(self, slot: int) -> None:
        """Drops what may not enter the chain in `slot` any more, with all that builds on it."""
        if not all(contains_slot(each, slot) for each in self.transactions):
            self.reset(self.transactions, slot)

    def reset(self, candidates: Iterable[Transaction], slot: int) -> None:
        """Starts over on the tip as it is now, keeping those candidates that still fit.

        A transaction that was valid once stays so while its inputs are there and its validity interval
        contains `slot`: nothing else that the rules look at can change. Ledger rule: `reapplyTx`.
        """
        kept = tuple(candidates)
        self._waiting.clear()
        self.utxo = UtxoView(self._tip_utxo)
        self.size_bytes = 0
        for transaction in kept:
            if _still_fits(transaction, self.utxo, slot):
                self._append(transaction)
        self.revision += 1

    def _append(self, transaction: Transaction) -> None:
        inclusion = included(self.utxo, transaction)
        self._waiting[transaction.id] = inclusion
        self.utxo.apply(inclusion)
        self.size_bytes += len(transaction.raw)


def capacity_bytes(parameters: Parameters) -> int:
    """Bytes of transactions that wait at most: two blocks' worth, as in the node."""
    return 2 * parameters.max_block_body_size


def contains_slot(transaction: Transaction, slot: int) -> bool:
    """Whether the transaction may enter the chain in this slot. Ledger rule: `inInterval`."""
    before, after = transaction.body.invalid_before, transaction.body.invalid_after
    return (before is None or before <= slot) and (after is None or slot < after)


def fitting_prefix(waiting: tuple[Inclusion, ...], parameters: Parameters) -> tuple[Inclusion, ...]:
    """As many of the waiting transactions, in order, as one block has room for.

    Ledger rules: `BBODY`, the limits on body size, execution units and reference scripts.
    """
    size = scripts_size = 0
    units = ExecutionUnits(0, 0)
    for count, each in enumerate(waiting):
        size += len(each.transaction.raw)
        scripts_size += each.reference_scripts_size
        for redeemer in each.transaction.witnesses.redeemers:
            units += redeemer.units
        if (
            size > parameters.max_block_body_size
            or scripts_size > parameters.max_reference_scripts_size_per_block
            or units.memory > parameters.max_block_units.memory
            or units.cpu > parameters.max_block_units.cpu
        ):
            return waiting[:count]
    return waiting


def _still_fits(transaction: Transaction, utxo: UtxoSet, slot: int) -> bool:
    body = transaction.body
    needed = (*body.inputs, *body.collateral, *body.reference_inputs)
    return contains_slot(transaction, slot) and all(each in utxo for each in needed)
