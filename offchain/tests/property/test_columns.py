"""Many at once is the same as one at a time: addresses in blocks, leaves from columns, the rules' verdicts."""

from __future__ import annotations

import random
from array import array
from hashlib import blake2b
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycardano import Address as PycardanoAddress

from milestones.cardano import bech32_blocks
from milestones.cardano.address import Address
from milestones.cardano.bech32_blocks import decode_addresses, encode_addresses
from milestones.domain.allocation_table import ColumnTable
from milestones.domain.columns import AllocationColumns, columns_of_rows
from milestones.domain.models import Allocation, MilestoneSchedule
from milestones.domain.plausibility import implausible, row_doubts
from milestones.domain.problems import Circumstances
from milestones.domain.schedule import parse_schedule, problems_of
from milestones.errors import InvalidAddress
from milestones.protocol.distribution import Distribution
from milestones.protocol.leaves import leaf_nodes, leaf_of
from milestones.protocol.validator_loader import Contract

HEADERS = (0x00, 0x10, 0x20, 0x30, 0x60, 0x70)
LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7lb1iAZ_ \u0663\u00e9"


def some_addresses(count: int, seed: int) -> list[bytes]:
    rng = random.Random(seed)  # noqa: S311
    return [
        bytes((header | rng.randrange(2),)) + rng.randbytes(28 if header >= 0x60 else 56)
        for header in rng.choices(HEADERS, k=count)
    ]


def judged_alone(text: str) -> bytes | None:
    try:
        return Address.from_bech32(text).to_bytes()
    except InvalidAddress:
        return None


def test_addresses_in_blocks_are_those_that_are_read_and_written_alone() -> None:
    raws = some_addresses(2 * bech32_blocks.FEW, seed=1)
    texts = encode_addresses(raws)
    assert texts == [Address.from_bytes(raw).to_bech32() for raw in raws]
    assert texts == [PycardanoAddress.from_primitive(raw).encode() for raw in raws]
    assert decode_addresses(texts) == raws


@given(st.integers(0, 1 << 32))
def test_blocks_refuse_what_is_refused_alone(seed: int) -> None:
    """A letter is changed, lost, doubled or swapped with its neighbour; the rest of the block is right."""
    rng = random.Random(seed)  # noqa: S311
    texts = encode_addresses(some_addresses(bech32_blocks.FEW + 8, seed))
    for place in rng.sample(range(len(texts)), 24):
        text, at = texts[place], rng.randrange(len(texts[place]) - 1)
        texts[place] = rng.choice(
            (
                text[:at] + rng.choice(LETTERS) + text[at + 1 :],
                text[:at] + text[at + 1 :],
                text[:at] + text[at] + text[at:],
                text[:at] + text[at + 1] + text[at] + text[at + 2 :],
            )
        )
    assert decode_addresses(texts) == [judged_alone(text) for text in texts]


def test_padding_that_is_not_zero_and_other_headers_are_left_to_who_judges_alone() -> None:
    wrong = [bytes((header,)) + bytes(56) for header in (0x02, 0x40, 0x50, 0xE0)]
    texts = ["addr_test1" + _letters(raw, padding=0) for raw in wrong]
    texts += ["addr_test1" + _letters(bytes(57), padding=5)]
    usual = encode_addresses(some_addresses(bech32_blocks.FEW, seed=3))
    found = decode_addresses([*usual, *texts])
    assert found[-len(texts) :] == [None] * len(texts)
    assert None not in found[: -len(texts)]


