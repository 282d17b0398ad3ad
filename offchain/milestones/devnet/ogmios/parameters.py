"""Protocol parameters as Ogmios shows them, of version 6 or 7, and out of a file in that form."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from difflib import get_close_matches
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from milestones.cardano.parameters import ExecutionUnits, ReferenceScriptPrice
from milestones.devnet.ledger.parameters import MAINNET_PARAMETERS, Parameters
from milestones.devnet.ogmios.rendering import units_json
from milestones.devnet.ogmios.staking_json import lovelace_json
from milestones.documents import PARAMETERS, read_object
from milestones.errors import InvalidConfiguration

UNREAD_PARAMETERS: Final[Mapping[str, Any]] = {
    "maxBlockHeaderSize": {"bytes": 1100},
    "stakePoolRetirementEpochBound": 18,
    "desiredNumberOfStakePools": 500,
    "stakePoolPledgeInfluence": "3/10",
    "monetaryExpansion": "3/1000",
    "treasuryExpansion": "1/5",
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
        "stakeCredentialDeposit": lovelace_json(parameters.stake_credential_deposit),
        "stakePoolDeposit": lovelace_json(parameters.stake_pool_deposit),
        "minStakePoolCost": lovelace_json(parameters.min_stake_pool_cost),
        "delegateRepresentativeDeposit": lovelace_json(parameters.drep_deposit),
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


def parse_parameters(
    answer: Mapping[str, Any], base: Parameters = MAINNET_PARAMETERS, *, strict: bool = True
) -> Parameters:
    """Reads Ogmios' JSON, of version 6 or 7. What is missing keeps its value in `base`, mainnet's at first.

    Numbers are taken with all their digits. Raises `InvalidConfiguration` for a value that has another
    shape and, if `strict`, for a name that Ogmios doesn't have: what a node says may be newer.
    """
    known = {*_READERS, *UNREAD_PARAMETERS, *_OF_EARLIER_ERAS}
    changes: dict[str, Any] = {}
    for name, value in answer.items():
        if strict and name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else PARAMETERS.hint
            raise _refusal("there is no such parameter", name, hint)
        for attribute, convert in _READERS.get(name, {}).items():
            try:
                found = convert(value)
            except ValueError as error:
                raise _refusal(str(error), name) from None
            if changes.setdefault(attribute, found) != found:
                raise _refusal("another name gives this parameter another value", name)
    unread = {name: _plain(value) for name, value in answer.items() if name not in _READERS}
    return replace(base, **changes, unread={**base.unread, **unread})


def read_parameters(path: Path | None) -> Parameters:
    """Protocol parameters out of a file in Ogmios' JSON; mainnet's where none is named.

    Raises `InvalidConfiguration` for a file that can't be read or holds something else.
    """
    return MAINNET_PARAMETERS if path is None else parse_parameters(parameters_in(path))


def parameters_in(path: Path) -> dict[str, Any]:
    """A file in Ogmios' JSON, by name, not read any further. Raises `InvalidConfiguration`."""
    found = read_object(path, PARAMETERS, _FIELD, InvalidConfiguration)
    answer = found.get("result", found)
    if not isinstance(answer, dict):
        raise _refusal("these are no parameters", "result")
    return {name: value for name, value in answer.items() if name != "$schema"}


def plain_parameters(path: Path) -> dict[str, Any]:
    """A file in Ogmios' JSON that can be read, in JSON's own numbers. Raises `InvalidConfiguration`."""
    found = parameters_in(path)
    parse_parameters(found)
    return {name: _plain(value) for name, value in found.items()}


_FIELD: Final = "parameters"
_OF_EARLIER_ERAS: Final = frozenset(("extraEntropy", "federatedBlockProductionRatio"))
"""Parameters that Ogmios' schema has and no era of this chain."""


def _refusal(reason: str, name: str, hint: str = PARAMETERS.hint) -> InvalidConfiguration:
    return InvalidConfiguration(
        f"these are not protocol parameters: {reason}", path=f"{_FIELD}.{name}", hint=hint
    )


def _ratio(value: Fraction) -> str:
    return f"{value.numerator}/{value.denominator}"


def _number(value: Fraction) -> int | float:
    return value.numerator if value.denominator == 1 else float(value)


