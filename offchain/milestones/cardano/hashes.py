"""The ledger's two hash functions."""

from __future__ import annotations

from hashlib import blake2b


def blake2b_224(data: bytes) -> bytes:
    """28 bytes: keys, scripts and, in this project, Merkle digests and distribution ids."""
    return blake2b(data, digest_size=28).digest()


def blake2b_256(data: bytes) -> bytes:
    """32 bytes: transactions, datums, script integrity and auxiliary data."""
    return blake2b(data, digest_size=32).digest()
