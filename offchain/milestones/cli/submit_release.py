"""`milestones submit-release`: whom to pay, and the exit code where not all could be paid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

import milestones
from milestones.cli.loading import Later
from milestones.cli.options import (
    ClaimFilePath,
    CollateralFrom,
    ContractAddress,
    DryRun,
    PayerAccount,
    PayerElsewhere,
    SigningKeyPath,
    UnsignedOut,
    ValidFor,
    Wait,
    Yes,
    address,
    distribution,
    read_claim_file,
)
from milestones.cli.session import session_of
from milestones.errors import exit_code_of

if TYPE_CHECKING:
    from milestones.cli.views import paying as views
else:
    views = Later("milestones.cli.views.paying")


def submit_release(  # noqa: PLR0917 - an option each
    context: typer.Context,
    contract_address: ContractAddress,
    beneficiary_address: Annotated[
        str | None,
        typer.Option(help="Pay this address all that it can claim.", show_default=False),
    ] = None,
    beneficiary_index: Annotated[
        list[int] | None,
        typer.Option(
            help="Pay this allocation, counted from 0; may be repeated. The other options then"
            " confirm whose it is.",
            show_default=False,
        ),
    ] = None,
    milestone_identifier: Annotated[
        str | None, typer.Option(help="Pay all of this milestone.", show_default=False)
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Pay everybody everything that is claimable.")
    ] = False,
    signing_key_path: SigningKeyPath = None,
    payer: PayerElsewhere = None,
    payer_account: PayerAccount = False,
    unsigned_out: UnsignedOut = None,
    valid_for: ValidFor = None,
    collateral: CollateralFrom = None,
    claim_file: ClaimFilePath = None,
    dry_run: DryRun = False,
    wait: Wait = False,
    yes: Yes = False,
) -> None:
    """Pay allocations to their beneficiaries; anybody may, with any key.

    Where some of several can't be paid, the others are, and the report names the rest under `left_out`. The
    exit code is then the one that the first of them has alone.
    """
    session = session_of(context)
    contract = distribution(contract_address)
    beneficiary = beneficiary_address and address(beneficiary_address, "beneficiary_address")
    key = session.payer(
        signing_key_path, payer, unsigned_out, valid_for, collateral, account=payer_account
    )
    claims = read_claim_file(claim_file)

    selection = milestones.Selection(
        indices=tuple(sorted(set(beneficiary_index or ()))),
        beneficiary=beneficiary or None,
        milestone=milestone_identifier,
        everything=everything,
    )
    report = session.perform(
        lambda backend: milestones.submit_release(
            backend,
            contract_address=contract,
            key=key,
            selection=selection,
            claim_file=claims,
            dry_run=dry_run,
            wait=wait,
        ),
        views.released,
        yes=yes,
    )
    if report.left_out:
        raise typer.Exit(exit_code_of(report.left_out[0].code))
