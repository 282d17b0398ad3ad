"""`oracle payload`: the exact bytes that the oracles of a milestone sign."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import Final

from milestones.cardano.address import Address
from milestones.domain.posix_time import (
    looks_like_milliseconds,
    to_posix_ms,
    to_posix_seconds,
)
from milestones.errors import InvalidInput
from milestones.protocol.oracle_signatures import Statement, payload_diagnostic
from milestones.services.backend import (
    Workspace,
    under,
)
from milestones.services.distribution.awaited import doubts_about
from milestones.services.distribution.local_schedules import (
    local_distribution,
)
from milestones.services.distribution.on_chain import distribution_id_of
from milestones.services.preflight import must_be_milestone
from milestones.services.results import Result
from milestones.services.submitting.standing import now_posix_ms

EVIDENCE_BYTES: Final = 64


class OraclePayload(Result):
    """The exact bytes to sign (hexadecimal), how they read, and what they say. Times: POSIX seconds."""

    signed_data: str
    diagnostic: str
    contract_address: str
    distribution_id: str
    milestone_identifier: str
    evidence_hash: str
    verification_timestamp: int


def evidence_hash_of(path: Path) -> bytes:
    """blake2b_256 of a file. Raises `InvalidInput` where it can't be read."""
    digest = blake2b(digest_size=32)
    try:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    except OSError as error:
        raise InvalidInput(
            f"{path} can't be read: {error.strerror}", path="evidence_file", hint="check the path"
        ) from None
    return digest.digest()


async def oracle_payload(
    workspace: Workspace,
    *,
    contract_address: Address,
    milestone_identifier: str,
    evidence_hash: bytes = b"",
    verification_timestamp: int | None = None,
) -> OraclePayload:
    """What all oracles of a milestone sign; no service is asked.

    `evidence_hash`: up to 64 bytes. `verification_timestamp`: POSIX seconds at which the milestone was
    reached, by default this machine's time. All oracles must sign the same bytes, so one makes them.
    Raises `InvalidInput` with the field's path, and `NotFound` for a milestone that is not in the
    schedule, where the data directory has that.
    """
    if verification_timestamp is None:
        verification_timestamp = to_posix_seconds(now_posix_ms())
    _must_be_seconds(verification_timestamp)
    if len(evidence_hash) > EVIDENCE_BYTES:
        raise InvalidInput(
            f"an evidence hash has at most {EVIDENCE_BYTES} bytes, not {len(evidence_hash)}",
            path="evidence_hash",
            hint="give a hash of the evidence, or the file itself with --evidence-file",
        )
    workspace = under(workspace, contract_address.payment.hash)
    distribution_id = distribution_id_of(contract_address, workspace.contract)
    statement = Statement(
        workspace.contract.policy_id,
        distribution_id,
        must_be_milestone(milestone_identifier),
        evidence_hash,
        to_posix_ms(verification_timestamp),
    )
    warnings = doubts_about(statement, local_distribution(workspace, distribution_id))
    return OraclePayload(
        signed_data=statement.signed_data.hex(),
        diagnostic=payload_diagnostic(statement.signed_data),
        contract_address=contract_address.to_bech32(),
        distribution_id=distribution_id.hex(),
        milestone_identifier=milestone_identifier,
        evidence_hash=evidence_hash.hex(),
        verification_timestamp=verification_timestamp,
        warnings=warnings,
    )


def _must_be_seconds(timestamp: int) -> None:
    path = "verification_timestamp"
    if timestamp < 0:
        raise InvalidInput(
            f"{timestamp} is before 1970", path=path, hint="give POSIX seconds, or an ISO 8601 time"
        )
    if looks_like_milliseconds(timestamp):
        raise InvalidInput(
            f"{timestamp} looks like milliseconds; this field is in seconds",
            path=path,
            hint=f"give {timestamp // 1000}",
        )
