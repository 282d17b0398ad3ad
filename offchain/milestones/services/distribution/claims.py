"""Whose allocations there are in a schedule, and which milestones they wait for."""

from __future__ import annotations

from collections.abc import Sequence

from milestones.cardano.address import Address
from milestones.domain.plausibility import meant_instead, moment_problems, name_problems
from milestones.domain.posix_time import to_posix_seconds
from milestones.domain.reading import LISTED, in_a_line
from milestones.errors import NotFound
from milestones.protocol.distribution import Distribution
from milestones.protocol.statements import MilestoneStatement
from milestones.services.distribution.naming import must_be_of_network


def allocations_of(distribution: Distribution, address: Address) -> tuple[int, ...]:
    """The indices of an address' allocations, ascending.

    Raises `NotFound` where it has none, `InvalidAddress` for an address of another network.
    """
    must_be_of_network(address, distribution.terms.network_id, "beneficiary_address")
    own = distribution.allocations.of_address(address)
    if not own:
        raise NotFound(
            f"{address} has no allocation in this distribution",
            hint=_similar(distribution, address) or "check the address, its staking part included",
            details={"beneficiary_address": address.to_bech32()},
        )
    return own


def _similar(distribution: Distribution, address: Address) -> str:
    """The same key's other address, if that is what the schedule has."""
    for index in distribution.allocations.with_payment(address.payment.hash):
        other = distribution.allocations[index].beneficiary_address
        if other.payment == address.payment:
            return f"the schedule pays {other}, which has the same payment part"
    return ""


def must_have_milestone(distribution: Distribution, milestone: str) -> None:
    """Some allocation waits for the milestone. Raises `NotFound` that names those there are."""
    names = sorted(distribution.allocations.milestones())
    if milestone not in names:
        raise unknown_milestone(milestone, names)


def unknown_milestone(milestone: str, names: Sequence[str]) -> NotFound:
    """The error for a milestone that is none of a distribution's, the same in every command."""
    meant = meant_instead(milestone, names)
    question = "" if meant is None else f"did you mean {meant!r}? "
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return NotFound(
        f"no allocation of this distribution waits for milestone {milestone!r}",
        hint=f"{question}its milestones: {', '.join(names[:LISTED])}{more}",
        details={"milestones": list(names[:LISTED]), "milestone_count": len(names), "meant": meant},
    )


def doubts_about(
    statement: MilestoneStatement, distribution: Distribution | None
) -> tuple[str, ...]:
    """Warnings: a time or a name that can't be meant, a schedule that isn't known.

    Raises `NotFound` where nobody waits for the milestone. What a schedule has is typed as it stands there.
    """
    seconds = to_posix_seconds(statement.verification_posix_ms)
    magic = None if distribution is None else distribution.terms.metadata.network_magic
    doubts = list(moment_problems(seconds, "verification_timestamp", magic))
    if distribution is not None:
        must_have_milestone(distribution, statement.milestone_identifier)
        return tuple(in_a_line(doubt) for doubt in doubts)
    doubts += name_problems(statement.milestone_identifier, "milestone_identifier")
    return (
        "the schedule is not known here: the milestone's name could not be checked",
        *(in_a_line(doubt) for doubt in doubts),
    )
