"""Bech32 without the 90-character limit, as CIP-5 and CIP-19 use it.

Source: BIP-173. Only the original checksum constant (1) is accepted, not Bech32m's.
"""

from __future__ import annotations

from base64 import b32decode, b32encode
from collections.abc import Iterable
from typing import Final

from milestones.errors import InvalidEncoding

_ALPHABET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BASE32: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_FROM_BASE32: Final = str.maketrans(_BASE32, _ALPHABET)
_TO_BASE32: Final = str.maketrans(_ALPHABET, _BASE32)
_VALUE: Final = {character: value for value, character in enumerate(_ALPHABET)}
_GENERATORS: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM: Final = 6


def encode(prefix: str, data: bytes) -> str:
    """Text with the human-readable `prefix` (lower case) and a checksum."""
    body = _letters(data)
    words = [_VALUE[letter] for letter in body]
    checksum = _polymod([*_expand(prefix), *words, *([0] * _CHECKSUM)]) ^ 1
    tail = "".join(_ALPHABET[(checksum >> shift) & 31] for shift in (25, 20, 15, 10, 5, 0))
    return f"{prefix}1{body}{tail}"


def decode(text: str) -> tuple[str, bytes]:
    """(prefix, data) of a Bech32 text. Raises `InvalidEncoding` that says what is wrong."""
    if text not in (text.lower(), text.upper()):
        raise InvalidEncoding("upper and lower case are mixed")
    prefix, separator, body = text.lower().rpartition("1")
    if not separator or not prefix or len(body) < _CHECKSUM:
        raise InvalidEncoding("not a Bech32 text")
    if not all("!" <= character <= "~" for character in prefix):
        raise InvalidEncoding("the prefix has a character that is not allowed")
    unknown = sorted(set(body) - _VALUE.keys())
    if unknown:
        raise InvalidEncoding(f"{unknown[0]!r} is not a Bech32 character")
    if _polymod([*_expand(prefix), *(_VALUE[letter] for letter in body)]) != 1:
        raise InvalidEncoding("the checksum is wrong: a character was mistyped or is missing")
    return prefix, _data(body[:-_CHECKSUM])


def _letters(data: bytes) -> str:
    """Five bits a letter, the last ones filled up with zeros: Base32 in another alphabet."""
    return b32encode(data).decode().rstrip("=").translate(_FROM_BASE32)


def _data(letters: str) -> bytes:
    spare = len(letters) * 5 % 8
    if spare >= 5:
        raise InvalidEncoding("the padding is longer than it may be")
    filled = letters.translate(_TO_BASE32) + "=" * (-len(letters) % 8)
    data = b32decode(filled)
    if _letters(data) != letters:
        raise InvalidEncoding("the padding is not zero")
    return data


def _expand(prefix: str) -> list[int]:
    return [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]


def _feedback(top: int) -> int:
    mixed = 0
    for bit, generator in enumerate(_GENERATORS):
        if (top >> bit) & 1:
            mixed ^= generator
    return mixed


_FEEDBACK: Final = tuple(_feedback(top) for top in range(32))


def _polymod(words: Iterable[int]) -> int:
    checksum = 1
    for word in words:
        checksum = ((checksum & 0x1FFFFFF) << 5) ^ word ^ _FEEDBACK[checksum >> 25]
    return checksum
