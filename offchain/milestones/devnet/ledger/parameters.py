"""Protocol parameters: what mainnet uses, and Ogmios' JSON for them.

Defaults are mainnet's at protocol version 11. The parameters that only staking and governance rules
read are carried along as they came, so that clients see a complete answer.

Sources: mainnet's genesis files as changed by updates since. The memory units, 16.5 million for a
transaction and 72 million for a block (before: 14 and 62), are those of the governance action
`gov_action1cgdsp7g0rr7wgqp7maptpvx525fxuqwfgm5qe3f5r20ew5x2772sq0m5y83`, enacted with epoch 614; its
authors announced a second step, to 17.5 and 77.5 million, which a file of parameters can bring forward.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from milestones.cardano.parameters import ExecutionUnits, ReferenceScriptPrice
from milestones.devnet.ledger import cost_models
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

MAX_REFERENCE_SCRIPTS_SIZE: Final = 204_800
"""Bytes of reference scripts that one transaction may bring: 200 KiB. A constant of the era."""

MAX_REFERENCE_SCRIPTS_SIZE_PER_BLOCK: Final = 1_048_576
"""Bytes of reference scripts that the transactions of one block may bring: 1 MiB. Likewise."""


def _default_cost_models() -> Mapping[str, tuple[int, ...]]:
    return {
        "plutus:v1": cost_models.PLUTUS_V1,
        "plutus:v2": cost_models.PLUTUS_V2,
        "plutus:v3": cost_models.PLUTUS_V3,
    }


@dataclass(frozen=True, slots=True)
class Parameters:
    """What the rules read. Prices in lovelace, sizes in bytes. Source: Conway's `PParams`."""

    min_fee_coefficient: int = 44
    min_fee_constant: int = 155_381
    reference_script_price: ReferenceScriptPrice = field(
        default=ReferenceScriptPrice(25_600, Fraction(15), Fraction(6, 5))
    )
    coins_per_utxo_byte: int = 4310
    max_block_body_size: int = 90_112
    max_transaction_size: int = 16_384
    max_value_size: int = 5000
    max_transaction_units: ExecutionUnits = field(
        default=ExecutionUnits(16_500_000, 10_000_000_000)
    )
    max_block_units: ExecutionUnits = field(default=ExecutionUnits(72_000_000, 20_000_000_000))
    price_memory: Fraction = Fraction(577, 10_000)
    price_cpu: Fraction = Fraction(721, 10_000_000)
    collateral_percentage: int = 150
    max_collateral_inputs: int = 3
    protocol_version: tuple[int, int] = (11, 0)
    max_reference_scripts_size: int = MAX_REFERENCE_SCRIPTS_SIZE
    max_reference_scripts_size_per_block: int = MAX_REFERENCE_SCRIPTS_SIZE_PER_BLOCK
    cost_models: Mapping[str, tuple[int, ...]] = field(default_factory=_default_cost_models)
    unread: Mapping[str, Any] = field(default_factory=lambda: dict(UNREAD_PARAMETERS))

    def with_changes(self, **changes: Any) -> Parameters:
        """The same parameters but for some."""
        return replace(self, **changes)

    def to_ogmios(self, version: str = "6.14.0") -> dict[str, Any]:
        """The result of `queryLedgerState/protocolParameters`, in the names of Ogmios `version`."""
        price = self.reference_script_price
        answer = {
            **self.unread,
            "minFeeCoefficient": self.min_fee_coefficient,
            "minFeeConstant": _lovelace(self.min_fee_constant),
            "minFeeReferenceScripts": {
                "range": price.range_bytes,
                "base": _number(price.base),
                "multiplier": _number(price.multiplier),
            },
            "minUtxoDepositCoefficient": self.coins_per_utxo_byte,
            "maxBlockBodySize": {"bytes": self.max_block_body_size},
            "maxTransactionSize": {"bytes": self.max_transaction_size},
            "maxValueSize": {"bytes": self.max_value_size},
            "plutusCostModels": {name: list(each) for name, each in self.cost_models.items()},
            "scriptExecutionPrices": {
                "memory": _ratio(self.price_memory),
                "cpu": _ratio(self.price_cpu),
            },
            "maxExecutionUnitsPerTransaction": _units(self.max_transaction_units),
            "maxExecutionUnitsPerBlock": _units(self.max_block_units),
            "collateralPercentage": self.collateral_percentage,
            "maxCollateralInputs": self.max_collateral_inputs,
            "version": dict(zip(("major", "minor"), self.protocol_version, strict=True)),
        }
        if int(version.lstrip("v").partition(".")[0]) < 7:
            return {**answer, "maxReferenceScriptsSize": {"bytes": self.max_reference_scripts_size}}
        return {
            **answer,
            "maxReferenceScriptsSizePerTransaction": {"bytes": self.max_reference_scripts_size},
            "maxReferenceScriptsSizePerBlock": {"bytes": self.max_reference_scripts_size_per_block},
        }

    @classmethod
    def from_ogmios(cls, answer: Mapping[str, Any]) -> Parameters:
        """Reads Ogmios' JSON, of version 6 or 7. What is missing keeps mainnet's value.

        Raises `InvalidConfiguration` for a value that has another shape.
        """
        try:
            return _read(cls(), answer)
        except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
            raise InvalidConfiguration(
                f"these are not protocol parameters: {error!r}",
                hint="give the result of Ogmios' queryLedgerState/protocolParameters",
            ) from None


def _read(base: Parameters, answer: Mapping[str, Any]) -> Parameters:
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
    return replace(base, **changes, unread={**base.unread, **unread})


def _lovelace(amount: int) -> dict[str, Any]:
    return {"ada": {"lovelace": amount}}


def _units(units: ExecutionUnits) -> dict[str, int]:
    return {"memory": units.memory, "cpu": units.cpu}


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

MAINNET_PARAMETERS: Final = Parameters()
"""Mainnet's parameters since protocol version 11."""
