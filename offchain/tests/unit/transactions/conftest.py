"""Wallets, keys and parameters for building transactions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from milestones.cardano.address import Address
from milestones.cardano.outputs import OutputReference, TransactionOutput, Utxo
from milestones.cardano.parameters import ProtocolParameters
from milestones.cardano.value import AssetId, Value
from milestones.keys.key_files import SigningKey
from tests.support.mainnet_prices import MAINNET

MakeUtxo = Callable[..., Utxo]


@pytest.fixture
def parameters() -> ProtocolParameters:
    """Mainnet's prices and limits, with a cost model as long as mainnet's."""
    return MAINNET


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

    def make(lovelace: int, assets: dict[AssetId, int] | None = None, **fields: Any) -> Utxo:
        nonlocal made
        made += 1
        where = str(fields.pop("address", address))
        output = TransactionOutput(where, Value(lovelace, assets or {}), **fields)
        return Utxo(OutputReference(made.to_bytes(32, "big"), made % 3), output)

    return make
