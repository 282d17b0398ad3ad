"""Which quorum counts where signatures are committed: the terms', the chain's, or one that is given."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from milestones.domain.models import OracleSignature
from milestones.domain.quorum import QuorumState, quorum_state
from milestones.errors import InvalidInput, NotFound, ServiceUnavailable
from milestones.protocol.terms import Terms
from milestones.services.backend import Backend, Workspace
from milestones.services.distribution.local import local_terms
from milestones.services.distribution.naming import locate
from milestones.services.distribution.on_chain import read_on_chain
from milestones.transactions.contract_drafts import Sitting


@dataclass(frozen=True, slots=True)
class Quorum:
    """What counts as a quorum; `oracles` is None where nothing but their number is known.

    They `may_be_replaced` where the terms let others sit in their place and the chain was not asked: then
    entries of others are kept, and don't count here.
    """

    threshold: int
    total: int
    oracles: frozenset[bytes] | None
    may_be_replaced: bool = False

    @classmethod
    def of(cls, sitting: Sitting, *, may_be_replaced: bool = False) -> Quorum:
        """All who sit count."""
        oracles = frozenset(sitting.oracles)
        return cls(sitting.quorum_threshold, len(oracles), oracles, may_be_replaced)

    def state(self, entries: Sequence[OracleSignature]) -> QuorumState:
        """How far these entries are."""
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
    """What counts: by the terms, by the chain, or by the numbers `given` (threshold, oracles) or recorded.

    Raises `InvalidInput` where the numbers given contradict what is known, or nothing is.
    """
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
        quorum = Quorum.of(await _sitting_on_chain(workspace, distribution_id))
    elif terms.rotatable is None:
        quorum = Quorum.of(Sitting.under(terms))
    else:
        quorum = await _of_rotatable(workspace, terms)
    _must_agree(quorum, given)
    return quorum


async def _of_rotatable(workspace: Workspace, terms: Terms) -> Quorum:
    """The board that sits, if the chain can be asked; else the terms' own oracles, and that may be old."""
    if isinstance(workspace, Backend):
        with suppress(ServiceUnavailable, NotFound):
            return Quorum.of(await _sitting_on_chain(workspace, terms.distribution_id))
    return Quorum.of(Sitting.under(terms), may_be_replaced=True)


async def _sitting_on_chain(workspace: Workspace, distribution_id: bytes) -> Sitting:
    hint = "give --quorum-threshold and --total-oracles, or register the schedule here"
    if not isinstance(workspace, Backend):
        raise InvalidInput(
            "the distribution's terms are not known here", path="quorum_threshold", hint=hint
        )
    try:
        on_chain = await read_on_chain(workspace, await locate(workspace, distribution_id))
    except ServiceUnavailable as error:
        error.hint = f"{error.hint}; or {hint}"
        raise
    return on_chain.sitting


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


def _must_agree(quorum: Quorum, given: tuple[int | None, int | None]) -> None:
    if quorum.may_be_replaced:
        return
    facts = (
        ("quorum_threshold", given[0], quorum.threshold),
        ("total_oracles", given[1], quorum.total),
    )
    for field, said, true in facts:
        if said not in (None, true):
            raise InvalidInput(
                f"the distribution's terms say {true}, not {said}",
                path=field,
                hint="leave it out: the terms decide",
                details={"terms": true, "given": said},
            )
