"""Addresses, Bech32, values, hashes, references and slots, compared with pycardano where it has them."""

from __future__ import annotations

from typing import Any

import pycardano
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milestones.cardano import bech32
from milestones.cardano.address import Address, Credential, key_credential, script_credential
from milestones.cardano.network import MAINNET_MAGIC, network_id_of
from milestones.cardano.outputs import OutputReference, Script, TransactionId
from milestones.cardano.plutus_data import Constr
from milestones.cardano.slots import EraSummary, SlotClock
from milestones.cardano.value import LOVELACE, AssetId, Value
from milestones.errors import InvalidAddress, InvalidEncoding, InvalidInput

VALUES = st.builds(
    Value,
    st.integers(-(1 << 62), 1 << 62),
    st.dictionaries(
        st.builds(AssetId, st.sampled_from((b"p" * 28, b"q" * 28)), st.binary(max_size=2)),
        st.integers(-(1 << 62), 1 << 62),
        max_size=4,
    ),
)


@given(st.from_type(Address))
def test_addresses_are_pycardanos(address: Address) -> None:
    theirs = pycardano.Address.from_primitive(address.to_bytes())
    assert theirs.encode() == address.to_bech32()
    assert theirs.network.value == address.network_id
    assert theirs.payment_part.payload == address.payment.hash
    assert Address.from_bech32(str(theirs)) == address


@given(st.from_type(Address))
def test_addresses_come_back(address: Address) -> None:
    assert Address.from_bytes(address.to_bytes()) == address
    assert Address.from_bech32(address.to_bech32().upper()) == address
    assert Address.from_data(address.to_data(), address.network_id) == address
    assert str(address) == address.to_bech32()


def test_the_address_of_cip_19() -> None:
    text = (
        "addr1qx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer3n0d3vllmyqwsx5wktcd8cc3sq835lu7drv2"
        "xwl2wywfgse35a3x"
    )
    address = Address.from_bech32(text)
    assert (address.network_id, address.payment.kind, address.to_bech32()) == (1, "key", text)


@given(st.from_type(Address), st.data())
def test_one_mistyped_character_is_noticed(address: Address, data: st.DataObject) -> None:
    text = address.to_bech32()
    place = data.draw(st.integers(0, len(text) - 1))
    typed = data.draw(
        st.sampled_from("qpzry9x8gf2tvdw0s3jn54khce6mua7l1").filter(lambda c: c != text[place])
    )
    with pytest.raises(InvalidAddress):
        Address.from_bech32(text[:place] + typed + text[place + 1 :])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not a Shelley address"),
        ("stake1uyehkck0lajq8gr28t9uxnuvgcqrc6070x3k9r8048z8y5gh6ffgw", "not a Shelley address"),
        ("addr1", "not a Bech32 text"),
        ("addr_test1VZ" + "q" * 20, "mixed"),
        ("addr1b" + "q" * 20, "'b' is not a Bech32 character"),
        ("addr1é" + "q" * 20, "not a Shelley address"),
        (bech32.encode("addr", bytes((0x60,)) + b"k" * 28), "contradicts"),
        (bech32.encode("addr_test", bytes((0x61,)) + b"k" * 28), "contradicts"),
        (bech32.encode("address", bytes((0x61,)) + b"k" * 28), "contradicts"),
        (bech32.encode("addr_test", b""), "no bytes"),
    ],
)
def test_texts_that_are_no_address(text: str, words: str) -> None:
    with pytest.raises(InvalidAddress, match=words):
        Address.from_bech32(text)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (bytes((0x82, 0xD8)), "Byron"),
        (bytes((0x40,)) + b"k" * 28 + b"\1\1\1", "pointer"),
        (bytes((0x50,)) + b"k" * 28 + b"\1\1\1", "pointer"),
        (bytes((0xE0,)) + b"k" * 28, "type 14"),
        (bytes((0x62,)) + b"k" * 28, "network id 2"),
        (bytes((0x60,)) + b"k" * 27, "29 bytes"),
        (bytes((0x60,)) + b"k" * 29, "29 bytes"),
        (bytes((0x00,)) + b"k" * 28, "57 bytes"),
        (b"", "no bytes"),
    ],
)
def test_other_kinds_of_addresses_are_refused(raw: bytes, words: str) -> None:
    with pytest.raises(InvalidAddress, match=words):
        Address.from_bytes(raw)


