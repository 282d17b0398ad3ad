"""Transactions that wait for a block, and the ledger as it will be after them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from milestones.cardano.parameters import ExecutionUnits
from milestones.devnet.blocks import Inclusion, UtxoSet, UtxoView, included
from milestones.devnet.ledger.certs import deposits_of
from milestones.devnet.ledger.parameters import Parameters
from milestones.devnet.ledger.resolved_transaction import Environment
from milestones.devnet.ledger.rules import still_holds
from milestones.devnet.ledger.staking_state import StakingState
from milestones.devnet.ledger.transaction import Transaction


class MempoolFull(Exception):
    """There is no room for a transaction now; its sender waits, as on the network."""


class Mempool:
    """Accepted transactions in the order of arrival; each may spend outputs of those before it.

    `utxo` shows the tip's outputs as they will be after all of them, `staking` who is registered then;
    `revision` grows with each change.
    """

    def __init__(self, tip_utxo: UtxoSet, tip_staking: StakingState) -> None:
        self._tip_utxo, self._tip_staking = tip_utxo, tip_staking
        self._waiting: dict[bytes, Inclusion] = {}
        self._epoch: int | None = None
        self.utxo, self.staking = UtxoView(tip_utxo), StakingState(tip_staking)
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

    def add(self, transaction: Transaction, environment: Environment) -> None:
        """Takes a transaction that was found valid against `utxo` and `staking`."""
        self._append(transaction, environment)
        self.revision += 1

    def drop_expired(self, environment: Environment) -> None:
        """Drops what may not enter the chain any more, with all that builds on it."""
        slot = environment.slot
        stays = all(contains_slot(each, slot) for each in self.transactions)
        if not stays or self._epoch not in (None, environment.epoch):
            self.reset(self.transactions, environment)

    def reset(self, candidates: Iterable[Transaction], environment: Environment) -> None:
        """Starts over on the tip as it is now, keeping those candidates that still fit.

        A transaction that was valid once stays so while its inputs are there, its validity interval
        contains the slot, and who is registered allows it. Ledger rule: `reapplyTx`.
        """
        kept = tuple(candidates)
        self._waiting.clear()
        self._epoch = None
        self.utxo, self.staking = UtxoView(self._tip_utxo), StakingState(self._tip_staking)
        self.size_bytes = 0
        for transaction in kept:
            if self._still_fits(transaction, environment):
                self._append(transaction, environment)
        self.revision += 1

    def _append(self, transaction: Transaction, environment: Environment) -> None:
        self._epoch = environment.epoch
        inclusion = included(
            self.utxo,
            transaction,
            self.staking,
            deposits=deposits_of(environment.parameters),
            epoch=environment.epoch,
        )
        self._waiting[transaction.id] = inclusion
        self.utxo.apply(inclusion)
        self.staking.apply(inclusion.staking)
        self.size_bytes += len(transaction.raw)

    def _still_fits(self, transaction: Transaction, environment: Environment) -> bool:
        body = transaction.body
        needed = (*body.inputs, *body.collateral, *body.reference_inputs)
        return (
            contains_slot(transaction, environment.slot)
            and all(each in self.utxo for each in needed)
            and still_holds(transaction, self.utxo, replace(environment, staking=self.staking))
        )


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
