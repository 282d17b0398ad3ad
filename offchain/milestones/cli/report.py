"""`milestones report`: what a board wants to know, as one file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

import milestones
from milestones.cli.loading import Later
from milestones.cli.options import ContractAddress, distribution, read_schedule
from milestones.cli.session import session_of

if TYPE_CHECKING:
    from milestones.cli.views import report as views
else:
    views = Later("milestones.cli.views.report")


def report(  # noqa: PLR0917 - an option each
    context: typer.Context,
    contract_address: ContractAddress,
    output: Annotated[Path, typer.Option(help="The file to write.", show_default=False)],
    form: Annotated[
        Literal["html", "markdown"] | None,
        typer.Option(
            "--format", help="Else by the file's name: `.md` is Markdown.", show_default=False
        ),
    ] = None,
    decimals: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=19,
            help="The token's decimals; else amounts are in its smallest unit.",
            show_default=False,
        ),
    ] = None,
    schedule: Annotated[
        Path | None,
        typer.Option(
            help="The schedule file, of a private distribution that isn't known here.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write what became of a distribution, for people: one HTML file, or Markdown.

    What was agreed, a timeline with paid, claimable and waiting, the quorum by oracle, who can still do what,
    the proof that the schedule is the one that the contract enforces, and every payment with its transaction.
    The file needs nothing from elsewhere, and runs nothing. One that is there is never overwritten.
    """
    session = session_of(context)
    where = distribution(contract_address)
    known = None if schedule is None else read_schedule(schedule)
    session.perform(
        lambda backend: milestones.write_report(
            backend,
            contract_address=where,
            output=output,
            form=form,
            schedule=known,
            decimals=decimals,
        ),
        views.report,
    )
