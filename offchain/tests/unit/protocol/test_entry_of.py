"""From what the chain verified back to an entry of `signatures.json`."""

from __future__ import annotations

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milestones.cardano.hashes import blake2b_256
from milestones.errors import InvalidSignature
from milestones.protocol.oracle_signatures import entry_of, signature_prefix, witness_of
from milestones.protocol.redeemers import OracleWitness
from milestones.protocol.statements import MilestoneStatement
from milestones.transactions.wallet import SigningKey

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
