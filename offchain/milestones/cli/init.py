"""`milestones init`: whether the services are there and in step."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

import milestones
from milestones.cli.loading import Later
from milestones.cli.options import SigningKeyPath
from milestones.cli.session import session_of
from milestones.errors import ServiceUnavailable

if TYPE_CHECKING:
    from milestones.cli.views import looking as views
else:
    views = Later("milestones.cli.views.looking")


def init(  # noqa: PLR0917 - an option each
    context: typer.Context,
    network: Annotated[
        str | None, typer.Option(help="mainnet, preprod, preview, devnet or testnet.")
    ] = None,
    signing_key_path: SigningKeyPath = None,
    payer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ADDRESS|FILE",
            help="Whose key is elsewhere, or a committee's native script: Kupo watches their funds, too."
            " May be given repeatedly.",
            show_default=False,
        ),
    ] = None,
    payer_account: Annotated[
        bool,
        typer.Option(
            "--payer-account",
            help="Kupo watches all addresses with the staking part of a --payer, too.",
        ),
    ] = False,
    since: Annotated[
        int | None,
        typer.Option(
            help="Let Kupo read the chain again from this slot.", show_default=False, min=0
        ),
    ] = None,
) -> None:
    """Check Ogmios, Kupo and the node; let Kupo watch what is needed.

    Exit code 3 where a service is down, or its node is on another network; the report is printed first.
    """
    session = session_of(context)
    if network is not None:
        session = replace(session, overrides={**session.overrides, "network": network})
    config = session.config
    known = signing_key_path or config.signing_key_path
    key = None if known is None else session.signing_key(known)

    payers = [session.address_of(each, "payer") for each in payer or ()]
    report = session.perform(
        lambda backend: milestones.init(
            backend,
            key=key,
            payers=payers,
            whole_accounts=payer_account,
            node_socket=config.cardano_node_socket,
            since_slot=since,
        ),
        views.initialised,
    )
    if report.status == "failed":
        raise typer.Exit(ServiceUnavailable.exit_code)