PAYMENT = Constr(0, (b"k" * 28,))


@pytest.mark.parametrize(
    "data",
    [
        PAYMENT,
        Constr(0, (PAYMENT,)),
        Constr(0, (Constr(2, (b"k" * 28,)), Constr(1))),
        Constr(0, (Constr(0, (b"k" * 27,)), Constr(1))),
        Constr(0, (Constr(0, (5,)), Constr(1))),
        Constr(0, (PAYMENT, Constr(0, (Constr(1, (1, 2, 3)),)))),
        Constr(1, (PAYMENT, Constr(1))),
        b"k" * 28,
    ],
)
def test_data_that_is_no_address(data: Any) -> None:
    with pytest.raises(InvalidEncoding):
        Address.from_data(data, 0)


def test_a_credential_has_28_bytes() -> None:
    for make in (key_credential, script_credential):
        with pytest.raises(InvalidAddress, match="28 bytes"):
            make(b"k" * 27)


@given(st.from_type(Credential))
def test_credentials_come_back(credential: Credential) -> None:
    assert Credential.from_data(credential.to_data()) == credential


@given(st.text("abcdefghijklmnop_", min_size=1, max_size=9), st.binary(max_size=80))
def test_bech32_comes_back(prefix: str, data: bytes) -> None:
    text = bech32.encode(prefix, data)
    assert bech32.decode(text) == (prefix, data)
    assert text == pycardano.crypto.bech32.bech32_encode(
        prefix,
        pycardano.crypto.bech32.convertbits(list(data), 8, 5),
        pycardano.crypto.bech32.Encoding.BECH32,
    )


@pytest.mark.parametrize("words", [[0, 1], [31], [0, 0, 0], [0] * 7 + [1, 1]])
def test_padding_that_nobody_writes_is_refused(words: list[int]) -> None:
    text = pycardano.crypto.bech32.bech32_encode(
        "addr", words, pycardano.crypto.bech32.Encoding.BECH32
    )
    with pytest.raises(InvalidEncoding, match="padding"):
        bech32.decode(text)


def test_a_prefix_has_no_control_characters() -> None:
    with pytest.raises(InvalidEncoding, match="prefix has a character"):
        bech32.decode("ad\x7fdr1qqqqqqqq")


def test_bech32m_is_refused() -> None:
    text = pycardano.crypto.bech32.bech32_encode(
        "addr", [0, 0], pycardano.crypto.bech32.Encoding.BECH32M
    )
    with pytest.raises(InvalidEncoding, match="checksum"):
        bech32.decode(text)


@given(VALUES, VALUES, VALUES)
def test_values_add_up(one: Value, two: Value, three: Value) -> None:
    assert (one + two) + three == one + (two + three)
    assert one + two == two + one
    assert one + two - two == one
    assert one - one == Value()
    assert hash(one + two) == hash(two + one)


@given(VALUES, VALUES)
def test_covering_is_having_at_least_as_much_of_everything(one: Value, two: Value) -> None:
    assets = {LOVELACE, *one.assets, *two.assets}
    assert one.covers(two) == all(one.quantity(a) >= two.quantity(a) for a in assets)


def test_values_drop_zeros_and_sort() -> None:
    late, early = AssetId(b"q" * 28, b""), AssetId(b"p" * 28, b"z")
    value = Value(1, {late: 2, early: 3, AssetId(b"p" * 28, b"a"): 0})
    assert list(value.assets) == [early, late]
    assert list(value.policies()) == [b"p" * 28, b"q" * 28]
    assert Value.of(LOVELACE, 5) == Value(5)
    assert Value.of(early, 5).quantity(early) == 5
    assert (str(LOVELACE), str(early)) == ("lovelace", "70" * 28 + ".7a")


