"""What profiles add up to."""

from __future__ import annotations

from milestones.cardano.parameters import ExecutionUnits
from milestones.devnet.ledger.plutus.profile import Profile


def sums(found: Profile) -> list[ExecutionUnits]:
    """The sum of each of the four ways to take a run apart."""
    ways: list[list[ExecutionUnits]] = [
        [each.units for each in (*found.steps.values(), *found.builtins.values())],
        [each.own.units for each in found.functions],
        [each.units for each in found.stacks],
        [each.units for each in found.traces.values()],
    ]
    return [sum(each, ExecutionUnits(0, 0)) for each in ways]
