"""Decoding: every legal form is read as what it means, and hashed as it came."""

from __future__ import annotations

from typing import Any
from zlib import crc32

import cbor2
import pytest

from milestones.cardano.outputs import Script
from milestones.cardano.parameters import ExecutionUnits, RedeemerPointer
from milestones.devnet.ledger.failures import DecodingFailure, TransactionRejected
from milestones.devnet.ledger.transaction import decode_transaction
from milestones.devnet.ogmios.failures import rpc_failure
from tests.support.raw_transactions import (
    ALICE,
    BOB,
    YES_MINT,
    YES_V3,
    Raw,
    dumps,
    hash256,
    inline,
    key_address,
    native,
    payment,
    reference,
    script_ref,
    spending,
    wire,
)


def test_a_payment_is_read() -> None:
    draft = payment()
    raw = draft.seal()
    transaction = decode_transaction(raw)
    assert transaction.raw == raw
    assert transaction.body.inputs == (reference("alice"),)
    assert [output.value.lovelace for output in transaction.body.outputs] == [2_000_000, 7_700_000]
    assert transaction.body.outputs[0].address.raw == key_address(BOB)
    assert (transaction.body.fee, transaction.is_valid) == (300_000, True)
    assert transaction.witnesses.keys[0].key == ALICE.verify_key.encode()


def test_the_id_is_taken_over_the_bytes_as_received() -> None:
    indefinite = b"\xbf" + cbor2.dumps(payment().body)[1:] + b"\x02\x1a\x00\x04\x93\xe0\xff"
    transaction = decode_transaction(payment().sign(indefinite))
    assert transaction.id == hash256(indefinite)
    assert transaction.body.fee == 300_000


@pytest.mark.parametrize("tagged", [True, False])
def test_sets_come_with_or_without_their_tag(tagged: bool) -> None:
    draft = payment()
    inputs = draft.body[0]
    draft.last_step = lambda body: body.update(
        {0: cbor2.CBORTag(258, inputs) if tagged else inputs}
    )
    assert draft.judge() is None


def test_both_forms_of_outputs_mean_the_same() -> None:
    draft = payment()
    draft.body[1] = [{0: key_address(BOB), 1: 2_000_000}]
    new, old = (decode_transaction(x.seal()).body.outputs[0] for x in (draft, payment()))
    assert (new.address, new.value) == (old.address, old.value)
    assert new.raw != old.raw


def test_reference_scripts_keep_their_language_and_bytes() -> None:
    draft = payment()
    native = [0, bytes(28)]
    for version, code in ((0, cbor2.dumps(native)), (3, b"\x43abc")):
        draft.body[1] = [{0: key_address(BOB), 1: 2_000_000, 3: script_ref(version, code)}]
        script = decode_transaction(draft.seal()).body.outputs[0].script
        assert script == Script("native" if version == 0 else "plutus:v3", code)


def test_redeemers_come_as_a_list_or_as_a_map() -> None:
    draft = payment()
    draft.witnesses[5] = {(0, 1): [7, [10, 20]]}
    as_map = decode_transaction(draft.seal()).witnesses
    draft.witnesses[5] = [[0, 1, 7, [10, 20]]]
    as_list = decode_transaction(draft.seal()).witnesses
    assert as_map.redeemers == as_list.redeemers
    assert as_map.redeemers_raw != as_list.redeemers_raw


REDEEMERS_TWICE = {
    "map": b"\xa3" + b"".join(map(dumps, ([0, 1], [7, [1, 2]], [1, 0], [9, [5, 6]]))),
    "map of indefinite length": b"\xbf"
    + b"".join(map(dumps, ([0, 1], [7, [1, 2]], [1, 0], [9, [5, 6]]))),
    "array": b"\x83" + dumps([0, 1, 7, [1, 2]]) + dumps([1, 0, 9, [5, 6]]),
}
"""A redeemer for the second input and one for the first policy, before another for that input."""


@pytest.mark.parametrize("form", REDEEMERS_TWICE)
def test_of_redeemers_that_stand_twice_the_last_counts(form: str) -> None:
    """However the pointer is written."""
    pointer, wide = dumps([0, 1]), b"\x9f\x18\x00\x19\x00\x01\xff"
    last = {
        "map": pointer + dumps([8, [3, 4]]),
        "map of indefinite length": wide + dumps([8, [3, 4]]) + b"\xff",
        "array": dumps([0, 1, 8, [3, 4]]),
    }[form]
    draft = payment()
    draft.witnesses[5] = Raw(REDEEMERS_TWICE[form] + last)
    spend, mint = decode_transaction(draft.seal()).witnesses.redeemers
    assert (spend.pointer, spend.data) == (RedeemerPointer("spend", 1), b"\x08")
    assert spend.units == ExecutionUnits(memory=3, cpu=4)
    assert mint.pointer == RedeemerPointer("mint", 0)


