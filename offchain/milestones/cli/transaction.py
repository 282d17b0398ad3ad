"""`milestones transaction`: what became of one, what it does, and its way to whoever signs it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer

import milestones
from milestones.cli.loading import Group, new_typer
from milestones.cli.options import Wait
from milestones.cli.session import session_of


class TransactionGroup(Group):
    """`transaction HASH` is short for `transaction status HASH`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that a command line names; without one, it is a transaction's hash."""
        if args and args[0] not in self.commands:
            args = ["status", *args]
        return super().resolve_command(ctx, args)


transaction: Final = new_typer(
    cls=TransactionGroup,
    help="What became of a transaction, what it does, and its way to whoever signs it.",
)

File = Annotated[
    Path,
    typer.Argument(
        help="The transaction: a text envelope, or hexadecimal; - is standard input.",
        show_default=False,
    ),
]
Output = Annotated[Path, typer.Option("--output", help="The file to write.", show_default=False)]


@transaction.command("status")
def transaction_status(
    context: typer.Context,
    transaction_hash: Annotated[
        str, typer.Argument(help="The transaction's id, 64 hexadecimal digits.")
    ],
) -> None:
    """Show where a transaction stands: unknown, in the mempool, in a block, or never going to be.

    `milestones transaction HASH` does the same.
    """
    session_of(context).perform(
        lambda backend: milestones.transaction_status(backend, transaction_hash)
    )


@transaction.command("sign")
def transaction_sign(
    context: typer.Context,
    file: File,
    output: Output,
    signing_key_path: Annotated[
        list[Path],
        typer.Option(
            "--signing-key-path", help="A key (.skey) of payment or stake; may be given repeatedly."
        ),
    ],
    witness_only: Annotated[
        bool, typer.Option("--witness-only", help="Write the one key's signature alone.")
    ] = False,
) -> None:
    """Sign a transaction with keys in files. Needs no network and no data directory."""
    session = session_of(context)
    keys = [session.load_key(each, may_stake=True) for each in signing_key_path]
    session.output.result(
        milestones.sign_transaction(file, keys, output=output, witness_only=witness_only)
    )


@transaction.command("assemble")
def transaction_assemble(
    context: typer.Context,
    file: File,
    output: Output,
    witness: Annotated[
        list[Path],
        typer.Option(
            "--witness",
            help="Signatures: of cardano-cli, of a wallet, or a signed transaction; may be given"
            " repeatedly.",
        ),
    ],
    offline: Annotated[
        bool,
        typer.Option("--offline", help="Ask no node; every signature that verifies is taken."),
    ] = False,
) -> None:
    """Put signatures into a transaction, in any order; name those that are of no use, and who is missing."""
    session = session_of(context)
    if offline:
        session.output.result(milestones.assemble_transaction(file, witness, output=output))
        return
    session.perform(
        lambda backend: milestones.assemble_known_transaction(backend, file, witness, output=output)
    )


@transaction.command("submit")
def transaction_submit(context: typer.Context, file: File, wait: Wait = False) -> None:
    """Send a signed transaction. It is written down before; to do it again is safe."""
    session_of(context).perform(
        lambda backend: milestones.submit_transaction(backend, file, wait=wait)
    )
