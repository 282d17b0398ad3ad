"""A distribution that is open on the embedded chain, and what its oracles say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from milestones.cardano.address import Address
from milestones.domain.models import OracleSignature
from milestones.domain.schedule import parse_schedule
from milestones.protocol.distribution import Distribution
from milestones.protocol.oracle_signatures import Statement
from milestones.services.attest import MilestoneAttested, attest
from milestones.services.backend import Backend
from milestones.services.commit_milestone import MilestoneCommitted, commit_milestone
from milestones.services.deploy import deploy
from milestones.services.publish_script import publish_script


@dataclass(frozen=True)
class OpenDistribution:
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

    async def commit(
        self, *entries: OracleSignature, milestone: str = "milestone-001"
    ) -> MilestoneCommitted:
        """Keeps entries in the data directory."""
        return await commit_milestone(
            self.backend, milestone_identifier=milestone, oracle_signatures=entries
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


async def open_distribution(
    world: Any, backend: Backend, document: Any, **options: Any
) -> Distribution:
    """Publishes the scripts and opens a schedule; `options` are those of `deploy`."""
    creator = world.keys["creator"]
    await publish_script(backend, key=creator, wait=True)
    schedule = parse_schedule(document)
    await deploy(backend, schedule, key=creator, wait=True, **options)
    return Distribution.from_schedule(schedule, world.contract)


def in_lovelace(world: Any, factor: int = 10_000) -> dict[str, Any]:
    """Changes of `world.schedule()` that distribute ADA: each amount times the factor, in lovelace."""
    allocations = [
        {**entry, "token_amount": entry["token_amount"] * factor} for entry in world.allocations()
    ]
    return {"token_policy_id": "", "token_name": "", "beneficiary_allocations": allocations}
