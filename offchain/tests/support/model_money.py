"""The steps of the stateful model that are about money: opening, attesting, releasing, closing by key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from milestones.cardano.value import LOVELACE, Value
from milestones.testing.contract import opened_by
from milestones.transactions.closing_drafts import Remains, close_draft
from milestones.transactions.contract_drafts import attest_draft, open_draft
from milestones.transactions.draft import Mint, Spend, TransactionDraft
from milestones.transactions.signing import SignedTransaction
from tests.support.hostile import along, native_policy, with_output, with_value
from tests.support.model_board import MILESTONES, PLAYS, QUORUMS, SOON, BoardRules
from tests.support.model_machine import Life
from tests.support.model_spoilings import SPOILINGS, Spoiling, Target
from tests.support.model_stage import MOMENTS, POOL, SECOND
from tests.support.payout_model import Account

DEPOSIT: Final = 2_000_000
"""Lovelace that every first vault has beyond what the program gives it."""
SIGNERS = QUORUMS | QUORUMS | QUORUMS | st.sampled_from(((0,), (), (1, 1), (2, 0)))
"""Seats of oracles; two suffice."""
MOMENTS_ASKED = st.sampled_from(("now", "now", "now", "none", "before", "later"))
SAID: Final = ("proposal", "proposal", "notice", "rotation", "home")
COMPANY: Final = (
    "nobody",
    "a native policy",
    "an attestation",
    "a proposal",
    "a notice",
    "a confirmation",
    "another's end",
    "another release",
)


class Distributions(BoardRules):
    """Everything that can be done with distributions."""

    # -- opening

    @initialize(
        numbers=st.permutations(range(3)),
        count=st.integers(1, 3),
        attested=st.sets(st.tuples(PLAYS, MILESTONES)),
        slot=st.sampled_from(MOMENTS),
        said=st.lists(st.tuples(PLAYS, st.sampled_from(SAID)), max_size=6),
    )
    def begins(
        self,
        numbers: Sequence[int],
        count: int,
        attested: set[tuple[int, str]],
        slot: int,
        said: Sequence[tuple[int, str]],
    ) -> None:
        """Some distributions are there from the beginning, some of their milestones attested.

        Something may be proposed already, a notice given, a board replaced: else few lives get far enough.
        """
        for number in numbers[:count]:
            self._open(number, "honest")
        for number, milestone in sorted(attested):
            if number in numbers[:count]:
                board = self.lives[number].account.board
                self._attest(number, milestone, board[:2], "honest")
        self._pass_time(slot)
        for number, what in said:
            if number in numbers[:count]:
                self._say(number, what)

    def _say(self, number: int, what: str) -> None:
        account = self.lives[number].account
        if what == "proposal":
            self._propose(number, SECOND, "honest")
        elif what == "rotation" and account.has_board:
            board = account.board
            self._rotate(
                number, tuple(sorted({*board[1:], (board[0] + 4) % POOL})), board[:2], "honest"
            )
        elif what == "home":
            self._notify(number, "home", (), "honest")
        elif what == "notice":
            by = "quorum" if "quorum" in account.covenant.cancel_by else "creator"
            self._notify(number, by, account.board[:2] if by == "quorum" else (), "honest")

    @precondition(lambda self: not all(life.account.opened for life in self.lives))
    @rule(how=st.sampled_from(("honest", "underfunded", "without consent")))
    def opens(self, how: str) -> None:
        """Opens a distribution, funded or not, with the creator's consent or without."""
        unopened = (n for n, life in enumerate(self.lives) if not life.account.opened)
        self._open(next(unopened), how)

    def _open(self, number: int, how: str) -> None:
        play, life = self.stage.plays[number], self.lives[number]
        draft = open_draft(play.distribution, scripts=self.harness.scripts)
        if play.named is not None:
            draft = along(draft, spends=(Spend(play.named),))
        draft = with_value(replace(draft, required_signers=()), 1, Value(DEPOSIT))
        if how != "without consent":
            draft = play.consenting(self.harness, draft)
        if how == "underfunded":
            less = DEPOSIT + 1 if play.token == LOVELACE else 1
            draft = with_output(
                with_value(draft, 1, Value.of(play.token, -less)), 1, min_ada="ignore"
            )
        sent = self._try(f"open {how}", draft, accepted=how == "honest")
        if sent is not None:
            view = opened_by(self.harness, play.distribution, sent)
            lovelace = tuple(vault.output.value.lovelace for vault in view.vaults)
            opened = replace(
                life, account=life.account.when_opened(), view=view, vault_lovelace=lovelace
            )
            self._now(number, opened, sent)

    # -- attesting

    @precondition(lambda self: any(life.view for life in self.lives))
    @rule(
        number=PLAYS,
        milestone=MILESTONES,
        seats=SIGNERS,
        former=st.booleans(),
        how=st.sampled_from(
            ("honest",) * 6 + ("another milestone's", "another distribution's", "taken home")
        ),
    )
    def attests(
        self, number: int, milestone: str, seats: Sequence[int], former: bool, how: str
    ) -> None:
        """Oracles who sit, or sat, declare a milestone complete, or something else passes for that."""
        number, _ = self._opened(number)
        signers = self._signers(number, seats, former=former)
        self._attest(number, milestone, signers, how)

    def _attest(self, number: int, milestone: str, signers: Sequence[int], how: str) -> None:
        life = self.lives[number]
        assert life.view is not None
        attesting = self._attesting(number, milestone, signers, how)
        draft = attest_draft(attesting, terms=life.view.terms, scripts=self.harness.scripts)
        if how == "taken home":
            draft = with_output(draft, 0, address=self.harness.address)
        may = life.account.may_attest(signers) and how == "honest"
        is_former = life.former and set(signers) <= {*life.former[-1]} - {*life.account.board}
        told = f"attest {how}{', by a former board' if is_former and signers else ''}"
        sent = self._try(told, draft, accepted=may)
        if sent is not None:
            self._now(number, self._attested(life, milestone, sent.outputs[0]), sent)

    # -- releasing

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
        if attesting is not None:
            attesting = attesting[0], self._signers(number, attesting[1], former=False)
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
        number, indices = self._some_due(which, chosen)
        draft = self._release_draft(number, indices, self._slot_now(), None)
        sent = self._try("release", draft, accepted=True)
        assert sent is not None
        self._paid(number, indices, sent, None)

    def _some_due(self, which: int, chosen: int) -> tuple[int, list[int]]:
        due = self._due()
        number, claimable = due[which % len(due)]
        indices = [index for bit, index in enumerate(claimable) if chosen >> bit & 1]
        return number, indices or claimable

    def _due(self) -> list[tuple[int, list[int]]]:
        """What is claimable, page by page, and of which distribution."""
        return [
            (number, indices)
            for number, life in enumerate(self.lives)
            for indices in self._claimable(life.account)
        ]

    @precondition(lambda self: self._due())
    @rule(
        which=st.integers(0, 20),
        chosen=st.integers(1, 15),
        company=st.sampled_from(COMPANY),
        place=st.integers(1, 4),
    )
    def nobody_in_whatever_company_makes_an_allocations_payout_go_anywhere_but_to_its_address(
        self, which: int, chosen: int, company: str, place: int
    ) -> None:
        """What is claimable is released to the attacker, beside everything else that can be done."""
        number, indices = self._some_due(which, chosen)
        honest = self._release_draft(number, indices, self._slot_now(), None)
        stolen = with_output(honest, 1 + place % len(indices), address=self.harness.address)
        beside = self._company(number, company)
        if beside is None:
            return
        told = f"redirect beside {company}"
        self._try(told, _both(stolen, beside), accepted=False, by_contract=True)

    def _company(self, number: int, company: str) -> TransactionDraft | None:
        """Something that can be done with the same distribution, or with another one; None if not now."""
        life, proceedings, now = self.lives[number], self._proceedings(number), self._slot_now()
        assert life.view is not None
        terms, scripts = life.view.terms, self.harness.scripts
        policy = native_policy(self.harness, "attacker")
        others = [(n, due) for n, due in self._due() if n != number]
        live = [one.view for one in self.lives if one.account.is_live and one is not life]
        makers: dict[str, Callable[[], TransactionDraft | None]] = {
            "nobody": TransactionDraft,
            "a native policy": lambda: TransactionDraft(
                mints=(Mint(policy.hash(), {b"": 1}),), scripts=(policy,)
            ),
            "an attestation": lambda: attest_draft(
                self._attesting(number, "m", life.account.board[:2]), terms=terms, scripts=scripts
            ),
            "a proposal": proceedings.propose_draft,
            "a notice": lambda: self._notice(number, now + SOON, now + SOON, ()),
            "a confirmation": lambda: (
                proceedings.confirm_draft(life.proposals[0]) if life.proposals else None
            ),
            "another's end": lambda: live[0].close_draft(slot=now) if live and live[0] else None,
            "another release": lambda: (
                self._release_draft(*others[0], now, None) if others else None
            ),
        }
        return makers[company]()

    # -- closing

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
        board = () if view.board is None else (view.board,)
        remains = Remains(
            terms=view.terms,
            vaults=view.vaults if whole else view.vaults[1:],
            attestations=() if leave else (*view.attestations.values(), *life.spare),
            board_utxos=() if leave else (*board, *view.notices),
        )
        draft = close_draft(
            play.distribution.terms,
            remains,
            scripts=self.harness.scripts,
            valid_from_slot=from_slot,
        )
        draft = replace(draft, required_signers=())
        if who == "thief":
            draft = along(draft, signers=(self.harness.key("thief").key_hash,))
        else:
            draft = play.consenting(self.harness, draft)
        may = account.may_close(consents=who == "creator", whole=whole, from_slot=from_slot)
        sent = self._try(f"close by the {who}", draft, accepted=may)
        if sent is not None:
            if account.pitches:
                self.counts["close with open proposals"] += 1
            if account.has_board and not leave:
                self.counts["close with a board"] += 1
            left = account.attestations if leave else ()
            closed = account.when_closed(left, keeps_board=leave)
            after = view if leave else replace(view, board=None, notices=())
            self._now(number, replace(life, account=closed, view=after), sent)

    # -- what these need

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

    def _paid(
        self,
        number: int,
        indices: Sequence[int],
        sent: SignedTransaction,
        minted: tuple[str, Sequence[int]] | None,
    ) -> None:
        life: Life = self.lives[number]
        assert life.view is not None
        view, _ = life.view.paid(sent, indices)
        life = replace(life, account=life.account.when_paid(indices), view=view)
        if minted is not None:
            life = self._attested(life, minted[0], sent.outputs[1 + len(indices)])
        self._now(number, life, sent)


def _both(release: TransactionDraft, beside: TransactionDraft) -> TransactionDraft:
    """A release with something beside it; its outputs stay in front."""
    references = dict.fromkeys((*release.reference_inputs, *beside.reference_inputs))
    return replace(
        release,
        spends=(*release.spends, *beside.spends),
        mints=(*release.mints, *beside.mints),
        outputs=(*release.outputs, *beside.outputs),
        reference_inputs=tuple(references),
        scripts=(*release.scripts, *beside.scripts),
        required_signers=(*release.required_signers, *beside.required_signers),
        valid_until_slot=beside.valid_until_slot,
    )
