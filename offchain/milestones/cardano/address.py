"""Credentials and Shelley addresses (CIP-19), as Bech32, as bytes, and as the contract sees them.

Byron and pointer addresses are refused: a Plutus V3 script context can't show a transaction that has a
Byron output, and the ledger has retired pointers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from milestones.cardano import bech32
from milestones.cardano.plutus_data import Constr, PlutusData
from milestones.errors import InvalidAddress, InvalidEncoding

CredentialKind = Literal["key", "script"]
HASH_LENGTH: Final = 28
_COPY_IT: Final = "copy the whole address again, from the wallet or file that it comes from"
MAINNET_ID: Final = 1
TESTNET_ID: Final = 0
_PREFIXES: Final = {MAINNET_ID: "addr", TESTNET_ID: "addr_test"}
_STAKE_PREFIXES: Final = {MAINNET_ID: "stake", TESTNET_ID: "stake_test"}


@dataclass(frozen=True, slots=True)
class Credential:
    """Who may spend or delegate: a key's hash or a script's hash, 28 bytes."""

    kind: CredentialKind
    hash: bytes

    def __post_init__(self) -> None:
        if len(self.hash) != HASH_LENGTH:
            raise InvalidAddress(f"a credential has {HASH_LENGTH} bytes, not {len(self.hash)}")

    def to_data(self) -> Constr:
        """The ledger's `Credential` as Plutus Data: constructor 0 a key, 1 a script."""
        return Constr(0 if self.kind == "key" else 1, (self.hash,))

    @classmethod
    def from_data(cls, data: PlutusData) -> Credential:
        """The inverse of `to_data`; refuses every other shape."""
        match data:
            case Constr(index=0 | 1 as index, fields=(bytes() as digest,)) if (
                len(digest) == HASH_LENGTH
            ):
                return cls("key" if index == 0 else "script", digest)
        raise InvalidEncoding("not a credential")


def key_credential(digest: bytes) -> Credential:
    """The credential of the verification key whose blake2b_224 is `digest`."""
    return Credential("key", digest)


def script_credential(digest: bytes) -> Credential:
    """The credential of the script with this hash."""
    return Credential("script", digest)


@dataclass(frozen=True, slots=True)
class Address:
    """A payment address. `network_id` is 1 on mainnet, 0 everywhere else."""

    network_id: int
    payment: Credential
    staking: Credential | None = None

    def to_bytes(self) -> bytes:
        """Header byte and hashes, 29 or 57 bytes."""
        kind = 0 if self.payment.kind == "key" else 1
        if self.staking is None:
            return bytes(((6 | kind) << 4 | self.network_id,)) + self.payment.hash
        kind |= 0 if self.staking.kind == "key" else 2
        return bytes((kind << 4 | self.network_id,)) + self.payment.hash + self.staking.hash

    @classmethod
    def from_bytes(cls, raw: bytes) -> Address:
        """The inverse of `to_bytes`. Raises `InvalidAddress` for every other kind of address."""
        kind, network_id = _header(raw)
        payment = Credential("script" if kind & 1 else "key", raw[1:29])
        if kind >= 6:
            return cls(network_id, payment)
        return cls(network_id, payment, Credential("script" if kind & 2 else "key", raw[29:]))

    def to_bech32(self) -> str:
        """Text with the prefix `addr` or, off mainnet, `addr_test`."""
        return bech32.encode(_PREFIXES[self.network_id], self.to_bytes())

    @classmethod
    def from_bech32(cls, text: str) -> Address:
        """Reads `addr1…` or `addr_test1…`. Raises `InvalidAddress`, which says what is wrong."""
        return _read_bech32(text)

    def to_data(self) -> Constr:
        """The ledger's `Address` as Plutus Data (the network is not part of it)."""
        return Constr(0, (self.payment.to_data(), _staking_to_data(self.staking)))

    @classmethod
    def from_data(cls, data: PlutusData, network_id: int) -> Address:
        """The inverse of `to_data` on a given network; refuses pointers and every other shape."""
        match data:
            case Constr(index=0, fields=(payment, Constr(index=1, fields=()))):
                return cls(network_id, Credential.from_data(payment))
            case Constr(
                index=0,
                fields=(payment, Constr(index=0, fields=(Constr(index=0, fields=(staking,)),))),
            ):
                return cls(network_id, Credential.from_data(payment), Credential.from_data(staking))
        raise InvalidEncoding("not an address")

    def __str__(self) -> str:
        return self.to_bech32()


