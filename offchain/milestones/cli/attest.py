"""`milestones attest`: a quorum on the chain, without paying anybody."""

from __future__ import annotations

import typer

import milestones
from milestones.cli.options import (
    ContractAddress,
    DryRun,
    MilestoneIdentifier,
    SigningKeyPath,
    Wait,
    distribution,
)
from milestones.cli.session import session_of


def attest(  # noqa: PLR0917 - an option each
    context: typer.Context,
    contract_address: ContractAddress,
    milestone_identifier: MilestoneIdentifier,
    signing_key_path: SigningKeyPath = None,
    dry_run: DryRun = False,
    wait: Wait = False,
) -> None:
    """Put the signatures of a quorum of oracles on the chain, which verifies them."""
    session = session_of(context)
    contract = distribution(contract_address)
    key = session.signing_key(signing_key_path)
    session.perform(
        lambda backend: milestones.attest(
            backend,
            contract_address=contract,
            milestone_identifier=milestone_identifier,
            key=key,
            dry_run=dry_run,
            wait=wait,
        )
    )
