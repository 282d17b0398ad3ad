"""`milestones deploy`: which schedule, and how it is announced."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import milestones
from milestones.cli.options import (
    DryRun,
    ScriptBeneficiaries,
    SigningKeyPath,
    Wait,
    address,
    read_schedule,
)
from milestones.cli.session import session_of
from milestones.errors import InvalidInput


def deploy(  # noqa: PLR0917 - an option each
    context: typer.Context,
    schedule: Annotated[
        Path | None, typer.Option(help="The schedule file that register-milestone wrote.")
    ] = None,
    contract_address: Annotated[
        str | None, typer.Option(help="Instead: a distribution registered in this data directory.")
    ] = None,
    signing_key_path: SigningKeyPath = None,
    private: Annotated[
        bool, typer.Option("--private", help="Don't announce the schedule on chain.")
    ] = False,
    allow_script_beneficiaries: ScriptBeneficiaries = False,
    dry_run: DryRun = False,
    wait: Wait = False,
) -> None:
    """Open a distribution: lock the tokens, announce the schedule."""
    session = session_of(context)
    key = session.signing_key(signing_key_path)
    if (schedule is None) == (contract_address is None):
        raise InvalidInput(
            "one of --schedule and --contract-address names what to open",
            path="schedule",
            hint="give the schedule file, or the address of a schedule registered in this data directory",
        )
    if schedule is not None:
        wanted = read_schedule(schedule)
    else:
        where = address(contract_address or "", "contract_address")
        wanted = milestones.registered_schedule(session.workspace, where)
    session.perform(
        lambda backend: milestones.deploy(
            backend,
            wanted,
            key=key,
            private=private,
            allow_script_beneficiaries=allow_script_beneficiaries,
            dry_run=dry_run,
            wait=wait,
            progress=session.output.message,
        )
    )
