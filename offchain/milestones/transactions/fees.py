"""What the ledger asks for: lovelace in outputs, fees, collateral. Exact, in whole lovelace."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import ceil, floor

from milestones.cardano import prices
from milestones.cardano.outputs import Utxo
from milestones.cardano.parameters import ExecutionUnits, ProtocolParameters, ReferenceScriptPrice
from milestones.errors import InvalidInput
from milestones.transactions.draft import DraftOutput


def min_lovelace(output: DraftOutput, parameters: ProtocolParameters) -> int:
    """The least lovelace that this output may hold, whatever it holds now."""
    return _minimum_above(output, 0, parameters)


def with_min_ada(output: DraftOutput, parameters: ProtocolParameters) -> DraftOutput:
    """The output with its lovelace settled, as its `min_ada` says."""
    held = output.value.lovelace
    if output.min_ada == "add":
        return output.with_lovelace(held + _minimum_above(output, held, parameters))
    if output.min_ada == "raise":
        return output.with_lovelace(max(held, min_lovelace(output, parameters)))
    return output


def _minimum_above(output: DraftOutput, held: int, parameters: ProtocolParameters) -> int:
    return prices.min_lovelace(
        lambda lovelace: output.with_lovelace(lovelace).encoded(),
        parameters.lovelace_per_utxo_byte,
        held_lovelace=held,
    )


def minimum_fee_lovelace(
    *,
    size: int,
    units: ExecutionUnits,
    reference_scripts_size: int,
    parameters: ProtocolParameters,
) -> int:
    """The ledger's minimum fee. `size` is in bytes, without the byte that says whether scripts passed.

    Source: Conway's `getConwayMinFeeTx`; Alonzo's `toCBORForSizeComputation` for the missing byte.
    """
    execution = units.memory * parameters.price_memory + units.cpu * parameters.price_cpu
    return (
        parameters.min_fee_constant_lovelace
        + parameters.min_fee_coefficient * size
        + ceil(execution)
        + reference_scripts_fee_lovelace(
            reference_scripts_size, parameters.min_fee_reference_scripts
        )
    )


def reference_scripts_fee_lovelace(size: int, price: ReferenceScriptPrice) -> int:
    """The fee for `size` bytes of reference scripts: each tier costs more a byte than the one before.

    Source: Conway's `tierRefScriptFee`.
    """
    total, rate = Fraction(0), price.base
    while size > price.range_bytes:
        total += price.range_bytes * rate
        size -= price.range_bytes
        rate *= price.multiplier
    return floor(total + size * rate)


def reference_scripts_size(utxos: Iterable[Utxo]) -> int:
    """Bytes of the scripts that these inputs carry, each distinct input counted once."""
    distinct = {utxo.reference: utxo for utxo in utxos}
    return sum(_script_size(utxo) for utxo in distinct.values())


def _script_size(utxo: Utxo) -> int:
    if utxo.output.script is not None:
        return len(utxo.output.script.code)
    if utxo.output.script_hash is not None:
        raise InvalidInput(
            f"the input {utxo.reference} carries a script whose bytes are not known, so its fee isn't",
            hint="query the output together with its script",
        )
    return 0


def required_collateral_lovelace(fee_lovelace: int, parameters: ProtocolParameters) -> int:
    """What the collateral must be worth for a transaction with this fee."""
    return -(-fee_lovelace * parameters.collateral_percentage // 100)
