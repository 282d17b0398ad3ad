"""How a relay stands, for whoever watches it: what it has sent, what it last saw, what is wrong."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from milestones.services.relay.report import Paid
from milestones.storage.book import BookState


@dataclass(slots=True)
class ServedState:
    """One distribution, as its last step saw it; `said` is what is wrong with it, if anything is."""

    unpaid_count: int | None = None
    pending_count: int = 0
    left_out_count: int = 0
    said: str = ""
    is_done: bool = False


@dataclass(slots=True)
class RelayState:
    """Counters since the start, and what was seen last. Moments are this machine's, POSIX seconds.

    `sent` has the claims that each transaction pays, by its id; 0 of one that confirms a proposal.
    """

    served: dict[str, ServedState] = field(default_factory=dict)
    sent: dict[str, int] = field(default_factory=dict)
    confirmation_count: int = 0
    rebuilt_count: int = 0
    failure_count: int = 0
    rollback_count: int = 0
    passes: int = 0
    book: BookState = field(default_factory=BookState)
    most_lovelace: int | None = None
    started_at: float = field(default_factory=time.time)
    seen_at: float | None = None
    failure: str = ""
    stopping: bool = False

    def note(self, address: str, paid: Paid) -> list[str]:
        """Takes a step's report in; the ids of transactions that are new."""
        served = self.served[address]
        served.unpaid_count, served.pending_count = paid.unpaid_count, paid.pending_count
        served.left_out_count = sum(each.allocation_count for each in paid.left_out)
        served.said = paid.left_out[0].reason if paid.left_out else ""
        self.rebuilt_count += paid.rebuilt_count
        fresh = [each for each in paid.transactions if each.transaction_hash not in self.sent]
        for each in fresh:
            self.sent[each.transaction_hash] = len(each.beneficiary_indices)
            self.confirmation_count += each.confirmed_milestone is not None
        return [each.transaction_hash for each in fresh]

    def failed(self, words: str) -> None:
        """A pass that could not be made."""
        self.failure_count += 1
        self.failure = words