def _letters(raw: bytes, padding: int) -> str:
    """The letters of an address with a right checksum, whatever its header and its padding are."""
    bits = int.from_bytes(raw, "big") << 4 | padding
    values = [(bits >> shift) & 31 for shift in range(5 * 91, -1, -5)]
    words = [ord(c) >> 5 for c in "addr_test"] + [0] + [ord(c) & 31 for c in "addr_test"]
    checksum = 1
    for word in (*words, *values, *[0] * 6):
        top, checksum = checksum >> 25, (checksum & 0x1FFFFFF) << 5 ^ word
        for bit, constant in enumerate(
            (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
        ):
            checksum ^= constant if (top >> bit) & 1 else 0
    values += [((checksum ^ 1) >> shift) & 31 for shift in (25, 20, 15, 10, 5, 0)]
    return "".join("qpzry9x8gf2tvdw0s3jn54khce6mua7l"[value] for value in values)


def rows(count: int, seed: int = 7) -> list[dict[str, Any]]:
    """Rows as JSON has them, of every kind of address, and one in ten with a datum."""
    rng = random.Random(seed)  # noqa: S311
    texts = encode_addresses(
        [bytes((raw[0] & 0xF0,)) + raw[1:] for raw in some_addresses(count, seed)]
    )
    found: list[dict[str, Any]] = [
        {
            "beneficiary_address": text,
            "token_amount": rng.choice((1, 23, 24, 255, 256, 1 << 32, rng.randrange(1, 1 << 40))),
            "milestone_identifier": f"milestone-{number % 5}",
            "vesting_timestamp": rng.choice((0, 1_735_689_600, 1_798_761_600)),
        }
        for number, text in enumerate(texts)
    ]
    for row in found[::10]:
        row.update(rng.choice(({"datum": "d87980"}, {"datum_hash": "ab" * 32})))
    return found


def independent_root(leaves: list[bytes], depth: int) -> bytes:
    """The tree as the protocol's page says, one node at a time."""
    level = [*leaves, *[bytes(36)] * ((1 << depth) - len(leaves))]
    while len(level) > 1:
        level = [_above(left, right) for left, right in zip(level[::2], level[1::2], strict=True)]
    return level[0]


def _above(left: bytes, right: bytes) -> bytes:
    total = int.from_bytes(left[28:], "big") + int.from_bytes(right[28:], "big")
    return _hash(b"\x01" + left + right) + total.to_bytes(8, "big")


def _hash(data: bytes) -> bytes:
    return blake2b(data, digest_size=28).digest()


def independent_leaf(row: dict[str, Any]) -> bytes:
    """A leaf put together by cbor2 and by hand: Plutus Data has lists of indefinite length."""

    def constr(index: int, *fields: bytes) -> bytes:
        body = b"\x9f" + b"".join(fields) + b"\xff" if fields else b"\x80"
        return bytes((0xD8, 121 + index)) + body

    raw = bytes(PycardanoAddress.from_primitive(row["beneficiary_address"]).to_primitive())
    kind = raw[0] >> 4
    payment = constr(kind & 1, cbor2.dumps(raw[1:29]))
    staking = constr(1)
    if kind < 4:
        staking = constr(0, constr(0, constr(kind >> 1 & 1, cbor2.dumps(raw[29:]))))
    datum = constr(0)
    if "datum" in row:
        datum = constr(2, bytes.fromhex(row["datum"]))
    if "datum_hash" in row:
        datum = constr(1, cbor2.dumps(bytes.fromhex(row["datum_hash"])))
    name, vesting_ms = row["milestone_identifier"].encode(), row["vesting_timestamp"] * 1000
    fields = constr(0, payment, staking) + datum + cbor2.dumps(name) + cbor2.dumps(vesting_ms)
    digest = _hash(b"\x00\x9f" + fields + b"\xff")
    return digest + int(row["token_amount"]).to_bytes(8, "big")


def test_leaves_and_roots_out_of_columns_are_those_that_others_reckon(contract: Contract) -> None:
    given_rows = rows(300)
    columns = columns_of_rows(given_rows)
    assert columns is not None
    expected = [independent_leaf(row) for row in given_rows]
    assert leaf_nodes(columns) == expected == [leaf_of(each) for each in columns]
    distribution = Distribution.from_schedule(schedule_of(columns, page_depth=5), contract)
    pages = [expected[start : start + 32] for start in range(0, 300, 32)]
    assert distribution.terms.pages == tuple(independent_root(page, 5) for page in pages)
    assert distribution.terms.total_token_amount == columns.total


def schedule_of(allocations: Any, **changes: Any) -> MilestoneSchedule:
    creator = "addr_test1" + _letters(bytes(57), padding=0)
    return parse_schedule(
        {
            "token_policy_id": "ab" * 28,
            "token_name": "",
            "beneficiary_allocations": allocations,
            "oracle_addresses": [creator],
            "quorum_threshold": 1,
            "creator": creator,
            "irrevocable": True,
            "contract_metadata": {"created_at": 1_790_000_000, "network_magic": 1},
            **changes,
        }
    )


def test_rows_come_back_from_columns_as_they_were_written() -> None:
    given_rows = rows(200)
    columns = columns_of_rows(given_rows)
    assert columns is not None
    assert list(columns.documents()) == given_rows
    records = tuple(Allocation.model_validate(row) for row in given_rows)
    assert columns == records
    assert columns[60:90] == records[60:90]
    assert AllocationColumns.of(records) == columns
    schedule = schedule_of(given_rows)
    assert isinstance(schedule.beneficiary_allocations, AllocationColumns)
    again = schedule.model_dump(mode="json", exclude_none=True)
    assert list(again["beneficiary_allocations"]) == given_rows


WRONG: dict[str, dict[str, Any]] = {
    "of another network": {"beneficiary_address": encode_addresses([b"\x01" + bytes(56)])[0]},
    "a script without a datum": {"beneficiary_address": encode_addresses([b"\x70" + bytes(28)])[0]},
    "an amount of nothing": {"token_amount": 0},
    "an amount that no ledger holds": {"token_amount": 1 << 63},
    "a nameless milestone": {"milestone_identifier": ""},
    "a name with blanks": {"milestone_identifier": " milestone-1"},
    "a name with a character nobody sees": {"milestone_identifier": "milestone\u200b-1"},
    "a name that looks like another": {"milestone_identifier": "milestone\u00a0-1"},
    "milliseconds": {"vesting_timestamp": 1_798_761_600_000},
    "a year": {"vesting_timestamp": 2027},
    "two data": {"datum": "d87980", "datum_hash": "ab" * 32},
    "no data": {"datum": "ff"},
}


@pytest.mark.parametrize("name", WRONG)
def test_the_rules_say_the_same_of_columns_as_of_records(name: str) -> None:
    usual = [{**row, "milestone_identifier": "milestone-1"} for row in rows(40, seed=2)]
    wrong = [
        {**row, **(WRONG[name] if number in {7, 23} else {})} for number, row in enumerate(usual)
    ]
    columns = columns_of_rows(wrong)
    assert columns is not None
    records = tuple(Allocation.model_validate(row) for row in wrong)
    as_columns, as_records = (
        schedule_of([]).model_copy(update={"beneficiary_allocations": each})
        for each in (columns, records)
    )
    circumstances = Circumstances(1_700_000_000_000)
    found = [*implausible(as_columns), *problems_of(as_columns, circumstances)]
    assert found == [*implausible(as_records), *problems_of(as_records, circumstances)]
    assert found
    assert list(row_doubts(as_columns)) == list(row_doubts(as_records))


def test_a_row_that_is_there_twice_is_found_whatever_else_repeats() -> None:
    """The same person, or the same amount, is no repetition; all fields together are."""
    given_rows = rows(60)
    given_rows[31] = {**given_rows[5], "token_amount": given_rows[5]["token_amount"] + 1}
    given_rows[41] = dict(given_rows[10])
    given_rows[42] = {**given_rows[10], "datum": "d87a80"}
    given_rows[42].pop("datum_hash", None)
    columns = columns_of_rows(given_rows)
    assert columns is not None
    assert list(columns.repeats()) == [(41, 10)]


@pytest.mark.parametrize(
    "change",
    [
        {"token_amount": -1},
        {"token_amount": 1.0},
        {"token_amount": True},
        {"token_amount": 1 << 64},
        {"vesting_timestamp": "1798761600"},
        {"milestone_identifier": "\ud800"},
        {"beneficiary_address": "addr_test1"},
        {"beneficiary_address": None},
        {"datum": "d8 79 80"},
        {"unknown": 1},
    ],
)
def test_odd_rows_are_left_to_who_says_what_is_wrong(change: dict[str, Any]) -> None:
    given_rows = rows(150)
    given_rows[149] = {**given_rows[149], **change}
    assert columns_of_rows(given_rows) is None


def test_a_table_finds_addresses_by_their_parts_alone() -> None:
    """A hash that stands across two rows, or in the middle of a part, is nobody's."""
    first, second = bytes((0x00,)) + bytes(range(1, 57)), bytes((0x00,)) + bytes(range(101, 157))
    short = bytes((0x60,)) + first[1:29]
    joined = b"".join(raw.ljust(57, b"\0") for raw in (first, second, short, first))
    columns = AllocationColumns(joined, array("Q", [1] * 4), array("I", [0] * 4), (), {})
    table = ColumnTable(columns, (3, 9, 12, 40))
    assert table.with_payment(first[1:29]) == [3, 12, 40]
    assert table.with_staking(first[29:]) == [3, 40]
    assert table.with_payment(first[29:]) == table.with_staking(first[1:29]) == []
    assert table.with_payment(joined[40:68]) == table.with_staking(joined[40:68]) == []
