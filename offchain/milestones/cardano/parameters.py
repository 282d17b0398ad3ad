"""The protocol parameters that building a transaction needs. Never hardcoded: always queried."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

RedeemerPurpose = Literal["spend", "mint", "publish", "withdraw", "vote", "propose"]


@dataclass(frozen=True, slots=True)
class ExecutionUnits:
    """What a script used or may use: memory and CPU steps."""

    memory: int
    cpu: int

    def __add__(self, other: ExecutionUnits) -> ExecutionUnits:
        return ExecutionUnits(self.memory + other.memory, self.cpu + other.cpu)


@dataclass(frozen=True, slots=True, order=True)
class RedeemerPointer:
    """Which script run: its purpose and its index among the sorted inputs or policies."""

    purpose: RedeemerPurpose
    index: int


@dataclass(frozen=True, slots=True)
class ReferenceScriptPrice:
    """`base` lovelace a byte for the first `range_bytes`; each further tier costs `multiplier` times more."""

    range_bytes: int
    base: Fraction
    multiplier: Fraction


@dataclass(frozen=True, slots=True)
class ProtocolParameters:
    """Prices in lovelace, sizes in bytes. Source: Ogmios' `queryLedgerState/protocolParameters`."""

    min_fee_coefficient: int
    min_fee_constant_lovelace: int
    min_fee_reference_scripts: ReferenceScriptPrice
    lovelace_per_utxo_byte: int
    max_transaction_size: int
    max_value_size: int
    max_execution_units: ExecutionUnits
    max_block_size: int
    max_block_execution_units: ExecutionUnits
    max_reference_scripts_size: int
    price_memory: Fraction
    price_cpu: Fraction
    collateral_percentage: int
    max_collateral_inputs: int
    cost_models: dict[str, tuple[int, ...]]
    protocol_version: tuple[int, int]
    stake_credential_deposit_lovelace: int
