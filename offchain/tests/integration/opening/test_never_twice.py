"""Opening twice funds twice: not by a second process, a rollback, a dry run or an index that is behind."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import pytest

from milestones.domain.models import MilestoneSchedule
from milestones.domain.schedule import parse_schedule
from milestones.errors import NotAllowedYet, ServiceOutOfSync
from milestones.protocol.distribution import Distribution
from milestones.services.deploy import Deployed, deploy
from milestones.services.deploy import command as deploying
from milestones.services.distribution.on_chain import read_on_chain
from milestones.services.publish_script import publish_script
from milestones.services.sending import run, waiting
from milestones.storage.storage import Storage
from milestones.testing.world import World


@dataclass(frozen=True)
class Ground:
    """A chain with the scripts published, and one schedule."""

    world: World
    schedule: MilestoneSchedule

    @property
    def chain(self) -> Any:
        """The chain itself."""
        return self.world.devnet.chain

    async def open(self, *, folder: str = "data", **options: Any) -> Deployed:
        """A run of its own of `deploy`; another folder stands for another machine."""
        storage = Storage(self.world.directory / folder)
        workspace = replace(self.world.workspace(), storage=storage)
        async with self.world.backend(workspace) as backend:
            key = self.world.keys["creator"]
            return await deploy(backend, self.schedule, key=key, **options)

    async def openings(self) -> int:
        """How often it stands open on the chain."""
        address = Distribution.from_schedule(self.schedule, self.world.contract).address
        async with self.world.backend() as backend:
            return len((await read_on_chain(backend, address)).terms_utxos)


@pytest.fixture
async def ground(world: World) -> Ground:
    await world.publish()
    if world.devnet.chain.production == "by hand":
        world.devnet.chain.mine()
    return Ground(world, parse_schedule(world.schedule()))


async def test_an_opening_that_was_rolled_back_and_forgotten_is_sent_again(ground: Ground) -> None:
    """Built anew on money that has come since, it would stand beside the old one when that returns."""
    chain = ground.chain
    snapshot = chain.snapshot()
    first = await ground.open(wait=True)
    chain.revert(snapshot)
    ground.world.pay(ground.world.address("creator"), 5_000_000_000, 2_000_000_000)
    second = await ground.open(wait=True)
    assert second.transaction_hash == first.transaction_hash
    assert await ground.openings() == 1


class TestASecondProcess:
    """Blocks come only when asked for."""

    @pytest.fixture
    def devnet_options(self) -> dict[str, Any]:
        return {"block_interval_s": None}

    async def test_that_looked_before_the_first_wrote(
        self, ground: Ground, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It looks once more before it sends, and goes on with what the first has sent."""
        with held_up(monkeypatch, deploying, "must_not_have_been_opened") as (looked, go_on):
            slow = asyncio.ensure_future(ground.open(private=True))
            await looked.wait()
            monkeypatch.undo()
            first = await ground.open()
            go_on.set()
            second = await slow
        assert second.transaction_hash == first.transaction_hash
        assert "was sent by an earlier run" in " ".join(second.warnings)
        assert len(ground.chain.mempool) == 1
        ground.chain.mine()
        assert await ground.openings() == 1

    async def test_from_another_data_directory(
        self, ground: Ground, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Neither sees the other, and the tokens that came between would pay for one opening each."""
        with held_up(monkeypatch, run, "funds_of") as (looked, go_on):
            slow = asyncio.ensure_future(ground.open(folder="elsewhere"))
            await looked.wait()
            monkeypatch.undo()
            ground.world.pay(ground.world.address("creator"), 5_000_000_000, 2_000_000_000)
            ground.chain.mine()
            await ground.open()
            go_on.set()
            with pytest.raises(NotAllowedYet) as refused:
                await slow
        ground.chain.mine()
        assert await ground.openings() == 1
        assert refused.value.rule == "already_open"


@contextmanager
def held_up(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType, step: str
) -> Iterator[tuple[asyncio.Event, asyncio.Event]]:
    """Runs that begin now stop after this step, until they may go on."""
    looked, go_on = asyncio.Event(), asyncio.Event()
    real = getattr(module, step)

    async def waiting(*arguments: Any, **options: Any) -> Any:
        result = await real(*arguments, **options)
        looked.set()
        await go_on.wait()
        return result

    monkeypatch.setattr(module, step, waiting)
    yield looked, go_on


async def test_a_dry_run_sends_nothing_that_an_earlier_run_left(ground: Ground) -> None:
    chain = ground.chain
    snapshot = chain.snapshot()
    await ground.open()
    chain.revert(snapshot)
    chain.production = "by hand"
    shown = await ground.open(dry_run=True)
    assert (shown.status, len(chain.mempool)) == ("dry_run", 0)


async def test_a_dry_run_publishes_no_scripts_that_an_earlier_run_left(world: World) -> None:
    chain = world.devnet.chain
    snapshot = chain.snapshot()
    await world.publish()
    chain.revert(snapshot)
    chain.production = "by hand"
    async with world.backend() as backend:
        shown = await publish_script(backend, key=world.keys["relayer"], dry_run=True)
    assert (shown.status, len(chain.mempool)) == ("dry_run", 0)


async def test_an_index_that_is_behind_cannot_say_that_nobody_has_opened_it(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting.wait_for_index, "__kwdefaults__", {"timeout_seconds": 0.5})
    ground.world.devnet.break_interface("kupo", "stale")
    ground.chain.mine()
    with pytest.raises(ServiceOutOfSync, match="and the node is at slot"):
        await ground.open()
    ground.world.devnet.mend_interface("kupo")
    assert (await ground.open(wait=True)).status == "confirmed"
