"""Who is asked to sign, for what, and what is taken of the answers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, fields, replace

import pycardano
import pytest

from milestones.cardano.address import Address
from milestones.cardano.encoding import integer
from milestones.cardano.outputs import Utxo
from milestones.cardano.parameters import ProtocolParameters
from milestones.cardano.transaction import KeyWitness
from milestones.cardano.value import Value
from milestones.errors import (
    InvalidWitness,
    SignaturesMissing,
    SigningRefused,
    TransactionMismatch,
)
from milestones.keys.key_files import SigningKey
from milestones.transactions.assembly import Assembly
from milestones.transactions.draft import DraftOutput, Spend, TransactionDraft
from milestones.transactions.signers import SigningRequest
from milestones.transactions.signing import (
    is_genuine,
    sign,
    signed_by,
    signing_request,
    with_witnesses,
)
from milestones.transactions.tx_builder import BalancedTransaction, balance

MakeUtxo = Callable[..., Utxo]
OTHER = SigningKey.from_bytes(bytes(range(1, 33)))
CREATOR = SigningKey.from_bytes(bytes(range(2, 34)))
STRANGER = SigningKey.from_bytes(bytes(range(3, 35)))


@dataclass
class Elsewhere:
    """A signer that holds some keys, notes what it is asked, and answers with all it has."""

    keys: tuple[SigningKey, ...]
    asked: list[SigningRequest] = field(default_factory=list)

    @property
    def key_hashes(self) -> frozenset[bytes]:
        return frozenset(key.key_hash for key in self.keys)

    async def witness(self, request: SigningRequest) -> Collection[KeyWitness]:
        self.asked.append(request)
        return [key.witness_of(request.transaction_id.raw) for key in self.keys]


@pytest.fixture
def balanced(
    parameters: ProtocolParameters, address: Address, make_utxo: MakeUtxo
) -> BalancedTransaction:
    """Spends outputs of two keys, and a third has to sign: `key`, `OTHER`, `CREATOR`."""
    draft = TransactionDraft(
        spends=(Spend(make_utxo(3_000_000, address=OTHER.address(0))),),
        outputs=(DraftOutput(address=address, value=Value(2_000_000)),),
        reference_inputs=(make_utxo(4_000_000, address=STRANGER.address(0)),),
        required_signers=(CREATOR.key_hash,),
        valid_until_slot=200,
    )
    wallet = [make_utxo(5_000_000)]
    return balance(
        draft, parameters=parameters, wallet=wallet, change_address=address, include=wallet
    )


async def test_keys_at_hand_sign_what_the_ledger_asks_for(
    balanced: BalancedTransaction, key: SigningKey
) -> None:
    signed = await signed_by(balanced, [key, OTHER, CREATOR])
    assert signed == sign(balanced, [key, OTHER, CREATOR])
    read = pycardano.Transaction.from_cbor(signed.cbor)
    witnesses = [
        KeyWitness(each.vkey.payload, each.signature)
        for each in read.transaction_witness_set.vkey_witnesses
    ]
    assert {witness.key_hash for witness in witnesses} == balanced.key_hashes
    assert all(is_genuine(witness, signed.id) for witness in witnesses)


async def test_who_has_not_signed_is_named(balanced: BalancedTransaction, key: SigningKey) -> None:
    with pytest.raises(SignaturesMissing) as caught:
        await signed_by(balanced, [key])
    missing = sorted((OTHER.key_hash, CREATOR.key_hash))
    assert caught.value.key_hashes == tuple(missing)
    assert all(key_hash.hex() in caught.value.message for key_hash in missing)
    assert key.key_hash.hex() not in caught.value.message


async def test_a_signer_sees_the_whole_transaction_and_is_asked_for_its_own_keys(
    balanced: BalancedTransaction, key: SigningKey
) -> None:
    signer = Elsewhere((OTHER, CREATOR, STRANGER))
    signed = await signed_by(balanced, [key, signer])
    (request,) = signer.asked
    assert request.wanted == {OTHER.key_hash, CREATOR.key_hash}
    assert request.transaction_id.raw == signed.id
    assert request.valid_until_slot == 200
    read = pycardano.Transaction.from_cbor(request.transaction_cbor)
    assert read.transaction_body.hash() == signed.id
    assert not read.transaction_witness_set.vkey_witnesses
    known = {utxo.reference for utxo in request.resolved}
    named = (*read.transaction_body.inputs, *read.transaction_body.reference_inputs)
    assert len(known) == 3
    assert {(each.transaction_id, each.index) for each in known} == {
        (each.transaction_id.payload, each.index) for each in named
    }


async def test_nobody_is_asked_for_what_is_there_already(
    balanced: BalancedTransaction, key: SigningKey
) -> None:
    first, second = Elsewhere((key, OTHER, CREATOR)), Elsewhere((OTHER, CREATOR))
    await signed_by(balanced, [first, second])
    assert (len(first.asked), second.asked) == (1, [])


async def test_what_the_fee_does_not_pay_for_is_left_out(
    balanced: BalancedTransaction, key: SigningKey
) -> None:
    signer = Elsewhere((key, OTHER, CREATOR, STRANGER))
    signed = await signed_by(balanced, [signer])
    assert signed == sign(balanced, [key, OTHER, CREATOR])
    assert signed.size - 1 == balanced.size


def test_the_signature_of_another_transaction_is_refused(
    balanced: BalancedTransaction, key: SigningKey
) -> None:
    transaction_id = signing_request(balanced).transaction_id.raw
    wrong = OTHER.witness_of(bytes(32))
    witnesses = [key.witness_of(transaction_id), wrong, CREATOR.witness_of(transaction_id)]
    with pytest.raises(InvalidWitness) as caught:
        with_witnesses(balanced, witnesses)
    assert caught.value.key_hash == OTHER.key_hash
    assert caught.value.transaction_id == transaction_id


@pytest.mark.parametrize("cut", [KeyWitness(b"short", bytes(64)), KeyWitness(bytes(32), b"")])
def test_what_has_another_length_is_no_witness(cut: KeyWitness) -> None:
    assert not is_genuine(cut, bytes(32))


async def test_a_refusal_ends_it(balanced: BalancedTransaction) -> None:
    class Refusing(Elsewhere):
        async def witness(self, request: SigningRequest) -> Collection[KeyWitness]:
            raise SigningRefused("the device", f"{len(request.wanted)} keys, cancelled")

    with pytest.raises(SigningRefused, match="the device did not sign: 1 keys, cancelled"):
        await signed_by(balanced, [Refusing((OTHER,))])


class Tampering(Assembly):
    """Writes another fee than was settled: a fault of the builder's, or somebody's change of memory."""

    def transaction(self, key_witnesses: Sequence[tuple[bytes, bytes]]) -> bytes:
        raw = Assembly.transaction(self, key_witnesses)
        fee = b"\x02" + integer(self.fee_lovelace)
        assert raw.count(fee) == 1
        return raw.replace(fee, b"\x02" + integer(self.fee_lovelace + 1))


async def test_nobody_is_asked_to_sign_what_was_not_drafted(
    balanced: BalancedTransaction, key: SigningKey
) -> None:
    assembly = balanced.assembly
    parts = {each.name: getattr(assembly, each.name) for each in fields(assembly)}
    tampered = replace(balanced, assembly=Tampering(**parts))
    signer = Elsewhere((key, OTHER, CREATOR))
    with pytest.raises(TransactionMismatch, match="fee_lovelace is") as caught:
        await signed_by(tampered, [signer])
    assert [each.path for each in caught.value.differences] == ["fee_lovelace"]
    assert signer.asked == []
