"""Keys out of a wallet's phrase of words: BIP-39, then CIP-3 as all software wallets do it, then CIP-1852.

A phrase is read from a file or standard input, never from an argument: arguments are seen by every user of
a machine, and kept in a shell's history. Neither phrase nor keys are ever shown.

Sources: CIP-3 (Icarus); BIP32-Ed25519 (Khovratovich and Law) in the form that cardano-crypto calls V2;
CIP-1852 and CIP-1854.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import pbkdf2_hmac, sha512
from hmac import digest as hmac_digest
from pathlib import Path
from typing import TYPE_CHECKING, Final

from milestones.cardano.address import Address, key_credential
from milestones.documents import PHRASE, read_text
from milestones.errors import InvalidInput, InvalidKeyFile
from milestones.keys.key_files import EXTENDED, STAKE_EXTENDED, SigningKey, is_exposed

if TYPE_CHECKING:
    from mnemonic import Mnemonic

WORD_COUNTS: Final = (12, 15, 18, 21, 24)
USUAL_PATH: Final = "m/1852'/1815'/0'/0/0"
"""The first address of a wallet's first account."""
HARDENED: Final = 1 << 31
STAKE_ROLE: Final = 2
_ROUNDS: Final = 4096
_PATH: Final = re.compile(r"m/(1852|1854)['Hh]/1815['Hh]/(\d{1,10})['Hh]/([012])/(\d{1,10})")


@dataclass(frozen=True, slots=True)
class DerivationPath:
    """Which key of a wallet: `m/purpose'/1815'/account'/role/index`.

    `purpose` is 1852, or 1854 for members of a native script; roles 0 and 1 are of payment, 2 of stake.
    """

    purpose: int
    account: int
    role: int
    index: int

    @classmethod
    def parse(cls, text: str) -> DerivationPath:
        """Reads such as `m/1852'/1815'/0'/0/0`; H may stand for the dash. Raises `InvalidInput`."""
        match = _PATH.fullmatch(text.strip())
        numbers = tuple(int(part) for part in match.groups()) if match else ()
        if not numbers or max(numbers) >= HARDENED:
            raise InvalidInput(
                f"{text[:60]!r} is not the path of a key of payment or stake",
                path="path",
                hint=f"write {USUAL_PATH} with another account, role (0, 1 or 2) or index",
            )
        return cls(*numbers)

    def steps(self) -> tuple[int, ...]:
        """The five numbers, those of them hardened that are so."""
        fixed = (self.purpose + HARDENED, 1815 + HARDENED, self.account + HARDENED)
        return (*fixed, self.role, self.index)

    def __str__(self) -> str:
        return f"m/{self.purpose}'/1815'/{self.account}'/{self.role}/{self.index}"


@dataclass(frozen=True, slots=True)
class Phrase:
    """A wallet's root key, and what it derives. `is_exposed`: every user of the machine can read its file.

    A Ledger derives other keys from the same words, and a Trezor does with 24 of them: compare addresses.
    """

    is_exposed: bool = False
    _root: bytes = field(default=b"", repr=False, compare=False)

    @classmethod
    def load(cls, path: Path) -> Phrase:
        """The phrase in a file; `-` is standard input. Raises `InvalidKeyFile`, which names the file."""
        text = read_text(path, PHRASE, str(path), InvalidKeyFile)
        try:
            phrase = cls.parse(text)
        except InvalidKeyFile as error:
            raise InvalidKeyFile(error.reason, path=str(path), hint=error.hint) from None
        return cls(is_exposed(path), phrase._root)

    @classmethod
    def parse(cls, text: str, passphrase: str = "") -> Phrase:
        """From 12 to 24 English words, in any case. `passphrase` is CIP-3's second factor, which few use.

        Raises `InvalidKeyFile`; no word is in its message.
        """
        entropy = _entropy(text.lower().split())
        root = bytearray(pbkdf2_hmac("sha512", passphrase.encode(), entropy, _ROUNDS, 96))
        root[0] &= 0b1111_1000
        root[31] = (root[31] & 0b0001_1111) | 0b0100_0000
        return cls(_root=bytes(root))

    def key(self, path: DerivationPath) -> SigningKey:
        """The key at a path, of payment or of stake."""
        node = self._root
        for step in path.steps():
            node = _child(node, step)
        kind = STAKE_EXTENDED if path.role == STAKE_ROLE else EXTENDED
        secret, chain_code = node[:64], node[64:]
        return SigningKey.from_bytes(secret + _public(secret) + chain_code, kind)

    def address(self, path: DerivationPath, network_id: int) -> str:
        """What a wallet shows for a path: the address with the account's stake key, or the stake address."""
        key = self.key(path)
        if path.role == STAKE_ROLE:
            return str(key.stake_address(network_id))
        stake = self.key(DerivationPath(path.purpose, path.account, STAKE_ROLE, 0))
        staking = key_credential(stake.key_hash)
        return str(Address(network_id, key_credential(key.key_hash), staking))


def _entropy(words: list[str]) -> bytes:
    """What BIP-39's words stand for, without the checksum, which must be right."""
    if len(words) not in WORD_COUNTS:
        raise InvalidKeyFile(
            f"a phrase has 12, 15, 18, 21 or 24 words, not {len(words)}", hint=PHRASE.hint
        )
    reader = _reader()
    unknown = [number for number, word in enumerate(words, 1) if word not in reader.wordlist]
    if unknown:
        listed = ", ".join(map(str, unknown))
        raise InvalidKeyFile(
            f"not in the list of English words (BIP-39), counted from 1: number {listed}",
            hint="correct these words; they are not shown here",
        )
    entropy = _checked(reader, words)
    if entropy is None:
        raise InvalidKeyFile(
            "the words' checksum is wrong: one of them is another, or their order is",
            hint="compare it with what was written down",
        )
    return entropy


@lru_cache(maxsize=1)
def _reader() -> Mnemonic:
    from mnemonic import Mnemonic  # noqa: PLC0415 - it reads a list of words when it is imported

    return Mnemonic("english")


def _checked(reader: Mnemonic, words: list[str]) -> bytes | None:
    """None where the checksum is wrong; the library's own error would quote what it read."""
    try:
        return bytes(reader.to_entropy(words))
    except (ValueError, LookupError):
        return None


def _child(node: bytes, step: int) -> bytes:
    """A node's child: 96 bytes of secret scalar, nonce prefix and chain code, all as its parent has them."""
    scalar, prefix, chain_code = node[:32], node[32:64], node[64:]
    number = step.to_bytes(4, "little")
    if step >= HARDENED:
        parts, tags = node[:64], (b"\x00", b"\x01")
    else:
        parts, tags = _public(node), (b"\x02", b"\x03")
    mixed = hmac_digest(chain_code, tags[0] + parts + number, sha512)
    following = hmac_digest(chain_code, tags[1] + parts + number, sha512)[32:]
    left = int.from_bytes(mixed[:28], "little") * 8 + int.from_bytes(scalar, "little")
    right = int.from_bytes(mixed[32:], "little") + int.from_bytes(prefix, "little")
    return left.to_bytes(32, "little") + (right % (1 << 256)).to_bytes(32, "little") + following


def _public(secret: bytes) -> bytes:
    from nacl import bindings  # noqa: PLC0415

    return bytes(bindings.crypto_scalarmult_ed25519_base_noclamp(secret[:32]))
