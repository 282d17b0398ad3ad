"""A data directory, and records to put there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from milestones.cardano.address import Address, key_credential
from milestones.domain.models import MilestoneCompletion, OracleSignature
from milestones.storage.storage import Storage


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(tmp_path / "data")


@pytest.fixture
def record() -> Callable[..., MilestoneCompletion]:
    def make(
        distribution_id: bytes, milestone: str = "milestone-001", signatures: int = 1
    ) -> MilestoneCompletion:
        return MilestoneCompletion(
            milestone_identifier=milestone,
            distribution_id=distribution_id,
            oracle_signatures=tuple(
                OracleSignature(
                    oracle_address=Address(0, key_credential(bytes([n]) * 28)),
                    signature=bytes(64),
                    signed_data=b"\x80",
                    signature_timestamp=1_735_689_600 + n,
                    verification_key=bytes([n]) * 32,
                )
                for n in range(signatures)
            ),
            verification_timestamp=1_735_689_600,
            quorum_status="pending",
            quorum_threshold=2,
            total_oracles=3,
        )

    return make
