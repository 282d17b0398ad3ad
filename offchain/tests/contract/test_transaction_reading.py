"""Transactions are read as the embedded chain's ledger reads them, which has a reader of its own."""

from __future__ import annotations

import pytest
from cost_rows import Sent

from milestones.cardano.transaction import Transaction
from milestones.devnet.ledger.transaction import decode_transaction
from milestones.errors import InvalidEncoding
from tests.support.every_kind import every_kind


@pytest.mark.parametrize("sent", every_kind(), ids=[kind for kind, _ in every_kind()])
def test_both_readers_say_the_same_of_every_kind(sent: Sent) -> None:
    _, signed = sent
    ours, theirs = Transaction.read(signed.cbor), decode_transaction(signed.cbor)
    body, ledger = ours.body, theirs.body
    assert ours.id.raw == theirs.id == signed.id
    assert (body.inputs, body.collateral, body.reference_inputs) == (
        ledger.inputs,
        ledger.collateral,
        ledger.reference_inputs,
    )
    assert (body.fee_lovelace, body.mint, body.required_signers) == (
        ledger.fee,
        ledger.mint,
        ledger.required_signers,
    )
    assert (body.valid_from_slot, body.valid_until_slot) == (
        ledger.invalid_before,
        ledger.invalid_after,
    )
    assert body.script_data_hash == ledger.script_integrity_hash
    assert [
        (out.address, out.value, out.inline_datum, out.datum_hash, out.script)
        for out in body.outputs
    ] == [(str(o.address), o.value, o.datum, o.datum_hash, o.script) for o in ledger.outputs]
    assert body.outputs == tuple(utxo.output for utxo in signed.outputs)
    keys = {(each.key, each.signature) for each in theirs.witnesses.keys}
    assert set(ours.witnesses.keys) == keys
    assert {script.hash() for script in ours.witnesses.scripts} == set(theirs.witnesses.scripts)
    assert {(p, e.data, e.units) for p, e in ours.witnesses.redeemers.items()} == {
        (each.pointer, each.data, each.units) for each in theirs.witnesses.redeemers
    }


def test_signatures_are_put_in_and_taken_out_without_a_byte_changed_elsewhere() -> None:
    for kind, signed in every_kind():
        whole = Transaction.read(signed.cbor)
        bare = whole.with_witnesses(())
        assert bare.witnesses.keys == ()
        assert bare.with_witnesses(reversed(whole.witnesses.keys)).raw == signed.cbor, kind


@pytest.mark.parametrize(
    "raw",
    [
        "84a400800180020019ffff00a0f5f6",  # a field twice
        "84a3008001800200a0f6f6",  # neither true nor false
        "84a3008001800200a10800f5f6",  # a witness field that there isn't
        "84a4008001800200181800a0f5f6",  # a body field that there isn't
        "84a3008001818201a0f5f6",
        "83a3008001800200a0f5",
        "84a3008001800200a1018182004100f5f6",  # a native script of half a hash
    ],
)
def test_what_is_no_transaction_is_refused(raw: str) -> None:
    with pytest.raises(InvalidEncoding):
        Transaction.read(bytes.fromhex(raw))
