"""`--series`: a command on every distribution of a series that it has to do with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import milestones
from milestones.cli.loading import Later
from milestones.cli.options import distribution, missing
from milestones.cli.session import Session
from milestones.errors import InvalidInput

if TYPE_CHECKING:
    from pydantic import BaseModel
    from rich.console import RenderableType

    from milestones.cli.views import series as views
else:
    views = Later("milestones.cli.views.series")

R = TypeVar("R", bound="BaseModel")


def must_be_one(contract_address: str | None, series: str | None) -> None:
    """Either a distribution is named or a series. Raises `InvalidInput`."""
    if contract_address is None and series is None:
        raise missing(
            ["contract_address"], "give the distribution's address, or a series with --series"
        )
    if contract_address is not None and series is not None:
        raise InvalidInput(
            "a distribution and a series are both named",
            path="series",
            hint="give --contract-address for one distribution, or --series for all of them",
        )


def all_named(
    session: Session, contract_addresses: Iterable[str] | None, series: str | None
) -> tuple[milestones.Address | milestones.DistributionName, ...]:
    """Distributions by their names, each once: those given, and all of a series. `NotFound` for no series."""
    found = list(contract_addresses or ())
    if series is not None:
        parts = milestones.find_series(session.workspace, series).record.distributions
        found += [part.contract_name for part in parts]
    return tuple(distribution(each) for each in dict.fromkeys(found))


def perform_named(
    session: Session,
    contract_address: str | None,
    series: str | None,
    service: Callable[
        [milestones.Backend, milestones.Address | milestones.DistributionName], Awaitable[R]
    ],
    view: Callable[[R], Iterable[RenderableType]] | None = None,
    *,
    concerned: Callable[[Any], bool] | None = None,
    done_before: Iterable[str] = (),
    not_yet: Iterable[str] = (),
    **options: Any,
) -> R | milestones.SeriesDone:
    """Runs a service on the distribution that is named or, with `--series`, on each that is `concerned`.

    `done_before` are the rules whose refusal means that nothing is left to do in a distribution, `not_yet`
    those that stop none of the others. The result is the service's own, or that of all of them.
    """
    must_be_one(contract_address, series)
    if series is None:
        where = distribution(contract_address or "")
        result: R = session.perform(lambda backend: service(backend, where), view, **options)
        return result
    return perform_in_series(
        session,
        series,
        service,
        concerned=concerned,
        done_before=done_before,
        not_yet=not_yet,
        **options,
    )


def perform_in_series(
    session: Session,
    series: str,
    service: Callable[[milestones.Backend, milestones.DistributionName], Awaitable[BaseModel]],
    *,
    concerned: Callable[[Any], bool] | None = None,
    done_before: Iterable[str] = (),
    not_yet: Iterable[str] = (),
    **options: Any,
) -> milestones.SeriesDone:
    """Runs a service on each distribution of a series that is `concerned`; the rest as `perform_named`."""
    found = milestones.find_series(session.workspace, series)
    done: milestones.SeriesDone = session.perform(
        lambda backend: milestones.in_series(
            backend,
            found,
            service,
            concerned=concerned,
            done_before=frozenset(done_before),
            not_yet=frozenset(not_yet),
        ),
        views.done,
        **options,
    )
    return done
