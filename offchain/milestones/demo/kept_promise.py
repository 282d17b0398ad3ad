"""The first project: all goes well, whatever is tried against it."""

from __future__ import annotations

from typing import Final

from milestones.demo import hostile
from milestones.demo.stage import BENEFICIARIES, DAY, ORACLES, QUORUM
from milestones.demo.telling import Project
from milestones.services.attest import attest
from milestones.services.check_status import check_status
from milestones.services.check_status.report import StatusReport
from milestones.services.close import close
from milestones.services.publish_script import publish_script
from milestones.services.register_milestone import register_milestone
from milestones.services.submit_release import Selection

MILESTONES: Final = ("design", "prototype", "launch")
ALLOCATIONS: Final = (
    ("Ada", 100_000, "design"),
    ("Ada", 150_000, "launch"),
    ("Ben", 200_000, "design"),
    ("Chen", 250_000, "prototype"),
    ("Dara", 300_000, "prototype"),
    ("Eve", 400_000, "launch"),
)
PROMISED: Final = sum(amount for _, amount, _ in ALLOCATIONS)
VESTS_AFTER_DAYS: Final = 30


class KeptPromise(Project):
    """Its chapters, in their order."""

    async def open(self) -> None:
        """The schedule is registered, the scripts are published, the distribution is opened."""
        now = await self.now()
        document = self.schedule(
            ALLOCATIONS,
            description="A story of five beneficiaries",
            vesting_timestamp=now + VESTS_AFTER_DAYS * DAY,
            reclaim_after=now + 365 * DAY,
        )
        registered = await register_milestone(self.backend, document)
        self.narrate(
            f"A schedule is registered: {len(BENEFICIARIES)} beneficiaries, {len(MILESTONES)}"
            f" milestones, {len(ORACLES)} oracles of whom {QUORUM} make a quorum."
        )
        key = self.keys["administrator"]
        published = await publish_script(self.backend, key=key, wait=True)
        self.telling.happened(
            "The contract's scripts are published, once for everybody.",
            "publish-script",
            published.transaction_hash or "",
        )
        opened = await self.deployed(registered)
        self.telling.happened(
            f"The distribution is opened, and its tokens are locked, at {self.address}.",
            "deploy",
            opened,
        )

    async def attack_before_attestation(self) -> None:
        """A claim without quorum stays with the program; bad signatures are pushed to the chain."""
        await self.must_be_refused_unsigned(
            "claim before the quorum",
            "quorum",
            lambda: self.release(Selection(indices=(0,)), "Ada"),
        )
        design, prototype = await self.statement("design"), await self.statement("prototype")
        genuine = await self.witnesses(design, ORACLES[:QUORUM])
        await self.must_be_refused_attestation(
            "attest with a forged signature", design, [genuine[0], hostile.forged(genuine[1])]
        )
        await self.must_be_refused_attestation(
            "attest with signatures replayed from another milestone",
            design,
            await self.witnesses(prototype, ORACLES[:QUORUM]),
        )
        await self.must_be_refused_attestation(
            "attest with one oracle's signature counted twice", design, [genuine[0], genuine[0]]
        )

    async def attest(self) -> None:
        """Two oracles sign each milestone; anybody puts the signatures on the chain."""
        for milestone in MILESTONES[:2]:
            await self.commit(milestone, ORACLES[:QUORUM])
            done = await attest(
                self.backend,
                contract_address=self.address,
                milestone_identifier=milestone,
                key=self.keys["relayer"],
                wait=True,
            )
            self.telling.happened(
                f"Two oracles have signed that {milestone!r} is complete; the chain verified both.",
                f"attest {milestone}",
                done.transaction_hash,
            )

    async def claim_too_early(self) -> None:
        """Before the vesting time, the program refuses, and so does the chain."""
        await self.must_be_refused_unsigned(
            "claim before vesting",
            "vesting",
            lambda: self.release(Selection(indices=(0,)), "Ada"),
        )
        draft = await hostile.honest_release(
            self.backend, await self.on_chain(), self.distribution, 0
        )
        await self.must_be_refused_by_chain("claim before vesting", draft)

    async def steal_payouts(self) -> None:
        """The clock moves past the vesting time; only then are the payouts themselves attacked."""
        self.stage.advance((VESTS_AFTER_DAYS + 1) * DAY)
        self.narrate(f"{VESTS_AFTER_DAYS + 1} days pass.")
        thief = self.stage.address("relayer")
        release = await hostile.honest_release(
            self.backend, await self.on_chain(), self.distribution, 0
        )
        await self.must_be_refused_by_chain("pay somebody else", hostile.redirected(release, thief))
        await self.must_be_refused_by_chain("pay one token less", hostile.underpaid(release, thief))

    async def pay(self) -> None:
        """One beneficiary claims, attesting along the way; a relayer pays everybody else at once."""
        await self.commit("launch", ORACLES[:QUORUM])
        claimed = await self.release(Selection(indices=(1,)), "Ada")
        self.telling.happened(
            "Ada claims for 'launch', and carries its two oracles' signatures along.",
            "release of 1, attesting",
            claimed.transactions[0].transaction_hash,
        )
        paid = await self.release(Selection(everything=True), "relayer")
        if len(paid.transactions) != 1:
            raise AssertionError("the rest did not fit into one transaction")
        self.telling.happened(
            f"A relayer pays the other {len(paid.paid)} allocations in one transaction;"
            " not a token of it could go to the relayer.",
            f"release of {len(paid.paid)}",
            paid.transactions[0].transaction_hash,
        )

    async def status(self) -> StatusReport:
        """What anybody can see."""
        return await check_status(self.backend, contract_address=self.address)

    async def close(self) -> int:
        """The administrator gets the deposits back; how many lovelace."""
        closed = await close(
            self.backend,
            contract_address=self.address,
            key=self.keys["administrator"],
            wait=True,
        )
        self.telling.happened(
            f"The administrator closes the distribution: {closed.deposits_returned_lovelace:,}"
            " lovelace of deposits return.",
            "close",
            closed.transaction_hash,
        )
        return closed.deposits_returned_lovelace
