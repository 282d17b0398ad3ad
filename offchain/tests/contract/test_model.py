"""Random lives of three distributions at once, honest and hostile, against a model in plain Python.

Before every step the model says whether the chain must take it; after every step the chain's books are
held against the model's, and whatever is claimable is claimed, on trial. `make test` lives sixty lives of
up to 25 steps, always the same; `MILESTONES_MODEL_RUNS=2000` lives as many as one likes and counts them.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from milestones.cardano.outputs import Utxo
from milestones.cardano.value import LOVELACE, AssetId, Value
from milestones.devnet.ledger.failures import TransactionRejected
from milestones.protocol.datums import Attestation, VaultState
from milestones.protocol.redeemers import OracleWitness
from milestones.protocol.statements import MilestoneStatement
from milestones.testing.contract import EVIDENCE, FIRST_SLOT, Opened, moment, oracles
from milestones.transactions.contract_drafts import (
    Attesting,
    ReleaseSources,
    attest_draft,
    close_draft,
    open_draft,
    release_draft,
)
from milestones.transactions.draft import TransactionDraft
from milestones.transactions.signing import SignedTransaction
from tests.support.hostile import SCRIPTS_REFUSED, with_output, with_value
from tests.support.model_stage import (
    FIRST,
    MOMENTS,
    SECOND,
    SPOILINGS,
    Play,
    Spoiling,
    Target,
    stage,
)
from tests.support.payout_model import Account

RUNS = int(os.environ.get("MILESTONES_MODEL_RUNS", "60"))
STEPS = 25
DEPOSIT = 2_000_000
"""Lovelace that every first vault has beyond its minimum."""

PLAYS = st.integers(0, 2)
MILESTONES = st.sampled_from((FIRST, SECOND))
QUORUMS = st.sampled_from(((0, 1), (0, 2), (1, 2), (0, 1, 2)))
SIGNERS = QUORUMS | QUORUMS | QUORUMS | st.sampled_from(((0,), (), (1, 1), (2, 0)))
"""Numbers of oracles; two of the three suffice."""
MOMENTS_ASKED = st.sampled_from(("now", "now", "now", "none", "before", "later"))


@dataclass(frozen=True)
class Life:
    """One distribution: what the model knows, and where its UTxOs are.

    `spare` are attestations of milestones that were attested again later.
    """

    account: Account
    view: Opened | None = None
    spare: tuple[Utxo, ...] = ()


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


class Distributions(RuleBasedStateMachine):
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
        finally:
            self.undone.__exit__(None, None, None)

    # -- steps

    @initialize(
        numbers=st.permutations(range(3)),
        count=st.integers(1, 3),
        attested=st.sets(st.tuples(PLAYS, MILESTONES)),
        slot=st.sampled_from(MOMENTS),
    )
    def begins(
        self, numbers: Sequence[int], count: int, attested: set[tuple[int, str]], slot: int
    ) -> None:
        """Some distributions are there from the beginning, some of their milestones attested."""
        for number in numbers[:count]:
            self._open(number, "honest")
        for number, milestone in sorted(attested):
            if number in numbers[:count]:
                self._attest(number, milestone, (0, 1), "honest")
        self._pass_time(slot)

    @precondition(lambda self: not all(life.account.opened for life in self.lives))
    @rule(how=st.sampled_from(("honest", "honest", "without consent", "underfunded")))
    def opens(self, how: str) -> None:
        """Opens a distribution, funded or not, with the creator's consent or without."""
        unopened = (n for n, life in enumerate(self.lives) if not life.account.opened)
        self._open(next(unopened), how)

    def _open(self, number: int, how: str) -> None:
        play, life = self.stage.plays[number], self.lives[number]
        draft = open_draft(play.distribution, scripts=self.harness.scripts)
        draft = with_value(draft, 1, Value(DEPOSIT))
        if how == "without consent":
            draft = replace(draft, required_signers=())
        if how == "underfunded":
            less = DEPOSIT + 1 if play.token == LOVELACE else 1
            draft = with_output(
                with_value(draft, 1, Value.of(play.token, -less)), 1, min_ada="ignore"
            )
        sent = self._try(f"open {how}", draft, accepted=how == "honest")
        if sent is not None:
            vaults = sent.outputs[1 : 1 + len(life.account.pages())]
            view = Opened(self.harness, play.distribution, sent.outputs[0], vaults)
            self._now(number, Life(life.account.when_opened(), view), sent)

    @precondition(lambda self: any(life.view for life in self.lives))
    @rule(
        number=PLAYS,
        milestone=MILESTONES,
        signers=SIGNERS,
        how=st.sampled_from(
            ("honest",) * 6 + ("another milestone's", "another distribution's", "taken home")
        ),
    )
    def attests(self, number: int, milestone: str, signers: Sequence[int], how: str) -> None:
        """Some oracles declare a milestone complete, or something else is passed off as that."""
        self._attest(self._opened(number)[0], milestone, signers, how)

    def _attest(self, number: int, milestone: str, signers: Sequence[int], how: str) -> None:
        life = self.lives[number]
        assert life.view is not None
        attesting = self._attesting(number, milestone, signers, how)
        draft = attest_draft(attesting, terms=life.view.terms, scripts=self.harness.scripts)
        if how == "taken home":
            draft = with_output(draft, 0, address=self.harness.address)
        may = life.account.may_attest(signers) and how == "honest"
        sent = self._try(f"attest {how}", draft, accepted=may)
        if sent is not None:
            self._now(number, self._attested(life, milestone, sent.outputs[0]), sent)

    @precondition(lambda self: any(life.view for life in self.lives))
    @rule(
        number=PLAYS,
        page=st.integers(0, 1),
        chosen=st.integers(1, 15),
        due=st.booleans(),
        when=MOMENTS_ASKED,
        attesting=st.none() | st.none() | st.tuples(MILESTONES, SIGNERS),
        spoiling=st.none() | st.none() | st.sampled_from(SPOILINGS),
    )
    def releases(  # noqa: PLR0917  (each is a choice that hypothesis makes)
        self,
        number: int,
        page: int,
        chosen: int,
        due: bool,
        when: str,
        attesting: tuple[str, Sequence[int]] | None,
        spoiling: Spoiling | None,
    ) -> None:
        """Pays any allocations of a page (those that are due, if `due`), perhaps attesting as well."""
        number, life = self._opened(number)
        account = life.account
        page %= len(account.pages())
        indices = self._chosen(account, page, chosen, due=due)
        if not indices:
            return
        from_slot = self._slot(account, indices, when)
        if sum(account.promises[index].amount for index in indices) > account.owed(page):
            return
        draft = self._release_draft(number, indices, from_slot, attesting)
        if spoiling is not None:
            leaves = tuple(index - page * account.page_size for index in indices)
            target = Target(self.stage, self.stage.plays[number], draft, leaves)
            draft = spoiling(target)
        may = account.may_release(indices, from_slot, [attesting[0]] if attesting else [])
        may = may and (attesting is None or account.may_attest(attesting[1]))
        may = may and from_slot is not None and from_slot <= self._slot_now()
        told = f"release{spoiling.__name__}" if spoiling else "release"
        sent = self._try(told, draft, accepted=may and spoiling is None, by_contract=may)
        if sent is not None:
            self._paid(number, indices, sent, attesting)

    @precondition(lambda self: self._due())
    @rule(which=st.integers(0, 20), chosen=st.integers(1, 15))
    def pays(self, which: int, chosen: int) -> None:
        """Somebody pays some of what is claimable."""
        due = self._due()
        number, claimable = due[which % len(due)]
        indices = [index for bit, index in enumerate(claimable) if chosen >> bit & 1] or claimable
        draft = self._release_draft(number, indices, self._slot_now(), None)
        sent = self._try("release", draft, accepted=True)
        assert sent is not None
        self._paid(number, indices, sent, None)

    def _due(self) -> list[tuple[int, list[int]]]:
        """What is claimable, page by page, and of which distribution."""
        return [
            (number, indices)
            for number, life in enumerate(self.lives)
            for indices in self._claimable(life.account)
        ]

    def _claimable(self, account: Account) -> list[list[int]]:
        claimable = account.claimable(self._slot_now())
        pages = (sorted(claimable & {*account.page(page)}) for page in account.pages())
        return [indices for indices in pages if indices]

    @precondition(lambda self: any(life.view for life in self.lives))
    @rule(
        number=PLAYS,
        who=st.sampled_from(("creator", "creator", "creator", "thief")),
        whole=st.sampled_from((True, True, False)),
        timely=st.booleans(),
        leave=st.booleans(),
    )
    def closes(self, number: int, who: str, whole: bool, timely: bool, leave: bool) -> None:
        """The creator, or somebody else, ends a distribution, perhaps without one of its vaults."""
        number, life = self._opened(number)
        play, view, account = self.stage.plays[number], life.view, life.account
        assert view is not None
        from_slot = self._slot_now() if timely else None
        burnt = () if leave else (*view.attestations.values(), *life.spare)
        draft = close_draft(
            play.distribution.terms,
            terms_utxo=view.terms,
            vaults=view.vaults if whole else view.vaults[1:],
            attestations=burnt,
            scripts=self.harness.scripts,
            valid_from_slot=from_slot,
        )
        if who == "thief":
            draft = replace(draft, required_signers=(self.harness.key("thief").key_hash,))
        may = account.may_close(consents=who == "creator", whole=whole, from_slot=from_slot)
        sent = self._try(f"close by the {who}", draft, accepted=may)
        if sent is not None:
            left = account.attestations if leave else ()
            self._now(number, replace(life, account=account.when_closed(left)), sent)

    @rule(slot=st.sampled_from(MOMENTS))
    def time_passes(self, slot: int) -> None:
        """Until shortly before, or right when, something changes."""
        self._pass_time(slot)

    def _pass_time(self, slot: int) -> None:
        if slot > self._slot_now():
            self.harness.reach(slot)
            self.counts["time passes"] += 1

    @rule(blocks=st.integers(1, 4))
    def blocks_come_again(self, blocks: int) -> None:
        """The last blocks are rolled back, and their transactions come into others."""
        blocks = min(blocks, self.harness.chain.tip.height - self.first_height)
        if blocks:
            self.harness.chain.rollback(blocks)
            self.harness.chain.mine()
            self.counts["blocks come again"] += 1

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
        ours = self.harness.contract.policy_id
        foreign = {asset: n for asset, n in total.assets.items() if asset.policy_id != ours}
        own = {asset: n for asset, n in total.assets.items() if asset.policy_id == ours}
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
            if life.view is not None and life.account.is_live:
                for page, vault in enumerate(life.view.vaults):
                    self._vault_holds(play, life.account, page, vault)

    @invariant()
    def the_claimable_can_be_claimed(self) -> None:
        """Whatever the model says is claimable, the chain pays: tried after each step, and undone."""
        self._claim_on_trial(self.touched)

    def _own_tokens(self) -> dict[AssetId, int]:
        tokens: Counter[AssetId] = Counter()
        for play, life in zip(self.stage.plays, self.lives, strict=True):
            if life.account.is_live:
                tokens[play.distribution.terms_token] += 1
                tokens[play.distribution.vault_token] += len(life.account.pages())
            for milestone in life.account.attestations:
                tokens[play.distribution.attestation_token(milestone)] += 1
        return dict(tokens)

    def _vault_holds(self, play: Play, account: Account, page: int, vault: Utxo) -> None:
        output = self.harness.chain.utxo[vault.reference]
        state = VaultState.decode(vault.output.inline_datum or b"")
        first = page * account.page_size
        assert state.remaining == account.owed(page)
        assert {first + leaf for leaf in state.claimed_leaves()} == account.paid & {
            *account.page(page)
        }
        if play.token != LOVELACE:
            assert output.value.quantity(play.token) == account.owed(page)
        else:
            assert output.value.lovelace > account.owed(page)

    def _claim_on_trial(self, number: int) -> None:
        for indices in self._claimable(self.lives[number].account):
            with self.harness.undone():
                self.harness.send(self._release_draft(number, indices, self._slot_now(), None))
            self.counts["claims on trial"] += len(indices)

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

    # -- attesting and releasing

    def _attesting(
        self, number: int, milestone: str, signers: Sequence[int], how: str = "honest"
    ) -> Attesting:
        """An attestation with the signatures of these oracles, perhaps over something else."""
        distribution = self.stage.plays[number].distribution
        said = self._statement(number, milestone)
        signed = {
            "another milestone's": self._statement(
                number, FIRST if milestone == SECOND else SECOND
            ),
            "another distribution's": self._statement((number + 1) % 3, milestone),
        }.get(how, said)
        keys = [oracles(self.harness, 3)[signer] for signer in signers]
        witnesses = [
            OracleWitness(key.verification_key, key.sign(signed.signed_data)) for key in keys
        ]
        hashes = tuple(key.key_hash for key in keys)
        when = said.verification_posix_ms
        return Attesting(
            Attestation(distribution.id, milestone.encode(), EVIDENCE, when, hashes), witnesses
        )

    def _statement(self, number: int, milestone: str) -> MilestoneStatement:
        distribution = self.stage.plays[number].distribution
        policy_id, when = self.harness.contract.policy_id, moment(FIRST_SLOT) * 1000
        return MilestoneStatement(policy_id, distribution.id, milestone.encode(), EVIDENCE, when)

    def _attested(self, life: Life, milestone: str, utxo: Utxo) -> Life:
        assert life.view is not None
        former = life.view.attestations.get(milestone)
        spare = life.spare if former is None else (*life.spare, former)
        view = life.view.attested(milestone, utxo)
        return Life(life.account.when_attested(milestone), view, spare)

    def _chosen(self, account: Account, page: int, chosen: int, *, due: bool) -> list[int]:
        members = account.page(page)
        wanted = {index for bit, index in enumerate(members) if chosen >> bit & 1}
        if due:
            wanted = {*members} & account.claimable(self._slot_now()) - wanted or wanted
        return sorted(wanted)

    def _slot(self, account: Account, indices: Sequence[int], when: str) -> int | None:
        now = self._slot_now()
        vested = max(account.promises[index].vests_slot for index in indices)
        slots = {"none": None, "later": now + 10_000, "before": vested - 1 if vested else now}
        return slots.get(when, now)

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
            vault=_forgetful(life.view.vaults[page], leaves),
            terms=life.view.terms,
            scripts=self.harness.scripts,
            attestations=life.view.attestations,
            attesting=None if minted is None else self._attesting(number, *minted),
        )
        return release_draft(play.distribution, indices, sources, valid_from_slot=from_slot)

    def _paid(
        self,
        number: int,
        indices: Sequence[int],
        sent: SignedTransaction,
        minted: tuple[str, Sequence[int]] | None,
    ) -> None:
        life = self.lives[number]
        assert life.view is not None
        view, _ = life.view.paid(sent, indices)
        life = replace(life, account=life.account.when_paid(indices), view=view)
        if minted is not None:
            life = self._attested(life, minted[0], sent.outputs[1 + len(indices)])
        self._now(number, life, sent)


