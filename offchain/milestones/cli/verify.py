"""`milestones verify`: an audit before anybody trusts a distribution."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import milestones
from milestones.cli.options import (
    ContractAddress,
    ScriptBeneficiaries,
    distribution,
    read_claim_file,
    read_schedule,
)
from milestones.cli.session import session_of
from milestones.errors import InvalidInput, NotAllowedYet


def verify(
    context: typer.Context,
    contract_address: ContractAddress,
    schedule: Annotated[
        Path | None, typer.Option(help="The schedule file, of a private distribution.")
    ] = None,
    claim_file: Annotated[
        Path | None, typer.Option(help="A beneficiary's claim file, of a private distribution.")
    ] = None,
    allow_script_beneficiaries: ScriptBeneficiaries = False,
) -> None:
    """Audit a distribution from the chain, before trusting it.

    Exit code 0 where it is sound, warnings or not; 5 where a check fails. The report is printed in both
    cases.
    """
    session = session_of(context)
    where = distribution(contract_address)
    if schedule is not None and claim_file is not None:
        raise InvalidInput(
            "a schedule file and a claim file are both given",
            path="claim_file",
            hint="give --schedule to audit all allocations, or --claim-file to audit yours",
        )

    known = None if schedule is None else read_schedule(schedule)
    verified = session.perform(
        lambda backend: milestones.verify(
            backend,
            contract_address=where,
            schedule=known,
            claim_file=read_claim_file(claim_file),
            allow_script_beneficiaries=allow_script_beneficiaries,
        )
    )
    if verified.verdict == "unsound":
        raise typer.Exit(NotAllowedYet.exit_code)
