"""Hashes and signatures that Python's library lacks: verification only, nothing here is secret.

Work is bounded by what a script pays: the dearest budget of a transaction buys some 9,000 blocks of
Keccak, 51,000 of RIPEMD or 232 signatures. Sources: FIPS 202 with Keccak's own padding; the RIPEMD-160
paper; SEC 1 and BIP 340 for secp256k1.
"""

from __future__ import annotations

import hashlib
from typing import Final, TypeAlias

from nacl.bindings import crypto_sign_open
from nacl.exceptions import CryptoError

_MASK: Final = (1 << 64) - 1
_RATE: Final = 136


def _keccak_constants() -> tuple[tuple[int, ...], tuple[tuple[int, int, int], ...]]:
    """(round constants, (from, to, rotation) of every lane). Source: FIPS 202, 3.2.5 and 3.2.2."""
    constants, register = [], 1
    for _ in range(24):
        constant = 0
        for power in range(7):
            if register & 1:
                constant |= 1 << ((1 << power) - 1)
            register <<= 1
            if register & 0x100:
                register ^= 0x171
        constants.append(constant)
    moves, x, y = [(0, 0, 0)], 1, 0
    for step in range(24):
        moves.append((x + 5 * y, y + 5 * ((2 * x + 3 * y) % 5), (step + 1) * (step + 2) // 2 % 64))
        x, y = y, (2 * x + 3 * y) % 5
    return tuple(constants), tuple(moves)


_ROUNDS, _MOVES = _keccak_constants()


def _permute(lanes: list[int]) -> list[int]:
    for constant in _ROUNDS:
        columns = [
            lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20]
            for x in range(5)
        ]
        parities = []
        for x in range(5):
            following = columns[(x + 1) % 5]
            parities.append(columns[x - 1] ^ ((following << 1 | following >> 63) & _MASK))
        moved = [0] * 25
        for source, target, turn in _MOVES:
            lane = lanes[source] ^ parities[source % 5]
            moved[target] = (lane << turn | lane >> (64 - turn)) & _MASK
        lanes = [
            moved[at] ^ (~moved[row + (at + 1) % 5] & moved[row + (at + 2) % 5])
            for row in range(0, 25, 5)
            for at in range(row, row + 5)
        ]
        lanes[0] ^= constant
    return lanes


def keccak_256(message: bytes) -> bytes:
    """Keccak with 256 bits, as Ethereum has it: padded otherwise than SHA-3."""
    padding = bytearray(_RATE - len(message) % _RATE)
    padding[0] |= 0x01
    padding[-1] |= 0x80
    padded = message + bytes(padding)
    lanes = [0] * 25
    for start in range(0, len(padded), _RATE):
        for at in range(_RATE // 8):
            position = start + 8 * at
            lanes[at] ^= int.from_bytes(padded[position : position + 8], "little")
        lanes = _permute(lanes)
    return b"".join(lane.to_bytes(8, "little") for lane in lanes[:4])


def _digits(text: str) -> tuple[int, ...]:
    return tuple(int(digit, 16) for digit in text)


_LEFT_ORDER: Final = _digits(
    "0123456789abcdef74d1a6f3c0952eb83ae49f812706db5c19ba08c4d37fe56240597c2ae138b6fd"
)
_RIGHT_ORDER: Final = _digits(
    "5e7092b4d6f81a3c6b370d5aef8c4912f5137e69b8c2a04d86413bf05c2d97aecfa4158762de039b"
)
_LEFT_TURNS: Final = _digits(
    "befc5879bdef6798768db97f7cf9b7dcbd67e9dfe8d65c75bcefef989e56865c9f5b68dc5cdeb856"
)
_RIGHT_TURNS: Final = _digits(
    "899bdff5778beec69df7c89b77c76fdb97fb866ecd5edd75f58bee6e69c9c5f885c9c5e68d65fdbb"
)
_LEFT_CONSTANTS: Final = (0, 0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xA953FD4E)
_RIGHT_CONSTANTS: Final = (0x50A28BE6, 0x5C4DD124, 0x6D703EF3, 0x7A6D76E9, 0)
_WORD: Final = 0xFFFFFFFF


def _mix(which: int, x: int, y: int, z: int) -> int:
    if which == 0:
        return x ^ y ^ z
    if which == 1:
        return (x & y) | (~x & z)
    if which == 2:
        return (x | ~y) ^ z
    if which == 3:
        return (x & z) | (y & ~z)
    return x ^ (y | ~z)


def _line(
    state: list[int],
    words: list[int],
    order: tuple[int, ...],
    turns: tuple[int, ...],
    constants: tuple[int, ...],
) -> list[int]:
    a, b, c, d, e = state
    left = constants is _LEFT_CONSTANTS
    for step in range(80):
        group = step >> 4
        mixed = _mix(group if left else 4 - group, b, c, d)
        total = (a + mixed + words[order[step]] + constants[group]) & _WORD
        turn = turns[step]
        turned = ((total << turn | total >> (32 - turn)) + e) & _WORD
        a, b, c, d, e = e, turned, b, (c << 10 | c >> 22) & _WORD, d
    return [a, b, c, d, e]


def plain_ripemd_160(message: bytes) -> bytes:
    """RIPEMD-160 in plain Python."""
    padded = message + b"\x80" + bytes((55 - len(message)) % 64)
    padded += (8 * len(message)).to_bytes(8, "little")
    state = [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0]
    for start in range(0, len(padded), 64):
        words = [
            int.from_bytes(padded[at : at + 4], "little") for at in range(start, start + 64, 4)
        ]
        left = _line(state, words, _LEFT_ORDER, _LEFT_TURNS, _LEFT_CONSTANTS)
        right = _line(state, words, _RIGHT_ORDER, _RIGHT_TURNS, _RIGHT_CONSTANTS)
        state = [
            (state[(at + 1) % 5] + left[(at + 2) % 5] + right[(at + 3) % 5]) & _WORD
            for at in range(5)
        ]
    return b"".join(word.to_bytes(4, "little") for word in state)


def ripemd_160(message: bytes) -> bytes:
    """RIPEMD-160; OpenSSL's where the platform has it."""
    try:
        return hashlib.new("ripemd160", message, usedforsecurity=False).digest()
    except ValueError:
        return plain_ripemd_160(message)


def verify_ed25519(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether libsodium accepts a signature of 64 bytes for a key of 32."""
    try:
        crypto_sign_open(signature + message, key)
    except CryptoError:
        return False
    return True


_P: Final = 2**256 - 2**32 - 977
_N: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_G: Final = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)

Affine: TypeAlias = "tuple[int, int]"
Jacobian: TypeAlias = "tuple[int, int, int]"

_INFINITY: Final[Jacobian] = (1, 1, 0)


def _double(point: Jacobian) -> Jacobian:
    x, y, z = point
    if not z:
        return point
    square = y * y % _P
    s = 4 * x * square % _P
    m = 3 * x * x % _P
    new_x = (m * m - 2 * s) % _P
    return new_x, (m * (s - new_x) - 8 * square * square) % _P, 2 * y * z % _P


def _add(one: Jacobian, other: Jacobian) -> Jacobian:
    x1, y1, z1 = one
    x2, y2, z2 = other
    if not z1:
        return other
    if not z2:
        return one
    square1, square2 = z1 * z1 % _P, z2 * z2 % _P
    u1, u2 = x1 * square2 % _P, x2 * square1 % _P
    s1, s2 = y1 * square2 * z2 % _P, y2 * square1 * z1 % _P
    if u1 == u2:
        return _double(one) if s1 == s2 else _INFINITY
    h, r = (u2 - u1) % _P, (s2 - s1) % _P
    h2 = h * h % _P
    h3, v = h * h2 % _P, u1 * h2 % _P
    x = (r * r - h3 - 2 * v) % _P
    return x, (r * (v - x) - s1 * h3) % _P, h * z1 * z2 % _P


def _combine(a: int, b: int, point: Affine) -> Affine | None:
    """a·G + b·point, or `None` for the point at infinity."""
    g, p = (*_G, 1), (*point, 1)
    both = _add(g, p)
    total: Jacobian = _INFINITY
    for bit in range(max(a.bit_length(), b.bit_length()) - 1, -1, -1):
        total = _double(total)
        which = (a >> bit & 1) | (b >> bit & 1) << 1
        if which:
            total = _add(total, (g, p, both)[which - 1])
    x, y, z = total
    if not z:
        return None
    inverse = pow(z, -1, _P)
    square = inverse * inverse % _P
    return x * square % _P, y * square * inverse % _P


def _lift(x: int, odd: bool) -> Affine | None:
    if x >= _P:
        return None
    square = (pow(x, 3, _P) + 7) % _P
    y = pow(square, (_P + 1) // 4, _P)
    if y * y % _P != square:
        return None
    return x, y if y & 1 == odd else _P - y


def ecdsa_key(key: bytes) -> Affine | None:
    """The point of a compressed key of 33 bytes, or `None`."""
    if len(key) != 33 or key[0] not in (2, 3):
        return None
    return _lift(int.from_bytes(key[1:], "big"), key[0] == 3)


def ecdsa_signature(signature: bytes) -> tuple[int, int] | None:
    """r and s of a signature of 64 bytes, or `None` where one is not below the order."""
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    return (r, s) if len(signature) == 64 and r < _N and s < _N else None


def verify_ecdsa(key: Affine, digest: bytes, signature: tuple[int, int]) -> bool:
    """Whether a signature with a low s fits a digest of 32 bytes."""
    r, s = signature
    if not r or not 0 < s <= _N // 2:
        return False
    inverse = pow(s, -1, _N)
    point = _combine(int.from_bytes(digest, "big") * inverse % _N, r * inverse % _N, key)
    return point is not None and point[0] % _N == r


def schnorr_key(key: bytes) -> Affine | None:
    """The point with an even y of a key of 32 bytes, or `None`."""
    return _lift(int.from_bytes(key, "big"), odd=False) if len(key) == 32 else None


def verify_schnorr(key: Affine, message: bytes, signature: bytes) -> bool:
    """Whether a signature of 64 bytes fits a message of any length. Source: BIP 340."""
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if r >= _P or s >= _N:
        return False
    tag = hashlib.sha256(b"BIP0340/challenge").digest()
    hashed = hashlib.sha256(tag + tag + signature[:32] + key[0].to_bytes(32, "big") + message)
    challenge = int.from_bytes(hashed.digest(), "big") % _N
    point = _combine(s, (_N - challenge) % _N, key)
    return point is not None and not point[1] & 1 and point[0] == r
