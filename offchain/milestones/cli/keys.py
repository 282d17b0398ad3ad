"""`milestones keys`: whose key files or phrase these are, or new keys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import milestones
from milestones.cli.loading import Later
from milestones.cli.options import DerivationPaths, PhraseFile, derivation_paths
from milestones.cli.session import session_of
from milestones.errors import InvalidInput

if TYPE_CHECKING:
    from milestones.cli.views import looking as views
else:
    views = Later("milestones.cli.views.looking")


def keys(
    context: typer.Context,
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Keys (.skey) of payment or stake.", show_default=False),
    ] = None,
    generate: Annotated[
        bool, typer.Option("--generate", help="Make those that are not there yet.")
    ] = False,
    phrase_file: PhraseFile = None,
    path: DerivationPaths = None,
) -> None:
    """Show the addresses of key files or of a phrase, or make new keys. Needs no network."""
    session = session_of(context)
    network_id = session.config.network_id
    if (phrase_file is None) == (not files):
        raise InvalidInput(
            "either key files or a phrase",
            path="files",
            hint="name key files, or give --phrase-file",
        )
    if phrase_file is None:
        shown = milestones.show_keys(files or [], network_id=network_id, generate=generate)
    else:
        phrase = milestones.Phrase.load(phrase_file)
        shown = milestones.show_phrase_keys(phrase, derivation_paths(path), network_id=network_id)
    session.output.result(shown, views.keys)
