"""The one way in which a command's transactions leave.

A command says what it is called, what it builds and what it reports. The runner does the rest, the same
for all: know the network, see how fresh the index is, take up what an earlier run left, sign, write
down, submit, perhaps wait, and build anew where somebody else was faster.

What is about to be submitted is in the journal before it is sent. A lost answer is never taken for a
failure: the same bytes can be sent again, which the chain takes at most once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final, Generic, TypeVar

from milestones.domain.models import TransactionStatus
from milestones.errors import ChainRejected, MilestonesError
from milestones.keys.key_files import SigningKey
from milestones.services.backend import (
    Backend,
    chain_of,
    require_network,
    staleness,
    storage_warnings,
)
from milestones.services.results import Result, View
from milestones.services.sending.building import BuildContext
from milestones.services.sending.published_scripts import require_published
from milestones.services.sending.tracking import (
    TrackedSubmission,
    mark,
    now_posix_ms,
    see_through,
    send_bytes,
    take_up_unsettled,
    unsettled,
    wait_for_news,
)
from milestones.storage.submission import ChangeOutput, Payload, StatusChange, Submission
from milestones.transactions.contract_drafts import PublishedScripts
from milestones.transactions.draft import TransactionDraft
from milestones.transactions.signers import Signer
from milestones.transactions.signing import signed_by
from milestones.transactions.tx_builder import BalancedTransaction

ATTEMPTS: Final = 30
"""How often a transaction is rebuilt. A block comes every 20 s: with bad luck all the time, 10 minutes."""

Progress = Callable[[str], None]
R = TypeVar("R", bound=Result)
P = TypeVar("P", bound=Payload)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionRequest:
    """A transaction that a command wants sent, and what the journal shall know of it.

    `sole` names what may be under way only once for the command and its distribution.
    """

    transaction: BalancedTransaction
    payload: Payload | None = None
    sole: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandTransaction:
    """A transaction of a command, built by this run or `resumed` from an earlier one."""

    submission: Submission
    status: TransactionStatus
    resumed: bool = False


class TransactionView(View):
    """What every report says of a transaction: fee and collateral in lovelace, size in bytes.

    `memory` and `cpu` are its scripts' execution units. `resumed` says that an earlier run of the
    command had sent it.
    """

    transaction_hash: str
    status: TransactionStatus
    fee_lovelace: int
    collateral_lovelace: int
    size: int
    memory: int
    cpu: int
    resumed: bool = False


def transaction_fields(sent: CommandTransaction) -> dict[str, Any]:
    """The fields of a `TransactionView`."""
    submission = sent.submission
    return {
        "transaction_hash": submission.transaction_id,
        "status": sent.status,
        "fee_lovelace": submission.fee_lovelace,
        "collateral_lovelace": submission.collateral_lovelace,
        "size": submission.size,
        "memory": submission.memory,
        "cpu": submission.cpu,
        "resumed": sent.resumed,
    }


class SendingCommand(ABC, Generic[R]):
    """What a command supplies. One object serves one run, over all its attempts.

    `name` is the command's on the command line. `distribution_id` (28 bytes) is what it is about, None
    where it is about no distribution. A `competing` command is built anew where another transaction was
    faster, because the like of it may be under way many times.
    """

    name: str
    competing: bool = False
    distribution_id: bytes | None = None

    @abstractmethod
    def build(self, run: Run) -> AsyncIterator[SubmissionRequest]:
        """The transactions that are still to be sent, in order; each is sent before the next is asked for.

        All checks come before the first. With `run.dry_run` nothing is sent in between.
        """

    @abstractmethod
    def report(self, run: Run) -> R:
        """What the command has done, out of `run.transactions`."""


@dataclass(slots=True, kw_only=True)
class Run:
    """One command under way: what it may use, and what has become of its transactions.

    `chain` says which chain the node follows (`chain_of`). `payer` is the payment key's hash (28 bytes)
    whose outputs pay. `transactions` are by id (hexadecimal), in the order in which they were sent, those
    of earlier runs first. `pending` is everything in the journal that a block may still bring, of all
    commands.
    """

    backend: Backend
    chain: str
    payer: bytes
    signers: tuple[Signer, ...]
    command: str
    distribution_id: bytes | None
    dry_run: bool = False
    wait: bool = False
    progress: Progress = field(default=lambda _: None)
    warnings: list[str] = field(default_factory=list)
    transactions: dict[str, CommandTransaction] = field(default_factory=dict)
    pending: list[TrackedSubmission] = field(default_factory=list)

    def newest(self, kind: type[P]) -> tuple[CommandTransaction, P]:
        """The newest transaction, which was built or taken up, and its payload of this kind."""
        *_, sent = self.transactions.values()
        payload = sent.submission.payload
        if not isinstance(payload, kind):
            raise AssertionError("such a transaction was built or taken up")
        return sent, payload

    async def look_back(self) -> None:
        """Finds out where the journal's transactions are; what was lost is sent again, but by a dry run."""
        if self.dry_run:
            self.pending = await unsettled(self.backend, self.chain)
            return
        self.pending = await take_up_unsettled(
            self.backend, self.chain, self.command, self.distribution_id
        )
        for transaction_id in list(self.transactions):
            submission = self.backend.storage.journal.find(transaction_id)
            if submission is None or submission.status in ("rejected", "expired"):
                del self.transactions[transaction_id]

    def resume(self, wanted: Callable[[Submission], bool]) -> list[CommandTransaction]:
        """Takes up the `wanted` transactions of earlier runs of the command; all of this command's, then.

        Those are meant of which no run has seen yet that a block has them. A dry run leaves them alone
        and warns. What this run has sent itself is brought up to date.
        """
        for tracked in self.pending:
            submission = tracked.submission
            if not submission.is_of(None, self.distribution_id, self.command) or not wanted(
                submission
            ):
                continue
            if self.dry_run:
                self.warnings.append(
                    f"transaction {submission.transaction_id} of an earlier run may still be on its way"
                )
            elif tracked.status != "confirmed" or submission.is_pending:
                self._take_up(tracked)
        return list(self.transactions.values())

    def resume_instead(self, wanted: Callable[[Submission], bool]) -> bool:
        """As `resume`, where one transaction is all: whether an earlier run has sent it. It warns so."""
        found = self.resume(wanted)
        for sent in found:
            where = "a block has it" if sent.status == "confirmed" else "it is still on its way"
            self.warnings.append(
                f"transaction {sent.submission.transaction_id} was sent by an earlier run of this"
                f" command, and {where}: nothing new was built"
            )
        return bool(found)

    async def context(self, scripts: PublishedScripts | None = None) -> BuildContext:
        """What the next transaction is built with; the published scripts are looked up unless given."""
        known = await require_published(self.backend) if scripts is None else scripts
        return await BuildContext.gather(self.backend, self.payer, known, self.pending)

    async def send(self, request: SubmissionRequest) -> None:
        """Signs, writes down and submits; a dry run only notes the transaction.

        Raises `ChainRejected`, `ServiceUnavailable` (it was not sent) or `OutcomeUnknown`; the journal
        knows in every case. `NotAllowedYet` where another run has sent the like since this one looked.
        """
        if self.dry_run:
            self._note(
                self._submission(request, request.transaction.unsigned(), chain=None), "dry_run"
            )
            return
        signed = await signed_by(request.transaction, self.signers)
        tip = await self.backend.ogmios.network_tip()
        slot = tip.slot if tip else 0
        submission = self._submission(request, signed.cbor, chain=self.chain, slot=slot)
        self.backend.storage.journal.prepare(submission, slot=slot)
        await send_bytes(self.backend, submission.transaction_id, signed.cbor)
        self._note(submission, "submitted")

    async def see_through(self, transaction_ids: Iterable[str] | None = None) -> None:
        """Returns once a block has each of the transactions; by default all of this run's."""
        if self.dry_run:
            return
        wanted = self.transactions if transaction_ids is None else transaction_ids
        for transaction_id in list(wanted):
            known = self.transactions.get(transaction_id)
            if known is None or known.status != "confirmed":
                await see_through(self.backend, transaction_id)
            if known is not None:
                self.transactions[transaction_id] = replace(known, status="confirmed")

    def rehearsal(self) -> Run:
        """The same run as a dry run on its own, to build everything before anything is sent."""
        return replace(self, dry_run=True, warnings=[], transactions={})

    @property
    def status(self) -> TransactionStatus:
        """The status of all transactions together: theirs if it is the same, else `submitted`."""
        statuses = {each.status for each in self.transactions.values()}
        return statuses.pop() if len(statuses) == 1 else "submitted"

    def say_what_was_sent(self, error: MilestonesError) -> None:
        """Adds to an error what was sent before it."""
        sent = [key for key, each in self.transactions.items() if not each.resumed]
        if sent and not self.dry_run:
            error.details["transactions_sent"] = sent
            error.hint += f" ({len(sent)} transactions were sent before: the same command goes on)"

    def _take_up(self, tracked: TrackedSubmission) -> None:
        submission = tracked.submission
        known = self.transactions.get(submission.transaction_id)
        if tracked.status == "confirmed":
            mark(self.backend, submission, "confirmed", "in a block")
        self.transactions[submission.transaction_id] = CommandTransaction(
            submission=submission,
            status=tracked.status,
            resumed=known is None or known.resumed,
        )

    def _note(self, submission: Submission, status: TransactionStatus) -> None:
        self.transactions[submission.transaction_id] = CommandTransaction(
            submission=submission, status=status
        )

    def _submission(
        self, request: SubmissionRequest, cbor: bytes, *, chain: str | None, slot: int = 0
    ) -> Submission:
        transaction = request.transaction
        return Submission(
            transaction_id=transaction.id.hex(),
            command=self.command,
            distribution_id=self.distribution_id,
            transaction_cbor=cbor,
            inputs=tuple(utxo.reference for utxo in transaction.inputs),
            change=tuple(ChangeOutput.of(utxo) for utxo in transaction.change),
            valid_until_slot=transaction.assembly.draft.valid_until_slot,
            chain=chain,
            sole=request.sole,
            fee_lovelace=transaction.fee_lovelace,
            collateral_lovelace=transaction.collateral_lovelace,
            size=transaction.signed_size,
            memory=transaction.units.memory,
            cpu=transaction.units.cpu,
            payload=request.payload,
            prepared_slot=slot,
            history=(StatusChange(status="prepared", at_posix_ms=now_posix_ms()),),
        )


