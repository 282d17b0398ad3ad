"""Publishing the scripts: once, found by everybody, and not twice after an interruption."""

from __future__ import annotations

from typing import Any

import pytest

from milestones.errors import InsufficientFunds, NetworkMismatch, NotFound
from milestones.services.publish_script import publish_script
from milestones.services.sending.published_scripts import find_published
from milestones.testing.world import World


async def test_all_scripts_are_published_and_found(world: World) -> None:
    async with world.backend() as backend:
        published = await publish_script(backend, key=world.keys["relayer"], wait=True)
        found = await find_published(backend)

    assert published.status == "confirmed"
    assert str(found.vault.reference) == published.vault.reference
    assert str(found.registry.reference) == published.registry.reference
    assert published.vault.script_hash == world.contract.vault_hash
    assert published.registry.script_hash == world.contract.policy_id
    assert str(found.board.reference) == published.board.reference
    assert published.board.script_hash == world.contract.board_policy
    held = [utxo.output.value.lovelace for utxo in (found.vault, found.registry, found.board)]
    assert published.deposits_lovelace == sum(held)


async def test_the_second_time_nothing_is_sent(world: World) -> None:
    async with world.backend() as backend:
        first = await publish_script(backend, key=world.keys["relayer"], wait=True)
        height = world.devnet.chain.tip.height
        second = await publish_script(backend, key=world.keys["stranger"], wait=True)

    assert second.status == "already_published"
    assert second.transaction_hash is None
    assert (second.vault, second.registry) == (first.vault, first.registry)
    assert world.devnet.chain.tip.height == height


async def test_a_dry_run_sends_nothing(world: World) -> None:
    async with world.backend() as backend:
        shown = await publish_script(backend, key=world.keys["relayer"], dry_run=True)
        found = await find_published(backend)

    assert shown.status == "dry_run"
    assert (shown.fee_estimate or 0) > 0
    assert found.vault is None


async def test_an_empty_wallet_is_told_how_much_is_needed(world: World) -> None:
    async with world.backend() as backend:
        with pytest.raises(InsufficientFunds) as refused:
            await publish_script(backend, key=world.keys["oracle-0"])

    assert refused.value.available_lovelace == 0
    assert refused.value.required_lovelace > 20_000_000


async def test_another_network_is_refused(world: World) -> None:
    async with world.backend(world.workspace(network="preview", magic=2)) as backend:
        with pytest.raises(NetworkMismatch, match="magic 42"):
            await publish_script(backend, key=world.keys["relayer"])


class TestUnderWay:
    """Blocks come only when asked for."""

    @pytest.fixture
    def devnet_options(self) -> dict[str, Any]:
        return {"block_interval_s": None}

    async def test_what_waits_in_the_mempool_is_not_published_again(self, world: World) -> None:
        async with world.backend() as backend:
            first = await publish_script(backend, key=world.keys["relayer"])
            second = await publish_script(backend, key=world.keys["relayer"])
            waiting = len(world.devnet.chain.mempool)
            world.devnet.chain.mine()
            third = await publish_script(backend, key=world.keys["relayer"])
            fourth = await publish_script(backend, key=world.keys["relayer"])

        assert first.status == second.status == "submitted"
        assert first.transaction_hash == second.transaction_hash
        assert "still on its way" in second.warnings[0]
        assert (second.vault, second.fee_estimate) == (first.vault, first.fee_estimate)
        assert waiting == 1
        assert (third.status, third.transaction_hash) == ("confirmed", first.transaction_hash)
        assert (fourth.status, fourth.transaction_hash) == ("already_published", None)
        assert third.vault == fourth.vault == first.vault


class TestUnwatched:
    """A Kupo that watches nothing of ours."""

    @pytest.fixture
    def devnet_options(self) -> dict[str, Any]:
        return {"kupo_matches": ("00000000000000000000000000000000000000000000000000000000/*",)}

    async def test_it_is_not_taken_for_an_empty_chain(self, world: World) -> None:
        async with world.backend() as backend:
            with pytest.raises(NotFound, match="does not index") as refused:
                await publish_script(backend, key=world.keys["relayer"])
            tip = await backend.ogmios.network_tip()
            assert tip is not None
            await backend.kupo.add_pattern(f"{world.contract.vault_hash.hex()}/*", tip)
            with pytest.raises(NotFound, match="the payer's addresses") as wallet:
                await publish_script(backend, key=world.keys["relayer"])

        assert "milestones init" in refused.value.hint
        assert "--signing-key-path" in wallet.value.hint
