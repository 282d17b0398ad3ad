"""Signing keys in cardano-cli's text envelopes. Secrets are never shown, not even in a repr.

Source: cardano-cli's `key-gen` files: JSON with `type`, `description` and `cborHex`, the key's bytes as
one CBOR byte string.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha512
from pathlib import Path
from typing import Any, Final

from milestones.cardano import cbor
from milestones.cardano.address import Address, key_credential
from milestones.cardano.hashes import blake2b_224
from milestones.errors import InvalidEncoding, InvalidKeyFile
from milestones.transactions.signers import KeyWitness, SigningRequest

PAYMENT: Final = "PaymentSigningKeyShelley_ed25519"
EXTENDED: Final = "PaymentExtendedSigningKeyShelley_ed25519_bip32"
GENESIS: Final = "GenesisUTxOSigningKey_ed25519"
KEY_LENGTHS: Final = {PAYMENT: 32, GENESIS: 32, EXTENDED: 128}
"""Bytes of each kind: a seed; or extended secret (64), verification key (32) and chain code (32)."""
VERIFICATION_KEY_LENGTHS: Final = {
    "PaymentVerificationKeyShelley_ed25519": 32,
    "PaymentExtendedVerificationKeyShelley_ed25519_bip32": 64,
    "GenesisUTxOVerificationKey_ed25519": 32,
}
"""Bytes of each kind of verification key; an extended one's last 32 are its chain code."""

_REGENERATE: Final = "give a payment key file made by `cardano-cli address key-gen`"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 payment key. `kind` is the text envelope's type."""

    verification_key: bytes
    kind: str = PAYMENT
    _secret: bytes = field(default=b"", repr=False, compare=False)

    @classmethod
    def generate(cls) -> SigningKey:
        """A new key from the system's randomness."""
        return cls.from_bytes(os.urandom(32))

    @classmethod
    def from_bytes(cls, secret: bytes, kind: str = PAYMENT) -> SigningKey:
        """A key from its bytes, laid out as `KEY_LENGTHS` says. Raises `InvalidKeyFile`."""
        if kind not in KEY_LENGTHS:
            raise InvalidKeyFile(f"a key of type {kind!r} can't pay", hint=_REGENERATE)
        if len(secret) != KEY_LENGTHS[kind]:
            raise InvalidKeyFile(
                f"a {kind} has {KEY_LENGTHS[kind]} bytes, not {len(secret)}", hint=_REGENERATE
            )
        return cls(_verification_key(secret, kind), kind, secret)

    @classmethod
    def load(cls, path: Path) -> SigningKey:
        """Reads a key file. Raises `InvalidKeyFile`, which names the file and what is wrong with it."""
        try:
            kind, secret = _content(_envelope(path))
            _must_sign(kind)
            return cls.from_bytes(secret, kind)
        except InvalidKeyFile as error:
            raise InvalidKeyFile(error.reason, path=str(path), hint=error.hint) from None

    def save(self, path: Path) -> None:
        """Writes a new key file that only its owner can read. Raises `InvalidKeyFile` if there is one."""
        envelope = {
            "type": self.kind,
            "description": "Payment Signing Key",
            "cborHex": cbor.encode_bytes(self._secret).hex(),
        }
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise InvalidKeyFile(
                "a file is already there, and keys are never overwritten",
                path=str(path),
                hint="choose another name",
            ) from None
        except OSError as error:
            raise InvalidKeyFile(
                f"can't be written: {error.strerror}", path=str(path), hint="choose another folder"
            ) from None
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(envelope, file, indent=4)
            file.write("\n")

    @property
    def key_hash(self) -> bytes:
        """28 bytes: what addresses and required signers hold."""
        return blake2b_224(self.verification_key)

    def address(self, network_id: int) -> Address:
        """The address that this key alone controls, without a staking part."""
        return Address(network_id, key_credential(self.key_hash))

    @property
    def key_hashes(self) -> frozenset[bytes]:
        """The one key hash that this key witnesses for; with `witness` it is a `Signer`."""
        return frozenset((self.key_hash,))

    async def witness(self, request: SigningRequest) -> tuple[KeyWitness, ...]:
        """Its witness, at once, whoever asks."""
        return (self.witness_of(request.transaction_id.raw),)

    def witness_of(self, transaction_id: bytes) -> KeyWitness:
        """Its witness of the transaction with this id (32 bytes)."""
        return KeyWitness(self.verification_key, self.sign(transaction_id))

    def sign(self, message: bytes) -> bytes:
        """The Ed25519 signature, 64 bytes."""
        if self.kind == EXTENDED:
            return _extended_signature(self._secret, self.verification_key, message)
        from nacl.signing import SigningKey as Ed25519  # noqa: PLC0415

        return bytes(Ed25519(self._secret).sign(message).signature)


