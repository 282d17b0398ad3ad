"""Bech32 without the 90-character limit, as CIP-5 and CIP-19 use it.

Source: BIP-173. Only the original checksum constant (1) is accepted, not Bech32m's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from milestones.errors import InvalidEncoding

_ALPHABET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_VALUE: Final = {character: value for value, character in enumerate(_ALPHABET)}
_GENERATORS: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def encode(prefix: str, data: bytes) -> str:
    """Text with the human-readable `prefix` (lower case) and a checksum."""
    words = _regroup(data, 8, 5, pad=True)
    checksum = _polymod([*_expand(prefix), *words, 0, 0, 0, 0, 0, 0]) ^ 1
    words += [(checksum >> shift) & 31 for shift in (25, 20, 15, 10, 5, 0)]
    return prefix + "1" + "".join(_ALPHABET[word] for word in words)


def decode(text: str) -> tuple[str, bytes]:
    """(prefix, data) of a Bech32 text. Raises `InvalidEncoding` that says what is wrong."""
    if text != text.lower() and text != text.upper():
        raise InvalidEncoding("upper and lower case are mixed")
    prefix, separator, body = text.lower().rpartition("1")
    if not separator or not prefix or len(body) < 6:
        raise InvalidEncoding("not a Bech32 text")
    if not all("!" <= character <= "~" for character in prefix):
        raise InvalidEncoding("the prefix has a character that is not allowed")
    unknown = sorted(set(body) - _VALUE.keys())
    if unknown:
        raise InvalidEncoding(f"{unknown[0]!r} is not a Bech32 character")
    words = [_VALUE[character] for character in body]
    if _polymod([*_expand(prefix), *words]) != 1:
        raise InvalidEncoding("the checksum is wrong: a character was mistyped or is missing")
    return prefix, bytes(_regroup(words[:-6], 5, 8, pad=False))


def _expand(prefix: str) -> list[int]:
    return [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]


def _polymod(words: Iterable[int]) -> int:
    checksum = 1
    for word in words:
        top = checksum >> 25
        checksum = ((checksum & 0x1FFFFFF) << 5) ^ word
        for bit, generator in enumerate(_GENERATORS):
            if (top >> bit) & 1:
                checksum ^= generator
    return checksum


def _regroup(data: Iterable[int], width_in: int, width_out: int, *, pad: bool) -> list[int]:
    accumulator, bits, out = 0, 0, []
    for value in data:
        accumulator = (accumulator << width_in) | value
        bits += width_in
        while bits >= width_out:
            bits -= width_out
            out.append((accumulator >> bits) & ((1 << width_out) - 1))
    if pad and bits:
        out.append((accumulator << (width_out - bits)) & ((1 << width_out) - 1))
    elif not pad and (bits >= width_in or accumulator & ((1 << bits) - 1)):
        raise InvalidEncoding("the padding is not zero")
    return out
