"""The steps of the stateful model that run `board`: proposals, rotation, notices, the end, and waivers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from milestones.cardano.address import Address
from milestones.cardano.value import LOVELACE, Value
from milestones.protocol.datums import Notice
from milestones.protocol.statements import NoticeStatement
from milestones.testing.contract import EVIDENCE, base_address
from milestones.testing.proceedings import Proceedings, posix_ms
from milestones.transactions.board_drafts import LiveProposal, notify_draft
from milestones.transactions.draft import TransactionDraft
from tests.support.hostile import (
    minting,
    settled,
    with_datum,
    with_output,
    with_redeemer,
    with_value,
)
from tests.support.model_machine import Life, Machine
from tests.support.model_stage import BOND, FIRST, POOL, SECOND
from tests.support.payout_model import HOME, Pitch

SOON: Final = 100
PLAYS = st.integers(0, 2)
MILESTONES = st.sampled_from((FIRST, SECOND))
QUORUMS = st.sampled_from(((0, 1), (0, 2), (1, 2), (0, 1, 2)))
SEATS = QUORUMS | QUORUMS | st.sampled_from(((0,), (1,)))
BOARDS = st.sets(st.integers(0, POOL - 1), min_size=2, max_size=4).map(sorted).map(tuple)
MOSTLY = ("honest",) * 4


class BoardRules(Machine):
    """Everything that `board` is for."""

    # -- proposals

    @precondition(lambda self: any(life.view for life in self.lives))
    @rule(
        number=PLAYS,
        milestone=MILESTONES,
        how=st.sampled_from((*MOSTLY, "backdated", "short", "due at once")),
    )
    def proposes(self, number: int, milestone: str, how: str) -> None:
        """Anybody says that a milestone is complete, and puts down a bond."""
        self._propose(self._opened(number)[0], milestone, how)

    def _propose(self, number: int, milestone: str, how: str) -> None:
        life = self.lives[number]
        until = self._slot_now() + SOON
        said = until - 1 if how == "backdated" else until
        proceedings = self._proceedings(number)
        proposal = proceedings.proposal(
            milestone, said_slot=said, return_to=self._person("proposer", number)
        )
        draft = proceedings.propose_draft(proposal, until_slot=until)
        if how == "short":
            draft = with_value(settled(self.harness, draft), 0, Value(-1))
        if how == "due at once":
            draft = with_datum(draft, 0, (5,), proposal.said_at_posix_ms)
        may = life.account.may_propose() and how == "honest"
        # Without a bond a lovelace less is less than the ledger's own minimum.
        by_contract = life.account.is_live and (
            how != "short" or proceedings.terms.bond_lovelace > 0
        )
        sent = self._try(f"propose {how}", draft, accepted=may, by_contract=by_contract)
        if sent is not None:
            pitch = Pitch(milestone, said, said + life.account.covenant.review_slots)
            live = LiveProposal(sent.outputs[0], proposal)
            account = life.account.when_proposed(pitch)
            self._now(
                number,
                replace(life, account=account, proposals=(*life.proposals, live)),
                sent,
            )

    def _person(self, who: str, number: int) -> Address:
        side = self.stage.plays[number].distribution.id.hex()[:8]
        return base_address(self.harness, f"{who}-{side}")

    def _pitched(self, which: int) -> tuple[int, Life, int]:
        """The distribution and place of one of all proposals that there are."""
        found = [
            (number, life, place)
            for number, life in enumerate(self.lives)
            for place in range(len(life.proposals))
        ]
        return found[which % len(found)]

    def _gone(self, life: Life, place: int, *, taken: int = 0, returned: int = 0) -> Life:
        proposals = (*life.proposals[:place], *life.proposals[place + 1 :])
        account = life.account.without(place, taken=taken, returned=returned)
        return replace(life, account=account, proposals=proposals)

    def _spoilt_bond(self, draft: TransactionDraft, place: int, how: str) -> TransactionDraft:
        if how == "bond short":
            return with_value(settled(self.harness, draft), place, Value(-1))
        if how == "bond elsewhere":
            return with_output(draft, place, address=self.harness.address)
        return draft

    @precondition(lambda self: any(life.proposals for life in self.lives))
    @rule(
        which=st.integers(0, 9),
        seats=SEATS,
        former=st.booleans(),
        how=st.sampled_from((*MOSTLY, "bond short", "bond elsewhere")),
    )
    def objects(self, which: int, seats: Sequence[int], former: bool, how: str) -> None:
        """Oracles stop a proposal, due or not: those who sit, or those who sat."""
        number, life, place = self._pitched(which)
        live, proceedings = life.proposals[place], self._proceedings(number)
        signers = self._signers(number, seats, former=former)
        counting = [signer for signer in signers if signer in life.account.board]
        bond_to = self._person("objector", number)
        statement = proceedings.objection(live, bond_to)
        draft = proceedings.object_draft(live, self._witnesses(statement, signers), bond_to=bond_to)
        draft = self._spoilt_bond(draft, 0, how)
        may = life.account.may_object(counting) and how == "honest"
        is_former = bool(life.former) and len(counting) < len(signers)
        told = f"object {how}{', by a former board' if is_former else ''}"
        sent = self._try(told, draft, accepted=may, by_contract=life.account.is_live)
        if sent is not None:
            self._now(number, self._gone(life, place, taken=BOND), sent)

    @precondition(lambda self: any(life.proposals for life in self.lives))
    @rule(
        which=st.integers(0, 9),
        early=st.sampled_from((False, False, True)),
        patient=st.booleans(),
        how=st.sampled_from((*MOSTLY, "bond short", "bond elsewhere", "other evidence")),
    )
    def confirms(self, which: int, early: bool, patient: bool, how: str) -> None:
        """Anybody makes an attestation of what is due, or would be in a slot."""
        number, life, place = self._pitched(which)
        pitch = life.account.pitches[place]
        if patient:
            self._pass_time(pitch.due_slot)
        now = self._slot_now()
        slot = min(now, pitch.due_slot - 1) if early else now
        draft = self._proceedings(number).confirm_draft(life.proposals[place], slot=slot)
        if how == "other evidence":
            draft = with_redeemer(draft, "mint", (4,), b"other")
            draft = with_datum(draft, 0, (2,), b"other")
        draft = self._spoilt_bond(draft, 1, how)
        may = life.account.may_confirm(pitch, slot) and how == "honest"
        sent = self._try(f"confirm {how}", draft, accepted=may, by_contract=life.account.is_live)
        if sent is not None:
            life = self._gone(life, place, returned=BOND)
            self._now(number, self._attested(life, pitch.milestone, sent.outputs[0]), sent)

    @precondition(lambda self: any(life.proposals for life in self.lives))
    @rule(
        which=st.integers(0, 9),
        early=st.sampled_from((False, False, True)),
        patient=st.booleans(),
        how=st.sampled_from((*MOSTLY, "bond short", "bond elsewhere")),
    )
    def retires(self, which: int, early: bool, patient: bool, how: str) -> None:
        """Anybody takes a forgotten proposal off the chain, also when its distribution has ended."""
        number, life, place = self._pitched(which)
        forgotten = life.account.pitches[place].forgotten_slot
        if patient:
            self._pass_time(forgotten)
        now = self._slot_now()
        slot = min(now, forgotten - 1) if early else now
        draft = self._proceedings(number).retire_draft(life.proposals[place], slot=slot)
        draft = self._spoilt_bond(draft, 0, how)
        may = forgotten <= slot and how == "honest"
        sent = self._try(f"retire {how}", draft, accepted=may, by_contract=True)
        if sent is not None:
            self._now(number, self._gone(life, place, returned=BOND), sent)

    # -- rotation

    @precondition(lambda self: any(life.account.has_board for life in self.lives))
    @rule(
        number=PLAYS,
        board=BOARDS,
        seats=SEATS,
        former=st.booleans(),
        how=st.sampled_from((*MOSTLY, "a quorum of too many", "not the next")),
    )
    def rotates(
        self, number: int, board: tuple[int, ...], seats: Sequence[int], former: bool, how: str
    ) -> None:
        """Those who sit, or those who sat, replace the oracles."""
        seated = [(n, life) for n, life in enumerate(self.lives) if life.account.has_board]
        number, _ = seated[number % len(seated)]
        self._rotate(number, board, self._signers(number, seats, former=former), how)

    def _rotate(
        self, number: int, board: tuple[int, ...], signers: Sequence[int], how: str
    ) -> None:
        life, proceedings = self.lives[number], self._proceedings(number)
        account = life.account
        known, _ = proceedings.seated
        following = replace(
            known,
            oracles=tuple(key.key_hash for key in self.stage.keys(board)),
            quorum_threshold=len(board) + 1 if how == "a quorum of too many" else 2,
            sequence=known.sequence + (2 if how == "not the next" else 1),
        )
        counting = [signer for signer in signers if signer in account.board]
        witnesses = self._witnesses(proceedings.rotation(following), signers)
        may = account.may_rotate(counting) and how == "honest"
        is_former = bool(life.former) and len(counting) < len(signers)
        told = f"rotate {how}{', by a former board' if is_former else ''}"
        sent = self._try(
            told, proceedings.rotate_draft(following, witnesses), accepted=may, by_contract=True
        )
        if sent is not None:
            assert life.view is not None
            life = replace(
                life,
                account=account.when_rotated(board, 2),
                view=replace(life.view, board=sent.outputs[0]),
                former=(*life.former, account.board),
            )
            self._now(number, life, sent)

    # -- notices and the end

    @precondition(lambda self: any(life.view for life in self.lives))
    @rule(
        number=PLAYS,
        by=st.sampled_from(("creator", "quorum", "home", "home")),
        seats=SEATS,
        former=st.booleans(),
        how=st.sampled_from((*MOSTLY, "backdated", "without consent")),
    )
    def notifies(self, number: int, by: str, seats: Sequence[int], former: bool, how: str) -> None:
        """The creator, or oracles who sit or sat, give notice; or somebody says that all may go home."""
        number, _ = self._opened(number)
        signers = self._signers(number, seats, former=former) if by == "quorum" else []
        self._notify(number, by, signers, how)

    def _notify(self, number: int, by: str, signers: Sequence[int], how: str) -> None:
        life, play = self.lives[number], self.stage.plays[number]
        account = life.account
        counting = [signer for signer in signers if signer in account.board]
        if by == "quorum" and not counting:
            return
        until = self._slot_now() + SOON
        said = HOME if by == "home" else until - 1 if how == "backdated" else until
        draft = self._notice(number, said, until, signers)
        consents = by == "creator" and how != "without consent"
        if by == "creator":
            draft = replace(draft, required_signers=())
            draft = play.consenting(self.harness, draft) if consents else draft
        may = account.may_notify(by, consents=consents, signers=counting)
        may = may and (how != "backdated" or by == "home")
        sent = self._try(f"notify by {by}", draft, accepted=may, by_contract=account.is_live)
        if sent is not None:
            assert life.view is not None
            view = replace(life.view, notices=(*life.view.notices, sent.outputs[0]))
            account = account.when_notified(said, self._slot_now())
            self._now(number, replace(life, account=account, view=view), sent)

    def _notice(
        self, number: int, said: int, until: int, signers: Sequence[int]
    ) -> TransactionDraft:
        proceedings = self._proceedings(number)
        sitting = proceedings.opened.sitting
        own = proceedings.opened.distribution
        at = HOME if said == HOME else posix_ms(said)
        statement = NoticeStatement(own.contract.policy_id, own.id, at, EVIDENCE)
        witnesses = sitting.ordered(self._witnesses(statement, signers))
        hashes = {key.key_hash for key in self.stage.keys(signers)}
        signed = tuple(oracle for oracle in sitting.oracles if oracle in hashes)
        return notify_draft(
            Notice(own.contract.policy_id, own.id, at, EVIDENCE, signed),
            proceedings.terms,
            proceedings.referenced,
            sitting=sitting,
            witnesses=witnesses,
            valid_until_slot=until,
        )

    @precondition(lambda self: any(life.account.words for life in self.lives))
    @rule(
        number=PLAYS,
        word=st.integers(0, 5),
        early=st.sampled_from((False, False, True)),
        patient=st.booleans(),
        how=st.sampled_from((*MOSTLY, "elsewhere", "short", "asset short", "a vault left")),
    )
    def ends(self, number: int, word: int, early: bool, patient: bool, how: str) -> None:
        """Anybody sends everything home by one of the words that were given."""
        told = [(n, life) for n, life in enumerate(self.lives) if life.account.words]
        number, life = told[number % len(told)]
        account = life.account
        word %= len(account.words)
        over = account.words[word] + account.covenant.grace_slots
        if patient and account.words[word] != HOME:
            self._pass_time(over)
        now = self._slot_now()
        slot = min(now, over - 1) if early and account.words[word] != HOME else now
        draft = self._sent_home(number, word, slot, how)
        may = account.may_end(word, slot) and how == "honest"
        kind = "home" if account.words[word] == HOME else "notice"
        sent = self._try(f"end by {kind} {how}", draft, accepted=may, by_contract=account.is_live)
        if sent is not None:
            assert life.view is not None
            view = replace(life.view, board=None, notices=())
            life = replace(life, account=account.when_sent_home(), view=view, spare=())
            self._now(number, life, sent)

    def _sent_home(self, number: int, word: int, slot: int, how: str) -> TransactionDraft:
        life, token = self.lives[number], self.stage.plays[number].token
        view = life.view
        assert view is not None
        draft = view.close_draft(slot=slot, also=life.spare, notice=view.notices[word])
        if how == "elsewhere":
            return with_output(draft, 0, address=self.harness.address)
        if how == "a vault left":
            kept = tuple(spend for spend in draft.spends if spend.utxo != view.vaults[0])
            name = view.distribution.vault_token.asset_name
            return minting(replace(draft, spends=kept), name, 1)
        if how in {"short", "asset short"}:
            less = Value(-1)
            if how == "asset short" and token != LOVELACE and draft.outputs[0].value.assets:
                less = Value.of(token, -1)
            return with_value(settled(self.harness, draft), 0, less)
        return draft

    # -- the creator alone

    @precondition(lambda self: any(life.view for life in self.lives))
    @rule(
        number=PLAYS,
        milestone=MILESTONES,
        early=st.sampled_from((False, False, True)),
        consents=st.sampled_from((True, True, False)),
    )
    def waives(self, number: int, milestone: str, early: bool, consents: bool) -> None:
        """The creator attests without the oracles, in time or a slot before."""
        number, life = self._opened(number)
        account, now = life.account, self._slot_now()
        waiver = account.covenant.waiver_slot
        slot = min(now, waiver - 1) if early and waiver is not None else now
        proceedings: Proceedings = self._proceedings(number)
        draft = replace(proceedings.waive_draft(milestone, slot=slot), required_signers=())
        if consents:
            draft = self.stage.plays[number].consenting(self.harness, draft)
        may = account.may_waive(consents=consents, from_slot=slot)
        sent = self._try("waive", draft, accepted=may, by_contract=account.is_live)
        if sent is not None:
            self._now(number, self._attested(life, milestone, sent.outputs[0]), sent)
