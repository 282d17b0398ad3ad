"""What the server says without being asked again: events, health, and figures for whoever runs it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Final, Literal

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from milestones.errors import MilestonesError, ServiceUnavailable
from milestones.services.backend import require_network, require_one_chain, staleness
from milestones.services.results import View
from milestones.web.answers import json_answer
from milestones.web.api.operation import PREFIX, serving_of
from milestones.web.guard import HEALTH_PATH, METRICS_PATH
from milestones.web.serving import Serving

EVENTS_PATH: Final = f"{PREFIX}/events"


class Health(View):
    """Whether it can do its work: both services answer, of one chain, and the index is fresh.

    `degraded`: it answers, and what it says may be stale. `down`: a service is away; the status is 503 then.
    """

    status: Literal["ok", "degraded", "down"]
    problems: tuple[str, ...]
    tip_slot: int | None
    relay: Literal["none", "ready", "waiting"]


async def _health(request: Request) -> Response:
    serving = serving_of(request)
    problems, status, tip = [], "ok", None
    try:
        await require_network(serving.backend)
        await require_one_chain(serving.backend, patience_seconds=0)
        problems = await staleness(serving.backend)
        status = "degraded" if problems else "ok"
        point = (await serving.kept.moment())[0]
        tip = point.slot if point else 0
    except ServiceUnavailable as error:
        problems, status = [f"{error.service} is not available"], "down"
    except MilestonesError:
        problems, status = ["something went wrong in this server"], "down"
    relay = "none"
    if serving.payments is not None:
        relay = "waiting" if serving.payments.refusal else "ready"
    health = Health.model_validate(
        {"status": status, "problems": tuple(problems), "tip_slot": tip, "relay": relay}
    )
    return json_answer(health.model_dump(mode="json"), 503 if status == "down" else 200)


async def _events(request: Request) -> Response:
    address = request.client.host if request.client else ""
    listened = await serving_of(request).events.listen(address)
    return StreamingResponse(listened, media_type="text/event-stream")


def figures(serving: Serving) -> Iterator[tuple[str, str, str, int]]:
    """Name, kind, meaning and value of each figure but those of requests."""
    yield "milestones_listeners", "gauge", "Who listens to events.", serving.events.listener_count
    yield (
        "milestones_builds_waiting",
        "gauge",
        "Requests that wait to build.",
        serving.builds.waiting,
    )
    payments = serving.payments
    if payments is None:
        return
    book, budget = payments.book, payments.relay.budget
    yield "milestones_payments_asked", "gauge", "Who waits to be paid.", len(payments.asked)
    yield "milestones_payments_pending", "gauge", "Allocations on their way.", len(payments.paying)
    yield (
        "milestones_payments_refused",
        "gauge",
        "1 while nothing more is paid.",
        bool(payments.refusal),
    )
    yield "milestones_budget_spent_lovelace", "gauge", "What was spent.", book.spent_lovelace
    if budget.most_lovelace is not None:
        yield "milestones_budget_lovelace", "gauge", "What may be spent.", budget.most_lovelace


async def _metrics(request: Request) -> Response:
    """Figures as Prometheus reads them."""
    await asyncio.sleep(0)
    serving = serving_of(request)
    lines = []
    for name, kind, meaning, value in figures(serving):
        lines += [f"# HELP {name} {meaning}", f"# TYPE {name} {kind}", f"{name} {value:d}"]
    lines += serving.requests.lines()
    return PlainTextResponse("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4")


ROUTES: Final = (
    Route(HEALTH_PATH, _health),
    Route(METRICS_PATH, _metrics),
    Route(EVENTS_PATH, _events),
)
