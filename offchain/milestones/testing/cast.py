"""Who plays in tests: everybody's key, made of their name, and what they hold when a chain starts.

The keys are as public as this file. They are worth nothing on any other network.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

from milestones.cardano.hashes import blake2b_256
from milestones.cardano.network import KNOWN_MAGICS
from milestones.keys.key_files import SigningKey

ADA: Final = 1_000_000
"""Lovelace in an ADA."""
TOKEN_NAME: Final = b"GRANT"
"""The token that distributions of tests pay; its policy is the faucet's."""
TOKENS: Final = 1_000_000_000
"""How many of the token the creator holds."""
FUNDS_LOVELACE: Final[Mapping[str, int]] = {
    "creator": 2_000 * ADA,
    "relayer": 500 * ADA,
    "beneficiary-0": 50 * ADA,
    "stranger": 500 * ADA,
}
"""What people hold from the start. All others hold nothing."""
ORACLES: Final = ("oracle-0", "oracle-1", "oracle-2")
BENEFICIARIES: Final = tuple(f"beneficiary-{number}" for number in range(5))
NAMES: Final = tuple(dict.fromkeys((*FUNDS_LOVELACE, *ORACLES, *BENEFICIARIES)))
"""Everybody whom the worlds know by name."""

NETWORK_NAMES: Final = {magic: name for name, magic in KNOWN_MAGICS.items()}
"""What CARDANO_NETWORK says of a chain by its magic; `testnet` for all others."""


@cache
def key_of(name: str) -> SigningKey:
    """The key of this name, always the same: its seed is the blake2b-256 of the name."""
    return SigningKey.from_bytes(blake2b_256(name.encode()))


def cast_keys() -> dict[str, SigningKey]:
    """Everybody's key, by name."""
    return {name: key_of(name) for name in NAMES}


def cast_funds(network_id: int = 0) -> dict[str, int]:
    """What people hold from the start: lovelace by Bech32 address."""
    return {
        key_of(name).address(network_id).to_bech32(): lovelace
        for name, lovelace in FUNDS_LOVELACE.items()
    }
