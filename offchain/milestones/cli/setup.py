"""Before anything else: the services, keys, and the contract's scripts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from milestones.cli.options import DryRun, SigningKeyPath, Wait
from milestones.cli.session import session_of
from milestones.errors import ServiceUnavailable


def init(
    context: typer.Context,
    network: Annotated[
        str | None, typer.Option(help="mainnet, preprod, preview, devnet or testnet.")
    ] = None,
    signing_key_path: SigningKeyPath = None,
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

    from milestones.services.init import init as service  # noqa: PLC0415 - only where needed

    report = session.perform(
        lambda backend: service(
            backend, key=key, node_socket=config.cardano_node_socket, since_slot=since
        )
    )
    if report.status == "failed":
        raise typer.Exit(ServiceUnavailable.exit_code)


def keys(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="Payment keys (.skey).", show_default=False)],
    generate: Annotated[
        bool, typer.Option("--generate", help="Make those that are not there yet.")
    ] = False,
) -> None:
    """Show the addresses of key files, or make new keys. Needs no network."""
    session = session_of(context)

    from milestones.services.keys import show_keys  # noqa: PLC0415 - only where needed

    session.output.result(show_keys(session.workspace, files, generate=generate))


def publish_script(
    context: typer.Context,
    signing_key_path: SigningKeyPath = None,
    dry_run: DryRun = False,
    wait: Wait = False,
) -> None:
    """Publish the contract's scripts, once per network, for everybody's use."""
    session = session_of(context)
    key = session.signing_key(signing_key_path)

    from milestones.services.publish_script import (  # noqa: PLC0415 - only where needed
        publish_script as service,
    )

    session.perform(lambda backend: service(backend, key=key, dry_run=dry_run, wait=wait))
