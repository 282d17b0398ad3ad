"""`milestones serve` as people start it: a line when it can be asked, and an end that is asked for."""

from __future__ import annotations

import asyncio
import json
import signal

import httpx

from milestones.testing.cast import NETWORK_NAMES
from milestones.testing.distribution import OpenDistribution
from milestones.testing.processes import PROGRAM, program_environment


async def test_it_serves_until_it_is_ended(opened: OpenDistribution) -> None:
    """With a relay, within a budget; and its exit code is 0."""
    world = opened.world
    process = await asyncio.create_subprocess_exec(
        *(*PROGRAM, "--json", "serve", "--port", "0", "--distribution", str(opened.address)),
        *("--relay-key", world.key_file("relayer"), "--budget", "20"),
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
    ready = json.loads(await process.stdout.readline())
    assert ready["distributions"] == [str(opened.address)]
    async with httpx.AsyncClient(base_url=ready["url"], timeout=60) as http:
        assert (await http.get("/api/v1")).json()["relay"] is True
        assert (await http.get("/health")).json()["status"] == "ok"
        figures = (await http.get("/metrics")).text
        assert "milestones_budget_lovelace 20000000" in figures
    process.send_signal(signal.SIGTERM)
    _, said = await process.communicate()
    assert (process.returncode, said) == (0, b"")

    alone = await world.cli("serve", "--distribution", str(opened.address), "--budget", "20")
    assert (alone.exit_code, alone.error["details"]["path"]) == (2, "relay_key")
