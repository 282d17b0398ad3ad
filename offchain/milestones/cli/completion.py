"""`milestones completion`: commands and options by the tab key, in bash, zsh and fish."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import typer
from typer.completion import get_completion_script, install  # type: ignore[attr-defined]

from milestones.cli.loading import COMPLETES
from milestones.cli.session import session_of

PROGRAM: Final = "milestones"
AT_ONCE: Final = '[ "$funcstack[1]" = _milestones ] && _milestones_completion'
"""zsh reads the file when the key is first pressed, and Typer's would answer from the second time on."""


def completion(
    context: typer.Context,
    shell: Annotated[
        Literal["bash", "zsh", "fish"], typer.Argument(help="Whose.", show_default=False)
    ],
    installs: Annotated[
        bool,
        typer.Option(
            "--install",
            help="Write it where the shell looks, in your home directory; else it is printed.",
        ),
    ] = False,
) -> None:
    """Complete commands and options by the tab key: print what a shell needs for that, or install it."""
    output = session_of(context).output
    script = get_completion_script(prog_name=PROGRAM, complete_var=COMPLETES, shell=shell)
    if shell == "zsh":
        script += f"\n{AT_ONCE}"
    if not installs:
        output.text(f"{script}\n")
        return
    _, path = install(shell=shell, prog_name=PROGRAM, complete_var=COMPLETES)
    path.write_text(f"{script}\n", encoding="utf-8")
    output.message(f"installed in {path}; it works in the next {shell} that you start")
