"""`milestones claim-file`: whose, and out of which schedule."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import milestones
from milestones.cli.loading import Later
from milestones.cli.options import SeriesName, address
from milestones.cli.series import must_be_one
from milestones.cli.session import session_of
from milestones.errors import InvalidInput

if TYPE_CHECKING:
    from milestones.cli.views import looking as views
    from milestones.cli.views import series as series_views
else:
    series_views = Later("milestones.cli.views.series")
    views = Later("milestones.cli.views.looking")


def claim_file(  # noqa: PLR0917 - an option each
    context: typer.Context,
    beneficiary_address: Annotated[
        str, typer.Option(help="Whose allocations the file is for.", show_default=False)
    ],
    output: Annotated[Path, typer.Option(help="The file to write.", show_default=False)],
    contract_address: Annotated[
        str | None, typer.Option(help="A distribution registered in this data directory.")
    ] = None,
    series: SeriesName = None,
    schedule: Annotated[Path | None, typer.Option(help="Its schedule file instead.")] = None,
) -> None:
    """Write what a beneficiary of a private distribution needs to claim. Needs no network."""
    session = session_of(context)
    beneficiary = address(beneficiary_address, "beneficiary_address")
    if series is not None:
        if schedule is not None:
            raise InvalidInput(
                "a series and a schedule file are both given",
                path="series",
                hint="give --series for all of its distributions, or --schedule for one",
            )
        must_be_one(contract_address, series)
        found = milestones.find_series(session.workspace, series)
        session.output.result(
            milestones.write_claim_files(
                session.workspace, found, beneficiary_address=beneficiary, output=output
            ),
            series_views.claim_files,
        )
        return
    known = session.schedule(schedule, contract_address)
    session.output.result(
        milestones.write_claim_file(
            session.workspace, known, beneficiary_address=beneficiary, output=output
        ),
        views.claim_file,
    )
