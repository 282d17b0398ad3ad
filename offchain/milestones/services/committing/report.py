"""What `commit-milestone` tells."""

from __future__ import annotations

from collections import Counter
from typing import Literal

from milestones.domain.models import MilestoneCompletion, QuorumStatus
from milestones.domain.posix_time import to_posix_seconds
from milestones.domain.reading import AddressField, HexField
from milestones.protocol.oracle_signatures import Statement
from milestones.services.backend import Workspace
from milestones.services.committing.quorum import Quorum
from milestones.services.distribution.knowledge import recovery_warnings
from milestones.services.distribution.local_schedules import (
    address_of,
)
from milestones.services.results import Result, View


class StatementGroup(View):
    """How many oracles signed the same bytes. `verification_timestamp` is in POSIX seconds."""

    signed_data: HexField
    count: int
    verification_timestamp: int
    evidence_hash: HexField


class MilestoneCommitted(Result):
    """The record as it is now. `signature_count` is that of the statement with most signatures."""

    status: Literal["stored"] = "stored"
    milestone_identifier: str
    distribution_id: HexField
    contract_address: AddressField
    verified: bool
    quorum_status: QuorumStatus
    signature_count: int
    quorum_threshold: int
    total_oracles: int
    signatures_added: int
    file: str
    groups: tuple[StatementGroup, ...]


def committed(
    workspace: Workspace, record: MilestoneCompletion, quorum: Quorum, *, added: int
) -> MilestoneCommitted:
    state = quorum.state(record.oracle_signatures)
    warnings = recovery_warnings(workspace)
    groups = _groups(record)
    if len(groups) > 1:
        warnings.append(
            f"oracles signed {len(groups)} different statements about this milestone; they don't add up"
        )
    return MilestoneCommitted(
        milestone_identifier=record.milestone_identifier,
        distribution_id=record.distribution_id,
        contract_address=address_of(workspace, record.distribution_id),
        verified=record.quorum_status == "met",
        quorum_status=record.quorum_status,
        signature_count=state.signature_count,
        quorum_threshold=quorum.threshold,
        total_oracles=quorum.total,
        signatures_added=added,
        file=workspace.storage.records.path_of(record),
        groups=groups,
        warnings=tuple(warnings),
    )


def _groups(record: MilestoneCompletion) -> tuple[StatementGroup, ...]:
    counts = Counter(entry.signed_data for entry in record.oracle_signatures)
    return tuple(_group(signed_data, count) for signed_data, count in counts.most_common())


def _group(signed_data: bytes, count: int) -> StatementGroup:
    statement = Statement.parse(signed_data)
    return StatementGroup(
        signed_data=signed_data,
        count=count,
        verification_timestamp=to_posix_seconds(statement.verification_posix_ms),
        evidence_hash=statement.evidence_hash,
    )
