"""Which network: the magic that tells networks apart, and the network id inside addresses."""

from __future__ import annotations

from typing import Final

from milestones.cardano.address import MAINNET_ID, TESTNET_ID

MAINNET_MAGIC: Final = 764824073
"""The protocol magic of mainnet. Source: its Shelley genesis, `networkMagic`."""


def network_id_of(network_magic: int) -> int:
    """The id that addresses of this network carry: 1 on mainnet, 0 on every other."""
    return MAINNET_ID if network_magic == MAINNET_MAGIC else TESTNET_ID