def undecodable(raw: bytes) -> str:
    """Why the bytes are no transaction."""
    with pytest.raises(TransactionRejected) as caught:
        decode_transaction(raw)
    (failure,) = caught.value.failures
    assert isinstance(failure, DecodingFailure)
    answered = rpc_failure(caught.value)
    assert (answered.rpc_code, "well-formed" in answered.message) == (-32602, True)
    return failure.reason


def refused(change: Any) -> str:
    draft = payment()
    draft.last_step = change
    return undecodable(draft.seal())


def in_chunks(value: bytes) -> Raw:
    """A byte string of indefinite length, in two pieces."""
    middle = len(value) // 2
    return Raw(b"\x5f" + dumps(value[:middle]) + dumps(value[middle:]) + b"\xff")


def tag_24_in_chunks(content: Any) -> Raw:
    return Raw(b"\xd8\x18" + in_chunks(dumps(content)).cbor)


def a_byron_address() -> bytes:
    payload = dumps([bytes(28), {}, 0])
    return dumps([cbor2.CBORTag(24, payload), crc32(payload)])


POLICY, TO_BOB = bytes(28), {0: key_address(BOB), 1: 2_000_000}

BODIES_IN_CHUNKS: dict[str, dict[int, Any]] = {
    "input": {0: [[in_chunks(bytes(32)), 0]]},
    "collateral": {13: [[in_chunks(bytes(32)), 0]]},
    "reference input": {18: [[in_chunks(bytes(32)), 0]]},
    "address, array form": {1: [[in_chunks(key_address(BOB)), 2_000_000]]},
    "address, map form": {1: [{**TO_BOB, 0: in_chunks(key_address(BOB))}]},
    "Byron address": {1: [[in_chunks(a_byron_address()), 2_000_000]]},
    "datum hash, array form": {1: [[key_address(BOB), 2_000_000, in_chunks(bytes(32))]]},
    "datum hash, map form": {1: [{**TO_BOB, 2: [0, in_chunks(bytes(32))]}]},
    "inline datum": {1: [{**TO_BOB, 2: [1, tag_24_in_chunks([])]}]},
    "reference script": {1: [{**TO_BOB, 3: tag_24_in_chunks([3, YES_V3])}]},
    "script inside": {1: [{**TO_BOB, 3: cbor2.CBORTag(24, dumps([3, in_chunks(YES_V3)]))}]},
    "policy": {1: [[key_address(BOB), [2_000_000, {in_chunks(POLICY): {b"": 1}}]]]},
    "asset name": {1: [[key_address(BOB), [2_000_000, {POLICY: {in_chunks(b"name"): 1}}]]]},
    "minted asset name": {9: {POLICY: {in_chunks(b"name"): 1}}},
    "auxiliary data hash": {7: in_chunks(bytes(32))},
    "script integrity hash": {11: in_chunks(bytes(32))},
    "required signer": {14: [in_chunks(bytes(28))]},
    "collateral return": {16: [in_chunks(key_address(BOB)), 2_000_000]},
}


@pytest.mark.parametrize("fields", BODIES_IN_CHUNKS.values(), ids=BODIES_IN_CHUNKS)
def test_bodies_hold_no_bytes_in_chunks(fields: dict[int, Any]) -> None:
    assert "in chunks" in refused(lambda body: body.update(fields))


@pytest.mark.parametrize(
    "witnesses",
    [
        {0: [[in_chunks(bytes(32)), bytes(64)]]},
        {0: [[bytes(32), in_chunks(bytes(64))]]},
        {1: [[0, in_chunks(bytes(28))]]},
        {2: [[bytes(32), bytes(64), in_chunks(bytes(32)), b"\xa0"]]},
        {2: [[bytes(32), bytes(64), bytes(32), in_chunks(b"\xa0")]]},
        {3: [in_chunks(YES_MINT)]},
        {6: [in_chunks(YES_MINT)]},
        {7: [in_chunks(YES_V3)]},
    ],
    ids=[
        *("key", "signature", "native script's key", "chain code", "attributes"),
        *("Plutus V1", "Plutus V2", "Plutus V3"),
    ],
)
def test_witnesses_hold_no_bytes_in_chunks(witnesses: dict[int, Any]) -> None:
    draft = payment()
    draft.witnesses = witnesses
    assert "in chunks" in undecodable(draft.seal())


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_scripts_in_auxiliary_data_hold_no_bytes_in_chunks(number: int) -> None:
    draft = payment()
    script = [0, in_chunks(bytes(28))] if number == 1 else in_chunks(YES_V3)
    draft.auxiliary = cbor2.CBORTag(259, {number: [script]})
    assert "in chunks" in undecodable(draft.seal())


