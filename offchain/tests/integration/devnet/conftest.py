"""Running chains for tests of the interfaces."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from milestones.devnet.opening import ChainConfig
from milestones.devnet.server import Devnet, DevnetConfig
from tests.support.devnet_clients import ALICE_ADDRESS, Ogmios


@pytest.fixture
async def start() -> AsyncIterator[Callable[[DevnetConfig], Awaitable[Devnet]]]:
    """Starts chains that end with the test."""
    async with AsyncExitStack() as stack:

        async def started(config: DevnetConfig) -> Devnet:
            return await stack.enter_async_context(Devnet(config))

        yield started


@pytest.fixture(params=["6.14.0", "7.0.0"])
async def devnet(
    request: pytest.FixtureRequest, start: Callable[[DevnetConfig], Awaitable[Devnet]]
) -> Devnet:
    """A chain that makes blocks at once, under either version of Ogmios; Alice has 1,000 ADA."""
    chain = ChainConfig(funds={ALICE_ADDRESS: 1_000_000_000})
    return await start(DevnetConfig(chain=chain, ogmios_version=request.param))


@pytest.fixture
async def ogmios(devnet: Devnet) -> AsyncIterator[Ogmios]:
    """A connection to it."""
    client = await Ogmios.connect(devnet)
    yield client
    await client.socket.close()
