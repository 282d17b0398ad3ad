"""A data directory, and what to put there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from milestones.cardano.address import Address, key_credential
from milestones.cardano.hashes import blake2b_256
from milestones.cardano.outputs import OutputReference
from milestones.domain.models import MilestoneCompletion, OracleSignature
from milestones.storage.storage import Storage
from milestones.storage.submission import ReleasePayload, StatusChange, Submission


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    storage = Storage(tmp_path / "data")
    yield storage
    storage.close()


def transaction(number: int) -> tuple[str, bytes]:
    """The id and the bytes of a transaction like no other number's: one input, a fee, no witnesses."""
    spent = b"\x81\x82\x58\x20" + number.to_bytes(32, "big") + b"\x01"
    body = b"\xa3\x00" + spent + b"\x01\x80\x02\x19\x03\xe8"
    return blake2b_256(body).hex(), b"\x84" + body + bytes.fromhex("a0f5f6")


@pytest.fixture(scope="session")
def submission() -> Callable[..., Submission]:
    """Makes a release's submission, prepared at 1,000 ms; each number is another transaction."""

    def make(number: int = 1, *, at_posix_ms: int = 1000, **changes: Any) -> Submission:
        identifier, cbor = transaction(number)
        usual: dict[str, Any] = {
            "transaction_id": identifier,
            "command": "submit-release",
            "distribution_id": b"\1" * 28,
            "transaction_cbor": cbor,
            "inputs": (OutputReference(number.to_bytes(32, "big"), 1),),
            "valid_until_slot": 500,
            "fee_lovelace": 1000,
            "size": len(cbor),
            "payload": ReleasePayload(allocations=(0, 3), deposits_lovelace=5),
            "history": (StatusChange(status="prepared", at_posix_ms=at_posix_ms),),
        }
        return Submission(**{**usual, **changes})

    return make


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
