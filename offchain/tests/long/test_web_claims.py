"""Ten thousand claims by codes (CIP-99), with faults, repeats, races and restarts: nobody is paid twice.

And no more is spent than the relay may. A part is tried in every run; `make serve` tries all.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from milestones.services.history import history
from milestones.services.paying.budget import Budget
from milestones.testing.cast import ADA, key_of
from milestones.testing.distribution import FIRST_MILESTONE, OpenDistribution, open_distribution
from milestones.testing.world import World, open_world
from milestones.web.settings import RelaySettings
from tests.support.load import length
from tests.support.serving import ServedDistribution, serve

PEOPLE = length(short=6, long=400)
REQUESTS = length(short=60, long=10_000)
LIVES = length(short=2, long=8)
"""How often the server is started."""
AT_A_TIME = length(short=15, long=24)
BUDGET_LOVELACE = PEOPLE * ADA
"""Too little for all: the ADA that goes along with the tokens alone takes more."""
WAITING = {"accepted", "queued", "ratelimited", "error"}
FAULTS = ("dropping", "disconnected", "hanging")


def person(number: int) -> str:
    """An address that is allocated something."""
    return str(key_of(f"claimer {number}").address(0))


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[OpenDistribution]:
    """An allocation for each, which can be claimed."""
    async with open_world(tmp_path) as world:
        allocations = [
            {
                "beneficiary_address": person(number),
                "token_amount": 1_000 + number,
                "milestone_identifier": FIRST_MILESTONE,
                "vesting_timestamp": world.now - 1_000,
            }
            for number in range(PEOPLE)
        ]
        document = world.schedule(beneficiary_allocations=allocations)
        async with open_distribution(world, document) as opened:
            await opened.signed(FIRST_MILESTONE)
            await opened.attest()
            yield opened


async def trouble(world: World, dice: Random, seen: Counter[str]) -> None:
    """Now and then a service fails, for a moment."""
    while True:
        await asyncio.sleep(dice.uniform(0.5, 3.0))
        service, fault = dice.choice(("ogmios", "kupo")), dice.choice(FAULTS)
        world.devnet.break_interface(service, fault)
        seen[f"{service} {fault}"] += 1
        await asyncio.sleep(dice.uniform(0.05, 0.5))
        world.devnet.mend_interface(service)


@asynccontextmanager
async def troubled(world: World, dice: Random, seen: Counter[str]) -> AsyncIterator[None]:
    """Inside, services fail; afterwards all works."""
    task = asyncio.ensure_future(trouble(world, dice, seen))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        for service in ("ogmios", "kupo"):
            world.devnet.mend_interface(service)


async def codes_of(served: ServedDistribution) -> list[str]:
    """Everybody's code."""
    path = f"{served.path}/claim-code"
    return [
        (await served.get(path, beneficiary_address=person(number)))["code"]
        for number in range(PEOPLE)
    ]


async def ask(
    served: ServedDistribution, codes: list[str], dice: Random, seen: Counter[str]
) -> None:
    """One request, right or wrong, and its answer is one that it may have."""
    number = dice.randrange(PEOPLE)
    whose, code, kind = person(number), codes[number], dice.random()
    expected = {"claimed"} | WAITING
    if kind < 0.05:
        whose, expected = str(key_of("stranger").address(0)), {"alreadyclaimed"} | WAITING
    elif kind < 0.1:
        code, expected = "x" * 45, {"notfound"} | WAITING
    elif kind < 0.12:
        whose, expected = "addr_test1nonsense", {"invalidaddress"}
    body: dict[str, Any] = {"address": whose, "code": code}
    url = f"/api/v1/cip99/{served.path.rpartition('/')[2]}"
    answers = await asyncio.gather(
        *(served.http.post(url, json=body) for _ in range(dice.choice((1, 1, 1, 2, 3)))),
        return_exceptions=True,
    )
    for answer in answers:
        if isinstance(answer, BaseException):
            # The server was ended while it was asked.
            assert isinstance(answer, httpx.TransportError), answer
            seen["cut off"] += 1
            continue
        said = answer.json()
        assert said["status"] in expected, (kind, said)
        assert said["code"] == answer.status_code
        seen[said["status"]] += 1


async def test_nobody_is_paid_twice_and_the_budget_is_kept(opened: OpenDistribution) -> None:
    world, dice, seen = opened.world, Random(2026), Counter[str]()  # noqa: S311
    before = world.held_by(world.address("relayer")).lovelace
    relay = RelaySettings(key=key_of("relayer"), budget=Budget(most_lovelace=BUDGET_LOVELACE))
    async with serve(opened, relay=relay) as served:
        codes = await codes_of(served)
    made = 0
    for _ in range(LIVES):
        async with serve(opened, relay=relay) as served, troubled(world, dice, seen):
            for _ in range(REQUESTS // LIVES // AT_A_TIME + 1):
                await asyncio.gather(*(ask(served, codes, dice, seen) for _ in range(AT_A_TIME)))
                made += AT_A_TIME
            # It ends with whatever it is about to do.
    async with serve(opened, relay=relay) as served:
        payments = served.serving.payments
        assert payments is not None
        for _ in range(600):
            asked = opened.backend.storage.serving.asked()
            if not payments.paying and (payments.refusal or not asked):
                break
            await asyncio.sleep(0.2)
    spent = before - world.held_by(world.address("relayer")).lovelace
    found = await history(opened.backend, contract_address=opened.address)
    paid = [line.beneficiary_index for line in found.lines if line.event == "claim"]
    assert len(paid) == len(set(paid))
    for number in range(PEOPLE):
        held = world.held_by(key_of(f"claimer {number}").address(0)).quantity(world.token)
        assert held == (1_000 + number if number in paid else 0)
    assert 0 < len(paid) < PEOPLE
    assert 0 < spent <= BUDGET_LOVELACE
    assert made >= REQUESTS
    print(  # noqa: T201
        f"{made} claims by code: {len(paid)} of {PEOPLE} paid once, nobody twice;"
        f" {spent:,} of {BUDGET_LOVELACE:,} lovelace spent; {dict(seen)}"
    )
