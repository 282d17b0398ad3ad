"""A distribution that is open on the embedded chain, and everybody who may pay out of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from cutting_proxy import CuttingProxy, Moment, cutting_proxy

from milestones.cardano.address import Address
from milestones.cardano.value import Value
from milestones.clients.ogmios_client import OgmiosClient
from milestones.domain.models import OracleSignature
from milestones.domain.schedule import parse_schedule
from milestones.protocol.distribution import Distribution
from milestones.protocol.signing import Statement
from milestones.services.attest import attest
from milestones.services.backend import Backend
from milestones.services.close import Closed, close
from milestones.services.commit_milestone import commit_milestone
from milestones.services.deploy import deploy
from milestones.services.distribution.on_chain import OnChain, read_on_chain
from milestones.services.publish_script import publish_script
from milestones.services.releases.plan import Selection
from milestones.services.releases.report import ReleaseReport
from milestones.services.submit_release import submit_release
from milestones.storage.storage import Storage


@dataclass(frozen=True)
class Stage:
    """The distribution of `world.schedule()`: allocations 0 to 4 of 1,000 to 5,000 tokens.

    Milestone 001 has 0 and 3, 002 has 1 and 4, 003 has 2; oracles 0 to 2, quorum 2.
    """

    world: Any
    backend: Backend
    distribution: Distribution

    @property
    def address(self) -> Address:
        """Where it is."""
        return self.distribution.address

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

    async def signed(self, *milestones: str, by: int = 2, forged: int = 0) -> None:
        """Signatures in the local records: `by` genuine ones, and `forged` of the oracles after them."""
        for milestone in milestones:
            entries = [self._entry(n, milestone, n >= by) for n in range(by + forged)]
            await commit_milestone(
                self.backend, milestone_identifier=milestone, oracle_signatures=entries
            )

    def _entry(self, oracle: int, milestone: str, forged: bool) -> OracleSignature:
        statement = Statement(
            self.world.contract.policy_id,
            self.distribution.id,
            milestone.encode(),
            b"\x11" * 32,
            (self.distribution.terms.metadata.created_at_posix_ms // 1000 - 60) * 1000,
        )
        key, data = self.world.keys[f"oracle-{oracle}"], statement.signed_data
        return OracleSignature(
            oracle_address=key.address(0),
            signature=bytes(64) if forged else key.sign(data),
            signed_data=data,
            signature_timestamp=1_735_689_600,
            verification_key=key.verification_key,
        )

    async def attested(self, *milestones: str) -> None:
        """Attestations on the chain."""
        await self.signed(*milestones)
        for milestone in milestones:
            await attest(
                self.backend,
                contract_address=self.address,
                milestone_identifier=milestone,
                key=self.world.keys["stranger"],
                wait=True,
            )

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
def schedule_changes() -> dict[str, Any]:
    """What is different from `world.schedule()`; a test overrides it."""
    return {}


@pytest.fixture
def deploy_options() -> dict[str, Any]:
    """What `deploy` is called with beside."""
    return {}


@pytest.fixture
async def stage(
    world: Any, schedule_changes: dict[str, Any], deploy_options: dict[str, Any]
) -> AsyncIterator[Stage]:
    """An open distribution; blocks come as transactions do."""
    async with world.backend() as backend:
        creator = world.keys["creator"]
        await publish_script(backend, key=creator, wait=True)
        schedule = parse_schedule(world.schedule(**schedule_changes))
        await deploy(backend, schedule, key=creator, wait=True, **deploy_options)
        yield Stage(world, backend, Distribution.from_schedule(schedule, world.contract))
