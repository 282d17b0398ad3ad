"""Payments for those without ADA: who asks is written down, and paid with the next, within the budget.

Each allocation is paid once, by the contract's rule, and a server that asks again for what is on its way sends
nothing: what counts is the chain, the journal, and what was written down here, in this order.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

from milestones.cardano.address import Address
from milestones.cardano.value import LOVELACE
from milestones.domain.claims import ClaimState
from milestones.errors import (
    BudgetSpent,
    InsufficientFunds,
    InvalidConfiguration,
    MilestonesError,
    NotFound,
    ServiceUnavailable,
)
from milestones.protocol.deposits import payout_min_lovelace
from milestones.services.backend import chain_of, now_posix_ms
from milestones.services.calculate_distribution import AllocationStates
from milestones.services.distribution.claims import allocations_of
from milestones.services.paying.plan import Selection
from milestones.services.paying.releasing import allocations_in
from milestones.services.relay import Paid, pay
from milestones.storage.book import BookState
from milestones.storage.serving import PaymentAsked
from milestones.web.settings import RelaySettings

if TYPE_CHECKING:
    from milestones.web.serving import Served, Serving

_LOG: Final = logging.getLogger(__name__)
PaymentStatus = Literal[
    "accepted", "queued", "paid", "too_early", "closed", "budget_spent", "nothing_there"
]
"""`accepted`: it is written down now, and will be paid. `queued`: it was already, or is on its way.

