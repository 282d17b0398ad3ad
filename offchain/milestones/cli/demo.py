"""`milestones demo`: the whole story in one terminal."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Callable
from textwrap import fill
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from milestones.cli.loading import Later
from milestones.cli.output import print_json
from milestones.cli.session import session_of
from milestones.cli.streams import standard_output

if TYPE_CHECKING:
    from milestones.demo import served
    from milestones.demo import stage as stages
    from milestones.demo import story as stories
    from milestones.demo.summary import Summary
else:
    served = Later("milestones.demo.served", needed_for="the demo's server", extra="serve")
    stages = Later("milestones.demo.stage", needed_for="the demo")
    stories = Later("milestones.demo.story", needed_for="the demo")

COLUMNS: Final = 80


def demo(
    context: typer.Context,
    serve: Annotated[
        bool,
        typer.Option(
            "--serve",
            help="Instead, open a distribution in the browser, with wallets to play with.",
        ),
    ] = False,
    port: Annotated[
        int, typer.Option(help="With --serve: the port to listen on; 0 is any free one.")
    ] = 8420,
) -> None:
    """Play the whole story on an embedded chain, in under a minute; nothing is left behind."""
    # A story is for people even when it goes into a file: JSON only where it is asked for.
    quiet = session_of(context).output.form == "json"
    console = Console(soft_wrap=True, highlight=False)

    def narrate(line: str) -> None:
        if not quiet:
            console.print(_wrapped(line), markup=False)

    if serve:
        asyncio.run(_serve(narrate, port, quiet=quiet))
        return

    async def play() -> Summary:
        async with stages.set_stage() as stage:
            return await stories.play_story(stage, narrate)

    summary = asyncio.run(play())
    if quiet:
        print_json(summary.model_dump(mode="json"))
    else:
        _show(console, summary)


async def _serve(narrate: Callable[[str], None], port: int, *, quiet: bool) -> None:
    """Until Ctrl-C; one line of JSON, or words, once the pages can be opened."""
    done, loop = asyncio.Event(), asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, done.set)
    async with (
        stages.set_stage() as stage,
        served.served_demo(stage, narrate, port=port) as server,
    ):
        with standard_output():
            if quiet:
                sys.stdout.write(json.dumps({"url": server.url}) + "\n")
            else:
                narrate(f"Open {server.url} in a browser - Ctrl-C ends it, and its chain.")
                narrate(f"Wallets to play with: {', '.join(served.PLAYERS)}.")
        await done.wait()


def _show(console: Console, summary: Summary) -> None:
    console.print(_milestones(summary))
    console.print(_transactions(summary))
    refused = [refusal.refused_by for refusal in summary.refusals]
    told = (
        f"Refused: {refused.count('program')} attempts by the program before signing,"
        f" {refused.count('chain')} by the chain. Books balanced to the lovelace:"
        f" {'yes' if summary.books_balance else 'NO'}. {summary.seconds} s."
    )
    console.print(_wrapped(told), markup=False)


def _wrapped(line: str) -> str:
    """The line in 80 columns, what follows indented; addresses stay whole."""
    indent = " " * (len(line) - len(line.lstrip()))
    return fill(
        line,
        COLUMNS,
        subsequent_indent=indent + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _milestones(summary: Summary) -> Table:
    table = Table(title="The first project, before closing", title_justify="left")
    for column in ("milestone", "verified", "signatures", "vested"):
        table.add_column(column)
    for milestone in summary.status_before_closing.milestones:
        table.add_row(
            milestone.milestone_identifier,
            "yes" if milestone.verified else "no",
            f"{milestone.signature_count} of {milestone.quorum_threshold} needed",
            "yes" if milestone.vesting_passed else "no",
        )
    return table


def _transactions(summary: Summary) -> Table:
    table = Table(title="Transactions", title_justify="left")
    table.add_column("what")
    for column in ("bytes", "memory", "steps", "fee (ADA)"):
        table.add_column(column, justify="right")
    for tx in summary.transactions:
        table.add_row(
            tx.what,
            f"{tx.size:,}",
            f"{tx.memory:,}",
            f"{tx.cpu:,}",
            f"{tx.fee_lovelace / 1_000_000:.6f}",
        )
    return table
