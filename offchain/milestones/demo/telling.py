"""What all projects of the story share: the narrator, and what its people do again and again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from milestones.cardano.address import Address
from milestones.cardano.hashes import blake2b_224
from milestones.cardano.value import AssetId
from milestones.demo import hostile
from milestones.demo.figures import TransactionFigures, figures_of
from milestones.demo.stage import MAGIC, ORACLES, QUORUM, Stage
from milestones.demo.summary import Refusal, refused_by_chain, refused_by_program
from milestones.domain.models import OracleSignature
from milestones.domain.schedule import parse_schedule
from milestones.errors import NotAllowedYet
from milestones.protocol.distribution import Distribution
from milestones.protocol.oracle_signatures import witness_of
from milestones.protocol.redeemers import OracleWitness
from milestones.protocol.statements import MilestoneStatement
from milestones.services.backend import chain_time
from milestones.services.commit_milestone import commit_milestone
from milestones.services.deploy import deploy
from milestones.services.distribution.on_chain import OpenDistribution, read_on_chain
from milestones.services.oracle import oracle_payload, oracle_sign
from milestones.services.preflight import must_be_open
from milestones.services.register_milestone import Registered
from milestones.services.sending.published_scripts import require_published
from milestones.services.submit_release import ReleaseReport, Selection, submit_release
from milestones.transactions.contract_drafts import Attesting, Sitting, attest_draft
from milestones.transactions.draft import TransactionDraft

Narrate = Callable[[str], None]


class Telling:
    """Who tells the story, where it plays, and what has happened and was refused so far."""

    def __init__(self, stage: Stage, narrate: Narrate) -> None:
        self.stage, self.narrate = stage, narrate
        self.refusals: list[Refusal] = []
        self.transactions: list[TransactionFigures] = []

    @property
    def fees_lovelace(self) -> int:
        """What all transactions so far cost."""
        return sum(transaction.fee_lovelace for transaction in self.transactions)

    def happened(self, sentence: str, what: str, transaction_hash: str) -> None:
        """A transaction of the program's was taken by the chain."""
        submission = self.stage.backend.storage.journal.find(transaction_hash)
        if submission is None:
            raise AssertionError(f"{what} is not in the journal")
        self.transactions.append(figures_of(what, transaction_hash, submission.transaction_cbor))
        self.narrate(sentence)

    def refused(self, refusal: Refusal) -> None:
        """Something was tried, and had to be refused."""
        self.refusals.append(refusal)
        who = "the program, before signing" if refusal.refused_by == "program" else "the chain"
        self.narrate(f"  refused by {who}: {refusal.attempt} ({refusal.message})")


