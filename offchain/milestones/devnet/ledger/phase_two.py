"""Phase 2."""

from __future__ import annotations

from collections.abc import Mapping

from milestones.cardano.outputs import OutputReference
from milestones.cardano.parameters import ExecutionUnits, RedeemerPointer
from milestones.devnet.ledger.environment import Environment
from milestones.devnet.ledger.outputs import Output
from milestones.devnet.ledger.transaction import Transaction


def check_phase_two(
    transaction: Transaction, utxo: Mapping[OutputReference, Output], environment: Environment
) -> None:
    raise NotImplementedError


def evaluate_scripts(
    transaction: Transaction, utxo: Mapping[OutputReference, Output], environment: Environment
) -> list[tuple[RedeemerPointer, ExecutionUnits]]:
    raise NotImplementedError
