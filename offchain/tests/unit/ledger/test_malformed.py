"""Bytes that the ledger's decoders refuse, and scripts that aren't well-formed: a case for each reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zlib import crc32

import cbor2
import pytest

from milestones.cardano import cbor
from milestones.cardano.cbor import Item
from milestones.cardano.outputs import Script, ScriptLanguage
from milestones.cardano.value import AssetId, Value
from milestones.devnet.ledger.addresses import decode_address
from milestones.devnet.ledger.auxiliary_data import check_auxiliary_form
from milestones.devnet.ledger.failures import TransactionRejected
from milestones.devnet.ledger.outputs import decode_mint, decode_output_value, output_from_item
from milestones.devnet.ledger.plutus import is_well_formed
from milestones.devnet.ledger.plutus.flat import FlatReader, MalformedScript
from milestones.devnet.ledger.plutus_data import check_plutus_data
from milestones.devnet.ledger.scripts import (
    check_native_script,
    decode_reference_script,
    native_script_holds,
)
from milestones.devnet.ledger.transaction import decode_transaction, witnesses_from_item
from milestones.devnet.ogmios.rendering import native_script_json, output_json
from milestones.errors import InvalidEncoding
from tests.support.raw_transactions import payment, reference

POLICY, KEY = b"p" * 28, b"k" * 28
ROOT_AND = b"\x83\x58\x1c" + KEY
"""The start of a Byron address' payload, before its attributes and its type."""
MANY = {number.to_bytes(32, "big"): 1 for number in range(1_500)}
Tag = cbor2.CBORTag


def item(value: Any) -> Item:
    return cbor.read(cbor2.dumps(value))


REFUSED: list[tuple[Callable[[Item], Any], Any, str]] = [
    (decode_output_value, [1, {}, 2], "a value of 3 elements"),
    (decode_output_value, [1, {POLICY: {}}], "a policy without tokens"),
    (decode_output_value, [1, {POLICY: {b"": -1}}], "a quantity of zero or less"),
    (decode_output_value, [1, {POLICY: {b"n" * 33: 1}}], "an asset name over 32 bytes"),
    (decode_output_value, [1, {POLICY: {b"": 0}}], "a quantity of zero"),
    (decode_output_value, [1, {b"p" * 27: {b"": 1}}], "28"),
    (decode_output_value, [1, {POLICY: MANY}], "too many tokens"),
    (decode_mint, {}, "an empty mint"),
    (decode_mint, {POLICY: {b"": 1 << 63}}, "over 64 bits"),
    (decode_mint, {POLICY: {b"": -(1 << 63) - 1}}, "over 64 bits"),
    (decode_reference_script, [0, []], "not a reference script"),
    (decode_reference_script, Tag(24, cbor2.dumps([4, b"\x01"])), "of a known language"),
    (decode_reference_script, Tag(24, cbor2.dumps([1])), "of a known language"),
    (check_native_script, [6, []], "not a native script"),
    (check_native_script, [], "not a native script"),
    (check_native_script, [3, []], "not a native script"),
    (check_native_script, [3, 1 << 63, []], "over 64 bits"),
    (check_native_script, [3, -(1 << 63) - 1, []], "over 64 bits"),
    (check_native_script, [3, (1 << 64) - 1, []], "over 64 bits"),
    (check_native_script, [1, [[3, -(1 << 64), [[0, KEY]]]]], "over 64 bits"),
    (check_auxiliary_form, [{}, [[3, 1 << 63, []]]], "over 64 bits"),
    (witnesses_from_item, {1: [[3, 1 << 63, []]]}, "over 64 bits"),
    (check_plutus_data, Tag(120, []), "tag 120"),
    (check_plutus_data, Tag(102, [1]), "tag 102"),
    (check_plutus_data, Tag(102, [-1, []]), "unsigned|natural|integer"),
    (check_plutus_data, b"x" * 65, "over 64 bytes in one piece"),
    (check_plutus_data, "text", "Plutus Data"),
    (check_auxiliary_form, {0: True}, "holds no metadata"),
    (check_auxiliary_form, 5, "not auxiliary data"),
    (check_auxiliary_form, Tag(258, {}), "not auxiliary data"),
    (check_auxiliary_form, [{}], "not auxiliary data"),
    (check_auxiliary_form, Tag(259, {7: []}), "unknown fields"),
    (witnesses_from_item, {2: []}, "an empty set"),
    (witnesses_from_item, {2: [b""]}, "expected array"),
    (witnesses_from_item, {2: [[b"k" * 32, b"s" * 64, b""]]}, "not a bootstrap witness"),
    (witnesses_from_item, {2: [[b"k" * 31, b"s" * 64, b"", b""]]}, "expected 32 bytes"),
    (witnesses_from_item, {2: [[b"k" * 32, b"s" * 63, b"", b""]]}, "expected 64 bytes"),
    (witnesses_from_item, {2: [[b"k" * 32, b"s" * 64, 7, b""]]}, "expected bytes"),
    (witnesses_from_item, {2: [[b"k" * 32, b"s" * 64, b"", {}]]}, "expected bytes"),
    (witnesses_from_item, {5: []}, "no redeemer"),
    (witnesses_from_item, {5: [[0, 0, 1]]}, "not a redeemer"),
    (witnesses_from_item, {5: {}}, "no redeemer"),
    (witnesses_from_item, {5: [[6, 0, 1, [1, 1]]]}, "not a redeemer"),
    (witnesses_from_item, {5: [[0, 1 << 32, 1, [1, 1]]]}, "not a redeemer"),
    (witnesses_from_item, {5: [[0, 0, 1, [1]]]}, "not a redeemer"),
    (witnesses_from_item, {5: [[0, 0, 1, [1 << 63, 1]]]}, "over 63 bits"),
    (witnesses_from_item, {5: {(0, 0, 0): [1, [1, 1]]}}, "not a redeemer"),
    (witnesses_from_item, {5: {(0, 0): [1]}}, "not a redeemer"),
]


