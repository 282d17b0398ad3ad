"""A command on a series: the same command on each distribution that it has to do with, one after the other.

Where a run was cut off the same command goes on: what is done in a distribution already is passed over.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeVar

from pydantic import BaseModel

from milestones.domain.reading import HexField
from milestones.errors import MilestonesError, NotAllowedYet, NotFound
from milestones.protocol.distribution import DistributionName
from milestones.services.backend import Backend
from milestones.services.distribution.series import Concerned, parts_of
from milestones.services.results import Result, View
from milestones.storage.series_files import SeriesFolder, SeriesPart

R = TypeVar("R", bound=BaseModel)
Service = Callable[[Backend, DistributionName], Awaitable[R]]


class PartDone(View):
    """What a command did in one distribution: its own result, or why nothing was left to do."""

    part: int
    contract_name: str
    status: Literal["done", "nothing_to_do"]
    reason: str = ""
    result: dict[str, Any] | None = None


class SeriesDone(Result):
    """What a command did in a series of `distribution_count`; `parts` are those it had to do with.

    `fee_estimate` adds up the fees of what was sent, in lovelace.
    """

    rows_in = "parts"

    series_root: HexField
    distribution_count: int
    parts: tuple[PartDone, ...]
    fee_estimate: int


async def in_series(
    backend: Backend,
    series: SeriesFolder,
    service: Service[R],
    *,
    concerned: Concerned | None = None,
    nothing: str = "no distribution of this series has to do with it",
    done_before: frozenset[str] = frozenset(),
    not_yet: frozenset[str] = frozenset(),
) -> SeriesDone:
    """Runs a command in each distribution that is `concerned`, in order. Whoever is asked, is asked once.

    A refusal by a rule in `done_before` means that nothing is left to do there; one by a rule in `not_yet` is
    raised only where nothing was done in any. Any other error ends it, and names the part; the same command
    then goes on where it stopped. Raises `NotFound` with `nothing` where it has to do with none.
    """
    parts = parts_of(backend, series, concerned)
    if not parts:
        raise NotFound(
            nothing,
            hint="see what the series has with `milestones check-status --series`",
            details={"series": series.record.series_root.hex()},
        )
    done, refused, once = [], list[NotAllowedYet](), _asked_once(backend)
    for number, (part, name) in enumerate(parts, 1):
        backend.progress(f"part {part.part}, {number} of {len(parts)}: {name}")
        try:
            done.append(await _one(part, service(once, name)))
        except NotAllowedYet as error:
            if error.rule not in done_before | not_yet:
                raise
            refused += [error] if error.rule in not_yet else []
            done.append(
                PartDone(
                    part=part.part,
                    contract_name=part.contract_name,
                    status="nothing_to_do",
                    reason=error.message,
                )
            )
    if refused and all(each.status != "done" for each in done):
        raise refused[0]
    results = [each.result or {} for each in done]
    return SeriesDone(
        series_root=series.record.series_root,
        distribution_count=len(series.record.distributions),
        parts=tuple(done),
        fee_estimate=sum(int(each.get("fee_estimate") or 0) for each in results),
        warnings=_warnings(results),
    )


def _asked_once(backend: Backend) -> Backend:
    """The same, where whoever agrees to what is done in one distribution agrees to it in all the others."""
    approve, agreed = backend.approve, False
    if approve is None:
        return backend

    async def ask(words: Sequence[str]) -> bool:
        nonlocal agreed
        if not agreed:
            others = "does the same in the other distributions of the series that it has to do with"
            agreed = await approve([*words, others])
        return agreed

    return replace(backend, approve=ask)


async def _one(part: SeriesPart, running: Awaitable[BaseModel]) -> PartDone:
    try:
        result = await running
    except MilestonesError as error:
        raise _located(error, part) from None
    return PartDone(
        part=part.part,
        contract_name=part.contract_name,
        status="done",
        result=result.model_dump(mode="json"),
    )


def _located(error: MilestonesError, part: SeriesPart) -> MilestonesError:
    """The same error, with the distribution that it is about."""
    error.details.setdefault("series_part", part.part)
    error.details.setdefault("contract_name", part.contract_name)
    return error


def _warnings(results: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """Each once: what one distribution has to be known of is mostly true of all."""
    return tuple(dict.fromkeys(each for result in results for each in result.get("warnings") or ()))
