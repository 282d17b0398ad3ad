"""The second project: reviewers are silent, one objects, one is lost, and at last it is cancelled."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from milestones.cardano.address import Address
from milestones.cardano.value import AssetId
from milestones.demo import hostile
from milestones.demo.figures import Holdings, holdings_of
from milestones.demo.stage import ADA, DAY, ORACLES, QUORUM, SUBSTITUTE
from milestones.demo.summary import (
    CancelledProject,
    OracleReplaced,
    PaidInGrace,
    ProposedMilestone,
    Returned,
)
from milestones.demo.telling import Project, Telling
from milestones.services.attest import attest
from milestones.services.cancel import NoticeGiven, cancel
from milestones.services.close import Closed, close
from milestones.services.distribution.proposals import proposal_named
from milestones.services.oracle import (
    objection_payload,
    oracle_rotate,
    rotation_payload,
)
from milestones.services.proposal import (
    ProposalConfirmed,
    ProposalSubmitted,
    proposal_confirm,
    proposal_object,
    proposal_submit,
)
from milestones.services.register_milestone import oldest_output, register_milestone
from milestones.services.submit_release import Selection
from milestones.services.submit_release.report import PaidAllocation
from milestones.transactions.contract_drafts import Sitting

SILENT: Final = "pilot"
ATTESTED: Final = "training"
STOPPED: Final = "rollout"
ALLOCATIONS: Final = (
    ("Ada", 120_000, SILENT),
    ("Ben", 80_000, SILENT),
    ("Ben", 50_000, ATTESTED),
    ("Chen", 100_000, ATTESTED),
    ("Dara", 150_000, ATTESTED),
    ("Eve", 100_000, STOPPED),
)
PROMISED: Final = sum(amount for _, amount, _ in ALLOCATIONS)
LAST: Final = len(ALLOCATIONS) - 1
GRACE_DAYS: Final = 7
MINUTE: Final = 60
BOND_LOVELACE: Final = 5 * ADA
ALLOWANCE_LOVELACE: Final = 2 * ADA
*STAYING, LOST = ORACLES


async def play_cancelled(telling: Telling, token: AssetId) -> CancelledProject:
    """Plays the second project's chapters in their order."""
    project = _Cancelled(telling, token)
    await project.open()
    silent = await project.silent_reviewers()
    stopped = await project.objection()
    replaced = await project.lost_oracle()
    notice = await project.notice()
    paid = await project.paid_in_grace()
    returned = await project.end(notice)
    return CancelledProject(
        contract_address=project.address,
        distribution_id=project.distribution.id,
        proposals=(silent, stopped),
        oracle_replaced=replaced,
        grace_seconds=notice.ends_at - notice.said_at,
        paid_in_grace=paid,
        returned=returned,
    )


