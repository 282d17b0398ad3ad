"""`milestones schema`: how files and results look, for programs that read or write them."""

from __future__ import annotations

import json
from difflib import get_close_matches
from importlib import resources
from typing import Annotated

import typer

from milestones.cli.output import print_json
from milestones.cli.session import session_of
from milestones.errors import InvalidInput


def schema(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(help="Which one, such as schedule.", show_default=False)
    ] = None,
) -> None:
    """Print the JSON Schema of a file or a result; without a name, list them.

    Names that end in `-result` are of what a command prints; `error` is what every command prints where it
    fails. All others are of files that the program reads.
    """
    folder = resources.files("milestones") / "schemas"
    names = sorted(
        each.name.removesuffix(".json") for each in folder.iterdir() if each.name.endswith(".json")
    )
    if name is None:
        session_of(context).output.fields({"schemas": names})
        return
    if name not in names:
        near = get_close_matches(name, names, n=1)
        raise InvalidInput(
            f"there is no schema {name[:80]!r}",
            path="name",
            hint=f"did you mean {near[0]}?" if near else "`milestones schema` lists them",
        )
    print_json(json.loads((folder / f"{name}.json").read_text(encoding="utf-8")))
