"""Initialising: what is reported of each service, what Kupo is told to watch, what is remembered."""

from __future__ import annotations

from typing import Any

import pytest

from milestones.cardano.address import Address, key_credential
from milestones.services.backend import connect
from milestones.services.init import Initialised, init
from milestones.services.init.indexing import SAFE_ZONE_SLOTS
from milestones.testing.spoiling_proxy import spoiling_proxy
from milestones.testing.world import World

NOWHERE = "127.0.0.1:9"


async def test_all_is_well(world: World) -> None:
    async with world.backend() as backend:
        report = await init(backend)

    assert report.status == "success"
    assert report.services.ogmios.connected
    assert report.services.ogmios.version is not None
    assert report.services.kupo.sync_status == "synced"
    assert report.services.cardano_node.network == "devnet"
    assert report.services.cardano_node.network_magic == 42
    assert report.indexed == ()
    assert report.warnings == ()
    assert world.workspace().storage.network.load().network_magic == 42


async def test_how_long_things_took_stands_beside_the_criteria_that_limit_it(world: World) -> None:
    async with world.backend() as backend:
        before = await init(backend)
    await world.publish()
    async with world.backend() as backend:
        sent = backend.storage.journal.newest(1)[0]
        after = await init(backend)

    def limits(report: Initialised) -> dict[str, tuple[str, int]]:
        assert all(each.elapsed_ms <= each.limit_ms and each.within for each in report.performance)
        return {each.what: (each.criterion, each.limit_ms) for each in report.performance}

    asked = {"query": ("SC-004", 10_000), "initialization": ("SC-001", 30_000)}
    assert limits(before) == asked
    assert limits(after) == {**asked, "submission": ("SC-005", 120_000)}
    (measured,) = [each for each in after.performance if each.what == "submission"]
    prepared, taken = sent.history[:2]
    assert measured.elapsed_ms == taken.at_posix_ms - prepared.at_posix_ms


@pytest.mark.parametrize(
    ("ogmios", "kupo", "down"),
    [
        (False, True, ["ogmios", "cardano_node"]),
        (True, False, ["kupo"]),
        (False, False, ["ogmios", "kupo", "cardano_node"]),
    ],
)
async def test_what_is_down_is_named_with_what_to_do(
    world: World, ogmios: Any, kupo: Any, down: Any
) -> None:
    urls: dict[str, Any] = {
        "ogmios_url": world.devnet.ogmios_url if ogmios else f"ws://{NOWHERE}",
        "kupo_url": world.devnet.kupo_url if kupo else f"http://{NOWHERE}",
    }
    async with connect(world.workspace(), **urls) as backend:
        report = await init(backend)

    assert report.status == "failed"
    services = report.services.model_dump()
    assert [name for name, each in services.items() if not each["connected"]] != []
    for name, service in services.items():
        assert service["connected"] == (name not in down)
        assert bool(service["reason"]) == (name in down)
        assert ("docker compose" in service["hint"]) == (name in down)
    assert world.workspace().storage.network.load() is None


async def test_a_node_of_another_network_is_a_failure(world: World) -> None:
    async with world.backend(world.workspace(network="preprod", magic=1)) as backend:
        report = await init(backend)

    assert report.status == "failed"
    assert report.services.cardano_node.network == "devnet"
    assert "preprod" in report.services.cardano_node.reason
    assert world.workspace().storage.network.load() is None


async def test_testnet_is_any_network_but_mainnet(world: World) -> None:
    async with world.backend(world.workspace(network="testnet", magic=None)) as backend:
        report = await init(backend)

    assert report.status == "success"
    assert report.services.cardano_node.network == "testnet"


async def test_ogmios_without_its_node(world: World) -> None:
    world.devnet.break_interface("ogmios", "disconnected")
    async with world.backend() as backend:
        report = await init(backend)

    assert report.status == "failed"
    assert not report.services.cardano_node.connected
    assert "cardano-node" in report.services.cardano_node.hint


@pytest.mark.parametrize("name", ["ogmios", "kupo"])
async def test_a_service_that_hangs_is_told_soon(world: World, name: Any) -> None:
    world.devnet.break_interface(name, "hanging")
    async with world.backend() as backend:
        report = await init(backend, patience_seconds=0.5)
    world.devnet.mend_interface(name)

    assert report.status == "failed"
    service = report.services.model_dump()[name]
    assert service["reason"] == "no answer within 0.5 s"
    assert service["hint"].startswith("restart")


async def test_a_kupo_that_stands_still_is_stale(world: World) -> None:
    world.devnet.break_interface("kupo", "stale")
    world.advance(10_000)
    async with world.backend() as backend:
        report = await init(backend)

    assert report.status == "degraded"
    assert report.services.kupo.sync_status in ("stale", "syncing")
    assert any("stale" in warning for warning in report.warnings)


async def test_a_socket_that_is_not_there_is_told(world: World) -> None:
    async with world.backend() as backend:
        missing = await init(backend, node_socket=world.directory / "node.socket")
        (world.directory / "node.socket").touch()
        present = await init(backend, node_socket=world.directory / "node.socket")

    assert (missing.status, missing.services.cardano_node.socket) == ("degraded", "missing")
    assert (present.status, present.services.cardano_node.socket) == ("success", "present")


