"""A distribution on a workbench, from opening to closing: the drafts that honest people send."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from workbench import ADA, FIRST_SLOT, MAGIC, Workbench, moment

from milestones.cardano.address import Address
from milestones.cardano.outputs import Utxo
from milestones.cardano.value import AssetId, Value
from milestones.domain.models import Allocation, ContractMetadata, MilestoneSchedule
from milestones.protocol.distribution import Distribution
from milestones.protocol.oracle_signatures import Statement
from milestones.protocol.redeemers import OracleWitness
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
from milestones.transactions.wallet import SigningKey

MILESTONE = "milestone-001"
EVIDENCE = bytes(32)


def oracles(bench: Workbench, count: int) -> tuple[SigningKey, ...]:
    """Keys in the order in which terms list their hashes."""
    keys = (bench.key(f"oracle-{number}") for number in range(count))
    return tuple(sorted(keys, key=lambda key: key.key_hash))


def schedule(
    bench: Workbench,
    allocations: Sequence[Allocation],
    *,
    token: AssetId,
    oracle_count: int = 3,
    quorum: int = 2,
    page_depth: int | None = None,
    reclaim_slot: int | None = None,
    creator: str = "creator",
) -> MilestoneSchedule:
    """A schedule of these allocations; irrevocable without a `reclaim_slot`. `creator` names a key."""
    return MilestoneSchedule(
        token_policy_id=token.policy_id,
        token_name=token.asset_name,
        beneficiary_allocations=tuple(allocations),
        oracle_addresses=tuple(key.address(0) for key in oracles(bench, oracle_count)),
        quorum_threshold=quorum,
        creator=bench.key(creator).address(0),
        reclaim_after=None if reclaim_slot is None else moment(reclaim_slot),
        irrevocable=reclaim_slot is None,
        contract_metadata=ContractMetadata(created_at=moment(FIRST_SLOT), network_magic=MAGIC),
        page_depth=page_depth,
    )


@dataclass(frozen=True)
class Opened:
    """A distribution on the chain, as it stood after some transaction.

    `vaults` are the live ones in page order; `attestations` by milestone.
    """

    bench: Workbench
    distribution: Distribution
    terms: Utxo
    vaults: tuple[Utxo, ...]
    attestations: Mapping[str, Utxo] = field(default_factory=dict)

    def statement(self, milestone: str = MILESTONE) -> Statement:
        """What the oracles sign."""
        distribution = self.distribution
        return Statement(
            distribution.contract.policy_id,
            distribution.id,
            milestone.encode(),
            EVIDENCE,
            moment(FIRST_SLOT) * 1000,
        )

    def witnesses(self, statement: Statement) -> list[OracleWitness]:
        """The signatures of just as many oracles as are needed, in the terms' order."""
        terms, data = self.distribution.terms, statement.signed_data
        keys = oracles(self.bench, len(terms.oracles))[: terms.quorum_threshold]
        return [OracleWitness(key.verification_key, key.sign(data)) for key in keys]

    def attesting(self, milestone: str = MILESTONE) -> Attesting:
        """An attestation with the quorum's signatures."""
        statement = self.statement(milestone)
        return Attesting.of(self.distribution.terms, statement, self.witnesses(statement))

    def attest_draft(self, milestone: str = MILESTONE) -> TransactionDraft:
        """Attests a milestone on its own."""
        attesting = self.attesting(milestone)
        return attest_draft(attesting, terms=self.terms, scripts=self.bench.scripts)

    def release_draft(
        self, indices: Sequence[int], *, slot: int | None = None, attesting: str | None = None
    ) -> TransactionDraft:
        """Pays allocations of one page, valid from the tip's slot unless one is given."""
        sources = ReleaseSources(
            vault=self.vaults[self.distribution.place(min(indices))[0]],
            terms=self.terms,
            scripts=self.bench.scripts,
            attestations=self.attestations,
            attesting=None if attesting is None else self.attesting(attesting),
        )
        valid_from_slot = self.bench.slot if slot is None else slot
        return release_draft(self.distribution, indices, sources, valid_from_slot=valid_from_slot)

    def close_draft(
        self, *, slot: int | None = None, also: Sequence[Utxo] = ()
    ) -> TransactionDraft:
        """Takes everything off the chain, and the attestations `also` that are not in this view."""
        return close_draft(
            self.distribution.terms,
            terms_utxo=self.terms,
            vaults=self.vaults,
            attestations=(*self.attestations.values(), *also),
            scripts=self.bench.scripts,
            valid_from_slot=slot,
        )

    def attest(self, milestone: str = MILESTONE) -> tuple[Opened, SignedTransaction]:
        """Sends `attest_draft`."""
        sent = self.bench.send(self.attest_draft(milestone))
        return self.attested(milestone, sent.outputs[0]), sent

    def attested(self, milestone: str, utxo: Utxo) -> Opened:
        """The same distribution with one attestation more."""
        return replace(self, attestations={**self.attestations, milestone: utxo})

    def release(self, indices: Sequence[int]) -> tuple[Opened, SignedTransaction]:
        """Sends `release_draft`."""
        return self.paid(self.bench.send(self.release_draft(indices)), indices)

    def paid(
        self, sent: SignedTransaction, indices: Sequence[int]
    ) -> tuple[Opened, SignedTransaction]:
        """The same distribution once a release of these allocations is in."""
        page = self.distribution.place(min(indices))[0]
        vaults = (*self.vaults[:page], sent.outputs[0], *self.vaults[page + 1 :])
        return replace(self, vaults=vaults), sent


def open_distribution(
    bench: Workbench, schedule: MilestoneSchedule
) -> tuple[Opened, SignedTransaction]:
    """Opens a distribution, unpublished; the wallet gets just what it takes."""
    distribution = Distribution.from_schedule(schedule, bench.contract)
    total = Value.of(distribution.token, schedule.total_token_amount)
    bench.give(Value(100 * ADA) + total)
    sent = bench.send(open_draft(distribution, scripts=bench.scripts))
    vaults = sent.outputs[1 : 1 + len(distribution.terms.pages)]
    return Opened(bench, distribution, sent.outputs[0], vaults), sent


def base_address(bench: Workbench, name: str) -> Address:
    """An address with a staking part, both keys made of the name."""
    staking = bench.key(f"{name}, staking").address(0).payment
    return Address(0, bench.key(name).address(0).payment, staking)
