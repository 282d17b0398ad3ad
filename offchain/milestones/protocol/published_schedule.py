"""The schedule as it is published on chain: its allocations, in order, in a compact CBOR form.

Everything else of a schedule is in the terms. The form (version 1) is an array of
`[count, addresses, milestones, address steps, milestone places, vesting times, amounts]`:
the distinct addresses one after the other as bytes, the distinct milestones as byte strings, both in the
order of their first use, and four columns of integers (see `columns`). An address step is how far the
address stands behind the one before, counted around the table; vesting times are in seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from milestones.cardano import cbor
from milestones.cardano.address import Address
from milestones.cardano.cbor import Item
from milestones.domain.models import Allocation
from milestones.errors import InvalidAddress, InvalidEncoding
from milestones.protocol.columns import array, decode_column, encode_column

COUNT_LIMIT: Final = 1 << 20
"""No schedule has more allocations, whatever a caller allows."""


def encode_allocations(allocations: Sequence[Allocation]) -> bytes:
    """The compact form. Amounts and times must be 0 to 2^64 - 1. The same schedule gives the same bytes."""
    addresses = _table(a.beneficiary_address.to_bytes() for a in allocations)
    milestones = _table(a.milestone for a in allocations)
    places = [addresses[a.beneficiary_address.to_bytes()] for a in allocations]
    steps = [
        (place - before) % len(addresses)
        for before, place in zip([-1, *places], places, strict=False)
    ]
    return array(
        cbor.head(cbor.UINT, len(allocations)),
        cbor.encode_bytes(b"".join(addresses)),
        array(*(cbor.encode_bytes(milestone) for milestone in milestones)),
        encode_column(steps),
        encode_column([milestones[a.milestone] for a in allocations]),
        encode_column([a.vesting_timestamp for a in allocations]),
        encode_column([a.token_amount for a in allocations]),
    )


def _table(values: Iterable[bytes]) -> dict[bytes, int]:
    return {value: place for place, value in enumerate(dict.fromkeys(values))}


def decode_allocations(body: bytes, *, most: int, network_id: int) -> tuple[Allocation, ...]:
    """The allocations in their order; addresses are those of the given network.

    Raises `InvalidEncoding` for anything that `encode_allocations` doesn't write, and for more than
    `most` allocations (pages x 2^page_depth), before building them. What comes out is no truth yet:
    compare it with the roots in the terms (`Distribution.check`).
    """
    parts = cbor.read(body).array()
    if len(parts) != 7:
        raise InvalidEncoding(f"a schedule of {len(parts)} parts where 7 are expected")
    count = parts[0].unsigned()
    if not 1 <= count <= min(most, COUNT_LIMIT):
        raise InvalidEncoding(f"a schedule of {count} allocations where at most {most} can be")
    addresses = _addresses(parts[1].bytes(), network_id)
    milestones = [_milestone(item) for item in parts[2].array()]
    steps, places, times, amounts = (decode_column(item, count) for item in parts[3:])
    before, allocations = -1, []
    for step, place, time, amount in zip(steps, places, times, amounts, strict=True):
        before = (before + step) % len(addresses)
        if place >= len(milestones):
            raise InvalidEncoding(f"a schedule without a milestone {place}")
        allocations.append(
            Allocation(
                beneficiary_address=addresses[before],
                token_amount=amount,
                milestone_identifier=milestones[place],
                vesting_timestamp=time,
            )
        )
    return tuple(allocations)


def _addresses(raw: bytes, network_id: int) -> list[Address]:
    addresses, position = [], 0
    while position < len(raw):
        length = 57 if raw[position] >> 4 < 4 else 29
        try:
            address = Address.from_bytes(raw[position : position + length])
        except InvalidAddress as error:
            raise InvalidEncoding(f"a schedule with a bad address: {error.reason}") from None
        addresses.append(replace(address, network_id=network_id))
        position += length
    if not addresses:
        raise InvalidEncoding("a schedule without addresses")
    return addresses


def _milestone(item: Item) -> str:
    try:
        return item.bytes().decode()
    except UnicodeDecodeError:
        raise InvalidEncoding(f"a milestone at byte {item.start} is not UTF-8") from None