`paid`: all that is due is in blocks. `too_early`: nothing is due yet. `closed`: nothing ever will be.
`budget_spent`: the relay pays nothing more for now."""
GATHER_SECONDS: Final = 1.0
"""How long others may join whoever has asked: a transaction pays many."""
LOOK_SECONDS: Final = 2.0
"""How often it is looked whether there is a new block."""
RETRY_SECONDS: Final = 30.0
"""After how long it is tried again where nothing could be paid."""
MOST_AT_ONCE: Final = 500
"""Allocations that one pass pays."""
CLAIM_FEE_LOVELACE: Final = 400_000
"""What a claim's part of a fee is at most: nothing is promised that the budget may have no room for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """How a payment stands. `states` are the allocations that it is about: those due, on their way, or paid.

    `position` is its place among those that wait, from 1; `transaction_hash` the newest that pays any of it.
    """

    status: PaymentStatus
    states: tuple[ClaimState, ...] = ()
    position: int | None = None
    transaction_hash: str | None = None


@dataclass(slots=True, kw_only=True)
class Payments:
    """Who asked, and the one task that pays.

    `promised` is what each question may cost, in lovelace. `paying` are allocations on their way, with their
    transactions; `book` is what the budget holds, and `refusal` why nothing more is paid for now.
    """

    serving: Serving
    relay: RelaySettings
    asked: dict[str, PaymentAsked] = field(default_factory=dict)
    promised: dict[str, int] = field(default_factory=dict)
    paying: dict[tuple[bytes, int], str] = field(default_factory=dict)
    book: BookState = field(default_factory=BookState)
    refusal: str = ""
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    _chain: str = ""

    # -- asking

    async def look(self, served: Served, address: Address, milestone: str | None = None) -> Payment:
        """How a payment stands; nothing is written down."""
        known = await self.serving.allocations(served)
        theirs = _wanted(known, address, milestone)
        if not theirs:
            return Payment(status="nothing_there")
        where = known.on_chain.distribution_id
        on_its_way = [s for s in theirs if s.claimable and (where, s.index) in self.paying]
        due = [s for s in theirs if s.claimable and (where, s.index) not in self.paying]
        paid = tuple(s for s in theirs if s.status == "claimed")
        if due:
            asked = self._as_asked(known, address, milestone)
            waits = asked.name in self.asked
            status: PaymentStatus = "queued" if waits else "accepted"
            if not waits and (self.refusal or not self._has_room(_cost(known, due))):
                status = "budget_spent"
            position = self._position(asked.name)
            return Payment(status=status, states=tuple(due + on_its_way), position=position)
        if on_its_way:
            return Payment(status="queued", states=tuple(on_its_way), position=1)
        if paid:
            transaction = await self._paid_in(served, paid)
            return Payment(status="paid", states=paid, transaction_hash=transaction)
        return Payment(status="closed" if known.on_chain.closed else "too_early")

    async def ask(self, served: Served, address: Address, milestone: str | None = None) -> Payment:
        """As `look`; what is accepted is written down first, and then paid as soon as can be."""
        found = await self.look(served, address, milestone)
        if found.status != "accepted":
            return found
        known = await self.serving.allocations(served)
        asked, cost = self._as_asked(known, address, milestone), _cost(known, found.states)
        # From here on nothing is awaited: of many who ask the same, one is the first.
        if asked.name in self.asked:
            return replace(found, status="queued", position=self._position(asked.name))
        if not self._has_room(cost):
            return replace(found, status="budget_spent", position=None)
        self.serving.backend.storage.serving.keep_asked(asked)
        self.asked[asked.name], self.promised[asked.name] = asked, cost
        self.wake.set()
        return found

    def _has_room(self, cost_lovelace: int) -> bool:
        """Whether the budget has room for another claim, beside those that are promised."""
        budget = self.relay.budget
        room = self.book.room_lovelace(budget.most_lovelace, budget.most_an_hour_lovelace)
        return room is None or sum(self.promised.values()) + cost_lovelace <= room

    def _position(self, name: str) -> int:
        for number, each in enumerate(self.asked, 1):
            if each == name:
                return number
        return len(self.asked) + 1

    def _as_asked(
        self, known: AllocationStates, address: Address, milestone: str | None
    ) -> PaymentAsked:
        return PaymentAsked(
            distribution_id=known.on_chain.distribution_id,
            beneficiary_address=address,
            milestone_identifier=milestone,
            at_posix_ms=now_posix_ms(),
        )

    async def _paid_in(self, served: Served, states: Sequence[ClaimState]) -> str | None:
        """The newest transaction that paid any of these, where the index knows it."""
        history = await self.serving.history(served)
        wanted = {state.index for state in states}
        found = [
            line.transaction_hash.hex()
            for line in history.lines
            if line.event == "claim" and line.beneficiary_index in wanted
        ]
        return found[-1] if found else None

    # -- paying

    async def run(self) -> None:
        """Pays until it is cancelled. What fails is tried again; nothing that was accepted is given up."""
        for asked in self.serving.backend.storage.serving.asked():
            self.asked[asked.name] = asked
        pause = 0.0
        while True:
            await asyncio.sleep(pause)
            try:
                await self._pass()
                pause = 0.0
            except ServiceUnavailable as error:
                _LOG.warning("payments wait: %s", error.message)
                pause = LOOK_SECONDS
            except InvalidConfiguration as error:
                _LOG.error("payments wait: %s", error.message)
                pause = RETRY_SECONDS
            if not pause:
                await self._news()

    async def _news(self) -> None:
        """Returns when somebody has asked, a block has come while one waits, or it is time to try again."""
        before, waited = None, 0.0
        while waited < RETRY_SECONDS:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.wake.wait(), LOOK_SECONDS)
                self.wake.clear()
                await asyncio.sleep(GATHER_SECONDS)
                return
            waited += LOOK_SECONDS
            if not (self.asked or self.paying):
                waited = 0.0
                continue
            with suppress(ServiceUnavailable):
                moment = await self.serving.kept.moment()
                if before is not None and moment[:2] != before:
                    return
                before = moment[:2]

    async def _pass(self) -> None:
        """One look at every distribution in which somebody waits."""
        backend = self.serving.backend
        self._chain = self._chain or await chain_of(backend)
        self._look_into_journal()
        if self.asked:
            self.serving.kept.forget()
        for served in self.serving.distributions:
            if self.asked:
                await self._pay(served)
        self.book = self.relay.budget.state(backend, self._chain)

    def _look_into_journal(self) -> None:
        """What is on its way, this server's or another process' with the same data directory."""
        pending = self.serving.backend.storage.journal.pending(self._chain)
        self.paying = {
            (each.distribution_id, index): each.transaction_id
            for each in pending
            if each.distribution_id is not None
            for index in allocations_in(each)
        }

    async def _pay(self, served: Served) -> None:
        try:
            known = await self.serving.allocations(served)
            where = known.on_chain.distribution_id
            wanted = [e for e in self.asked.values() if e.distribution_id == where]
            # What is on its way may be lost: the same selection finds that out, and sends it again.
            on_its_way = [index for where_, index in self.paying if where_ == where]
            indices = sorted({*self._due(known, wanted)[:MOST_AT_ONCE], *on_its_way})
            if not indices:
                return
            paid = await pay(
                self.serving.backend,
                contract_address=served.contract_address,
                key=self.relay.key,
                budget=self.relay.budget,
                vouched={known.distribution.token},
                selection=Selection(indices=tuple(indices)),
            )
            self._note(where, paid)
            self.refusal = ""
        except BudgetSpent as error:
            self._refuse(error)
        except InsufficientFunds as error:
            self._refuse(error)
        except (ServiceUnavailable, InvalidConfiguration):
            raise
        except MilestonesError as error:
            _LOG.warning("%s is not paid: %s", served.key, error.message)
        finally:
            self.serving.kept.forget()

    def _refuse(self, error: MilestonesError) -> None:
        if self.refusal != error.message:
            _LOG.warning("nothing more is paid for now: %s", error.message)
        self.refusal = error.message

    def _due(self, known: AllocationStates, wanted: Sequence[PaymentAsked]) -> list[int]:
        """What is to be paid of those who wait; who has nothing to wait for any more is forgotten."""
        due: dict[int, None] = {}
        where = known.on_chain.distribution_id
        for asked in wanted:
            theirs = _wanted(known, asked.beneficiary_address, asked.milestone_identifier)
            claimable = [state for state in theirs if state.claimable]
            if not claimable:
                self.serving.backend.storage.serving.settle(asked)
                self.asked.pop(asked.name, None)
                self.promised.pop(asked.name, None)
                continue
            fresh = [state for state in claimable if (where, state.index) not in self.paying]
            self.promised[asked.name] = _cost(known, fresh)
            due |= dict.fromkeys(state.index for state in fresh)
        return list(due)

    def _note(self, where: bytes, paid: Paid) -> None:
        for each in paid.transactions:
            if each.status != "confirmed":
                for index in each.beneficiary_indices:
                    self.paying[where, index] = each.transaction_hash
        for warning in paid.warnings:
            _LOG.info("%s", warning)


def _wanted(known: AllocationStates, address: Address, milestone: str | None) -> list[ClaimState]:
    try:
        own = allocations_of(known.distribution, address)
    except NotFound:
        return []
    states = known.state.claim_states(known.distribution, own)
    return [s for s in states if milestone in (None, s.allocation.milestone_identifier)]


def _cost(known: AllocationStates, states: Iterable[ClaimState]) -> int:
    """What paying these may cost at most, in lovelace: fees, and the ADA that goes with tokens."""
    token, cost = known.distribution.token, 0
    for state in states:
        cost += CLAIM_FEE_LOVELACE
        if token != LOVELACE:
            cost += payout_min_lovelace(state.allocation, token, known.state.lovelace_per_utxo_byte)
    return cost
