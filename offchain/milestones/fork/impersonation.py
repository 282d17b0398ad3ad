"""Whose witnesses a chain waives: what addresses of keys and of native scripts stand for."""

from __future__ import annotations

from collections.abc import Iterable

from milestones.cardano import bech32
from milestones.errors import InvalidConfiguration, InvalidEncoding
from milestones.fork.real_network import RealNetwork


async def impersonations(addresses: Iterable[str], network: RealNetwork | None) -> frozenset[bytes]:
    """The credentials of these addresses. Raises `InvalidConfiguration` for a Plutus script's."""
    found = set()
    for text in addresses:
        kind, digest = impersonated_credential(text)
        script = await network.script(digest) if network and kind == "script" else None
        if script is not None and script.language != "native":
            raise InvalidConfiguration(
                f"{text[:80]} is locked by a {script.language} script, which always runs",
                path="impersonate",
                hint="impersonate addresses of keys and of native scripts",
            )
        found.add(digest)
    return frozenset(found)


def impersonated_credential(text: str) -> tuple[str, bytes]:
    """The kind (`key` or `script`) and hash of an address' credential, a stake address' too.

    Raises `InvalidConfiguration`.
    """
    try:
        prefix, raw = bech32.decode(text)
    except InvalidEncoding:
        prefix, raw = "", b""
    if prefix.removesuffix("_test") not in ("addr", "stake") or len(raw) < 29:
        raise InvalidConfiguration(
            f"{text[:80]!r} is no address",
            path="impersonate",
            hint="give a Bech32 address: addr1…, addr_test1…, or a stake address",
        )
    return ("script" if raw[0] & 0x10 else "key"), raw[1:29]
