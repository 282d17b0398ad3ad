"""`milestones claim-file`: whose, and out of which schedule."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import milestones
from milestones.cli.options import address, read_schedule
from milestones.cli.session import session_of
from milestones.errors import InvalidInput


def claim_file(
    context: typer.Context,
    beneficiary_address: Annotated[
        str, typer.Option(help="Whose allocations the file is for.", show_default=False)
    ],
    output: Annotated[Path, typer.Option(help="The file to write.", show_default=False)],
    contract_address: Annotated[
        str | None, typer.Option(help="A distribution registered in this data directory.")
    ] = None,
    schedule: Annotated[Path | None, typer.Option(help="Its schedule file instead.")] = None,
) -> None:
    """Write what a beneficiary of a private distribution needs to claim. Needs no network."""
    session = session_of(context)
    beneficiary = address(beneficiary_address, "beneficiary_address")
    if (contract_address is None) == (schedule is None):
        raise InvalidInput(
            "one of --contract-address and --schedule is needed, and not both",
            path="schedule",
            hint="give the schedule file, or the address of a schedule registered in this data directory",
        )
    if schedule is not None:
        known = read_schedule(schedule)
    else:
        where = address(contract_address or "", "contract_address")
        known = milestones.registered_schedule(session.workspace, where)
    session.output.result(
        milestones.write_claim_file(
            session.workspace, known, beneficiary_address=beneficiary, output=output
        )
    )
