"""Which patterns there are, what they match, and which include or overlap which."""

from __future__ import annotations

import zlib

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milestones.cardano import bech32
from milestones.cardano.outputs import OutputReference
from milestones.devnet.kupo.patterns import Pattern, parse_pattern
from milestones.devnet.ledger.addresses import decode_address
from milestones.devnet.ledger.outputs import Output, decode_output
from milestones.errors import InvalidInput
from tests.support.raw_transactions import ALICE, BOB, key_address, key_hash

POLICY, STAKE = b"\x07" * 28, b"\x08" * 28
REFERENCE = OutputReference(b"\x01" * 32, 5)
BASE = b"\x00" + key_hash(ALICE) + STAKE

TEXTS = [
    "*",
    "*/*",
    key_address(ALICE).hex(),
    BASE.hex(),
    f"{key_hash(ALICE).hex()}/*",
    f"*/{STAKE.hex()}",
    f"{key_hash(ALICE).hex()}/{STAKE.hex()}",
    f"{POLICY.hex()}.*",
    f"{POLICY.hex()}.aa",
    f"{POLICY.hex()}.",
    f"*@{'01' * 32}",
    f"5@{'01' * 32}",
    "{7}",
]


def output(address: bytes) -> Output:
    value = [2_000_000, {POLICY: {b"\xaa": 1}}]
    return decode_output(cbor2.dumps([address, value]))


@pytest.mark.parametrize("text", TEXTS)
def test_a_normal_form_stays_as_it_is(text: str) -> None:
    assert parse_pattern(text).text == text


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        (str(decode_address(BASE)), BASE.hex()),
        (bech32.encode("stake_test", b"\xe0" + STAKE), f"*/{STAKE.hex()}"),
        (f"{bech32.encode('addr_vkh', STAKE)}/*", f"{STAKE.hex()}/*"),
        (f"{bech32.encode('addr_vk', ALICE.verify_key.encode())}/*", f"{key_hash(ALICE).hex()}/*"),
        (f"*/{bech32.encode('script', STAKE)}", f"*/{STAKE.hex()}"),
        (f"{POLICY.hex().upper()}.AA", f"{POLICY.hex()}.aa"),
    ],
)
def test_other_ways_to_write_it(text: str, normal: str) -> None:
    assert parse_pattern(text).text == normal


MATCHING = {
    "*",
    "*/*",
    BASE.hex(),
    f"{key_hash(ALICE).hex()}/*",
    f"*/{STAKE.hex()}",
    f"{key_hash(ALICE).hex()}/{STAKE.hex()}",
    f"{POLICY.hex()}.*",
    f"{POLICY.hex()}.aa",
    f"*@{'01' * 32}",
    f"5@{'01' * 32}",
    "{7}",
}


@pytest.mark.parametrize("text", TEXTS)
def test_what_matches(text: str) -> None:
    matches = parse_pattern(text).matches(REFERENCE, output(BASE), frozenset({7}))
    assert matches == (text in MATCHING)


def test_byron_addresses() -> None:
    payload = cbor2.dumps([b"\x05" * 28, {2: b"\x00"}, 0])
    raw = cbor2.dumps([cbor2.CBORTag(24, payload), zlib.crc32(payload)])
    byron = output(raw)
    exact = parse_pattern(str(decode_address(raw)))
    assert exact.text == raw.hex()
    assert exact.matches(REFERENCE, byron, frozenset())
    assert parse_pattern("*").matches(REFERENCE, byron, frozenset())
    assert not parse_pattern("*/*").matches(REFERENCE, byron, frozenset())
    assert not parse_pattern("*/*").includes(exact)
    assert parse_pattern("*").includes(exact)


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ("*", "*/*"),
        ("*", "{7}"),
        ("*/*", BASE.hex()),
        (f"{key_hash(ALICE).hex()}/*", BASE.hex()),
        (f"*/{STAKE.hex()}", BASE.hex()),
        (f"*/{STAKE.hex()}", f"{key_hash(ALICE).hex()}/{STAKE.hex()}"),
        (f"{POLICY.hex()}.*", f"{POLICY.hex()}.aa"),
        (f"5@{'01' * 32}", f"*@{'01' * 32}"),  # the wrong way round in Kupo itself
    ],
)
def test_inclusion_is_one_way(wide: str, narrow: str) -> None:
    outer, inner = parse_pattern(wide), parse_pattern(narrow)
    assert outer.includes(inner)
    assert not inner.includes(outer)
    assert inner.overlaps(outer)


def test_strangers_do_not_overlap() -> None:
    bob = parse_pattern(key_address(BOB).hex())
    alice = parse_pattern(f"{key_hash(ALICE).hex()}/*")
    assert not bob.overlaps(alice)
    assert not alice.overlaps(parse_pattern(f"{POLICY.hex()}.*"))


@given(st.sampled_from(TEXTS), st.sampled_from(TEXTS))
def test_what_is_included_matches_only_what_the_other_does(first: str, second: str) -> None:
    outer, inner = parse_pattern(first), parse_pattern(second)
    if outer.output_index is not None:
        return
    for address in (BASE, key_address(ALICE), key_address(BOB)):
        for labels in (frozenset[int](), frozenset({7})):
            seen: list[Pattern] = [
                each for each in (outer, inner) if each.matches(REFERENCE, output(address), labels)
            ]
            if outer.includes(inner) and inner in seen:
                assert outer in seen


@given(st.text(max_size=70))
def test_any_text_is_a_pattern_or_refused(text: str) -> None:
    try:
        pattern = parse_pattern(text)
    except InvalidInput:
        return
    assert parse_pattern(pattern.text) == pattern
