"""Wallets, keys and parameters for building transactions."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest

from milestones.cardano.address import Address
from milestones.cardano.outputs import OutputReference, TransactionOutput, Utxo
from milestones.cardano.parameters import ExecutionUnits, ProtocolParameters, ReferenceScriptPrice
from milestones.cardano.value import AssetId, Value
from milestones.transactions.wallet import SigningKey

MakeUtxo = Callable[..., Utxo]


@pytest.fixture
def parameters() -> ProtocolParameters:
    """Mainnet's prices and limits, with a cost model as long as mainnet's."""
    return ProtocolParameters(
        min_fee_coefficient=44,
        min_fee_constant_lovelace=155_381,
        min_fee_reference_scripts=ReferenceScriptPrice(25_600, Fraction(15), Fraction(6, 5)),
        lovelace_per_utxo_byte=4310,
        max_transaction_size=16_384,
        max_value_size=5000,
        max_execution_units=ExecutionUnits(16_500_000, 10_000_000_000),
        max_reference_scripts_size=204_800,
        price_memory=Fraction(577, 10_000),
        price_cpu=Fraction(721, 10_000_000),
        collateral_percentage=150,
        max_collateral_inputs=3,
        cost_models={"plutus:v2": tuple(range(332)), "plutus:v3": tuple(range(-10, 340))},
        protocol_version=(11, 0),
    )


@pytest.fixture
def key() -> SigningKey:
    """The wallet's key."""
    return SigningKey.from_bytes(bytes(range(32)))


@pytest.fixture
def address(key: SigningKey) -> Address:
    """The wallet's address on a test network."""
    return key.address(0)


@pytest.fixture
def make_utxo(address: Address) -> MakeUtxo:
    """Makes the wallet's outputs, each from a transaction of its own."""
    made = 0

    def make(lovelace: int, assets: dict[AssetId, int] | None = None, **fields: object) -> Utxo:
        nonlocal made
        made += 1
        where = str(fields.pop("address", address))
        output = TransactionOutput(where, Value(lovelace, assets or {}), **fields)
        return Utxo(OutputReference(made.to_bytes(32, "big"), made % 3), output)

    return make
