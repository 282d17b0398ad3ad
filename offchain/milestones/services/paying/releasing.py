"""From releases to what is sent and written down of them, as much at once as the mempool has room for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Final

from milestones.cardano.parameters import ExecutionUnits, ProtocolParameters
from milestones.services.paying.builder import BuiltRelease
from milestones.services.sending.run import Run, SubmissionRequest
from milestones.storage.book import Charge
from milestones.storage.submission import ReleasePayload, Submission

BLOCKS_WAITING: Final = 2
"""How many blocks' worth of transactions a node's mempool holds; further ones would wait outside."""


def request_of(release: BuiltRelease, charge: Charge | None = None) -> SubmissionRequest:
    """What is sent of a release, and what the journal keeps of it."""
    return SubmissionRequest(
        transaction=release.transaction,
        payload=ReleasePayload(
            allocations=release.batch.indices,
            attested=release.batch.attests,
            deposits_lovelace=release.deposits_lovelace,
            allowance_lovelace=release.allowance_lovelace,
        ),
        charge=charge,
        lane=release.lane,
    )


def allocations_in(submission: Submission) -> tuple[int, ...]:
    """The allocations that a transaction of the journal pays; none where its entry doesn't say."""
    payload = submission.payload
    return payload.allocations if isinstance(payload, ReleasePayload) else ()


def fills_the_mempool(run: Run, parameters: ProtocolParameters) -> bool:
    """Whether what this run has sent leaves no room for another large transaction, as far as it knows."""
    waiting = [e.submission for e in run.transactions.values() if e.status == "submitted"]
    size = sum(each.size for each in waiting) + parameters.max_transaction_size
    units = sum(
        (ExecutionUnits(each.memory, each.cpu) for each in waiting), parameters.max_execution_units
    )
    block = parameters.max_block_execution_units
    return (
        size > BLOCKS_WAITING * parameters.max_block_size
        or units.memory > BLOCKS_WAITING * block.memory
        or units.cpu > BLOCKS_WAITING * block.cpu
    )


async def room_in_mempool(run: Run, parameters: ProtocolParameters) -> None:
    """Returns once there is room for another large transaction: a block has taken others of this run."""
    while not run.dry_run and run.payer.hand_out is None and fills_the_mempool(run, parameters):
        oldest = next(key for key, e in run.transactions.items() if e.status == "submitted")
        await run.see_through([oldest])


async def requests(
    releases: AsyncIterator[BuiltRelease], run: Run, parameters: ProtocolParameters
) -> AsyncIterator[SubmissionRequest]:
    """Each release as it is sent, as soon as the mempool has room for it."""
    async for release in releases:
        await room_in_mempool(run, parameters)
        yield request_of(release)


def being_paid(submissions: Iterable[Submission]) -> frozenset[int]:
    """The allocations that transactions pay which were sent before."""
    return frozenset(index for each in submissions for index in allocations_in(each))