def _plain(value: Any) -> Any:
    """A value that is only shown again, in JSON's own numbers."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _exact(value: Any) -> Fraction:
    """A number or a ratio as it was written: 1.2 is 6/5, not its nearest double."""
    if isinstance(value, str):
        parts = re.fullmatch(r"(\d{1,40})/(\d{1,40})", value)
        if parts is not None and int(parts[2]):
            return Fraction(int(parts[1]), int(parts[2]))
    elif isinstance(value, (int, float, Decimal)) and not isinstance(value, bool) and value >= 0:
        return Fraction(Decimal(repr(value)) if isinstance(value, float) else value)
    raise ValueError(f"a number or a ratio such as 577/10000 is expected, not {value!s:.40}")


def _any_whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"a whole number is expected, not {value!s:.40}")
    return value


def _whole(value: Any) -> int:
    if _any_whole(value) < 0:
        raise ValueError(f"a number of zero or more is expected, not {value}")
    return int(value)


def _fields(value: Any, *names: str) -> tuple[Any, ...]:
    """The values of an object that has just these names."""
    if not isinstance(value, Mapping) or value.keys() != set(names):
        raise ValueError(f"an object with {' and '.join(names)} is expected")
    return tuple(value[name] for name in names)


def _read_lovelace(value: Any) -> int:
    (ada,) = _fields(value, "ada")
    return _whole(*_fields(ada, "lovelace"))


def _read_units(units: Any) -> ExecutionUnits:
    memory, cpu = _fields(units, "memory", "cpu")
    return ExecutionUnits(_whole(memory), _whole(cpu))


def _read_price(price: Any) -> ReferenceScriptPrice:
    range_bytes, base, multiplier = _fields(price, "range", "base", "multiplier")
    return ReferenceScriptPrice(_whole(range_bytes), _exact(base), _exact(multiplier))


def _read_bytes(size: Any) -> int:
    return _whole(*_fields(size, "bytes"))


def _read_models(models: Any) -> dict[str, tuple[int, ...]]:
    if not isinstance(models, Mapping) or not all(isinstance(m, list) for m in models.values()):
        raise ValueError("an object with a list of numbers for each language is expected")
    return {name: tuple(map(_any_whole, model)) for name, model in models.items()}


def _read_version(version: Any) -> tuple[int, int]:
    major, minor = _fields(version, "major", "minor")
    return _whole(major), _whole(minor)


_READERS: Final[Mapping[str, Mapping[str, Callable[[Any], Any]]]] = {
    "minFeeCoefficient": {"min_fee_coefficient": _whole},
    "minFeeConstant": {"min_fee_constant": _read_lovelace},
    "minFeeReferenceScripts": {"reference_script_price": _read_price},
    "minUtxoDepositCoefficient": {"coins_per_utxo_byte": _whole},
    "stakeCredentialDeposit": {"stake_credential_deposit": _read_lovelace},
    "stakePoolDeposit": {"stake_pool_deposit": _read_lovelace},
    "minStakePoolCost": {"min_stake_pool_cost": _read_lovelace},
    "delegateRepresentativeDeposit": {"drep_deposit": _read_lovelace},
    "maxBlockBodySize": {"max_block_body_size": _read_bytes},
    "maxTransactionSize": {"max_transaction_size": _read_bytes},
    "maxValueSize": {"max_value_size": _read_bytes},
    "plutusCostModels": {"cost_models": _read_models},
    "scriptExecutionPrices": {
        "price_memory": lambda prices: _exact(_fields(prices, "memory", "cpu")[0]),
        "price_cpu": lambda prices: _exact(_fields(prices, "memory", "cpu")[1]),
    },
    "maxExecutionUnitsPerTransaction": {"max_transaction_units": _read_units},
    "maxExecutionUnitsPerBlock": {"max_block_units": _read_units},
    "collateralPercentage": {"collateral_percentage": _whole},
    "maxCollateralInputs": {"max_collateral_inputs": _whole},
    "version": {"protocol_version": _read_version},
    "maxReferenceScriptsSize": {"max_reference_scripts_size": _read_bytes},
    "maxReferenceScriptsSizePerTransaction": {"max_reference_scripts_size": _read_bytes},
    "maxReferenceScriptsSizePerBlock": {"max_reference_scripts_size_per_block": _read_bytes},
}
"""Ogmios' name, our attributes, and how each is read. Reading raises ValueError, in words."""
