"""Pages of a distribution with many allocations: by parts, and for no more than the API's answers cost."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from milestones.cardano.address import Address, key_credential
from milestones.clients.http_requests import HttpRequests
from milestones.clients.ogmios_connection import JsonRpcConnection
from milestones.testing.distribution import open_distribution
from milestones.testing.world import World
from milestones.web.pages.distribution import PART
from milestones.web.serving import Kept
from tests.support.load import length
from tests.support.serving import ServedDistribution, serve

COUNT = length(short=250, long=65_536)


def allocation(world: World, number: int) -> dict[str, Any]:
    """Everybody's own, but the first, which is of somebody in the cast."""
    somebody = Address(0, key_credential(number.to_bytes(28, "big")))
    address = somebody if number else world.address("beneficiary-0")
    return {
        "beneficiary_address": address.to_bech32(),
        "token_amount": 10 + number % 7,
        "milestone_identifier": f"phase-{number % 12 + 1:02}",
        "vesting_timestamp": world.now - 1_000,
    }


@pytest.fixture
async def served(world: World) -> AsyncIterator[ServedDistribution]:
    rows = [allocation(world, number) for number in range(COUNT)]
    document = world.schedule(beneficiary_allocations=rows)
    # Announcing so many would take hundreds of transactions; here they are known from the data directory.
    async with (
        open_distribution(world, document, private=True) as opened,
        serve(opened) as served,
    ):
        await opened.attested("phase-01")
        yield served


async def test_long_lists_come_by_parts(served: ServedDistribution) -> None:
    """Some allocations at a time, with links to those before and after; the page stays small."""
    (shown,) = served.serving.distributions
    page = f"/d/{shown.key}"
    sizes = []
    for start in (0, PART, COUNT - 1, COUNT + 1_000, 10**10):
        answer = await served.http.get(page, params={"allocations": start}, timeout=600)
        assert answer.status_code == 200
        part = min(start, COUNT - 1) // PART * PART
        last = min(part + PART, COUNT)
        assert f"{part + 1} to {last} of {COUNT:,}" in answer.text
        assert ("Before these" in answer.text) == (part > 0)
        assert ("After these" in answer.text) == (last < COUNT)
        sizes.append(len(answer.content))
    assert max(sizes) < 200_000
    answer = await served.http.get(page, params={"allocations": "-1<script>"}, timeout=600)
    assert f"1 to {PART} of {COUNT:,}" in answer.text


async def test_a_page_asks_no_more_than_the_api_does(
    served: ServedDistribution, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a page shows is looked up once, by what answers the API; its answer costs that, and rendering."""
    (shown,) = served.serving.distributions
    address = served.opened.world.address("beneficiary-0").to_bech32()
    looked_up: list[str] = []
    get = Kept.get

    async def noted(kept: Kept, name: Any, make: Any) -> Any:
        async def noting() -> Any:
            looked_up.append(name[0])
            return await make()

        return await get(kept, name, noting)

    monkeypatch.setattr(Kept, "get", noted)
    seconds = {}
    for path, expected in (
        (f"/d/{shown.key}/claim?address={address}", ["allocations", "on_chain", "registered"]),
        (f"{served.path}/claimable?address={address}", ["allocations"]),
        (
            f"/d/{shown.key}",
            ["allocations", "history", "on_chain", "registered", "report", "status", "verified"],
        ),
        (f"/d/{shown.key}/oracles", ["name", "on_chain", "registered", "signatures", "status"]),
    ):
        served.serving.kept.forget()
        looked_up.clear()
        started = time.perf_counter()
        answer = await served.http.get(path, timeout=600)
        seconds[path.split("?")[0].replace(shown.key, "…")] = round(
            time.perf_counter() - started, 3
        )
        assert answer.status_code == 200
        assert sorted(looked_up) == expected, path
        looked_up.clear()
        assert (await served.http.get(path, timeout=600)).status_code == 200
        assert looked_up == []
    print(f"with {COUNT:,} allocations: {seconds}")  # noqa: T201 - what was measured


async def test_a_page_costs_the_services_no_more_than_the_api_s_answers(
    served: ServedDistribution, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a page asks Ogmios and Kupo is what the API asks for the answers that the page shows."""
    (shown,) = served.serving.distributions
    address = served.opened.world.address("beneficiary-0").to_bech32()
    asked: list[str] = []
    call, request = JsonRpcConnection.call, HttpRequests.request

    async def noted_call(
        connection: JsonRpcConnection, method: str, *given: Any, **more: Any
    ) -> Any:
        asked.append(method)
        return await call(connection, method, *given, **more)

    async def noted_request(requests: HttpRequests, method: str, path: str, **more: Any) -> Any:
        asked.append(path)
        return await request(requests, method, path, **more)

    monkeypatch.setattr(JsonRpcConnection, "call", noted_call)
    monkeypatch.setattr(HttpRequests, "request", noted_request)

    async def cost(*paths: str) -> int:
        """How much is asked for these answers, by somebody who comes first after a block."""
        served.serving.kept.forget()
        asked.clear()
        for path in paths:
            answer = await served.http.get(path, timeout=600)
            assert answer.status_code == 200
        return len(asked)

    page, api = f"/d/{shown.key}", served.path
    one = ("", "/history", "/verify", "/allocations")
    costs = {
        "distribution": (await cost(page), await cost(*(f"{api}{each}" for each in one))),
        "claim": (
            await cost(f"{page}/claim?address={address}"),
            await cost(api, f"{api}/claimable?address={address}"),
        ),
        "oracles": (
            await cost(f"{page}/oracles"),
            await cost(api, f"{api}/signatures"),
        ),
    }
    print(f"requests of a page, and of the API: {costs}")  # noqa: T201 - what was measured
    for name, (of_page, of_api) in costs.items():
        assert of_page <= of_api, name
