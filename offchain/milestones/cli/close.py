"""`milestones close`: the end of a distribution."""

from __future__ import annotations

import typer

import milestones
from milestones.cli.options import (
    ContractAddress,
    DryRun,
    SigningKeyPath,
    Wait,
    distribution,
)
from milestones.cli.session import session_of


def close(
    context: typer.Context,
    contract_address: ContractAddress,
    signing_key_path: SigningKeyPath = None,
    dry_run: DryRun = False,
    wait: Wait = False,
) -> None:
    """Take the deposits back, and what nobody can claim any more; only the creator can."""
    session = session_of(context)
    contract = distribution(contract_address)
    key = session.signing_key(signing_key_path)
    session.perform(
        lambda backend: milestones.close(
            backend, contract_address=contract, key=key, dry_run=dry_run, wait=wait
        )
    )