class Project:
    """One distribution, and what people do about it."""

    address: Address
    distribution: Distribution

    def __init__(self, telling: Telling, token: AssetId) -> None:
        self.token = token
        self.telling, self.narrate = telling, telling.narrate
        self.stage, self.backend = telling.stage, telling.stage.backend
        self.keys = telling.stage.keys

    async def deployed(self, registered: Registered) -> str:
        """Opens what was registered; the hash of the transaction."""
        self.address = registered.contract_address
        document = self.backend.storage.schedules.load(registered.distribution_id)
        schedule = parse_schedule(document)
        opened = await deploy(self.backend, schedule, key=self.keys["administrator"], wait=True)
        self.distribution = Distribution.from_schedule(schedule, self.backend.contract)
        return opened.transaction_hash

    def schedule(
        self,
        allocations: Iterable[tuple[str, int, str]],
        *,
        description: str,
        vesting_timestamp: int,
        **terms: Any,
    ) -> dict[str, Any]:
        """A schedule of who gets how much for which milestone, under these terms besides the usual."""
        address = self.stage.address
        return {
            "token_policy_id": self.token.policy_id.hex(),
            "token_name": self.token.asset_name.hex(),
            "beneficiary_allocations": [
                {
                    "beneficiary_address": address(name).to_bech32(),
                    "token_amount": amount,
                    "milestone_identifier": milestone,
                    "vesting_timestamp": vesting_timestamp,
                }
                for name, amount, milestone in allocations
            ],
            "oracle_addresses": [address(oracle).to_bech32() for oracle in ORACLES],
            "quorum_threshold": QUORUM,
            "creator": address("administrator").to_bech32(),
            "contract_metadata": {"network_magic": MAGIC, "description": description},
            **terms,
        }

    async def now(self) -> int:
        """The chain's time, POSIX seconds."""
        return (await chain_time(self.backend)).now

    async def on_chain(self) -> OpenDistribution:
        """The distribution as it stands."""
        return must_be_open(await read_on_chain(self.backend, self.address))

    async def statement(self, milestone: str) -> MilestoneStatement:
        """What oracles sign of a milestone that is complete now."""
        payload = await oracle_payload(
            self.backend,
            contract_address=self.address,
            milestone_identifier=milestone,
            verification_timestamp=await self.now(),
        )
        return MilestoneStatement.parse(bytes.fromhex(payload.signed_data))

    async def sign(self, signed_data: bytes, oracle: str) -> OracleSignature:
        """An oracle's signature, once the program has shown what it says."""
        signed = await oracle_sign(self.backend, signed_data=signed_data, key=self.keys[oracle])
        return OracleSignature.model_validate(signed.entry.model_dump())

    async def witnesses(
        self, statement: MilestoneStatement, oracles: Iterable[str]
    ) -> list[OracleWitness]:
        """What the chain would verify of these oracles."""
        return [witness_of(await self.sign(statement.signed_data, oracle)) for oracle in oracles]

    async def commit(self, milestone: str, oracles: Iterable[str]) -> None:
        """These oracles sign the same statement, and the local record gets it."""
        statement = await self.statement(milestone)
        entries = [await self.sign(statement.signed_data, oracle) for oracle in oracles]
        await commit_milestone(
            self.backend, milestone_identifier=milestone, oracle_signatures=entries
        )

    async def release(self, selection: Selection, payer: str) -> ReleaseReport:
        """Somebody pays allocations out."""
        return await submit_release(
            self.backend,
            contract_address=self.address,
            key=self.keys[payer],
            selection=selection,
            wait=True,
        )

    async def must_be_refused_unsigned(
        self, attempt: str, rule: str, command: Callable[[], Awaitable[object]]
    ) -> None:
        """The program must not let it through to the signature."""
        try:
            await command()
        except NotAllowedYet as error:
            if error.rule != rule:
                raise
            self.telling.refused(refused_by_program(attempt, error))
            return
        raise AssertionError(f"the program let through: {attempt}")

    async def must_be_refused_attestation(
        self,
        attempt: str,
        statement: MilestoneStatement,
        witnesses: list[OracleWitness],
        *,
        pretended: Sitting | None = None,
    ) -> None:
        """The chain must not take these signatures, whoever is `pretended` to count."""
        on_chain = await self.on_chain()
        sitting = pretended or on_chain.sitting
        honest = Attesting.of(sitting, statement, witnesses)
        # In the oracles' order, which the chain asks for: nothing else may be wrong with them.
        in_order = sorted(witnesses, key=lambda each: blake2b_224(each.verification_key))
        draft = attest_draft(
            Attesting(honest.attestation, sitting, in_order),
            terms=on_chain.terms_utxo,
            scripts=await require_published(self.backend),
        )
        await self.must_be_refused_by_chain(attempt, draft)

    async def must_be_refused_by_chain(self, attempt: str, draft: TransactionDraft) -> None:
        """The contract must refuse it, pushed past the program's checks."""
        error = await hostile.push(self.backend, draft, self.keys["relayer"])
        # Else the attack has broken some rule of the ledger by accident.
        if not error.script_failed:
            raise error
        self.telling.refused(refused_by_chain(attempt, error))
