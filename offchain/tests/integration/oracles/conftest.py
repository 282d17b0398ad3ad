"""A distribution that is open on the embedded chain, and its oracles."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import cbor2
import pytest

from milestones.cardano.address import Address
from milestones.domain.models import OracleSignature
from milestones.domain.schedule import parse_schedule
from milestones.protocol.distribution import Distribution
from milestones.protocol.signing import Statement
from milestones.services.attest import MilestoneAttested, attest
from milestones.services.backend import Backend
from milestones.services.check_status import check_status
from milestones.services.commit_milestone import MilestoneCommitted, commit_milestone
from milestones.services.deploy import deploy
from milestones.services.publish_script import publish_script
from milestones.services.status_report import StatusReport


@dataclass(frozen=True)
class Opened:
    """The distribution of `world.schedule()`: five beneficiaries, three milestones, quorum 2 of 3."""

    world: Any
    backend: Backend
    distribution: Distribution

    @property
    def address(self) -> Address:
        """Where it is."""
        return self.distribution.address

    def statement(self, milestone: str = "milestone-001", **changes: Any) -> Statement:
        """What oracles say of a milestone, reached a minute ago."""
        usual = Statement(
            self.world.contract.policy_id,
            self.distribution.id,
            milestone.encode(),
            b"\x11" * 32,
            (self.distribution.terms.metadata.created_at_posix_ms // 1000 - 60) * 1000,
        )
        return replace(usual, **changes)

    def entry(
        self, oracle: str, milestone: str = "milestone-001", **changes: Any
    ) -> OracleSignature:
        """A genuine entry of `signatures.json`; changes are the statement's."""
        key, signed_data = self.world.keys[oracle], self.statement(milestone, **changes).signed_data
        return OracleSignature(
            oracle_address=self.world.address(oracle),
            signature=key.sign(signed_data),
            signed_data=signed_data,
            signature_timestamp=1_735_689_600,
            verification_key=key.verification_key,
        )

    def forged(self, oracle: str, milestone: str = "milestone-001") -> OracleSignature:
        """An entry that only the chain can tell from a genuine one."""
        return self.entry(oracle, milestone).model_copy(update={"signature": bytes(64)})

    def wallet_entry(self, oracle: str, milestone: str = "milestone-001") -> OracleSignature:
        """An entry as a wallet signs it through CIP-30: a COSE_Sign1 over a `Sig_structure`."""
        key, address = self.world.keys[oracle], self.world.address(oracle)
        payload = self.statement(milestone).signed_data
        protected = cbor2.dumps({1: -8, "address": address.to_bytes()})
        signature = key.sign(cbor2.dumps(["Signature1", protected, b"", payload]))
        return OracleSignature(
            oracle_address=address,
            signed_data=payload,
            signature_timestamp=1_735_689_600,
            cose_sign1=cbor2.dumps([protected, {"hashed": False}, payload, signature]),
            cose_key=cbor2.dumps({1: 1, 3: -8, -1: 6, -2: key.verification_key}),
        )

    async def attest(
        self, milestone: str = "milestone-001", *, key: str = "stranger", **options: Any
    ) -> MilestoneAttested:
        """Puts what was committed on the chain."""
        return await attest(
            self.backend,
            contract_address=self.address,
            milestone_identifier=milestone,
            key=self.world.keys[key],
            **options,
        )

    async def attested(self, *milestones: str) -> None:
        """Commits and attests milestones with two oracles' signatures."""
        for milestone in milestones:
            entries = [self.entry(oracle, milestone) for oracle in ("oracle-0", "oracle-1")]
            await self.commit(*entries, milestone=milestone)
            await self.attest(milestone, wait=True)

    async def status(self, milestone: str | None = None) -> StatusReport:
        """What `check_status` says."""
        return await check_status(
            self.backend, contract_address=self.address, milestone_identifier=milestone
        )

    async def release(self, *indices: int, key: str = "relayer") -> None:
        """Pays allocations."""
        from milestones.services.releases.plan import Selection
        from milestones.services.submit_release import submit_release

        await submit_release(
            self.backend,
            contract_address=self.address,
            key=self.world.keys[key],
            selection=Selection(indices=indices),
            wait=True,
        )

    async def commit(
        self, *entries: OracleSignature, milestone: str = "milestone-001"
    ) -> MilestoneCommitted:
        """Keeps entries in the data directory."""
        return await commit_milestone(
            self.backend, milestone_identifier=milestone, oracle_signatures=entries
        )


async def open_distribution(world: Any, backend: Backend, document: Any, **options: Any) -> Opened:
    """Publishes the scripts and opens a schedule."""
    await publish_script(backend, key=world.keys["creator"], wait=True)
    schedule = parse_schedule(document)
    await deploy(backend, schedule, key=world.keys["creator"], wait=True, **options)
    return Opened(world, backend, Distribution.from_schedule(schedule, world.contract))


@pytest.fixture
def deploy_options() -> dict[str, Any]:
    """What `deploy` is called with; a test overrides it for a private distribution."""
    return {}


@pytest.fixture
def schedule_changes() -> dict[str, Any]:
    """What is different from `world.schedule()`; a test overrides it."""
    return {}


@pytest.fixture
async def opened(
    world: Any, deploy_options: dict[str, Any], schedule_changes: dict[str, Any]
) -> AsyncIterator[Opened]:
    """An open distribution, and a backend to ask about it."""
    async with world.backend() as backend:
        document = world.schedule(**schedule_changes)
        yield await open_distribution(world, backend, document, **deploy_options)
