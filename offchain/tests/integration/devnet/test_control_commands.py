"""`milestones devnet <what to do>`: commands as processes, to a chain that runs here."""

from __future__ import annotations

import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from milestones.cardano.outputs import OutputReference
from milestones.testing.world import World


async def told(world: World, *arguments: str) -> Any:
    """The JSON of a command that must succeed."""
    ran = await world.cli("devnet", *arguments, MILESTONES_CONTROL_URL=world.control_url)
    assert ran.exit_code == 0, ran.stderr
    return ran.json


async def test_time_and_blocks(world: World) -> None:
    chain = world.devnet.chain
    chain.production = "by hand"
    before = chain.tip
    name = (await told(world, "snapshot"))["snapshot"]
    assert (await told(world, "mine", "3"))["tip"]["height"] == before.height + 3
    clock = chain.clock.slot()
    moved = await told(world, "advance", "86400")
    assert moved["tip"]["slot"] >= clock + 86_400
    assert moved["tip"]["id"] == chain.tip.header_hash.hex()
    assert (await told(world, "rollback", "2"))["tip"]["height"] == before.height + 2
    assert (await told(world, "revert", name))["tip"]["height"] == before.height
    assert chain.tip is before
    shown = await told(world, "state")
    assert shown["tip"]["id"] == before.header_hash.hex()
    assert shown["faults"] == {"ogmios": None, "kupo": None}


async def test_money(world: World) -> None:
    bob = world.address("beneficiary-3")
    tokens = ("--token", "GRANT=5", "--token", "0xff00=7")
    paid = await told(world, "faucet", bob.to_bech32(), "--lovelace", "3000000", *tokens)
    (output,) = [
        each
        for each in world.devnet.chain.utxo.values()
        if each.address.raw == bob.to_bytes()  # he had nothing before
    ]
    assert output.value.lovelace == 3_000_000
    held = {asset.asset_name: n for asset, n in output.value.assets.items()}
    assert held == {b"GRANT": 5, b"\xff\x00": 7}
    assert world.devnet.chain.place_of(bytes.fromhex(paid["transaction_id"])) is not None


async def test_what_is_set_and_changed(world: World) -> None:
    chain = world.devnet.chain
    address = str(world.address("beneficiary-3"))
    output = {"address": address, "value": {"ada": {"lovelace": 7}}, "datum": "182a"}
    placed = await told(world, "place", world.write_json("output.json", output))
    reference = OutputReference(bytes.fromhex(placed["transaction_id"]), placed["index"])
    assert chain.utxo[reference].datum == b"\x18\x2a"
    changes = {"minFeeConstant": {"ada": {"lovelace": 200_000}}}
    await told(world, "parameters", world.write_json("changes.json", changes))
    assert chain.parameters.min_fee_constant == 200_000
    assert (await told(world, "blocks", "--manual")) == {"block_interval_seconds": None}
    assert chain.production == "by hand"
    assert (await told(world, "blocks", "--interval", "0"))["block_interval_seconds"] == 0


async def test_faults(world: World) -> None:
    shown = await told(world, "freeze", "kupo", "stale")
    assert shown["faults"] == {"ogmios": None, "kupo": "stale"}
    before = world.devnet.index.checkpoint
    await told(world, "mine")
    assert world.devnet.index.checkpoint is before
    assert (await told(world, "unfreeze", "kupo"))["faults"]["kupo"] is None
    assert world.devnet.index.checkpoint is world.devnet.chain.tip


@pytest.mark.parametrize(
    ("arguments", "exit_code", "says"),
    [
        (("revert", "9"), 4, "there is no snapshot '9'"),
        (("rollback", "99"), 2, "99 blocks can't be taken away"),
        (("freeze", "ogmios", "stale"), 2, "ogmios can't be 'stale'"),
        (("faucet", "addr1x", "--lovelace", "5"), 2, "ADDRESS"),
        (("--fund", "x=1", "mine"), 2, "--fund is for starting a chain"),
        (("--no-control", "--control-port", "1"), 2, "exclude each other"),
    ],
)
async def test_what_cannot_be_is_told_as_it_is_everywhere(
    world: World, arguments: tuple[str, ...], exit_code: int, says: str
) -> None:
    ran = await world.cli("devnet", *arguments, MILESTONES_CONTROL_URL=world.control_url)
    assert ran.exit_code == exit_code, ran.stderr
    assert says in ran.json["error"]["message"]


async def test_an_empty_faucet(world: World) -> None:
    ran = await world.cli(
        *("devnet", "faucet", world.address("relayer").to_bech32(), "--lovelace", str(46 * 10**15)),
        MILESTONES_CONTROL_URL=world.control_url,
    )
    assert ran.exit_code == 6
    assert ran.json["error"]["details"]["required_lovelace"] > 45 * 10**15


async def test_which_chain_is_meant(world: World) -> None:
    port = str(urlsplit(world.control_url).port)
    for arguments in (
        ("mine", "--control-port", port),
        ("--control-port", port, "mine"),
        ("mine", "--control-url", f"http://127.0.0.1:{port}/"),
    ):
        before = world.devnet.chain.tip.height
        ran = await world.cli("devnet", *arguments, MILESTONES_CONTROL_URL="http://127.0.0.1:1")
        assert ran.exit_code == 0, ran.stderr
        assert world.devnet.chain.tip.height == before + 1


async def test_nobody_there(world: World) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
        ran = await world.cli("devnet", "state", "--control-port", port)
    assert ran.exit_code == 3
    assert "milestones devnet" in ran.json["error"]["hint"]


async def test_another_service_there(world: World) -> None:
    ran = await world.cli("devnet", "state", "--control-url", world.devnet.kupo_url)
    assert ran.exit_code == 3
    assert "status 404" in ran.json["error"]["message"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("mine", "--control-port", "80000"),
        ("mine", "--control-port", "-1"),
        ("mine", "--control-url", "nonsense"),
        ("mine", "--control-url", "http://127.0.0.1:99999"),
        ("mine", "--control-url", "http://[::1"),
        ("mine", "--control-url", "https://127.0.0.1:1338"),
        ("--control-port", "80000", "mine"),
    ],
)
async def test_what_is_no_address_of_a_chain(world: World, arguments: tuple[str, ...]) -> None:
    """A port of 80000 is not that of 14464, which it would be once its upper bits were cut off."""
    ran = await world.cli("devnet", *arguments)
    assert ran.exit_code == 2
    assert "control_url" in ran.stderr
