"""What anybody can look at over HTTP: the services' own answers, on a real socket."""

from __future__ import annotations

import asyncio
import json
import re
from importlib import import_module
from threading import Event
from typing import Any

import jsonschema_rs
import pytest

from milestones.services.calculate_distribution import calculate_distribution
from tests.support.serving import ServedDistribution


async def test_a_distribution_is_looked_at_from_all_sides(served: ServedDistribution) -> None:
    """The list, one, its milestones, its allocations by parts, its history and its audit."""
    about = await served.get("/api/v1")
    assert (about["network_id"], about["public"]) == (0, False)
    (listed,) = (await served.get("/api/v1/distributions"))["distributions"]
    assert served.path.endswith(listed["key"])
    shown = await served.get(served.path)
    assert shown["distribution"]["distribution_id"] == listed["distribution_id"]
    assert shown["state"]["contract_state"]["total_oracles"] == 3
    milestones = (await served.get(f"{served.path}/milestones"))["milestones"]
    assert [each["quorum_threshold"] for each in milestones] == [2, 2, 2]
    part = await served.get(f"{served.path}/allocations", offset=1, limit=2)
    assert part["total"] == 5
    assert [each["beneficiary_index"] for each in part["allocations"]] == [1, 2]
    of_one = await served.get(f"{served.path}/allocations", milestone_identifier="milestone-001")
    assert [each["beneficiary_index"] for each in of_one["allocations"]] == [0, 3]
    lines = await served.get(f"{served.path}/history", limit=1)
    assert (lines["lines"][0]["event"], lines["total"]) == ("opening", 1)
    assert (await served.get(f"{served.path}/verify"))["verdict"] == "sound"


async def test_what_an_address_can_claim_is_what_the_command_says(
    served: ServedDistribution,
) -> None:
    """And who is none of the beneficiaries hears so with the program's own code."""
    opened = served.opened
    address = opened.world.address("beneficiary-0")
    found = await served.get(f"{served.path}/claimable", address=str(address))
    expected = await calculate_distribution(
        opened.backend,
        contract_address=opened.distribution.address,
        beneficiary_address=address,
    )
    assert found == expected.model_dump(mode="json")
    stranger = str(opened.world.address("stranger"))
    answer = await served.http.get(f"{served.path}/claimable", params={"address": stranger})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("module", "work", "path"),
    [
        ("services.distribution.schedule_source", "_decoded", "verify"),
        ("services.verify.command", "_audited", "verify"),
        ("web.api.reading", "_fitting", "allocations?status=vesting"),
    ],
)
async def test_what_takes_long_keeps_nobody_waiting(
    served: ServedDistribution, monkeypatch: pytest.MonkeyPatch, module: str, work: str, path: str
) -> None:
    """While a schedule is decoded, audited or searched, others are answered."""
    home = import_module(f"milestones.{module}")
    real, begun, may_end = getattr(home, work), Event(), Event()

    def slow(*given: Any) -> Any:
        begun.set()
        assert may_end.wait(120), "nobody was answered meanwhile"
        return real(*given)

    monkeypatch.setattr(home, work, slow)
    asked = asyncio.ensure_future(served.http.get(f"{served.path}/{path}"))
    while not begun.is_set():
        await asyncio.sleep(0.01)
    assert (await served.http.get("/health")).status_code == 200
    may_end.set()
    assert (await asked).status_code == 200


async def test_the_document_describes_what_there_is(served: ServedDistribution) -> None:
    """Every answer of these tests is held against it; here it is seen to be whole itself."""
    document = await served.get("/api/v1/openapi.json")
    operations = [each for path in document["paths"].values() for each in path.values()]
    assert len({each["operationId"] for each in operations}) == len(operations)
    assert all(each["summary"].endswith(".") for each in operations)
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.meta.validate(schema)
    for name, schema in document["components"]["schemas"].items():
        states = schema.get("properties", {}).get("state", {}).get("enum", ())
        unnamed = set(states) - set(re.findall(r"`(\w+)`", schema.get("description", "")))
        assert not unnamed, f"{name} doesn't say what {unnamed} means"
    references = re.findall(r'"#/components/(\w+)/(\w+)"', json.dumps(document))
    assert {name for kind, name in references if name not in document["components"][kind]} == set()
