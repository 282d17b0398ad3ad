"""What can't be paid stops nothing else of its kind: the rest is paid, and what is left out is named."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from milestones.domain.schedule import parse_schedule
from milestones.errors import ChainRejected, InsufficientFunds, NotAllowedYet
from milestones.protocol.distribution import Distribution
from milestones.services.calculate_distribution import calculate_distribution
from milestones.services.verify import verify
from milestones.testing.distribution import OpenDistribution
from tests.support.past_checks import open_past_all_checks


def left_out(report: Any) -> dict[int, str]:
    """The allocations that were left out, and the code of the reason."""
    return {index: each.code for each in report.left_out for index in each.beneficiary_indices}


def paid(report: Any) -> list[int]:
    """The allocations that were paid."""
    return sorted(each.beneficiary_index for each in report.paid)


class TestForgedSignatures:
    """Milestone 001 has nothing but a quorum of which one signature is forged."""

    @pytest.fixture
    async def stage(self, stage: OpenDistribution) -> Any:
        await stage.attested("milestone-003")
        await stage.signed("milestone-001", by=1, forged=1)
        await stage.signed("milestone-002")
        return stage

    async def test_the_other_milestones_are_paid(self, stage: OpenDistribution) -> None:
        report = await stage.release(everything=True, wait=True)
        assert paid(report) == [1, 2, 4]
        assert left_out(report) == dict.fromkeys((0, 3), "rejected_by_the_chain")
        culprit = stage.world.address("oracle-1").to_bech32()
        assert all(culprit in each.reason for each in report.left_out)
        (told,) = [each for each in report.warnings if "0, 3" in each]
        assert culprit in told
        assert (await stage.on_chain()).attested() == {"milestone-002", "milestone-003"}

    async def test_also_when_it_comes_after_transactions_that_are_not_sent_yet(
        self, stage: OpenDistribution
    ) -> None:
        later = stage.elsewhere("later")
        await later.signed("milestone-001")
        await later.signed("milestone-002", by=1, forged=1)
        report = await later.release(everything=True, wait=True)
        assert (paid(report), sorted(left_out(report))) == ([0, 2, 3], [1, 4])

    async def test_a_dry_run_says_the_same_and_sends_nothing(self, stage: OpenDistribution) -> None:
        report = await stage.release(everything=True, dry_run=True)
        assert (report.status, paid(report), sorted(left_out(report))) == (
            "dry_run",
            [1, 2, 4],
            [0, 3],
        )
        assert stage.journal.pending(command="submit-release") == []

    async def test_when_nothing_else_is_left_it_is_an_error(self, stage: OpenDistribution) -> None:
        await stage.release(everything=True, wait=True)
        for wanted in ({"everything": True}, {"milestone": "milestone-001"}):
            with pytest.raises(ChainRejected, match="refuses the signature"):
                await stage.release(**wanted)

    async def test_what_is_named_is_paid_as_a_whole_or_not_at_all(
        self, stage: OpenDistribution
    ) -> None:
        with pytest.raises(ChainRejected, match="refuses the signature"):
            await stage.release(0, 2)
        assert await stage.tokens_of("beneficiary-2") == 0

    async def test_the_command_prints_the_report_and_its_exit_code_tells(
        self, stage: OpenDistribution
    ) -> None:
        run = await stage.world.cli(
            *("submit-release", "--contract-address", stage.address.to_bech32(), "--all"),
            key="relayer",
        )
        assert run.exit_code == ChainRejected.exit_code
        assert run.json["paid_token_amount"] == 10_000
        assert [each["beneficiary_indices"] for each in run.json["left_out"]] == [[0, 3]]
        assert "not paid: allocations 0, 3" in run.stderr

    async def test_a_wallet_that_is_short_learns_what_the_rest_costs(
        self, stage: OpenDistribution
    ) -> None:
        needed = await stage.release(everything=True, dry_run=True)
        with pytest.raises(InsufficientFunds) as refused:
            await stage.release(everything=True, key="beneficiary-3")
        assert refused.value.details["deposits_lovelace"] == needed.deposits_lovelace


@dataclass(frozen=True)
class Odd:
    """Changes of single allocations, as the contract lets them be opened and this program does not."""

    index: int
    token_amount: int


class TestLeavesThatNobodyCanBePaid:
    """The distribution is opened past the program's own checks."""

    async def opened(self, stage: OpenDistribution, odd: Odd, **changes: Any) -> Any:
        allocations = stage.world.allocations()
        for each in allocations:
            each["token_amount"] *= changes.get("factor", 1)
        allocations[odd.index]["token_amount"] = odd.token_amount
        document = stage.world.schedule(
            beneficiary_allocations=allocations,
            contract_metadata={
                "network_magic": stage.world.magic,
                "created_at": stage.world.now,
                "description": "odd",
            },
            **{name: value for name, value in changes.items() if name != "factor"},
        )
        distribution = Distribution.from_schedule(parse_schedule(document), stage.world.contract)
        await open_past_all_checks(stage.world, distribution)
        return replace(stage, distribution=distribution)

    async def is_said_to_be_unpayable(self, odd: OpenDistribution) -> None:
        """Allocation 3 alone, by all who look: it is due, and can't be claimed."""
        calculated = await calculate_distribution(
            odd.backend,
            contract_address=odd.address,
            beneficiary_address=odd.world.address("beneficiary-3"),
        )
        (allocation,) = calculated.allocations
        assert (allocation.status, allocation.claimable) == ("unpayable", False)
        assert calculated.claimable_amount == 0
        assert calculated.later_amount == calculated.total_amount
        (milestone,) = (await odd.status("milestone-001")).milestones
        assert (milestone.allocation_count, milestone.claimable_count) == (2, 1)
        verified = await verify(odd.backend, contract_address=odd.address)
        assert [each.claimable for each in verified.allocations] == [
            *(True, True, True, False, True)
        ]

    async def test_an_allocation_of_nothing(self, stage: OpenDistribution) -> None:
        """The contract refuses a payout of no token, and with it all that are in the transaction."""
        odd = await self.opened(stage, Odd(3, 0))
        await odd.signed("milestone-001", "milestone-002", "milestone-003")
        await self.is_said_to_be_unpayable(odd)
        report = await odd.release(everything=True, wait=True)
        assert paid(report) == [0, 1, 2, 4]
        assert left_out(report) == {3: "rejected_by_the_chain"}
        assert "the contract refused" in report.left_out[0].reason
        with pytest.raises(ChainRejected):
            await odd.release(3)

    async def test_ada_below_the_ledgers_minimum(self, stage: OpenDistribution) -> None:
        """Scripts agree to it: only the ledger refuses it, once it is submitted."""
        stage.world.pay(stage.world.address("creator"), 100_000_000)
        odd = await self.opened(
            stage, Odd(3, 500_000), factor=2_000, token_policy_id="", token_name=""
        )
        await odd.attested("milestone-001", "milestone-002", "milestone-003")
        await self.is_said_to_be_unpayable(odd)
        report = await odd.release(everything=True, wait=True)
        assert paid(report) == [0, 1, 2, 4]
        assert left_out(report) == {3: "not_allowed_yet"}
        assert "an output must hold" in report.left_out[0].reason
        with pytest.raises(NotAllowedYet, match="allocation 3 is of 500000 lovelace") as refused:
            await odd.release(3)
        assert refused.value.rule == "min_ada"