@given(st.binary(min_size=1, max_size=200))
def test_script_hashes_are_pycardanos(code: bytes) -> None:
    kinds: dict[Any, Any] = {
        "plutus:v1": pycardano.PlutusV1Script,
        "plutus:v2": pycardano.PlutusV2Script,
        "plutus:v3": pycardano.PlutusV3Script,
    }
    for language, kind in kinds.items():
        assert Script(language, code).hash() == pycardano.script_hash(kind(code)).payload


def test_hashes_of_native_scripts_are_pycardanos() -> None:
    native = pycardano.ScriptPubkey(pycardano.VerificationKeyHash(b"k" * 28))
    assert Script("native", native.to_cbor()).hash() == native.hash().payload


@given(st.binary(min_size=32, max_size=32), st.integers(0, 65535))
def test_output_references_come_back(transaction_id: bytes, index: int) -> None:
    reference = OutputReference(transaction_id, index)
    assert OutputReference.parse(str(reference)) == reference


@pytest.mark.parametrize(
    "text", ["", "00#1", "0" * 64, "0" * 64 + "#", "0" * 64 + "#-1", "g" * 64 + "#0"]
)
def test_texts_that_are_no_output_reference(text: str) -> None:
    with pytest.raises(InvalidInput, match="output reference"):
        OutputReference.parse(text)


@given(st.binary(min_size=32, max_size=32))
def test_transaction_ids_come_back_in_either_case_and_with_blanks(raw: bytes) -> None:
    assert TransactionId.parse(str(TransactionId(raw))).raw == raw
    assert TransactionId.parse(f" {raw.hex().upper()}\n").raw == raw


@pytest.mark.parametrize("text", ["", "ab" * 31, "ab" * 33, "xy" * 32, "ab " * 32, "\u0661" * 64])
def test_texts_that_are_no_transaction_id(text: str) -> None:
    with pytest.raises(InvalidInput, match="not a transaction id") as caught:
        TransactionId.parse(text)
    assert caught.value.path == "transaction_hash"
    assert "64 hexadecimal digits" in caught.value.hint


def test_a_transaction_id_has_32_bytes() -> None:
    with pytest.raises(InvalidInput):
        TransactionId(bytes(31))


def test_networks() -> None:
    assert (network_id_of(MAINNET_MAGIC), network_id_of(1), network_id_of(42)) == (1, 0, 0)


CLOCK = SlotClock(
    1_506_203_091_000,
    (EraSummary(0, 0, 20_000, 4_492_800), EraSummary(89_856_000_000, 4_492_800, 1000, None)),
)


def test_mainnets_clock() -> None:
    assert CLOCK.start_of(4_492_800) == 1_596_059_091_000
    assert CLOCK.slot_at(1_596_059_090_999) == 4_492_799
    assert CLOCK.start_of(4_492_799) == 1_596_059_071_000
    assert CLOCK.horizon_slot is None


@given(st.integers(0, 200_000_000))
def test_a_slot_starts_when_it_starts(slot: int) -> None:
    start = CLOCK.start_of(slot)
    assert CLOCK.slot_at(start) == CLOCK.first_slot_from(start) == slot
    assert CLOCK.slot_at(CLOCK.start_of(slot + 1) - 1) == slot


@given(st.integers(CLOCK.system_start_posix_ms, 1 << 41))
def test_the_first_slot_from_a_moment_never_starts_before_it(posix_ms: int) -> None:
    slot = CLOCK.first_slot_from(posix_ms)
    assert CLOCK.start_of(slot) >= posix_ms
    assert slot == 0 or CLOCK.start_of(slot - 1) < posix_ms


def test_before_the_system_start_there_are_no_slots() -> None:
    with pytest.raises(InvalidInput, match="before the network's start"):
        CLOCK.slot_at(CLOCK.system_start_posix_ms - 1)
