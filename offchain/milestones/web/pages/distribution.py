"""`/d/<address>`: what was agreed, how it stands, who can do what, every payment, and the proof of it all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from milestones.domain.claims import ClaimState
from milestones.errors import InvalidSchedule, NotFound
from milestones.services.calculate_distribution import AllocationStates
from milestones.services.report import (
    BoardReport,
    assembled,
    content,
    report_html,
    report_markdown,
)
from milestones.services.results import as_csv
from milestones.web.pages.claim import CLAIM_WORDS
from milestones.web.pages.rendering import Shown, component

T = TypeVar("T")
PART: Final = 25
"""How many entries of a long list a page shows."""
MOST_STATES: Final = 5_000
"""Of how many allocations each is looked at alone, to say how many people there are."""
LOOKS: Final = 3
"""How often it is looked up anew where a block comes in between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a long list: from `start` to before `stop` of `total`, and where its neighbours are."""

    start: int
    stop: int
    total: int
    before: str | None
    after: str | None

    def of(self, entries: Sequence[T]) -> Sequence[T]:
        """The entries in it."""
        return entries[self.start : self.stop]


def part_of(request: Request, name: str, total: int) -> Part:
    """Which part of a list is asked for, by the query's `name`; the first for whatever is no number."""
    given = request.query_params.get(name, "")
    start = int(given) if given.isascii() and given.isdigit() and len(given) < 12 else 0
    start = min(start, max(0, total - 1)) // PART * PART

    def at(place: int) -> str:
        kept = [each for each in request.query_params.multi_items() if each[0] != name]
        return f"?{urlencode([*kept, (name, str(place))])}#{name}"

    return Part(
        start=start,
        stop=min(total, start + PART),
        total=total,
        before=at(start - PART) if start else None,
        after=at(start + PART) if start + PART < total else None,
    )


async def distribution(request: Request) -> Response:
    """The page. Long lists come by parts: payments, allocations, and what else happened."""
    shown = await Shown.of(request)
    given = await shown.serving.kept.get(("report", shown.served), lambda: _content(shown))
    report, known = given["report"], given["known"]
    indices = () if known is None else known.distribution.allocations
    payments = part_of(request, "payments", len(report.payments))
    allocations = part_of(request, "allocations", len(indices))
    listed = list(islice(indices, allocations.start, allocations.stop))
    states = () if known is None else known.state.claim_states(known.distribution, listed)
    return shown.page(
        "distribution.html",
        **given,
        lines=payments.of(report.payments),
        payments_part=payments,
        allocations_part=allocations,
        allocation_rows=[_row(shown, each) for each in states],
    )


async def _content(shown: Shown) -> dict[str, Any]:
    """All that the report's sections show, of one moment, out of what the API answers."""
    serving, served = shown.serving, shown.served
    for _ in range(LOOKS):
        status, past = await serving.status(served), await serving.history(served)
        audit, known = await serving.verified(served), await _known(shown)
        kinds = [] if known is None else known.state.kind_states(known.distribution)
        state = status.contract_state
        paid = sum(each.claimed.count for each in kinds)
        if past.held_amount == state.remaining_token_amount and (
            known is None or paid == state.claimed_count
        ):
            break
    few = known is not None and len(known.distribution.allocations) <= MOST_STATES
    states = known.states if known is not None and few else ()
    network = serving.backend.network.name
    report = assembled(status, past, audit, kinds, states, network=network)
    return {**content(report), "known": known}


async def _known(shown: Shown) -> AllocationStates | None:
    try:
        return await shown.serving.allocations(shown.served)
    except (NotFound, InvalidSchedule):
        return None


async def download(request: Request) -> Response:
    """What the page has, as a file to keep. Raises `NotFound` for any other name."""
    shown = await Shown.of(request)
    file = request.path_params["file"]
    if file not in _DOWNLOADS:
        raise NotFound("there is no such file", hint="see the page of the distribution")
    make, kind = _DOWNLOADS[file]
    given = await shown.serving.kept.get(("report", shown.served), lambda: _content(shown))
    name = f"{shown.on_chain.distribution_id.hex()[:12]}-{file}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    text = await make(shown, given["report"])
    return Response(text.encode("utf-8", "backslashreplace"), media_type=kind, headers=headers)


async def _html(_: Shown, report: BoardReport) -> str:
    return report_html(report)


async def _markdown(_: Shown, report: BoardReport) -> str:
    return report_markdown(report)


async def _history(_: Shown, report: BoardReport) -> str:
    return as_csv(report.history)


async def _schedule(shown: Shown, _: BoardReport) -> str:
    known = (await shown.serving.allocations(shown.served)).distribution
    document = known.schedule().model_dump(mode="json", exclude_none=True)
    return json.dumps(document, indent=2, ensure_ascii=False)


_DOWNLOADS: Final = {
    "report.html": (_html, "text/html"),
    "report.md": (_markdown, "text/markdown"),
    "history.csv": (_history, "text/csv"),
    "schedule.json": (_schedule, "application/json"),
}


def _row(shown: Shown, state: ClaimState) -> list[Any]:
    allocation = state.allocation
    kind, word = CLAIM_WORDS[state.status]
    return [
        component("identifier", allocation.beneficiary_address.to_bech32(), None, 14),
        shown.token.of(allocation.token_amount).amount,
        allocation.milestone_identifier,
        component("status", kind, word),
        component("time", allocation.vesting_timestamp, "day"),
    ]
