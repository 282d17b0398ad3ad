"""Many addresses at once, from Bech32 to bytes and back, at about a microsecond each.

The checksum is linear over GF(2): each place and letter contributes a constant. So a block of texts of one
length is taken as columns of letters; `bytes.translate` takes a column to its contributions, and big
integers XOR them. Whatever is odd about a text is left to `Address.from_bech32`, which judges one at a time.

Source: BIP-173.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from milestones.cardano.address import MAINNET_ID, TESTNET_ID, Address
from milestones.errors import InvalidAddress

BLOCK: Final = 4_096
"""Texts that are looked at together: large enough for the columns to pay, and small in memory."""
FEW: Final = 128
"""Up to here the tables cost more than they save."""
_ALPHABET: Final = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_LETTERS: Final = _ALPHABET + bytes(224)
_TO_DIGITS: Final = bytes.maketrans(_ALPHABET, b"0123456789abcdefghijklmnopqrstuv")
_CHECKSUM: Final = 6
_CHECKSUM_BYTES: Final = 4
_GENERATORS: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_PREFIXES: Final = {MAINNET_ID: "addr", TESTNET_ID: "addr_test"}
_LENGTHS: Final = (57, 29)
"""Bytes of an address with a staking part, and of one without."""
_HEADERS: Final = {57: (0x00, 0x10, 0x20, 0x30), 29: (0x60, 0x70)}
"""Header bytes without the network, by length. Source: CIP-19."""


def decode_addresses(texts: Sequence[str]) -> list[bytes | None]:
    """The bytes of each address (29 or 57), None for every text that is not plainly one.

    None says no more than "ask `Address.from_bech32`": it may be written in upper case. All of a few are
    None.
    """
    found: list[bytes | None] = [None] * len(texts)
    if len(texts) <= FEW:
        return found
    groups: dict[int, list[int]] = defaultdict(list)
    for place, text in enumerate(texts):
        groups[len(text)].append(place)
    for network_id, prefix in _PREFIXES.items():
        for length in _LENGTHS:
            places = groups.get(len(prefix) + 1 + _letters_of(length) + _CHECKSUM, ())
            for start in range(0, len(places), BLOCK):
                some = places[start : start + BLOCK]
                of_prefix = [place for place in some if texts[place].startswith(prefix + "1")]
                for place, raw in _decoded(texts, of_prefix, network_id, length):
                    found[place] = raw
    return found


def encode_addresses(raws: Sequence[bytes]) -> list[str]:
    """The Bech32 of each address. Raises `InvalidAddress` for bytes that are none."""
    if len(raws) <= FEW:
        return [Address.from_bytes(raw).to_bech32() for raw in raws]
    found = [""] * len(raws)
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for place, raw in enumerate(raws):
        groups[raw[0] & 15 if raw else 2, len(raw)].append(place)
    for (network_id, length), places in groups.items():
        if network_id not in _PREFIXES or length not in _HEADERS:
            Address.from_bytes(raws[places[0]])
            raise InvalidAddress("these bytes are no address")
        for start in range(0, len(places), BLOCK):
            some = places[start : start + BLOCK]
            texts = _encoded([raws[place] for place in some], network_id, length)
            for place, text in zip(some, texts, strict=True):
                found[place] = text
    return found


def _letters_of(length: int) -> int:
    return -(-length * 8 // 5)


def _decoded(
    texts: Sequence[str], places: Sequence[int], network_id: int, length: int
) -> Iterator[tuple[int, bytes]]:
    """(place, bytes) of those whose letters, checksum, padding and header are all right."""
    start, letters = len(_PREFIXES[network_id]) + 1, _letters_of(length)
    bodies = [texts[place][start:] for place in places]
    joined = "".join(bodies)
    if not joined.isascii() or joined.encode().translate(None, _ALPHABET):
        allowed = set(_ALPHABET.decode())
        kept = [n for n, body in enumerate(bodies) if allowed.issuperset(body)]
        places, bodies = [places[n] for n in kept], [bodies[n] for n in kept]
        joined = "".join(bodies)
    if not bodies:
        return
    wrong = set(_wrong_checksums(joined.encode(), len(bodies), network_id, length))
    # Filled up to whole bytes, so that one number holds all of them, one after the other.
    row_letters = -(-letters // 8) * 8
    row_bytes = row_letters * 5 // 8
    filler = "q" * (row_letters - letters)
    digits = (filler.join([body[:letters] for body in bodies]) + filler).encode()
    raw = int(digits.translate(_TO_DIGITS), 32).to_bytes(row_bytes * len(bodies), "big")
    headers = bytes(header | network_id for header in _HEADERS[length])
    for n, place in enumerate(places):
        at = row_bytes * n
        # The bits behind the last byte are padding, and nothing but zeros.
        if n not in wrong and raw[at] in headers and not raw[at + length]:
            yield place, raw[at : at + length]


def _wrong_checksums(joined: bytes, count: int, network_id: int, length: int) -> Iterator[int]:
    tables, constant = _contributions(_PREFIXES[network_id], _letters_of(length) + _CHECKSUM)
    width = len(tables)
    columns = [joined[place::width] for place in range(width)]
    for byte in range(_CHECKSUM_BYTES):
        total = 0
        for column, table in zip(columns, tables, strict=True):
            total ^= int.from_bytes(column.translate(table[byte]), "big")
        sums = total.to_bytes(count, "big")
        expected = (constant ^ 1).to_bytes(_CHECKSUM_BYTES, "big")[byte]
        if sums != bytes((expected,)) * count:
            yield from (n for n, each in enumerate(sums) if each != expected)


def _encoded(raws: Sequence[bytes], network_id: int, length: int) -> list[str]:
    letters, count = _letters_of(length), len(raws)
    tables, constant = _contributions(_PREFIXES[network_id], letters + _CHECKSUM)
    joined = b"".join(raws)
    columns = [joined[place::length] for place in range(length)] + [bytes(count)]
    width = letters + _CHECKSUM
    body = bytearray(width * count)
    totals = [0] * _CHECKSUM_BYTES
    for place in range(letters):
        column = _letters_at(columns, 5 * place)
        body[place::width] = column
        for which in range(_CHECKSUM_BYTES):
            totals[which] ^= int.from_bytes(column.translate(tables[place][which]), "big")
    expected = (constant ^ 1).to_bytes(_CHECKSUM_BYTES, "big")
    sums = [
        total.to_bytes(count, "big").translate(bytes(n ^ value for n in range(256)))
        for total, value in zip(totals, expected, strict=True)
    ] + [bytes(count)]
    for place in range(_CHECKSUM):
        # Thirty bits at the end of four bytes.
        body[letters + place :: width] = _letters_at(sums, 2 + 5 * place)
    text, prefix = body.decode(), _PREFIXES[network_id] + "1"
    return [prefix + text[at : at + width] for at in range(0, len(text), width)]


def _letters_at(columns: Sequence[bytes], bit: int) -> bytes:
    """The column of letters whose five bits begin at this bit of a row of byte columns."""
    byte, rest = divmod(bit, 8)
    high, low = _SPLIT[rest]
    number = int.from_bytes(columns[byte].translate(high), "big") | int.from_bytes(
        columns[byte + 1].translate(low), "big"
    )
    return number.to_bytes(len(columns[byte]), "big").translate(_LETTERS)


def _split(bit: int) -> tuple[bytes, bytes]:
    """What two neighbouring bytes give to the five bits that begin at this bit of the first one."""
    high = bytes(((n << 8) >> (11 - bit)) & 31 for n in range(256))
    low = bytes((n >> (11 - bit)) & 31 for n in range(256))
    return high, low


_SPLIT: Final = {bit: _split(bit) for bit in range(8)}


@lru_cache(maxsize=8)
def _contributions(prefix: str, width: int) -> tuple[tuple[tuple[bytes, ...], ...], int]:
    """For each place four tables from letters to bytes of the checksum; and what the prefix gives."""
    tables = []
    by_value = list(range(32))
    for _ in range(width):
        tables.append(
            tuple(
                bytes.maketrans(_ALPHABET, bytes((each >> shift) & 255 for each in by_value))
                for shift in range(8 * (_CHECKSUM_BYTES - 1), -1, -8)
            )
        )
        by_value = [_step(each) for each in by_value]
    tables.reverse()
    words = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    checksum = 1
    for word in words:
        checksum = _step(checksum) ^ word
    for _ in range(width):
        checksum = _step(checksum)
    return tuple(tables), checksum


def _step(checksum: int) -> int:
    top, shifted = checksum >> 25, (checksum & 0x1FFFFFF) << 5
    for bit, generator in enumerate(_GENERATORS):
        if (top >> bit) & 1:
            shifted ^= generator
    return shifted
