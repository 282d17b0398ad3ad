"""A distribution that is open on a world's chain, and everybody who has to do with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from milestones.cardano.address import Address
from milestones.cardano.value import Value
from milestones.clients.ogmios_client import OgmiosClient
from milestones.domain.models import OracleSignature
from milestones.protocol.distribution import Distribution
from milestones.protocol.statements import MilestoneStatement
from milestones.services.attest import MilestoneAttested, attest
from milestones.services.backend import Backend
from milestones.services.check_status import check_status
from milestones.services.check_status.report import StatusReport
from milestones.services.close import Closed, close
from milestones.services.commit_milestone import MilestoneCommitted, commit_milestone
from milestones.services.distribution.on_chain import OnChain, read_on_chain
from milestones.services.paying.plan import Selection
from milestones.services.submit_release import submit_release
from milestones.services.submit_release.report import ReleaseReport
from milestones.storage.journal import SubmissionJournal
from milestones.storage.storage import Storage
from milestones.testing.cutting_proxy import CuttingProxy, Moment, cutting_proxy
from milestones.testing.world import World

FIRST_MILESTONE: Final = "milestone-001"
SIGNED_AT: Final = 1_735_689_600
"""When oracles say that they signed, POSIX seconds."""
EVIDENCE: Final = b"\x11" * 32
_SELECTION: Final = frozenset({"beneficiary", "milestone", "everything"})


@dataclass(frozen=True)
class OpenDistribution:
    """A distribution, and a backend to ask about it.

    Of `world.schedule()`: allocations 0 to 4 of 1,000 to 5,000 tokens; milestone 001 has 0 and 3, 002
    has 1 and 4, 003 has 2; oracles 0 to 2, quorum 2.
    """

    world: World
    backend: Backend
    distribution: Distribution

    @property
    def address(self) -> Address:
        """Where it is."""
        return self.distribution.address

    @property
    def journal(self) -> SubmissionJournal:
        """The journal of the data directory."""
        return self.backend.storage.journal

    # -- what oracles say

    def statement(self, milestone: str = FIRST_MILESTONE, **changes: Any) -> MilestoneStatement:
        """What oracles say of a milestone, reached a minute before the distribution was made."""
        usual = MilestoneStatement(
            self.world.contract.policy_id,
            self.distribution.id,
            milestone.encode(),
            EVIDENCE,
            (self.distribution.terms.metadata.created_at_posix_ms // 1000 - 60) * 1000,
        )
        return replace(usual, **changes)

    def entry(
        self, oracle: str, milestone: str = FIRST_MILESTONE, **changes: Any
    ) -> OracleSignature:
        """A genuine entry of `signatures.json`; changes are the statement's."""
        key, signed_data = self.world.keys[oracle], self.statement(milestone, **changes).signed_data
        return OracleSignature(
            oracle_address=self.world.address(oracle),
            signature=key.sign(signed_data),
            signed_data=signed_data,
            signature_timestamp=SIGNED_AT,
            verification_key=key.verification_key,
        )

    def forged(self, oracle: str, milestone: str = FIRST_MILESTONE) -> OracleSignature:
        """An entry that only the chain can tell from a genuine one."""
        return self.entry(oracle, milestone).model_copy(update={"signature": bytes(64)})

    async def commit(
        self, *entries: OracleSignature, milestone: str = FIRST_MILESTONE
    ) -> MilestoneCommitted:
        """Keeps entries in the data directory."""
        return await commit_milestone(
            self.backend, milestone_identifier=milestone, oracle_signatures=entries
        )

    async def attest(
        self, milestone: str = FIRST_MILESTONE, *, key: str = "stranger", **options: Any
    ) -> MilestoneAttested:
        """Puts what was committed on the chain."""
        return await attest(
            self.backend,
            contract_address=self.address,
            milestone_identifier=milestone,
            key=self.world.keys[key],
            **options,
        )

    async def signed(self, *milestones: str, by: int = 2, forged: int = 0) -> None:
        """Signatures in the local records: `by` genuine ones, and `forged` of the oracles after them."""
        for milestone in milestones:
            genuine = [self.entry(f"oracle-{n}", milestone) for n in range(by)]
            others = [self.forged(f"oracle-{n}", milestone) for n in range(by, by + forged)]
            await self.commit(*genuine, *others, milestone=milestone)

    async def attested(self, *milestones: str) -> None:
        """Attestations on the chain, by two oracles."""
        await self.signed(*milestones)
        for milestone in milestones:
            await self.attest(milestone, wait=True)

    # -- what is paid, and what is seen

    async def release(self, *indices: int, key: str = "relayer", **options: Any) -> ReleaseReport:
        """`submit-release`; options that a `Selection` has go into it."""
        wanted = {name: options.pop(name) for name in _SELECTION & options.keys()}
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

    async def status(self, milestone: str | None = None) -> StatusReport:
        """`check-status`."""
        return await check_status(
            self.backend, contract_address=self.address, milestone_identifier=milestone
        )

    async def on_chain(self) -> OnChain:
        """What the chain shows."""
        return await read_on_chain(self.backend, self.address)

    async def tokens_of(self, name: str) -> int:
        """How many of the distribution's token somebody holds."""
        return (await self.wealth_of(name)).quantity(self.distribution.token)

    async def wealth_of(self, name: str) -> Value:
        """Everything that somebody holds, as Kupo says."""
        address = self.world.address(name).to_bech32()
        matches = await self.backend.kupo.matches(address, unspent=True)
        return sum((match.output.value for match in matches), Value())

    def reach(self, posix_seconds: int) -> None:
        """Moves the chain's time to this moment or a little after."""
        self.world.reach(posix_seconds)

    # -- the same, seen from elsewhere

    def elsewhere(self, folder: str, **changes: Any) -> OpenDistribution:
        """The same distribution for somebody with another data directory."""
        storage = Storage(self.world.directory / folder)
        return replace(self, backend=replace(self.backend, storage=storage, **changes))

    @asynccontextmanager
    async def on_a_bad_line(
        self, moment: Moment, *, skip: int = 0
    ) -> AsyncIterator[tuple[OpenDistribution, CuttingProxy]]:
        """The same behind a line that breaks when a transaction is submitted."""
        async with (
            cutting_proxy(self.world.devnet.ogmios_url, moment, skip=skip) as proxy,
            OgmiosClient(proxy.url) as ogmios,
        ):
            yield replace(self, backend=replace(self.backend, ogmios=ogmios)), proxy


@asynccontextmanager
async def open_distribution(
    world: World, schedule: dict[str, Any] | None = None, **options: Any
) -> AsyncIterator[OpenDistribution]:
    """Publishes the scripts and opens a schedule, by default `world.schedule()`.

    `options` are those of `deploy`, such as `private=True`.
    """
    async with world.backend() as backend:
        yield OpenDistribution(world, backend, await world.open(schedule, **options))