def _forgetful(vault: Utxo, leaves: Sequence[int]) -> Utxo:
    state = VaultState.decode(vault.output.inline_datum or b"")
    bits = int.from_bytes(state.claimed, "big") & ~sum(1 << leaf for leaf in leaves)
    forgotten = replace(state, claimed=bits.to_bytes(len(state.claimed), "big"))
    return replace(vault, output=replace(vault.output, inline_datum=forgotten.encode()))


MUST_HAPPEN = (
    "open honest accepted",
    "open underfunded refused",
    "attest honest accepted",
    "attest honest refused",
    "release accepted",
    "release refused",
    "close by the creator accepted",
    "close by the creator refused",
    "close by the thief refused",
    "blocks come again",
    "a lost transaction sent again",
    "claims on trial",
)


def test_random_lives_of_three_distributions(capsys: pytest.CaptureFixture[str]) -> None:
    """The chain and the model agree on every step, and neither has much to say without the other."""
    Distributions.counts.clear()
    run_state_machine_as_test(
        Distributions,
        settings=settings(
            max_examples=RUNS,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            report_multiple_bugs=False,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )
    counts = Distributions.counts
    with capsys.disabled():
        if "MILESTONES_MODEL_RUNS" in os.environ:
            print("", *(f"{n:7} {told}" for told, n in sorted(counts.items())), sep="\n")  # noqa: T201
    assert [told for told in MUST_HAPPEN if not counts[told]] == []
