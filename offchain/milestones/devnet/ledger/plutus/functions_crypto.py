"""Built-in functions of hashes, signatures and the curve BLS12-381.

The curve's arithmetic is that of the optional package pyblst; without it, a script that reaches one of
its functions gets `UnsupportedFunction`. Source: `PlutusCore.Default.Builtins`, `PlutusCore.Crypto`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any, Final

from milestones.devnet.ledger.plutus import crypto, values
from milestones.devnet.ledger.plutus.functions_numbers import BuiltinFailure
from milestones.devnet.ledger.plutus.values import Cell, Curve
from milestones.errors import MilestonesError

LONGEST_TAG: Final = 255
"""Bytes of the domain separation tag that `hashToGroup` takes."""

SCALAR_BITS: Final = 4096
"""Signed bits that a scalar must fit since protocol version 11."""

_ORDER: Final = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
_BAD_ENCODING: Final = "BLST_BAD_ENCODING"
_SIZES: Final = {values.G1: 48, values.G2: 96}


class UnsupportedFunction(MilestonesError):
    """A built-in function whose library is not installed; `function` is its name."""

    code = "cannot_evaluate"

    def __init__(self, function: str) -> None:
        self.function = function
        super().__init__(
            f"a script uses {function}, for which the package pyblst is not installed",
            hint="install it beside the embedded chain: pip install pyblst",
        )


def _blst(function: str) -> Any:
    """The library. Raises `UnsupportedFunction`."""
    try:
        return import_module("pyblst")
    except ImportError:
        raise UnsupportedFunction(function) from None


def verify_ed25519(key: bytes, message: bytes, signature: bytes) -> bool:
    """As libsodium judges."""
    _check(_ED25519, key=len(key) == 32, signature=len(signature) == 64)
    return crypto.verify_ed25519(key, message, signature)


def verify_ecdsa(key: bytes, digest: bytes, signature: bytes) -> bool:
    """A high s is false, not a failure."""
    point, numbers = crypto.ecdsa_key(key), crypto.ecdsa_signature(signature)
    _check(_ECDSA, key=point is not None, signature=numbers is not None, digest=len(digest) == 32)
    assert point is not None  # noqa: S101 - for the type checker
    assert numbers is not None  # noqa: S101 - likewise
    return crypto.verify_ecdsa(point, digest, numbers)


def verify_schnorr(key: bytes, message: bytes, signature: bytes) -> bool:
    """As BIP 340 has it."""
    point = crypto.schnorr_key(key)
    _check(_SCHNORR, key=point is not None, signature=len(signature) == 64)
    assert point is not None  # noqa: S101 - for the type checker
    return crypto.verify_schnorr(point, message, signature)


_ED25519: Final = "Ed25519"
_ECDSA: Final = "ECDSA SECP256k1"
_SCHNORR: Final = "Schnorr SECP256k1"


def _check(scheme: str, *, key: bool, signature: bool, digest: bool = True) -> None:
    """Raises `BuiltinFailure` for the first of a signature's parts that is not well-formed."""
    parts = {"verification key": key, "signature": signature, "message hash": digest}
    for part, holds in parts.items():
        if not holds:
            raise BuiltinFailure(f"{scheme} signature verification: Invalid {part}.")


