"""`milestones verify`: an audit before anybody trusts a distribution."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import milestones
from milestones.cli.loading import Later
from milestones.cli.options import (
    OptionalContractAddress,
    ScriptBeneficiaries,
    SeriesName,
    distribution,
    file_hash,
    read_claim_file,
    read_schedule,
)
from milestones.cli.series import must_be_one
from milestones.cli.session import session_of
from milestones.errors import InvalidInput, NotAllowedYet, NotFound

if TYPE_CHECKING:
    from milestones.cli.views import looking as views
    from milestones.cli.views import series as series_views
else:
    series_views = Later("milestones.cli.views.series")
    views = Later("milestones.cli.views.looking")


def verify(  # noqa: PLR0917 - an option each
    context: typer.Context,
    contract_address: OptionalContractAddress = None,
    series: SeriesName = None,
    schedule: Annotated[
        Path | None, typer.Option(help="The schedule file, of a private distribution.")
    ] = None,
    claim_file: Annotated[
        Path | None, typer.Option(help="A beneficiary's claim file, of a private distribution.")
    ] = None,
    anchors: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="A document to compare with those that the chain names by hash; may be repeated.",
        ),
    ] = None,
    allow_script_beneficiaries: ScriptBeneficiaries = False,
) -> None:
    """Audit a distribution from the chain, before trusting it.

    It says who can do what to the money, whether that is used, and what a beneficiary should do by when.
    Documents are compared with what the chain names; no other network is asked for them.

    Exit code 0 where nothing is wrong: `sound`, or closed: `completed`, `cancelled`, `ended`. 4 where it is
    `incomplete`: the schedule is private and isn't given. 5 where it is `unsound`: a check fails. The
    report is printed in each case.
    """
    session = session_of(context)
    must_be_one(contract_address, series)
    if series is not None:
        found = milestones.find_series(session.workspace, series)
        audited = session.perform(
            lambda backend: milestones.verify_series(backend, found), series_views.verified
        )
        _leave(audited.verdict)
        return
    where = distribution(contract_address or "")
    if schedule is not None and claim_file is not None:
        raise InvalidInput(
            "a schedule file and a claim file are both given",
            path="claim_file",
            hint="give --schedule to audit all allocations, or --claim-file to audit yours",
        )

    files = {str(file): file_hash(file, "anchors") for file in anchors or ()}
    known = None if schedule is None else read_schedule(schedule)
    verified = session.perform(
        lambda backend: milestones.verify(
            backend,
            contract_address=where,
            schedule=known,
            claim_file=read_claim_file(claim_file),
            files=files,
            allow_script_beneficiaries=allow_script_beneficiaries,
        ),
        views.verified,
    )
    _leave(verified.verdict)


def _leave(verdict: str) -> None:
    if verdict == "unsound":
        raise typer.Exit(NotAllowedYet.exit_code)
    if verdict == "incomplete":
        raise typer.Exit(NotFound.exit_code)
