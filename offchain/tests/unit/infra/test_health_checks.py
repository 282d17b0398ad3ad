"""The health checks, run with the shell and the tools of the images, against an embedded chain."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from milestones.devnet.opening import ChainConfig
from milestones.devnet.server import Devnet, DevnetConfig

TOOLS: Final = ("wget", "grep", "sed")


@pytest.fixture
def image_tools(tmp_path: Path) -> str:
    """A PATH with nothing but the images' tools: busybox, or those of this machine."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in (*TOOLS, "sh"):
        found = shutil.which("busybox") or shutil.which(tool)
        if found is None:
            pytest.skip(f"neither busybox nor {tool} is here")
        (folder / tool).symlink_to(found)
    return str(folder)


@pytest.fixture
async def devnet() -> AsyncIterator[Devnet]:
    """A chain whose time moves only by hand, at a fresh block."""
    config = DevnetConfig(chain=ChainConfig(manual_clock=True), block_interval_s=None)
    async with Devnet(config) as devnet:
        devnet.chain.mine()
        yield devnet


async def run(tools: str, script: Path, *arguments: str) -> int:
    """The exit code of a script."""
    process = await asyncio.create_subprocess_exec(
        *(f"{tools}/sh", str(script), *arguments),
        env={"PATH": tools},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    return await process.wait()


async def health(tools: str, infra: Path, devnet: Devnet) -> tuple[bool, bool]:
    """Whether Ogmios and Kupo are healthy, as the checks see it."""
    ogmios_url = devnet.ogmios_url.replace("ws://", "http://")
    ogmios = await run(tools, infra / "health" / "ogmios.sh", ogmios_url)
    kupo = await run(tools, infra / "health" / "kupo.sh", devnet.kupo_url)
    return ogmios == 0, kupo == 0


async def test_in_step_is_healthy(image_tools: str, infra: Path, devnet: Devnet) -> None:
    """Connected, and the last block is now."""
    assert await health(image_tools, infra, devnet) == (True, True)


async def test_a_chain_that_lags_behind_the_clock_is_not(
    image_tools: str, infra: Path, devnet: Devnet
) -> None:
    """Kupo is level with the node here: only the age of the block tells."""
    devnet.chain.clock.advance(3_600_000)
    assert await health(image_tools, infra, devnet) == (False, False)
    devnet.chain.mine()
    assert await health(image_tools, infra, devnet) == (True, True)


async def test_a_stale_index_is_not(image_tools: str, infra: Path, devnet: Devnet) -> None:
    """Kupo stays behind a node that goes on."""
    devnet.break_interface("kupo", "stale")
    devnet.chain.clock.advance(1_200_000)
    devnet.chain.mine()
    assert await health(image_tools, infra, devnet) == (True, False)


@pytest.mark.parametrize("service", ["ogmios", "kupo"])
async def test_a_lost_node_is_not(
    image_tools: str, infra: Path, devnet: Devnet, service: str
) -> None:
    """Ogmios answers 500, Kupo 503."""
    devnet.break_interface(service, "disconnected")
    ogmios, kupo = await health(image_tools, infra, devnet)
    assert (ogmios, kupo) == (service != "ogmios", service != "kupo")


async def test_nothing_listening_is_not(image_tools: str, infra: Path) -> None:
    """A refused connection."""
    for script in ("ogmios.sh", "kupo.sh"):
        assert await run(image_tools, infra / "health" / script, "http://127.0.0.1:1") != 0


@pytest.mark.parametrize(("progress", "healthy"), [("100.00", True), ("99.99", False)])
async def test_the_node_is_healthy_at_the_tip(
    tmp_path: Path, infra: Path, progress: str, healthy: bool
) -> None:
    """By what `cardano-cli query tip` prints; the program itself is not to be had here."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash here")
    answer = f'{{\\n    "era": "Conway",\\n    "syncProgress": "{progress}"\\n}}\\n'
    program = tmp_path / "cardano-cli"
    program.write_text(f"#!/bin/sh\nprintf '{answer}'\n", encoding="utf-8")
    program.chmod(0o755)
    process = await asyncio.create_subprocess_exec(
        *(bash, str(infra / "health" / "cardano-node.sh")),
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
    )
    assert (await process.wait() == 0) is healthy
