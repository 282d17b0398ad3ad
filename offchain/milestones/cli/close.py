"""`milestones close`: the end of a distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

import milestones
from milestones.cli.loading import Later
from milestones.cli.options import (
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
    distribution,
)
from milestones.cli.session import session_of

if TYPE_CHECKING:
    from milestones.cli.views import sending as views
else:
    views = Later("milestones.cli.views.sending")


def close(  # noqa: PLR0917 - an option each
    context: typer.Context,
    contract_address: ContractAddress,
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
    contract = distribution(contract_address)
    key = session.payer(
        signing_key_path, payer, unsigned_out, valid_for, collateral, account=payer_account
    )
    session.perform(
        lambda backend: milestones.close(
            backend, contract_address=contract, key=key, dry_run=dry_run, wait=wait
        ),
        views.closed,
        yes=yes,
    )
