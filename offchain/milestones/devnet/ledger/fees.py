"""What a transaction must pay, and what an output must hold. Lovelace and bytes.

Source: Conway's `getConwayMinFeeTx`, `getConwayMinFeeTxUtxo`, `tierRefScriptFee`; Babbage's
`babbageMinUTxOValue`.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import ceil, floor

from milestones.cardano.outputs import OutputReference
from milestones.cardano.parameters import ExecutionUnits
from milestones.cardano.prices import output_price_lovelace
from milestones.devnet.ledger.outputs import Output
from milestones.devnet.ledger.parameters import Parameters
from milestones.devnet.ledger.resolved_transaction import ResolvedTransaction
from milestones.devnet.ledger.transaction import Redeemer, Transaction


def transaction_size(transaction: Transaction) -> int:
    """Bytes that the fee and the size limit count: body, witnesses and auxiliary data in a list.

    The flag `is_valid` is not counted. Source: Alonzo's `toCBORForSizeComputation`.
    """
    auxiliary = transaction.auxiliary_data
    return (
        1
        + len(transaction.body.raw)
        + len(transaction.witnesses.raw)
        + (1 if auxiliary is None else len(auxiliary))
    )


def total_units(redeemers: Iterable[Redeemer]) -> ExecutionUnits:
    """The execution units that all redeemers declare together. Ledger: `totExUnits`."""
    return sum((redeemer.units for redeemer in redeemers), ExecutionUnits(0, 0))


def execution_fee(units: ExecutionUnits, parameters: Parameters) -> int:
    """The price of execution units, rounded up. Ledger: `txscriptfee`."""
    return ceil(units.memory * parameters.price_memory + units.cpu * parameters.price_cpu)


def reference_scripts_size(resolved: ResolvedTransaction) -> int:
    """Bytes of the scripts in spent and referenced outputs, each output counted.

    An output that is both spent and referenced counts once. Ledger: `txNonDistinctRefScriptsSize`.
    """
    brought: dict[OutputReference, Output] = {**resolved.inputs, **resolved.reference_inputs}
    return sum(len(output.script.code) for output in brought.values() if output.script)


def reference_script_fee(size: int, parameters: Parameters) -> int:
    """The price of `size` bytes of reference scripts, rounded down. Ledger: `tierRefScriptFee`.

    Every further range of bytes costs `multiplier` times what the one before did.
    """
    price = parameters.reference_script_price
    total, tier = Fraction(0), price.base
    while size > 0:
        total += min(size, price.range_bytes) * tier
        size -= price.range_bytes
        tier *= price.multiplier
    return floor(total)


def minimum_fee(resolved: ResolvedTransaction) -> int:
    """The least fee. Ledger: `getMinFeeTxUtxo`."""
    parameters, transaction = resolved.parameters, resolved.transaction
    return (
        parameters.min_fee_coefficient * transaction_size(transaction)
        + parameters.min_fee_constant
        + execution_fee(total_units(transaction.witnesses.redeemers), parameters)
        + reference_script_fee(reference_scripts_size(resolved), parameters)
    )


def minimum_lovelace(output: Output, parameters: Parameters) -> int:
    """What an output must at least hold, by its size as received. Ledger: `getMinCoinSizedTxOut`."""
    return output_price_lovelace(len(output.raw), parameters.coins_per_utxo_byte)
