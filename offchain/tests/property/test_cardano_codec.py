"""CBOR and Plutus Data against cbor2 and pycardano, and the reader's refusals."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass

import cbor2
import pycardano
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milestones.cardano import cbor, plutus_data
from milestones.cardano.cbor import Item
from milestones.cardano.plutus_data import Constr, PlutusData, PlutusMap
from milestones.errors import InvalidEncoding

SCALARS = st.one_of(
    st.integers(-(1 << 64), (1 << 64) - 1),
    st.binary(max_size=80),
    st.text(max_size=20),
    st.booleans(),
    st.none(),
    st.floats(allow_nan=False),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.integers(0, 99) | st.text(max_size=4), inner, max_size=4),
    ),
    max_leaves=12,
)
DATA: st.SearchStrategy[PlutusData] = st.recursive(
    st.one_of(st.integers(-(1 << 200), 1 << 200), st.binary(max_size=150)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(tuple),
        st.builds(
            Constr,
            st.sampled_from((0, 6, 7, 127, 128, (1 << 64) - 1)),
            st.lists(inner, max_size=4).map(tuple),
        ),
        st.builds(PlutusMap, st.lists(st.tuples(inner, inner), max_size=3).map(tuple)),
    ),
    max_leaves=12,
)


def plain(item: Item) -> object:
    """An item as the Python value that cbor2 would give."""
    if item.kind == cbor.ARRAY:
        return [plain(element) for element in item.array()]
    if item.kind == cbor.MAP:
        return {plain(key): plain(value) for key, value in item.entries()}
    return item.value


@given(VALUES)
def test_reads_what_cbor2_writes(value: object) -> None:
    raw = cbor2.dumps(value)
    item = cbor.read(raw)
    assert plain(item) == value
    assert item.raw == raw


@given(st.lists(VALUES, min_size=1, max_size=4))
def test_every_item_knows_the_bytes_it_was_read_from(values: list[object]) -> None:
    raw = cbor2.dumps(values)
    assert [element.raw for element in cbor.read(raw).array()] == [cbor2.dumps(v) for v in values]


@given(st.binary(max_size=120))
def test_reads_or_refuses_as_cbor2_does(raw: bytes) -> None:
    try:
        item = cbor.read_first(raw)
    except InvalidEncoding:
        return
    stream = io.BytesIO(raw)
    try:
        cbor2.CBORDecoder(stream, tag_hook=lambda _, tag: tag).decode()
    except (cbor2.CBORDecodeError, TypeError, ValueError):
        return  # well-formed, but cbor2 gives some tags and keys a meaning
    assert item.end == stream.tell()


@given(st.integers(0, 7), st.integers(0, (1 << 64) - 1))
def test_heads_are_the_shortest(kind: int, argument: int) -> None:
    head = cbor.head(kind, argument)
    assert head[0] >> 5 == kind
    if kind == cbor.UINT:
        assert head == cbor2.dumps(argument)


def test_a_head_has_at_most_64_bits() -> None:
    with pytest.raises(InvalidEncoding, match="does not fit"):
        cbor.head(cbor.UINT, 1 << 64)


def test_an_item_shows_its_kind_and_bytes() -> None:
    assert repr(cbor.read(b"\x41a")) == "Item(bytes, 4161)"


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("1800", 0),
        ("1b0000000000000001", 1),
        ("3b0000000000000000", -1),
        ("5f41614162ff", b"ab"),
        ("5fff", b""),
        ("7f6161ff", "a"),
        ("9f01ff", [1]),
        ("980101", [1]),
        ("bf0102ff", {1: 2}),
        ("f5", True),
        ("f93c00", 1.0),
    ],
)
def test_unusual_forms_mean_what_they_mean(raw: str, value: object) -> None:
    assert plain(cbor.read(bytes.fromhex(raw))) == value


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("", "ends at byte 0"),
        ("0000", "1 bytes follow"),
        ("18", "inside the head"),
        ("1c", "starts no CBOR item"),
        ("1f", "starts no CBOR item"),
        ("3f", "starts no CBOR item"),
        ("df", "starts no CBOR item"),
        ("ff", "starts no CBOR item"),
        ("42ff", "1 bytes longer"),
        ("5bffffffffffffffff", "longer than the data"),
        ("9bffffffffffffffff", "ends at byte 9"),
        ("bbffffffffffffffff", "ends at byte 9"),
        ("5f6161ff", "not a definite string"),
        ("5f5f4161ffff", "not a definite string"),
        ("5f4161", "indefinite length"),
        ("9f01", "indefinite length"),
        ("bf01ff", "has no value"),
        ("61ff", "not UTF-8"),
        ("7f61c361a9ff", "not UTF-8"),
        ("f818", "form that is not allowed"),
        ("c0", "ends at byte 1"),
    ],
)
def test_what_is_not_well_formed_is_refused(raw: str, words: str) -> None:
    with pytest.raises(InvalidEncoding, match=words):
        cbor.read(bytes.fromhex(raw))


@pytest.mark.parametrize("opening", ["81", "9f", "c1", "d905f2", "a100", "bf00"])
def test_depth_is_limited(opening: str) -> None:
    step = bytes.fromhex(opening)
    closing = b"\xff" if opening[:2] in ("9f", "bf") else b""
    cbor.read(step * cbor.MAX_DEPTH + b"\0" + closing * cbor.MAX_DEPTH)
    for extra in (1, 10_000):
        deep = cbor.MAX_DEPTH + extra
        with pytest.raises(InvalidEncoding, match="deeper than 500"):
            cbor.read(step * deep + b"\0" + closing * deep)


@pytest.mark.parametrize(
    "raw",
    [
        "a2010101" + "02",
        "a201011801" + "02",
        "a241610141" + "6102",
        "a2" + "8101" + "01" + "9f01ff02",
    ],
)
def test_a_key_that_stands_twice_is_refused_however_it_is_encoded(raw: str) -> None:
    item = cbor.read(bytes.fromhex(raw))
    assert len(item.pairs()) == 2
    with pytest.raises(InvalidEncoding, match="stands twice"):
        list(item.entries())


def test_keys_that_only_look_alike_are_two() -> None:
    raw = bytes.fromhex("a40100413100613100f500")
    assert len(list(cbor.read(raw).entries())) == 4


@pytest.mark.parametrize("opening", ["81", "c1", "a100"])
def test_the_deepest_key_is_still_compared(opening: str) -> None:
    deep = bytes.fromhex(opening) * (cbor.MAX_DEPTH - 1) + b"\0"
    with pytest.raises(InvalidEncoding, match="stands twice"):
        list(cbor.read(b"\xa2" + (deep + b"\0") * 2).entries())


def test_a_value_of_another_kind_is_refused_with_its_place() -> None:
    item = cbor.read(bytes.fromhex("82014161"))
    first, second = item.array()
    for wrong in (first.bytes, first.text, first.array, first.pairs, second.integer, item.unsigned):
        with pytest.raises(InvalidEncoding, match="at byte"):
            wrong()
    with pytest.raises(InvalidEncoding, match="expected 2 bytes, found 1"):
        second.bytes(2)
    assert second.bytes(1) == b"a"


def test_null_and_tags() -> None:
    assert cbor.read(b"\xf6").is_null()
    assert not cbor.read(b"\xf7").is_null()
    tagged = cbor.read(bytes.fromhex("d9010280"))
    assert tagged.untagged(258).array() == ()
    assert tagged.untagged(259) is tagged


@given(DATA)
def test_plutus_data_comes_back(data: PlutusData) -> None:
    assert plutus_data.decode(plutus_data.encode(data)) == data


def meaning(value: object) -> PlutusData:
    """Plutus Data out of what cbor2 read: an independent second reader."""
    if isinstance(value, cbor2.CBORTag):
        if value.tag == 102:
            return Constr(value.value[0], tuple(meaning(x) for x in value.value[1]))
        index = value.tag - 121 if value.tag < 128 else value.tag - 1280 + 7
        return Constr(index, tuple(meaning(x) for x in value.value))
    if isinstance(value, list):
        return tuple(meaning(x) for x in value)
    if isinstance(value, dict):
        return PlutusMap(tuple((meaning(k), meaning(v)) for k, v in value.items()))
    assert isinstance(value, (int, bytes))
    return value


FLAT_KEYS: st.SearchStrategy[PlutusData] = st.recursive(
    st.one_of(st.integers(-(1 << 200), 1 << 200), st.binary(max_size=150)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(tuple),
        st.builds(Constr, st.sampled_from((0, 6, 7, 127, 128)), st.lists(inner).map(tuple)),
        st.builds(
            lambda entries: PlutusMap(tuple(entries.items())),
            st.dictionaries(st.binary(max_size=70), inner, max_size=3),
        ),
    ),
    max_leaves=12,
)


@given(FLAT_KEYS)
def test_cbor2_reads_the_same_plutus_data(data: PlutusData) -> None:
    assert meaning(cbor2.loads(plutus_data.encode(data))) == data


@dataclass
class Pair(pycardano.PlutusData):  # type: ignore[misc]
    """Two fields, as pycardano writes them."""

    CONSTR_ID = 3
    number: int
    name: bytes


@given(st.integers(-(1 << 100), 1 << 100), st.binary(max_size=200))
def test_pycardano_writes_the_same_constructors(number: int, name: bytes) -> None:
    assert plutus_data.encode(Constr(3, (number, name))) == Pair(number, name).to_cbor()


@pytest.mark.parametrize(
    ("data", "raw"),
    [
        ((), "80"),
        ((1,), "9f01ff"),
        (Constr(0), "d87980"),
        (Constr(6, (1,)), "d87f9f01ff"),
        (Constr(7), "d9050080"),
        (Constr(127), "d9057880"),
        (Constr(128), "d8668218" + "8080"),
        (PlutusMap(), "a0"),
        (PlutusMap(((1, 2), (1, 3))), "a201020103"),
        (b"", "40"),
        (b"a" * 64, "5840" + "61" * 64),
        (b"a" * 65, "5f5840" + "61" * 64 + "4161ff"),
        ((1 << 64) - 1, "1bffffffffffffffff"),
        (1 << 64, "c249010000000000000000"),
        (-(1 << 64), "3bffffffffffffffff"),
        (-(1 << 64) - 1, "c349010000000000000000"),
        (1 << 512, "c25f584001" + "00" * 63 + "4100ff"),
    ],
)
def test_the_encoding_of_serialise_data(data: PlutusData, raw: str) -> None:
    assert plutus_data.encode(data).hex() == raw
    assert plutus_data.decode(bytes.fromhex(raw)) == data


@pytest.mark.parametrize(
    ("raw", "data"),
    [
        ("8101", (1,)),
        ("d87981" + "01", Constr(0, (1,))),
        ("d8668200" + "80", Constr(0)),
        ("bf0102ff", PlutusMap(((1, 2),))),
        ("1801", 1),
        ("c24101", 1),
        ("5f4161ff", b"a"),
    ],
)
def test_other_encodings_are_read_as_what_they_mean(raw: str, data: PlutusData) -> None:
    assert plutus_data.decode(bytes.fromhex(raw)) == data


@pytest.mark.parametrize(
    "raw",
    [
        "f5",
        "f6",
        "6161",
        "f93c00",
        "d87a01",
        "d88080",
        "d9057980",
        "d86680",
        "d8668120",
        "d866822080",
        "c280",
        "c401",
        "5841" + "61" * 65,
        "5f5841" + "61" * 65 + "ff",
        "c25841" + "01" * 65,
        "80" + "00",
    ],
)
def test_what_is_no_plutus_data_is_refused(raw: str) -> None:
    with pytest.raises(InvalidEncoding):
        plutus_data.decode(bytes.fromhex(raw))


@pytest.mark.parametrize("opening", ["9f", "d8799f", "bf00"])
def test_plutus_data_at_the_deepest_level(opening: str) -> None:
    levels = cbor.MAX_DEPTH // (2 if opening.startswith("d8") else 1)
    raw = bytes.fromhex(opening) * levels + b"\0" + b"\xff" * levels
    data = plutus_data.decode(raw)
    if opening != "bf00":
        assert plutus_data.encode(data) == raw
    with pytest.raises(InvalidEncoding, match="deeper"):
        plutus_data.decode(bytes.fromhex(opening) * (levels + 1) + b"\0" + b"\xff" * (levels + 1))


@given(st.floats(allow_nan=False))
def test_floats(value: float) -> None:
    assert cbor.read(b"\xfb" + struct.pack(">d", value)).value == value
