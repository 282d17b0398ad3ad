"""The whole story, from minting a token to closing the distribution, on a chain that judges for real."""

from __future__ import annotations

import time as stopwatch
from collections.abc import Awaitable, Callable
from typing import Any, Final

from milestones.cardano import cbor
from milestones.cardano.address import Address
from milestones.cardano.outputs import Script
from milestones.cardano.value import AssetId
from milestones.demo import hostile
from milestones.demo.figures import TransactionFigures, close_books, figures_of
from milestones.demo.stage import BENEFICIARIES, MAGIC, ORACLES, Stage
from milestones.demo.summary import Refusal, Summary, refused_by_chain, refused_by_program
from milestones.domain.models import OracleSignature
from milestones.domain.schedule import parse_schedule
from milestones.errors import NotAllowedYet
from milestones.protocol.distribution import Distribution
from milestones.protocol.oracle_signatures import witness_of
from milestones.protocol.redeemers import OracleWitness
from milestones.protocol.statements import MilestoneStatement
from milestones.services.attest import attest
from milestones.services.backend import chain_time
from milestones.services.check_status import check_status
from milestones.services.check_status.report import StatusReport
from milestones.services.close import close
from milestones.services.commit_milestone import commit_milestone
from milestones.services.deploy import deploy
from milestones.services.distribution.on_chain import OpenDistribution, read_on_chain
from milestones.services.oracle import oracle_payload, oracle_sign
from milestones.services.preflight import must_be_open
from milestones.services.publish_script import publish_script
from milestones.services.register_milestone import register_milestone
from milestones.services.sending.published_scripts import require_published
from milestones.services.sending.runner import SendDraft, perform
from milestones.services.submit_release import submit_release
from milestones.services.submit_release.plan import Selection
from milestones.transactions.contract_drafts import Attesting, attest_draft
from milestones.transactions.draft import Mint, TransactionDraft

Narrate = Callable[[str], None]
TOKEN_NAME: Final = b"GRANT"
DAY: Final = 86_400
MILESTONES: Final = ("design", "prototype", "launch")
ALLOCATIONS: Final = (
    ("Ada", 100_000, "design"),
    ("Ada", 150_000, "launch"),
    ("Ben", 200_000, "design"),
    ("Chen", 250_000, "prototype"),
    ("Dara", 300_000, "prototype"),
    ("Eve", 400_000, "launch"),
)
MINTED: Final = sum(amount for _, amount, _ in ALLOCATIONS)
QUORUM: Final = 2
VESTS_AFTER_DAYS: Final = 30


async def play_story(stage: Stage, narrate: Narrate) -> Summary:
    """Plays all chapters; `narrate` gets a line for each thing that happens.

    Raises where anything is accepted that must be refused, or the other way round.
    """
    started = stopwatch.monotonic()
    story = Story(stage, narrate)
    await story.mint()
    await story.open()
    await story.attack_before_attestation()
    await story.attest()
    await story.claim_too_early()
    await story.steal_payouts()
    await story.pay()
    status = await story.status()
    returned = await story.close()
    books = await close_books(
        stage, story.token, MINTED, sum(tx.fee_lovelace for tx in story.transactions)
    )
    narrate(
        f"The books: {books.lovelace_with_people:,} lovelace with people,"
        f" {books.lovelace_in_published_scripts:,} in the published scripts,"
        f" {books.lovelace_in_fees:,} in fees: together {books.lovelace_at_start:,}, as at the start."
        if books.balanced
        else f"The books don't balance: {books}"
    )
    return Summary(
        contract_address=story.address.to_bech32(),
        distribution_id=story.distribution.id.hex(),
        beneficiary_count=len(BENEFICIARIES),
        milestone_count=len(MILESTONES),
        oracle_count=len(ORACLES),
        quorum_threshold=QUORUM,
        refusals=tuple(story.refusals),
        status_before_closing=status,
        transactions=tuple(story.transactions),
        deposits_returned_lovelace=returned,
        books=books,
        books_balance=books.balanced,
        seconds=round(stopwatch.monotonic() - started, 2),
    )


