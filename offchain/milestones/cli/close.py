"""`milestones close`: the end of a distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

import milestones
from milestones.cli.loading import Later
from milestones.cli.options import (
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
)
from milestones.cli.series import perform_named
from milestones.cli.session import session_of

if TYPE_CHECKING:
    from milestones.cli.views import sending as views
else:
    views = Later("milestones.cli.views.sending")


def close(  # noqa: PLR0917 - an option each
    context: typer.Context,
    contract_address: OptionalContractAddress = None,
    series: SeriesName = None,
    signing_key_path: SigningKeyPath = None,
    payer: PayerElsewhere = None,
    payer_account: PayerAccount = False,
    unsigned_out: UnsignedOut = None,
    valid_for: ValidFor = None,
    collateral: CollateralFrom = None,
    dry_run: DryRun = False,
    wait: Wait = False,
    yes: Yes = False,
) -> None:
    """End a distribution: deposits, and what nobody can claim any more, go back.

    The creator's key gets everything. Anybody can end it after a notice's grace or, where the creator is a
    script, once all is paid or may be reclaimed: then everything goes to the terms' refund address.
    """
    session = session_of(context)
    key = session.payer(
        signing_key_path, payer, unsigned_out, valid_for, collateral, account=payer_account
    )
    perform_named(
        session,
        contract_address,
        series,
        lambda backend, contract: milestones.close(
            backend, contract_address=contract, key=key, dry_run=dry_run, wait=wait
        ),
        views.closed,
        done_before=("closed",),
        not_yet=("irrevocable", "reclaim_after"),
        yes=yes,
    )
