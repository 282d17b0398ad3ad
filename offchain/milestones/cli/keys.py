"""`milestones keys`: whose key files these are, or new ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import milestones
from milestones.cli.session import session_of


def keys(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="Payment keys (.skey).", show_default=False)],
    generate: Annotated[
        bool, typer.Option("--generate", help="Make those that are not there yet.")
    ] = False,
) -> None:
    """Show the addresses of key files, or make new keys. Needs no network."""
    session = session_of(context)
    network_id = session.config.network_id
    session.output.result(milestones.show_keys(files, network_id=network_id, generate=generate))
