"""Which allocations it is that keep a transaction from being built, when the others could be paid.

The contract fails a transaction as a whole. So parts of it are evaluated, smaller and smaller ones, until
those remain that fail alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass

from milestones.clients.rejections import inputs_are_spent
from milestones.domain.claims import ClaimState
from milestones.errors import ChainRejected, InvalidInput, MilestonesError
from milestones.services.sending.refused_signatures import blames_signatures
from milestones.services.submit_release.building import ReleaseBuilder
from milestones.services.submit_release.plan import Batch


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An allocation that the chain would not pay, though neither time nor oracles stand before it."""

    state: ClaimState
    error: MilestonesError


def warnings_of(left_out: Iterable[LeftOut]) -> list[str]:
    """A warning for every reason, with the allocations that it keeps from being paid."""
    by_reason: dict[str, list[int]] = {}
    for each in left_out:
        by_reason.setdefault(each.error.message, []).append(each.state.index)
    return [
        f"not paid: {'allocation' if len(indices) == 1 else 'allocations'}"
        f" {', '.join(map(str, indices))}: {reason}"
        for reason, indices in by_reason.items()
    ]


def is_of_the_content(error: MilestonesError) -> bool:
    """Whether what was to be done is at fault, and not somebody who was faster."""
    return not (isinstance(error, ChainRejected) and inputs_are_spent(error))


async def blamed(
    builder: ReleaseBuilder, payable: Sequence[ClaimState], error: ChainRejected | InvalidInput
) -> list[LeftOut]:
    """Those of the allocations that can't be paid, after `builder` stopped with `error`.

    None where parts of the transaction can be built, whichever way it is cut.
    """
    batch = builder.stopped_at
    if batch is None:
        return []
    if blames_signatures(error):
        return [
            LeftOut(state, error)
            for state in payable
            if state.allocation.milestone_identifier == batch.attests
        ]
    found = {index: why async for index, why in _failing(builder, batch, error)}
    return [LeftOut(state, found[state.index]) for state in payable if state.index in found]


async def _failing(
    builder: ReleaseBuilder, batch: Batch, error: ChainRejected | InvalidInput
) -> AsyncIterator[tuple[int, MilestonesError]]:
    if len(batch.indices) == 1:
        yield batch.indices[0], error
        return
    for half in batch.halves():
        try:
            await builder.largest(half)
        except (ChainRejected, InvalidInput) as failure:
            if not is_of_the_content(failure):
                raise
            async for each in _failing(builder, half, failure):
                yield each
