"""What `commit-milestone` reports: the record as it is now, and what is odd about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from milestones.domain.models import MilestoneCompletion, QuorumStatus
from milestones.domain.plausibility import moment_problems
from milestones.domain.posix_time import to_posix_seconds
from milestones.domain.reading import AddressField, HexField, in_a_line
from milestones.protocol.statements import MilestoneStatement
from milestones.services.backend import Workspace, storage_warnings
from milestones.services.commit_milestone.quorum import Quorum
from milestones.services.distribution.local import address_of
from milestones.services.distribution.signatures import (
    keyless_oracles,
    missing_keys,
    split_in_words,
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
    """The report, with a warning for all that is odd."""
    state = quorum.state(record.oracle_signatures)
    warnings = storage_warnings(workspace)
    if quorum.may_be_replaced:
        warnings.append(
            "these terms let the oracles be replaced, and the chain was not asked who sits now: the terms'"
            " own oracles were counted"
        )
    groups = _groups(record)
    if len(groups) > 1:
        counted = [(MilestoneStatement.parse(each.signed_data), each.count) for each in groups]
        warnings.append(
            f"oracles signed {len(groups)} different statements about this milestone:"
            f" {split_in_words(counted, quorum.threshold)}"
        )
    warnings += _odd_times(groups, record, workspace.network.magic)
    missing = keyless_oracles(record.oracle_signatures)
    if missing:
        warnings.append(missing_keys(missing))
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


def _odd_times(
    groups: Sequence[StatementGroup], record: MilestoneCompletion, network_magic: int | None
) -> list[str]:
    """Times that can't be meant: what is signed already is kept, and reported."""
    signed = [(each.verification_timestamp, "verification_timestamp") for each in groups]
    notes = [(each.signature_timestamp, "signature_timestamp") for each in record.oracle_signatures]
    return [
        in_a_line(problem)
        for moment, field in dict.fromkeys(signed + [each for each in notes if each[0]])
        for problem in moment_problems(moment, field, network_magic)
    ]


def _groups(record: MilestoneCompletion) -> tuple[StatementGroup, ...]:
    counts = Counter(entry.signed_data for entry in record.oracle_signatures)
    return tuple(_group(signed_data, count) for signed_data, count in counts.most_common())


def _group(signed_data: bytes, count: int) -> StatementGroup:
    statement = MilestoneStatement.parse(signed_data)
    return StatementGroup(
        signed_data=signed_data,
        count=count,
        verification_timestamp=to_posix_seconds(statement.verification_posix_ms),
        evidence_hash=statement.evidence_hash,
    )
