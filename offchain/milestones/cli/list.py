"""`milestones list`: what distributions there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

import milestones
from milestones.cli.loading import Later
from milestones.cli.options import address as read_address
from milestones.cli.session import session_of

if TYPE_CHECKING:
    from milestones.cli.views import finding
else:
    finding = Later("milestones.cli.views.finding")


def list(  # noqa: A001 - the command's name
    context: typer.Context,
    address: Annotated[
        str | None,
        typer.Option(help="Whose own are marked; else the configured key's.", show_default=False),
    ] = None,
    closed: Annotated[bool, typer.Option("--closed", help="List closed ones, too.")] = False,
) -> None:
    """List the distributions of the contract that this Kupo knows, with what is claimable; mark one's own."""
    session = session_of(context)
    own = None if address is None else read_address(address, "address")
    if own is None and session.config.signing_key_path is not None:
        own = session.signing_key(None).address(session.config.network_id)
    session.perform(
        lambda backend: milestones.list_distributions(backend, own_address=own, closed=closed),
        finding.listed,
    )
