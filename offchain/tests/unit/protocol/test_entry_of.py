"""From what the chain verified back to an entry of `signatures.json`."""

from __future__ import annotations

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milestones.cardano.address import Address, key_credential
from milestones.cardano.hashes import blake2b_256
from milestones.errors import InvalidSignature
from milestones.keys.key_files import SigningKey
from milestones.protocol.oracle_signatures import (
    entry_of,
    entry_of_wallet_answer,
    signature_prefix,
    witness_of,
)
from milestones.protocol.redeemers import OracleWitness
from milestones.protocol.statements import MilestoneStatement

STATEMENT = MilestoneStatement(
    b"\x01" * 28, b"\x02" * 28, b"milestone-001", b"\x03" * 32, 1_735_689_600_500
)
KEY = SigningKey.from_bytes(blake2b_256(b"oracle"))


def witness(prefix: bytes = b"") -> OracleWitness:
    return OracleWitness(KEY.verification_key, KEY.sign(prefix + STATEMENT.signed_data), prefix)


def test_a_raw_signature_comes_back() -> None:
    entry = entry_of(witness(), STATEMENT, 0)
    assert witness_of(entry) == witness()
    assert entry.oracle_address == KEY.address(0)
    assert entry.signature_timestamp == 1_735_689_600
    assert (entry.cose_sign1, entry.cose_key) == (None, None)


@given(st.binary(min_size=29, max_size=57), st.sampled_from((0, 1)))
def test_a_wallets_signature_comes_back(address: bytes, network_id: int) -> None:
    protected = cbor2.dumps({1: -8, "address": address})
    given_witness = witness(signature_prefix(protected, len(STATEMENT.signed_data)))
    entry = entry_of(given_witness, STATEMENT, network_id)
    assert witness_of(entry) == given_witness
    assert cbor2.loads(entry.cose_sign1 or b"")[0] == protected


@pytest.mark.parametrize(
    "prefix",
    [
        b"\x84",
        b"\x84\x6aSignature1",
        b"\x84\x6aSignature1\x58\x20",
        b"\x84\x6aSignature2\x58\x20" + 32 * b"h" + b"\x40\x58\x75",
    ],
)
def test_a_prefix_of_another_form_is_refused(prefix: bytes) -> None:
    with pytest.raises(InvalidSignature):
        entry_of(witness(prefix), STATEMENT, 0)


ANSWER_NAMES = [("signature", "key"), ("COSE_Sign1_hex", "COSE_Key_hex")]


def wallet_answer(address: bytes, names: tuple[str, str] = ANSWER_NAMES[0]) -> dict[str, str]:
    """What a wallet's `signData` returns for the statement, with this address in its header."""
    header = cbor2.dumps({1: -8, "address": address})
    signed = cbor2.dumps(["Signature1", header, b"", STATEMENT.signed_data])
    cose_sign1 = cbor2.dumps([header, {"hashed": False}, STATEMENT.signed_data, KEY.sign(signed)])
    cose_key = cbor2.dumps({1: 1, 3: -8, -1: 6, -2: KEY.verification_key})
    return dict(zip(names, (cose_sign1.hex(), cose_key.hex()), strict=True))


@pytest.mark.parametrize("names", ANSWER_NAMES)
def test_a_wallets_whole_answer_is_an_entry(names: tuple[str, str]) -> None:
    own = Address(0, KEY.address(0).payment, key_credential(b"s" * 28))
    entry = entry_of_wallet_answer(wallet_answer(own.to_bytes(), names))
    assert entry is not None
    assert (entry.oracle_address, entry.signed_data) == (own, STATEMENT.signed_data)
    assert entry.signature_timestamp == 1_735_689_600
    assert witness_of(entry).verification_key == KEY.verification_key


@pytest.mark.parametrize(
    "raw", [{}, [], "text", None, {"signature": "00"}, {**wallet_answer(b""), "signed_data": "9f"}]
)
def test_what_is_no_wallets_answer_is_left_to_the_reader(raw: object) -> None:
    assert entry_of_wallet_answer(raw) is None


@pytest.mark.parametrize(
    ("changes", "path", "words"),
    [
        ({"signature": 7}, "signature", "not hexadecimal"),
        ({"key": "zz"}, "key", "not hexadecimal"),
        ({"signature": "00" * 64}, "signature", "not a COSE_Sign1"),
        ({"key": "00" * 32}, "key", "not a COSE_Key"),
        (wallet_answer(b"\xe0" + b"s" * 28), "signature", "not a payment address"),
        (wallet_answer(b"\x60" + b"s" * 28), "key", "not the payment key"),
    ],
)
def test_a_wallets_answer_that_cannot_count_names_its_field(
    changes: dict[str, object], path: str, words: str
) -> None:
    answer = {**wallet_answer(KEY.address(0).to_bytes()), **changes}
    with pytest.raises(InvalidSignature, match=words) as refused:
        entry_of_wallet_answer(answer)
    assert refused.value.path == path