def test_a_redeemers_content_in_a_map_has_a_definite_length() -> None:
    """Its pointer, its units and the map itself need not, nor does a redeemer in an array."""
    pointer, data, units = b"\x9f\x00\x00\xff", b"\x9f\xff", b"\x9f\x01\x01\xff"
    in_map = b"\xa1\x05\xbf" + pointer + b"\x82" + data + units + b"\xff"
    in_array = b"\xa1\x05\x9f\x9f\x00\x00" + data + units + b"\xff\xff"
    for legal in (in_map, in_array):
        (redeemer,) = witnesses_from_item(cbor.read(legal)).redeemers
        assert redeemer.data == data
    with pytest.raises(InvalidEncoding, match="not a redeemer"):
        witnesses_from_item(
            cbor.read(b"\xa1\x05\xbf" + pointer + b"\x9f" + data + units + b"\xff\xff")
        )


@pytest.mark.parametrize(("decode", "value", "reason"), REFUSED)
def test_what_is_not_well_formed_is_refused(
    decode: Callable[[Item], Any], value: Any, reason: str
) -> None:
    with pytest.raises(InvalidEncoding, match=reason):
        decode(item(value))


def byron(*parts: Any, tag: int = 24, checksum: int = 0) -> bytes:
    return byron_of(cbor2.dumps(list(parts)), tag, checksum)


