"""Parameters: mainnet's by default, and Ogmios' JSON both ways."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from milestones.devnet.ledger.parameters import Parameters
from milestones.devnet.ogmios.parameters import (
    parameters_json,
    parse_parameters,
    read_parameters,
)
from milestones.errors import InvalidConfiguration
from tests.support import wire_schemas


def test_the_default_cost_models_are_those_of_protocol_11() -> None:
    models = Parameters().cost_models
    assert [len(models[f"plutus:v{n}"]) for n in (1, 2, 3)] == [332, 332, 350]
    assert Parameters().protocol_version == (11, 0)
    assert len({tuple(model[-53:]) for model in models.values()}) == 1


@pytest.mark.parametrize("version", ["6.14.0", "v7.0.0"])
def test_what_ogmios_shows_is_read_back(version: str) -> None:
    shown = json.loads(json.dumps(parameters_json(Parameters(), version)))
    again = parse_parameters(shown)
    assert parameters_json(again, version) == shown
    assert again.reference_script_price.multiplier == Fraction(6, 5)
    renamed = "maxReferenceScriptsSizePerTransaction"
    assert (renamed in shown) == version.startswith("v7")


def test_parameters_can_be_overridden_one_by_one() -> None:
    shown: dict[str, Any] = {"maxTransactionSize": {"bytes": 99}, "governanceActionLifetime": 3}
    parameters = parse_parameters(shown)
    assert parameters.max_transaction_size == 99
    assert parameters.min_fee_constant == 155_381
    assert parameters_json(parameters)["governanceActionLifetime"] == 3


@pytest.mark.parametrize(
    "wrong", [{"maxTransactionSize": 5}, {"scriptExecutionPrices": {"memory": "1/0", "cpu": "1/1"}}]
)
def test_what_has_another_shape_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidConfiguration, match="protocol parameters"):
        parse_parameters(wrong)


@pytest.mark.parametrize(("version", "folder"), [("6.14.0", "v6.14.0"), ("7.0.0", "v7.0.0")])
def test_the_answer_is_valid_under_ogmios_schema(version: str, folder: str) -> None:
    schemas = wire_schemas.directory()
    if schemas is None:
        pytest.skip(f"{wire_schemas.VARIABLE} names no directory")
    path = schemas / f"ogmios-{folder}" / "cardano.json"
    text = path.read_text().replace("cardano.json#", "#")
    definitions = json.loads(text)["definitions"]
    schema = {"$ref": "#/definitions/ProtocolParameters", "definitions": definitions}
    jsonschema.validate(parameters_json(Parameters(), version), schema)


@pytest.mark.parametrize(
    ("wrong", "words", "path"),
    [
        ({"minFeeCoeficient": 44}, "no such parameter", "minFeeCoeficient"),
        ({"minFeeCoefficient": 44.5}, "a whole number", "minFeeCoefficient"),
        ({"minFeeCoefficient": Decimal("44.0")}, "a whole number", "minFeeCoefficient"),
        ({"minFeeCoefficient": "44"}, "a whole number", "minFeeCoefficient"),
        ({"minFeeCoefficient": True}, "a whole number", "minFeeCoefficient"),
        ({"minFeeCoefficient": -1}, "zero or more", "minFeeCoefficient"),
        ({"minFeeConstant": {"lovelace": 1}}, "an object with ada", "minFeeConstant"),
        (
            {"minFeeConstant": {"ada": {"lovelace": 1, "more": 2}}},
            "an object with lovelace",
            "minFeeConstant",
        ),
        (
            {"scriptExecutionPrices": {"memory": "0x1/2", "cpu": "1/1"}},
            "577/10000",
            "scriptExecutionPrices",
        ),
        (
            {"scriptExecutionPrices": {"memory": "-1/2", "cpu": "1/1"}},
            "577/10000",
            "scriptExecutionPrices",
        ),
        ({"plutusCostModels": {"plutus:v3": [1, "2"]}}, "a whole number", "plutusCostModels"),
        ({"plutusCostModels": []}, "a list of numbers", "plutusCostModels"),
        (
            {
                "maxReferenceScriptsSize": {"bytes": 1},
                "maxReferenceScriptsSizePerTransaction": {"bytes": 2},
            },
            "another value",
            "maxReferenceScriptsSizePerTransaction",
        ),
    ],
)
def test_a_parameter_that_cannot_be_meant_is_named(
    wrong: dict[str, Any], words: str, path: str
) -> None:
    with pytest.raises(InvalidConfiguration, match=words) as refused:
        parse_parameters(wrong)
    assert refused.value.path == f"parameters.{path}"


def test_a_name_that_is_nearly_right_is_guessed() -> None:
    with pytest.raises(InvalidConfiguration) as refused:
        parse_parameters({"minFeeCoeficient": 44})
    assert refused.value.hint == "did you mean minFeeCoefficient?"


def test_every_digit_of_a_file_counts(tmp_path: Path) -> None:
    file = tmp_path / "parameters.json"
    file.write_text(
        '{"jsonrpc": "2.0", "result": {"scriptExecutionPrices":'
        ' {"memory": 0.05770000000000000000001, "cpu": "721/10000000"},'
        ' "minFeeReferenceScripts": {"range": 25600, "base": 44.1, "multiplier": 1.2},'
        ' "stakePoolPledgeInfluence": 0.3}}'
    )
    parameters = read_parameters(file)
    assert parameters.price_memory == Fraction(5770000000000000000001, 10**23)
    assert parameters.price_cpu == Fraction(721, 10**7)
    assert parameters.reference_script_price.base == Fraction(441, 10)
    assert json.loads(json.dumps(parameters_json(parameters)))["stakePoolPledgeInfluence"] == 0.3


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"minFeeCoefficient": 44, "minFeeCoefficient": 1}', "twice"),
        ('{"minFeeConstant": {"ada": {"lovelace": 1, "lovelace": 2}}}', "twice"),
        ('{"txFeePerByte": 44}', "cardano-cli's form"),
        ("[]", "not a JSON object"),
        ('{"result": 7}', "no parameters"),
        ("44", "not a JSON object"),
    ],
)
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: str, words: str) -> None:
    file = tmp_path / "parameters.json"
    file.write_text(content)
    with pytest.raises(InvalidConfiguration, match=words):
        read_parameters(file)
