"""`milestones serve`: the HTTP API and the pages, until it is ended."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

import milestones
from milestones.cli.loading import Later
from milestones.cli.options import ServedSeries, lovelace, optional_lovelace
from milestones.cli.series import all_named
from milestones.cli.session import Session, session_of
from milestones.cli.streams import standard_output
from milestones.errors import InvalidInput
from milestones.look.figures import ada

if TYPE_CHECKING:
    from milestones.web import server, serving, settings
else:
    server = Later("milestones.web.server", needed_for="the server", extra="serve")
    serving = Later("milestones.web.serving", needed_for="the server", extra="serve")
    settings = Later("milestones.web.settings", needed_for="the server", extra="serve")


SERVE: Final = "serve"
"""The book of its budget: another one than `relay`'s."""


def serve(  # noqa: PLR0917 - an option each
    context: typer.Context,
    contract_address: Annotated[
        list[str] | None,
        typer.Option(
            "--distribution",
            metavar="CONTRACT_ADDRESS",
            help="A distribution to serve; may be given repeatedly.",
            show_default=False,
        ),
    ] = None,
    series: ServedSeries = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 is any free one.")] = 8420,
    public_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Serve others than this machine's user: where they find it, behind a proxy that ends TLS.",
            show_default=False,
        ),
    ] = None,
    trusted_proxy: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ADDRESS",
            help="Where that proxy is, whose X-Forwarded-For is believed; else on this machine. May be"
            " repeated.",
            show_default=False,
        ),
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ORIGIN",
            help="Another front end that may use the API, such as https://claims.example.org; may be"
            " repeated.",
            show_default=False,
        ),
    ] = None,
    creator_pages: Annotated[
        bool | None,
        typer.Option(
            "--creator-pages/--no-creator-pages",
            help="Offer notice and close; else unless it is public.",
            show_default=False,
        ),
    ] = None,
    relay_key: Annotated[
        Path | None,
        typer.Option(
            help="Payment key (.skey) that pays for those without ADA, within --budget.",
            show_default=False,
        ),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            metavar="ADA",
            help="What --relay-key may spend in all, earlier runs with this data directory included.",
            show_default=False,
        ),
    ] = None,
    budget_per_hour: Annotated[
        str | None,
        typer.Option(metavar="ADA", help="What it may spend within an hour.", show_default=False),
    ] = None,
    most_per_claim: Annotated[
        str | None,
        typer.Option(metavar="ADA", help="What a claim may cost it.", show_default=False),
    ] = None,
    requests_per_second: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Requests of one address; else 20 where it is public, and any number where not.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Serve an API and pages for people with a wallet in the browser, until Ctrl-C.

    They look, claim, sign and check; the server holds no key of theirs. Without --public-url only this
    machine's own browser is answered.
    """
    session = session_of(context)
    chosen = settings.ServeSettings(
        distributions=all_named(session, contract_address, series),
        host=host,
        port=port,
        public_url=public_url,
        trusted_proxies=("127.0.0.1", "::1", *(trusted_proxy or ())),
        allowed_origins=frozenset(allow_origin or ()),
        creator_pages=creator_pages,
        relay=_relay(session, relay_key, budget, budget_per_hour, most_per_claim),
        requests_per_second=requests_per_second,
    )
    asyncio.run(_run(session, chosen))


def _relay(
    session: Session, key: Path | None, most: str | None, an_hour: str | None, a_claim: str | None
) -> settings.RelaySettings | None:
    """Who pays for others, and within what; None where nobody does."""
    if key is None or most is None:
        given = (("budget", most), ("budget_per_hour", an_hour), ("most_per_claim", a_claim))
        if key is not None or any(value is not None for _, value in given):
            raise InvalidInput(
                "a relay has a key and a budget",
                path="relay_key" if key is None else "budget",
                hint="give --relay-key FILE and --budget ADA, or none of them: then nobody is paid for",
            )
        return None
    allowed = milestones.Budget(
        most_lovelace=lovelace(most, "budget"),
        most_an_hour_lovelace=optional_lovelace(an_hour, "budget_per_hour"),
        most_a_claim_lovelace=optional_lovelace(a_claim, "most_per_claim"),
        book=SERVE,
    )
    return settings.RelaySettings(key=session.load_key(key), budget=allowed)


async def _run(session: Session, chosen: settings.ServeSettings) -> None:
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, done.set)
    async with (
        milestones.connect(
            serving.served_workspace(session.workspace),
            ogmios_url=session.config.ogmios_url,
            kupo_url=session.config.kupo_url,
        ) as backend,
        server.running(serving.Serving.of(chosen, backend)) as running,
    ):
        _say(session, running.url, chosen)
        await done.wait()


def _say(session: Session, url: str, chosen: settings.ServeSettings) -> None:
    """One line of JSON or, on a terminal, what there is and for whom, once it can be asked."""
    if session.output.as_json:
        ready = {"url": url, "public_url": chosen.public_url}
        text = json.dumps({**ready, "distributions": [str(each) for each in chosen.distributions]})
    else:
        text = "\n".join(_words(chosen.public_url or url, chosen))
    with standard_output():
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def _words(base: str, chosen: settings.ServeSettings) -> Iterator[str]:
    many = len(chosen.distributions)
    yield f"Serving {many} distribution{'s' if many > 1 else ''} at {base}/"
    yield ""
    yield f"API  {base}/api/v1/openapi.json"
    yield ""
    yield (
        "Anybody can look, claim and sign there."
        if chosen.is_public
        else ("Only this machine's own browser is answered: `--public-url` is for others.")
    )
    if chosen.offers_creator_pages:
        yield "Creators find notice and closing there."
    if chosen.relay is None:
        yield "Whoever claims pays the fee: `--relay-key` pays for those without ADA."
    else:
        most = chosen.relay.budget.most_lovelace
        bound = "" if most is None else f", up to {ada(most)} in all"
        yield f"The relay's key pays for those without ADA{bound}."
    yield "Ctrl-C ends it."
