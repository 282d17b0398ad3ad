"""What `board` does with a distribution on the harness' chain: the drafts that honest people send."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from milestones.cardano.address import Address
from milestones.cardano.outputs import Utxo
from milestones.protocol.datums import Attestation, Board, Notice, Proposal
from milestones.protocol.redeemers import OracleWitness
from milestones.protocol.statements import (
    MilestoneStatement,
    NoticeStatement,
    ObjectionStatement,
    RotationStatement,
)
from milestones.protocol.terms import Terms
from milestones.testing.contract import (
    EVIDENCE,
    MILESTONE,
    SLOT_ZERO_POSIX_S,
    ContractHarness,
    Opened,
    moment,
)
from milestones.transactions.board_drafts import (
    LiveProposal,
    Referenced,
    confirm_draft,
    notify_draft,
    object_draft,
    propose_draft,
    retire_draft,
    rotate_draft,
)
from milestones.transactions.contract_drafts import waive_draft
from milestones.transactions.draft import TransactionDraft
from milestones.transactions.signing import SignedTransaction

SOON: Final = 100
"""Slots from now until what is said counts as said."""
NoticeBy = Literal["creator", "quorum", "home"]
"""Who gives notice; "home" is the word that all may go home."""


def posix_ms(slot: int) -> int:
    """When a slot starts, in POSIX milliseconds, as scripts see it."""
    return moment(slot) * 1000


def slot_of(posix_ms: int) -> int:
    """The slot that starts at this moment."""
    return posix_ms // 1000 - SLOT_ZERO_POSIX_S


@dataclass(frozen=True)
class Proceedings:
    """A distribution, as it stood after some transaction, and what can be done with it next."""

    opened: Opened

    @property
    def harness(self) -> ContractHarness:
        """The chain and the wallet."""
        return self.opened.harness

    @property
    def terms(self) -> Terms:
        """What was agreed."""
        return self.opened.distribution.terms

    @property
    def referenced(self) -> Referenced:
        """What transactions refer to."""
        return Referenced(terms=self.opened.terms, scripts=self.harness.scripts)

    @property
    def _whose(self) -> tuple[bytes, bytes]:
        return self.harness.contract.policy_id, self.opened.distribution.id

    # -- proposals

    def proposal(
        self,
        milestone: str = MILESTONE,
        *,
        said_slot: int | None = None,
        evidence: bytes = EVIDENCE,
        return_to: Address | None = None,
    ) -> Proposal:
        """That a milestone is complete, said soon; the bond returns to "proposer"."""
        said_at = posix_ms(self.harness.slot + SOON if said_slot is None else said_slot)
        address = return_to or self.harness.key("proposer").address(0)
        due_at = said_at + self.terms.review_ms
        return Proposal(
            *self._whose, milestone.encode(), evidence, said_at, due_at, address.to_data()
        )

    def propose_draft(
        self, proposal: Proposal | None = None, *, until_slot: int | None = None
    ) -> TransactionDraft:
        """Proposes; valid until `SOON` unless a slot is given."""
        return propose_draft(
            proposal or self.proposal(),
            self.referenced,
            bond_lovelace=self.terms.bond_lovelace,
            valid_until_slot=self.harness.slot + SOON if until_slot is None else until_slot,
        )

    def propose(self, milestone: str = MILESTONE) -> LiveProposal:
        """Sends `propose_draft`."""
        proposal = self.proposal(milestone)
        return LiveProposal(self.harness.send(self.propose_draft(proposal)).outputs[0], proposal)

    def objection(self, live: LiveProposal, bond_to: Address | None = None) -> ObjectionStatement:
        """What oracles sign against a proposal; its bond goes to "treasury"."""
        address = bond_to or self.harness.key("treasury").address(0)
        milestone, reference = live.proposal.milestone, live.utxo.reference
        return ObjectionStatement(*self._whose, milestone, reference, address.to_data())

    def object_draft(
        self,
        live: LiveProposal,
        witnesses: Sequence[OracleWitness] | None = None,
        *,
        bond_to: Address | None = None,
    ) -> TransactionDraft:
        """Objects, by just as many oracles as are needed unless witnesses are given."""
        sitting = self.opened.sitting
        needed = min(self.terms.objectors, sitting.quorum_threshold)
        signed = self.opened.witnesses(self.objection(live, bond_to), needed)
        return object_draft(
            live,
            self.referenced,
            sitting=sitting,
            bond_to=bond_to or self.harness.key("treasury").address(0),
            witnesses=signed if witnesses is None else witnesses,
        )

    def confirm_draft(self, live: LiveProposal, *, slot: int | None = None) -> TransactionDraft:
        """Confirms, valid from the tip's slot unless one is given."""
        return confirm_draft(
            live,
            self.referenced,
            sitting=self.opened.sitting,
            valid_from_slot=self.harness.slot if slot is None else slot,
        )

    def confirm(self, live: LiveProposal) -> Opened:
        """Sends `confirm_draft`."""
        sent = self.harness.send(self.confirm_draft(live))
        return self.opened.attested(live.proposal.milestone_identifier, sent.outputs[0])

    def retire_draft(self, live: LiveProposal, *, slot: int | None = None) -> TransactionDraft:
        """Retires, valid from the tip's slot unless one is given."""
        valid_from_slot = self.harness.slot if slot is None else slot
        return retire_draft(live, scripts=self.harness.scripts, valid_from_slot=valid_from_slot)

    # -- rotation

    @property
    def seated(self) -> tuple[Board, Utxo]:
        """The board and where it is."""
        seated, utxo = self.opened.seated, self.opened.board
        assert seated is not None
        assert utxo is not None
        return seated, utxo

    def next_board(self, names: Sequence[str], quorum: int) -> Board:
        """The board that follows, of the keys of these names."""
        oracles = tuple(sorted(self.harness.key(name).key_hash for name in names))
        board, _ = self.seated
        return replace(board, oracles=oracles, quorum_threshold=quorum, sequence=board.sequence + 1)

    def rotation(self, following: Board) -> RotationStatement:
        """What the board's quorum signs for the one that follows."""
        who = (following.oracles, following.quorum_threshold)
        return RotationStatement(*self._whose, following.sequence, *who)

    def rotate_draft(
        self, following: Board, witnesses: Sequence[OracleWitness] | None = None
    ) -> TransactionDraft:
        """Replaces the board, by its quorum unless witnesses are given."""
        signed = self.opened.witnesses(self.rotation(following))
        return rotate_draft(
            *self.seated,
            following,
            witnesses=signed if witnesses is None else witnesses,
            scripts=self.harness.scripts,
        )

    def rotate(self, names: Sequence[str], quorum: int) -> Proceedings:
        """Sends `rotate_draft` for these people."""
        sent = self.harness.send(self.rotate_draft(self.next_board(names, quorum)))
        return Proceedings(replace(self.opened, board=sent.outputs[0]))

    # -- the end

    def notice(self, by: NoticeBy, *, said_slot: int | None = None) -> Notice:
        """What is said, soon; by a quorum, the first oracles that count."""
        if by == "home":
            return Notice(*self._whose, 0, EVIDENCE)
        said_at = posix_ms(self.harness.slot + SOON if said_slot is None else said_slot)
        sitting = self.opened.sitting
        signers = sitting.oracles[: sitting.quorum_threshold] if by == "quorum" else ()
        return Notice(*self._whose, said_at, EVIDENCE, signers)

    def notify_draft(
        self, by: NoticeBy, *, said_slot: int | None = None, until_slot: int | None = None
    ) -> TransactionDraft:
        """Gives notice, valid until it is said unless a slot is given."""
        notice = self.notice(by, said_slot=said_slot)
        statement = NoticeStatement(*self._whose, notice.said_at_posix_ms, notice.evidence_hash)
        soon = None if by == "home" else self.harness.slot + SOON
        return notify_draft(
            notice,
            self.terms,
            self.referenced,
            sitting=self.opened.sitting,
            witnesses=self.opened.witnesses(statement) if by == "quorum" else (),
            valid_until_slot=soon if until_slot is None else until_slot,
        )

    def notified(self, sent: SignedTransaction) -> Proceedings:
        """The same once a notice, in output 0, is in."""
        notices = (*self.opened.notices, sent.outputs[0])
        return Proceedings(replace(self.opened, notices=notices))

    def notify(self, by: NoticeBy) -> Proceedings:
        """Sends `notify_draft`."""
        return self.notified(self.harness.send(self.notify_draft(by)))

    def end_draft(self, *, slot: int | None = None, which: int = 0) -> TransactionDraft:
        """Sends everything home by a notice; valid from the tip's slot unless one is given."""
        return self.opened.close_draft(
            notice=self.opened.notices[which], slot=self.harness.slot if slot is None else slot
        )

    # -- the creator alone

    def waive_draft(
        self, milestone: str = MILESTONE, *, slot: int | None = None
    ) -> TransactionDraft:
        """The creator attests; a script's consent is for the caller to add."""
        statement: MilestoneStatement = self.opened.statement(milestone)
        attestation = Attestation(
            statement.distribution_id,
            statement.milestone,
            statement.evidence_hash,
            statement.verification_posix_ms,
            (),
        )
        return waive_draft(
            attestation,
            self.terms,
            terms_utxo=self.opened.terms,
            scripts=self.harness.scripts,
            valid_from_slot=self.harness.slot if slot is None else slot,
        )
