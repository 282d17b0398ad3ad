"""`milestones transaction`: what became of one, what it does, and its way to whoever signs it."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

import milestones
from milestones.cli.loading import Group, Later, new_typer
from milestones.cli.options import DerivationPaths, PhraseFile, Wait, Yes, derivation_paths
from milestones.cli.session import Session, session_of
from milestones.errors import InvalidInput

if TYPE_CHECKING:
    import asyncio

    from milestones.cli.views import transaction as views
else:
    asyncio = Later("asyncio")
    views = Later("milestones.cli.views.transaction")


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
        lambda backend: milestones.transaction_status(backend, transaction_hash), views.status
    )


@transaction.command("show")
def transaction_show(
    context: typer.Context,
    subject: Annotated[
        str,
        typer.Argument(
            metavar="FILE|HASH",
            help="A file (- is standard input), or the hash of what this program has sent.",
            show_default=False,
        ),
    ],
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask no node: by the transaction's bytes alone.")
    ] = False,
) -> None:
    """Say what a transaction does: who is paid what and why, and whose signatures it has and lacks."""
    session = session_of(context)
    is_hash = re.fullmatch("[0-9a-fA-F]{64}", subject) is not None and not Path(subject).exists()
    if offline and not is_hash:
        shown = milestones.show_transaction(Path(subject))
    else:
        shown = asyncio.run(_shown(session, subject if is_hash else Path(subject)))
    if session.output.as_json or not session.output.full:
        session.output.result(shown, views.shown)
        return
    for warning in shown.warnings:
        session.output.message(f"warning: {warning}")
    session.output.fields(asdict(shown.transaction))


async def _shown(session: Session, subject: Path | str) -> milestones.TransactionShown:
    async with session.backend() as backend:
        return await milestones.show_known_transaction(backend, subject)


@transaction.command("check-hardware")
def transaction_check_hardware(
    context: typer.Context,
    file: File,
    body_output: Annotated[
        Path | None,
        typer.Option(
            "--body-output",
            help="Write the body alone, which `cardano-hw-cli` signs where it refuses the whole.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Check whether a hardware wallet can sign a transaction (CIP-21). Needs no network."""
    checked = milestones.check_hardware(file, body_output=body_output)
    session_of(context).output.result(checked, views.checked)


@transaction.command("sign")
def transaction_sign(  # noqa: PLR0917 - an option each
    context: typer.Context,
    file: File,
    output: Output,
    signing_key_path: Annotated[
        list[Path] | None,
        typer.Option(
            "--signing-key-path", help="A key (.skey) of payment or stake; may be given repeatedly."
        ),
    ] = None,
    phrase_file: PhraseFile = None,
    path: DerivationPaths = None,
    witness_only: Annotated[
        bool, typer.Option("--witness-only", help="Write the one key's signature alone.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Sign without asking on a terminal.")] = False,
) -> None:
    """Sign a transaction with keys in files or out of a phrase, after saying what it does.

    Needs no network and no data directory. On a terminal it asks before it signs.
    """
    session = session_of(context)
    keys = [session.load_key(each, may_stake=True) for each in signing_key_path or ()]
    if phrase_file is not None:
        phrase = session.load_phrase(phrase_file)
        keys += [phrase.key(each) for each in derivation_paths(path)]
    if not keys:
        raise InvalidInput(
            "no key is given",
            path="signing_key_path",
            hint="give --signing-key-path, or --phrase-file and --path",
        )
    session.output.result(
        milestones.sign_transaction(
            file,
            keys,
            output=output,
            witness_only=witness_only,
            confirm=lambda words: _agrees(session, words, asks=session.output.asks and not yes),
        ),
        views.signed,
    )


def _agrees(session: Session, words: milestones.TransactionInWords, *, asks: bool) -> bool:
    """Says what is about to be signed, and asks a person, if there is one."""
    session.output.message(f"transaction {words.transaction_hash} on {words.network}:")
    for sentence in words.summary:
        session.output.message(f"  {sentence}")
    for doubt in words.doubts:
        session.output.message(f"warning: {doubt}")
    return not asks or typer.confirm("Sign it?", err=True)


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
        assembled = milestones.assemble_transaction(file, witness, output=output)
        session.output.result(assembled, views.assembled)
        return
    session.perform(
        lambda backend: milestones.assemble_known_transaction(
            backend, file, witness, output=output
        ),
        views.assembled,
    )


@transaction.command("drop")
def transaction_drop(
    context: typer.Context,
    transaction_hash: Annotated[
        str, typer.Argument(help="The hash of what was handed out with --unsigned-out.")
    ],
) -> None:
    """Give up a transaction that waits for signatures: what it needs is free again. Needs no network."""
    session = session_of(context)
    dropped = milestones.drop_transaction(session.workspace, transaction_hash)
    session.output.result(dropped, views.dropped)


@transaction.command("submit")
def transaction_submit(
    context: typer.Context, file: File, wait: Wait = False, yes: Yes = False
) -> None:
    """Send a signed transaction. It is written down before; to do it again is safe."""
    session_of(context).perform(
        lambda backend: milestones.submit_transaction(backend, file, wait=wait),
        views.submitted,
        yes=yes,
    )
