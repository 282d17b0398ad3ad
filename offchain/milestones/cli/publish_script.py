"""`milestones publish-script`: the contract's scripts, once per network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

import milestones
from milestones.cli.loading import Later
from milestones.cli.options import (
    CollateralFrom,
    DryRun,
    PayerAccount,
    PayerElsewhere,
    SigningKeyPath,
    UnsignedOut,
    ValidFor,
    Wait,
    Yes,
)
from milestones.cli.session import session_of

if TYPE_CHECKING:
    from milestones.cli.views import sending as views
else:
    views = Later("milestones.cli.views.sending")


def publish_script(  # noqa: PLR0917 - an option each
    context: typer.Context,
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
    """Publish the contract's scripts, once per network, for everybody's use."""
    session = session_of(context)
    key = session.payer(
        signing_key_path, payer, unsigned_out, valid_for, collateral, account=payer_account
    )
    session.perform(
        lambda backend: milestones.publish_script(backend, key=key, dry_run=dry_run, wait=wait),
        views.published,
        yes=yes,
    )
