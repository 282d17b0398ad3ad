"""Leaves: what the terms' trees commit to of each allocation, one at a time or many at once."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

from milestones.cardano import plutus_data
from milestones.cardano.address import Address
from milestones.cardano.hashes import blake2b_224
from milestones.cardano.outputs import NO_DATUM, OutputDatum
from milestones.domain.columns import (
    ADDRESS_BYTES,
    SHORT_ADDRESS_BYTES,
    AllocationColumns,
    Kind,
    big_endian,
)
from milestones.domain.merkle import DIGEST_LENGTH, SUM_LENGTH, SUM_LIMIT, SumTree, leaf_node
from milestones.domain.models import Allocation
from milestones.domain.posix_time import to_posix_ms
from milestones.errors import InvalidInput

_PAYMENT: bytes = b"\xaa" * 28
_STAKING: bytes = b"\xbb" * 28


def leaf_of(allocation: Allocation) -> bytes:
    """The leaf node (36 bytes) of an allocation. Raises `InvalidInput` for an amount over 2^63 - 1."""
    preimage = (
        allocation.beneficiary_address.to_data(),
        allocation.payout_datum.to_data(),
        allocation.milestone,
        allocation.vesting_posix_ms,
    )
    digest = blake2b_224(b"\x00" + plutus_data.encode(preimage))
    return leaf_node(digest, allocation.token_amount)


def leaf_nodes(columns: AllocationColumns) -> list[bytes]:
    """`leaf_of` each row, put together out of the pieces that rows share.

    Raises `InvalidInput` for an amount over 2^63 - 1.
    """
    if len(columns) and max(columns.amounts) >= SUM_LIMIT:
        raise InvalidInput(f"an amount of {max(columns.amounts)} is outside 0 to 2^63 - 1")
    tails = {number: _tail(columns.table[number]) for number in set(columns.kinds)}
    addresses, stride, short = bytes(columns.addresses), ADDRESS_BYTES, SHORT_ADDRESS_BYTES
    sums, width = big_endian(columns.amounts), SUM_LENGTH
    around = {header: _around(header) for header in set(addresses[::stride])}

    def node(row: int, tail: bytes) -> bytes:
        at = stride * row
        before, between, after = around[addresses[at]]
        staking = addresses[at + short : at + stride] if after else b""
        payment = addresses[at + 1 : at + short]
        preimage = before + payment + between + staking + after + tail
        digest = blake2b(preimage, digest_size=DIGEST_LENGTH).digest()
        return digest + sums[width * row : width * row + width]

    nodes = []
    at = place = 0
    # The loop that `node` is one turn of, without a call a row.
    for kind in columns.kinds:
        before, between, after = around[addresses[at]]
        preimage = (
            before
            + addresses[at + 1 : at + short]
            + between
            + (addresses[at + short : at + stride] if after else b"")
            + after
            + tails[kind]
        )
        digest = blake2b(preimage, digest_size=DIGEST_LENGTH).digest()
        nodes.append(digest + sums[place : place + width])
        at += stride
        place += width
    for row, given in columns.datums.items():
        nodes[row] = node(row, _tail(columns.table[columns.kinds[row]], OutputDatum(*given)))
    return nodes


@lru_cache(maxsize=32)
def _around(header: int) -> tuple[bytes, bytes, bytes]:
    """What stands before the payment part's hash, behind it, and behind the staking part's, if there is one."""
    is_short = header >= 0x60
    raw = bytes((header,)) + _PAYMENT + (b"" if is_short else _STAKING)
    written = plutus_data.encode((Address.from_bytes(raw).to_data(),))
    # The list's end belongs behind the fields that follow.
    before, _, rest = written.removesuffix(b"\xff").partition(_PAYMENT)
    between, _, after = rest.partition(_STAKING)
    return b"\x00" + before, between, after


def _tail(kind: Kind, datum: OutputDatum = NO_DATUM) -> bytes:
    """The fields behind the address, and the list's end."""
    written = plutus_data.encode(
        (
            datum.to_data(),
            kind.milestone_identifier.encode(),
            to_posix_ms(kind.vesting_timestamp),
        )
    )
    return written.removeprefix(b"\x9f")


def page_trees(columns: AllocationColumns, page_depth: int) -> list[SumTree]:
    """The trees of all pages of a schedule, in order. Raises `InvalidInput` for sums that reach 2^63."""
    size, leaves = 1 << page_depth, leaf_nodes(columns)
    return [
        SumTree(leaves[start : start + size], page_depth) for start in range(0, len(leaves), size)
    ]