def changed(**changes: Any) -> Any:
    """Answers to `GET /health` with these fields, where there are such."""

    def alter(answer: Any) -> Any:
        return {**answer, **{name: each for name, each in changes.items() if name in answer}}

    return lambda message: alter if message.question == "GET /health" else None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"currentEra": "dijkstra"}, "era dijkstra, which this program does not know"),
        ({"currentEra": "babbage"}, "era babbage, in which the contract's scripts can't run"),
        ({"version": "v9.0.0"}, "Ogmios is of version v9.0.0"),
        ({"version": "unknown"}, "Kupo is of version unknown"),
    ],
)
async def test_what_this_program_does_not_speak_is_named(
    world: World, changes: Any, said: str
) -> None:
    async with (
        spoiling_proxy(
            ogmios_url=world.devnet.ogmios_url,
            kupo_url=world.devnet.kupo_url,
            spoil=changed(**changes),
        ) as proxy,
        connect(world.workspace(), ogmios_url=proxy.ogmios_url, kupo_url=proxy.kupo_url) as backend,
    ):
        report = await init(backend)
    assert report.status == "degraded"
    assert any(said in warning for warning in report.warnings)


async def test_a_node_that_nobody_can_speak_to_is_perhaps_too_new(world: World) -> None:
    """Neither Ogmios nor Kupo has a connection to it."""
    world.devnet.break_interface("ogmios", "disconnected")
    async with (
        spoiling_proxy(
            ogmios_url=world.devnet.ogmios_url,
            kupo_url=world.devnet.kupo_url,
            spoil=changed(connection_status="disconnected"),
        ) as proxy,
        connect(
            world.workspace(), ogmios_url=world.devnet.ogmios_url, kupo_url=proxy.kupo_url
        ) as backend,
    ):
        both = await init(backend)
    async with world.backend() as backend:
        ogmios_alone = await init(backend)
    assert "from 11.1 on" in both.services.cardano_node.hint
    assert "11.1" not in ogmios_alone.services.cardano_node.hint


class TestIndexing:
    """A Kupo that watches nothing of ours at first."""

    @pytest.fixture
    def devnet_options(self) -> dict[str, Any]:
        return {"kupo_matches": ("00000000000000000000000000000000000000000000000000000000/*",)}

    async def test_what_is_missing_is_added_from_the_oldest_block(self, world: World) -> None:
        key = world.keys["creator"]
        async with world.backend() as backend:
            report = await init(backend, key=key)
            watched = await backend.kupo.patterns()
            funds = await backend.kupo.matches(f"{key.key_hash.hex()}/*", unspent=True)
            again = await init(backend, key=key)

        assert report.indexed == (
            f"{world.contract.vault_hash.hex()}/*",
            f"{key.key_hash.hex()}/*",
        )
        assert set(report.indexed) <= set(watched)
        oldest = world.devnet.chain.blocks[0].slot
        assert report.status == "success"
        assert f"no block before slot {oldest}: outputs that are older stay" in report.warnings[0]
        assert len(funds) == 1, "what the oldest block paid stays unknown"
        assert (again.indexed, again.warnings) == ((), ())

    async def test_a_whole_account_is_watched_where_it_is_asked_for(self, world: World) -> None:
        staking = key_credential(world.keys["oracle-0"].key_hash)
        wallet = Address(0, world.address("creator").payment, staking)
        async with world.backend() as backend:
            await init(backend, payers=[wallet])
            report = await init(backend, payers=[wallet], whole_accounts=True)
            watched = await backend.kupo.patterns()

        assert report.indexed == (f"*/{staking.hash.hex()}",)
        assert report.indexed[0] in watched

    async def test_without_a_key_only_the_contract_is_watched(self, world: World) -> None:
        async with world.backend() as backend:
            report = await init(backend)

        assert report.indexed == (f"{world.contract.vault_hash.hex()}/*",)


class TestPublicNetwork:
    """On a network whose origin is far away, Kupo is not sent there."""

    @pytest.fixture
    def devnet_options(self) -> dict[str, Any]:
        from milestones.devnet.opening import ChainConfig

        return {
            "chain": ChainConfig(network_magic=1, manual_clock=True),
            "kupo_matches": ("00000000000000000000000000000000000000000000000000000000/*",),
        }

    async def test_kupo_goes_back_a_day_and_a_half_and_says_so(self, world: World) -> None:
        world.advance(10 * SAFE_ZONE_SLOTS)
        async with world.backend(world.workspace(network="preprod", magic=1)) as backend:
            report = await init(backend)
            told = await init(backend, since_slot=0)

        assert report.status == "success"
        assert f"from slot {world.devnet.chain.tip.slot - SAFE_ZONE_SLOTS}" in report.warnings[0]
        assert "--since" in report.warnings[0]
        assert told.indexed == report.indexed
        assert "no block before slot" in told.warnings[0]
