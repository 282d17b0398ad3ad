"""The announced schedule: the same schedule comes back, from any number of parts; junk does not."""

from __future__ import annotations

from itertools import pairwise

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milestones.cardano import cbor
from milestones.cardano.address import Address, key_credential
from milestones.domain.models import Allocation
from milestones.errors import InvalidEncoding, InvalidSchedule
from milestones.protocol.announced_schedule import (
    decode_allocations,
    decode_column,
    encode_allocations,
    encode_column,
)
from milestones.protocol.schedule_metadata import (
    GROUP,
    LABEL,
    MOST_PARTS,
    Link,
    ScheduleAssembly,
    SchedulePart,
    decode_part,
    encode_part,
    links_of_opening,
    links_of_part,
    segment_capacity,
    split_schedule,
)

SCHEDULES = st.lists(st.from_type(Allocation), min_size=1, max_size=40).map(tuple)
COLUMNS = st.one_of(
    st.lists(st.integers(0, (1 << 64) - 1), min_size=1, max_size=80),
    st.lists(st.integers(0, 3), min_size=1, max_size=80),
    st.builds(
        lambda values, times: values * times,
        st.lists(st.integers(0, 9), min_size=1, max_size=5),
        st.integers(1, 30),
    ),
)


def allocation(number: int, milestone: int = 0, amount: int = 1_000_000) -> Allocation:
    return Allocation(
        beneficiary_address=Address(
            0,
            key_credential(number.to_bytes(28, "big")),
            key_credential(number.to_bytes(28, "big")),
        ),
        token_amount=amount,
        milestone_identifier=f"milestone-{milestone:03}",
        vesting_timestamp=1735689600 + milestone,
    )


def publish(
    body: bytes, *, opening_capacity: int, part_capacity: int
) -> tuple[bytes, dict[bytes, tuple[int, bytes]]]:
    """(the opening's metadata, transaction id -> (slot, metadata)), as a creator would publish them."""
    *segments, last = split_schedule(
        body, opening_capacity=opening_capacity, part_capacity=part_capacity
    )
    links: list[Link] = []
    chain: dict[bytes, tuple[int, bytes]] = {}
    for number, segment in enumerate(segments):
        metadata = encode_part(SchedulePart(links_of_part(links), segment))
        assert len(metadata) <= part_capacity
        transaction_id = number.to_bytes(32, "big")
        chain[transaction_id] = (1000 + number, metadata)
        links.append(Link(1000 + number, transaction_id))
    opening = encode_part(SchedulePart(links_of_opening(links), last))
    assert len(opening) <= opening_capacity
    return opening, chain


def collect(opening: bytes, chain: dict[bytes, tuple[int, bytes]]) -> bytes:
    assembly = ScheduleAssembly(opening)
    while assembly.missing:
        link = assembly.missing[-1]
        slot, metadata = chain[link.transaction_id]
        assert link.slot == slot
        assembly.add(link.transaction_id, metadata)
    return assembly.body()


@given(SCHEDULES)
def test_the_schedule_comes_back_in_its_order(schedule: tuple[Allocation, ...]) -> None:
    body = encode_allocations(schedule)
    assert decode_allocations(body, most=len(schedule), network_id=0) == schedule
    assert encode_allocations(schedule) == body


@given(SCHEDULES)
def test_reading_stops_at_the_leaves_that_the_terms_have_room_for(
    schedule: tuple[Allocation, ...],
) -> None:
    with pytest.raises(InvalidEncoding, match="at most"):
        decode_allocations(encode_allocations(schedule), most=len(schedule) - 1, network_id=0)


@given(COLUMNS)
def test_columns_come_back(values: list[int]) -> None:
    encoded = encode_column(values)
    assert decode_column(cbor.read(encoded), len(values)) == values
    assert len(encoded) <= len(cbor2.dumps([0, values]))


@given(COLUMNS, st.integers(-3, 3).filter(bool))
def test_a_column_of_another_length_is_refused_or_cut_from_a_cycle(
    values: list[int], difference: int
) -> None:
    encoded = encode_column(values)
    length = max(1, len(values) + difference)
    try:
        found = decode_column(cbor.read(encoded), length)
    except InvalidEncoding:
        return
    assert len(found) == length


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([5] * 100, [2, [5]]),
        ([5] * 50 + [6] * 50, [1, [5, 50, 6, 50]]),
        ([1, 2, 3] * 30, [2, [1, 2, 3]]),
        ([1, 3, 2], [0, [1, 3, 2]]),
        (
            [10**12, 10**13, 10**13, 10**12, 10**12, 10**12, 10**13],
            [3, [[10**12, 10**13], [0, [0, 1, 1, 0, 0, 0, 1]]]],
        ),
    ],
)
def test_the_shortest_form_is_taken(values: list[int], expected: list[object]) -> None:
    assert cbor2.loads(encode_column(values)) == expected


