"""The recorded answers of Ogmios 6.14, and shapes that are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from milestones.cardano.hashes import blake2b_224
from milestones.clients import chain_walk
from milestones.clients import ogmios_answers as answers


def results(wire_schemas: Path, method: str) -> list[Any]:
    folder = wire_schemas / "ogmios-v6.14.0" / "vectors" / method
    found = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    return [answer["result"] for answer in found if "result" in answer]


@pytest.mark.parametrize(
    ("method", "read"),
    [
        ("QueryLedgerStateTip", answers.point),
        ("QueryNetworkTip", answers.point),
        ("QueryNetworkStartTime", answers.time_posix_ms),
        ("QueryLedgerStateEraSummaries", answers.era_summaries),
        ("QueryLedgerStateProtocolParameters", answers.protocol_parameters),
        ("EvaluateTransactionResponse", answers.evaluation),
    ],
)
def test_recorded_answers_are_read(
    wire_schemas: Path, method: str, read: Callable[[Any], Any]
) -> None:
    recorded = results(wire_schemas, method)
    assert recorded
    for answer in recorded:
        assert read(answer) is not None or answer == "origin"


def test_recorded_outputs_return_to_what_they_were(wire_schemas: Path) -> None:
    recorded = [
        entry for answer in results(wire_schemas, "QueryLedgerStateUtxo") for entry in answer
    ]
    assert len(recorded) > 20
    for entry in recorded:
        again = answers.utxo_to_json(answers.utxo(entry))
        again.get("script", {}).pop("json", None)
        entry.get("script", {}).pop("json", None)
        # A token of quantity zero can't stand on a chain, only in generated data.
        for policy in [key for key in entry["value"] if key != "ada"]:
            kept = {name: n for name, n in entry["value"][policy].items() if n}
            entry["value"] |= {policy: kept}
            if not kept:
                del entry["value"][policy]
        assert again == entry


def test_recorded_blocks_are_read(wire_schemas: Path) -> None:
    recorded = [r["block"] for r in results(wire_schemas, "NextBlockResponse") if "block" in r]
    assert recorded
    for block in recorded:
        read = chain_walk.block(block)
        assert len(read.transactions) == len(block.get("transactions", ()))
        assert read.point.header_hash.hex() == block["id"]


def test_native_scripts_without_bytes_get_the_bytes_they_had(wire_schemas: Path) -> None:
    recorded = list(native(results(wire_schemas, "QueryLedgerStateUtxo")))
    assert len(recorded) > 10
    for script in recorded:
        assert answers.native_script(script["json"]).hex() == script["cbor"]


def native(answer: Any) -> Any:
    if isinstance(answer, dict):
        if answer.get("language") == "native" and "cbor" in answer:
            yield answer
        for value in answer.values():
            yield from native(value)
    elif isinstance(answer, list):
        for value in answer:
            yield from native(value)


def test_a_native_script_is_hashed_from_its_clauses() -> None:
    clause = {
        "clause": "some",
        "atLeast": 1,
        "from": [
            {"clause": "signature", "from": "01" * 28},
            {"clause": "after", "slot": 300},
            {"clause": "all", "from": []},
        ],
    }
    code = bytes.fromhex("830301" + "83" + "8200581c" + "01" * 28 + "820419012c" + "820180")
    script = answers.script({"language": "native", "json": clause})
    assert script is not None
    assert script.hash() == blake2b_224(b"\0" + code)


def test_a_language_from_the_future_hides_the_script_alone() -> None:
    entry = {
        "address": "addr1",
        "value": {"ada": {"lovelace": 1}},
        "script": {"language": "plutus:v9", "cbor": "00"},
    }
    output = answers.transaction_output(entry)
    assert (output.script, output.value.lovelace) == (None, 1)


@pytest.mark.parametrize(
    ("text", "posix_ms"),
    [
        ("2022-06-01T00:00:00Z", 1_654_041_600_000),
        ("1970-01-01T00:00:00.9999Z", 999),
        ("1969-12-31T23:59:59.5Z", -500),
    ],
)
def test_times(text: str, posix_ms: int) -> None:
    assert answers.time_posix_ms(text) == posix_ms


@pytest.mark.parametrize(
    "answer",
    [{"slot": 1.5, "id": "ab" * 32}, {"slot": True, "id": "ab" * 32}, {"slot": 1, "id": "ab"}],
)
def test_points_of_another_shape_are_refused(answer: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        answers.point(answer)
