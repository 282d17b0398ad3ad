"""The pieces that script contexts are made of: CBOR of Plutus Data, in the encoding of `serialise_data`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from milestones.cardano import cbor
from milestones.cardano.address import Credential
from milestones.cardano.plutus_data import PlutusData, decode, encode


def constr(index: int, *fields: bytes) -> bytes:
    """A constructor with index 0 to 127."""
    return cbor.head(cbor.TAG, (121 if index < 7 else 1273) + index) + listed(fields)


def listed(elements: Iterable[bytes]) -> bytes:
    """A list."""
    inside = b"".join(elements)
    return b"\x9f" + inside + b"\xff" if inside else b"\x80"


def mapped(entries: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A map, in the order given."""
    pairs = [key + value for key, value in entries]
    return cbor.head(cbor.MAP, len(pairs)) + b"".join(pairs)


def optional(value: bytes | None) -> bytes:
    """`Maybe`: constructor 0 around a value, constructor 1 for none."""
    return constr(1) if value is None else constr(0, value)


def credential(who: Credential) -> bytes:
    """`Credential`: a key's hash, or a script's."""
    return constr(0 if who.kind == "key" else 1, plain(who.hash))


def plain(value: PlutusData) -> bytes:
    """An integer or a byte string."""
    return encode(value)


@lru_cache(maxsize=1024)
def normal(data: bytes) -> bytes:
    """Plutus Data in the encoding of `serialise_data`."""
    return encode(decode(data))
