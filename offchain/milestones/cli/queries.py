"""How a distribution stands, and what a beneficiary gets out of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from milestones.cli.json_files import read_claim_file
from milestones.cli.options import ContractAddress, address
from milestones.cli.session import session_of


def check_status(
    context: typer.Context,
    contract_address: ContractAddress,
    milestone_identifier: Annotated[
        str | None, typer.Option(help="Only this milestone.", show_default=False)
    ] = None,
) -> None:
    """Show milestones, quorum, vesting, vaults and claims, verified against the chain."""
    session = session_of(context)
    contract = address(contract_address, "contract_address")

    from milestones.services.check_status import (  # noqa: PLC0415 - only where needed
        check_status as service,
    )

    session.perform(
        lambda backend: service(
            backend, contract_address=contract, milestone_identifier=milestone_identifier
        )
    )


def calculate_distribution(
    context: typer.Context,
    contract_address: ContractAddress,
    beneficiary_address: Annotated[
        str, typer.Option(help="The address that is paid.", show_default=False)
    ],
    claim_file: Annotated[
        Path | None, typer.Option(help="The beneficiary's file of a private distribution.")
    ] = None,
) -> None:
    """Show what an address can claim now, later, and has claimed, and why."""
    session = session_of(context)
    contract = address(contract_address, "contract_address")
    beneficiary = address(beneficiary_address, "beneficiary_address")
    claims = read_claim_file(claim_file)

    from milestones.services.calculate_distribution import (  # noqa: PLC0415
        calculate_distribution as service,
    )

    session.perform(
        lambda backend: service(
            backend,
            contract_address=contract,
            beneficiary_address=beneficiary,
            claim_file=claims,
        )
    )
