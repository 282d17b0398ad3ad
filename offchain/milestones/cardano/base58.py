"""Base58, in which addresses of the Byron era are written."""

from __future__ import annotations

from typing import Final

from milestones.errors import InvalidEncoding

_ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def encode(raw: bytes) -> str:
    """The text of some bytes."""
    number, digits = int.from_bytes(raw, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        digits = _ALPHABET[digit] + digits
    return "1" * (len(raw) - len(raw.lstrip(b"\x00"))) + digits


def decode(text: str) -> bytes:
    """The bytes of a text of up to 256 characters. Raises `InvalidEncoding` for any other."""
    if not 0 < len(text) <= 256 or set(text) - set(_ALPHABET):
        raise InvalidEncoding("not Base58")
    number = 0
    for character in text:
        number = number * 58 + _ALPHABET.index(character)
    zeros = len(text) - len(text.lstrip("1"))
    return b"\x00" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")
