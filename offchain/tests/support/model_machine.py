"""How the stateful model tries a step and what must hold after it; rules that are about time and blocks alone.

Before every step the model says whether the chain must take it; after every step the chain's books are held
against the model's, and whatever is claimable is claimed, on trial.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import ClassVar

import pytest
from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from milestones.cardano.outputs import Utxo
from milestones.cardano.value import LOVELACE, AssetId
from milestones.devnet.ledger.failures import TransactionRejected
from milestones.protocol.datums import (
    Attestation,
    VaultState,
    board_hash,
    board_token_name,
    proposal_token_name,
)
from milestones.protocol.redeemers import OracleWitness
from milestones.protocol.statements import MilestoneStatement, Statement
from milestones.testing.contract import EVIDENCE, FIRST_SLOT, Opened, base_address, moment
from milestones.testing.proceedings import Proceedings
from milestones.transactions.board_drafts import LiveProposal
from milestones.transactions.contract_drafts import Attesting, ReleaseSources, release_draft
from milestones.transactions.draft import TransactionDraft
from milestones.transactions.signing import SignedTransaction
from tests.support.hostile import SCRIPTS_REFUSED
from tests.support.model_stage import FIRST, MOMENTS, SECOND, Play, forgetful, stage
from tests.support.payout_model import HOME, Account


@dataclass(frozen=True)
class Life:
    """One distribution: what the model knows, and where its UTxOs are.

    `spare` are attestations of milestones that were attested again later; `proposals` are in the order of
    the account's pitches, the view's notices in that of its words. `former` are boards of the past.
    """

    account: Account
    view: Opened | None = None
    spare: tuple[Utxo, ...] = ()
    proposals: tuple[LiveProposal, ...] = ()
    former: tuple[tuple[int, ...], ...] = ()
    vault_lovelace: tuple[int, ...] = ()
    """What each vault held at its opening."""


@dataclass(frozen=True)
class Moment:
    """What there is at some time beside the chain itself: distributions, wallet, and all fees so far."""

    lives: tuple[Life, ...]
    wallet: tuple[Utxo, ...]
    fees: int


@dataclass(frozen=True)
class Step:
    """A transaction that was taken, the chain before it, and what there was before and after."""

    snapshot: str
    before: Moment
    sent: bytes = field(repr=False)
    after: Moment


class Machine(RuleBasedStateMachine):
    """The chain under test is shared by all runs; each begins where the stage was set."""

    counts: ClassVar[Counter[str]] = Counter()
    """Steps taken in this process, by what was tried and whether it was accepted."""

    def __init__(self) -> None:
        super().__init__()
        self.stage = stage()
        self.harness = self.stage.harness
        self.undone: AbstractContextManager[None] = self.harness.undone()
        self.undone.__enter__()
        self.lives = tuple(Life(play.account) for play in self.stage.plays)
        self.history: list[Step] = []
        self.fees = 0
        self.touched = 0
        self.first_total = self.harness.total()
        self.first_height = self.harness.chain.tip.height

    def teardown(self) -> None:
        """What was claimable at the end was claimable, in all distributions."""
        try:
            for number in range(len(self.lives)):
                self._claim_on_trial(number)
                self._claim_in_the_last_slot_of_a_grace(number)
        finally:
            self.undone.__exit__(None, None, None)

    # -- time and blocks

    @rule(which=st.integers(0, 11), back=st.booleans())
    def time_passes(self, which: int, back: bool) -> None:
        """Until right when something changes, or the slot before: soon ones more often than late ones."""
        now = self._slot_now()
        coming = sorted(slot for slot in self._turning_points() if slot > now)
        if coming:
            slot = coming[min(which // 3, len(coming) - 1)]
            self._pass_time(slot - 1 if back else slot)

    def _turning_points(self) -> set[int]:
        points = set(MOMENTS)
        for life in self.lives:
            account = life.account
            points.update(account.grace_ends())
            points.update(pitch.due_slot for pitch in account.pitches)
            points.update(pitch.forgotten_slot for pitch in account.pitches)
        return points

    def _pass_time(self, slot: int) -> None:
        if slot > self._slot_now():
            self.harness.reach(slot)
            self.counts["time passes"] += 1

    @rule(blocks=st.integers(1, 4))
    def blocks_come_again(self, blocks: int) -> None:
        """The last blocks are rolled back, and their transactions come into others.

        What is valid for a while alone, a proposal or a notice, may be too late by then, and all that
        builds on it is lost: then nothing was rolled back.
        """
        blocks = min(blocks, self.harness.chain.tip.height - self.first_height)
        if not blocks:
            return
        snapshot, known = self.harness.chain.snapshot(), set(self.harness.chain.utxo)
        self.harness.chain.rollback(blocks)
        self.harness.chain.mine()
        if set(self.harness.chain.utxo) == known:
            self.counts["blocks come again"] += 1
        else:
            self.harness.chain.revert(snapshot)
            self.counts["blocks would come too late"] += 1

    @precondition(lambda self: self.history)
    @rule(back=st.integers(1, 3), again=st.booleans())
    def blocks_are_lost(self, back: int, again: bool) -> None:
        """Everything is as some steps ago; then the first step is perhaps repeated, byte by byte."""
        step = self.history[-back:][0]
        del self.history[-back:]
        self.harness.chain.revert(step.snapshot)
        self._become(step.before)
        self.counts["blocks are lost"] += 1
        if again:
            self.harness.chain.submit(step.sent)
            self._become(step.after)
            self.history.append(step)
            self.counts["a lost transaction sent again"] += 1

    @precondition(lambda self: self.history)
    @rule(back=st.integers(1, 3))
    def repeats(self, back: int) -> None:
        """A transaction that is in a block already is sent a second time."""
        with pytest.raises(TransactionRejected):
            self.harness.chain.submit(self.history[-back:][0].sent)
        self.counts["repeat refused"] += 1

    # -- what holds after every step

    @invariant()
    def tokens_are_conserved(self) -> None:
        """Lovelace goes into fees alone; of tokens there are as many as ever; ours are where they must be."""
        total = self.harness.total()
        contract = self.harness.contract
        ours = {contract.policy_id, contract.board_policy}
        foreign = {asset: n for asset, n in total.assets.items() if asset.policy_id not in ours}
        own = {asset: n for asset, n in total.assets.items() if asset.policy_id in ours}
        assert total.lovelace + self.fees == self.first_total.lovelace
        assert foreign == self.first_total.assets
        assert own == self._own_tokens()

    @invariant()
    def paid_is_what_was_claimed(self) -> None:
        """Every beneficiary has what the model says, no allocation is paid twice, vaults hold the rest."""
        for play, life in zip(self.stage.plays, self.lives, strict=True):
            for name in {promise.beneficiary for promise in life.account.promises}:
                held = self.harness.held_by(play.address(name)).quantity(play.token)
                assert held == life.account.paid_to(name)
            self._others_have_theirs(play, life.account)
            if life.view is not None and life.account.is_live:
                for page, vault in enumerate(life.view.vaults):
                    self._vault_holds(play, life, page, vault)

    @invariant()
    def the_claimable_can_be_claimed(self) -> None:
        """Whatever the model says is claimable, the chain pays: tried after each step, and undone."""
        self._claim_on_trial(self.touched)

    def _others_have_theirs(self, play: Play, account: Account) -> None:
        """The refund got what was owed; bonds are where they belong, to the lovelace."""
        refund = self.harness.held_by(play.distribution.terms.refund.address)
        if play.token == LOVELACE:
            assert refund.lovelace >= account.sent_home
        else:
            assert refund.quantity(play.token) == account.sent_home
        side = str(play.distribution.id.hex()[:8])
        assert self._held("proposer", side) == account.bonds_returned
        assert self._held("objector", side) == account.bonds_taken

    def _held(self, who: str, side: str) -> int:
        return self.harness.held_by(base_address(self.harness, f"{who}-{side}")).lovelace

    def _own_tokens(self) -> dict[AssetId, int]:
        tokens: Counter[AssetId] = Counter()
        for play, life in zip(self.stage.plays, self.lives, strict=True):
            if life.account.is_live:
                tokens[play.distribution.terms_token] += 1
                tokens[play.distribution.vault_token] += len(life.account.pages())
            for milestone in life.account.attestations:
                tokens[play.distribution.attestation_token(milestone)] += 1
            for name in self._board_tokens(play, life.account):
                tokens[AssetId(self.harness.contract.board_policy, name)] += 1
        return dict(tokens)

    def _board_tokens(self, play: Play, account: Account) -> list[bytes]:
        whose = (self.harness.contract.policy_id, play.distribution.id)
        labels = (b"HOME" if word == HOME else b"CNCL" for word in account.words)
        pitches = (pitch.milestone.encode() for pitch in account.pitches)
        boards = [board_token_name(*whose, account.sequence)] if account.has_board else []
        return [
            *boards,
            *(label + board_hash(*whose) for label in labels),
            *(proposal_token_name(*whose, milestone) for milestone in pitches),
        ]

    def _vault_holds(self, play: Play, life: Life, page: int, vault: Utxo) -> None:
        """The allowance of every claim was taken, and no more: so it is never drained before its end."""
        account = life.account
        output = self.harness.chain.utxo[vault.reference]
        state = VaultState.decode(vault.output.inline_datum or b"")
        first = page * account.page_size
        paid = account.paid & {*account.page(page)}
        assert state.remaining == account.owed(page)
        assert {first + leaf for leaf in state.claimed_leaves()} == paid
        left = life.vault_lovelace[page] - account.covenant.allowance * len(paid)
        if play.token != LOVELACE:
            assert output.value.quantity(play.token) == account.owed(page)
        else:
            left -= sum(account.promises[index].amount for index in paid)
        assert output.value.lovelace == left
        if len(paid) == len(account.page(page)):
            self.counts["a page paid to its end"] += 1

    def _claim_on_trial(self, number: int) -> None:
        for indices in self._claimable(self.lives[number].account):
            with self.harness.undone():
                self.harness.send(self._release_draft(number, indices, self._slot_now(), None))
            self.counts["claims on trial"] += len(indices)

    @invariant()
    def what_was_attested_and_vested_before_a_notice_can_be_claimed_by_anybody_until_the_grace_ends(
        self,
    ) -> None:
        """Whatever has happened since: tried after each step, in the last slot, and undone."""
        self._claim_in_the_last_slot_of_a_grace(self.touched)

    def _claim_in_the_last_slot_of_a_grace(self, number: int) -> None:
        account = self.lives[number].account
        ends = account.grace_ends()
        if not account.is_live or not ends or min(ends) - 1 < self._slot_now():
            return
        assured = account.assured - account.paid
        with self.harness.undone():
            self.harness.reach(min(ends) - 1)
            assert assured <= account.claimable(self._slot_now())
            self._claim_on_trial(number)
        self.counts["claims in the last slot of a grace"] += len(assured)

    def _claimable(self, account: Account) -> list[list[int]]:
        claimable = account.claimable(self._slot_now())
        pages = (sorted(claimable & {*account.page(page)}) for page in account.pages())
        return [indices for indices in pages if indices]

    # -- how a step is tried

    def _try(
        self, told: str, draft: TransactionDraft, *, accepted: bool, by_contract: bool = False
    ) -> SignedTransaction | None:
        """Sends a draft, which must end as the model says; `by_contract` refuses nothing but a script."""
        self.counts[f"{told} {'accepted' if accepted else 'refused'}"] += 1
        note(f"{told}: {'accepted' if accepted else 'refused'}")
        if accepted:
            self.before = self.harness.chain.snapshot(), self._present()
            sent = self.harness.send(draft)
            self.fees += sent.fee_lovelace
            return sent
        signed = self.harness.signed(self.harness.guessed(draft))
        with pytest.raises(TransactionRejected) as refusal:
            self.harness.chain.submit(signed.cbor)
        assert not by_contract or refusal.value.failures == (SCRIPTS_REFUSED,), refusal.value
        return None

    def _now(self, number: int, life: Life, sent: SignedTransaction) -> None:
        self.lives = (*self.lives[:number], life, *self.lives[number + 1 :])
        self.touched = number
        snapshot, before = self.before
        self.history.append(Step(snapshot, before, sent.cbor, self._present()))

    def _opened(self, number: int) -> tuple[int, Life]:
        opened = [(n, life) for n, life in enumerate(self.lives) if life.view is not None]
        return opened[number % len(opened)]

    def _present(self) -> Moment:
        return Moment(self.lives, self.harness.wallet, self.fees)

    def _become(self, moment: Moment) -> None:
        self.lives, self.harness.wallet, self.fees = moment.lives, moment.wallet, moment.fees

    def _slot_now(self) -> int:
        return self.harness.chain.environment().slot

    # -- what several rules need

    def _proceedings(self, number: int) -> Proceedings:
        view = self.lives[number].view
        assert view is not None
        return Proceedings(view)

    def _witnesses(self, statement: Statement, signers: Sequence[int]) -> list[OracleWitness]:
        data = statement.signed_data
        keys = self.stage.keys(signers)
        return [OracleWitness(key.verification_key, key.sign(data)) for key in keys]

    def _signers(self, number: int, seats: Sequence[int], *, former: bool) -> list[int]:
        """The oracles on these seats of the board, or of the one that sat before it."""
        life = self.lives[number]
        board = life.former[-1] if former and life.former else life.account.board
        return [board[seat] for seat in seats if seat < len(board)]

    def _attesting(
        self, number: int, milestone: str, signers: Sequence[int], how: str = "honest"
    ) -> Attesting:
        """An attestation with the signatures of these oracles, perhaps over something else."""
        distribution, view = self.stage.plays[number].distribution, self.lives[number].view
        assert view is not None
        said = self._statement(number, milestone)
        other = FIRST if milestone == SECOND else SECOND
        signed = {
            "another milestone's": self._statement(number, other),
            "another distribution's": self._statement((number + 1) % 3, milestone),
        }.get(how, said)
        hashes = tuple(key.key_hash for key in self.stage.keys(signers))
        when = said.verification_posix_ms
        return Attesting(
            Attestation(distribution.id, milestone.encode(), EVIDENCE, when, hashes),
            view.sitting,
            self._witnesses(signed, signers),
        )

    def _statement(self, number: int, milestone: str) -> MilestoneStatement:
        distribution = self.stage.plays[number].distribution
        policy_id, when = self.harness.contract.policy_id, moment(FIRST_SLOT) * 1000
        return MilestoneStatement(policy_id, distribution.id, milestone.encode(), EVIDENCE, when)

    def _attested(self, life: Life, milestone: str, utxo: Utxo) -> Life:
        assert life.view is not None
        former = life.view.attestations.get(milestone)
        spare = life.spare if former is None else (*life.spare, former)
        account = life.account.when_attested(milestone)
        return replace(life, account=account, view=life.view.attested(milestone, utxo), spare=spare)

    def _release_draft(
        self,
        number: int,
        indices: Sequence[int],
        from_slot: int | None,
        minted: tuple[str, Sequence[int]] | None,
    ) -> TransactionDraft:
        """As the program builds it, but of a vault that has forgotten that it paid these allocations."""
        play, life = self.stage.plays[number], self.lives[number]
        assert life.view is not None
        page, _ = play.distribution.place(indices[0])
        leaves = [play.distribution.place(index)[1] for index in indices]
        sources = ReleaseSources(
            vault=forgetful(life.view.vaults[page], leaves),
            terms=life.view.terms,
            scripts=self.harness.scripts,
            attestations=life.view.attestations,
            attesting=None if minted is None else self._attesting(number, *minted),
        )
        return release_draft(play.distribution, indices, sources, valid_from_slot=from_slot)
