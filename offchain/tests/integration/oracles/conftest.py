"""A distribution that is open on the embedded chain, and its oracles."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import cbor2
import pytest
from opened import OpenDistribution, open_distribution

from milestones.domain.models import OracleSignature
from milestones.services.check_status import check_status
from milestones.services.check_status.report import StatusReport


@dataclass(frozen=True)
class Opened(OpenDistribution):
    """What its oracles send, and what the commands for them say."""

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

    async def status(self, milestone: str | None = None) -> StatusReport:
        """What `check_status` says."""
        return await check_status(
            self.backend, contract_address=self.address, milestone_identifier=milestone
        )

    async def release(self, *indices: int, key: str = "relayer") -> None:
        """Pays allocations."""
        from milestones.services.submit_release import submit_release
        from milestones.services.submit_release.plan import Selection

        await submit_release(
            self.backend,
            contract_address=self.address,
            key=self.world.keys[key],
            selection=Selection(indices=indices),
            wait=True,
        )


@pytest.fixture
async def opened(
    world: Any, deploy_options: dict[str, Any], schedule_changes: dict[str, Any]
) -> AsyncIterator[Opened]:
    """An open distribution, and a backend to ask about it."""
    async with world.backend() as backend:
        document = world.schedule(**schedule_changes)
        distribution = await open_distribution(world, backend, document, **deploy_options)
        yield Opened(world, backend, distribution)
