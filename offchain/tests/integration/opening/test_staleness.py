"""An index that has not read what the node has is not taken at its word."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from milestones.devnet.server import Devnet, DevnetConfig
from milestones.errors import NetworkMismatch, ServiceOutOfSync
from milestones.services.backend import connect, require_one_chain, staleness
from milestones.services.init import init
from milestones.services.list import list_distributions
from milestones.services.publish_script import publish_script
from milestones.testing.spoiling_proxy import spoiling_proxy
from milestones.testing.world import World


async def test_an_index_of_another_node_that_stands_still(world: World) -> None:
    """Kupo is in step with its own node; Ogmios' node is far ahead."""

    def in_step(answer: Any) -> Any:
        tip = answer["most_recent_checkpoint"]
        return {**answer, "most_recent_node_tip": tip, "network_synchronization": 1.0}

    world.devnet.break_interface("kupo", "stale")
    world.advance(1_000)
    async with (
        spoiling_proxy(
            ogmios_url=world.devnet.ogmios_url,
            kupo_url=world.devnet.kupo_url,
            spoil=lambda message: in_step if message.question == "GET /health" else None,
        ) as proxy,
        connect(world.workspace(), ogmios_url=proxy.ogmios_url, kupo_url=proxy.kupo_url) as backend,
    ):
        health = await backend.kupo.health()
        (warning,) = await staleness(backend)
    assert health.slots_behind == 0
    assert "slots behind the node" in warning


async def test_one_that_is_in_step_is_not_warned_of(world: World) -> None:
    world.advance(1_000)
    async with world.backend() as backend:
        assert await staleness(backend) == []


async def test_a_kupo_of_another_chain_is_named(world: World) -> None:
    """A private network that was started anew has the magic of the one before."""
    world.advance(1_000)
    async with Devnet(DevnetConfig()) as other:
        other.chain.mine(3)
        async with connect(
            world.workspace(), ogmios_url=world.devnet.ogmios_url, kupo_url=other.kupo_url
        ) as backend:
            with pytest.raises(NetworkMismatch, match="follows another chain") as caught:
                await require_one_chain(backend)
            with pytest.raises(NetworkMismatch, match="follows another chain"):
                await list_distributions(backend)
            report = await init(backend)
            with pytest.raises(NetworkMismatch, match="follows another chain"):
                await publish_script(backend, key=world.keys["relayer"])
    assert caught.value.service == "Kupo"
    assert "KUPO_URL" in caught.value.hint
    assert report.status == "failed"
    assert "another chain" in report.services.kupo.reason


async def test_a_kupo_that_stays_on_a_fork_is_named_with_where_they_part(world: World) -> None:
    chain = world.devnet.chain
    snapshot = chain.snapshot()
    for _ in range(12):
        world.advance(30)
    world.devnet.break_interface("kupo", "stale")
    chain.revert(snapshot)
    world.advance(900)
    async with world.backend() as backend:
        with pytest.raises(ServiceOutOfSync, match=r"part at slot \d+"):
            await require_one_chain(backend, patience_seconds=0.1)
        *_, warning = await staleness(backend)
        assert "what Kupo says may be wrong" in warning
    world.devnet.mend_interface("kupo")
    async with world.backend() as backend:
        await require_one_chain(backend)


async def test_how_far_behind_is_too_far_is_the_users_decision(world: World) -> None:
    world.devnet.break_interface("kupo", "stale")
    world.advance(100)
    async with world.backend(replace(world.workspace(), max_lag_slots=50)) as backend:
        (warning,) = await staleness(backend)
        with pytest.raises(ServiceOutOfSync, match=r"50 are allowed") as caught:
            await publish_script(backend, key=world.keys["relayer"])
    assert "slots behind the node" in warning
    assert caught.value.exit_code == 3
    async with world.backend(replace(world.workspace(), max_lag_slots=10_000)) as backend:
        assert await staleness(backend) == []
    async with world.backend() as backend:
        assert await staleness(backend) == []


def without(*names: str) -> Any:
    """An answer in which nobody knows these."""
    return lambda answer: {**answer, **dict.fromkeys(names)}


async def test_what_is_not_known_is_not_in_step(world: World) -> None:
    unknown = without("network_synchronization", "most_recent_checkpoint", "networkSynchronization")
    async with (
        spoiling_proxy(
            ogmios_url=world.devnet.ogmios_url,
            kupo_url=world.devnet.kupo_url,
            spoil=lambda message: unknown if message.question == "GET /health" else None,
        ) as proxy,
        connect(
            replace(world.workspace(), max_lag_slots=1_000),
            ogmios_url=proxy.ogmios_url,
            kupo_url=proxy.kupo_url,
        ) as backend,
    ):
        report = await init(backend)
        (warning,) = await staleness(backend)
        with pytest.raises(ServiceOutOfSync, match="does not say how far"):
            await publish_script(backend, key=world.keys["relayer"])
    assert report.status == "degraded"
    assert report.services.kupo.sync_status == "unknown"
    assert "Kupo does not say" in warning
    assert any("Ogmios does not say" in each for each in report.warnings)
