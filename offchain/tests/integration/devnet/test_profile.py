"""Profiles of transactions of a running chain: over HTTP, on their pages, and by `devnet profile`."""

from __future__ import annotations

import json
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import cbor2
import httpx
import pytest

from milestones.devnet.chain import Chain
from milestones.devnet.ledger.transaction import Transaction
from milestones.devnet.opening import ChainConfig
from milestones.devnet.server import Devnet, DevnetConfig
from milestones.protocol.validator_loader import CHECKOUT
from milestones.testing.distribution import OpenDistribution
from milestones.testing.world import World
from tests.support.control_schema import check
from tests.support.devnet_clients import (
    ALICE_ADDRESS,
    http,
    outputs_of_alice,
    payment_on,
    text_of,
)
from tests.support.raw_transactions import NO_V3, YES_V3, Draft, script_hash

LABELLED = bytes.fromhex(
    "582601010025333573466e212002480105261533573892010c6578706563742031203c2032001601"
)
"""`(lam c (force [(force (builtin ifThenElse)) [(builtin lessThanInteger) (con integer 1) (con integer 2)]
(delay (con unit ())) (delay (force [(force (builtin trace)) (con string "expect 1 < 2") (delay (error))]))]))`
"""
LESS_THAN = ["“expect 1 < 2”", "lessThanInteger"]
SVG = "{http://www.w3.org/2000/svg}"


def added_up(profile: dict[str, Any]) -> list[tuple[int, int]]:
    """The sums of the four ways that a profile is told in."""
    ways = (
        profile["steps"] + profile["builtins"],
        profile["functions"] + profile["checks"],
        profile["traces"],
        profile["stacks"],
    )
    return [(sum(each["cpu"] for each in way), sum(each["memory"] for each in way)) for way in ways]


def declared(transaction: Transaction) -> tuple[int, int]:
    """(CPU, memory) that a transaction pays for."""
    redeemers = transaction.witnesses.redeemers
    return sum(each.units.cpu for each in redeemers), sum(each.units.memory for each in redeemers)


def minting_on(chain: Chain, code: bytes, cpu: int = 300_000) -> Draft:
    """Alice mints five tokens under a script; her second output is the collateral."""
    draft = payment_on(chain)
    source, output = list(outputs_of_alice(chain).items())[1]
    draft.add_input(source, cbor2.loads(output.raw), 13)
    draft.body[9] = {script_hash(3, code): {b"token": 5}}
    draft.witnesses = {7: [code], 5: {(1, 0): [7, [2000, cpu]]}}
    draft.languages = {3}
    return draft


@pytest.fixture
async def devnet(start: Callable[[DevnetConfig], Awaitable[Devnet]]) -> Devnet:
    """A chain on which Alice has two outputs."""
    started = await start(DevnetConfig(chain=ChainConfig(funds={ALICE_ADDRESS: 10**9})))
    started.chain.submit(payment_on(started.chain).seal())
    async with http(started, control=True) as client:
        await client.post("/faucet", json={"address": ALICE_ADDRESS, "lovelace": 10**7})
    return started


@pytest.fixture
async def control(devnet: Devnet) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose every answer is held against the interface's own description."""
    async with http(devnet, control=True) as client:
        client.event_hooks["response"].append(check)
        yield client


async def released(stage: OpenDistribution) -> Transaction:
    """A release in a block, whose inputs are spent."""
    await stage.attested("milestone-001")
    report = await stage.release(0, wait=True)
    found = stage.world.devnet.chain.transaction(
        bytes.fromhex(report.transactions[0].transaction_hash)
    )
    assert found is not None
    return found


async def test_a_transaction_of_the_chain_is_profiled_long_after(stage: OpenDistribution) -> None:
    transaction = await released(stage)
    await stage.release(3, wait=True)
    async with http(stage.world.devnet, control=True) as client:
        client.event_hooks["response"].append(check)
        answer = await client.post("/profile", json={"transaction_id": transaction.id.hex()})
        profile = answer.json()
        page = (await client.get(f"/transaction/{transaction.id.hex()}")).text
    units = declared(transaction)
    assert (profile["cpu"], profile["memory"]) == units
    assert added_up(profile) == [units] * 4
    (script,) = profile["scripts"]
    assert script["run"].startswith("spend ")
    assert (script["succeeded"], script["stand_in_hash"]) == (True, None)
    assert script["script_hash"] == stage.world.contract.vault_hash.hex()
    assert profile["functions"][0]["cpu"] > units[0] // 5
    assert profile["checks"] == []
    assert "Flame graph" in page
    for row in (*profile["steps"], *profile["builtins"][:9]):
        name = row.get("kind") or row["builtin"]
        assert f" {name} {row['count']:,} {row['cpu']:,} " in text_of(page)
    assert f"and {len(profile['builtins']) - 20} more" in page
    assert "<script" not in page
    assert "<img" not in page


