"""`milestones relay`: what it serves, what it may spend, and where it says how it stands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final

import typer

import milestones
from milestones.cli.loading import Later
from milestones.cli.options import (
    ServedSeries,
    SigningKeyPath,
    lovelace,
    missing,
    optional_lovelace,
)
from milestones.cli.series import all_named
from milestones.cli.session import session_of
from milestones.errors import BudgetSpent, InvalidInput

if TYPE_CHECKING:
    import asyncio

    from milestones.cli import log
    from milestones.cli.views import relay as views
    from milestones.services.relay import state as states
    from milestones.web import relay_monitor
else:
    asyncio = Later("asyncio")
    log = Later("milestones.cli.log")
    views = Later("milestones.cli.views.relay")
    states = Later("milestones.services.relay.state")
    relay_monitor = Later(
        "milestones.web.relay_monitor", needed_for="--monitor-port", extra="serve"
    )

LOGGER: Final = "milestones.services.relay"
_TOKEN: Final = re.compile(r"([0-9a-f]{56})\.?((?:[0-9a-f]{2}){0,32})", re.IGNORECASE)


def relay(  # noqa: PLR0917 - an option each
    context: typer.Context,
    budget: Annotated[
        str,
        typer.Option(
            metavar="ADA",
            help="What it may spend in all, earlier runs with this data directory included.",
            show_default=False,
        ),
    ],
    contract_address: Annotated[
        list[str] | None,
        typer.Option(
            help="A distribution that it serves, or <address>#<id>; may be repeated.",
            show_default=False,
        ),
    ] = None,
    series: ServedSeries = None,
    budget_per_hour: Annotated[
        str | None,
        typer.Option(metavar="ADA", help="What it may spend within an hour.", show_default=False),
    ] = None,
    most_per_claim: Annotated[
        str | None,
        typer.Option(
            metavar="ADA",
            help="What a claim may cost: its part of the fee and the ADA that goes with the tokens, less the"
            " allowance.",
            show_default=False,
        ),
    ] = None,
    token: Annotated[
        list[str] | None,
        typer.Option(
            metavar="POLICY.NAME",
            help="A token that you vouch for, in hexadecimal; may be repeated. No other is paid out beside"
            " ADA.",
            show_default=False,
        ),
    ] = None,
    book: Annotated[
        str, typer.Option(help="The name of the budget's book: another one begins at nothing.")
    ] = "relay",
    until_paid: Annotated[
        bool, typer.Option("--until-paid", help="End once all allocations are paid.")
    ] = False,
    monitor_port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65_535,
            help="Answer /health and /metrics (Prometheus) on this port of 127.0.0.1; 0 is any free one.",
            show_default=False,
        ),
    ] = None,
    signing_key_path: SigningKeyPath = None,
) -> None:
    """Pay what becomes claimable in distributions, unattended and within a budget; confirm what is due.

    It looks again with every block, and ends by SIGTERM or Ctrl-C between two transactions, or when the budget
    is spent: then the exit code is 6. The same command goes on.
    """
    session = session_of(context)
    names = all_named(session, contract_address, series)
    if not names:
        raise missing(
            ["contract_address"], "give a distribution's address, or a series with --series"
        )
    vouched = [_token(each) for each in token or ()]
    allowed = milestones.Budget(
        most_lovelace=lovelace(budget, "budget"),
        most_an_hour_lovelace=optional_lovelace(budget_per_hour, "budget_per_hour"),
        most_a_claim_lovelace=optional_lovelace(most_per_claim, "most_per_claim"),
        book=book,
    )
    key = session.signing_key(signing_key_path)
    log.listen(LOGGER)
    stop, state = asyncio.Event(), states.RelayState()

    async def serve(backend: milestones.Backend) -> milestones.Relayed:
        if monitor_port is None:
            return await work(backend)
        async with relay_monitor.monitored(state, monitor_port) as url:
            session.output.message(f"it says how it is at {url}/health and {url}/metrics")
            return await work(backend)

    async def work(backend: milestones.Backend) -> milestones.Relayed:
        return await milestones.relay(
            backend,
            contract_addresses=names,
            key=key,
            budget=allowed,
            vouched=vouched,
            until_paid=until_paid,
            stop=stop,
            state=state,
        )

    report = session.perform(serve, views.relayed, asked_to_end=stop.set)
    if report.ended == "budget_spent":
        session.output.message(
            "the budget is spent: give a larger --budget, and run the command again"
        )
        raise typer.Exit(BudgetSpent.exit_code)


def _token(text: str) -> milestones.AssetId:
    found = _TOKEN.fullmatch(text.strip())
    if found is None:
        raise InvalidInput(
            f"{text[:80]!r} is no token",
            path="token",
            hint="write its policy id and its name in hexadecimal, with a dot in between",
        )
    return milestones.AssetId(bytes.fromhex(found[1]), bytes.fromhex(found[2]))
