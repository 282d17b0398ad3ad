"""Protocol parameters as Ogmios shows them, of version 6 or 7, and out of a file in that form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from milestones.cardano.parameters import ExecutionUnits, ReferenceScriptPrice
from milestones.devnet.ledger.parameters import MAINNET_PARAMETERS, Parameters
from milestones.devnet.ogmios.rendering import lovelace_json, units_json
from milestones.errors import InvalidConfiguration

UNREAD_PARAMETERS: Final[Mapping[str, Any]] = {
    "maxBlockHeaderSize": {"bytes": 1100},
    "stakeCredentialDeposit": {"ada": {"lovelace": 2_000_000}},
    "stakePoolDeposit": {"ada": {"lovelace": 500_000_000}},
    "stakePoolRetirementEpochBound": 18,
    "desiredNumberOfStakePools": 500,
    "stakePoolPledgeInfluence": "3/10",
    "monetaryExpansion": "3/1000",
    "treasuryExpansion": "1/5",
    "minStakePoolCost": {"ada": {"lovelace": 170_000_000}},
    "minUtxoDepositConstant": {"ada": {"lovelace": 0}},
    "stakePoolVotingThresholds": {
        "noConfidence": "51/100",
        "constitutionalCommittee": {"default": "51/100", "stateOfNoConfidence": "51/100"},
        "hardForkInitiation": "51/100",
        "protocolParametersUpdate": {"security": "51/100"},
    },
    "delegateRepresentativeVotingThresholds": {
        "noConfidence": "67/100",
        "constitutionalCommittee": {"default": "67/100", "stateOfNoConfidence": "3/5"},
        "constitution": "3/4",
        "hardForkInitiation": "3/5",
        "protocolParametersUpdate": {
            "network": "67/100",
            "economic": "67/100",
            "technical": "67/100",
            "governance": "3/4",
        },
        "treasuryWithdrawals": "67/100",
    },
    "constitutionalCommitteeMinSize": 7,
    "constitutionalCommitteeMaxTermLength": 146,
    "governanceActionLifetime": 6,
    "governanceActionDeposit": {"ada": {"lovelace": 100_000_000_000}},
    "delegateRepresentativeDeposit": {"ada": {"lovelace": 500_000_000}},
    "delegateRepresentativeMaxIdleTime": 20,
}
"""Mainnet's values of the parameters that no rule of this chain reads, as Ogmios shows them."""


def parameters_json(parameters: Parameters, version: str = "6.14.0") -> dict[str, Any]:
    """The result of `queryLedgerState/protocolParameters`, in the names of Ogmios `version`."""
    price = parameters.reference_script_price
    answer = {
        **UNREAD_PARAMETERS,
        **parameters.unread,
        "minFeeCoefficient": parameters.min_fee_coefficient,
        "minFeeConstant": lovelace_json(parameters.min_fee_constant),
        "minFeeReferenceScripts": {
            "range": price.range_bytes,
            "base": _number(price.base),
            "multiplier": _number(price.multiplier),
        },
        "minUtxoDepositCoefficient": parameters.coins_per_utxo_byte,
        "maxBlockBodySize": {"bytes": parameters.max_block_body_size},
        "maxTransactionSize": {"bytes": parameters.max_transaction_size},
        "maxValueSize": {"bytes": parameters.max_value_size},
        "plutusCostModels": {name: list(each) for name, each in parameters.cost_models.items()},
        "scriptExecutionPrices": {
            "memory": _ratio(parameters.price_memory),
            "cpu": _ratio(parameters.price_cpu),
        },
        "maxExecutionUnitsPerTransaction": units_json(parameters.max_transaction_units),
        "maxExecutionUnitsPerBlock": units_json(parameters.max_block_units),
        "collateralPercentage": parameters.collateral_percentage,
        "maxCollateralInputs": parameters.max_collateral_inputs,
        "version": dict(zip(("major", "minor"), parameters.protocol_version, strict=True)),
    }
    transaction_size = {"bytes": parameters.max_reference_scripts_size}
    if int(version.lstrip("v").partition(".")[0]) < 7:
        return {**answer, "maxReferenceScriptsSize": transaction_size}
    return {
        **answer,
        "maxReferenceScriptsSizePerTransaction": transaction_size,
        "maxReferenceScriptsSizePerBlock": {
            "bytes": parameters.max_reference_scripts_size_per_block
        },
    }


