"""Answers with one thing in them changed: the command ends with a result, or with an error that has a name."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any, Final

import pytest

from milestones.clients.kupo_client import KupoClient
from milestones.clients.ogmios_client import OgmiosClient
from milestones.errors import MilestonesError
from milestones.services.backend import Backend
from milestones.services.check_status import check_status
from milestones.services.init import init
from milestones.services.paying.plan import Selection
from milestones.services.submit_release import submit_release
from milestones.services.verify import verify
from milestones.testing.distribution import OpenDistribution
from milestones.testing.spoiling_proxy import Alteration, Message, spoiling_proxy

PATIENCE_SECONDS: Final = 60
CHANGES_EACH: Final = 1
"""How often an answer of a command is changed, each time somewhere else."""


def deep(levels: int) -> Any:
    found: Any = 1
    for _ in range(levels):
        found = [found]
    return found


INSTEAD: Final[tuple[Any, ...]] = (
    *(None, True, False, -1, 0, 1.5, -0.5, 2**63, 2**64, 10**400, float("nan"), float("inf")),
    *("", "x", "0x00", "-1", "1/0", "1e999999999", "\u0000", "ff" * 31, "ff" * 33, "origin"),
    *([], {}, [[]], [None], {"": None}, deep(500)),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value."""
    yield path
    children: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        children = value.items()
    elif isinstance(value, list):
        children = enumerate(value)
    for key, child in children:
        yield from places(child, (*path, key))


def changed(value: Any, chance: random.Random) -> Any:
    """The value with one place of it replaced, taken out, negated, or there twice."""
    *way, last = chance.choice(list(places(value)))[:] or (None,)
    if last is None:
        return chance.choice(INSTEAD)
    found = deepcopy(value)
    holder = found
    for key in way:
        holder = holder[key]
    what = chance.randrange(4)
    if what == 0:
        del holder[last]
    elif what == 1 and isinstance(holder, list):
        holder.insert(last, deepcopy(holder[last]))
    elif what == 2 and isinstance(holder[last], (int, float)):
        holder[last] = -holder[last]
    else:
        holder[last] = chance.choice(INSTEAD)
    return found


async def look(backend: Backend, stage: OpenDistribution) -> object:
    return await check_status(backend, contract_address=stage.address)


async def audit(backend: Backend, stage: OpenDistribution) -> object:
    return await verify(backend, contract_address=stage.address)


async def begin(backend: Backend, stage: OpenDistribution) -> object:
    return await init(backend, key=stage.world.keys["relayer"])


async def pay(backend: Backend, stage: OpenDistribution) -> object:
    return await submit_release(
        backend,
        contract_address=stage.address,
        key=stage.world.keys["relayer"],
        selection=Selection(indices=(0,)),
        dry_run=True,
    )


@pytest.mark.parametrize("command", [begin, look, audit, pay])
async def test_any_change_of_any_answer_has_a_name(
    stage: OpenDistribution, command: Callable[[Backend, OpenDistribution], Awaitable[object]]
) -> None:
    await stage.attested("milestone-001")
    chance = random.Random(f"{command.__name__} 1")  # noqa: S311
    async with (
        spoiling_proxy(
            ogmios_url=stage.world.devnet.ogmios_url, kupo_url=stage.world.devnet.kupo_url
        ) as proxy,
        OgmiosClient(proxy.ogmios_url, timeout_seconds=2) as ogmios,
        KupoClient(proxy.kupo_url, timeout_seconds=2) as kupo,
    ):
        backend = replace(stage.backend, ogmios=ogmios, kupo=kupo)
        await command(backend, stage)
        known = len(proxy.messages)
        await command(backend, stage)
        for number in range((len(proxy.messages) - known) * CHANGES_EACH):
            at = len(proxy.messages) + number // CHANGES_EACH
            proxy.spoil = at_message(at, lambda answer: changed(answer, chance))
            try:
                await asyncio.wait_for(command(backend, stage), PATIENCE_SECONDS)
            except MilestonesError as error:
                assert 2 <= error.exit_code <= 7  # noqa: PT017 - either may come


def at_message(number: int, alteration: Alteration) -> Callable[[Message], Alteration | None]:
    """Changes the answer to the message of this number."""
    return lambda message: alteration if message.number == number else None
