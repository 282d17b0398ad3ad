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

CARDANO_START_POSIX_SECONDS: Final = 1_506_203_091
"""2017-09-23 21:44:51 UTC, mainnet's start: nothing of Cardano happened earlier on any network.
Source: mainnet's Byron genesis, `startTime`."""
_STARTS: Final[Mapping[int, int]] = {1: 1_654_041_600, 2: 1_666_656_000}
"""The start of preprod and of preview. Source: the Shelley genesis of each, `systemStart`."""
_SLOT_ZERO: Final[Mapping[int, int]] = {
    MAINNET_MAGIC: 1_591_566_291,
    1: 1_655_683_200,
    2: 1_666_656_000,
}
"""POSIX seconds less slot, since slots last a second: mainnet's slot 4492800 began at 1596059091, preprod's
slot 86400 at 1655769600, preview's slot 0 at 1666656000. Source: the eras' beginnings."""


def started_at(network_magic: int | None) -> int:
    """POSIX seconds before which nothing happened on this network; None stands for any network."""
    return _STARTS.get(network_magic or 0, CARDANO_START_POSIX_SECONDS)


def slot_zero_of(network_magic: int | None) -> int | None:
    """What to add to a slot of a second to have POSIX seconds; None where the network has no name."""
    return _SLOT_ZERO.get(network_magic or 0)


def network_id_of(network_magic: int) -> int:
    """The id that addresses of this network carry: 1 on mainnet, 0 on every other."""
    return MAINNET_ID if network_magic == MAINNET_MAGIC else TESTNET_ID


def name_of(network_magic: int) -> str:
    """What people call the network with this magic."""
    names = {known: name for name, known in KNOWN_MAGICS.items()}
    return names.get(network_magic, f"the network with magic {network_magic}")


def kind_of(network_id: int) -> str:
    """What an address with this id says of its network: `mainnet`, or `a test network`."""
    return "mainnet" if network_id == MAINNET_ID else "a test network"
