"""A command under way: what it may use, how a transaction of it leaves, and what has become of it.

What is about to be submitted is in the journal before it is sent. A lost answer is never taken for a
failure: the same bytes can be sent again, which the chain takes at most once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from milestones.cardano.outputs import OutputReference, Utxo
from milestones.clients.mempool import Mempool
from milestones.domain.models import TransactionStatus
from milestones.domain.posix_time import in_words, to_posix_seconds
from milestones.errors import (
    ChainRejected,
    InvalidConfiguration,
    MilestonesError,
    NotAllowedYet,
    OutcomeUnknown,
    ServiceUnavailable,
)
from milestones.services.backend import Backend, now_posix_ms, tip_slot
from milestones.services.sending.building import BuildContext
from milestones.services.sending.contention import Contended
from milestones.services.sending.effects import Effect, done_by_another, effect_there
from milestones.services.sending.funds import funds_of
from milestones.services.sending.handing_out import hand_out, must_not_wait, needed_by
from milestones.services.sending.payer import HandOut, Payer
from milestones.services.sending.published_scripts import require_published
from milestones.services.sending.reports import CommandTransaction, HandedOut
from milestones.services.sending.submitting import see_through, send_bytes, take_up_unsettled
from milestones.services.sending.tracking import TrackedSubmission, mark, unsettled
from milestones.services.sending.waiting import wait_for_index
from milestones.services.sending.words import log_words, must_be_approved, words_of
from milestones.storage.book import Charge
from milestones.storage.reservations import Reservation, Reserved
from milestones.storage.submission import ChangeOutput, Payload, StatusChange, Submission
from milestones.transactions.contract_drafts import PublishedScripts
from milestones.transactions.signing import checked_request, signed_by
from milestones.transactions.tx_builder import BalancedTransaction

P = TypeVar("P", bound=Payload)
SLACK_SECONDS: Final = 120
"""How much sooner than asked a transaction may end without a word: the clock goes on while it is built."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionRequest:
    """A transaction that a command wants sent, and what the journal shall know of it.

    `sole` names what may be under way only once for the command and its distribution. `charge` is what it
    costs, for the book that it is paid from. `lane` is the chain of transactions that it belongs to: where
    others were faster with it, the other lanes go on. `meaning` says in sentences what the whole command
    comes to, where this transaction alone doesn't.
    """

    transaction: BalancedTransaction
    payload: Payload | None = None
    sole: str | None = None
    charge: Charge | None = None
    lane: int | None = None
    meaning: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Run:
    """One command under way: what it may use, and what has become of its transactions.

    `chain` says which chain the node follows (`chain_of`). `payer` is whose outputs pay, and whoever
    signs. `transactions` are by id (hexadecimal), in the order in which they were sent, those of earlier
    runs first. `pending` is everything in the journal that a block may still bring, of all commands;
    `waiting` is what waits for signatures, and `handed_out` what this run has added to it. `mempool` is the
    node's when the run looked back, `seen_slot` the newest block's slot then. `reservation` is what the run
    keeps from other processes. `gift` is an output that a rehearsal takes the wallet to hold. `lost` are
    the lanes on which others were faster, and how that was refused. `approved`: whoever is asked has agreed
    to what this run does for good.
    """

    backend: Backend
    chain: str
    payer: Payer
    command: str
    distribution_id: bytes | None
    reservation: Reservation
    dry_run: bool = False
    wait: bool = False
    warnings: list[str] = field(default_factory=list)
    transactions: dict[str, CommandTransaction] = field(default_factory=dict)
    pending: list[TrackedSubmission] = field(default_factory=list)
    waiting: list[Submission] = field(default_factory=list)
    handed_out: list[HandedOut] = field(default_factory=list)
    mempool: Mempool = field(default_factory=Mempool)
    seen_slot: int = 0
    gift: Utxo | None = None
    lost: dict[int, MilestonesError] = field(default_factory=dict)
    approved: bool = False

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
        else:
            await self._take_up_unsettled()
        # Before anything is asked of the index: what leaves the mempool for a block is then found there.
        self.mempool = await self.backend.ogmios.mempool()
        self.seen_slot = await tip_slot(self.backend)
        self.waiting = self.backend.storage.journal.waiting(self.seen_slot, self.chain)

    async def _take_up_unsettled(self) -> None:
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

    def after(self, alike: Callable[[Submission], bool]) -> str:
        """The newest of the command's `alike` transactions that a block had when the run looked back.

        A part of `sole` where the like can be done again once it was undone: until it is out of time, what
        is in a block would else be taken for another run's. Empty where there is none.
        """
        newest = [
            each.submission.transaction_id
            for each in self.pending
            if each.status == "confirmed"
            and each.submission.is_of(None, self.distribution_id, self.command)
            and alike(each.submission)
        ]
        return f" after {newest[-1]}" if newest else ""

    async def context(self, scripts: PublishedScripts | None = None) -> BuildContext:
        """What the next transaction is built with; the published scripts are looked up unless given."""
        known = await require_published(self.backend) if scripts is None else scripts
        holders = {} if self.dry_run else self.reservation.others()
        for each in self.waiting:
            words = f"transaction {each.transaction_id}, which waits for signatures"
            holders |= {str(reference): words for reference in needed_by(each)}
        funds = await funds_of(
            self.backend, self.payer, self.pending, mempool=self.mempool, holders=holders
        )
        context = await BuildContext.gather(self.backend, known, funds)
        context = replace(context, mempool=self.mempool, reserve=self._reserve)
        return context if self.gift is None else context.with_gift(self.gift)

    def _reserve(self, references: Iterable[OutputReference]) -> None:
        if not self.dry_run:
            self.reservation.take(map(str, references))

    def give_up_reservation(self) -> None:
        """Others may have what this run does not need any more."""
        # Where the folder can't be used, the lock ends with the process all the same.
        with suppress(MilestonesError):
            self.reservation.drop()

    async def send_on_lane(self, request: SubmissionRequest) -> None:
        """As `send`; where others were faster with what has a lane, that lane alone ends."""
        try:
            await self.send(request)
        except (ChainRejected, Contended) as error:
            refusal = error.outcome if isinstance(error, Contended) else error
            faster = isinstance(error, Contended) or error.inputs_spent
            if request.lane is None or not faster:
                raise
            self.lost[request.lane] = refusal

    async def send(self, request: SubmissionRequest) -> None:
        """Signs, writes down and submits; a dry run only notes the transaction.

        Raises `ChainRejected`, `ServiceUnavailable` (it was not sent) or `OutcomeUnknown`; the journal
        knows in every case. `Contended` where another run does the like, or has since this one looked.
        """
        log_words(self.backend, request.transaction)
        if self.dry_run:
            if self.payer.hand_over is not None:
                self.payer.hand_over.take(checked_request(request.transaction))
            self._note(
                self._submission(request, request.transaction.unsigned(), chain=None), "dry_run"
            )
            return
        purpose = None if request.payload is None else request.payload.purpose
        effect = Effect.of(request.transaction.unsigned(), purpose)
        must_not_wait(self.waiting, effect, [each.reference for each in request.transaction.inputs])
        if self.payer.hand_out is not None:
            await self._be_the_first(effect)
            await self._hand_out(request, self.payer.hand_out)
            return
        await self._must_be_approved(request)
        signed = await signed_by(request.transaction, self.payer.signers)
        # Signing may have taken a person's time.
        await self._be_the_first(effect)
        slot = await tip_slot(self.backend)
        submission = self._submission(request, signed.cbor, chain=self.chain, slot=slot)
        self.backend.storage.journal.prepare(submission, slot=slot, charge=request.charge)
        await send_bytes(self.backend, submission.transaction_id, signed.cbor)
        self._note(submission, "submitted")
        if self.wait:
            self.backend.progress(f"submitted transaction {submission.transaction_id}")
        with suppress(Reserved, MilestonesError):
            # The next transaction may build on it. Nothing is lost where another takes it first.
            self._reserve(output.reference for output in submission.change)

    async def _must_be_approved(self, request: SubmissionRequest) -> None:
        """Asks before the first signature; built anew it is the same command. Raises `SigningRefused`."""
        if self.backend.approve is not None and not self.approved:
            words = request.meaning or words_of(self.backend, request.transaction).summary
            await must_be_approved(self.backend, words)
        self.approved = True

    async def _hand_out(self, request: SubmissionRequest, where: HandOut) -> None:
        """Writes it down, and then into a file for whoever signs; nothing is sent."""
        asked = checked_request(request.transaction)
        slot = await tip_slot(self.backend)
        submission = self._submission(
            request,
            asked.transaction_cbor,
            chain=self.chain,
            slot=slot,
            status="waiting_for_signatures",
        )
        self.backend.storage.journal.prepare(submission, slot=slot)
        file = where.file_of(len(self.handed_out))
        clock = await self.backend.ogmios.slot_clock()
        handed_out = hand_out(self.backend, asked, file, clock)
        self.handed_out.append(handed_out)
        wanted = to_posix_seconds(clock.start_of(slot)) + where.valid_for_seconds - SLACK_SECONDS
        if handed_out.valid_until is not None and handed_out.valid_until < wanted:
            self.warnings.append(
                f"{file} must be signed and sent before {in_words(handed_out.valid_until)}, sooner than"
                " --valid-for says: a time lock, or how far the node foresees its slots"
            )
        self._note(submission, "waiting_for_signatures")

    async def _be_the_first(self, effect: Effect) -> None:
        """Keeps other processes from doing the same, and looks whether somebody has since this run looked."""
        if not effect.names:
            return
        try:
            self.reservation.take(f"{name} on {self.chain}" for name in effect.names)
        except Reserved as reserved:
            words = f"{reserved.holder} is about to do the same"
            hint = "run the command again: it goes on with what the other one has done"
            under_way = NotAllowedYet("under_way", words, hint=hint)
            raise Contended(words, under_way, reserved=True) from None
        mempool = await self.backend.ogmios.mempool()
        await wait_for_index(self.backend)
        waiting = {each.id for each in self.mempool.transactions}
        ours = {bytes.fromhex(transaction_id) for transaction_id in self.transactions}
        there = await effect_there(
            self.backend, effect, mempool, since_slot=self.seen_slot, ours=waiting | ours
        )
        if there is not None:
            raise Contended(
                f"somebody else has just done the same, in {there}", done_by_another(there)
            )

    async def see_through(self, transaction_ids: Iterable[str] | None = None) -> None:
        """Returns once a block has each of the transactions; by default all of this run's.

        What is handed out is not waited for: people sign when they like.
        """
        if self.dry_run or self.payer.hand_out is not None:
            return
        wanted = self.transactions if transaction_ids is None else transaction_ids
        for transaction_id in list(wanted):
            known = self.transactions.get(transaction_id)
            if known is None or known.status != "confirmed":
                await see_through(self.backend, transaction_id)
            if known is not None:
                self.transactions[transaction_id] = replace(known, status="confirmed")

    def rehearsal(self, *, gift: Utxo | None = None) -> Run:
        """The same run as a dry run on its own, to build everything before anything is sent.

        `gift`: for a wallet that holds one more output.
        """
        return replace(
            self,
            dry_run=True,
            payer=replace(self.payer, hand_over=None),
            warnings=[],
            transactions={},
            handed_out=[],
            gift=gift or self.gift,
        )

    @property
    def status(self) -> TransactionStatus:
        """The status of all transactions together: theirs if it is the same, else `submitted`."""
        statuses = {each.status for each in self.transactions.values()}
        return statuses.pop() if len(statuses) == 1 else "submitted"

    def cut_short(self, error: Exception) -> Exception:
        """How an error is to be reported, after what was sent before it.

        What the chain or the contract says stays what it is. Where this machine or a service fails, what
        was sent is on its way all the same: `OutcomeUnknown`.
        """
        if self.dry_run or not self.transactions:
            return error
        if not isinstance(error, MilestonesError) or isinstance(
            error, (InvalidConfiguration, ServiceUnavailable)
        ):
            error = OutcomeUnknown.after(next(reversed(self.transactions)), error)
        sent = [key for key, each in self.transactions.items() if not each.resumed]
        if sent:
            error.details["transactions_sent"] = sent
            error.hint += f" ({len(sent)} transactions were sent before: the same command goes on)"
        return error

    def _take_up(self, tracked: TrackedSubmission) -> None:
        submission = tracked.submission
        known = self.transactions.get(submission.transaction_id)
        self.transactions[submission.transaction_id] = CommandTransaction(
            submission=submission,
            status=tracked.status,
            resumed=known is None or known.resumed,
        )
        self.backend.sent.append(submission.transaction_id)
        if tracked.status == "confirmed":
            mark(self.backend, submission, "confirmed", "in a block")

    def _note(self, submission: Submission, status: TransactionStatus) -> None:
        self.transactions[submission.transaction_id] = CommandTransaction(
            submission=submission, status=status
        )

    def _submission(
        self,
        request: SubmissionRequest,
        cbor: bytes,
        *,
        chain: str | None,
        slot: int = 0,
        status: TransactionStatus = "prepared",
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
            history=(StatusChange(status=status, at_posix_ms=now_posix_ms()),),
        )