@lru_cache(maxsize=1024)
def _read_bech32(text: str) -> Address:
    """Kept: while a transaction is being built, the same few addresses are read again and again."""
    if not text.isascii() or not text.lower().startswith("addr"):
        raise InvalidAddress(
            f"{text[:24]!r} is not a Shelley address",
            hint="give an address that starts with addr1 or addr_test1",
        )
    try:
        prefix, raw = bech32.decode(text)
    except InvalidEncoding as error:
        raise InvalidAddress(
            f"{text[:24]}… is not an address: {error.reason}", hint=_COPY_IT
        ) from None
    address = Address.from_bytes(raw)
    if prefix != _PREFIXES[address.network_id]:
        raise InvalidAddress(
            f"the prefix {prefix!r} contradicts the address' own network", hint=_COPY_IT
        )
    return address


@dataclass(frozen=True, slots=True)
class StakeAddress:
    """A reward account (CIP-19): whose stake it is. `network_id` is 1 on mainnet, 0 everywhere else."""

    network_id: int
    credential: Credential

    def to_bytes(self) -> bytes:
        """Header byte and hash, 29 bytes."""
        kind = 14 if self.credential.kind == "key" else 15
        return bytes((kind << 4 | self.network_id,)) + self.credential.hash

    def to_bech32(self) -> str:
        """Text with the prefix `stake` or, off mainnet, `stake_test`."""
        return bech32.encode(_STAKE_PREFIXES[self.network_id], self.to_bytes())

    @classmethod
    def from_bech32(cls, text: str) -> StakeAddress:
        """Reads `stake1…` or `stake_test1…`. Raises `InvalidAddress`, which says what is wrong."""
        try:
            prefix, raw = bech32.decode(text)
        except InvalidEncoding as error:
            raise InvalidAddress(
                f"{text[:24]!r} is not a stake address: {error.reason}",
                hint="give an address that starts with stake1 or stake_test1",
            ) from None
        kind, network_id = (raw[0] >> 4, raw[0] & 15) if raw else (0, 0)
        if len(raw) != 1 + HASH_LENGTH or kind < 14 or _STAKE_PREFIXES.get(network_id) != prefix:
            raise InvalidAddress(
                f"{text[:24]!r} is not a stake address",
                hint="give an address that starts with stake1 or stake_test1",
            )
        return cls(network_id, Credential("key" if kind == 14 else "script", raw[1:]))

    def __str__(self) -> str:
        return self.to_bech32()


def _staking_to_data(staking: Credential | None) -> Constr:
    return Constr(1) if staking is None else Constr(0, (Constr(0, (staking.to_data(),)),))


def _header(raw: bytes) -> tuple[int, int]:
    if not raw:
        raise InvalidAddress("an address has no bytes", hint=_COPY_IT)
    kind, network_id = raw[0] >> 4, raw[0] & 15
    if kind == 8:
        raise InvalidAddress(
            "a Byron address can't take part in a distribution", hint="use a Shelley address"
        )
    if kind in (4, 5):
        raise InvalidAddress(
            "a pointer address is not supported", hint="use a base or enterprise address"
        )
    if kind not in (0, 1, 2, 3, 6, 7):
        raise InvalidAddress(
            f"address type {kind} is not a payment address",
            hint="give an address that can be paid to, not a reward account's",
        )
    if network_id not in (TESTNET_ID, MAINNET_ID):
        raise InvalidAddress(f"network id {network_id} is unknown", hint=_COPY_IT)
    expected = 57 if kind < 4 else 29
    if len(raw) != expected:
        raise InvalidAddress(
            f"an address of type {kind} has {expected} bytes, not {len(raw)}", hint=_COPY_IT
        )
    return kind, network_id
