"""Every code of Ogmios has its sentence."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from milestones.clients.rejections import (
    REJECTIONS,
    is_rejection,
    rejection,
)


@pytest.mark.parametrize("version", ["ogmios-v6.14.0", "ogmios-v7.0.0"])
def test_every_code_has_a_sentence(wire_schemas: Path, version: str) -> None:
    told = (wire_schemas / version / "error-codes.txt").read_text()
    codes = {int(code) for code in re.findall(r"^\[(-?\d+)\]", told, re.MULTILINE)}
    assert len(codes) > 70
    assert codes - REJECTIONS.keys() == set()


@pytest.mark.parametrize("method", ["EvaluateTransactionResponse", "SubmitTransactionResponse"])
def test_recorded_refusals_become_sentences(wire_schemas: Path, method: str) -> None:
    folder = wire_schemas / "ogmios-v6.14.0" / "vectors" / method
    errors = [json.loads(path.read_text()).get("error") for path in sorted(folder.glob("*.json"))]
    refused = [error for error in errors if error]
    assert len(refused) > 20
    for error in refused:
        told = rejection(error["code"], error["message"], error.get("data"))
        assert told.message.startswith(REJECTIONS[error["code"]].sentence)
        assert told.data == error.get("data")


def test_facts_are_left_out_where_the_data_lacks_them() -> None:
    assert rejection(3122, "", {"providedFee": {}}).message == "the fee is too low"
    assert rejection(3122, "", None).message == "the fee is too low"


def test_long_lists_are_cut_in_the_message_alone() -> None:
    references = [{"transaction": {"id": "ab"}, "index": index} for index in range(5)]
    error = rejection(3117, "", {"unknownOutputReferences": references})
    assert error.message.endswith("(ab#0, ab#1, ab#2 and 2 more)")
    assert len(error.data["unknownOutputReferences"]) == 5


def test_an_unknown_code_keeps_the_words_of_ogmios() -> None:
    assert rejection(3555, "brand new", None).message == "brand new"
    assert is_rejection(3555)
    assert is_rejection(-32602)
    assert not is_rejection(2001)


def test_unknown_inputs_may_be_our_own_doing() -> None:
    assert rejection(3117, "", {"unknownOutputReferences": []}).inputs_spent
    assert not rejection(3997, "", {"error": "the mempool is full"}).inputs_spent
    assert not rejection(3118, "", None).inputs_spent


def test_what_an_evaluation_misses_may_be_our_own_doing() -> None:
    reason = "Unknown transaction input (missing from UTxO set): 05c3#3"
    assert rejection(3004, "", {"reason": reason}).inputs_spent
    assert not rejection(3004, "", {"reason": "a time beyond the horizon"}).inputs_spent


def test_a_script_that_was_stopped_for_taking_too_much_is_told_from_one_that_refused() -> None:
    def failure(index: int, told: str) -> dict[str, object]:
        pointer = {"purpose": "spend", "index": index}
        return {
            "validator": pointer,
            "error": {"code": 3012, "data": {"validationError": told, "traces": []}},
        }

    words = (
        "The machine terminated part way through evaluation due to overspending the budget.",
        "OutOfExError(ExBudget { mem: -1, cpu: 5 })",
        "The machine terminated because of an error",
    )
    failures = [failure(index, told) for index, told in enumerate(words)]
    assert rejection(3010, "", failures).over_budget == ("spend 0", "spend 1")
    assert rejection(3117, "", None).over_budget == ()


@pytest.mark.parametrize(
    ("code", "failed"), [(3010, True), (3012, True), (3136, True), (3117, False)]
)
def test_a_script_that_refused_is_no_rule_of_the_ledger(code: int, failed: bool) -> None:
    assert rejection(code, "", None).script_failed is failed


def test_an_evaluators_entry_without_a_pointer_is_no_reason_to_fail() -> None:
    entry = {"error": {"code": 3012, "data": {"validationError": "overspending the budget"}}}
    assert rejection(3010, "", [entry, "junk"]).over_budget == ("script ?",)
