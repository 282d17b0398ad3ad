"""The command line."""

from __future__ import annotations

import typer

app = typer.Typer(name="milestones", no_args_is_help=True)


def main() -> None:
    """Entry point of the console command."""
    app()
