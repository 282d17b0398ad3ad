"""What a beneficiary gets, to the last token, whatever the oracles, the clock and others have done."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from milestones.cardano.address import Address, key_credential
from milestones.errors import InvalidAddress, NotFound
from milestones.protocol.claim_file import make_claim_file, parse_claim_file
from milestones.services.calculate_distribution import calculate_distribution
from milestones.testing.distribution import OpenDistribution
from milestones.testing.world import World


async def calculate(opened: OpenDistribution, beneficiary: Address | str, **options: Any) -> Any:
    if isinstance(beneficiary, str):
        beneficiary = opened.world.address(beneficiary)
    return await calculate_distribution(
        opened.backend,
        contract_address=opened.address,
        beneficiary_address=beneficiary,
        **options,
    )


def sums(result: Any) -> tuple[int, int, int]:
    """(claimable, later, claimed)"""
    return result.claimable_amount, result.later_amount, result.claimed_amount


async def test_the_json_has_the_quickstarts_shape(opened: OpenDistribution) -> None:
    await opened.attested("milestone-001")
    document = (await calculate(opened, "beneficiary-0")).model_dump(mode="json")
    assert document["beneficiary_address"] == opened.world.address("beneficiary-0").to_bech32()
    assert document["claimable_amount"] == 1_000
    (allocation,) = document["allocations"]
    expected = {
        "milestone_identifier": "milestone-001",
        "token_amount": 1_000,
        "claimable": True,
        "reason": "claimable",
        "vesting_passed": True,
    }
    assert allocation.items() >= expected.items()
    assert allocation["beneficiary_index"] == 0


async def test_from_unattested_to_claimed(opened: OpenDistribution) -> None:
    before = await calculate(opened, "beneficiary-0")
    assert sums(before) == (0, 1_000, 0)
    assert before.allocations[0].reason == "milestone not attested"
    await opened.commit(opened.entry("oracle-0"), opened.entry("oracle-1"))
    signed = await calculate(opened, "beneficiary-0")
    assert sums(signed) == (1_000, 0, 0)
    assert not signed.allocations[0].attested
    await opened.attest(wait=True)
    assert (await calculate(opened, "beneficiary-0")).allocations[0].attested
    await opened.release(0, wait=True)
    after = await calculate(opened, "beneficiary-0")
    assert sums(after) == (0, 0, 1_000)
    assert (after.allocations[0].status, after.allocations[0].reason) == (
        "claimed",
        "already claimed",
    )


async def test_one_signature_is_no_quorum(opened: OpenDistribution) -> None:
    await opened.commit(opened.entry("oracle-0"))
    assert sums(await calculate(opened, "beneficiary-0")) == (0, 1_000, 0)


async def test_an_address_without_allocation_is_named(opened: OpenDistribution) -> None:
    with pytest.raises(NotFound, match="has no allocation") as refused:
        await calculate(opened, "stranger")
    stranger = opened.world.address("stranger").to_bech32()
    assert refused.value.details == {"beneficiary_address": stranger}
    assert stranger in refused.value.message


async def test_the_same_key_with_another_staking_part_is_pointed_at(
    opened: OpenDistribution,
) -> None:
    plain = opened.world.address("beneficiary-0")
    staked = Address(0, plain.payment, key_credential(b"\x05" * 28))
    with pytest.raises(NotFound) as refused:
        await calculate(opened, staked)
    assert plain.to_bech32() in refused.value.hint


async def test_an_address_of_mainnet_is_refused(opened: OpenDistribution) -> None:
    with pytest.raises(InvalidAddress, match="an address of mainnet") as refused:
        await calculate(opened, Address(1, opened.world.address("beneficiary-0").payment))
    assert refused.value.path == "beneficiary_address"


class TestManyAllocations:
    """Two people, several milestones, several vesting times; and one allocation that looks like another."""

    @pytest.fixture
    def schedule_changes(self, world: World) -> dict[str, Any]:
        now = world.now
        plan = (
            ("beneficiary-0", 1, "milestone-001", now - 10),
            ("beneficiary-0", 20, "milestone-001", now + 5_000),
            ("beneficiary-0", 300, "milestone-002", now - 10),
            ("beneficiary-0", 4_000, "milestone-002", now + 50_000),
            ("beneficiary-1", 50_000, "milestone-001", now - 10),
            ("beneficiary-0", 600_000, "milestone-003", now - 10),
            ("beneficiary-0", 600_000, "milestone-003", now - 10),
        )
        rows = [
            {
                "beneficiary_address": world.address(name).to_bech32(),
                "token_amount": amount,
                "milestone_identifier": milestone,
                "vesting_timestamp": vesting,
            }
            for name, amount, milestone, vesting in plan
        ]
        return {"beneficiary_allocations": rows}

    async def test_the_sums_are_right_at_every_step(self, opened: OpenDistribution) -> None:
        total = 1 + 20 + 300 + 4_000 + 600_000 + 600_000
        allocations = opened.distribution.allocations
        vests = {index: each.vesting_timestamp for index, each in allocations.items()}

        async def expect(claimable: int, claimed: int) -> None:
            result = await calculate(opened, "beneficiary-0")
            assert sums(result) == (claimable, total - claimable - claimed, claimed)
            assert result.total_amount == total
            assert [a.beneficiary_index for a in result.allocations] == [0, 1, 2, 3, 5, 6]
            assert result.now == opened.world.now
            payable = sum(a.token_amount for a in result.allocations if a.claimable)
            assert payable == claimable

        await expect(claimable=0, claimed=0)
        await opened.attested("milestone-001")
        await expect(claimable=1, claimed=0)
        await opened.release(0, 4, wait=True)
        await expect(claimable=0, claimed=1)
        opened.reach(vests[1])
        await expect(claimable=20, claimed=1)
        await opened.attested("milestone-003")
        await expect(claimable=1_200_020, claimed=1)
        await opened.release(5, wait=True)
        await expect(claimable=600_020, claimed=600_001)
        await opened.attested("milestone-002")
        await expect(claimable=600_320, claimed=600_001)
        opened.reach(vests[3])
        await expect(claimable=604_320, claimed=600_001)
        await opened.release(1, 2, 3, 6, wait=True)
        await expect(claimable=0, claimed=total)
        other = await calculate(opened, "beneficiary-1")
        assert sums(other) == (0, 0, 50_000)

    async def test_vesting_is_judged_by_the_newest_block_second_by_second(
        self, opened: OpenDistribution
    ) -> None:
        await opened.attested("milestone-001")
        vesting = opened.distribution.allocations[1].vesting_timestamp
        opened.world.advance(vesting - opened.world.now - 8)
        seen = set()
        for _ in range(16):
            result = await calculate(opened, "beneficiary-0")
            status = result.allocations[1].status
            assert status == ("vesting" if result.now < vesting else "claimable")
            seen.add(status)
            opened.world.advance(1)
        assert seen == {"vesting", "claimable"}


class TestPrivate:
    """Nothing is published: a claim file stands in for the schedule."""

    @pytest.fixture
    def deploy_options(self) -> dict[str, Any]:
        return {"private": True}

    async def test_a_claim_file_is_enough(self, opened: OpenDistribution) -> None:
        await opened.attested("milestone-001")
        shutil.rmtree(opened.world.data_directory)
        with pytest.raises(NotFound, match="no schedule of this distribution is announced"):
            await calculate(opened, "beneficiary-0")
        document = make_claim_file(opened.distribution, [0]).model_dump(mode="json")
        result = await calculate(opened, "beneficiary-0", claim_file=parse_claim_file(document))
        assert sums(result) == (1_000, 0, 0)
