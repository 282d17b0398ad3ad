"""Addresses as the ledger reads them: network, who may spend, and whether they are Byron's.

Source: CIP-19 and `Cardano.Ledger.Address`. Every kind that an output may pay to is read here; the
vocabulary's `Address` knows only the kinds that a distribution can use.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from milestones.cardano import base58, bech32, cbor
from milestones.cardano.address import Credential
from milestones.cardano.cbor import Item
from milestones.errors import InvalidEncoding

POINTER_BITS: Final = (32, 16, 16)
"""Widths of a pointer's numbers."""

DERIVATION_PATH: Final = 1
MAGIC: Final = 2
"""Attributes of a Byron address: an encrypted payload, and the network's magic off mainnet."""

BYRON_TYPES: Final = (0, 2)
"""A Byron address' type: spent with a key, or redeemed from the sale of vouchers."""


@dataclass(frozen=True, slots=True)
class LedgerAddress:
    """An output's address. `payment` is None for a Byron (bootstrap) address.

    `attributes_size` is what a Byron address carries beyond its network, in bytes; 0 for every other.
    """

    raw: bytes
    network_id: int
    payment: Credential | None
    staking: Credential | tuple[int, int, int] | None = None
    attributes_size: int = 0

    @property
    def is_bootstrap(self) -> bool:
        """Whether this is an address of the Byron era."""
        return self.payment is None

    @property
    def script_hash(self) -> bytes | None:
        """The script that must agree when the output is spent; None where a key must sign."""
        payment = self.payment
        return payment.hash if payment is not None and payment.kind == "script" else None

    def __str__(self) -> str:
        return _text(self.raw, self.network_id, self.is_bootstrap)


@lru_cache(maxsize=8192)
def _text(raw: bytes, network_id: int, is_bootstrap: bool) -> str:
    """Kept: every answer that shows outputs writes the same few again."""
    if is_bootstrap:
        return base58.encode(raw)
    return bech32.encode("addr" if network_id == 1 else "addr_test", raw)


@lru_cache(maxsize=4096)
def decode_address(raw: bytes) -> LedgerAddress:
    """Reads any payment address. Raises `InvalidEncoding` for what the ledger can't decode."""
    if not raw:
        raise InvalidEncoding("an address has no bytes")
    kind, network_id = raw[0] >> 4, raw[0] & 15
    if kind == 8:
        return _byron(raw)
    if kind > 7 or network_id > 1:
        raise InvalidEncoding(f"{raw[0]:#04x} starts no payment address")
    if len(raw) < 29:
        raise InvalidEncoding(f"an address of {len(raw)} bytes")
    payment = Credential("script" if kind & 1 else "key", raw[1:29])
    return LedgerAddress(raw, network_id, payment, _staking(kind, raw[29:]))


def _staking(kind: int, rest: bytes) -> Credential | tuple[int, int, int] | None:
    if kind in (4, 5):
        return _pointer(rest)
    expected = 28 if kind < 4 else 0
    if len(rest) != expected:
        raise InvalidEncoding(f"{len(rest)} bytes stand where a staking part has {expected}")
    return Credential("script" if kind & 2 else "key", rest) if rest else None


def _pointer(rest: bytes) -> tuple[int, int, int]:
    """Slot, transaction and certificate index, of 32, 16 and 16 bits: seven bits a byte.

    Ledger: `decodePtr`, which takes leading zeros as far as they fit into 5, 3 and 3 bytes.
    """
    numbers, position = [], 0
    for bits in POINTER_BITS:
        number, size = _variable_length(rest[position:])
        if size > -(-bits // 7) or number >> bits:
            raise InvalidEncoding(f"a number in a pointer address takes more than {bits} bits")
        numbers.append(number)
        position += size
    if position != len(rest):
        raise InvalidEncoding("bytes follow the three numbers of a pointer address")
    return numbers[0], numbers[1], numbers[2]


def _variable_length(data: bytes) -> tuple[int, int]:
    """(number, bytes that it takes): all but the last byte have their highest bit set."""
    number = 0
    for index, byte in enumerate(data):
        number = number << 7 | byte & 127
        if byte < 128:
            return number, index + 1
    raise InvalidEncoding("a pointer address holds three numbers")


def _byron(raw: bytes) -> LedgerAddress:
    """`[24(bytes of [root, attributes, type]), CRC-32]`. Source: `Cardano.Chain.Common.Address`."""
    wrapped, checksum = _pair(cbor.read(raw))
    if wrapped.kind != cbor.TAG or wrapped.tag != 24:
        raise InvalidEncoding("not a Byron address")
    payload = wrapped.value.definite_bytes()
    if zlib.crc32(payload) != checksum.unsigned():
        raise InvalidEncoding("a Byron address' checksum is wrong")
    content = cbor.read(payload)
    parts = content.array()
    if len(parts) != 3 or content.indefinite:
        raise InvalidEncoding("not a Byron address")
    root, attributes, kind = parts
    root.definite_bytes(28)
    if _shortest_number(kind) not in BYRON_TYPES:
        raise InvalidEncoding(f"a Byron address of type {kind.unsigned()}")
    found = _attributes(attributes)
    return LedgerAddress(raw, 0 if MAGIC in found else 1, None, None, _attributes_size(found))


def _attributes(item: Item) -> dict[int, bytes]:
    """Attributes by their number, a byte. Ledger: `decCBORAttributes`, over `decodeMapSkel`."""
    pairs = [(key.unsigned(), value.definite_bytes()) for key, value in item.pairs()]
    numbers = [number for number, _ in pairs]
    if item.indefinite or numbers != sorted(set(numbers)) or max(numbers, default=0) > 255:
        raise InvalidEncoding("a Byron address' attributes ascend, and their numbers are bytes")
    return dict(pairs)


def _attributes_size(attributes: Mapping[int, bytes]) -> int:
    """The derivation path's payload and all that is unknown. Ledger: `bootstrapAddressAttrsSize`."""
    size = 0
    for number, value in attributes.items():
        if number == MAGIC:
            if _shortest_number(cbor.read(value)) >= 1 << 32:
                raise InvalidEncoding("a Byron address' network magic takes more than 32 bits")
        elif number == DERIVATION_PATH:
            size += len(_shortest_bytes(cbor.read(value)))
        else:
            size += len(value)
    return size


def _shortest_number(item: Item) -> int:
    """A number in its shortest form. Ledger: `decodeWord8Canonical`, `decodeWord32Canonical`."""
    number = item.unsigned()
    if item.raw != cbor.head(cbor.UINT, number):
        raise InvalidEncoding("a number in a Byron address is not in its shortest form")
    return number


def _shortest_bytes(item: Item) -> bytes:
    """A byte string in its shortest form. Ledger: `decodeBytesCanonical`."""
    value = item.bytes()
    if item.raw != cbor.encode_bytes(value):
        raise InvalidEncoding("bytes in a Byron address are not in their shortest form")
    return value


def _pair(item: Item) -> tuple[Item, Item]:
    parts = item.array()
    if len(parts) != 2:
        raise InvalidEncoding("not a Byron address")
    return parts[0], parts[1]