async def test_a_transaction_that_waits_is_profiled_too(
    devnet: Devnet, control: httpx.AsyncClient
) -> None:
    devnet.chain.production = "by hand"
    paid = devnet.chain.submit(minting_on(devnet.chain, YES_V3).seal()).hex()
    profile = (await control.post("/profile", json={"transaction_id": paid})).json()
    assert profile["scripts"][0]["run"] == "mint 0"
    assert added_up(profile) == [(profile["cpu"], profile["memory"])] * 4
    assert profile["cpu"] < profile["scripts"][0]["declared_cpu"] == 300_000


async def test_a_script_that_fails_is_profiled_as_far_as_it_was_paid(
    devnet: Devnet, control: httpx.AsyncClient
) -> None:
    draft = minting_on(devnet.chain, NO_V3)
    draft.is_valid = False
    paid = devnet.chain.submit(draft.seal()).hex()
    profile = (await control.post("/profile", json={"transaction_id": paid})).json()
    (script,) = profile["scripts"]
    assert not script["succeeded"]
    assert "error" in script["reason"]
    assert [each["kind"] for each in profile["steps"]] == ["startup"]
    assert "Flame graph: 100 steps" in (await control.get(f"/transaction/{paid}")).text


async def test_a_transaction_that_the_chain_does_not_have(
    devnet: Devnet, control: httpx.AsyncClient
) -> None:
    """It sees what is unspent now, and what it declares does not matter."""
    draft = minting_on(devnet.chain, YES_V3)
    draft.witnesses[5] = {(1, 0): [7, [0, 0]]}
    raw = draft.seal().hex()
    profile = (await control.post("/profile", json={"transaction": raw})).json()
    assert profile["scripts"][0]["succeeded"]
    assert profile["cpu"] > profile["scripts"][0]["declared_cpu"] == 0
    devnet.chain.submit(minting_on(devnet.chain, YES_V3).seal())
    gone = await control.post("/profile", json={"transaction": raw})
    assert gone.status_code == 400
    assert "unknown" in gone.text


async def test_without_scripts_there_is_nothing(devnet: Devnet, control: httpx.AsyncClient) -> None:
    paid = devnet.chain.submit(payment_on(devnet.chain).seal()).hex()
    profile = (await control.post("/profile", json={"transaction_id": paid})).json()
    assert (profile["cpu"], profile["scripts"], profile["stacks"]) == (0, [], [])
    assert "Profile" not in (await control.get(f"/transaction/{paid}")).text


async def test_a_debug_build_stands_in_and_its_labels_show(
    devnet: Devnet, control: httpx.AsyncClient
) -> None:
    paid = devnet.chain.submit(minting_on(devnet.chain, YES_V3).seal()).hex()
    scripts = {script_hash(3, YES_V3).hex(): LABELLED.hex()}
    answer = await control.post("/profile", json={"transaction_id": paid, "scripts": scripts})
    profile = answer.json()
    (script,) = profile["scripts"]
    assert script["stand_in_hash"] == script_hash(3, LABELLED).hex()
    assert script["cpu"] > script["declared_cpu"]
    assert added_up(profile) == [(profile["cpu"], profile["memory"])] * 4
    (row,) = profile["checks"]
    assert (row["label"], row["count"]) == ("expect 1 < 2", 1)
    assert profile["functions"][0]["labels"] == ["expect 1 < 2"]
    assert ["mint 0", *LESS_THAN] in [each["frames"] for each in profile["stacks"]]


async def test_the_page_of_a_script_with_labels_names_its_checks(
    devnet: Devnet, control: httpx.AsyncClient
) -> None:
    """A chain may be run with a debug build itself. What a label says is shown, and does nothing."""
    paid = devnet.chain.submit(minting_on(devnet.chain, LABELLED, 600_000).seal()).hex()
    page = (await control.get(f"/transaction/{paid}")).text
    assert '<th scope="row" class="first">expect 1 &lt; 2</th>' in page
    assert "<title>“expect 1 &lt; 2”: " in page
    assert "1 < 2" not in page


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"transaction": "00", "transaction_id": "00" * 32}, 400),
        ({"transaction": "0"}, 400),
        ({"transaction": 7}, 400),
        ({"transaction": "80"}, 400),
        ({"transaction_id": "aa"}, 400),
        ({"transaction_id": "aa" * 32}, 404),
        ({"transaction_id": "aa" * 32, "scripts": []}, 400),
        ({"transaction_id": "aa" * 32, "scripts": {"aa": "00"}}, 400),
        ({"transaction_id": "aa" * 32, "scripts": {"aa" * 28: "x"}}, 400),
        ({"transaction_id": "aa" * 32, "scripts": {f"{n:056x}": "00" for n in range(101)}}, 400),
    ],
)
async def test_what_cannot_be_asked_for(
    control: httpx.AsyncClient, body: dict[str, Any], status: int
) -> None:
    assert (await control.post("/profile", json=body)).status_code == status


