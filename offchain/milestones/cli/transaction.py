"""`milestones transaction`: what became of one."""

from __future__ import annotations

from typing import Annotated

import typer

import milestones
from milestones.cli.session import session_of


def transaction(
    context: typer.Context,
    transaction_hash: Annotated[
        str, typer.Argument(help="The transaction's id, 64 hexadecimal digits.")
    ],
) -> None:
    """Show where a transaction stands: unknown, in the mempool, in a block, or never going to be."""
    session_of(context).perform(
        lambda backend: milestones.transaction_status(backend, transaction_hash)
    )