class _Cancelled(Project):
    """Its chapters."""

    async def open(self) -> None:
        """Its terms say what happens when things go wrong."""
        now = await self.now()
        creator = self.stage.address("administrator")
        document = self.schedule(
            ALLOCATIONS,
            description="A story of a project that is cancelled",
            vesting_timestamp=now,
            reclaim_after=now + 365 * DAY,
            refund_address=self.stage.address("treasury").to_bech32(),
            allowance_lovelace=ALLOWANCE_LOVELACE,
            cancel_by=["creator"],
            cancel_grace_seconds=GRACE_DAYS * DAY,
            objectors=1,
            review_period_seconds=DAY,
            review_bond_lovelace=BOND_LOVELACE,
            rotatable=await oldest_output(self.backend, creator),
        )
        opened = await self.deployed(await register_milestone(self.backend, document))
        self.narrate("")
        self.telling.happened(
            "A second project is opened, and its terms foresee that things go wrong.",
            "deploy, all terms",
            opened,
        )
        self.narrate(
            f"Whoever pays out may take {_ada(ALLOWANCE_LOVELACE)} ADA a claim;"
            " what nobody earned is the treasury's."
        )

    async def silent_reviewers(self) -> ProposedMilestone:
        """A milestone counts once nobody has objected for the review period."""
        said = await self._propose(SILENT)
        self.telling.happened(
            f"The oracles are silent: the builder proposes {SILENT!r}, and puts down"
            f" {_ada(said.bond_lovelace)} ADA.",
            f"propose {SILENT}",
            said.transaction_hash,
        )
        await self.must_be_refused_unsigned(
            "confirm a proposal too early", "review_period", lambda: self._confirm(said)
        )
        on_chain = await self.on_chain()
        live = proposal_named(on_chain, said.proposal)
        await self.must_be_refused_by_chain(
            "confirm a proposal too early",
            await hostile.hasty_confirmation(self.backend, on_chain, live),
        )
        await self._reach(said.due_at)
        self.narrate(f"{_days(said.due_at - said.said_at)}, and nobody objects.")
        before = await self._holdings("builder")
        confirmed = await self._confirm(said)
        after = await self._holdings("builder")
        gained = confirmed.bond_lovelace - confirmed.deposit_lovelace - confirmed.fee_estimate
        _must_be("the builder's bond", after.lovelace - before.lovelace, gained)
        self.telling.happened(
            f"The proposal is confirmed: {SILENT!r} is complete, and the bond returns.",
            f"confirm {SILENT}",
            confirmed.transaction_hash,
        )
        paid = await self.release(Selection(everything=True), "Ada")
        self.telling.happened(
            f"Ada claims for it, and pays {self._names(paid.paid, but='Ada')} too:"
            f" {paid.paid_token_amount:,} GRANT.",
            f"release of {len(paid.paid)}, allowance",
            paid.transactions[0].transaction_hash,
        )
        return ProposedMilestone(
            milestone_identifier=SILENT,
            outcome="confirmed",
            review_period_seconds=said.due_at - said.said_at,
            bond_lovelace=confirmed.bond_lovelace,
            bond_to=Address.from_bech32(confirmed.bond_to),
            tokens_paid=paid.paid_token_amount,
        )

    async def objection(self) -> ProposedMilestone:
        """An oracle stops a proposal that is wrong, and says where its bond goes."""
        said = await self._propose(STOPPED)
        self.telling.happened(
            f"The builder proposes {STOPPED!r}, which is not complete at all.",
            f"propose {STOPPED}",
            said.transaction_hash,
        )
        payload = await objection_payload(
            self.backend,
            contract_address=self.address,
            proposal=said.proposal,
            bond_to=self.stage.address("treasury"),
        )
        before = await self._holdings("treasury")
        stopped = await proposal_object(
            self.backend,
            contract_address=self.address,
            proposal=said.proposal,
            signatures=[await self.sign(bytes.fromhex(payload.signed_data), STAYING[0])],
            key=self.keys["relayer"],
            wait=True,
        )
        after = await self._holdings("treasury")
        _must_be("the bond", after.lovelace - before.lovelace, stopped.bond_lovelace)
        self.telling.happened(
            f"An oracle objects: the bond of {_ada(stopped.bond_lovelace)} ADA goes to the"
            f" {self.stage.name_of(stopped.bond_to)}.",
            f"object to {STOPPED}",
            stopped.transaction_hash,
        )
        await self._reach(said.due_at)
        await self.must_be_refused_unsigned(
            "claim for a milestone that was objected to",
            "quorum",
            lambda: self.release(Selection(indices=(LAST,)), "relayer"),
        )
        return ProposedMilestone(
            milestone_identifier=STOPPED,
            outcome="stopped",
            review_period_seconds=said.due_at - said.said_at,
            bond_lovelace=stopped.bond_lovelace,
            bond_to=Address.from_bech32(stopped.bond_to),
            tokens_paid=0,
        )

    async def lost_oracle(self) -> OracleReplaced:
        """A quorum puts another in a lost oracle's place; the lost signature counts no more."""
        statement = await self.statement(ATTESTED)
        outdated = await self.witnesses(statement, (STAYING[0], LOST))
        address = self.stage.address
        payload = await rotation_payload(
            self.backend,
            contract_address=self.address,
            oracle_addresses=[address(oracle) for oracle in (*STAYING, SUBSTITUTE)],
            quorum_threshold=QUORUM,
        )
        signed_data = bytes.fromhex(payload.signed_data)
        rotated = await oracle_rotate(
            self.backend,
            contract_address=self.address,
            signatures=[await self.sign(signed_data, oracle) for oracle in STAYING],
            key=self.keys["relayer"],
            wait=True,
        )
        self.telling.happened(
            f"An oracle is lost: the other {len(rotated.signers)} put a new one in its place.",
            "rotate",
            rotated.transaction_hash,
        )
        on_chain = await self.on_chain()
        sitting = on_chain.sitting
        oracles = Sitting.under(on_chain.terms).oracles
        await self.must_be_refused_attestation(
            "attest with a replaced oracle's signature",
            statement,
            outdated,
            pretended=replace(sitting, oracles=oracles),
        )
        await self.commit(ATTESTED, (STAYING[0], SUBSTITUTE))
        attested = await attest(
            self.backend,
            contract_address=self.address,
            milestone_identifier=ATTESTED,
            key=self.keys["relayer"],
            wait=True,
        )
        self.telling.happened(
            f"The new board signs that {ATTESTED!r} is complete; the chain verified it.",
            f"attest {ATTESTED}",
            attested.transaction_hash,
        )
        return OracleReplaced(
            sequence=rotated.sequence,
            left=address(LOST),
            came=address(SUBSTITUTE),
            milestone_identifier=ATTESTED,
            signers=attested.signers,
        )

    async def notice(self) -> NoticeGiven:
        """The creator says that it will end; nobody can end it before the grace is over."""
        notice = await cancel(
            self.backend,
            contract_address=self.address,
            key=self.keys["administrator"],
            wait=True,
        )
        self.telling.happened(
            "The administrator gives notice; what was earned can be claimed for"
            f" {(notice.ends_at - notice.said_at) // DAY} days.",
            "cancel",
            notice.transaction_hash,
        )
        await self.must_be_refused_unsigned("end it too early", "grace", self._close)
        draft = await hostile.ending(self.backend, await self.on_chain())
        await self.must_be_refused_by_chain("end it too early", draft)
        return notice

    async def paid_in_grace(self) -> PaidInGrace:
        """Those who had earned are paid by somebody who earns by it too."""
        before = await self._holdings("relayer")
        paid = await self.release(Selection(everything=True), "relayer")
        after = await self._holdings("relayer")
        earned = paid.allowance_lovelace - paid.deposits_lovelace - paid.fee_estimate
        _must_be("what the relayer earned", after.lovelace - before.lovelace, earned)
        if earned <= 0:
            raise AssertionError(f"the relayer earned nothing: {earned} lovelace")
        self.telling.happened(
            f"A relayer pays {self._names(paid.paid)} what they had earned:"
            f" {paid.paid_token_amount:,} GRANT.",
            f"release of {len(paid.paid)}, allowance",
            paid.transactions[0].transaction_hash,
        )
        self.narrate(
            f"It takes {_ada(paid.allowance_lovelace)} ADA of allowance,"
            f" and has earned {_ada(earned)} ADA after deposits and fee."
        )
        return PaidInGrace(
            allocations=len(paid.paid),
            tokens=paid.paid_token_amount,
            allowance_lovelace=paid.allowance_lovelace,
            deposits_lovelace=paid.deposits_lovelace,
            fee_lovelace=paid.fee_estimate,
            earned_lovelace=earned,
        )

    async def end(self, notice: NoticeGiven) -> Returned:
        """After the grace anybody ends it, and can't take anything for himself."""
        await self._reach(notice.ends_at)
        self.narrate(f"{_days(notice.ends_at - notice.said_at)}.")
        draft = await hostile.ending(self.backend, await self.on_chain())
        await self.must_be_refused_by_chain(
            "end it, and take what is left", hostile.sent_to(draft, self.stage.address("relayer"))
        )
        before = await self._holdings("treasury")
        closed = await self._close()
        after = await self._holdings("treasury")
        refund = Address.from_bech32(closed.refund_address or "")
        lovelace, tokens = closed.deposits_returned_lovelace, closed.tokens_returned
        _must_be("the refund", after.lovelace - before.lovelace, lovelace)
        _must_be("the tokens returned", after.tokens - before.tokens, tokens)
        self.telling.happened(
            f"Ada ends it, as anybody can: {tokens:,} GRANT, {_ada(lovelace)} ADA return to the"
            f" {self.stage.name_of(refund.to_bech32())}.",
            "close after notice",
            closed.transaction_hash,
        )
        return Returned(refund_address=refund, lovelace=lovelace, tokens=tokens)

    # -- what the chapters share

    async def _propose(self, milestone: str) -> ProposalSubmitted:
        return await proposal_submit(
            self.backend,
            contract_address=self.address,
            milestone_identifier=milestone,
            key=self.keys["builder"],
            wait=True,
        )

    async def _confirm(self, said: ProposalSubmitted) -> ProposalConfirmed:
        return await proposal_confirm(
            self.backend,
            contract_address=self.address,
            proposal=said.proposal,
            key=self.keys["builder"],
            wait=True,
        )

    async def _close(self) -> Closed:
        return await close(
            self.backend, contract_address=self.address, key=self.keys["Ada"], wait=True
        )

    async def _holdings(self, name: str) -> Holdings:
        return await holdings_of(self.stage, name, self.token)

    async def _reach(self, posix_seconds: int) -> None:
        # Blocks that were asked for can be some seconds ahead of the clock.
        self.stage.advance(max(0, posix_seconds - await self.now()) + MINUTE)

    def _names(self, paid: Iterable[PaidAllocation], *, but: str = "") -> str:
        """Who was paid, in words."""
        names = [self.stage.name_of(each.beneficiary_address.to_bech32()) for each in paid]
        *first, last = [name for name in names if name != but]
        return f"{', '.join(first)} and {last}" if first else last


def _must_be(what: str, found: int, said: int) -> None:
    """The story's own audit: what somebody holds has changed by what the program said."""
    if found != said:
        raise AssertionError(f"{what}: {found} on the chain, {said} in the report")


def _ada(lovelace: int) -> str:
    return f"{lovelace / ADA:,.6f}".rstrip("0").rstrip(".")


def _days(seconds: int) -> str:
    days = seconds // DAY
    return "A day passes" if days == 1 else f"{days} days pass"