async def profile_of(world: World, *arguments: str) -> Any:
    return await world.cli(
        "devnet", "profile", *arguments, MILESTONES_CONTROL_URL=world.control_url
    )


async def test_the_command_takes_an_id_or_a_file_and_draws(stage: OpenDistribution) -> None:
    world, transaction = stage.world, await released(stage)
    ran = await profile_of(world, transaction.id.hex(), "--svg", "flame.svg")
    assert ran.exit_code == 0, ran.stderr
    assert ran.json["cpu"] == declared(transaction)[0]
    assert ran.json["svg"] == "flame.svg"
    drawn = (world.directory / "flame.svg").read_text()
    root = ET.fromstring(drawn)  # noqa: S314 - our own
    titles = [each.text or "" for each in root.iter(f"{SVG}title")]
    assert f"Flame graph: {ran.json['cpu']:,} steps" in titles
    assert any(each.startswith("serialiseData: ") for each in titles)
    for name, content in (
        ("raw", transaction.raw),
        ("hex", transaction.raw.hex().encode() + b"\n"),
        ("signed.tx", json.dumps({"type": "Tx", "cborHex": transaction.raw.hex()}).encode()),
    ):
        (world.directory / name).write_bytes(content)
        again = await profile_of(world, name)
        assert {**again.json, "svg": "flame.svg"} == ran.json, again.stderr
    refused = await profile_of(world, transaction.id.hex(), "--svg", "flame.svg", "--memory")
    assert (refused.exit_code, (world.directory / "flame.svg").read_text()) == (2, drawn)
    assert "never overwritten" in refused.json["error"]["hint"]
    memory = await profile_of(world, transaction.id.hex(), "--svg", "m.svg", "--memory")
    assert memory.exit_code == 0
    assert "units of memory" in (world.directory / "m.svg").read_text()


@pytest.mark.parametrize(
    ("given", "content", "exit_code", "says"),
    [
        ("aa" * 32, None, 4, "no such transaction"),
        ("missing", None, 2, "no file missing"),
        ("folder/..", None, 2, "no file"),
        ("empty", b"", 2, "empty"),
        ("envelope", b'{"cborHex": "xyz"}', 2, "cborHex"),
        ("no-transaction", b"8080", 2, ""),
        ("large", b"0" * 1_000_001, 2, "too large"),
    ],
)
async def test_what_is_no_transaction(
    world: World, given: str, content: bytes | None, exit_code: int, says: str
) -> None:
    if content is not None:
        (world.directory / given).write_bytes(content)
    ran = await profile_of(world, given)
    assert ran.exit_code == exit_code, ran.stderr
    assert says in ran.json["error"]["message"]


async def test_the_command_runs_a_debug_build(stage: OpenDistribution) -> None:
    """Of a blueprint whose `vault` is another script, found by its title."""
    world, transaction = stage.world, await released(stage)
    blueprint = json.loads((CHECKOUT / "compiled" / "plutus.json").read_text())
    for validator in blueprint["validators"]:
        validator |= {"compiledCode": LABELLED.hex(), "hash": script_hash(3, LABELLED).hex()}
    debug = world.write_json("debug.json", blueprint)
    ran = await profile_of(world, transaction.id.hex(), "--debug-blueprint", debug)
    assert ran.exit_code == 0, ran.stderr
    assert ran.json["scripts"][0]["stand_in_hash"] == script_hash(3, LABELLED).hex()
    assert [each["label"] for each in ran.json["checks"]] == ["expect 1 < 2"]
    blueprint["validators"] = []
    none = world.write_json("none.json", blueprint)
    idle = await profile_of(world, transaction.id.hex(), "--debug-blueprint", none)
    assert "warning: no script of the debug build" in idle.stderr


async def test_the_contracts_own_debug_build_names_its_checks(
    stage: OpenDistribution, tmp_path: Path
) -> None:
    """What the contract expects, in its own words, at nearly the cost that was paid."""
    if shutil.which("aiken") is None:
        pytest.skip("Aiken is not installed")
    contracts = shutil.copytree(CHECKOUT, tmp_path / "contracts")
    debug = tmp_path / "debug.json"
    subprocess.run([contracts / "debug.sh", debug], check=True, capture_output=True)
    transaction = await released(stage)
    ran = await profile_of(stage.world, transaction.id.hex(), "--debug-blueprint", str(debug))
    assert ran.exit_code == 0, ran.stderr
    assert all(each["succeeded"] for each in ran.json["scripts"])
    labels = [each["label"] for each in ran.json["checks"]]
    assert len([each for each in labels if each.startswith("expect ")]) > 5
    assert ran.json["cpu"] < declared(transaction)[0] * 1.05
    assert added_up(ran.json) == [(ran.json["cpu"], ran.json["memory"])] * 4