def test_plutus_data_and_metadata_may_hold_bytes_in_chunks() -> None:
    draft = spending(3, YES_V3)
    data = [in_chunks(b"some bytes"), cbor2.CBORTag(2, in_chunks(b"\x01" * 9))]
    draft.body[1] = [{**TO_BOB, 2: inline(data)}]
    ((pointer, (_, units)),) = draft.witnesses[5].items()
    draft.witnesses[5] = {pointer: [data, units]}
    draft.auxiliary = {1: in_chunks(b"some bytes")}
    assert draft.judge() is None


@pytest.mark.parametrize(("number", "code"), [(3, YES_MINT), (6, YES_MINT), (7, YES_V3)])
@pytest.mark.parametrize("tagged", [True, False])
def test_a_plutus_script_that_stands_twice_is_refused(
    number: int, code: bytes, tagged: bool
) -> None:
    """However its bytes' length is written."""
    draft = payment()
    scripts = [code, Raw(b"\x59" + len(code).to_bytes(2, "big") + code)]
    draft.witnesses[number] = cbor2.CBORTag(258, scripts) if tagged else scripts
    assert "a Plutus script stands twice" in undecodable(draft.seal())


def test_other_witnesses_may_stand_twice() -> None:
    """Keys, native scripts and datums; and one code is three scripts in three versions."""
    draft = native(payment(), [1, []])
    draft.witnesses[1] *= 2
    draft.keys *= 2
    assert draft.judge() is None
    draft.witnesses |= {4: [7, 7], 3: [YES_V3], 6: [YES_V3], 7: [YES_V3]}
    witnesses = decode_transaction(draft.seal()).witnesses
    assert (len(witnesses.scripts), len(witnesses.datums), len(witnesses.keys)) == (4, 1, 1)


def test_an_input_that_stands_twice_is_refused() -> None:
    assert "twice" in refused(lambda body: body[0].append(wire(reference("alice"))))


@pytest.mark.parametrize("number", [13, 14, 18])
def test_empty_sets_are_refused_where_the_field_must_not_be_empty(number: int) -> None:
    assert "empty set" in refused(lambda body: body.update({number: []}))


@pytest.mark.parametrize("number", [0, 1, 2])
def test_fields_that_must_be_there(number: int) -> None:
    assert "no " in refused(lambda body: body.pop(number))


def test_unknown_fields_are_refused() -> None:
    assert "unknown field 6" in refused(lambda body: body.update({6: []}))


@pytest.mark.parametrize(
    "value",
    [
        [2_000_000, {bytes(28): {b"a": 0}}],
        [2_000_000, {bytes(28): {}}],
        [2_000_000, {bytes(27): {b"a": 1}}],
        [2_000_000, {bytes(28): {b"a" * 33: 1}}],
        [2_000_000, {bytes(28): {b"a": -1}}],
        -1,
        1 << 64,
    ],
)
def test_values_that_no_output_can_hold(value: Any) -> None:
    refused(lambda body: body.update({1: [[key_address(BOB), value]]}))


@pytest.mark.parametrize("mint", [{}, {bytes(28): {}}, {bytes(28): {b"a": 0}}, {b"": {b"": 1}}])
def test_mints_that_mean_nothing(mint: Any) -> None:
    """The last one would be ADA: its policy has no 28 bytes."""
    refused(lambda body: body.update({9: mint}))


@pytest.mark.parametrize(
    "address",
    [b"", b"\x60" + bytes(27), b"\x60" + bytes(29), b"\xe0" + bytes(28), b"\x62" + bytes(28)],
)
def test_addresses_that_nothing_can_pay_to(address: bytes) -> None:
    refused(lambda body: body.update({1: [[address, 2_000_000]]}))


def test_trailing_bytes_and_duplicate_keys_are_refused() -> None:
    raw = payment().seal()
    assert "1 bytes follow" in undecodable(raw + b"\x00")
    body = b"\xa4" + cbor2.dumps(payment().body)[1:] + b"\x02\x01\x02\x01"
    assert "twice" in undecodable(payment().sign(body))


def test_nesting_over_500_is_refused_without_harm() -> None:
    datum = b"\x81" * 600 + b"\x00"
    draft = payment()
    draft.body[1] = [{0: key_address(BOB), 1: 2_000_000}]
    raw = draft.seal().replace(b"\xf5\xf6", b"\xf5" + datum)
    assert "nested" in undecodable(raw)


@pytest.mark.parametrize("cut", range(0, 200, 7))
def test_half_a_transaction_is_refused(cut: int) -> None:
    assert undecodable(payment().seal()[:cut])
