"""`milestones check-status`: how a distribution and its milestones are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

import milestones
from milestones.cli.loading import Later
from milestones.cli.options import ContractAddress, distribution
from milestones.cli.session import session_of

if TYPE_CHECKING:
    from milestones.cli.views import check_status as views
else:
    views = Later("milestones.cli.views.check_status")


def check_status(
    context: typer.Context,
    contract_address: ContractAddress,
    milestone_identifier: Annotated[
        str | None, typer.Option(help="Only this milestone.", show_default=False)
    ] = None,
) -> None:
    """Show milestones, quorum, vesting, vaults and claims, verified against the chain."""
    session = session_of(context)
    contract = distribution(contract_address)
    session.perform(
        lambda backend: milestones.check_status(
            backend, contract_address=contract, milestone_identifier=milestone_identifier
        ),
        views.status,
    )
