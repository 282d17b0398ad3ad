"""Each rule of phase 1: the transaction that keeps it, and the one that breaks just it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cbor2
import pytest

from milestones.devnet.ledger.fees import minimum_fee, minimum_lovelace, transaction_size
from milestones.devnet.ledger.resolved_transaction import resolve
from milestones.devnet.ledger.transaction import decode_transaction
from tests.support.raw_transactions import (
    ALICE,
    BOB,
    NO_V3,
    YES_MINT,
    YES_SPEND,
    YES_V3,
    Draft,
    Raw,
    check_shape,
    hash256,
    inline,
    key_address,
    key_hash,
    language_views,
    minting,
    native,
    payment,
    reference,
    script_address,
    script_hash,
    script_ref,
    spending,
    wire,
    with_collateral,
)


def accepted(draft: Draft) -> None:
    failure = draft.judge()
    assert failure is None, f"{failure.rpc_code} {failure.message} {failure.data}"


def refused(draft: Draft, code: int) -> Any:
    failure = draft.judge()
    assert failure is not None, "accepted"
    assert failure.rpc_code == code, f"{failure.rpc_code} {failure.message} {failure.data}"
    check_shape("submitTransaction", failure)
    return failure.data


BASES: dict[str, Callable[[], Draft]] = {
    "payment": payment,
    "v1 spend by hash": lambda: spending(1, YES_SPEND, "hash"),
    "v2 spend": lambda: spending(2, YES_SPEND),
    "v2 spend by hash": lambda: spending(2, YES_SPEND, "hash"),
    "v3 spend": lambda: spending(3, YES_V3),
    "v3 spend without datum": lambda: spending(3, YES_V3, "none"),
    "v1 mint": lambda: minting(1, YES_MINT),
    "v2 mint": lambda: minting(2, YES_MINT),
    "v3 mint": lambda: minting(3, YES_V3),
}


@pytest.mark.parametrize("name", BASES)
def test_the_transactions_that_everything_starts_from_are_accepted(name: str) -> None:
    accepted(BASES[name]())


def test_no_inputs() -> None:
    draft = payment()
    draft.last_step = lambda body: body.update({0: []})
    refused(draft, 3121)


@pytest.mark.parametrize("number", [0, 13, 18])
def test_unknown_inputs(number: int) -> None:
    draft = payment()
    draft.body.setdefault(number, []).append(wire(reference("nowhere")))
    data = refused(draft, 3117)
    assert data["unknownOutputReferences"][0]["transaction"]["id"] == (
        reference("nowhere").transaction_id.hex()
    )


def test_spending_what_is_also_referenced() -> None:
    draft = payment()
    draft.body[18] = [wire(reference("alice"))]
    accepted(draft)
    older = draft.environment.parameters.with_changes(protocol_version=(10, 0))
    draft.environment = replace(draft.environment, parameters=older)
    refused(draft, 3164)


def test_plutus_v3_sees_no_output_both_spent_and_referenced() -> None:
    draft = spending(3, YES_V3)
    draft.body[18] = [wire(reference("alice"))]
    refused(draft, 3004)


@pytest.mark.parametrize(
    ("bounds", "code"),
    [
        ({8: 1000}, None),
        ({8: 1001}, 3118),
        ({3: 1001}, None),
        ({3: 1000}, 3118),
        ({8: 999, 3: 1001}, None),
        ({8: 1000, 3: 1000}, 3118),
    ],
)
def test_validity_interval(bounds: dict[int, int], code: int | None) -> None:
    draft = payment()
    draft.body.update(bounds)
    accepted(draft) if code is None else refused(draft, code)


def test_a_bound_whose_time_nobody_knows() -> None:
    draft = minting(3, YES_V3)
    draft.environment = replace(draft.environment, horizon_slot=5000)
    draft.body[3] = 4999
    accepted(draft)
    draft.body[3] = 5000
    assert refused(draft, 3130) == {"unforeseeableSlot": 5000}
    simple = payment()
    simple.environment = draft.environment
    simple.body[3] = 5000
    accepted(simple)


def exact_fee(draft: Draft) -> int:
    """The least fee, found by asking for it until it no longer changes."""
    for _ in range(3):
        transaction = decode_transaction(draft.seal())
        draft.fee = minimum_fee(resolve(transaction, draft.known(), draft.environment))
    return draft.fee


@pytest.mark.parametrize("name", BASES)
def test_the_fee_to_the_lovelace(name: str) -> None:
    draft = BASES[name]()
    draft.fee = least = exact_fee(draft)
    accepted(draft)
    draft.fee = least - 1
    data = refused(draft, 3122)
    assert data["minimumRequiredFee"] == {"ada": {"lovelace": least}}


def test_the_size_that_is_paid_for_leaves_out_the_validity_flag() -> None:
    raw = payment().seal()
    assert transaction_size(decode_transaction(raw)) == len(raw) - 1


def test_value_is_conserved() -> None:
    draft = payment()
    draft.last_step = lambda body: body[1].append([key_address(BOB), 1_000_000])
    data = refused(draft, 3123)
    assert data["valueConsumed"] == {"ada": {"lovelace": 10_000_000}}
    assert data["valueProduced"] == {"ada": {"lovelace": 11_000_000}}


def test_tokens_are_conserved() -> None:
    draft = minting(3, YES_V3)
    policy = script_hash(3, YES_V3)
    draft.last_step = lambda body: body[1][-1][1][1][policy].update({b"token": 6})
    refused(draft, 3123)


def test_burning_needs_the_tokens() -> None:
    draft = minting(3, YES_V3)
    policy = script_hash(3, YES_V3)
    draft.body[9] = {policy: {b"token": -5}}
    draft.add_input(reference("tokens"), [key_address(ALICE), [2_000_000, {policy: {b"token": 5}}]])
    accepted(draft)


def test_outputs_hold_what_their_size_demands() -> None:
    draft = payment()
    raw = draft.seal()
    output = decode_transaction(raw).body.outputs[0]
    least = minimum_lovelace(output, draft.environment.parameters)
    assert least == (160 + len(output.raw)) * 4310
    draft.body[1] = [[key_address(BOB), least]]
    accepted(draft)
    draft.body[1] = [[key_address(BOB), least - 1]]
    data = refused(draft, 3125)
    assert data["insufficientlyFundedOutputs"][0]["minimumRequiredValue"] == (
        {"ada": {"lovelace": least}}
    )


def test_the_collateral_return_is_an_output_too() -> None:
    draft = minting(3, YES_V3)
    draft.body[16] = [key_address(ALICE), 4_000_000]
    accepted(draft)
    draft.body[16] = [key_address(ALICE), 500_000]
    refused(draft, 3125)


def many_tokens(count: int) -> dict[bytes, dict[bytes, int]]:
    return {bytes(28): {number.to_bytes(32, "big"): 1 for number in range(count)}}


@pytest.mark.parametrize(("count", "code"), [(140, None), (143, 3120)])
def test_values_do_not_grow_without_bound(count: int, code: int | None) -> None:
    """A token of a 32-byte name takes 35 bytes; 5,000 are allowed."""
    draft = payment()
    tokens = many_tokens(count)
    draft.add_input(reference("tokens"), [key_address(ALICE), [50_000_000, tokens]])
    draft.body[1] = [[key_address(BOB), [40_000_000, tokens]]]
    draft.fee = 600_000
    accepted(draft) if code is None else refused(draft, code)


def test_addresses_of_another_network() -> None:
    draft = payment()
    draft.body[1] = [[b"\x61" + key_hash(BOB), 2_000_000]]
    data = refused(draft, 3124)
    assert data["discriminatedType"] == "address"
    assert data["invalidEntities"][0].startswith("addr1")


def test_a_body_for_another_network() -> None:
    draft = payment()
    draft.body[15] = 0
    accepted(draft)
    draft.body[15] = 1
    data = refused(draft, 3124)
    assert data == {"expectedNetwork": "testnet", "discriminatedType": "transaction"}


def test_size() -> None:
    draft = payment()
    draft.fee = 1_000_000
    draft.auxiliary = {1: [b"x" * 64] * 240}
    accepted(draft)
    draft.auxiliary = {1: [b"x" * 64] * 250}
    assert refused(draft, 3119)["maximumTransactionSize"] == {"bytes": 16_384}


def test_execution_units() -> None:
    draft = spending(3, YES_V3, units=(16_500_000, 300_000))
    draft.fee = 2_000_000
    accepted(draft)
    draft = spending(3, YES_V3, units=(16_500_001, 300_000))
    draft.fee = 2_000_000
    refused(draft, 3134)


def collateral_draft() -> Draft:
    return minting(3, YES_V3)


def test_collateral_must_be_there() -> None:
    draft = collateral_draft()
    del draft.body[13]
    refused(draft, 3132)


def test_collateral_is_a_percentage_of_the_fee() -> None:
    draft = collateral_draft()
    draft.utxo[reference("collateral")] = [key_address(ALICE), 450_000]
    accepted(draft)
    draft.utxo[reference("collateral")] = [key_address(ALICE), 449_999]
    data = refused(draft, 3128)
    assert data["minimumRequiredCollateral"] == {"ada": {"lovelace": 450_000}}


def test_collateral_is_locked_by_keys() -> None:
    draft = collateral_draft()
    draft.utxo[reference("collateral")] = [script_address(3, YES_V3), 5_000_000]
    refused(draft, 3129)


def test_tokens_in_collateral_are_given_back() -> None:
    draft = collateral_draft()
    tokens = {bytes(28): {b"x": 1}}
    draft.utxo[reference("collateral")] = [key_address(ALICE), [5_000_000, tokens]]
    refused(draft, 3133)
    draft.body[16] = [key_address(ALICE), [4_000_000, tokens]]
    accepted(draft)


def test_total_collateral_is_what_it_is() -> None:
    draft = collateral_draft()
    draft.body[16] = [key_address(ALICE), 4_000_000]
    draft.body[17] = 1_000_000
    accepted(draft)
    draft.body[17] = 1_000_001
    refused(draft, 3135)


def test_not_too_many_collateral_inputs() -> None:
    draft = collateral_draft()
    for number in range(2):
        draft.add_input(reference(f"more {number}"), [key_address(ALICE), 5_000_000], 13)
    accepted(draft)
    draft.add_input(reference("one more"), [key_address(ALICE), 5_000_000], 13)
    assert refused(draft, 3131)["countedCollateralInputs"] == 4


def test_reference_scripts_have_a_limit() -> None:
    draft = payment()
    limited = draft.environment.parameters.with_changes(max_reference_scripts_size=10)
    draft.environment = replace(draft.environment, parameters=limited)
    output = {0: key_address(ALICE), 1: 3_000_000, 3: script_ref(3, YES_V3)}
    draft.add_input(reference("one"), output, 18)
    accepted(draft)
    draft.add_input(reference("two"), output, 18)
    data = refused(draft, 3166)
    assert data["measuredReferenceScriptsSize"] == {"bytes": 12}


def test_signatures_are_verified() -> None:
    draft = payment()
    signature = ALICE.sign(b"something else").signature
    draft.witnesses[0] = [[ALICE.verify_key.encode(), signature]]
    data = refused(draft, 3100)
    assert data == {"invalidSignatories": [ALICE.verify_key.encode().hex()]}


def test_owners_of_inputs_sign() -> None:
    draft = payment()
    draft.keys = [BOB]
    assert refused(draft, 3101) == {"missingSignatories": [key_hash(ALICE).hex()]}


def test_owners_of_collateral_sign() -> None:
    draft = collateral_draft()
    draft.utxo[reference("collateral")] = [key_address(BOB), 5_000_000]
    refused(draft, 3101)
    draft.keys = [ALICE, BOB]
    accepted(draft)


def test_required_signers_sign() -> None:
    draft = payment()
    draft.body[14] = [key_hash(BOB)]
    refused(draft, 3101)
    draft.keys = [ALICE, BOB]
    accepted(draft)


SIGNED = [0, key_hash(ALICE)]
UNSIGNED = [0, key_hash(BOB)]


@pytest.mark.parametrize(
    ("script", "holds"),
    [
        (SIGNED, True),
        (UNSIGNED, False),
        ([1, [SIGNED, SIGNED]], True),
        ([1, [SIGNED, UNSIGNED]], False),
        ([1, []], True),
        ([2, [UNSIGNED, SIGNED]], True),
        ([2, [UNSIGNED]], False),
        ([2, []], False),
        ([3, 2, [SIGNED, UNSIGNED, SIGNED]], True),
        ([3, 2, [SIGNED, UNSIGNED]], False),
        ([3, 0, [UNSIGNED]], True),
        ([4, 900], True),
        ([4, 901], False),
        ([5, 1100], True),
        ([5, 1099], False),
        ([1, [SIGNED, [4, 900], [5, 1100]]], True),
    ],
)
def test_native_scripts(script: list[Any], holds: bool) -> None:
    draft = native(payment(), script)
    draft.body.update({8: 900, 3: 1100})
    accepted(draft) if holds else refused(draft, 3103)


@pytest.mark.parametrize("script", [[4, 0], [5, 10**6]])
def test_an_open_interval_proves_nothing(script: list[Any]) -> None:
    refused(native(payment(), script), 3103)


def test_needed_scripts_come_along() -> None:
    refused(native(payment(), SIGNED, witness=False), 3102)
    draft = spending(3, YES_V3)
    del draft.witnesses[7]
    draft.languages = set()
    refused(draft, 3102)


def test_scripts_that_nothing_needs() -> None:
    draft = payment()
    draft.witnesses[1] = [SIGNED]
    assert refused(draft, 3104)["extraneousScripts"] == [script_hash(0, cbor2.dumps(SIGNED)).hex()]


def test_a_script_that_a_reference_brings_already() -> None:
    draft = spending(3, YES_V3)
    output = {0: key_address(ALICE), 1: 3_000_000, 3: script_ref(3, YES_V3)}
    draft.add_input(reference("script"), output, 18)
    refused(draft, 3104)
    del draft.witnesses[7]
    accepted(draft)


def test_reference_scripts_that_nothing_needs_do_no_harm() -> None:
    draft = spending(3, YES_V3)
    output = {0: key_address(ALICE), 1: 3_000_000, 3: script_ref(3, NO_V3)}
    draft.add_input(reference("script"), output, 18)
    accepted(draft)
    spent = minting(3, YES_V3)
    spent.add_input(reference("another"), output)
    accepted(spent)


def test_redeemers_that_nothing_needs() -> None:
    draft = spending(3, YES_V3)
    draft.witnesses[5][(1, 0)] = [7, [1, 1]]
    assert refused(draft, 3110)["extraneousRedeemers"] == [{"purpose": "mint", "index": 0}]


def test_scripts_without_a_redeemer() -> None:
    draft = minting(3, YES_V3)
    del draft.witnesses[5]
    draft.body[11] = hash256(b"\xa0" + language_views({3}))
    data = refused(draft, 3109)
    assert data["missingRedeemers"] == [{"purpose": "mint", "policy": script_hash(3, YES_V3).hex()}]


@pytest.mark.parametrize("version", [1, 2])
def test_datums_come_along(version: int) -> None:
    draft = spending(version, YES_SPEND, "hash")
    del draft.witnesses[4]
    assert refused(draft, 3111) == {"missingDatums": [hash256(cbor2.dumps(42)).hex()]}


def test_outputs_of_older_scripts_without_a_datum_are_lost() -> None:
    refused(spending(2, YES_SPEND, "none"), 3114)


def test_datums_that_belong_nowhere() -> None:
    draft = spending(3, YES_V3)
    draft.witnesses[4] = [99]
    assert refused(draft, 3112) == {"extraneousDatums": [hash256(cbor2.dumps(99)).hex()]}
    draft.body[1] = [{0: key_address(BOB), 1: 2_000_000, 2: [0, hash256(cbor2.dumps(99))]}]
    accepted(draft)


def test_datums_of_referenced_outputs_may_come_along() -> None:
    draft = spending(3, YES_V3)
    draft.witnesses[4] = [99]
    output = {0: key_address(BOB), 1: 2_000_000, 2: [0, hash256(cbor2.dumps(99))]}
    draft.add_input(reference("shown"), output, 18)
    accepted(draft)


def test_auxiliary_data() -> None:
    draft = payment()
    draft.auxiliary = {674: {"msg": ["hello"]}}
    accepted(draft)
    draft.last_step = lambda body: body.pop(7)
    refused(draft, 3105)
    draft.last_step = lambda body: body.update({7: bytes(32)})
    assert refused(draft, 3107)["provided"] == {"hash": bytes(32).hex()}
    draft.auxiliary = None
    refused(draft, 3106)


def not_decoded(draft: Draft) -> str:
    """Why not, in this era; which eras there are differs between versions of Ogmios."""
    failure = draft.judge()
    assert failure is not None
    assert failure.rpc_code == -32602
    reason: str = failure.data["conway"]
    return reason


@pytest.mark.parametrize("long", [b"x" * 65, "x" * 65, "é" * 33])
@pytest.mark.parametrize("around", [lambda x: x, lambda x: [{"a": x}], lambda x: {x: 1}])
def test_metadata_comes_in_small_pieces(long: Any, around: Callable[[Any], Any]) -> None:
    """A node finds out as it reads: it is no transaction of any era."""
    draft = payment()
    draft.auxiliary = {1: around(long[:-1])}
    accepted(draft)
    draft.auxiliary = {1: around(long)}
    assert "exceeds 64 bytes" in not_decoded(draft)


def test_metadata_in_chunks_is_measured_as_a_whole() -> None:
    for last, good in ((b"\x41y", True), (b"\x42yy", False)):
        draft = payment()
        draft.auxiliary = {1: Raw(b"\x5f\x58\x3f" + b"x" * 63 + last + b"\xff")}
        if good:
            accepted(draft)
        else:
            assert "exceeds 64 bytes" in not_decoded(draft)


@pytest.mark.parametrize("form", [{1: 2}, [{1: 2}, [SIGNED]], cbor2.CBORTag(259, {0: {1: 2}})])
def test_the_three_forms_of_auxiliary_data(form: Any) -> None:
    draft = payment()
    draft.auxiliary = form
    accepted(draft)


def test_the_script_integrity_hash() -> None:
    draft = spending(3, YES_V3)
    draft.body[11] = bytes(32)
    assert refused(draft, 3113)["providedScriptIntegrity"] == bytes(32).hex()
    simple = payment()
    simple.body[11] = bytes(32)
    assert refused(simple, 3113)["computedScriptIntegrity"] is None


def test_all_languages_in_one_transaction() -> None:
    """Version 1 writes its cost model otherwise than the others, and comes last."""
    draft = minting(1, YES_MINT)
    policies = {script_hash(1, YES_MINT), script_hash(2, YES_MINT), script_hash(3, YES_V3)}
    draft.body[9] = {policy: {b"token": 5} for policy in policies}
    draft.witnesses.update({3: [YES_MINT], 6: [YES_MINT], 7: [YES_V3]})
    draft.witnesses[5] = {(1, index): [7, [2000, 300_000]] for index in range(3)}
    draft.languages = {1, 2, 3}
    draft.fee = 400_000
    accepted(draft)


@pytest.mark.parametrize("code", [b"", b"\x43abc", YES_V3[:-1], YES_V3 + b"\x00", b"\x41\x00"])
def test_scripts_must_be_well_formed(code: bytes) -> None:
    draft = minting(3, code)
    refused(draft, 3116)
    created = payment()
    created.body[1] = [{0: key_address(BOB), 1: 2_000_000, 3: script_ref(3, code)}]
    refused(created, 3116)


@pytest.mark.parametrize("number", [19, 20, 21, 22])
def test_what_this_chain_has_no_rules_for_is_refused(number: int) -> None:
    draft = payment()
    draft.body[number] = 1
    data = refused(draft, 3997)
    assert "not supported" in data["error"]


def test_byron_witnesses_are_refused() -> None:
    draft = payment()
    draft.witnesses[2] = [[bytes(32), bytes(64), bytes(32), b"\xa0"]]
    assert "Byron" in refused(draft, 3997)["error"]


def test_the_most_urgent_failure_is_told() -> None:
    """Not conserved, unsigned, too cheap and too late: the interval is told."""
    draft = with_collateral(payment())
    draft.keys, draft.fee = [BOB], 1
    draft.last_step = lambda body: body[1].append([key_address(BOB), 1_000_000])
    draft.body[3] = 10
    refused(draft, 3118)
    del draft.body[3]
    refused(draft, 3101)
    draft.keys = [ALICE]
    refused(draft, 3122)
    draft.fee = 300_000
    refused(draft, 3123)


def test_inline_datums_can_be_spent_by_key() -> None:
    draft = payment()
    draft.add_input(reference("datum"), {0: key_address(ALICE), 1: 2_000_000, 2: inline([1, 2])})
    accepted(draft)
