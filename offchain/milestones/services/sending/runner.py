"""The one way in which a command's transactions leave.

A command says what it is called, what it builds and what it reports. The runner does the rest, the same
for all: know the network, see how fresh the index is, take up what an earlier run left, sign, write
down, submit, perhaps wait, and build anew where somebody else was faster.
"""

from __future__ import annotations

import asyncio
import os
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from milestones.domain.models import TransactionStatus
from milestones.errors import BudgetSpent, ChainRejected, InsufficientFunds
from milestones.protocol.distribution import DistributionName
from milestones.services.backend import (
    Backend,
    chain_of,
    require_fresh_index,
    require_network,
    require_one_chain,
    storage_warnings,
)
from milestones.services.distribution.on_chain import OnChain, read_on_chain
from milestones.services.sending.contention import REBUILD_SECONDS, Contended, pause_seconds
from milestones.services.sending.payer import PaidBy, Payer
from milestones.services.sending.reports import SentResult
from milestones.services.sending.run import Run, SubmissionRequest
from milestones.services.sending.shortage import with_figures
from milestones.services.sending.waiting import wait_for_news
from milestones.transactions.contract_drafts import PublishedScripts
from milestones.transactions.draft import TransactionDraft

R = TypeVar("R", bound="SentResult")
OTHERS_WERE_FASTER: Final = "what this would have spent was spent meanwhile"


class SendingCommand(ABC, Generic[R]):
    """What a command supplies. One object serves one run, over all its attempts.

    `name` is the command's on the command line. `distribution_id` (28 bytes) is what it is about, None
    where it is about no distribution. A `fixed` command can only build the same again: so it isn't built
    again where others were faster. One that `rehearses` says of a wallet that is short what all of it costs.
    """

    name: str
    fixed: bool = False
    rehearses: bool = True
    distribution_id: bytes | None = None

    @abstractmethod
    def build(self, run: Run) -> AsyncIterator[SubmissionRequest]:
        """The transactions that are still to be sent, in order; each is sent before the next is asked for.

        All checks come before the first. With `run.dry_run` nothing is sent in between. Where somebody else
        was faster all is asked for again: what is there must be looked at each time.
        """

    @abstractmethod
    def report(self, run: Run) -> R:
        """What the command has done, out of `run.transactions`."""


@dataclass(kw_only=True)
class DistributionCommand(SendingCommand[R]):
    """What a command about one distribution supplies; `distribution_id` is that of its name."""

    distribution_name: DistributionName
    distribution_id: bytes = field(init=False)
    _on_chain: OnChain | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.distribution_id = self.distribution_name.distribution_id

    async def look(self, run: Run) -> OnChain:
        """The distribution, as a block will have it once it has the mempool. Raises as `read_on_chain`."""
        self._on_chain = await read_on_chain(run.backend, self.distribution_name, run.mempool)
        return self._on_chain

    @property
    def on_chain(self) -> OnChain:
        """What the last look has shown."""
        if self._on_chain is None:
            raise AssertionError("the chain was looked at")
        return self._on_chain


async def perform(
    backend: Backend,
    command: SendingCommand[R],
    *,
    key: PaidBy,
    dry_run: bool = False,
    wait: bool = False,
) -> R:
    """Runs a command to its end; `key` pays and signs, or says who does elsewhere.

    `wait` returns once a block has everything.
    Where others are faster, or have reserved what it needs, it is built again, for `REBUILD_SECONDS` at
    most. Raises what the command's checks raise; `NetworkMismatch`, `InsufficientFunds`,
    `LimitsExceeded`, `ChainRejected`, `OutcomeUnknown` and `ServiceUnavailable`. An error says what was
    sent before it.
    """
    payer = Payer.of(key)
    payer.must_be_on(backend.network.network_id)
    await require_network(backend)
    await require_one_chain(backend)
    run = Run(
        backend=backend,
        chain=await chain_of(backend),
        payer=payer,
        command=command.name,
        distribution_id=command.distribution_id,
        reservation=backend.storage.reservations.holder(
            f"`milestones {command.name}`, process {os.getpid()}"
        ),
        dry_run=dry_run,
        wait=wait,
        warnings=await require_fresh_index(backend),
    )
    try:
        return await _performed(run, command)
    except InsufficientFunds as error:
        if command.rehearses and not isinstance(error, BudgetSpent):
            error = await with_figures(run, command, error)
        raise run.cut_short(error) from None
    except Exception as error:
        reported = run.cut_short(error)
        if reported is error:
            raise
        raise reported from error
    finally:
        run.give_up_reservation()


async def _performed(run: Run, command: SendingCommand[R]) -> R:
    await _until_done(run, command)
    report = command.report(run)
    warnings = (*run.warnings, *storage_warnings(run.backend))
    return report.model_copy(
        update={
            "warnings": tuple(dict.fromkeys(warnings)),
            "handed_out": tuple(run.handed_out),
        }
    )


async def _until_done(run: Run, command: SendingCommand[Any]) -> None:
    """Attempt after attempt, until one is through or nothing can come of another."""
    until, attempt = asyncio.get_running_loop().time() + REBUILD_SECONDS, 0
    while True:
        seen = (await run.backend.kupo.health()).checkpoint_slot
        reserved = False
        try:
            await _attempt(run, command)
            if run.wait:
                await run.see_through()
            return
        except ChainRejected as error:
            if command.fixed or not error.inputs_spent or asyncio.get_running_loop().time() > until:
                raise
            words = OTHERS_WERE_FASTER
        except Contended as contended:
            if asyncio.get_running_loop().time() > until:
                raise contended.outcome from None
            words, reserved = str(contended), contended.reserved
        run.give_up_reservation()
        if reserved:
            run.backend.waits(f"waiting: {words}")
        else:
            run.warnings.append(f"{words}: built again on what is there")
            if not run.mempool.shown:
                # Only the next block shows who was faster.
                await wait_for_news(run.backend, seen)
        await asyncio.sleep(pause_seconds(attempt, reserved=reserved))
        attempt += 1


async def _attempt(run: Run, command: SendingCommand[Any]) -> None:
    """Sends all that the command builds. Raises `Contended` once all lanes are through, where one was lost."""
    run.lost.clear()
    run.backend.doing("looking at the chain, and at what earlier runs have sent")
    await run.look_back()
    async for request in command.build(run):
        await run.send_on_lane(request)
    run.give_up_reservation()
    for refusal in run.lost.values():
        raise Contended(OTHERS_WERE_FASTER, refusal)


class DraftSent(SentResult):
    """A transaction that was sent as somebody drafted it."""

    transaction_hash: str
    status: TransactionStatus


@dataclass(kw_only=True)
class SendDraft(SendingCommand[DraftSent]):
    """Sends one transaction as it is drafted: no rule of the contract is checked."""

    fixed = True
    name: str
    draft: TransactionDraft

    async def build(self, run: Run) -> AsyncIterator[SubmissionRequest]:
        """The one transaction."""
        context = await run.context(PublishedScripts(run.backend.contract))
        yield SubmissionRequest(transaction=await context.build(self.draft))

    def report(self, run: Run) -> DraftSent:
        """Its id."""
        (sent,) = run.transactions.values()
        return DraftSent(transaction_hash=sent.submission.transaction_id, status=sent.status)
