"""Signing: a balanced transaction becomes one to submit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from milestones.cardano.hashes import blake2b_256
from milestones.cardano.outputs import OutputReference, Utxo
from milestones.cardano.parameters import ExecutionUnits, RedeemerPointer
from milestones.transactions.tx_builder import BalancedTransaction
from milestones.transactions.wallet import SigningKey


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedTransaction:
    """A transaction to submit. `id` has 32 bytes; `size` is that of `cbor`.

    `collateral_lovelace` is what a failing script would cost, 0 without scripts. `outputs` are all of
    them as they will stand on chain, `change` the last ones, which are the wallet's.
    """

    cbor: bytes
    id: bytes
    fee_lovelace: int
    size: int
    collateral_lovelace: int
    budgets: dict[RedeemerPointer, ExecutionUnits]
    inputs: tuple[Utxo, ...]
    outputs: tuple[Utxo, ...]
    change: tuple[Utxo, ...]

    @property
    def units(self) -> ExecutionUnits:
        """The execution units of all scripts together."""
        return sum(self.budgets.values(), ExecutionUnits(0, 0))

    def wallet_after(self, wallet: Iterable[Utxo]) -> tuple[Utxo, ...]:
        """The wallet once this transaction is in: less what it spends, and its change."""
        spent = {utxo.reference for utxo in self.inputs}
        return (*(utxo for utxo in wallet if utxo.reference not in spent), *self.change)


def sign(balanced: BalancedTransaction, keys: Iterable[SigningKey]) -> SignedTransaction:
    """Signs with every key given, each once. More keys than were expected make the fee too small."""
    assembly = balanced.assembly
    transaction_id = blake2b_256(assembly.body())
    by_verification_key = {key.verification_key: key for key in keys}
    witnesses = [
        (verification_key, key.sign(transaction_id))
        for verification_key, key in sorted(by_verification_key.items(), key=lambda item: item[0])
    ]
    cbor = assembly.transaction(witnesses)
    outputs = tuple(
        Utxo(OutputReference(transaction_id, index), output.settled())
        for index, output in enumerate(assembly.outputs)
    )
    return SignedTransaction(
        cbor=cbor,
        id=transaction_id,
        fee_lovelace=assembly.fee_lovelace,
        size=len(cbor),
        collateral_lovelace=assembly.collateral.at_stake_lovelace if assembly.collateral else 0,
        budgets=assembly.budgets(),
        inputs=assembly.inputs,
        outputs=outputs,
        change=outputs[len(assembly.draft.outputs) :],
    )
