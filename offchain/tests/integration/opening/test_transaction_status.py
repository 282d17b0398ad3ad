"""Where a transaction stands: unknown, waiting, in a block, never going to be."""

from __future__ import annotations

from typing import Any

import pytest

from milestones.errors import InvalidInput
from milestones.services.publish_script import publish_script
from milestones.services.sending.payer import USUAL_SECONDS
from milestones.services.transaction import transaction_status
from milestones.testing.world import World


async def look(world: World, transaction_hash: Any) -> Any:
    async with world.backend() as backend:
        return await transaction_status(backend, transaction_hash)


async def test_one_in_a_block(world: World) -> None:
    async with world.backend() as backend:
        published = await publish_script(backend, key=world.keys["relayer"], wait=True)
    newest = await look(world, published.transaction_hash)
    world.devnet.chain.mine(3)
    older = await look(world, published.transaction_hash.upper())

    assert (newest.status, newest.depth, newest.command) == ("confirmed", 0, "publish-script")
    assert (older.status, older.depth) == ("confirmed", 3)
    block = world.devnet.chain.blocks[-4]
    assert (older.slot, older.block) == (block.slot, block.header_hash.hex())


async def test_one_of_somebody_else_is_found_too(world: World) -> None:
    paid = world.pay(world.address("oracle-0"), 5_000_000)
    found = await look(world, paid.hex())

    assert (found.status, found.command) == ("confirmed", None)


async def test_one_that_nobody_knows(world: World) -> None:
    found = await look(world, "ab" * 32)

    assert found.status == "unknown"
    assert found.slot is None
    assert "neither the mempool" in found.reason


@pytest.mark.parametrize("text", ["", "ab", "zz" * 32, "../" * 21 + "x", "ab" * 33])
async def test_what_is_no_id_is_refused(world: World, text: Any) -> None:
    with pytest.raises(InvalidInput, match="not a transaction id"):
        await look(world, text)


class TestUnderWay:
    """Blocks come only when asked for."""

    @pytest.fixture
    def devnet_options(self) -> dict[str, Any]:
        return {"block_interval_s": None}

    async def test_one_that_waits_and_is_then_included(self, world: World) -> None:
        async with world.backend() as backend:
            published = await publish_script(backend, key=world.keys["relayer"])
        waiting = await look(world, published.transaction_hash)
        world.devnet.chain.mine()
        included = await look(world, published.transaction_hash)

        assert waiting.status == "submitted"
        assert included.status == "confirmed"

    async def test_one_that_is_rolled_back_waits_again(self, world: World) -> None:
        async with world.backend() as backend:
            published = await publish_script(backend, key=world.keys["relayer"])
        world.devnet.chain.mine()
        before = await look(world, published.transaction_hash)
        world.devnet.chain.rollback(1)
        after = await look(world, published.transaction_hash)

        assert before.status == "confirmed"
        assert after.status == "submitted"

    async def test_one_whose_time_has_passed_can_never_be(self, world: World) -> None:
        snapshot = world.devnet.chain.snapshot()
        async with world.backend() as backend:
            published = await publish_script(backend, key=world.keys["relayer"])
        world.devnet.chain.revert(snapshot)
        lost = await look(world, published.transaction_hash)
        world.advance(USUAL_SECONDS + 60)
        expired = await look(world, published.transaction_hash)

        assert (lost.status, lost.command) == ("unknown", "publish-script")
        assert "run the same command again" in lost.reason
        assert expired.status == "expired"
        assert "valid until slot" in expired.reason
