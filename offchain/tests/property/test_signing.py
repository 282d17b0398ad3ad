"""What oracles sign, and which entries of `signatures.json` have the right form."""

from __future__ import annotations

from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from milestones.cardano import plutus_data
from milestones.cardano.address import Address, key_credential, script_credential
from milestones.cardano.hashes import blake2b_224
from milestones.domain.models import OracleSignature
from milestones.errors import InvalidEncoding, InvalidSignature
from milestones.protocol.oracle_signatures import witness_of
from milestones.protocol.statements import MilestoneStatement, diagnostic, payload_diagnostic

HASHES = st.binary(min_size=28, max_size=28)
STATEMENTS = st.builds(
    MilestoneStatement,
    HASHES,
    HASHES,
    st.binary(min_size=1, max_size=100),
    st.binary(max_size=100),
    st.integers(0, 10**14),
)
STATEMENT = MilestoneStatement(b"P" * 28, b"i" * 28, b"milestone-001", b"e" * 32, 1735689600000)
KEY = SigningKey(b"o" * 32)
PUBLIC = bytes(KEY.verify_key)
ORACLE = Address(0, key_credential(blake2b_224(PUBLIC)))


def raw_entry(**changes: Any) -> OracleSignature:
    fields: dict[str, Any] = {
        "oracle_address": ORACLE,
        "signature": KEY.sign(STATEMENT.signed_data).signature,
        "signed_data": STATEMENT.signed_data,
        "signature_timestamp": 1735689600,
        "verification_key": PUBLIC,
    }
    return OracleSignature(**{**fields, **changes})


def wallet_entry(**changes: Any) -> OracleSignature:
    header = cbor2.dumps({1: -8, "address": ORACLE.to_bytes()})
    message = cbor2.dumps(["Signature1", header, b"", STATEMENT.signed_data])
    sign1 = [header, {"hashed": False}, STATEMENT.signed_data, KEY.sign(message).signature]
    fields: dict[str, Any] = {
        "signature": None,
        "verification_key": None,
        "cose_sign1": cbor2.dumps(sign1),
        "cose_key": cbor2.dumps({1: 1, 3: -8, -1: 6, -2: PUBLIC}),
    }
    return raw_entry(**{**fields, **changes})


@given(STATEMENTS)
def test_statements_come_back(statement: MilestoneStatement) -> None:
    assert MilestoneStatement.parse(statement.signed_data) == statement


@given(STATEMENTS, STATEMENTS)
def test_no_two_statements_share_their_bytes(
    one: MilestoneStatement, other: MilestoneStatement
) -> None:
    assert (one.signed_data == other.signed_data) == (one == other)


def test_every_byte_that_is_signed() -> None:
    assert STATEMENT.signed_data.hex() == (
        "9f"
        + "581c" + b"P".hex() * 28
        + "581c" + b"i".hex() * 28
        + "4d" + b"milestone-001".hex()
        + "5820" + b"e".hex() * 32
        + f"1b{1735689600000:016x}"
        + "ff"
    )  # fmt: skip


def test_a_milestone_is_shown_as_text() -> None:
    assert STATEMENT.milestone_identifier == "milestone-001"
    assert MilestoneStatement(b"", b"", b"m\xff", b"", 0).milestone_identifier == "m\\xff"


def test_diagnostic_notation() -> None:
    long = MilestoneStatement(b"P" * 28, b"i" * 28, b"m" * 65, b"", 5)
    assert payload_diagnostic(long.signed_data) == (
        f"[_ h'{'50' * 28}', h'{'69' * 28}', (_ h'{'6d' * 64}', h'6d'), h'', 5]"
    )


def test_only_what_statements_are_made_of_is_shown() -> None:
    assert diagnostic(()) == "[]"
    assert diagnostic(plutus_data.Constr(0)) == "121([])"
    assert diagnostic(plutus_data.Constr(7, (1,))) == "1280([_ 1])"
    with pytest.raises(InvalidEncoding):
        diagnostic(plutus_data.PlutusMap())


@pytest.mark.parametrize(
    "data",
    [
        (b"P" * 28, b"i" * 28, b"m", b"e"),
        (b"P" * 27, b"i" * 28, b"m", b"e", 5),
        (b"P" * 28, b"i" * 29, b"m", b"e", 5),
        (b"P" * 28, b"i" * 28, b"", b"e", 5),
        (b"P" * 28, b"i" * 28, b"m", 7, 5),
        (b"P" * 28, b"i" * 28, b"m", b"e", b"5"),
        b"hash",
    ],
)
def test_bytes_that_are_no_statement(data: plutus_data.PlutusData) -> None:
    with pytest.raises(InvalidSignature, match="signed_data"):
        MilestoneStatement.parse(plutus_data.encode(data))


def test_another_encoding_of_a_statement_is_refused() -> None:
    definite = b"\x85" + STATEMENT.signed_data[1:-1]
    assert plutus_data.decode(definite) == plutus_data.decode(STATEMENT.signed_data)
    with pytest.raises(InvalidSignature, match="encoded in another way"):
        MilestoneStatement.parse(definite)


def test_a_raw_signature() -> None:
    witness = witness_of(raw_entry())
    assert (witness.verification_key, witness.prefix) == (PUBLIC, b"")
    KEY.verify_key.verify(STATEMENT.signed_data, witness.signature)


def test_a_wallets_signature() -> None:
    witness = witness_of(wallet_entry())
    KEY.verify_key.verify(witness.prefix + STATEMENT.signed_data, witness.signature)
    assert witness_of(wallet_entry(signature=witness.signature, verification_key=PUBLIC)) == witness


def test_a_forged_signature_of_the_right_form_is_left_to_the_chain() -> None:
    assert witness_of(raw_entry(signature=bytes(64))).signature == bytes(64)


@pytest.mark.parametrize(
    ("entry", "path", "words"),
    [
        (raw_entry(signature=bytes(63)), "signature", "64 bytes"),
        (raw_entry(signature=None), "signature", "missing"),
        (raw_entry(verification_key=None), "verification_key", "missing"),
        (raw_entry(verification_key=PUBLIC[:31]), "verification_key", "32 bytes"),
        (raw_entry(verification_key=bytes(32)), "verification_key", "not the payment key"),
        (raw_entry(signed_data=b"def456"), "signed_data", "not a statement"),
        (
            raw_entry(oracle_address=Address(0, script_credential(ORACLE.payment.hash))),
            "oracle_address",
            "can't sign",
        ),
        (wallet_entry(cose_key=None), "cose_key", "missing"),
        (wallet_entry(cose_sign1=None), "cose_sign1", "missing"),
        (wallet_entry(signature=bytes(64)), "signature", "inside cose_sign1"),
        (wallet_entry(verification_key=bytes(32)), "verification_key", "inside cose_key"),
        (
            wallet_entry(
                signed_data=MilestoneStatement(b"P" * 28, b"i" * 28, b"m", b"", 1).signed_data
            ),
            "cose_sign1",
            "something else",
        ),
        (
            wallet_entry(oracle_address=Address(0, key_credential(b"x" * 28))),
            "cose_key",
            "not the payment key",
        ),
    ],
)
def test_entries_of_the_wrong_form(entry: OracleSignature, path: str, words: str) -> None:
    with pytest.raises(InvalidSignature, match=words) as caught:
        witness_of(entry)
    assert caught.value.path == path
