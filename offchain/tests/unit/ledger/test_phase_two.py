"""Phase 2: scripts run within what they declare, and do what the transaction says they do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from zlib import crc32

import cbor2
import pytest

from milestones.cardano.outputs import OutputReference, Script
from milestones.cardano.parameters import ExecutionUnits, RedeemerPointer
from milestones.devnet.ledger.failures import TransactionRejected, Unsupported
from milestones.devnet.ledger.parameters import PLUTUS_V3
from milestones.devnet.ledger.plutus import evaluate as evaluate_script
from milestones.devnet.ledger.rules import effects, evaluate
from milestones.devnet.ledger.transaction import decode_transaction
from milestones.devnet.ogmios.failures import rpc_failure
from tests.support.raw_transactions import (
    ALICE,
    BOB,
    NO_SPEND,
    NO_V3,
    NOT_UNIT_V3,
    YES_MINT,
    YES_SPEND,
    YES_V3,
    Draft,
    Raw,
    check_shape,
    dumps,
    inline,
    key_address,
    minting,
    payment,
    reference,
    script_ref,
    spending,
)

TRACES_AND_FAILS = bytes.fromhex("581b010100232633573892010d736169642022686922e280a60a004981")

BYRON_PAYLOAD = dumps([bytes(28), {}, 0])
BYRON = dumps([cbor2.CBORTag(24, BYRON_PAYLOAD), crc32(BYRON_PAYLOAD)])
"""An address of the Byron era, of mainnet."""


def refused(draft: Draft, code: int) -> Any:
    failure = draft.judge()
    assert failure is not None, "accepted"
    assert failure.rpc_code == code, f"{failure.rpc_code} {failure.message} {failure.data}"
    check_shape("submitTransaction", failure)
    return failure.data


def evaluated(draft: Draft) -> list[tuple[RedeemerPointer, ExecutionUnits]]:
    return evaluate(decode_transaction(draft.seal()), draft.known(), draft.environment)


@pytest.mark.parametrize(
    "draft",
    [spending(3, NO_V3), minting(3, NO_V3), minting(3, NOT_UNIT_V3), spending(2, NO_SPEND)],
)
def test_scripts_that_fail(draft: Draft) -> None:
    data = refused(draft, 3136)
    assert data["declaredSpending"] == "inputs"
    draft.is_valid = False
    assert draft.judge() is None


@pytest.mark.parametrize("draft", [spending(3, YES_V3), minting(2, YES_MINT), payment()])
def test_scripts_that_were_said_to_fail(draft: Draft) -> None:
    draft.is_valid = False
    assert refused(draft, 3136)["declaredSpending"] == "collaterals"


@pytest.mark.parametrize(
    ("units", "enough"), [((500, 64_100), True), ((499, 64_100), False), ((500, 64_099), False)]
)
def test_units_are_exact(units: tuple[int, int], enough: bool) -> None:
    draft = spending(3, YES_V3, units=units)
    if enough:
        assert draft.judge() is None
    else:
        refused(draft, 3136)


@pytest.mark.parametrize("first", [(0, 0), (1 << 62, 1 << 62)])
def test_a_redeemer_that_a_later_one_replaces_costs_nothing(first: tuple[int, int]) -> None:
    """Neither too little nor too much in it matters; in the last one it does."""
    draft = spending(3, YES_V3)
    ((pointer, last),) = draft.witnesses[5].items()

    def redeemers(*contents: Any) -> Raw:
        pairs = b"".join(dumps(pointer) + dumps(content) for content in contents)
        return Raw(bytes((0xA0 + len(contents),)) + pairs)

    draft.witnesses[5] = redeemers([8, list(first)], last)
    assert draft.judge() is None
    assert evaluated(draft) == [(RedeemerPointer("spend", pointer[1]), ExecutionUnits(500, 64_100))]
    draft.witnesses[5] = redeemers(last, [8, list(first)])
    assert draft.judge() is not None


def test_what_a_valid_transaction_changes() -> None:
    draft = spending(3, YES_V3)
    transaction = decode_transaction(draft.seal())
    spent, created = effects(transaction)
    assert set(spent) == {reference("alice"), reference("locked")}
    assert [ref.index for ref in created] == [0, 1]
    assert all(ref.transaction_id == transaction.id for ref in created)


def test_what_a_failed_transaction_changes() -> None:
    draft = spending(3, NO_V3)
    draft.is_valid = False
    draft.body[16] = [key_address(ALICE), 4_000_000]
    assert draft.judge() is None
    transaction = decode_transaction(draft.seal())
    spent, created = effects(transaction)
    assert spent == (reference("collateral"),)
    [(ref, output)] = created.items()
    assert (ref, output.value.lovelace) == (OutputReference(transaction.id, 2), 4_000_000)


def test_evaluation_needs_neither_fee_nor_signature_nor_units() -> None:
    draft = spending(3, YES_V3, units=(0, 0))
    draft.fee, draft.signed = 0, False
    del draft.body[13]
    [(pointer, units)] = evaluated(draft)
    assert (pointer.purpose, units) == ("spend", ExecutionUnits(500, 64_100))


def test_evaluation_without_scripts_is_empty() -> None:
    assert evaluated(payment()) == []


def inner(draft: Draft) -> dict[str, Any]:
    with pytest.raises(TransactionRejected) as caught:
        evaluated(draft)
    failure = rpc_failure(caught.value)
    assert failure.rpc_code == 3010
    check_shape("evaluateTransaction", failure)
    [entry] = failure.data
    error: dict[str, Any] = entry["error"]
    return error


def test_a_script_that_fails_shows_its_traces() -> None:
    assert inner(minting(3, NO_V3))["code"] == 3012
    error = inner(minting(3, TRACES_AND_FAILS))
    assert error["data"]["traces"] == ['said "hi"…\n']


def test_a_v3_script_must_return_a_unit() -> None:
    assert inner(minting(3, NOT_UNIT_V3))["code"] == 3012


def test_evaluation_of_redeemers_that_nothing_needs() -> None:
    draft = minting(3, YES_V3)
    draft.body.pop(9)
    assert inner(draft)["code"] == 3110


@pytest.mark.parametrize("astray", [(0, 9), (1, 1), (2, 0), (3, 0)])
def test_evaluation_beside_a_redeemer_that_points_to_nothing(astray: tuple[int, int]) -> None:
    """A Plutus V3 script is shown all redeemers, so it can't be run either."""
    draft = minting(3, YES_V3)
    draft.witnesses[5][astray] = [7, [2000, 300_000]]
    with pytest.raises(TransactionRejected) as caught:
        evaluated(draft)
    assert rpc_failure(caught.value).rpc_code == 3004
    assert f"#{astray[1]} points to nothing" in rpc_failure(caught.value).data["reason"]


