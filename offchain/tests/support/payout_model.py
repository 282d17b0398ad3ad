"""What the contract must accept, in plain Python: no chain, no scripts, no transactions.

Written from the promises alone and used by nothing else, so that it can disagree with the contract.
Times are slots; oracles are numbers, which ascend as the terms list them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Promise:
    """One allocation: so much for whom, once its milestone is attested and this slot has come."""

    beneficiary: str
    amount: int
    milestone: str
    vests_slot: int


@dataclass(frozen=True)
class Covenant:
    """What the terms allow beside paying. `is_key`: the creator is a key, not a script."""

    is_key: bool = True
    reclaim_slot: int | None = None
    waiver_slot: int | None = None
    allowance: int = 0
    cancel_by: frozenset[str] = frozenset()
    grace_slots: int = 0
    objectors: int = 0
    review_slots: int = 0
    bond: int = 0
    is_rotatable: bool = False


@dataclass(frozen=True)
class Pitch:
    """A proposal that is on the chain."""

    milestone: str
    said_slot: int
    due_slot: int

    @property
    def forgotten_slot(self) -> int:
        """From when on anybody may retire it."""
        return self.due_slot + (self.due_slot - self.said_slot)


HOME = 0
"""In place of a notice's slot: the word that all may go home."""


@dataclass(frozen=True)
class Account:
    """One distribution as the promises see it. Every change makes a new one.

    `attestations` has the milestone of each attestation that is on chain, a milestone twice if it was
    attested twice. `words` are notices by their slot, or `HOME`. `board` are the oracles that count,
    `sequence` how often they were replaced. What was sent home, and bonds, are in the asset's unit and in
    lovelace.
    """

    promises: tuple[Promise, ...]
    page_size: int
    quorum: int
    covenant: Covenant = Covenant()
    board: tuple[int, ...] = ()
    sequence: int = 0
    opened: bool = False
    closed: bool = False
    has_board: bool = False
    paid: frozenset[int] = frozenset()
    attestations: tuple[str, ...] = ()
    pitches: tuple[Pitch, ...] = ()
    words: tuple[int, ...] = ()
    sent_home: int = 0
    bonds_returned: int = 0
    bonds_taken: int = 0
    assured: frozenset[int] = field(default=frozenset())
    """What was claimable when the first notice was given."""

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

    def grace_ends(self) -> list[int]:
        """When each notice takes effect."""
        return [said + self.covenant.grace_slots for said in self.words if said != HOME]

    # -- what may be done

    def may_sign(self, signers: Sequence[int], needed: int) -> bool:
        """These oracles, each once and in their order, are of those that count, and enough."""
        in_order = sorted(set(signers)) == list(signers)
        return in_order and set(signers) <= set(self.board) and len(signers) >= needed

    def may_attest(self, signers: Sequence[int]) -> bool:
        """A quorum signed what is attested."""
        return self.is_live and bool(signers) and self.may_sign(signers, self.quorum)

    def may_waive(self, *, consents: bool, from_slot: int) -> bool:
        """The creator alone attests."""
        waiver = self.covenant.waiver_slot
        return self.is_live and consents and waiver is not None and waiver <= from_slot

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

    def _is_over(self, from_slot: int | None) -> bool:
        reclaim = self.covenant.reclaim_slot
        is_due = reclaim is not None and from_slot is not None and reclaim <= from_slot
        return len(self.paid) == len(self.promises) or is_due

    def may_close(self, *, consents: bool, whole: bool, from_slot: int | None) -> bool:
        """Ended by the creator's key, all of its vaults or not."""
        by_key = self.covenant.is_key and consents
        return self.is_live and by_key and whole and self._is_over(from_slot)

    def may_end(self, word: int, from_slot: int) -> bool:
        """Everything is sent home by a word of `words`, all of which go along."""
        if not self.is_live:
            return False
        if self.words[word] != HOME:
            return self.words[word] + self.covenant.grace_slots <= from_slot
        return not self.grace_ends() and self._is_over(from_slot)

    def may_notify(self, by: str, *, consents: bool, signers: Sequence[int]) -> bool:
        """The creator or a quorum gives notice, or anybody says that all may go home."""
        if by == "home":
            return self.is_live and not self.covenant.is_key
        allowed = self.is_live and by in self.covenant.cancel_by
        return allowed and (
            consents if by == "creator" else bool(signers) and self.may_sign(signers, self.quorum)
        )

    def may_propose(self) -> bool:
        """Anybody may, where the terms have objectors."""
        return self.is_live and self.covenant.objectors > 0

    def may_object(self, signers: Sequence[int]) -> bool:
        """As many as the terms ask, or a quorum if that is fewer; somebody."""
        needed = min(self.covenant.objectors, self.quorum)
        return self.is_live and bool(signers) and self.may_sign(signers, needed)

    def may_confirm(self, pitch: Pitch, from_slot: int) -> bool:
        """Anybody, once it is due."""
        return self.is_live and pitch.due_slot <= from_slot

    def may_rotate(self, signers: Sequence[int]) -> bool:
        """A quorum of the board that sits, also where the distribution has ended."""
        return self.has_board and bool(signers) and self.may_sign(signers, self.quorum)

    # -- what then is

    def when_opened(self) -> Account:
        """Funded, nothing paid."""
        return replace(self, opened=True, has_board=self.covenant.is_rotatable)

    def when_attested(self, milestone: str) -> Account:
        """With one attestation more."""
        return replace(self, attestations=(*self.attestations, milestone))

    def when_paid(self, indices: Iterable[int]) -> Account:
        """With these allocations paid."""
        return replace(self, paid=self.paid | frozenset(indices))

    def when_closed(self, left: Sequence[str] = (), *, keeps_board: bool = False) -> Account:
        """Taken off the chain, but for the attestations that are left there, and board and words."""
        words = self.words if keeps_board else ()
        return replace(
            self,
            closed=True,
            attestations=tuple(left),
            words=words,
            has_board=self.has_board and keeps_board,
        )

    def when_sent_home(self) -> Account:
        """Ended by a word: what was still owed is the refund's."""
        owed = sum(self.owed(page) for page in self.pages())
        return replace(self.when_closed(), sent_home=owed)

    def when_notified(self, said_slot: int, slot: int) -> Account:
        """With one word more, said when it was that slot."""
        is_first = said_slot != HOME and not self.grace_ends()
        assured = self.claimable(slot) if is_first else self.assured
        return replace(self, words=(*self.words, said_slot), assured=assured)

    def when_proposed(self, pitch: Pitch) -> Account:
        """With one proposal more."""
        return replace(self, pitches=(*self.pitches, pitch))

    def without(self, place: int, *, taken: int = 0, returned: int = 0) -> Account:
        """With one proposal less, and where its bond went."""
        return replace(
            self,
            pitches=(*self.pitches[:place], *self.pitches[place + 1 :]),
            bonds_taken=self.bonds_taken + taken,
            bonds_returned=self.bonds_returned + returned,
        )

    def when_rotated(self, board: tuple[int, ...], quorum: int) -> Account:
        """With other oracles."""
        return replace(self, board=board, quorum=quorum, sequence=self.sequence + 1)
