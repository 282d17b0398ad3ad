"""What a chain and its index are after a block, in bytes, so that a start need not read all blocks before it.

The blocks stay what counts: each is still checked against its hash when it is read. A snapshot is written every
so often and at the end, holds for one block alone, and is checked by its own hash. Numbers are in the machine's
own order: one that another machine wrote is not used.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from milestones.cardano.hashes import blake2b_256
from milestones.devnet.blocks import Block, Outputs

EVERY_BLOCKS: Final = 1000
EVERY_TRANSACTIONS: Final = 10_000
"""After so many of either a snapshot is due; or after a tenth of all there are, where that is more.

Each snapshot is of everything: so all of them together cost no more than in proportion to the history.
"""

_HEAD: Final = f"1 {sys.byteorder} {array('I').itemsize} {array('H').itemsize}".encode()
_LENGTH: Final = struct.Struct("<Q")
_SHORT: Final = struct.Struct("<I")


def join(parts: Iterable[bytes]) -> bytes:
    """Byte strings in one, each after its length."""
    return b"".join(piece for part in parts for piece in (_LENGTH.pack(len(part)), part))


def split(raw: bytes) -> list[bytes]:
    """The inverse of `join`. Raises ValueError for what is cut short."""
    parts, at = [], 0
    while at < len(raw):
        (length,) = _LENGTH.unpack_from(raw, at)
        at += _LENGTH.size
        parts.append(raw[at : at + length])
        at += length
    if at != len(raw):
        raise ValueError("a snapshot is cut short")
    return parts


def join_pairs(pairs: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Keys and values in one, where there are many and both are short."""
    return b"".join(
        _SHORT.pack(len(key)) + _SHORT.pack(len(value)) + key + value for key, value in pairs
    )


def split_pairs(raw: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The inverse of `join_pairs`."""
    at, head = 0, struct.Struct("<II")
    while at < len(raw):
        key, value = head.unpack_from(raw, at)
        at += head.size
        yield raw[at : at + key], raw[at + key : at + key + value]
        at += key + value


def numbers(code: str, raw: bytes) -> array[int]:
    """An array out of its bytes."""
    found: array[int] = array(code)
    found.frombytes(raw)
    return found


@dataclass(frozen=True, slots=True)
class KeptState:
    """A chain after the block of `height`: ids and sizes of reference scripts of its transactions, in order.

    `registering` are the numbers of those that change who is registered; `index` is the index's own.
    """

    height: int
    header_hash: bytes
    ids: bytes
    script_sizes: array[int]
    registering: frozenset[int]
    utxo: Outputs
    index: bytes

    @classmethod
    def read(cls, height: int, content: bytes, digest: bytes) -> KeptState | None:
        """Reads a snapshot; None for one that is damaged, or that another machine or version wrote."""
        if blake2b_256(content) != digest:
            return None
        try:
            head, header_hash, ids, sizes, registering, utxo, index = split(content)
        except ValueError:
            return None
        if head != _HEAD:
            return None
        return cls(
            height,
            header_hash,
            ids,
            numbers("I", sizes),
            frozenset(numbers("I", registering)),
            Outputs.unpacked(split_pairs(utxo)),
            index,
        )


def is_due(since: tuple[int, int], now: tuple[int, int]) -> bool:
    """Whether it is time for one; both are heights and numbers of transactions."""
    least = (EVERY_BLOCKS, EVERY_TRANSACTIONS)
    return any(
        at - before >= max(every, at // 10)
        for before, at, every in zip(since, now, least, strict=True)
    )


def packed(blocks: Iterable[Block], utxo: Outputs, index: bytes) -> bytes:
    """A snapshot after the last of all these blocks."""
    ids: list[bytes] = []
    sizes, registering, header_hash = array("I"), array("I"), b""
    for block in blocks:
        header_hash = block.header_hash
        for each in block.inclusions:
            if each.staking:
                registering.append(len(ids))
            ids.append(each.id)
            sizes.append(each.reference_scripts_size)
    parts = (_HEAD, header_hash, b"".join(ids), sizes.tobytes(), registering.tobytes())
    return join((*parts, join_pairs(utxo.packed()), index))