class Story:
    """The chapters, in the order of `play_story`, and what they leave for later ones."""

    token: AssetId
    address: Address
    distribution: Distribution

    def __init__(self, stage: Stage, narrate: Narrate) -> None:
        self.stage, self.backend, self.keys, self.narrate = (
            stage,
            stage.backend,
            stage.keys,
            narrate,
        )
        self.refusals: list[Refusal] = []
        self.transactions: list[TransactionFigures] = []

    async def mint(self) -> None:
        """A token is minted under the administrator's key."""
        key = self.keys["administrator"]
        policy = Script("native", _only_signed_by(key.key_hash))
        self.token = AssetId(policy.hash(), TOKEN_NAME)
        draft = TransactionDraft(
            mints=(Mint(self.token.policy_id, {TOKEN_NAME: MINTED}),), scripts=(policy,)
        )
        mint = SendDraft(name="mint", draft=draft)
        sent = await perform(self.backend, mint, key=key, wait=True)
        self._happened(f"The administrator mints {MINTED:,} GRANT.", "mint", sent.transaction_hash)

    async def open(self) -> None:
        """The schedule is registered, the scripts are published, the distribution is opened."""
        registered = await register_milestone(self.backend, await self._schedule())
        self.address = registered.contract_address
        self.narrate(
            f"A schedule is registered: {len(BENEFICIARIES)} beneficiaries, {len(MILESTONES)}"
            f" milestones, {len(ORACLES)} oracles of whom {QUORUM} make a quorum."
        )
        key = self.keys["administrator"]
        published = await publish_script(self.backend, key=key, wait=True)
        self._happened(
            "The contract's scripts are published, once for everybody.",
            "publish-script",
            published.transaction_hash or "",
        )
        document = self.backend.storage.schedules.load(registered.distribution_id)
        schedule = parse_schedule(document)
        opened = await deploy(self.backend, schedule, key=key, wait=True)
        self.distribution = Distribution.from_schedule(schedule, self.backend.contract)
        self._happened(
            f"The distribution is opened, and its tokens are locked, at {self.address}.",
            "deploy",
            opened.transaction_hash,
        )

    async def attack_before_attestation(self) -> None:
        """A claim without quorum stays with the program; bad signatures are pushed to the chain."""
        await self._must_be_refused_unsigned(
            "claim before the quorum",
            "quorum",
            lambda: self._release(Selection(indices=(0,)), "Ada"),
        )
        design, prototype = await self._statement("design"), await self._statement("prototype")
        first, second = await self._sign(design, ORACLES[0]), await self._sign(design, ORACLES[1])
        about_prototype = [await self._sign(prototype, oracle) for oracle in ORACLES[:2]]
        genuine = [witness_of(first), witness_of(second)]
        await self._must_be_refused_attestation(
            "attest with a forged signature", design, [genuine[0], hostile.forged(genuine[1])]
        )
        await self._must_be_refused_attestation(
            "attest with signatures replayed from another milestone",
            design,
            [witness_of(entry) for entry in about_prototype],
        )
        await self._must_be_refused_attestation(
            "attest with one oracle's signature counted twice", design, [genuine[0], genuine[0]]
        )

    async def attest(self) -> None:
        """Two oracles sign each milestone; anybody puts the signatures on the chain."""
        for milestone in MILESTONES[:2]:
            await self._commit(milestone)
            done = await attest(
                self.backend,
                contract_address=self.address,
                milestone_identifier=milestone,
                key=self.keys["relayer"],
                wait=True,
            )
            self._happened(
                f"Two oracles have signed that {milestone!r} is complete; the chain verified both.",
                f"attest {milestone}",
                done.transaction_hash,
            )

    async def claim_too_early(self) -> None:
        """Before the vesting time, the program refuses, and so does the chain."""
        await self._must_be_refused_unsigned(
            "claim before vesting",
            "vesting",
            lambda: self._release(Selection(indices=(0,)), "Ada"),
        )
        draft = await hostile.honest_release(
            self.backend, await self._on_chain(), self.distribution, 0
        )
        await self._must_be_refused_by_chain("claim before vesting", draft)

    async def steal_payouts(self) -> None:
        """The clock moves past the vesting time; only then are the payouts themselves attacked."""
        self.stage.advance((VESTS_AFTER_DAYS + 1) * DAY)
        self.narrate(f"{VESTS_AFTER_DAYS + 1} days pass.")
        thief = self.stage.address("relayer")
        release = await hostile.honest_release(
            self.backend, await self._on_chain(), self.distribution, 0
        )
        await self._must_be_refused_by_chain(
            "pay somebody else", hostile.redirected(release, thief)
        )
        await self._must_be_refused_by_chain(
            "pay one token less", hostile.underpaid(release, thief)
        )

    async def pay(self) -> None:
        """One beneficiary claims, attesting along the way; a relayer pays everybody else at once."""
        await self._commit("launch")
        claimed = await self._release(Selection(indices=(1,)), "Ada")
        self._happened(
            "Ada claims for 'launch', and carries its two oracles' signatures along.",
            "release of 1, attesting",
            claimed.transaction_hash,
        )
        paid = await self._release(Selection(everything=True), "relayer")
        if len(paid.transactions) != 1:
            raise AssertionError("the rest did not fit into one transaction")
        self._happened(
            f"A relayer pays the other {len(paid.paid)} allocations in one transaction;"
            " not a token of it could go to the relayer.",
            f"release of {len(paid.paid)}",
            paid.transaction_hash,
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
        self._happened(
            f"The administrator closes the distribution: {closed.deposits_returned_lovelace:,}"
            " lovelace of deposits return.",
            "close",
            closed.transaction_hash,
        )
        return closed.deposits_returned_lovelace

    # -- what the chapters share

    async def _schedule(self) -> dict[str, Any]:
        now = (await chain_time(self.backend)).now
        address = self.stage.address
        return {
            "token_policy_id": self.token.policy_id.hex(),
            "token_name": self.token.asset_name.hex(),
            "beneficiary_allocations": [
                {
                    "beneficiary_address": address(name).to_bech32(),
                    "token_amount": amount,
                    "milestone_identifier": milestone,
                    "vesting_timestamp": now + VESTS_AFTER_DAYS * DAY,
                }
                for name, amount, milestone in ALLOCATIONS
            ],
            "oracle_addresses": [address(oracle).to_bech32() for oracle in ORACLES],
            "quorum_threshold": QUORUM,
            "creator": address("administrator").to_bech32(),
            "reclaim_after": now + 365 * DAY,
            "contract_metadata": {
                "created_at": now,
                "network_magic": MAGIC,
                "description": "A story of five beneficiaries",
            },
        }

    async def _on_chain(self) -> OpenDistribution:
        return must_be_open(await read_on_chain(self.backend, self.address))

    async def _statement(self, milestone: str) -> MilestoneStatement:
        now = (await chain_time(self.backend)).now
        payload = await oracle_payload(
            self.backend,
            contract_address=self.address,
            milestone_identifier=milestone,
            verification_timestamp=now,
        )
        return MilestoneStatement.parse(bytes.fromhex(payload.signed_data))

    async def _sign(self, statement: MilestoneStatement, oracle: str) -> OracleSignature:
        signed = await oracle_sign(
            self.backend, signed_data=statement.signed_data, key=self.keys[oracle]
        )
        return OracleSignature.model_validate(signed.entry.model_dump())

    async def _commit(self, milestone: str) -> None:
        statement = await self._statement(milestone)
        entries = [await self._sign(statement, oracle) for oracle in ORACLES[:QUORUM]]
        await commit_milestone(
            self.backend, milestone_identifier=milestone, oracle_signatures=entries
        )

    async def _release(self, selection: Selection, payer: str) -> Any:
        return await submit_release(
            self.backend,
            contract_address=self.address,
            key=self.keys[payer],
            selection=selection,
            wait=True,
        )

    async def _must_be_refused_unsigned(
        self, attempt: str, rule: str, command: Callable[[], Awaitable[object]]
    ) -> None:
        try:
            await command()
        except NotAllowedYet as error:
            if error.rule != rule:
                raise
            self._refused(refused_by_program(attempt, error))
            return
        raise AssertionError(f"the program let through: {attempt}")

    async def _must_be_refused_attestation(
        self, attempt: str, statement: MilestoneStatement, witnesses: list[OracleWitness]
    ) -> None:
        on_chain = await self._on_chain()
        honest = Attesting.of(on_chain.sitting, statement, witnesses)
        draft = attest_draft(
            Attesting(honest.attestation, on_chain.sitting, witnesses),
            terms=on_chain.terms_utxo,
            scripts=await require_published(self.backend),
        )
        await self._must_be_refused_by_chain(attempt, draft)

    async def _must_be_refused_by_chain(self, attempt: str, draft: TransactionDraft) -> None:
        error = await hostile.push(self.backend, draft, self.keys["relayer"])
        # Else the attack has broken some rule of the ledger by accident.
        if not error.script_failed:
            raise error
        self._refused(refused_by_chain(attempt, error))

    def _refused(self, refusal: Refusal) -> None:
        self.refusals.append(refusal)
        who = "the program, before signing" if refusal.refused_by == "program" else "the chain"
        self.narrate(f"  refused by {who}: {refusal.attempt} ({refusal.message})")

    def _happened(self, sentence: str, what: str, transaction_hash: str) -> None:
        submission = self.backend.storage.journal.find(transaction_hash)
        if submission is None:
            raise AssertionError(f"{what} is not in the journal")
        self.transactions.append(figures_of(what, transaction_hash, submission.transaction_cbor))
        self.narrate(sentence)


def _only_signed_by(key_hash: bytes) -> bytes:
    """The native script that one key's signature satisfies."""
    kind = cbor.head(cbor.UINT, 0)
    return cbor.head(cbor.ARRAY, 2) + kind + cbor.encode_bytes(key_hash)