def unsupported(draft: Draft) -> str:
    with pytest.raises(TransactionRejected) as caught:
        evaluated(draft)
    (failure,) = caught.value.failures
    assert isinstance(failure, Unsupported)
    return failure.what


def test_evaluation_beside_byron_witnesses() -> None:
    draft = minting(3, YES_V3)
    draft.witnesses[2] = [[bytes(32), bytes(64), b"", b""]]
    assert unsupported(draft) == "Byron (bootstrap) witnesses"


@pytest.mark.parametrize("field_number", [0, 13])
def test_evaluation_of_inputs_at_byron_addresses(field_number: int) -> None:
    draft = minting(3, YES_V3)
    draft.add_input(reference("byron"), [BYRON, 3_000_000], field_number)
    assert unsupported(draft) == "an input locked by a Byron address"


def test_evaluation_without_the_script() -> None:
    draft = minting(3, YES_V3)
    draft.witnesses.pop(7)
    found = inner(draft)
    assert (found["code"], found["data"]) == (
        3011,
        {"missingScripts": [{"purpose": "mint", "index": 0}]},
    )
    assert found["message"].startswith("An associated script witness is missing.")


def test_evaluation_of_a_script_that_is_none() -> None:
    assert inner(minting(3, b"\x43abc"))["code"] == 3012


def test_evaluation_without_the_datum() -> None:
    draft = spending(2, YES_SPEND, "hash")
    draft.witnesses.pop(4)
    assert inner(draft)["code"] == 3111
    assert inner(spending(2, YES_SPEND, "none"))["code"] == 3013


def test_evaluation_of_unknown_inputs() -> None:
    draft = minting(3, YES_V3)
    draft.body[0].append([bytes(32), 0])
    with pytest.raises(TransactionRejected) as caught:
        evaluated(draft)
    assert rpc_failure(caught.value).rpc_code == 3004
    assert "00#0" in rpc_failure(caught.value).data["reason"]


def test_evaluation_past_the_horizon() -> None:
    draft = minting(3, YES_V3)
    draft.environment = replace(draft.environment, horizon_slot=5000)
    draft.body[8] = 5000
    with pytest.raises(TransactionRejected) as caught:
        evaluated(draft)
    assert rpc_failure(caught.value).rpc_code == 3004


