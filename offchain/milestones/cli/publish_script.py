"""`milestones publish-script`: the contract's scripts, once per network."""

from __future__ import annotations

import typer

import milestones
from milestones.cli.options import (
    CollateralFrom,
    DryRun,
    PayerAccount,
    PayerElsewhere,
    SigningKeyPath,
    UnsignedOut,
    ValidFor,
    Wait,
)
from milestones.cli.session import session_of


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
) -> None:
    """Publish the contract's scripts, once per network, for everybody's use."""
    session = session_of(context)
    key = session.payer(
        signing_key_path, payer, unsigned_out, valid_for, collateral, account=payer_account
    )
    session.perform(
        lambda backend: milestones.publish_script(backend, key=key, dry_run=dry_run, wait=wait)
    )
