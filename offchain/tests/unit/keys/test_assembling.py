"""Of a committee's signatures just as many are taken as are needed, and who is missing is known."""

from __future__ import annotations

import pytest

from milestones.cardano import encoding
from milestones.cardano.address import Address, script_credential
from milestones.cardano.cbor import encode_bytes
from milestones.cardano.native_script import (
    After,
    All,
    AtLeast,
    Before,
    Either,
    NativeScript,
    Signed,
    fewest_signers,
    from_cbor,
    script_of,
    signers_of,
)
from milestones.cardano.outputs import OutputReference, TransactionOutput, Utxo
from milestones.cardano.transaction import Transaction
from milestones.cardano.value import Value
from milestones.keys.assembling import assemble
from milestones.keys.envelopes import Signatures
from milestones.testing.cast import key_of
from milestones.transactions.required import required_signatures

MEMBERS = [key_of(f"member-{number}") for number in range(5)]
HASHES = [key.key_hash for key in MEMBERS]
COLLATERAL = key_of("collateral")
THREE_OF_FIVE = All((AtLeast(3, tuple(map(Signed, HASHES))), Before(1_000)))
SPENT, PUT_UP = OutputReference(bytes(32), 0), OutputReference(bytes(32), 1)


def committees(script: NativeScript, until: int | None = 900) -> tuple[Transaction, list[Utxo]]:
    """A transaction that spends an output of the script's, with collateral of somebody's key."""
    code = script_of(script)
    fields = {
        0: encoding.references([SPENT]),
        1: encoding.array([encoding.output(COLLATERAL.address(0), Value(5_000_000))]),
        2: encoding.integer(200_000),
        13: encoding.references([PUT_UP]),
    }
    if until is not None:
        fields[3] = encoding.integer(until)
    body = encoding.mapping((encoding.integer(key), item) for key, item in fields.items())
    witnesses = encoding.mapping([(b"\x01", encoding.tagged_set([code.code]))])
    raw = encoding.array((body, witnesses, b"\xf5", b"\xf6"))
    script_address = Address(0, script_credential(code.hash()))
    known = [
        Utxo(SPENT, TransactionOutput(str(script_address), Value(6_000_000))),
        Utxo(PUT_UP, TransactionOutput(str(COLLATERAL.address(0)), Value(5_000_000))),
    ]
    return Transaction.read(raw), known


def signed_by(transaction: Transaction, *members: int) -> list[Signatures]:
    keys = [MEMBERS[number] for number in members]
    return [
        Signatures(f"member-{number}", (key.witness_of(transaction.id.raw),))
        for number, key in zip(members, keys, strict=True)
    ]


def test_who_is_missing_shrinks_until_enough_have_signed() -> None:
    transaction, known = committees(THREE_OF_FIVE)
    required = required_signatures(transaction, known)
    assert required.is_complete
    two = assemble(transaction, signed_by(transaction, 4, 1), required)
    assert two.missing == {COLLATERAL.key_hash, HASHES[0], HASHES[2], HASHES[3]}
    assert two.signed == {HASHES[1], HASHES[4]}
    three = assemble(two.transaction, signed_by(transaction, 2), required)
    assert three.missing == {COLLATERAL.key_hash}
    witness = COLLATERAL.witness_of(transaction.id.raw)
    done = assemble(three.transaction, [Signatures("c", (witness,))], required)
    assert (done.missing, len(done.transaction.witnesses.keys)) == (frozenset(), 4)
    assert done.transaction.witnesses.scripts == transaction.witnesses.scripts


def test_more_than_enough_are_left_out_because_the_fee_was_sized_without_them() -> None:
    transaction, known = committees(THREE_OF_FIVE)
    required = required_signatures(transaction, known)
    witness = COLLATERAL.witness_of(transaction.id.raw)
    offered = [*signed_by(transaction, 0, 1, 2, 3, 4), Signatures("c", (witness,))]
    found = assemble(transaction, offered, required)
    assert len(found.signed) == 4
    assert COLLATERAL.key_hash in found.signed
    assert [each.reason for each in found.left_out] == ["more_than_needed"] * 2
    assert found.missing == frozenset()


@pytest.mark.parametrize("until", [None, 1_001])
def test_a_lock_that_the_validity_does_not_keep_is_never_satisfied(until: int | None) -> None:
    transaction, known = committees(THREE_OF_FIVE, until)
    required = required_signatures(transaction, known)
    assert required.fewest([*HASHES, COLLATERAL.key_hash]) is None


@pytest.mark.parametrize(
    ("script", "have", "expected"),
    [
        (Signed(HASHES[0]), {0}, {0}),
        (Signed(HASHES[0]), {1}, None),
        (All(()), set(), set()),
        (Either(()), {0}, None),
        (AtLeast(0, (Signed(HASHES[0]),)), set(), set()),
        (AtLeast(-1, ()), set(), set()),
        (AtLeast(2, (Signed(HASHES[0]),)), {0}, None),
        (Either((All((Signed(HASHES[0]), Signed(HASHES[1]))), Signed(HASHES[2]))), {0, 1, 2}, {2}),
        (All((Either((Signed(HASHES[0]),)), Signed(HASHES[1]))), {0, 1, 2}, {0, 1}),
        (After(100), set(), set()),
        (After(101), set(), None),
        (Before(200), set(), set()),
        (Before(199), set(), None),
    ],
)
def test_the_fewest_that_a_script_agrees_with(
    script: NativeScript, have: set[int], expected: set[int] | None
) -> None:
    """Valid from slot 100 on, before 200."""
    available = [HASHES[number] for number in have]
    found = fewest_signers(script, available, 100, 200)
    assert found == (None if expected is None else {HASHES[number] for number in expected})
    assert from_cbor(script_of(script).code) == script
    assert signers_of(script) >= (found or frozenset())


def test_a_signature_is_of_use_only_to_who_is_named() -> None:
    transaction, known = committees(THREE_OF_FIVE)
    required = required_signatures(transaction, known)
    assert required.is_needed(HASHES[0])
    assert required.is_needed(COLLATERAL.key_hash)
    assert not required.is_needed(key_of("stranger").key_hash)
    assert required_signatures(transaction).is_needed(key_of("stranger").key_hash)


def test_a_byron_addresss_signature_is_kept_where_it_verifies() -> None:
    transaction, known = committees(THREE_OF_FIVE)
    key = key_of("old")
    tail = (encode_bytes(bytes(32)), encode_bytes(b"\xa0"))

    def bootstrap(signature: bytes) -> bytes:
        parts = (encode_bytes(key.verification_key), encode_bytes(signature), *tail)
        return encoding.array(parts)

    good, bad = bootstrap(key.sign(transaction.id.raw)), bootstrap(key.sign(b"other"))
    offered = [Signatures("old", (), (good, bad))]
    found = assemble(transaction, offered, required_signatures(transaction, known))
    assert found.transaction.witnesses.bootstraps == (good,)
    assert [each.reason for each in found.left_out] == ["not_of_this_transaction"]
