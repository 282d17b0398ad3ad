"""Phase 1."""

from __future__ import annotations

from collections.abc import Mapping

from milestones.cardano.outputs import OutputReference
from milestones.devnet.ledger.environment import Environment
from milestones.devnet.ledger.outputs import Output
from milestones.devnet.ledger.transaction import Transaction


def check_phase_one(
    transaction: Transaction, utxo: Mapping[OutputReference, Output], environment: Environment
) -> None:
    raise NotImplementedError
