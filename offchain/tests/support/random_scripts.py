"""Who can lock outputs of random transactions: keys, native scripts of all kinds, Plutus scripts.

A `Lock` knows what a transaction needs to open it. Some scripts cost a fingerprint of their script context:
each hashes its context and slices a constant by 16 of the hash's bytes, so that another context costs other
units, almost surely. They are compiled from Plutus Core written for these tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nacl.signing import SigningKey

from tests.support.raw_transactions import (
    NO_V3,
    YES_MINT,
    YES_SPEND,
    YES_V3,
    dumps,
    key_hash,
    script_hash,
)

FINGERPRINT_V3 = bytes.fromhex(
    "59022a0101002323232323232323232323232323232323232498cdc5199b8c48000cdc70082400002202266e"
    "28ccdc62400066e3803d200201001033714666e3120003371c01c900200780799b8a333718900019b8e00d48"
    "018038038cdc5199b8c48000cdc70062401001a01a66e28ccdc62400066e3802d200a00c00c33714666e3120"
    "003371c014900600580599b8a333718900019b8e00948038028028cdc5199b8c48000cdc7004240200120126"
    "6e28ccdc62400066e3801d201200800833714666e3120003371c00c900a00380399b8a333718900019b8e005"
    "48058018018cdc5199b8c48000cdc70022403000a00a66e28ccdc62400066e3800d201a00400433714666e31"
    "20003371c004900e00180199b8a333718900019b8e00148078008008dca1bb30024881ff" + "00" * 255 + "0001"
)
"""For version 3, any purpose."""

FINGERPRINT_MINT = bytes.fromhex(
    "59022a01000022323232323232323232323232323232323232498cdc5199b8c48000cdc70082400002202266"
    "e28ccdc62400066e3803d200201001033714666e3120003371c01c900200780799b8a333718900019b8e00d4"
    "8018038038cdc5199b8c48000cdc70062401001a01a66e28ccdc62400066e3802d200a00c00c33714666e312"
    "0003371c014900600580599b8a333718900019b8e00948038028028cdc5199b8c48000cdc700424020012012"
    "66e28ccdc62400066e3801d201200800833714666e3120003371c00c900a00380399b8a333718900019b8e00"
    "548058018018cdc5199b8c48000cdc70022403000a00a66e28ccdc62400066e3800d201a00400433714666e3"
    "120003371c004900e00180199b8a333718900019b8e00148078008008dca1bb3002489ff" + "00" * 255 + "0001"
)
"""For versions 1 and 2, minting."""

FINGERPRINT_SPEND = bytes.fromhex(
    "59022b010000222323232323232323232323232323232323232498cdc5199b8c48000cdc7008240000220226"
    "6e28ccdc62400066e3803d200201001033714666e3120003371c01c900200780799b8a333718900019b8e00d"
    "48018038038cdc5199b8c48000cdc70062401001a01a66e28ccdc62400066e3802d200a00c00c33714666e31"
    "20003371c014900600580599b8a333718900019b8e00948038028028cdc5199b8c48000cdc70042402001201"
    "266e28ccdc62400066e3801d201200800833714666e3120003371c00c900a00380399b8a333718900019b8e0"
    "0548058018018cdc5199b8c48000cdc70022403000a00a66e28ccdc62400066e3800d201a00400433714666e"
    "3120003371c004900e00180199b8a333718900019b8e00148078008008dca1bb30024881ff"
    + "00" * 255
    + "0001"
)
"""For versions 1 and 2, spending."""

WEIGH_MINT = bytes.fromhex("4c0100002232498cdd78008009")
"""Compares its context with itself, at a price by size: for version 1, minting."""

WEIGH_SPEND = bytes.fromhex("4d01000022232498cdd780080081")
"""The same, spending."""


FIRST_SLOT = 200_000_000
NO_MINT = bytes.fromhex("450100002261")
r"""`\redeemer ctx -> error`, for versions 1 and 2."""
KEYS = tuple(SigningKey(bytes([number + 1]) * 32) for number in range(6))
LIBRARIAN = SigningKey(b"\x77" * 32)
"""Holds outputs with reference scripts, and never spends them."""


@dataclass(frozen=True)
class Lock:
    """What guards an output or a policy.

    `version` is None for a key, 0 for a native script, 1 to 3 for Plutus; `keys` must sign; the validity
    interval must start at `after` or later and end at `before` or earlier. `passes` tells whether a
    Plutus script agrees; `units` (memory, CPU) are what it always takes, None where that depends on
    what it is shown.
    """

    hash: bytes
    version: int | None
    code: bytes = b""
    keys: tuple[SigningKey, ...] = ()
    after: int | None = None
    before: int | None = None
    passes: bool = True
    units: tuple[int, int] | None = None

    @property
    def is_plutus(self) -> bool:
        return bool(self.version)

    @property
    def witness(self) -> Any:
        """The script as a witness set holds it."""
        return Code(self.code) if self.version == 0 else self.code


@dataclass(frozen=True)
class Code:
    """CBOR that stands for itself, whatever form the rest is given."""

    cbor: bytes


def _key(key: SigningKey) -> Lock:
    return Lock(key_hash(key), None, keys=(key,))


def native_lock(
    script: list[Any], *keys: SigningKey, after: int | None = None, before: int | None = None
) -> Lock:
    """A native script, and the keys and bounds that open it."""
    code = dumps(script)
    return Lock(script_hash(0, code), 0, code, keys, after, before)


def _plutus(version: int, code: bytes, steps: int = 0, *, passes: bool = True) -> Lock:
    """A script that takes `steps` machine steps, of 100 memory and 16,000 CPU each; 0 for unknown."""
    units = (100 + 100 * steps, 100 + 16_000 * steps) if steps else None
    return Lock(script_hash(version, code), version, code, passes=passes, units=units)


def _signed(key: SigningKey) -> list[Any]:
    return [0, key_hash(key)]


A, B, C = KEYS[:3]
FAR = FIRST_SLOT + 50_000_000

KEY_LOCKS = tuple(map(_key, KEYS))
NATIVE_LOCKS = (
    native_lock(_signed(A), A),
    native_lock([1, [_signed(A), _signed(B)]], A, B),
    native_lock([2, [[5, 7], _signed(C)]], C),
    native_lock([3, 2, [_signed(A), _signed(B), _signed(C)]], B, C),
    native_lock([1, [_signed(B), [4, FIRST_SLOT + 3]]], B, after=FIRST_SLOT + 3),
    native_lock([1, [_signed(C), [5, FAR]]], C, before=FAR),
)
SPENDING_LOCKS = (
    _plutus(1, YES_SPEND, 10),
    _plutus(1, WEIGH_SPEND),
    _plutus(2, YES_SPEND, 10),
    _plutus(2, FINGERPRINT_SPEND),
    _plutus(3, YES_V3, 4),
    _plutus(3, FINGERPRINT_V3),
)
MINTING_LOCKS = (
    _plutus(1, YES_MINT, 7),
    _plutus(1, WEIGH_MINT),
    _plutus(2, YES_MINT, 7),
    _plutus(2, FINGERPRINT_MINT),
    _plutus(3, YES_V3, 4),
    _plutus(3, FINGERPRINT_V3),
)
FAILING_LOCKS = (
    _plutus(2, NO_MINT, passes=False),
    _plutus(3, NO_V3, passes=False),
)
LOCKS: Mapping[bytes, Lock] = {
    lock.hash: lock
    for lock in (*KEY_LOCKS, *NATIVE_LOCKS, *SPENDING_LOCKS, *MINTING_LOCKS, *FAILING_LOCKS)
}
"""All locks by hash."""


def large_script(number: int, clauses: int = 480) -> bytes:
    """A native script of some 15 kB: any of many signatures, none of which anybody can make."""
    salt = number.to_bytes(4, "big")
    return dumps([2, [[0, salt + bytes(22) + i.to_bytes(2, "big")] for i in range(clauses)]])
