"""What the contract must accept, in plain Python: no chain, no scripts, no transactions.

Written from the promises alone and used by nothing else, so that it can disagree with the contract.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Promise:
    """One allocation: so much for whom, once its milestone is attested and this slot has come."""

    beneficiary: str
    amount: int
    milestone: str
    vests_slot: int


@dataclass(frozen=True)
class Account:
    """One distribution as the promises see it. Every change makes a new one.

    `attestations` has the milestone of each attestation that is on chain, a milestone twice if it was
    attested twice.
    """

    promises: tuple[Promise, ...]
    page_size: int
    quorum: int
    reclaim_slot: int | None
    opened: bool = False
    closed: bool = False
    paid: frozenset[int] = frozenset()
    attestations: tuple[str, ...] = ()

    # -- what is so

    @property
    def is_live(self) -> bool:
        """Whether its vaults are on chain."""
        return self.opened and not self.closed

    def page(self, number: int) -> range:
        """The allocations of a page."""
        first = number * self.page_size
        return range(first, min(first + self.page_size, len(self.promises)))

    def pages(self) -> range:
        """The numbers of the pages."""
        return range(-(-len(self.promises) // self.page_size))

    def owed(self, number: int) -> int:
        """What a page still owes."""
        return sum(self.promises[i].amount for i in self.page(number) if i not in self.paid)

    def paid_to(self, beneficiary: str) -> int:
        """What a beneficiary has got."""
        return sum(self.promises[i].amount for i in self.paid if self._is_for(i, beneficiary))

    def _is_for(self, index: int, beneficiary: str) -> bool:
        return self.promises[index].beneficiary == beneficiary

    def claimable(self, slot: int) -> frozenset[int]:
        """The allocations that anybody may pay now."""
        indices = range(len(self.promises))
        return frozenset(i for i in indices if self.may_release([i], slot))

    # -- what may be done

    def may_attest(self, signers: Sequence[int]) -> bool:
        """These oracles, each once and in their order, signed what is attested."""
        return (
            self.is_live and sorted(set(signers)) == list(signers) and len(signers) >= self.quorum
        )

    def may_release(
        self, indices: Collection[int], from_slot: int | None, minted: Iterable[str] = ()
    ) -> bool:
        """Pays these allocations of one page, valid from a slot, beside an attestation of `minted`."""
        evidence = {*self.attestations, *minted}
        if not self.is_live or not indices or from_slot is None:
            return False
        return all(
            index not in self.paid
            and self.promises[index].milestone in evidence
            and self.promises[index].vests_slot <= from_slot
            for index in indices
        )

    def may_close(self, *, consents: bool, whole: bool, from_slot: int | None) -> bool:
        """Ends it, with the creator's consent or without, all of its vaults or not."""
        is_due = (
            self.reclaim_slot is not None
            and from_slot is not None
            and self.reclaim_slot <= from_slot
        )
        is_empty = len(self.paid) == len(self.promises)
        return self.is_live and consents and whole and (is_empty or is_due)

    # -- what then is

    def when_opened(self) -> Account:
        """Funded, nothing paid."""
        return replace(self, opened=True)

    def when_attested(self, milestone: str) -> Account:
        """With one attestation more."""
        return replace(self, attestations=(*self.attestations, milestone))

    def when_paid(self, indices: Iterable[int]) -> Account:
        """With these allocations paid."""
        return replace(self, paid=self.paid | frozenset(indices))

    def when_closed(self, left: Sequence[str] = ()) -> Account:
        """Taken off the chain, but for the attestations that are left there."""
        return replace(self, closed=True, attestations=tuple(left))
