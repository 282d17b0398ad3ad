"""File names out of names that people choose."""

from __future__ import annotations

import re
from typing import Final

from milestones.cardano.hashes import blake2b_256

MAX_NAME_LENGTH: Final = 160
"""Characters of an encoded name: with every suffix it stays under the 255 bytes of common file systems."""

_PLAIN: Final = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789-_")
_RESERVED: Final = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])")


def file_name(identifier: str) -> str:
    """A file name without extension that is safe everywhere and different for every identifier.

    Lower-case letters, digits, `-` and `_` stand for themselves; every other byte of the UTF-8 text is
    `%` and two lower-case hexadecimal digits. So the name has no slash, no NUL and no dot (hence no
    `..`, and none of the suffixes that this room appends), and no two differ in case alone. Names that
    Windows reserves get their first letter encoded; long ones end in a hash.
    """
    raw = identifier.encode()
    encoded = "".join(chr(byte) if byte in _PLAIN else f"%{byte:02x}" for byte in raw)
    if _RESERVED.fullmatch(encoded):
        encoded = f"%{raw[0]:02x}{encoded[1:]}"
    if len(encoded) > MAX_NAME_LENGTH:
        # `%-` is no encoded byte, so a shortened name equals no full one.
        encoded = f"{encoded[:96]}%-{blake2b_256(raw).hex()[:48]}"
    return encoded or "%"
