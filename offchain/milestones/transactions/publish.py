"""Publishing the contract's scripts, once per network, for everybody's use.

They go to the bare address of the vault's script: nothing there can ever be spent, because the vault
asks for a datum.
"""

from __future__ import annotations

from collections.abc import Iterable

from milestones.cardano.address import Address, script_credential
from milestones.cardano.outputs import Script
from milestones.protocol.validator_loader import Contract
from milestones.transactions.draft import DraftOutput, TransactionDraft


def publication_address(contract: Contract, network_id: int) -> Address:
    """Where every client looks for the reference scripts."""
    return Address(network_id, script_credential(contract.vault_hash))


def publish_draft(
    contract: Contract, *, network_id: int, scripts: Iterable[Script] | None = None
) -> TransactionDraft:
    """One output of lovelace only for each script; by default both."""
    wanted = (contract.vault_script, contract.registry_script) if scripts is None else scripts
    address = publication_address(contract, network_id)
    return TransactionDraft(
        outputs=tuple(DraftOutput(address=address, script=script) for script in wanted)
    )
