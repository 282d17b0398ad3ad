"""`milestones calculate-distribution`: what an address gets out of a distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

import milestones
from milestones.cli.loading import Later
from milestones.cli.options import (
    ClaimFilePath,
    OptionalContractAddress,
    SeriesName,
    address,
    read_claim_file,
)
from milestones.cli.series import perform_named
from milestones.cli.session import session_of

if TYPE_CHECKING:
    from milestones.cli.views import paying as views
else:
    views = Later("milestones.cli.views.paying")


def calculate_distribution(
    context: typer.Context,
    beneficiary_address: Annotated[
        str, typer.Option(help="The address that is paid.", show_default=False)
    ],
    contract_address: OptionalContractAddress = None,
    series: SeriesName = None,
    claim_file: ClaimFilePath = None,
) -> None:
    """Show what an address can claim now, later, and has claimed, and why."""
    session = session_of(context)
    beneficiary = address(beneficiary_address, "beneficiary_address")
    claims = read_claim_file(claim_file)
    perform_named(
        session,
        contract_address,
        series,
        lambda backend, contract: milestones.calculate_distribution(
            backend,
            contract_address=contract,
            beneficiary_address=beneficiary,
            claim_file=claims,
        ),
        views.calculated,
        concerned=milestones.paying(beneficiary),
    )
