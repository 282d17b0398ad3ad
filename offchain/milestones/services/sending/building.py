"""Builds a command's transactions, one on another, before any of them is signed or sent."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from milestones.cardano.address import Address
from milestones.cardano.outputs import OutputReference, Utxo
from milestones.cardano.parameters import ProtocolParameters
from milestones.clients.mempool import Mempool
from milestones.domain.posix_time import in_words, to_posix_seconds
from milestones.errors import (
    ChainRejected,
    ExceededLimit,
    InsufficientFunds,
    InvalidInput,
    LimitsExceeded,
)
from milestones.services.backend import Backend, ChainTime, chain_time
from milestones.services.sending.contention import Contended
from milestones.services.sending.funds import Funds
from milestones.services.sending.payer import USUAL_SECONDS
from milestones.services.sending.time_locks import within_time_locks
from milestones.storage.reservations import Reserved
from milestones.transactions.contract_drafts import PublishedScripts
from milestones.transactions.draft import TransactionDraft
from milestones.transactions.tx_builder import BalancedTransaction, balance

_LOG: Final = logging.getLogger(__name__)


RESERVED_BY: Final = "reserved_by"
"""The detail of an error that names the processes which have reserved the wallet's outputs."""

SOONEST_SECONDS: Final = 60
"""How far ahead of the chain's time something can be said at the least: it must get into a block before."""


@dataclass(frozen=True, slots=True)
class SaidAt:
    """A moment that a transaction states, which the chain wants to be no earlier than the transaction's end."""

    posix_ms: int
    valid_until_slot: int


