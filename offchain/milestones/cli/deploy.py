"""`milestones deploy`: which schedule, and how it is announced."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import milestones
from milestones.cli.loading import Later
from milestones.cli.options import (
    AnchorFile,
    AnchorHash,
    AnchorUrl,
    CollateralFrom,
    DryRun,
    PayerAccount,
    PayerElsewhere,
    ScriptBeneficiaries,
    SigningKeyPath,
    UnsignedOut,
    ValidFor,
    Wait,
    Yes,
    anchor_of,
)
from milestones.cli.session import session_of
from milestones.errors import InvalidInput

if TYPE_CHECKING:
    from milestones.cli.views import sending as views
    from milestones.cli.views import series as series_views
else:
    series_views = Later("milestones.cli.views.series")
    views = Later("milestones.cli.views.sending")


def deploy(  # noqa: PLR0917 - an option each
    context: typer.Context,
    schedule: Annotated[
        Path | None, typer.Option(help="The schedule file that register-milestone wrote.")
    ] = None,
    contract_address: Annotated[
        str | None, typer.Option(help="Instead: a distribution registered in this data directory.")
    ] = None,
    series: Annotated[
        str | None,
        typer.Option(
            "--series",
            help="Instead: every distribution of a series that was registered here and isn't open yet. The"
            " plan with its costs is said first.",
        ),
    ] = None,
    announce: Annotated[
        bool,
        typer.Option(
            "--announce",
            help="With --series: write the rows into transactions' metadata, too. Else their file, whose"
            " hash is in the terms, is to be kept by somebody.",
        ),
    ] = False,
    signing_key_path: SigningKeyPath = None,
    payer: PayerElsewhere = None,
    payer_account: PayerAccount = False,
    unsigned_out: UnsignedOut = None,
    valid_for: ValidFor = None,
    collateral: CollateralFrom = None,
    private: Annotated[
        bool, typer.Option("--private", help="Don't announce the schedule on chain.")
    ] = False,
    anchor: AnchorUrl = None,
    anchor_hash: AnchorHash = None,
    anchor_file: AnchorFile = None,
    allow_script_beneficiaries: ScriptBeneficiaries = False,
    dry_run: DryRun = False,
    wait: Wait = False,
    yes: Yes = False,
) -> None:
    """Open a distribution: lock the tokens, announce the schedule.

    Before anything is signed, standard error says who will be able to do what, and when; a dry run shows it
    in its report.
    """
    session = session_of(context)
    document = anchor_of(anchor, anchor_hash, anchor_file)
    key = session.payer(
        signing_key_path, payer, unsigned_out, valid_for, collateral, account=payer_account
    )
    if series is not None:
        _must_go_with_a_series(
            {
                "schedule": schedule,
                "contract_address": contract_address,
                "private": private or None,
                "anchor": document,
            }
        )
        found = milestones.find_series(session.workspace, series)
        session.perform(
            lambda backend: milestones.deploy_series(
                backend,
                found,
                key=key,
                announce=announce,
                allow_script_beneficiaries=allow_script_beneficiaries,
                dry_run=dry_run,
                wait=wait,
            ),
            series_views.opened,
            yes=yes,
            always_says=True,
        )
        return
    wanted = session.schedule(schedule, contract_address)
    session.perform(
        lambda backend: milestones.deploy(
            backend,
            wanted,
            key=key,
            private=private,
            anchor=document,
            allow_script_beneficiaries=allow_script_beneficiaries,
            dry_run=dry_run,
            wait=wait,
        ),
        views.deployed,
        yes=yes,
        always_says=True,
    )


def _must_go_with_a_series(given: Mapping[str, object]) -> None:
    for option, value in given.items():
        if value is not None:
            raise InvalidInput(
                "is one distribution's, and a series is opened",
                path=option,
                hint="leave it out, or open one distribution of the series by its address",
            )
