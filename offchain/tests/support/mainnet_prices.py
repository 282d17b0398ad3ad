"""Protocol parameters as mainnet has them, for building transactions without a chain."""

from __future__ import annotations

from fractions import Fraction

from milestones.cardano.parameters import ExecutionUnits, ProtocolParameters, ReferenceScriptPrice

MAINNET = ProtocolParameters(
    stake_credential_deposit_lovelace=2_000_000,
    min_fee_coefficient=44,
    min_fee_constant_lovelace=155_381,
    min_fee_reference_scripts=ReferenceScriptPrice(25_600, Fraction(15), Fraction(6, 5)),
    lovelace_per_utxo_byte=4310,
    max_transaction_size=16_384,
    max_value_size=5000,
    max_execution_units=ExecutionUnits(16_500_000, 10_000_000_000),
    max_block_size=90_112,
    max_block_execution_units=ExecutionUnits(72_000_000, 20_000_000_000),
    max_reference_scripts_size=204_800,
    price_memory=Fraction(577, 10_000),
    price_cpu=Fraction(721, 10_000_000),
    collateral_percentage=150,
    max_collateral_inputs=3,
    cost_models={"plutus:v2": tuple(range(332)), "plutus:v3": tuple(range(-10, 340))},
    protocol_version=(11, 0),
)
"""Its prices and limits; the cost models have mainnet's lengths and invented entries."""