def byron_of(payload: bytes, tag: int = 24, checksum: int = 0) -> bytes:
    return cbor2.dumps([Tag(tag, payload), crc32(payload) ^ checksum])


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (byron(KEY, {}, 0, tag=25), "not a Byron address"),
        (byron(KEY, {}, 0, checksum=1), "checksum is wrong"),
        (byron(KEY, {}), "not a Byron address"),
        (byron(KEY, {2: b"\x40"}, 0), "unsigned|natural|integer"),
        (cbor2.dumps([1, 2, 3]), "not a Byron address"),
        (byron(KEY, {}, 1), "type 1"),
        (byron(KEY, {}, 3), "type 3"),
        (byron(KEY, {}, 300), "type 300"),
        (byron(KEY, {}, b""), "integer"),
        (byron_of(ROOT_AND + b"\xa0\x18\x00"), "number .* shortest form"),
        (byron_of(b"\x9f" + ROOT_AND[1:] + b"\xa0\x00\xff"), "not a Byron address"),
        (byron_of(b"\x83\x5f" + ROOT_AND[1:] + b"\xff\xa0\x00"), "in chunks"),
        (byron_of(ROOT_AND + b"\xbf\x03\x40\xff\x00"), "attributes ascend"),
        (byron(KEY, {4: b"", 3: b""}, 0), "attributes ascend"),
        (byron_of(ROOT_AND + b"\xa2\x03\x40\x03\x40\x00"), "attributes ascend"),
        (byron(KEY, {256: b""}, 0), "numbers are bytes"),
        (byron(KEY, {-1: b""}, 0), "integer"),
        (byron(KEY, {3: 5}, 0), "bytes"),
        (byron_of(ROOT_AND + b"\xa1\x03\x5f\x41a\xff\x00"), "in chunks"),
        (byron(KEY, {2: cbor2.dumps(1 << 32)}, 0), "more than 32 bits"),
        (byron(KEY, {2: b"\x18\x07"}, 0), "number .* shortest form"),
        (byron(KEY, {2: b"\x07\x07"}, 0), "follow the end"),
        (byron(KEY, {1: b"\x58\x03abc"}, 0), "bytes .* shortest form"),
        (byron(KEY, {1: b"\x5f\x43abc\xff"}, 0), "bytes .* shortest form"),
        (byron(KEY, {1: b"\x01"}, 0), "expected bytes"),
    ],
    ids=lambda part: part.hex()[-20:] if isinstance(part, bytes) else part,
)
def test_byron_addresses_that_are_none(raw: bytes, reason: str) -> None:
    with pytest.raises(InvalidEncoding, match=reason):
        decode_address(raw)


def test_byron_addresses_name_their_network_by_an_attribute() -> None:
    assert decode_address(byron(KEY, {}, 0)).network_id == 1
    assert decode_address(byron(KEY, {2: b"\x01"}, 0)).network_id == 0
    assert decode_address(byron(KEY, {1: b"\x43abc"}, 0)).is_bootstrap


def test_byron_addresses_that_the_ledger_takes() -> None:
    """Of either type, up to the largest magic, with attributes that nobody knows."""
    assert decode_address(byron(KEY, {}, 2)).network_id == 1
    assert decode_address(byron(KEY, {2: cbor2.dumps((1 << 32) - 1)}, 0)).network_id == 0
    unknown = decode_address(byron(KEY, {0: b"ab", 1: b"\x43abc", 2: b"\x01", 255: b"\xff"}, 0))
    assert (unknown.network_id, unknown.attributes_size) == (0, 6)
    wide = b"\xb8\x02\x18\x03\x58\x01a\x19\x00\x04\x40\x00"
    assert decode_address(byron_of(ROOT_AND + wide)).attributes_size == 1


def test_long_bytes_are_data_in_pieces_of_at_most_64_bytes() -> None:
    pieces = b"\x58\x40" + b"a" * 64
    check_plutus_data(cbor.read(b"\x5f" + pieces + b"\x41b\xff"))
    with pytest.raises(InvalidEncoding, match="in one piece"):
        check_plutus_data(cbor.read(b"\x5f\x58\x41" + b"a" * 65 + b"\xff"))
    check_plutus_data(item(Tag(102, [7, [1]])))
    check_plutus_data(item(Tag(2, b"a" * 64)))


def test_native_scripts_are_shown_clause_by_clause() -> None:
    clauses = [[0, KEY], [4, 10], [5, 20]]
    script = [3, 1, [[1, clauses], [2, []], [0, KEY]]]
    check_native_script(item(script))
    signature = {"clause": "signature", "from": KEY.hex()}
    inner = [signature, {"clause": "after", "slot": 10}, {"clause": "before", "slot": 20}]
    assert native_script_json(cbor2.dumps(script)) == {
        "clause": "some",
        "atLeast": 1,
        "from": [{"clause": "all", "from": inner}, {"clause": "any", "from": []}, signature],
    }


@pytest.mark.parametrize(
    ("wanted", "agrees"), [(-(1 << 63), True), (0, True), (1, False), ((1 << 63) - 1, False)]
)
def test_a_native_script_may_want_any_signed_number_of_64_bits(wanted: int, agrees: bool) -> None:
    script = [3, wanted, []]
    check_native_script(item(script))
    assert native_script_holds(cbor2.dumps(script), frozenset(), None, None) == agrees


