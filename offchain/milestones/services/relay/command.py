"""`relay`: pays whatever becomes claimable in the distributions that it is told to serve, within a budget.

It looks again with every block. What fails for a while, or is done by others first, is looked at again; it ends
when it is asked to, when its budget is spent, or when all is paid, if it shall end then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from milestones.cardano.slots import Point
from milestones.cardano.value import AssetId
from milestones.domain.models import TransactionStatus
from milestones.errors import (
    BudgetSpent,
    InsufficientFunds,
    InvalidConfiguration,
    InvalidInput,
    MilestonesError,
    NetworkMismatch,
    NotAllowedYet,
    NotFound,
    ServiceUnavailable,
)
from milestones.protocol.distribution import ContractAddress
from milestones.services.backend import Backend, chain_of, now_posix_ms, storage_warnings, tip_slot
from milestones.services.distribution.powers import in_ada
from milestones.services.paying.budget import Budget
from milestones.services.relay.report import Ended, Paid, Relayed
from milestones.services.relay.splitting import SplitWallet
from milestones.services.relay.state import RelayState, ServedState
from milestones.services.relay.step import Step, step_of
from milestones.services.sending.payer import PaidBy
from milestones.services.sending.runner import perform
from milestones.services.sending.tracking import mark, track
from milestones.storage.submission import ReleasePayload, Submission

_LOG: Final = logging.getLogger(__name__)

LOOK_SECONDS: Final = 2.0
"""How often it is asked whether there is a new block."""
IDLE_SECONDS: Final = 60.0
"""How long it waits for one at most before it looks all the same."""
FIRST_PAUSE_SECONDS: Final = 2.0
LONGEST_PAUSE_SECONDS: Final = 60.0
"""How long it waits after a failure: twice as long each time, up to this."""
ROLLBACK_SLOTS: Final = 129_600
"""How far back a rollback can reach: 36 hours. At the start all of them are looked at."""
SHALLOW_SLOTS: Final = 7_200
"""As long as a transaction is valid: what a rollback that was seen is looked at for."""


async def relay(
    backend: Backend,
    *,
    contract_addresses: Sequence[ContractAddress],
    key: PaidBy,
    budget: Budget,
    vouched: Collection[AssetId] = (),
    until_paid: bool = False,
    stop: asyncio.Event | None = None,
    state: RelayState | None = None,
) -> Relayed:
    """Serves distributions until `stop` is set, the budget is spent or, with `until_paid`, all is paid.

    `vouched` are the tokens that it pays out beside ADA. `state` is kept up to date for whoever watches. What
    can't be at all is raised before anything is sent: `InvalidInput`, `NotFound`, `NotAllowedYet` (`token`).
    From then on it goes on, whatever fails, but where the data directory can't be used.
    """
    if not contract_addresses:
        raise InvalidInput(
            "a relay is told which distributions it serves",
            path="contract_address",
            hint="give --contract-address, once for each",
        )
    serving = _Serving(
        backend=backend,
        names=tuple(dict.fromkeys(contract_addresses)),
        key=key,
        budget=budget,
        vouched=vouched,
        until_paid=until_paid,
        stop=stop or asyncio.Event(),
        state=state or RelayState(),
    )
    return await serving.until_the_end()


@dataclass(kw_only=True)
class _Serving:
    """A relay at work."""

    backend: Backend
    names: tuple[ContractAddress, ...]
    key: PaidBy
    budget: Budget
    vouched: Collection[AssetId]
    until_paid: bool
    stop: asyncio.Event
    state: RelayState
    steps: dict[str, Step] = field(default_factory=dict)
    chain: str = ""
    tip: Point | None = None
    was_split: bool = False
    warned: set[str] = field(default_factory=set)

    async def until_the_end(self) -> Relayed:
        """Pass after pass."""
        self.state.most_lovelace = self.budget.most_lovelace
        self.state.served = {str(name): ServedState() for name in self.names}
        pause, ended = FIRST_PAUSE_SECONDS, self._asked_to_end()
        while ended is None:
            try:
                seen = (await self.backend.kupo.health()).checkpoint_slot
                ended = await self._pass()
                self.state.failure, pause = "", FIRST_PAUSE_SECONDS
                if ended is None:
                    await self._next_block(seen)
            except (InvalidConfiguration, NetworkMismatch):
                raise
            except ServiceUnavailable as error:
                self.state.failed(error.message)
                _LOG.warning("%s: tried again in %.0f s", error.message, pause)
                await self._sleep(pause)
                pause = min(LONGEST_PAUSE_SECONDS, 2 * pause)
            ended = ended or self._asked_to_end()
        self.state.stopping = True
        return await self._report(ended)

    def _asked_to_end(self) -> Ended | None:
        return "stopped" if self.stop.is_set() else None

    async def _pass(self) -> Ended | None:
        """One look at all distributions; how it ends, if it does."""
        await self._see_rollbacks()
        spent = False
        for name in self.names:
            served = self.state.served[str(name)]
            if not self.stop.is_set():
                spent |= await self._served(name, served)
        self.state.passes += 1
        self.state.seen_at = now_posix_ms() / 1000
        self._look_into_book()
        if all(each.is_done for each in self.state.served.values()) and self.until_paid:
            return "all_paid"
        if spent and self.state.book.pending_count:
            # No step asks what became of the wallet's split.
            await self._audit(SHALLOW_SLOTS)
            self._look_into_book()
        if spent and not self.state.book.pending_count:
            return "budget_spent"
        return None

    async def _served(self, name: ContractAddress, served: ServedState) -> bool:
        """Whether the budget had no room for another claim. What fails in one stops none of the others."""
        served.said = ""
        try:
            step = await self._step(name)
            await self._split(step)
            paid = await step.taken(self.backend, key=self.key)
            self._note(name, paid)
            settled = not (paid.unpaid_count or paid.pending_count)
            served.is_done = settled and await step.is_paid(self.backend)
        except BudgetSpent as error:
            served.said = error.message
            return self._is_spent(error)
        except (ServiceUnavailable, InvalidConfiguration):
            raise
        except MilestonesError as error:
            if not self.state.passes and isinstance(error, _HOPELESS) and not _is_closed(error):
                raise
            served.is_done, served.said = _is_closed(error), error.message
            hint = f"; {error.hint}" if isinstance(error, InsufficientFunds) else ""
            self._say_once(f"{name}: {error.message}{hint}")
        return False

    async def _step(self, name: ContractAddress) -> Step:
        found = self.steps.get(str(name))
        if found is None:
            found = self.steps[str(name)] = await step_of(
                self.backend,
                name,
                budget=self.budget,
                vouched=self.vouched,
                stopping=self.stop.is_set,
            )
        return found

    async def _split(self, step: Step) -> None:
        """Outputs for as many lanes as there are pages, once."""
        if self.was_split:
            return
        self.was_split = True
        lanes = await step.pages(self.backend)
        if lanes > 1:
            splitting = SplitWallet(lanes=lanes, budget=self.budget)
            try:
                split = await perform(self.backend, splitting, key=self.key)
            except InsufficientFunds as error:
                _LOG.info("the wallet is not split: %s", error.message)
                return
            if split.transaction_hash is not None:
                self.state.sent[split.transaction_hash] = 0
                _LOG.info(
                    "the wallet is split into %d outputs, to pay pages side by side, in transaction %s",
                    split.output_count,
                    split.transaction_hash,
                )

    def _is_spent(self, error: BudgetSpent) -> bool:
        """Whether no waiting brings room: what is left in all is too little."""
        held = self.budget.state(self.backend, self.chain)
        left = held.room_lovelace(self.budget.most_lovelace, None)
        return left is not None and error.required_lovelace > left

    def _note(self, name: ContractAddress, paid: Paid) -> None:
        fresh = set(self.state.note(str(name), paid))
        for each in paid.transactions:
            if each.transaction_hash not in fresh:
                continue
            done = f"paid {len(each.beneficiary_indices)} claims"
            if each.confirmed_milestone is not None:
                done = f"confirmed the proposal of milestone {each.confirmed_milestone!r}"
            _LOG.info(
                "%s%s in transaction %s, fee %s",
                done,
                " (sent before)" if each.resumed else "",
                each.transaction_hash,
                in_ada(each.fee_lovelace),
                extra={"token_amount": each.token_amount, "distribution": str(name)},
            )
        if paid.rebuilt_count:
            _LOG.info("others were faster, and it was built again on what they left")
        for warning in paid.warnings:
            self._say_once(warning)

    def _say_once(self, words: str) -> None:
        if words not in self.warned:
            self.warned.add(words)
            _LOG.warning("%s", words)

    # -- the book

    def _look_into_book(self) -> None:
        before, self.state.book = self.state.book, self.budget.state(self.backend, self.chain)
        if self.state.book.spent_lovelace != before.spent_lovelace:
            most = self.budget.most_lovelace
            _LOG.info(
                "%s%s are spent; %d transactions wait for a block",
                in_ada(self.state.book.spent_lovelace),
                "" if most is None else f" of {in_ada(most)}",
                self.state.book.pending_count,
            )

    async def _see_rollbacks(self) -> None:
        """After a rollback since the last pass, and at first, the book is audited."""
        self.chain = self.chain or await chain_of(self.backend)
        known = self.tip
        gone = known is not None and await self.backend.ogmios.intersection([known]) is None
        tip = await self.backend.ogmios.network_tip()
        if gone:
            self.state.rollback_count += 1
            _LOG.warning("the chain was rolled back: what it had taken is looked for again")
        if known is None or gone:
            await self._audit(ROLLBACK_SLOTS if known is None else SHALLOW_SLOTS)
        self.tip = tip

    async def _audit(self, reach_slots: int) -> None:
        """Finds transactions of the book of which the journal says something else than the chain."""
        slot = await tip_slot(self.backend)
        rows = self.backend.storage.journal.in_book(
            self.budget.book, self.chain, void_from_slot=slot - reach_slots
        )
        for tracked in await track(self.backend, rows):
            known = tracked.submission
            if tracked.status == "confirmed":
                self._correct(known, "confirmed", "in a block")
            elif tracked.status == "expired" and known.status == "confirmed":
                self._correct(known, "expired", "rolled back, and its time has passed")

    def _correct(self, known: Submission, status: TransactionStatus, note: str) -> None:
        if known.status != status:
            mark(self.backend, known, status, note)
            _LOG.info("transaction %s is %s", known.transaction_id, status)

    # -- waiting

    async def _next_block(self, seen: int | None) -> None:
        """Returns when there is another block than the one `seen`, after a minute, or when it shall stop."""
        waited = 0.0
        while waited < IDLE_SECONDS and not self.stop.is_set():
            if (await self.backend.kupo.health()).checkpoint_slot != seen:
                return
            await self._sleep(LOOK_SECONDS)
            waited += LOOK_SECONDS

    async def _sleep(self, seconds: float) -> None:
        """A pause that ends when it shall stop."""
        try:
            await asyncio.wait_for(self.stop.wait(), seconds)
        except asyncio.TimeoutError:
            return

    async def _report(self, ended: Ended) -> Relayed:
        journal = self.backend.storage.journal
        own = [journal.find(each) for each in self.state.sent]
        alive = [e for e in own if e is not None and e.status not in ("rejected", "expired")]
        if self.chain:
            self._look_into_book()
        return Relayed(
            ended=ended,
            contract_addresses=tuple(map(str, self.names)),
            transaction_count=len(alive),
            claim_count=sum(self.state.sent[each.transaction_id] for each in alive),
            confirmation_count=self.state.confirmation_count,
            fee_lovelace=sum(each.fee_lovelace for each in alive),
            added_lovelace=sum(map(_added_lovelace, alive)),
            rebuilt_count=self.state.rebuilt_count,
            book=self.budget.book,
            spent_lovelace=self.state.book.spent_lovelace,
            most_lovelace=self.budget.most_lovelace,
            warnings=tuple(storage_warnings(self.backend)),
        )


_HOPELESS: Final = (InvalidInput, NotFound, NotAllowedYet)
"""What is wrong from the first look on won't pass: a wrong address, a token that nobody vouches for."""


def _is_closed(error: MilestonesError) -> bool:
    return isinstance(error, NotAllowedYet) and error.rule == "closed"


def _added_lovelace(submission: Submission) -> int:
    """The ADA that a transaction adds to its payouts, less the allowance."""
    payload = submission.payload
    if isinstance(payload, ReleasePayload):
        return payload.deposits_lovelace - payload.allowance_lovelace
    return getattr(payload, "deposit_lovelace", 0)
