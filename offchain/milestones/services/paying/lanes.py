"""Lanes: chains of the payer's own change that don't depend on each other.

Each page is paid on one lane, so that somebody else's claim on a page, or a rollback, ends that lane alone.
What the chain will know only later is common to all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Final

from milestones.cardano.outputs import Utxo
from milestones.services.sending.building import BuildContext
from milestones.transactions.tx_builder import BalancedTransaction

MOST_LANES: Final = 8
LEAST_LOVELACE: Final = 5_000_000
"""What a lane begins with at the least: the cheapest claims, and its collateral."""


class Lanes:
    """The wallet's outputs, shared out evenly among up to `most` lanes; one where it has one output.

    Where a lane can't pay, all become one (`merge`).
    """

    def __init__(self, context: BuildContext, most: int = 1) -> None:
        self._context = context
        shares = _shares(context.funds.utxos, most)
        self._wallets = dict(enumerate(shares or [list(context.funds.utxos)]))

    @property
    def numbers(self) -> tuple[int, ...]:
        """The lanes that there are."""
        return tuple(self._wallets)

    def of_page(self, page: int) -> int:
        """The lane on which a page is paid."""
        numbers = self.numbers
        return numbers[page % len(numbers)]

    def context(self, lane: int) -> BuildContext:
        """What the next transaction of a lane is built with."""
        funds = replace(self._context.funds, utxos=tuple(self._wallets[lane]))
        return replace(self._context, funds=funds)

    def go_on(self, lane: int, built: BalancedTransaction) -> None:
        """The lane's next transaction spends what this one leaves; all others may refer to it."""
        self._wallets[lane] = list(built.wallet_after(self._wallets[lane]))
        self._context = self._context.after(built)

    def merge(self, lost: Collection[int] = ()) -> bool:
        """Makes one lane of all, which then depend on each other; False where there is only one.

        Those that are `lost` have nothing that another could spend.
        """
        if len(self._wallets) == 1:
            return False
        wallets = (wallet for lane, wallet in self._wallets.items() if lane not in lost)
        every = [utxo for wallet in wallets for utxo in wallet]
        self._wallets = {max(self._wallets) + 1: every}
        return True


def _shares(utxos: Iterable[Utxo], most: int) -> list[list[Utxo]]:
    """Outputs of ADA alone shared out by their size; the rest goes with the first."""
    pure = [utxo for utxo in utxos if not utxo.output.value.assets]
    large = [utxo for utxo in pure if utxo.output.value.lovelace >= LEAST_LOVELACE]
    large.sort(key=lambda utxo: (-utxo.output.value.lovelace, utxo.reference))
    found: list[list[Utxo]] = [[] for _ in range(min(most, len(large)))]
    for utxo in large:
        min(found, key=_lovelace).append(utxo)
    if found:
        taken = set(large)
        found[0] += [utxo for utxo in utxos if utxo not in taken]
    return found


def _lovelace(share: Iterable[Utxo]) -> int:
    return sum(utxo.output.value.lovelace for utxo in share)
