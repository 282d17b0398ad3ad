"""What the reports say of one distribution at one moment, held against each other and against the ledger."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest

from milestones.cardano.address import Address
from milestones.domain.claims import ClaimStatus
from milestones.errors import ChainRejected
from milestones.protocol.distribution import Distribution
from milestones.services.calculate_distribution import (
    CalculatedAllocation,
    DistributionCalculated,
    calculate_distribution,
)
from milestones.services.check_status.report import StatusReport
from milestones.services.distribution.on_chain import OnChain
from milestones.services.sending.published_scripts import require_published
from milestones.services.sending.runner import SendDraft, perform
from milestones.services.verify import Verified, verify
from milestones.storage.storage import Storage
from milestones.testing.distribution import OpenDistribution
from milestones.transactions.contract_drafts import ReleaseSources, release_draft
from tests.support.model_stage import forgetful


def held_by(stage: OpenDistribution, address: Address) -> int:
    """How much of what is distributed somebody holds."""
    return stage.world.held_by(address).quantity(stage.distribution.token)


def beneficiaries(distribution: Distribution) -> list[Address]:
    """Whoever is paid."""
    found = {each.beneficiary_address for each in distribution.allocations.values()}
    return sorted(found, key=str)


@dataclass(frozen=True)
class Told:
    """The three reports, one after the other, with nothing between them."""

    on_chain: OnChain
    status: StatusReport
    calculated: dict[Address, DistributionCalculated]
    verified: Verified

    @classmethod
    async def of(cls, stage: OpenDistribution) -> Told:
        """Asks for all of them."""
        return cls(
            await stage.on_chain(),
            await stage.status(),
            {
                each: await calculate_distribution(
                    stage.backend, contract_address=stage.address, beneficiary_address=each
                )
                for each in beneficiaries(stage.distribution)
            },
            await verify(stage.backend, contract_address=stage.address),
        )

    @property
    def allocations(self) -> dict[int, CalculatedAllocation]:
        """What `calculate-distribution` says, of all beneficiaries."""
        return {
            allocation.beneficiary_index: allocation
            for each in self.calculated.values()
            for allocation in each.allocations
        }

    def indices(self, status: ClaimStatus) -> list[int]:
        """The allocations that stand so."""
        return [index for index, each in self.allocations.items() if each.status == status]

    def must_agree(
        self, stage: OpenDistribution, openings: int, before: Mapping[Address, int]
    ) -> None:
        """No report contradicts another, and all sums add up. `before`: what people held at the opening."""
        self._moments_agree()
        self._ends_agree(openings)
        self._allocations_agree()
        self._milestones_agree()
        self._sums_add_up(stage, openings, before)

    def _moments_agree(self) -> None:
        assert {each.now for each in self.calculated.values()} == {self.status.now}

    def _ends_agree(self, openings: int) -> None:
        state, verdict = self.status.contract_state, self.verified.verdict
        assert state.closed == (state.status != "open") == self.on_chain.closed
        failed = [check.name for check in self.verified.checks if check.outcome == "failed"]
        if openings > 1:
            assert (verdict, failed) == ("unsound", ["opened_once"])
        elif state.closed:
            assert (verdict, failed) == (state.status, [])
        else:
            assert (verdict, failed) == ("sound", [])
        if state.closed:
            assert {each.claim_until for each in self.calculated.values()} == {None}
        due = [check for check in self.verified.checks if check.name == "notice"]
        assert bool(due) == bool(self.status.notices)

    def _allocations_agree(self) -> None:
        said = self.allocations
        assert [each.beneficiary_index for each in self.verified.allocations] == sorted(said)
        for each in self.verified.allocations:
            calculated = said[each.beneficiary_index]
            assert each.token_amount == calculated.token_amount
            if calculated.attested or calculated.status in {"claimed", "closed"}:
                assert (each.status, each.reason) == (calculated.status, calculated.reason)
            else:
                # Whether oracles' signatures are at hand is nothing that the chain could say.
                assert each.status == "milestone_not_attested"
        paid = {claim.beneficiary_index for claim in self.status.claims}
        claimed = {index for index, each in said.items() if each.status == "claimed"}
        assert claimed <= paid

    def _milestones_agree(self) -> None:
        attested = {each.milestone_identifier for each in self.status.attestations}
        for milestone in self.status.milestones:
            name = milestone.milestone_identifier
            own = [each for each in self.allocations.values() if each.milestone_identifier == name]
            assert milestone.attested == (name in attested)
            assert {each.attested for each in own} == {milestone.attested}
            counts = Counter(each.status for each in own)
            assert milestone.allocation_count == len(own)
            assert milestone.token_amount == sum(each.token_amount for each in own)
            assert milestone.claimed_count == counts["claimed"]
            assert milestone.claimable_count == counts["claimable"]
            assert milestone.claimable_count == sum(each.claimable for each in own)
            amounts = [each.token_amount for each in own if each.claimable]
            assert milestone.claimable_amount == sum(amounts)
            assert milestone.vested_count == sum(each.vesting_passed for each in own)
            if counts["claimable"]:
                assert milestone.verified

    def _sums_add_up(
        self, stage: OpenDistribution, openings: int, before: Mapping[Address, int]
    ) -> None:
        state, total = self.status.contract_state, 0
        for each in self.calculated.values():
            gone = sum(one.token_amount for one in each.allocations if one.status == "closed")
            parts = each.claimed_amount + each.claimable_amount + each.later_amount + gone
            assert each.total_amount == parts
            total += each.total_amount
        assert total == state.total_token_amount
        assert state.claimed_count == len(self.indices("claimed"))
        assert state.unclaimed_count == len(self.allocations) - state.claimed_count
        assert state.remaining_token_amount == sum(
            vault.remaining_token_amount for vault in self.status.vaults
        )
        if openings > 1:
            return
        claimed = sum(each.claimed_amount for each in self.calculated.values())
        left = state.remaining_token_amount + state.returned_token_amount
        assert claimed + left == total
        assert (state.returned_token_amount > 0) <= state.closed
        for address, each in self.calculated.items():
            assert held_by(stage, address) - before[address] == each.claimed_amount

    async def must_be_true(self, stage: OpenDistribution, folder: str) -> Counter[str]:
        """The ledger takes what is claimable, and refuses the rest; the chain is then as it was.

        Counts what was tried, by what was said of it.
        """
        world, tried = stage.world, Counter[str]()
        copied = world.directory / folder
        shutil.copytree(world.data_directory, copied)
        trial = replace(stage, backend=replace(stage.backend, storage=Storage(copied)))
        before = world.snapshot()
        for index in self._others():
            with pytest.raises(ChainRejected):
                await self._forced(trial, index)
            tried[self.allocations[index].status] += 1
        claimable = self.indices("claimable")
        if claimable:
            report = await trial.release(*claimable, key="stranger", wait=True)
            assert report.status == "confirmed"
            assert sorted(each.beneficiary_index for each in report.paid) == sorted(claimable)
            tried["claimable"] += len(claimable)
        world.revert(before)
        shutil.rmtree(copied)
        return tried

    def _others(self) -> list[int]:
        """Allocations that can't be claimed, and for which a transaction can be made up."""
        if self.on_chain.closed or not self.on_chain.attestations:
            return []
        others: tuple[ClaimStatus, ...] = ("claimed", "vesting", "milestone_not_attested")
        return [index for status in others for index in self.indices(status)]

    async def _forced(self, stage: OpenDistribution, index: int) -> None:
        """Pays an allocation past all checks of the program, whatever the chain says of it."""
        distribution: Distribution = stage.distribution
        page, leaf = distribution.place(index)
        vault = next(live for live in self.on_chain.vaults if live.state.page == page)
        known = self.on_chain.attestation_utxos()
        somebody = next(iter(known.values()))
        milestone = distribution.allocations[index].milestone_identifier
        sources = ReleaseSources(
            vault=forgetful(vault.utxo, [leaf]),
            terms=self.on_chain.terms_utxos[0],
            scripts=await require_published(stage.backend),
            attestations={milestone: somebody, **known},
        )
        slot = stage.world.devnet.chain.tip.slot
        draft = release_draft(distribution, [index], sources, valid_from_slot=slot)
        sending = SendDraft(name="test", draft=draft)
        await perform(stage.backend, sending, key=stage.world.keys["stranger"])