class _Group:
    """The functions of G1 or of G2; `bound` where scalars have one."""

    def __init__(self, kind: str, short: str, bound: bool) -> None:
        self.kind, self.short, self.bound = kind, short, bound
        self.prefix = f"bls12_381_{short}"
        self.element = "BlstP1Element" if short == "G1" else "BlstP2Element"

    def functions(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        every = (
            self.add,
            self.neg,
            self.equal,
            self.compress,
            self.uncompress,
        )
        named = {f"{self.prefix}_{each.__name__}": each for each in every}
        return {
            **named,
            f"{self.prefix}_scalarMul": self.scalar_mul,
            f"{self.prefix}_hashToGroup": self.hash_to_group,
            f"{self.prefix}_multiScalarMul": self.multi_scalar_mul,
        }

    def _made(self, point: Any) -> Curve:
        return Curve(self.kind, point)

    def _zero(self) -> Any:
        return getattr(_blst(f"{self.prefix}_scalarMul"), self.element)()

    def add(self, one: Curve, other: Curve) -> Curve:
        return self._made(one.point + other.point)

    def neg(self, one: Curve) -> Curve:
        return self._made(-one.point)

    def equal(self, one: Curve, other: Curve) -> bool:
        return bool(one.point == other.point)

    def compress(self, one: Curve) -> bytes:
        return bytes(one.point.compress())

    def uncompress(self, data: bytes) -> Curve:
        zero = getattr(_blst(f"{self.prefix}_uncompress"), self.element)()
        if len(data) != _SIZES[self.kind]:
            raise BuiltinFailure(_BAD_ENCODING)
        try:
            point = zero.uncompress(data)
        except ValueError as error:
            # The library's own word for what is wrong is part of what nodes log.
            found = re.search(r"BLST_\w+", str(error))
            raise BuiltinFailure(found[0] if found else _BAD_ENCODING) from None
        if bytes(point.compress()) != data:
            raise BuiltinFailure(_BAD_ENCODING)
        return self._made(point)

    def hash_to_group(self, message: bytes, tag: bytes) -> Curve:
        if len(tag) > LONGEST_TAG:
            raise BuiltinFailure("HashToCurveDstTooBig")
        element = getattr(_blst(f"{self.prefix}_hashToGroup"), self.element)
        return self._made(element.hash_to_group(message, tag))

    def scalar_mul(self, scalar: int, one: Curve) -> Curve:
        return self._made(self._times(scalar, one.point))

    def multi_scalar_mul(self, scalars: Cell, points: Cell) -> Curve:
        if not all(map(self._fits, scalars)):
            raise self._out_of_bounds("multiScalarMul")
        total = self._zero()
        for scalar, one in zip(scalars, points, strict=False):
            total = total + self._times(scalar, one.point)
        return self._made(total)

    def _fits(self, scalar: int) -> bool:
        most = 1 << (SCALAR_BITS - 1)
        return not self.bound or -most <= scalar < most

    def _out_of_bounds(self, function: str) -> BuiltinFailure:
        bound = SCALAR_BITS // 8
        return BuiltinFailure(f"Scalar exceeds {bound}-byte bound for {self.short}.{function}")

    def _times(self, scalar: int, point: Any) -> Any:
        if not self._fits(scalar):
            raise self._out_of_bounds("scalarMul")
        return point.scalar_mul(scalar % _ORDER)


def _miller_loop(one: Curve, other: Curve) -> Curve:
    point = _blst("bls12_381_millerLoop").miller_loop(one.point, other.point)
    return Curve(values.ML, point)


def _final_verify(one: Curve, other: Curve) -> bool:
    return bool(_blst("bls12_381_finalVerify").final_verify(one.point, other.point))


def _hash(name: str, data: bytes) -> bytes:
    return hashlib.new(name, data, usedforsecurity=False).digest()


def crypto_functions(newest: bool) -> dict[str, Callable[..., Any]]:
    """By name, for protocol version 11 or the one before."""
    return {
        "sha2_256": partial(_hash, "sha256"),
        "sha3_256": partial(_hash, "sha3_256"),
        "blake2b_224": lambda data: hashlib.blake2b(data, digest_size=28).digest(),
        "blake2b_256": lambda data: hashlib.blake2b(data, digest_size=32).digest(),
        "keccak_256": crypto.keccak_256,
        "ripemd_160": crypto.ripemd_160,
        "verifyEd25519Signature": verify_ed25519,
        "verifyEcdsaSecp256k1Signature": verify_ecdsa,
        "verifySchnorrSecp256k1Signature": verify_schnorr,
        **_Group(values.G1, "G1", newest).functions(),
        **_Group(values.G2, "G2", newest).functions(),
        "bls12_381_millerLoop": _miller_loop,
        "bls12_381_mulMlResult": lambda one, other: Curve(values.ML, one.point * other.point),
        "bls12_381_finalVerify": _final_verify,
    }
