"""Looking closely: one transaction, or a whole distribution before it is trusted."""

from __future__ import annotations

from typing import Annotated

import typer

from milestones.cli.session import session_of


def transaction(
    context: typer.Context,
    transaction_hash: Annotated[
        str, typer.Argument(help="The transaction's id, 64 hexadecimal digits.")
    ],
) -> None:
    """Show where a transaction stands: unknown, in the mempool, in a block, or never going to be."""
    from milestones.services.transaction_status import (  # noqa: PLC0415 - only where needed
        transaction_status,
    )

    session_of(context).perform(lambda backend: transaction_status(backend, transaction_hash))
