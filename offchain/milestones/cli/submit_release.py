"""`milestones submit-release`: whom to pay, and the exit code where not all could be paid."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

import milestones
from milestones.cli.loading import Later
from milestones.cli.options import (
    ClaimFilePath,
    CollateralFrom,
    DryRun,
    OptionalContractAddress,
    PayerAccount,
    PayerElsewhere,
    SeriesName,
    SigningKeyPath,
    UnsignedOut,
    ValidFor,
    Wait,
    Yes,
    address,
    read_claim_file,
)
from milestones.cli.series import perform_named
from milestones.cli.session import session_of
from milestones.errors import exit_code_of

if TYPE_CHECKING:
    from milestones.cli.views import paying as views
else:
    views = Later("milestones.cli.views.paying")


def submit_release(  # noqa: PLR0917 - an option each
    context: typer.Context,
    contract_address: OptionalContractAddress = None,
    series: SeriesName = None,
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
    report = perform_named(
        session,
        contract_address,
        series,
        lambda backend, contract: milestones.submit_release(
            backend,
            contract_address=contract,
            key=key,
            selection=selection,
            claim_file=claims,
            dry_run=dry_run,
            wait=wait,
        ),
        views.released,
        concerned=_concerned(selection),
        done_before=("claimed",),
        not_yet=("quorum", "vesting"),
        yes=yes,
    )
    code = next(_left_out(report), None)
    if code is not None:
        raise typer.Exit(exit_code_of(code))


def _left_out(report: milestones.ReleaseReport | milestones.SeriesDone) -> Iterator[str]:
    """The codes of what was not paid though it is due, in whichever distribution."""
    if isinstance(report, milestones.SeriesDone):
        for part in report.parts:
            yield from (each["code"] for each in (part.result or {}).get("left_out", ()))
    else:
        yield from (each.code for each in report.left_out)


def _concerned(
    selection: milestones.Selection,
) -> Callable[[Any], bool] | None:
    """In which distributions of a series there is somebody to pay; an index means one distribution alone."""
    if selection.indices:
        return lambda _: False
    if selection.beneficiary is not None:
        return milestones.paying(selection.beneficiary)
    if selection.milestone is not None:
        return milestones.waiting_for(selection.milestone)
    return None
