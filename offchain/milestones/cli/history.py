"""`milestones history`: what happened to a distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

import milestones
from milestones.cli.loading import Later
from milestones.cli.options import OptionalContractAddress, SeriesName
from milestones.cli.series import perform_named
from milestones.cli.session import session_of

if TYPE_CHECKING:
    from milestones.cli.views import history as views
else:
    views = Later("milestones.cli.views.history")


def history(
    context: typer.Context,
    contract_address: OptionalContractAddress = None,
    series: SeriesName = None,
) -> None:
    """Show what happened to a distribution, line by line, adding up to what it holds.

    Openings, attestations, proposals, claims and closings, with times, transactions and fees. For books,
    `--format csv` has a line of a table for each.
    """
    perform_named(
        session_of(context),
        contract_address,
        series,
        lambda backend, contract: milestones.history(backend, contract_address=contract),
        views.history,
    )
