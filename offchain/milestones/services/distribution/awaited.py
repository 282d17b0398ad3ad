"""Whether anybody waits for a milestone."""

from __future__ import annotations

from milestones.errors import NotFound
from milestones.protocol.distribution import Distribution
from milestones.protocol.oracle_signatures import Statement


def doubts_about(statement: Statement, distribution: Distribution | None) -> tuple[str, ...]:
    """A warning where nothing shows that anybody waits for this milestone."""
    if distribution is None:
        return ("the schedule is not known here: the milestone's name could not be checked",)
    names = {a.milestone_identifier for a in distribution.allocations.values()}
    if statement.milestone_identifier in names:
        return ()
    raise NotFound(
        f"no allocation waits for milestone {statement.milestone_identifier!r}",
        hint=f"the schedule's milestones: {', '.join(sorted(names))}",
        details={"milestones": sorted(names)},
    )
