"""Signing keys in cardano-cli's text envelopes. Secrets are never shown, not even in a repr.

Source: cardano-cli's `key-gen` files: JSON with `type`, `description` and `cborHex`, the key's bytes as
one CBOR byte string. `cardano-hw-cli`'s files (`.hwsfile`) hold no key, and are recognised.
"""

from __future__ import annotations

import json
import os
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha512
from pathlib import Path
from typing import Any, Final

from milestones.cardano import cbor
from milestones.cardano.address import Address, StakeAddress, key_credential
from milestones.cardano.hashes import blake2b_224
from milestones.cardano.transaction import KeyWitness
from milestones.documents import KEY, json_in, read_bytes, text_in, write_new
from milestones.errors import InvalidEncoding, InvalidKeyFile
from milestones.transactions.signers import SigningRequest

PAYMENT: Final = "PaymentSigningKeyShelley_ed25519"
EXTENDED: Final = "PaymentExtendedSigningKeyShelley_ed25519_bip32"
GENESIS: Final = "GenesisUTxOSigningKey_ed25519"
STAKE: Final = "StakeSigningKeyShelley_ed25519"
STAKE_EXTENDED: Final = "StakeExtendedSigningKeyShelley_ed25519_bip32"
KEY_LENGTHS: Final = {PAYMENT: 32, GENESIS: 32, STAKE: 32, EXTENDED: 128, STAKE_EXTENDED: 128}
"""Bytes of each kind: a seed; or extended secret (64), verification key (32) and chain code (32)."""
VERIFICATION_KEY_LENGTHS: Final = {
    "PaymentVerificationKeyShelley_ed25519": 32,
    "PaymentExtendedVerificationKeyShelley_ed25519_bip32": 64,
    "GenesisUTxOVerificationKey_ed25519": 32,
}
"""Bytes of each kind of verification key; an extended one's last 32 are its chain code."""
STAKE_KINDS: Final = (STAKE, STAKE_EXTENDED)
_DESCRIPTIONS: Final = {STAKE: "Stake Signing Key", STAKE_EXTENDED: "Stake Signing Key"}


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 key of payment or stake. `kind` is the text envelope's type.

    `is_exposed`: other users of the machine can read the file that it came from.
    """

    verification_key: bytes
    kind: str = PAYMENT
    is_exposed: bool = field(default=False, compare=False)
    _secret: bytes = field(default=b"", repr=False, compare=False)

    @classmethod
    def generate(cls) -> SigningKey:
        """A new key from the system's randomness."""
        return cls.from_bytes(os.urandom(32))

    @classmethod
    def from_bytes(cls, secret: bytes, kind: str = PAYMENT) -> SigningKey:
        """A key from its bytes, laid out as `KEY_LENGTHS` says. Raises `InvalidKeyFile`."""
        if kind not in KEY_LENGTHS:
            raise InvalidKeyFile(f"a key of type {kind[:60]!r} can't sign here", hint=KEY.hint)
        if len(secret) != KEY_LENGTHS[kind]:
            raise InvalidKeyFile(
                f"a {kind} has {KEY_LENGTHS[kind]} bytes, not {len(secret)}", hint=KEY.hint
            )
        return cls(_verification_key(secret, kind), kind, _secret=secret)

    @classmethod
    def load(cls, path: Path, *, may_stake: bool = False) -> SigningKey:
        """Reads a key file; `may_stake`: a stake key will do as well.

        Raises `InvalidKeyFile`, which names the file and what is wrong with it.
        """
        try:
            kind, secret = _key_in(path)
            _must_sign(kind)
            if kind in STAKE_KINDS and not may_stake:
                raise InvalidKeyFile("is a stake key, which can't pay", hint=KEY.hint)
            key = cls.from_bytes(secret, kind)
        except InvalidKeyFile as error:
            raise InvalidKeyFile(error.reason, path=str(path), hint=error.hint) from None
        return cls(key.verification_key, kind, is_exposed(path), secret)

    def save(self, path: Path) -> None:
        """Writes a new key file that only its owner can read: whole, or not at all.

        Raises `InvalidKeyFile` if there is one, or it can't be written.
        """
        envelope = {
            "type": self.kind,
            "description": _DESCRIPTIONS.get(self.kind, "Payment Signing Key"),
            "cborHex": cbor.encode_bytes(self._secret).hex(),
        }
        text = json.dumps(envelope, indent=4) + "\n"
        write_new(path, text, str(path), InvalidKeyFile, owner_only=True)

    @property
    def key_hash(self) -> bytes:
        """28 bytes: what addresses and required signers hold."""
        return blake2b_224(self.verification_key)

    def address(self, network_id: int) -> Address:
        """The address that this key alone controls, without a staking part."""
        return Address(network_id, key_credential(self.key_hash))

    def stake_address(self, network_id: int) -> StakeAddress:
        """The reward account that this key controls, where it is a stake key."""
        return StakeAddress(network_id, key_credential(self.key_hash))

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
        if KEY_LENGTHS[self.kind] == KEY_LENGTHS[EXTENDED]:
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
        kind, raw = _key_in(Path(text))
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

    if KEY_LENGTHS[kind] != KEY_LENGTHS[EXTENDED]:
        return bytes(signing.SigningKey(secret).verify_key)
    derived = bindings.crypto_scalarmult_ed25519_base_noclamp(secret[:32])
    if derived != secret[64:96]:
        raise InvalidKeyFile(
            "the verification key inside does not belong to the secret", hint=KEY.hint
        )
    return derived


