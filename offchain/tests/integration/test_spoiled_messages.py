"""Every message of a command that looks, spoiled in every way: the same result or one typed error."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from milestones.clients.kupo_client import KupoClient
from milestones.clients.ogmios_client import OgmiosClient
from milestones.errors import ServiceUnavailable
from milestones.services.backend import Backend
from milestones.services.check_status import check_status
from milestones.services.init import init
from milestones.testing.distribution import OpenDistribution
from milestones.testing.spoiling_proxy import (
    FAULTS,
    Fault,
    Message,
    SpoilingProxy,
    spoiling_proxy,
)

PATIENCE_SECONDS = 60
"""After this a command hangs; each is over in a few seconds."""


@asynccontextmanager
async def behind(stage: OpenDistribution) -> AsyncIterator[tuple[SpoilingProxy, Backend]]:
    """The stage's services behind a proxy, and impatient clients of them."""
    async with (
        spoiling_proxy(
            ogmios_url=stage.world.devnet.ogmios_url,
            kupo_url=stage.world.devnet.kupo_url,
            delay_seconds=0.1,
            drip_seconds=0.05,
        ) as proxy,
        OgmiosClient(proxy.ogmios_url, timeout_seconds=2) as ogmios,
        KupoClient(proxy.kupo_url, timeout_seconds=2) as kupo,
    ):
        yield proxy, replace(stage.backend, ogmios=ogmios, kupo=kupo)


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_look_with_one_message_spoiled(stage: OpenDistribution, fault: Fault) -> None:
    async def look(backend: Backend) -> object:
        work = check_status(backend, contract_address=stage.address)
        shown = (await asyncio.wait_for(work, PATIENCE_SECONDS)).model_dump(mode="json")
        return {name: value for name, value in shown.items() if name != "elapsed_ms"}

    async with behind(stage) as (proxy, backend):
        await look(backend)
        known = len(proxy.messages)
        expected = await look(backend)
        count = len(proxy.messages) - known
        assert {each.service for each in proxy.messages[known:]} == {"Ogmios", "Kupo"}
        for number in range(count):
            proxy.spoil = only(len(proxy.messages) + number, fault)
            try:
                found = await look(backend)
            except ServiceUnavailable:
                found = None
            assert found in (None, expected)
            # These reach whoever asks: what isn't an answer isn't asked for again.
            assert found is not None or fault in ("garbage", "wrong_types", "dripping")
        assert len(proxy.spoiled) == count


def only(number: int, fault: Fault) -> Callable[[Message], Fault | None]:
    """Spoils the message of this number."""
    return lambda message: fault if message.number == number else None


async def test_a_gateway_that_refuses_once_is_not_noticed(stage: OpenDistribution) -> None:
    """Each question is refused the first time, over HTTP."""
    async with behind(stage) as (proxy, backend):
        seen: set[str] = set()

        def refuse(message: Message) -> Fault | None:
            if message.question in seen or message.service == "Ogmios":
                return None
            seen.add(message.question)
            return "http_error"

        proxy.spoil = refuse
        report = await init(backend)
        assert report.status == "success"
        assert len(proxy.spoiled) > 1
