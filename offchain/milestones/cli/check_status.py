"""`milestones check-status`: how a distribution and its milestones are."""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

import milestones
from milestones.cli.loading import Later
from milestones.cli.options import OptionalContractAddress, SeriesName, distribution
from milestones.cli.series import must_be_one
from milestones.cli.session import Session, session_of
from milestones.errors import Interrupted, ServiceUnavailable

if TYPE_CHECKING:
    import asyncio

    from milestones.cli.views import check_status as views
    from milestones.cli.views import series as series_views
else:
    series_views = Later("milestones.cli.views.series")
    asyncio = Later("asyncio")
    views = Later("milestones.cli.views.check_status")


PASSING: Final = frozenset(
    {"now", "sync", "warnings", "elapsed_ms", "discrepancies", "rebuilt_records"}
)
"""Fields of a report that are about the moment of looking, and not about the distribution."""


def check_status(
    context: typer.Context,
    contract_address: OptionalContractAddress = None,
    series: SeriesName = None,
    milestone_identifier: Annotated[
        str | None, typer.Option(help="Only this milestone.", show_default=False)
    ] = None,
    watch: Annotated[
        int | None,
        typer.Option(
            metavar="SECONDS",
            min=1,
            show_default=False,
            help="Look again every so many seconds, and show it when it has changed; Ctrl-C ends it.",
        ),
    ] = None,
) -> None:
    """Show milestones, quorum, vesting, vaults and claims, verified against the chain."""
    session = session_of(context)
    must_be_one(contract_address, series)
    if series is not None:
        found = milestones.find_series(session.workspace, series)
        session.perform(
            lambda backend: milestones.series_status(backend, found), series_views.status
        )
        return
    contract = distribution(contract_address or "")

    def look(backend: milestones.Backend) -> Awaitable[milestones.StatusReport]:
        return milestones.check_status(
            backend, contract_address=contract, milestone_identifier=milestone_identifier
        )

    if watch is None:
        session.perform(look, views.status)
        return
    try:
        session.perform(lambda backend: _watched(session, partial(look, backend), watch))
    except Interrupted as error:
        if error.signal_number != signal.SIGINT:
            raise


async def _watched(
    session: Session, look: Callable[[], Awaitable[milestones.StatusReport]], seconds: int
) -> milestones.StatusReport:
    """Shows a report whenever it has changed, for ever; what a service can't say once is said the next time."""
    shown: dict[str, Any] = {}
    session.output.doing(f"looking again every {seconds} s; Ctrl-C ends it")
    while True:
        try:
            report = await look()
        except ServiceUnavailable as error:
            if not shown:
                raise
            session.output.message(f"warning: {error.message}")
        else:
            fields = report.model_dump(exclude=set(PASSING))
            if fields != shown:
                session.output.result(report, views.status)
            shown = fields
        await asyncio.sleep(seconds)
