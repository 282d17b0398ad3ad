"""Parameters: mainnet's by default, and Ogmios' JSON both ways."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import jsonschema
import pytest

from milestones.devnet.ledger.parameters import Parameters
from milestones.devnet.ogmios.parameters import parameters_json, parse_parameters
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
