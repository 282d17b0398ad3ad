"""An index that has not read what the node has is not taken at its word."""

from __future__ import annotations

from milestones.devnet.server import Devnet, DevnetConfig
from milestones.services.backend import connect, staleness
from milestones.testing.world import World


async def test_an_index_of_another_node_that_stands_still(world: World) -> None:
    """Kupo is in step with its own node; Ogmios' node is far ahead."""
    world.advance(1_000)
    async with (
        Devnet(DevnetConfig()) as other,
        connect(
            world.workspace(), ogmios_url=world.devnet.ogmios_url, kupo_url=other.kupo_url
        ) as backend,
    ):
        health = await backend.kupo.health()
        (warning,) = await staleness(backend)
    assert health.slots_behind == 0
    assert "slots behind the node" in warning


async def test_one_that_is_in_step_is_not_warned_of(world: World) -> None:
    world.advance(1_000)
    async with world.backend() as backend:
        assert await staleness(backend) == []