def parse_parameters(answer: Mapping[str, Any]) -> Parameters:
    """Reads Ogmios' JSON, of version 6 or 7. What is missing keeps mainnet's value.

    Raises `InvalidConfiguration` for a value that has another shape.
    """
    try:
        return _parsed(answer)
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise InvalidConfiguration(
            f"these are not protocol parameters: {error!r}",
            hint="give the result of Ogmios' queryLedgerState/protocolParameters",
        ) from None


def read_parameters(path: Path | None) -> Parameters:
    """Protocol parameters out of a file in Ogmios' JSON; mainnet's where none is named.

    Raises `InvalidConfiguration` for a file that can't be read or holds something else.
    """
    if path is None:
        return MAINNET_PARAMETERS
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidConfiguration(
            f"{path} can't be read: {error}", path="parameters", hint="give a JSON file"
        ) from None
    if not isinstance(found, dict):
        raise InvalidConfiguration(f"{path} holds no JSON object", path="parameters")
    return parse_parameters(found.get("result", found))


def _parsed(answer: Mapping[str, Any]) -> Parameters:
    changes: dict[str, Any] = {}
    for name, (attribute, convert) in _READERS.items():
        if name in answer:
            changes[attribute] = convert(answer[name])
    if "scriptExecutionPrices" in answer:
        prices = answer["scriptExecutionPrices"]
        changes["price_memory"] = Fraction(prices["memory"])
        changes["price_cpu"] = Fraction(prices["cpu"])
    read = {*_READERS, "scriptExecutionPrices"}
    unread = {name: value for name, value in answer.items() if name not in read}
    return replace(MAINNET_PARAMETERS, **changes, unread=unread)


def _ratio(value: Fraction) -> str:
    return f"{value.numerator}/{value.denominator}"


def _number(value: Fraction) -> int | float:
    return value.numerator if value.denominator == 1 else float(value)


def _exact(number: float | str) -> Fraction:
    """A JSON number as it was written: 1.2 is 6/5, not its nearest double."""
    return Fraction(Decimal(json.dumps(number).strip('"')))


def _read_units(units: Mapping[str, Any]) -> ExecutionUnits:
    return ExecutionUnits(int(units["memory"]), int(units["cpu"]))


def _read_price(price: Mapping[str, Any]) -> ReferenceScriptPrice:
    return ReferenceScriptPrice(
        int(price["range"]), _exact(price["base"]), _exact(price["multiplier"])
    )


def _read_bytes(size: Mapping[str, Any]) -> int:
    return int(size["bytes"])


def _read_models(models: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(int(entry) for entry in model) for name, model in models.items()}


_READERS: Final[Mapping[str, tuple[str, Any]]] = {
    "minFeeCoefficient": ("min_fee_coefficient", int),
    "minFeeConstant": ("min_fee_constant", lambda value: int(value["ada"]["lovelace"])),
    "minFeeReferenceScripts": ("reference_script_price", _read_price),
    "minUtxoDepositCoefficient": ("coins_per_utxo_byte", int),
    "maxBlockBodySize": ("max_block_body_size", _read_bytes),
    "maxTransactionSize": ("max_transaction_size", _read_bytes),
    "maxValueSize": ("max_value_size", _read_bytes),
    "plutusCostModels": ("cost_models", _read_models),
    "maxExecutionUnitsPerTransaction": ("max_transaction_units", _read_units),
    "maxExecutionUnitsPerBlock": ("max_block_units", _read_units),
    "collateralPercentage": ("collateral_percentage", int),
    "maxCollateralInputs": ("max_collateral_inputs", int),
    "version": ("protocol_version", lambda value: (int(value["major"]), int(value["minor"]))),
    "maxReferenceScriptsSize": ("max_reference_scripts_size", _read_bytes),
    "maxReferenceScriptsSizePerTransaction": ("max_reference_scripts_size", _read_bytes),
    "maxReferenceScriptsSizePerBlock": ("max_reference_scripts_size_per_block", _read_bytes),
}
"""Ogmios' name, our attribute, and how the value is read."""
