"""What may be spent on other people's claims, and what a transaction takes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from milestones.errors import BudgetSpent, InvalidInput, NotAllowedYet
from milestones.services.backend import Backend, now_posix_ms
from milestones.services.paying.builder import TOO_DEAR, BuiltRelease, Permit
from milestones.storage.book import BookState, Charge
from milestones.transactions.tx_builder import BalancedTransaction

RELAY: Final = "relay"
"""The book of `relay`, unless another is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What may be spent, in lovelace: in all since the book was begun, within an hour, and on one claim.

    `book` is its name in the data directory: another name begins at nothing. What a claim costs is its part of
    the fee and the ADA that goes with the tokens, less the allowance; None: no limit.
    """

    most_lovelace: int | None
    most_an_hour_lovelace: int | None = None
    most_a_claim_lovelace: int | None = None
    book: str = RELAY

    def __post_init__(self) -> None:
        for path in ("most_lovelace", "most_an_hour_lovelace", "most_a_claim_lovelace"):
            value = getattr(self, path)
            if value is not None and value < 0:
                raise InvalidInput("a budget can't be negative", path=path, hint="give 0 or more")

    def state(self, backend: Backend, chain: str) -> BookState:
        """What the book holds now."""
        return backend.storage.journal.book(self.book, chain, now_posix_ms=now_posix_ms())

    def charge(self, transaction: BalancedTransaction, *, own_lovelace: int = 0) -> Charge:
        """What the book is to say of a transaction; `own_lovelace` beside its change is the wallet's, too."""
        return Charge(
            self.book,
            cost_lovelace(transaction) - own_lovelace,
            self.most_lovelace,
            self.most_an_hour_lovelace,
        )

    def permit(self, backend: Backend, chain: str) -> Permit:
        """Raises `BudgetSpent`, or `NotAllowedYet` (`cost`), for a release that costs too much now."""

        def check(release: BuiltRelease) -> None:
            cost, claims = cost_lovelace(release.transaction), len(release.batch.indices)
            most = self.most_a_claim_lovelace
            if most is not None and cost > most * claims:
                raise NotAllowedYet(
                    TOO_DEAR,
                    f"each of {claims} claims costs {-(-cost // claims)} lovelace, and {most} are allowed",
                    hint="allow more for a claim, or wait until more can be paid together",
                )
            held = self.state(backend, chain)
            room = held.room_lovelace(self.most_lovelace, self.most_an_hour_lovelace)
            if room is not None and cost > room:
                raise BudgetSpent(cost, room)

        return check


def cost_lovelace(transaction: BalancedTransaction) -> int:
    """What the wallet has less after a transaction; negative where it has more."""
    spent = sum(utxo.output.value.lovelace for utxo in transaction.wallet_inputs)
    return spent - sum(utxo.output.value.lovelace for utxo in transaction.change)