@pytest.mark.parametrize(
    "column",
    [
        [4, [1, 1]],
        [1, [7, 3]],
        [1, [7, 1 << 60]],
        [1, [7, 1]],
        [2, []],
        [0, [1, -1]],
        [0, [1, "1"]],
        [3, [[5], [0, [0, 1]]]],
        [3, [[5], [3, [[0], [0, [0, 0]]]]]],
        [0],
        [0, [1, 2], 3],
        7,
    ],
)
def test_columns_that_nobody_writes(column: object) -> None:
    with pytest.raises(InvalidEncoding):
        decode_column(cbor.read(cbor2.dumps(column)), 2)


def test_a_schedule_of_many_takes_little_more_than_their_addresses() -> None:
    schedule = [allocation(n // 3, n % 3) for n in range(300)]
    assert len(encode_allocations(schedule)) < 100 * 57 + 120


@given(SCHEDULES, st.integers(120, 900), st.integers(820, 900))
def test_any_split_comes_back(
    schedule: tuple[Allocation, ...], opening_capacity: int, part_capacity: int
) -> None:
    body = encode_allocations(schedule)
    try:
        published = publish(body, opening_capacity=opening_capacity, part_capacity=part_capacity)
    except InvalidSchedule:
        parts = len(body) // 140 + 1
        assert opening_capacity < 14 + 44 * (parts // GROUP + GROUP - 1)
        return
    assert collect(*published) == body


@given(st.integers(0, 3000), st.integers(0, 40))
def test_a_segment_fits_into_its_capacity(capacity: int, links: int) -> None:
    largest = tuple(Link((1 << 64) - 1, bytes(32)) for _ in range(links))
    fits = segment_capacity(capacity, links)
    if fits:
        assert len(encode_part(SchedulePart(largest, bytes(fits)))) <= capacity
        assert len(encode_part(SchedulePart((), bytes(fits + 8)))) > capacity - 44 * links - 14


def test_the_last_byte_of_room_for_links_decides() -> None:
    body = bytes(10 * segment_capacity(2500, GROUP - 1))
    room = 14 + 10 * 44
    assert len(split_schedule(body, opening_capacity=room, part_capacity=2500)) == 11
    with pytest.raises(InvalidSchedule):
        split_schedule(body, opening_capacity=room - 1, part_capacity=2500)


def test_a_large_schedule_needs_few_links_in_its_opening() -> None:
    body = encode_allocations([allocation(n) for n in range(3000)])
    opening, chain = publish(body, opening_capacity=1100, part_capacity=2500)
    assert len(chain) > 5 * GROUP
    assert len(decode_part(opening).links) <= len(chain) // GROUP + GROUP - 1
    assert collect(opening, chain) == body


def test_a_small_schedule_is_in_the_opening_alone() -> None:
    body = encode_allocations([allocation(n) for n in range(5)])
    assert split_schedule(body, opening_capacity=1000, part_capacity=1000) == (body,)


def test_what_does_not_fit_is_refused() -> None:
    body = encode_allocations([allocation(n) for n in range(500)])
    for capacities in (
        {"opening_capacity": 50, "part_capacity": 2500},
        {"opening_capacity": 900, "part_capacity": 700},
    ):
        with pytest.raises(InvalidSchedule):
            split_schedule(body, **capacities)


@given(
    st.binary(max_size=300),
    st.lists(st.builds(Link, st.integers(0, 1 << 40), st.binary(min_size=32, max_size=32))),
)
def test_metadata_keeps_the_ledgers_rules(segment: bytes, links: list[Link]) -> None:
    metadata = encode_part(SchedulePart(tuple(links), segment))
    ((label, (version, shown, chunks)),) = cbor2.loads(metadata).items()
    assert (label, version) == (LABEL, 1)
    assert label.to_bytes(4, "big") == b"MILE"
    assert all(len(chunk) <= 64 for chunk in chunks)
    assert b"".join(chunks) == segment
    assert shown == [[link.slot, link.transaction_id] for link in links]
    assert decode_part(metadata) == SchedulePart(tuple(links), segment)


def test_every_form_of_auxiliary_data_is_read() -> None:
    part = SchedulePart((), b"segment")
    plain = cbor2.loads(encode_part(part))
    beside = {674: {"msg": ["hello"]}, **plain}
    forms = (beside, [beside, []], cbor2.CBORTag(259, {0: beside}))
    assert all(decode_part(cbor2.dumps(form)) == part for form in forms)


@pytest.mark.parametrize(
    "junk",
    [
        {},
        {674: "hello"},
        {LABEL: 7},
        {LABEL: []},
        {LABEL: [2, [], []]},
        {LABEL: [1, []]},
        {LABEL: [1, [[5]], []]},
        {LABEL: [1, [[5, b"short"]], []]},
        {LABEL: [1, [], ["text"]]},
        cbor2.CBORTag(259, {1: []}),
        [],
        "MILE",
    ],
)
def test_metadata_of_others_is_refused(junk: object) -> None:
    with pytest.raises(InvalidEncoding):
        decode_part(cbor2.dumps(junk))


@given(st.binary(max_size=200))
def test_random_bytes_raise_nothing_but_a_refusal(junk: bytes) -> None:
    for read in (decode_part, lambda data: decode_allocations(data, most=9, network_id=0)):
        with pytest.raises(InvalidEncoding):
            read(junk)


@given(SCHEDULES, st.data())
def test_a_damaged_schedule_is_refused_or_another_schedule(
    schedule: tuple[Allocation, ...], data: st.DataObject
) -> None:
    body = bytearray(encode_allocations(schedule))
    body[data.draw(st.integers(0, len(body) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        found = decode_allocations(bytes(body), most=len(schedule), network_id=0)
    except InvalidEncoding:
        return
    assert len(found) <= len(schedule)


GOOD = [1, b"\x60" + b"k" * 28, [b"m"], [0, [1]], [0, [0]], [0, [5]], [0, [9]]]


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (0, 0, "0 allocations"),
        (0, 2, "1 values where 2"),
        (1, b"", "without addresses"),
        (1, b"\x60" + b"k" * 27, "bad address"),
        (1, b"\x82" + b"k" * 28, "bad address"),
        (2, [b"\xff"], "not UTF-8"),
        (2, [], "without a milestone 0"),
        (2, ["m"], "expected bytes"),
        (4, [0, [1]], "without a milestone 1"),
    ],
)
def test_a_schedule_with_one_defect(place: int, value: object, words: str) -> None:
    (allocation,) = decode_allocations(cbor2.dumps(GOOD), most=9, network_id=1)
    assert allocation.beneficiary_address.network_id == 1
    damaged = [*GOOD[:place], value, *GOOD[place + 1 :]]
    with pytest.raises(InvalidEncoding, match=words):
        decode_allocations(cbor2.dumps(damaged), most=9, network_id=0)
    with pytest.raises(InvalidEncoding, match="9 are expected"):
        decode_allocations(cbor2.dumps(GOOD[:-1]), most=9, network_id=0)


def test_parts_that_lead_in_circles_or_astray_are_refused() -> None:
    one, other = Link(1, b"1" * 32), Link(2, b"2" * 32)
    with pytest.raises(InvalidEncoding, match="linked twice"):
        ScheduleAssembly(encode_part(SchedulePart((one, one), b"")))
    assembly = ScheduleAssembly(encode_part(SchedulePart((one,), b"")))
    with pytest.raises(InvalidEncoding, match="missing"):
        assembly.body()
    with pytest.raises(InvalidEncoding, match="no missing part"):
        assembly.add(other.transaction_id, encode_part(SchedulePart((), b"")))
    with pytest.raises(InvalidEncoding, match="linked twice"):
        assembly.add(one.transaction_id, encode_part(SchedulePart((one,), b"")))


def test_nobody_makes_a_reader_fetch_parts_without_end() -> None:
    links = [Link(slot, slot.to_bytes(32, "big")) for slot in range(MOST_PARTS + 1)]
    assembly = ScheduleAssembly(encode_part(SchedulePart(tuple(links[:1]), b"")))
    for link, following in pairwise(links[:-1]):
        assembly.add(link.transaction_id, encode_part(SchedulePart((following,), b"")))
    with pytest.raises(InvalidEncoding, match=f"in more than {MOST_PARTS} parts"):
        assembly.add(links[-2].transaction_id, encode_part(SchedulePart((links[-1],), b"")))