@pytest.mark.parametrize("number", [19, 20])
def test_evaluation_of_what_scripts_could_not_be_shown(number: int) -> None:
    draft = minting(3, YES_V3)
    draft.body[number] = {}
    with pytest.raises(TransactionRejected, match="Unsupported"):
        evaluated(draft)


def test_plutus_v1_sees_no_inline_datum() -> None:
    draft = minting(1, YES_MINT)
    draft.add_input(reference("datum"), {0: key_address(ALICE), 1: 2_000_000, 2: inline(1)})
    refused(draft, 3004)


def test_what_hinders_the_scripts_is_told_before_lesser_faults() -> None:
    """The ledger makes the scripts' context whatever phase 1 has found, and tells both."""
    draft = minting(1, YES_MINT)
    draft.add_input(reference("datum"), {0: key_address(ALICE), 1: 2_000_000, 2: inline(1)})
    draft.fee = 1
    refused(draft, 3004)
    draft.witnesses[4] = [7]
    refused(draft, 3004)
    draft.keys = [BOB]
    refused(draft, 3101)


def test_no_script_sees_a_byron_address() -> None:
    draft = minting(3, YES_V3)
    draft.environment = replace(draft.environment, network_id=1)
    address = b"\x61" + key_address(BOB)[1:]
    draft.body[1] = [[BYRON, 2_000_000]]
    draft.last_step = lambda body: body[1].__setitem__(-1, [address, body[1][-1][1]])
    refused(draft, 3004)


def test_a_language_without_a_cost_model() -> None:
    draft = minting(3, YES_V3)
    models = {"plutus:v1": (1,) * 332}
    parameters = draft.environment.parameters.with_changes(cost_models=models)
    draft.environment = replace(draft.environment, parameters=parameters)
    assert inner(draft)["code"] == 3115


def program(term: str) -> bytes:
    """A script in Plutus Core 1.1.0 out of its term in bits."""
    padded = term + "0" * (7 - len(term) % 8) + "1"
    return cbor2.dumps(b"\x01\x01\x00" + int(padded, 2).to_bytes(len(padded) // 8, "big"))


def variable(index: int) -> str:
    return "0000" + format(index, "08b")


UNIT = "0100" + "100110"
"""The constant that a script of version 3 returns."""


def that_ignores(term: str) -> bytes:
    r"""`\_ -> (\_ -> ()) term`."""
    return program("0010" + "0011" + "0010" + UNIT + term)


@pytest.mark.parametrize("index", [0, 3, 100])
def test_a_free_variable_fails_a_script_although_it_is_never_looked_up(index: int) -> None:
    r"""Inside `\_ -> \_ -> _`, two are bound; a script that is open is not malformed."""
    assert evaluated(minting(3, that_ignores("0010" + variable(2))))
    draft = minting(3, that_ignores("0010" + variable(index)))
    error = inner(draft)
    said = {"validationError": f"Free index: {index}", "traces": []}
    assert (error["code"], error["data"]) == (3012, said)
    assert refused(draft, 3136)


def test_a_free_variable_where_the_ledger_does_not_look_fails_only_when_it_is_reached() -> None:
    constructor = "1000" + "00000000" + "1" + "{}" + "0"
    assert evaluated(minting(3, that_ignores(constructor.format(variable(1)))))
    delayed = "0001" + constructor.format(variable(7))
    assert evaluated(minting(3, that_ignores(delayed)))
    draft = minting(3, that_ignores(constructor.format(variable(7))))
    error = inner(draft)
    assert error["data"]["validationError"].endswith("Cannot evaluate an open term\nCaused by: i!7")


@pytest.mark.parametrize("builtin", [89, 23])
def test_functions_of_protocol_11_are_run(builtin: int) -> None:
    """`lengthOfArray` came with it; `equalsString` costs something else since."""
    draft = minting(3, that_ignores("0111" + format(builtin, "07b")))
    assert evaluated(draft)


def test_an_extra_reference_script_changes_no_verdict_and_costs_no_units() -> None:
    draft = spending(3, YES_V3)
    output = {0: key_address(ALICE), 1: 3_000_000, 3: script_ref(3, NO_V3)}
    draft.add_input(reference("unneeded"), output, 18)
    assert [units for _, units in evaluated(draft)] == [ExecutionUnits(500, 64_100)]


def test_data_as_deep_as_it_may_be_is_evaluated_without_harm() -> None:
    datum = b"\x81" * 490 + b"\x00"
    budget = ExecutionUnits(500, 64_100)
    run = evaluate_script(Script("plutus:v3", YES_V3), [datum], PLUTUS_V3, budget, 11)
    assert (run.succeeded, run.units) == (True, budget)
