"""The form of oracles' entries: each refusal names the entry and its field."""

from __future__ import annotations

from collections.abc import Sequence

from milestones.domain.models import OracleSignature
from milestones.errors import InvalidInput, InvalidSignature
from milestones.protocol.oracle_signatures import Statement, witness_of
from milestones.services.backend import Workspace
from milestones.services.committing.quorum import Quorum
from milestones.services.distribution.local_schedules import (
    local_distribution,
)

FIELD = "oracle_signatures"


def must_be_about(
    workspace: Workspace,
    entry: OracleSignature,
    index: int,
    distribution_id: bytes,
    milestone_identifier: str,
) -> None:
    try:
        witness_of(entry)
        statement = Statement.parse(entry.signed_data)
        _must_name(workspace, statement, distribution_id, milestone_identifier)
    except InvalidSignature as error:
        raise error.under(f"{FIELD}[{index}]") from None


def _must_name(
    workspace: Workspace, statement: Statement, distribution_id: bytes, milestone_identifier: str
) -> None:
    if statement.policy_id != workspace.contract.policy_id:
        raise InvalidSignature(
            f"the oracle signed for another contract, {statement.policy_id.hex()}",
            path="signed_data",
            hint="name the blueprint of the version that opened the distribution",
        )
    if statement.distribution_id != distribution_id:
        raise InvalidSignature(
            f"the oracle signed for another distribution, {statement.distribution_id.hex()},"
            f" not {distribution_id.hex()}",
            path="signed_data",
            hint="commit the signatures of each distribution on their own",
        )
    if statement.milestone != milestone_identifier.encode():
        raise InvalidSignature(
            f"the oracle signed for another milestone, {statement.milestone_identifier!r},"
            f" not {milestone_identifier!r}",
            path="signed_data",
            hint="commit the signatures of each milestone on their own",
        )


def must_be_awaited(
    workspace: Workspace, distribution_id: bytes, milestone_identifier: str
) -> None:
    distribution = local_distribution(workspace, distribution_id)
    if distribution is None:
        return
    names = sorted({a.milestone_identifier for a in distribution.allocations.values()})
    if milestone_identifier not in names:
        raise InvalidInput(
            f"no allocation of this distribution waits for {milestone_identifier!r}",
            path="milestone_identifier",
            hint=f"the schedule's milestones: {', '.join(names)}",
        )


def must_be_oracles(entries: Sequence[OracleSignature], quorum: Quorum) -> None:
    for index, entry in enumerate(entries):
        if quorum.oracles is not None and entry.oracle not in quorum.oracles:
            raise InvalidSignature(
                f"{entry.oracle_address} is none of the distribution's oracles",
                path=f"{FIELD}[{index}].oracle_address",
                hint="give the signatures of the oracles in the schedule's oracle_addresses",
            )


def must_not_be_too_many(entries: Sequence[OracleSignature], quorum: Quorum) -> None:
    signers = {entry.oracle for entry in entries}
    if quorum.oracles is not None:
        # What was committed before the terms were known counts no more, and must not get in the way.
        signers &= quorum.oracles
    if len(signers) > quorum.total:
        raise InvalidSignature(
            f"{len(signers)} oracles signed, but there are only {quorum.total}",
            path=FIELD,
            hint="see which of them are the distribution's oracles",
        )
