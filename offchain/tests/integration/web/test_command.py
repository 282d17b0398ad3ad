"""`milestones serve` as people start it: a line when it can be asked, and an end that is asked for."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from html import unescape
from typing import Any

import httpx

from milestones.services.series import deploy_series, find_series
from milestones.testing.cast import NETWORK_NAMES
from milestones.testing.distribution import OpenDistribution
from milestones.testing.processes import PROGRAM, program_environment
from milestones.testing.world import World
from tests.integration.opening.test_series import registered


async def started(world: World, *options: str) -> tuple[asyncio.subprocess.Process, Any]:
    """The program, and what it says once it can be asked."""
    process = await asyncio.create_subprocess_exec(
        *(*PROGRAM, "--json", "serve", "--port", "0", *options),
        cwd=world.directory,
        env=program_environment(
            CARDANO_NETWORK=NETWORK_NAMES.get(world.magic, "testnet"),
            OGMIOS_URL=world.devnet.ogmios_url,
            KUPO_URL=world.devnet.kupo_url,
        ),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    line = await process.stdout.readline()
    assert line.startswith(b'{"url"'), await process.communicate()
    return process, json.loads(line)


async def ended(process: asyncio.subprocess.Process) -> None:
    """It is asked to end, and does without a word."""
    process.send_signal(signal.SIGTERM)
    _, said = await process.communicate()
    assert (process.returncode, said) == (0, b"")


async def test_it_serves_until_it_is_ended(opened: OpenDistribution) -> None:
    """With a relay, within a budget; and its exit code is 0."""
    world = opened.world
    relay = ("--relay-key", world.key_file("relayer"), "--budget", "20")
    process, ready = await started(world, "--distribution", str(opened.address), *relay)
    assert ready["distributions"] == [str(opened.address)]
    async with httpx.AsyncClient(base_url=ready["url"], timeout=60) as http:
        assert (await http.get("/api/v1")).json()["relay"] is True
        assert (await http.get("/health")).json()["status"] == "ok"
        figures = (await http.get("/metrics")).text
        assert "milestones_budget_lovelace 20000000" in figures
    await ended(process)

    alone = await world.cli("serve", "--distribution", str(opened.address), "--budget", "20")
    assert (alone.exit_code, alone.error["details"]["path"]) == (2, "relay_key")


async def test_a_series_is_served_whole(world: World) -> None:
    """By its root; somebody who has rows in two of its distributions finds both."""
    await world.publish()
    registration = await registered(world)
    root = registration.series_root.hex()
    async with world.backend() as backend:
        await deploy_series(
            backend, find_series(backend, root), key=world.keys["creator"], wait=True
        )
    process, ready = await started(world, "--series", root[:8])
    assert ready["distributions"] == [each.contract_name for each in registration.distributions]
    own = world.address("beneficiary-0").to_bech32()
    async with httpx.AsyncClient(base_url=ready["url"], timeout=600) as http:
        page = (await http.get("/", params={"address": own})).text
        links = re.findall(r'href="(/d/[^"]*/claim[^"]*)"[^>]*>([^<]*)<', page)
        assert [name for _, name in links] == [
            f"to everybody, part {number} of 3" for number in (1, 3)
        ]
        for place, _ in links:
            assert (await http.get(unescape(place))).status_code == 200
    await ended(process)
    unknown = await world.cli("serve", "--series", "00" * 28)
    assert unknown.exit_code == 4
    none = await world.cli("serve")
    assert (none.exit_code, none.error["details"]["path"]) == (2, "distribution")
