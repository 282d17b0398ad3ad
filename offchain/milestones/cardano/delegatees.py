"""Stake pools and representatives as people write them, read and written. Source: CIP-5, CIP-105, CIP-129."""

from __future__ import annotations

from typing import Final

from milestones.cardano import bech32
from milestones.cardano.address import HASH_LENGTH, Credential, CredentialKind
from milestones.cardano.certificates import ABSTAIN, DRep
from milestones.errors import InvalidEncoding

KEY_DREP: Final = 0x22
SCRIPT_DREP: Final = 0x23
"""The first byte of a representative's id (CIP-129)."""

_OF_CIP_105: Final[dict[str, CredentialKind]] = {
    "drep": "key",
    "drep_vkh": "key",
    "drep_script": "script",
}


def pool_text(pool_id: bytes) -> str:
    """A pool's id (28 bytes): `pool1…`."""
    return bech32.encode("pool", pool_id)


def parse_pool(text: str, path: str = "pool") -> bytes:
    """A pool's id: `pool1…`, or 56 hexadecimal digits. Raises `InvalidEncoding` about `path`."""
    try:
        prefix, raw = ("pool", bytes.fromhex(text)) if len(text) == 56 else bech32.decode(text)
    except (ValueError, InvalidEncoding):
        prefix, raw = "", b""
    if prefix != "pool" or len(raw) != HASH_LENGTH:
        raise InvalidEncoding(
            f"{text[:60]!r} is no stake pool's id", path=path, hint="give its id, pool1…"
        )
    return raw


def drep_text(drep: DRep) -> str:
    """A representative's id: `drep1…`; `abstain` and `no_confidence` are themselves."""
    if not isinstance(drep, Credential):
        return "abstain" if drep == ABSTAIN else "no_confidence"
    first = KEY_DREP if drep.kind == "key" else SCRIPT_DREP
    return bech32.encode("drep", bytes((first,)) + drep.hash)


def parse_drep(text: str, path: str = "drep") -> Credential:
    """A representative's id, as CIP-129 or CIP-105 has it. Raises `InvalidEncoding` about `path`."""
    try:
        prefix, raw = bech32.decode(text)
    except InvalidEncoding:
        prefix, raw = "", b""
    if prefix == "drep" and len(raw) == 1 + HASH_LENGTH and raw[0] in (KEY_DREP, SCRIPT_DREP):
        return Credential("key" if raw[0] == KEY_DREP else "script", raw[1:])
    if prefix not in _OF_CIP_105 or len(raw) != HASH_LENGTH:
        raise InvalidEncoding(
            f"{text[:80]!r} is no representative's id",
            path=path,
            hint="give its id, drep1…; for the predefined options there are options of their own",
        )
    return Credential(_OF_CIP_105[prefix], raw)
