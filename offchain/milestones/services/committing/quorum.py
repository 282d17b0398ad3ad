"""What counts as a quorum of a milestone: what the terms say, or what the user does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from milestones.domain.models import OracleSignature
from milestones.domain.quorum import QuorumState, quorum_state
from milestones.errors import InvalidInput, ServiceUnavailable
from milestones.protocol.datums import Terms
from milestones.services.backend import Backend, Workspace
from milestones.services.distribution.local_schedules import (
    address_of,
    local_terms,
)
from milestones.services.distribution.on_chain import read_on_chain


@dataclass(frozen=True, slots=True)
class Quorum:
    """What counts as a quorum; `oracles` is None where nothing but their number is known."""

    threshold: int
    total: int
    oracles: frozenset[bytes] | None

    def state(self, entries: Sequence[OracleSignature]) -> QuorumState:
        return quorum_state(
            entries,
            quorum_threshold=self.threshold,
            total_oracles=self.total,
            oracles=self.oracles,
        )


async def quorum_of(
    workspace: Workspace,
    distribution_id: bytes,
    milestone_identifier: str,
    given: tuple[int | None, int | None],
) -> Quorum:
    terms = local_terms(workspace, distribution_id)
    if terms is None:
        record = workspace.storage.records.find(distribution_id, milestone_identifier)
        earlier = (record.quorum_threshold, record.total_oracles) if record else (None, None)
        threshold, total = (
            new if new is not None else old for new, old in zip(given, earlier, strict=True)
        )
        if threshold is not None and total is not None:
            _must_be_possible(threshold, total)
            return Quorum(threshold, total, None)
        terms = await _terms_on_chain(workspace, distribution_id)
    _must_agree(terms, given)
    return Quorum(terms.quorum_threshold, len(terms.oracles), frozenset(terms.oracles))


async def _terms_on_chain(workspace: Workspace, distribution_id: bytes) -> Terms:
    hint = "give --quorum-threshold and --total-oracles, or register the schedule here"
    if not isinstance(workspace, Backend):
        raise InvalidInput(
            "the distribution's terms are not known here", path="quorum_threshold", hint=hint
        )
    try:
        on_chain = await read_on_chain(workspace, address_of(workspace, distribution_id))
    except ServiceUnavailable as error:
        error.hint = f"{error.hint}; or {hint}"
        raise
    return on_chain.terms


def _must_be_possible(threshold: int, total: int) -> None:
    if threshold < 1:
        raise InvalidInput(
            f"a quorum is at least 1, not {threshold}",
            path="quorum_threshold",
            hint="give the number in the schedule",
        )
    if threshold > total:
        raise InvalidInput(
            f"a quorum of {threshold} can't be reached by {total} oracles",
            path="quorum_threshold",
            hint="give the numbers in the schedule",
        )


def _must_agree(terms: Terms, given: tuple[int | None, int | None]) -> None:
    facts = (
        ("quorum_threshold", given[0], terms.quorum_threshold),
        ("total_oracles", given[1], len(terms.oracles)),
    )
    for field, said, true in facts:
        if said not in (None, true):
            raise InvalidInput(
                f"the distribution's terms say {true}, not {said}",
                path=field,
                hint="leave it out: the terms decide",
                details={"terms": true, "given": said},
            )
