"""Looking closely: one transaction, or a whole distribution before it is trusted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from milestones.cli.json_files import read_claim_file, read_object
from milestones.cli.options import ContractAddress, address
from milestones.cli.session import session_of
from milestones.errors import InvalidInput, NotAllowedYet


def transaction(
    context: typer.Context,
    transaction_hash: Annotated[
        str, typer.Argument(help="The transaction's id, 64 hexadecimal digits.")
    ],
) -> None:
    """Show where a transaction stands: unknown, in the mempool, in a block, or never going to be."""
    from milestones.services.transaction import (  # noqa: PLC0415 - only where needed
        transaction_status,
    )

    session_of(context).perform(lambda backend: transaction_status(backend, transaction_hash))


def verify(
    context: typer.Context,
    contract_address: ContractAddress,
    schedule: Annotated[
        Path | None, typer.Option(help="The schedule file, of a private distribution.")
    ] = None,
    claim_file: Annotated[
        Path | None, typer.Option(help="A beneficiary's claim file, of a private distribution.")
    ] = None,
    allow_script_beneficiaries: Annotated[
        bool, typer.Option("--allow-script-beneficiaries", help="Scripts may be beneficiaries.")
    ] = False,
) -> None:
    """Audit a distribution from the chain, before trusting it.

    Exit code 0 where it is sound, warnings or not; 5 where a check fails. The report is printed in both
    cases.
    """
    session = session_of(context)
    where = address(contract_address, "contract_address")
    if schedule is not None and claim_file is not None:
        raise InvalidInput(
            "a schedule file and a claim file are both given",
            path="claim_file",
            hint="give --schedule to audit all allocations, or --claim-file to audit yours",
        )

    from milestones.domain.schedule import parse_schedule  # noqa: PLC0415 - only where needed
    from milestones.services.verify import verify as service  # noqa: PLC0415

    known = None if schedule is None else parse_schedule(read_object(schedule, "schedule"))
    verified = session.perform(
        lambda backend: service(
            backend,
            contract_address=where,
            schedule=known,
            claim_file=read_claim_file(claim_file),
            allow_script_beneficiaries=allow_script_beneficiaries,
        )
    )
    if verified.verdict == "unsound":
        raise typer.Exit(NotAllowedYet.exit_code)
