"""Which network: the magic that keeps networks apart, and the network id inside addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from milestones.cardano.address import MAINNET_ID, TESTNET_ID

MAINNET_MAGIC: Final = 764824073
"""The protocol magic of mainnet. Source: its Shelley genesis, `networkMagic`."""

KNOWN_MAGICS: Final[Mapping[str, int]] = {
    "mainnet": MAINNET_MAGIC,
    "preprod": 1,
    "preview": 2,
    "devnet": 42,
}
"""The magic of each network that has a name. Source: the Shelley genesis of each; 42 is ours."""


def network_id_of(network_magic: int) -> int:
    """The id that addresses of this network carry: 1 on mainnet, 0 on every other."""
    return MAINNET_ID if network_magic == MAINNET_MAGIC else TESTNET_ID


def name_of(network_magic: int) -> str:
    """What people call the network with this magic."""
    names = {known: name for name, known in KNOWN_MAGICS.items()}
    return names.get(network_magic, f"the network with magic {network_magic}")
