"""`milestones history`: what happened to a distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

import milestones
from milestones.cli.loading import Later
from milestones.cli.options import OptionalContractAddress, SeriesName
from milestones.cli.series import perform_named
from milestones.cli.session import session_of

if TYPE_CHECKING:
    from milestones.cli.views import history as views
    from milestones.services import history as service
else:
    service = Later("milestones.services.history")
    views = Later("milestones.cli.views.history")


def history(
    context: typer.Context,
    contract_address: OptionalContractAddress = None,
    series: SeriesName = None,
    form: Annotated[
        Literal["csv", "json", "table"] | None,
        typer.Option("--format", help="Else a view on a terminal, and JSON elsewhere."),
    ] = None,
) -> None:
    """Show what happened to a distribution, line by line, adding up to what it holds.

    Openings, attestations, proposals, claims and closings, with times, transactions and fees.
    """
    session = session_of(context)
    if form is not None:
        session.output.as_json = form == "json"
    perform_named(
        session,
        contract_address,
        series,
        lambda backend, contract: milestones.history(backend, contract_address=contract),
        views.history,
        text=service.as_csv if form == "csv" else None,
    )