@pytest.mark.parametrize("language", [0, 3])
def test_outputs_are_shown_with_datum_hash_and_script(language: int) -> None:
    code: Any = [0, KEY] if language == 0 else b"\x46\x01\x00\x00\x22\x22\x01"
    output = output_from_item(
        item(
            {
                0: b"\x60" + KEY,
                1: [5, {POLICY: {b"": 2}}],
                2: [0, b"h" * 32],
                3: Tag(24, cbor2.dumps([language, code])),
            }
        )
    )
    assert output.value == Value(5, {AssetId(POLICY, b""): 2})
    shown = output_json(output)
    assert shown["datumHash"] == (b"h" * 32).hex()
    assert shown["script"]["language"] == ("native" if language == 0 else "plutus:v3")
    assert ("json" in shown["script"]) == (language == 0)


# -- Plutus Core, bit by bit


def bits(text: str) -> bytes:
    """Bits of a flat encoding, padded as its end is: zeros, then a one."""
    plain = text.replace(" ", "")
    plain += "0" * (-(len(plain) + 1) % 8) + "1"
    return int(plain, 2).to_bytes(len(plain) // 8, "big")


INTEGER, BYTES, STRING, UNIT, BOOL = "10000 0", "10001 0", "10010 0", "10011 0", "10100 0"
LIST_OF_BOOL = "10111 10101 10100 0"
PAIR_OF_BOOLS = "10111 10111 10110 10100 10100 0"


@pytest.mark.parametrize(
    "constant",
    [
        f"{INTEGER} 10000001 00000001",
        f"{UNIT}",
        f"{BOOL} 1",
        f"{LIST_OF_BOOL} 1 1 1 0 0",
        f"{PAIR_OF_BOOLS} 1 0",
        # Padding to a byte's start, one byte of text, an empty chunk.
        f"{STRING} 01 00000001 01100001 00000000",
        f"{BYTES} 01 00000001 11111111 00000000",
        # Plutus Data: the integer 0.
        "11000 0 01 00000001 00000000 00000000",
    ],
)
def test_constants_are_read_to_their_end(constant: str) -> None:
    reader = FlatReader(bits(constant), 11)
    reader.constant()
    reader.end()


@pytest.mark.parametrize(
    ("constant", "reason"),
    [
        ("0", "a constant without a type"),
        ("10101 0", "a list or a pair of nothing"),
        ("10110 0", "a list or a pair of nothing"),
        ("10111 10100 0", "not a constant's type"),
        ("10111 10111 10101 0", "not a constant's type"),
        ("10100 10100 0 1", "more parts than it needs"),
        ("11001 0", "a type that has no encoding"),
        (f"{STRING} 01 00000001 11111111 00000000", "not UTF-8"),
        ("10111 10101 " * 200 + "10100 0", "nested too deep"),
        (f"{INTEGER} 1", "ends inside a term"),
    ],
)
def test_constants_that_are_none(constant: str, reason: str) -> None:
    with pytest.raises(MalformedScript, match=reason):
        FlatReader(bits(constant), 11).constant()


def test_the_end_of_a_program_is_its_last_bit() -> None:
    with pytest.raises(MalformedScript, match="bytes follow"):
        FlatReader(b"\x01\x01", 11).end()
    with pytest.raises(MalformedScript, match="ends inside a byte"):
        FlatReader(b"\x10", 11).end()
    with pytest.raises(MalformedScript, match="ends inside a term"):
        FlatReader(b"\x00", 11).end()
    with pytest.raises(MalformedScript, match="ends inside a term"):
        FlatReader(b"", 11).bits(1)


def program(
    version: tuple[int, int, int], term: str, language: ScriptLanguage = "plutus:v3"
) -> Script:
    numbers = "".join(f"{each:08b}" for each in version)
    return Script(language, cbor2.dumps(bits(numbers + term)))


OLD, NEW = (1, 0, 0), (1, 1, 0)
ERROR = "0110"
CONSTRUCTOR = "1000 00000000 0"


def builtin(tag: int) -> str:
    return f"0111 {tag:07b}"


@pytest.mark.parametrize(
    ("script", "protocol", "good"),
    [
        (program(NEW, ERROR), 10, True),
        (program((2, 0, 0), CONSTRUCTOR), 10, True),
        (program(NEW, CONSTRUCTOR), 10, True),
        (program(OLD, CONSTRUCTOR), 10, False),
        (program(NEW, CONSTRUCTOR, "plutus:v2"), 10, True),
        (program(NEW, "1111"), 10, False),
        (program(NEW, builtin(86)), 10, True),
        (program(NEW, builtin(86)), 9, False),
        (program(NEW, builtin(87)), 10, False),
        (program(OLD, builtin(53), "plutus:v2"), 10, True),
        (program(OLD, builtin(54), "plutus:v2"), 10, False),
        (program(OLD, builtin(73), "plutus:v2"), 10, True),
        (program(OLD, builtin(73), "plutus:v2"), 9, False),
        (program(OLD, builtin(50), "plutus:v1"), 10, True),
        (program(OLD, builtin(51), "plutus:v1"), 10, False),
        (program(OLD, builtin(127), "plutus:v1"), 11, False),
        (Script("plutus:v3", program(NEW, ERROR).code + b"\x00"), 10, False),
        (Script("plutus:v2", program(OLD, ERROR).code + b"\x00"), 10, True),
        (Script("plutus:v3", b"\x01"), 10, False),
        (Script("plutus:v3", b"\x5f" + program(NEW, ERROR).code + b"\xff"), 10, False),
        (Script("native", b""), 10, True),
    ],
)
def test_scripts_are_judged_by_version_terms_and_built_in_functions(
    script: Script, protocol: int, good: bool
) -> None:
    """A version of Plutus Core that a language does not have fails a script only as it runs."""
    assert is_well_formed(script, protocol) is good


def test_protocol_11_takes_what_came_with_it_and_terms_of_any_depth() -> None:
    assert is_well_formed(program(NEW, CONSTRUCTOR, "plutus:v2"), 11)
    assert is_well_formed(program(OLD, builtin(100), "plutus:v1"), 11)
    assert not is_well_formed(program(OLD, builtin(101), "plutus:v1"), 11)
    assert is_well_formed(program(NEW, "0001" * 60_000 + ERROR), 10)


@pytest.mark.parametrize(("protocol", "good"), [(10, (True, True)), (11, (True, False))])
def test_protocol_11_bounds_types_and_constructors(protocol: int, good: tuple[bool, bool]) -> None:
    """A type of 31 parts or 33; a constructor of 1,024 fields or 1,025."""
    found = []
    for lists in (15, 16):
        kind = "10111 10101 " * lists + "10011 0"
        found.append(is_well_formed(program(NEW, f"0100 {kind} 0"), protocol))
    assert tuple(found) == good
    found = []
    for fields in (1_024, 1_025):
        term = "1000 00000000" + "1 0110" * fields + "0"
        found.append(is_well_formed(program(NEW, term), protocol))
    assert tuple(found) == good


def test_there_are_two_networks() -> None:
    draft = payment()
    draft.body[15] = 2
    with pytest.raises(TransactionRejected) as refused:
        decode_transaction(draft.seal())
    assert "network id 2" in str(refused.value)


@pytest.mark.parametrize("parts", [3, 5])
def test_a_transaction_has_four_parts(parts: int) -> None:
    raw = bytes((0x80 + parts,)) + payment().seal()[1:] + b"\xf6"
    if parts == 3:
        raw = b"\x83" + b"".join(part.raw for part in cbor.read(payment().seal()).array()[:3])
    with pytest.raises(TransactionRejected) as refused:
        decode_transaction(raw)
    assert f"4 parts, not {parts}" in str(refused.value)


def test_an_input_locked_by_a_byron_address_is_not_judged() -> None:
    draft = payment()
    draft.add_input(reference("byron"), [byron(KEY, {2: b"\x01"}, 0), 9_000_000])
    unjudged = draft.judge()
    assert unjudged is not None
    assert (unjudged.rpc_code, "Byron" in str(unjudged.data)) == (3997, True)