def is_exposed(path: Path) -> bool:
    """Whether every user of the machine can read or change a file that was read; a pipe is nobody else's."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return os.name == "posix" and stat.S_ISREG(mode) and bool(mode & 0o006)


_ENCRYPTED: Final = (
    (b"-----BEGIN PGP MESSAGE", "GPG", "gpg --decrypt"),
    (b"-----BEGIN AGE ENCRYPTED FILE", "age", "age --decrypt"),
    (b"age-encryption.org/", "age", "age --decrypt"),
    (b"Salted__", "OpenSSL", "openssl enc -d"),
)
"""How an encrypted file starts, what made it, and what opens it."""
_PGP_PACKETS: Final = (0x84, 0x85, 0x8C, 0x8D, 0xC1, 0xC3)
"""First bytes of a binary OpenPGP message: packets of an encrypted session key (RFC 4880, 4.3)."""


def _must_be_open(content: bytes) -> None:
    """Raises `InvalidKeyFile` for what is encrypted, by what it is encrypted with."""
    for start, name, opener in _ENCRYPTED:
        if content.startswith(start):
            raise _encrypted(f"with {name}", opener)
    if content[:1] and content[0] in _PGP_PACKETS:
        raise _encrypted("with GPG", "gpg --decrypt")


def _encrypted(how: str, opener: str) -> InvalidKeyFile:
    return InvalidKeyFile(
        f"is encrypted {how}",
        hint=f"decrypt it into memory only: give <({opener} FILE), which no disk keeps",
    )


def _key_in(path: Path) -> tuple[str, bytes]:
    """The envelope's type and the key's bytes. Raises `InvalidKeyFile`, whose words have nothing of them."""
    content = read_bytes(path, KEY, str(path), InvalidKeyFile)
    _must_be_open(content)
    text = text_in(content, path, KEY, str(path), InvalidKeyFile)
    words = text.split()
    if len(words) in (12, 15, 18, 21, 24) and all(word.isalpha() for word in words):
        raise InvalidKeyFile("holds a phrase of words, not a key: it is given with --phrase-file")
    envelope = json_in(text, path, KEY, str(path), InvalidKeyFile)
    if not isinstance(envelope, dict):
        raise InvalidKeyFile("is not a JSON object", hint=KEY.hint)
    if "encrHex" in envelope:
        raise _encrypted("inside its envelope (`encrHex`)", "the tool that encrypted it")
    return _of_envelope(envelope)


def _of_envelope(envelope: dict[str, Any]) -> tuple[str, bytes]:
    kind, encoded = envelope.get("type"), envelope.get("cborHex")
    if isinstance(kind, str) and ("HWSigningFile" in kind or "cborXPubKeyHex" in envelope):
        raise InvalidKeyFile(
            "is of a hardware wallet: the key is in the device, and not in the file",
            hint="let `cardano-hw-cli transaction witness` sign, and give what it writes to"
            " `milestones transaction assemble`",
        )
    if not isinstance(kind, str) or not isinstance(encoded, str):
        raise InvalidKeyFile("has no text `type` and `cborHex`", hint=KEY.hint)
    secret = _byte_string(encoded)
    if secret is None:
        raise InvalidKeyFile("`cborHex` is not one CBOR byte string", hint=KEY.hint)
    return kind, secret


def _byte_string(encoded: str) -> bytes | None:
    try:
        return cbor.read(bytes.fromhex(encoded)).bytes()
    except (ValueError, InvalidEncoding):
        return None


def _must_sign(kind: str) -> None:
    if "VerificationKey" in kind:
        raise InvalidKeyFile(
            "is a verification key (.vkey), which can't sign", hint="give the signing key (.skey)"
        )
    if kind not in KEY_LENGTHS:
        raise InvalidKeyFile(
            f"is of type {kind[:60]!r}, not a signing key of payment or stake", hint=KEY.hint
        )