async def perform(
    backend: Backend,
    command: SendingCommand[R],
    *,
    key: SigningKey,
    dry_run: bool = False,
    wait: bool = False,
    progress: Progress = lambda _: None,
) -> R:
    """Runs a command to its end. `wait` returns once a block has everything.

    Raises what the command's checks raise; `NetworkMismatch`, `InsufficientFunds`, `LimitsExceeded`,
    `ChainRejected`, `OutcomeUnknown` and `ServiceUnavailable`. An error says what was sent before it.
    """
    await require_network(backend)
    run = Run(
        backend=backend,
        chain=await chain_of(backend),
        payer=key.key_hash,
        signers=(key,),
        command=command.name,
        distribution_id=command.distribution_id,
        dry_run=dry_run,
        wait=wait,
        progress=progress,
        warnings=await staleness(backend),
    )
    try:
        for attempt in range(ATTEMPTS):
            seen = (await backend.kupo.health()).checkpoint_slot
            try:
                await run.look_back()
                async for request in command.build(run):
                    await run.send(request)
                if wait:
                    await run.see_through()
                break
            except ChainRejected as error:
                if not (command.competing and error.inputs_spent and attempt + 1 < ATTEMPTS):
                    raise
            run.warnings.append(
                "what this would have spent was spent meanwhile: built again on what is there"
            )
            # It may have been the change of a transaction of ours that the node has forgotten.
            await run.look_back()
            await wait_for_news(backend, seen)
    except MilestonesError as error:
        run.say_what_was_sent(error)
        raise
    report = command.report(run)
    warnings = (*run.warnings, *storage_warnings(backend))
    return report.model_copy(update={"warnings": tuple(dict.fromkeys(warnings))})


class DraftSent(Result):
    """A transaction that was sent as somebody drafted it."""

    transaction_hash: str
    status: TransactionStatus


@dataclass(kw_only=True)
class SendDraft(SendingCommand[DraftSent]):
    """Sends one transaction as it is drafted: no rule of the contract is checked."""

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
