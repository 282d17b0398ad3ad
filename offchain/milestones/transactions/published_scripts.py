"""Where a transaction gets the contract's scripts from: outputs that publish them, or its own witnesses."""

from __future__ import annotations

from dataclasses import dataclass

from milestones.cardano.outputs import Script, Utxo
from milestones.protocol.validator_loader import Contract


@dataclass(frozen=True, slots=True)
class PublishedScripts:
    """The contract, and the outputs that carry its scripts; None where the transaction must carry it."""

    contract: Contract
    vault: Utxo | None = None
    registry: Utxo | None = None

    def sources(
        self, *, vault: bool = False, registry: bool = False
    ) -> tuple[tuple[Utxo, ...], tuple[Script, ...]]:
        """(reference inputs, witness scripts) of a transaction that runs these scripts."""
        wanted = [(self.vault, self.contract.vault_script)] if vault else []
        wanted += [(self.registry, self.contract.registry_script)] if registry else []
        published = tuple(utxo for utxo, _ in wanted if utxo is not None)
        return published, tuple(script for utxo, script in wanted if utxo is None)