def read_verification_key(text: str) -> bytes:
    """The payment verification key (32 bytes) in a .vkey file, or given itself as 64 hexadecimal digits.

    Raises `InvalidKeyFile`, which names the file and what is wrong with it.
    """
    if len(text) == 64 and not Path(text).exists():
        with suppress(ValueError):
            return bytes.fromhex(text)
    try:
        kind, raw = _content(_envelope(Path(text)))
        if "SigningKey" in kind:
            raise InvalidKeyFile(
                "is a signing key (.skey), which is its owner's alone",
                hint="give the verification key (.vkey), or its 64 hexadecimal digits",
            )
        if len(raw) != VERIFICATION_KEY_LENGTHS.get(kind):
            raise InvalidKeyFile(
                f"is of type {kind[:60]!r} with {len(raw)} bytes, not a payment verification key",
                hint="give the .vkey file that `cardano-cli address key-gen` made",
            )
    except InvalidKeyFile as error:
        raise InvalidKeyFile(error.reason, path=text, hint=error.hint) from None
    return raw[:32]


def _extended_signature(secret: bytes, verification_key: bytes, message: bytes) -> bytes:
    """Ed25519 with a scalar and a nonce prefix that are given, not derived from a seed.

    Source: RFC 8032, 5.1.6, from its second step on; BIP32-Ed25519 gives the halves of the secret.
    """
    from nacl import bindings  # noqa: PLC0415

    scalar, prefix = secret[:32], secret[32:64]
    nonce = _reduced(prefix + message)
    commitment = bindings.crypto_scalarmult_ed25519_base_noclamp(nonce)
    challenge = _reduced(commitment + verification_key + message)
    product = bindings.crypto_core_ed25519_scalar_mul(challenge, scalar)
    return commitment + bindings.crypto_core_ed25519_scalar_add(nonce, product)


def _reduced(preimage: bytes) -> bytes:
    """SHA-512 as a scalar: modulo the group's order, 32 bytes little endian."""
    from nacl import bindings  # noqa: PLC0415

    return bindings.crypto_core_ed25519_scalar_reduce(sha512(preimage).digest())


def _verification_key(secret: bytes, kind: str) -> bytes:
    from nacl import bindings, signing  # noqa: PLC0415

    if kind != EXTENDED:
        return bytes(signing.SigningKey(secret).verify_key)
    derived = bindings.crypto_scalarmult_ed25519_base_noclamp(secret[:32])
    if derived != secret[64:96]:
        raise InvalidKeyFile(
            "the verification key inside does not belong to the secret", hint=_REGENERATE
        )
    return derived


def _envelope(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InvalidKeyFile("there is no such file", hint="check the path of the key") from None
    except OSError as error:
        raise InvalidKeyFile(
            f"can't be read: {error.strerror}", hint="check the path and the file's permissions"
        ) from None
    except UnicodeDecodeError:
        raise InvalidKeyFile("is not a text file", hint=_REGENERATE) from None
    try:
        envelope = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidKeyFile("is not JSON", hint=_REGENERATE) from None
    if not isinstance(envelope, dict):
        raise InvalidKeyFile("is not a JSON object", hint=_REGENERATE)
    return envelope


def _content(envelope: dict[str, Any]) -> tuple[str, bytes]:
    """The type and the bytes of an envelope."""
    kind, encoded = envelope.get("type"), envelope.get("cborHex")
    if not isinstance(kind, str) or not isinstance(encoded, str):
        raise InvalidKeyFile("has no text `type` and `cborHex`", hint=_REGENERATE)
    try:
        return kind, cbor.read(bytes.fromhex(encoded)).bytes()
    except (ValueError, InvalidEncoding):
        raise InvalidKeyFile("`cborHex` is not one CBOR byte string", hint=_REGENERATE) from None


def _must_sign(kind: str) -> None:
    if "VerificationKey" in kind:
        raise InvalidKeyFile(
            "is a verification key (.vkey), which can't sign", hint="give the signing key (.skey)"
        )
    if kind not in KEY_LENGTHS:
        raise InvalidKeyFile(
            f"is of type {kind[:60]!r}, not a payment signing key", hint=_REGENERATE
        )
