"""Who plays in tests: everybody's key, made of their name, and what they hold when a chain starts.

The keys are as public as this file. They are worth nothing on any other network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from milestones.cardano.hashes import blake2b_256
from milestones.cardano.network import KNOWN_MAGICS
from milestones.transactions.wallet import SigningKey

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

ACCOUNT_SEED: Final = b"development account %d of the embedded chain"
"""The seed of account n, counted from 0, is the blake2b-256 of this text."""
ACCOUNTS: Final = 10
ACCOUNT_LOVELACE: Final = 10_000 * ADA
"""What each of the funded accounts of `EmbeddedDevnet` holds."""


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


@dataclass(frozen=True, slots=True)
class Account:
    """A key whose address holds `lovelace` when the chain starts.

    `seed` is the Ed25519 secret (32 bytes) as every library takes it, `address` is Bech32.
    """

    address: str
    seed: bytes
    lovelace: int

    @property
    def key(self) -> SigningKey:
        """The key as this program has it."""
        return SigningKey.from_bytes(self.seed)

    @property
    def verification_key(self) -> bytes:
        """The Ed25519 public key, 32 bytes."""
        return self.key.verification_key

    @property
    def key_hash(self) -> bytes:
        """The hash that addresses hold, 28 bytes."""
        return self.key.key_hash

    def save(self, path: Path) -> Path:
        """Writes a key file as `cardano-cli` does. Raises `InvalidKeyFile` where there is one."""
        self.key.save(path)
        return path


def funded_accounts(network_id: int = 0) -> tuple[Account, ...]:
    """The accounts of `EmbeddedDevnet`: always the same keys."""
    seeds = [blake2b_256(ACCOUNT_SEED % number) for number in range(ACCOUNTS)]
    return tuple(
        Account(
            address=SigningKey.from_bytes(seed).address(network_id).to_bech32(),
            seed=seed,
            lovelace=ACCOUNT_LOVELACE,
        )
        for seed in seeds
    )