def said_at(
    now: ChainTime,
    wanted_posix_ms: int | None = None,
    *,
    path: str = "said_at",
    valid_for_seconds: int = USUAL_SECONDS,
) -> SaidAt:
    """When something is said that is sent now: at the end of its transaction's validity unless told.

    Raises `InvalidInput` about `path` for a moment that has passed, or has before a block can have it.
    """
    usual = valid_until(now, valid_for_seconds)
    if wanted_posix_ms is None:
        return SaidAt(-(-now.clock.start_of(usual) // 1000) * 1000, usual)
    if wanted_posix_ms < now.now_posix_ms + SOONEST_SECONDS * 1000:
        raise InvalidInput(
            f"{in_words(to_posix_seconds(wanted_posix_ms))} has passed, or comes before a block can have"
            f" it: nothing can be backdated, and the chain's time is {in_words(now.now)}",
            path=path,
            hint="say a later time"
            if path == "said_at"
            else "let the oracles sign a later time: `milestones oracle payload --said-at`",
            details={"said_at": to_posix_seconds(wanted_posix_ms), "now": now.now},
        )
    return SaidAt(wanted_posix_ms, min(usual, now.clock.slot_at(wanted_posix_ms)))


def valid_until(now: ChainTime, valid_for_seconds: int = USUAL_SECONDS) -> int:
    """The first slot in which a transaction built now shall be void: no later than the node can foresee."""
    slots = valid_for_seconds * 1000 // now.clock.eras[-1].slot_length_ms
    horizon = now.clock.horizon_slot
    wanted = now.slot + slots
    return wanted if horizon is None else min(wanted, horizon - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildContext:
    """All that a transaction is built with, beside its draft.

    `funds` is what the payer can spend, `time` the chain's. `not_on_chain_yet` are outputs of
    transactions that are only built so far, and `mempool` has those that wait for a block: evaluation is
    given what it needs of them. `reserve` keeps outputs of the wallet from other processes.
    """

    backend: Backend
    time: ChainTime
    parameters: ProtocolParameters
    scripts: PublishedScripts
    funds: Funds
    not_on_chain_yet: tuple[Utxo, ...] = ()
    mempool: Mempool = field(default_factory=Mempool)
    reserve: Callable[[Iterable[OutputReference]], None] = field(default=lambda _: None)

    @classmethod
    async def gather(
        cls, backend: Backend, scripts: PublishedScripts, funds: Funds
    ) -> BuildContext:
        """What the chain says now; `funds` are the payer's."""
        return cls(
            backend=backend,
            time=await chain_time(backend),
            parameters=await backend.ogmios.protocol_parameters(),
            scripts=scripts,
            funds=funds,
        )

    @property
    def valid_until_slot(self) -> int:
        """The first slot in which what is built now is void."""
        return valid_until(self.time, self.funds.payer.valid_for_seconds)

    def first_slot_from(self, posix_ms: int) -> int:
        """The first slot that proves that this moment has come: a transaction's lower bound, 1 at least.

        Slot 0 is left out of a transaction, and scripts would see no bound at all.
        """
        clock = self.time.clock
        return max(1, clock.first_slot_from(max(posix_ms, clock.system_start_posix_ms)))

    async def build(
        self, draft: TransactionDraft, *, include: Sequence[Utxo] = ()
    ) -> BalancedTransaction:
        """Balances the draft with the exact execution units that the node finds; nothing is signed.

        It is void when the payer's time is up, or when the draft says, whichever is sooner. `include`
        are outputs of the wallet to spend in any case. Raises `InsufficientFunds`,
        `LimitsExceeded`, and `ChainRejected` when a script refuses. What other processes have reserved is
        left alone, and what this takes is reserved.
        """
        try:
            return await self._built(draft, include)
        except InsufficientFunds:
            if not self.funds.reserved:
                raise
        # Where all together is too little, the error's figures are those of all.
        every = replace(self.funds, utxos=self.funds.all_utxos)
        return await replace(self, funds=every)._built(draft, include)

    def balanced(
        self, draft: TransactionDraft, *, include: Sequence[Utxo] = (), **options: Any
    ) -> BalancedTransaction:
        """The draft with the payer's inputs, collateral, script and change; `options` are `balance`'s."""
        payer = self.funds.payer
        natives = () if payer.script is None else (payer.script,)
        return balance(
            replace(draft, scripts=tuple(dict.fromkeys((*draft.scripts, *natives)))),
            parameters=self.parameters,
            wallet=self.funds.utxos,
            change_address=self.funds.change_address,
            include=include,
            collateral_wallet=self.funds.collateral,
            collateral_change_address=payer.collateral,
            **options,
        )

    async def _built(self, draft: TransactionDraft, include: Sequence[Utxo]) -> BalancedTransaction:
        draft = replace(draft, valid_until_slot=self._void_from(draft))
        payers = () if self.funds.payer.script is None else (self.funds.payer.script,)
        for script in (*draft.scripts, *payers):
            if script.language == "native":
                draft = within_time_locks(draft, script, self.time)
        balanced = self.balanced(draft, include=include)
        self._reserve(balanced)
        while balanced.needs_evaluation:
            try:
                units = await self.backend.ogmios.evaluate(
                    balanced.unsigned(), self._unknown_to_ledger(balanced)
                )
            except ChainRejected as error:
                raise self._over_budget(error) or error from None
            balanced = balanced.with_units(units)
            self._reserve(balanced)
        _LOG.info(
            "transaction built",
            extra={
                "inputs": [str(utxo.reference) for utxo in balanced.inputs],
                "fee_lovelace": balanced.fee_lovelace,
                "collateral_lovelace": balanced.collateral_lovelace,
                "size": balanced.signed_size,
                "memory": balanced.units.memory,
                "cpu": balanced.units.cpu,
            },
        )
        return balanced

    def _reserve(self, balanced: BalancedTransaction) -> None:
        """Keeps what it needs of the wallet. Raises `Contended` where another process was faster."""
        taken = (*balanced.wallet_inputs, *_collateral(balanced))
        try:
            self.reserve([utxo.reference for utxo in taken])
        except Reserved as reserved:
            words = f"the wallet's output {reserved.name} is reserved by {reserved.holder}"
            raise Contended(words, self._all_reserved(words, taken), reserved=True) from None

    def _all_reserved(self, words: str, taken: Iterable[Utxo]) -> InsufficientFunds:
        needed = {utxo.reference: utxo.output.value.lovelace for utxo in taken}
        return InsufficientFunds(
            words,
            sum(needed.values()),
            self.funds.free_lovelace,
            hint="run the command again when the other one has ended, or send ADA to the wallet",
            details={RESERVED_BY: sorted(set(self.funds.holders.values()))},
        )

    def _unknown_to_ledger(self, balanced: BalancedTransaction) -> list[Utxo]:
        """Outputs that no block has, as far as this transaction uses them: some services know only blocks."""
        waiting = self.mempool.unspent
        used = (*balanced.inputs, *balanced.assembly.draft.reference_inputs, *_collateral(balanced))
        found = {utxo.reference: utxo for utxo in used if utxo.reference in waiting}
        return [*self.not_on_chain_yet, *found.values()]

    def with_gift(self, gift: Utxo) -> BuildContext:
        """The context of a wallet that holds one more output, which is on no chain."""
        utxos = (*self.funds.utxos, gift)
        return replace(
            self,
            funds=replace(self.funds, utxos=utxos),
            not_on_chain_yet=(*self.not_on_chain_yet, gift),
        )

    def without(self, reserved: Sequence[Utxo]) -> BuildContext:
        """The context of a transaction that must leave these outputs of the wallet alone."""
        left = tuple(utxo for utxo in self.funds.utxos if utxo not in reserved)
        return replace(self, funds=replace(self.funds, utxos=left)) if reserved else self

    def _void_from(self, draft: TransactionDraft) -> int:
        given, usual = draft.valid_until_slot, self.valid_until_slot
        return usual if given is None else min(given, usual)

    def after(self, transaction: BalancedTransaction) -> BuildContext:
        """The context of the next transaction, which can spend what this one leaves."""
        spent = {utxo.reference for utxo in transaction.inputs}
        left = (*self.not_on_chain_yet, *_spendable(transaction))
        return replace(
            self,
            funds=replace(self.funds, utxos=transaction.wallet_after(self.funds.utxos)),
            not_on_chain_yet=tuple(utxo for utxo in left if utxo.reference not in spent),
        )

    def _over_budget(self, error: ChainRejected) -> LimitsExceeded | None:
        """The limits that an evaluation ran into; None where the scripts had another reason to fail."""
        most = self.parameters.max_execution_units
        unit = f"units of memory or the {most.cpu} steps"
        exceeded = tuple(
            ExceededLimit(f"the execution of {run}", None, most.memory, unit)
            for run in error.over_budget
        )
        return LimitsExceeded(exceeded, {}) if exceeded else None


def _collateral(transaction: BalancedTransaction) -> tuple[Utxo, ...]:
    collateral = transaction.assembly.collateral
    return () if collateral is None else collateral.inputs


def _spendable(transaction: BalancedTransaction) -> list[Utxo]:
    """What a later transaction may spend or reference: change, and what scripts lock; no payouts."""
    outputs = transaction.outputs
    locked = [u for u in outputs if Address.from_bech32(u.output.address).payment.kind == "script"]
    return [*locked, *(utxo for utxo in transaction.change if utxo not in locked)]


class LargestFit:
    """Finds how much of something fits into one transaction: ask for `count`, try, and say how it went.

    Whatever is possible is taken to be possible with less. The first try is all of it, or `first`; the next
    is in proportion to the limit that was exceeded, which is nearly right: from the first success on it goes
    up by one, two, four, and then to the middle.
    """

    def __init__(self, total: int, *, least: int = 1, first: int | None = None) -> None:
        self._least, self._fits, self._too_many = least, least - 1, total + 1
        self._stride: int | None = None
        self.count = total if first is None else max(least, min(first, total))
        """What to try next."""

    @property
    def found(self) -> bool:
        """Whether the largest count that fits has been tried."""
        return self._too_many - self._fits == 1 and self._fits >= self._least

    @property
    def largest(self) -> int:
        """The largest count that fitted so far."""
        return self._fits

    def fits(self) -> None:
        """`count` fitted."""
        self._fits = self.count
        self.count = (self._fits + self._too_many) // 2
        if self._stride is not None:
            self.count = min(self.count, self._fits + self._stride)
            self._stride *= 2

    def too_much(self, error: LimitsExceeded | InsufficientFunds) -> None:
        """`count` did not fit, or can't be paid. Raises `error` where that was the least."""
        if self.count == self._least:
            raise error
        self._too_many = self.count
        if self._fits >= self._least:
            self.count, self._stride = (self._fits + self._too_many) // 2, None
            return
        if isinstance(error, LimitsExceeded):
            shares = [limit.maximum / limit.actual for limit in error.exceeded if limit.actual]
        else:
            shares = [error.available_lovelace / max(1, error.required_lovelace)]
        self._stride = 1 if shares else None
        guess = int(self.count * min(shares, default=0.5))
        self.count = max(self._least, min(guess, self.count - 1))
