"""A distribution that is open on the embedded chain, and everybody who may pay out of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from cutting_proxy import CuttingProxy, Moment, cutting_proxy
from opened import OpenDistribution, open_distribution

from milestones.cardano.value import Value
from milestones.clients.ogmios_client import OgmiosClient
from milestones.services.close import Closed, close
from milestones.services.distribution.on_chain import OnChain, read_on_chain
from milestones.services.submit_release import submit_release
from milestones.services.submit_release.plan import Selection
from milestones.services.submit_release.report import ReleaseReport
from milestones.storage.storage import Storage


@dataclass(frozen=True)
class Stage(OpenDistribution):
    """What those do who pay out of it, and what they have then."""

    @property
    def journal(self) -> Any:
        """The journal of the data directory."""
        return self.backend.storage.journal

    def elsewhere(self, folder: str, **changes: Any) -> Stage:
        """The same distribution for somebody with another data directory."""
        storage = Storage(self.world.directory / folder)
        return replace(self, backend=replace(self.backend, storage=storage, **changes))

    @asynccontextmanager
    async def on_a_bad_line(
        self, moment: Moment, *, skip: int = 0
    ) -> AsyncIterator[tuple[Stage, CuttingProxy]]:
        """The same stage behind a line that breaks when a transaction is submitted."""
        async with (
            cutting_proxy(self.world.devnet.ogmios_url, moment, skip=skip) as proxy,
            OgmiosClient(proxy.url) as ogmios,
        ):
            yield replace(self, backend=replace(self.backend, ogmios=ogmios)), proxy

    def reach(self, posix_seconds: int) -> None:
        """Moves the chain's time to this moment or a little after; its clock lags behind its blocks."""
        while self.world.now < posix_seconds:
            self.world.advance(posix_seconds - self.world.now)

    async def on_chain(self) -> OnChain:
        """What the chain shows."""
        return await read_on_chain(self.backend, self.address)

    async def release(self, *indices: int, key: str = "relayer", **options: Any) -> ReleaseReport:
        """`submit-release`; options that a `Selection` has go into it."""
        wanted = {
            name: options.pop(name)
            for name in ("beneficiary", "milestone", "everything")
            if name in options
        }
        return await submit_release(
            self.backend,
            contract_address=self.address,
            key=self.world.keys[key],
            selection=Selection(indices=indices, **wanted),
            **options,
        )

    async def close(self, key: str = "creator", **options: Any) -> Closed:
        """`close`."""
        return await close(
            self.backend, contract_address=self.address, key=self.world.keys[key], **options
        )

    async def tokens_of(self, name: str) -> int:
        """How many of the distribution's token somebody holds."""
        return (await self.wealth_of(name)).quantity(self.distribution.token)

    async def wealth_of(self, name: str) -> Value:
        """Everything that somebody holds."""
        address = self.world.address(name).to_bech32()
        matches = await self.backend.kupo.matches(address, unspent=True)
        return sum((match.output.value for match in matches), Value())


@pytest.fixture
async def stage(
    world: Any, schedule_changes: dict[str, Any], deploy_options: dict[str, Any]
) -> AsyncIterator[Stage]:
    """An open distribution; blocks come as transactions do."""
    async with world.backend() as backend:
        document = world.schedule(**schedule_changes)
        distribution = await open_distribution(world, backend, document, **deploy_options)
        yield Stage(world, backend, distribution)
