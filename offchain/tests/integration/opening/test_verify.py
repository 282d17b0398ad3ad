"""The audit: what it says of sound distributions, and of those that only look sound.

The unsound ones are opened past this program's own checks, as the chain allows.
"""

from __future__ import annotations

from typing import Any

import pytest

from milestones.cardano.address import Address, key_credential, script_credential
from milestones.cardano.hashes import blake2b_224
from milestones.cardano.network import MAINNET_MAGIC
from milestones.domain.schedule import parse_schedule
from milestones.errors import InvalidAddress, NotFound
from milestones.protocol.claim_file import make_claim_file
from milestones.protocol.distribution import Distribution
from milestones.services.calculate_distribution import calculate_distribution
from milestones.services.verify import verify
from milestones.testing.distribution import OpenDistribution
from milestones.testing.world import World
from tests.support.hostile import longer
from tests.support.past_checks import open_past_all_checks, with_datum


async def audit(world: World, distribution: Distribution | Address, **options: Any) -> Any:
    address = distribution.address if isinstance(distribution, Distribution) else distribution
    async with world.backend() as backend:
        return await verify(backend, contract_address=address, **options)


def failed(verified: Any) -> list[str]:
    return names(verified, "failed")


def names(verified: Any, outcome: str) -> list[str]:
    return [check.name for check in verified.checks if check.outcome == outcome]


def distribution_of(world: World, **changes: Any) -> Distribution:
    return Distribution.from_schedule(parse_schedule(world.schedule(**changes)), world.contract)


async def test_a_sound_distribution(world: World) -> None:
    distribution = await world.open()
    verified = await audit(world, distribution)

    assert verified.verdict == "sound"
    assert failed(verified) == []
    assert verified.distribution_id == distribution.id
    assert [check.name for check in verified.checks] == [
        *("address", "terms", "id", "network", "contract_version", "open", "opened_once"),
        *("total", "quorum", "creator", "token", "schedule", "reclaim", "vault 0"),
        *("attestations", "rules", "allocations"),
    ]
    assert [each.beneficiary_index for each in verified.allocations] == [0, 1, 2, 3, 4]
    assert all(each.claimable for each in verified.allocations)
    assert {each.status for each in verified.allocations} == {"milestone_not_attested"}
    assert verified.datum.total_token_amount == 15_000


async def test_local_records_are_not_believed(world: World) -> None:
    """The data directory holds another schedule under the distribution's id."""
    distribution = await world.open()
    other = world.schedule(quorum_threshold=1, beneficiary_allocations=world.allocations()[:2])
    world.workspace().storage.schedules.save(distribution.id, other)
    verified = await audit(world, distribution)

    assert verified.verdict == "sound"
    assert len(verified.allocations) == 5


async def test_an_address_where_nothing_is(world: World) -> None:
    distribution = distribution_of(world)
    with pytest.raises(NotFound, match="no contract UTxO was found"):
        await audit(world, distribution)


async def test_an_address_of_somebody_else(world: World) -> None:
    with pytest.raises(InvalidAddress, match="not an address of this contract"):
        await audit(world, world.address("creator"))


async def test_a_private_distribution_is_incomplete_until_its_schedule_is_given(
    world: World,
) -> None:
    schedule = world.schedule()
    distribution = await world.open(schedule, private=True)
    blind = await audit(world, distribution)
    seeing = await audit(world, distribution, schedule=parse_schedule(schedule))

    assert (blind.verdict, failed(blind)) == ("incomplete", [])
    assert names(blind, "not_checked") == ["schedule"]
    assert "nobody can check the schedule without it" in blind.warnings[0]
    assert "private" in blind.checks[11].detail
    assert blind.allocations == ()
    assert seeing.verdict == "sound"
    assert "given schedule file" in seeing.checks[11].detail


async def test_a_claim_file_shows_its_own_allocations(world: World) -> None:
    distribution = await world.open(private=True)
    claim_file = make_claim_file(distribution, [3])
    verified = await audit(world, distribution, claim_file=claim_file)

    assert verified.verdict == "sound"
    assert [each.beneficiary_index for each in verified.allocations] == [3]
    assert "claim file" in verified.checks[-1].detail


async def test_the_given_file_is_of_another_schedule(world: World) -> None:
    distribution = await world.open()
    other = parse_schedule(world.schedule(beneficiary_allocations=world.allocations()[:4]))
    verified = await audit(world, distribution, schedule=other)

    assert failed(verified) == ["schedule"]
    assert "not the one that the terms promise" in verified.checks[11].detail


async def test_a_announced_schedule_that_is_not_the_one_in_the_terms(world: World) -> None:
    await world.publish()
    distribution = distribution_of(world)
    allocations = tuple(distribution.allocations.values())
    lie = (allocations[0].model_copy(update={"token_amount": 9_999}), *allocations[1:])
    await open_past_all_checks(world, distribution, published=lie)
    verified = await audit(world, distribution)

    assert failed(verified) == ["schedule"]


async def test_terms_that_were_opened_twice(world: World) -> None:
    distribution = await world.open()
    await open_past_all_checks(world, distribution)
    verified = await audit(world, distribution)

    assert "opened_once" in failed(verified)
    detail = next(check.detail for check in verified.checks if check.name == "opened_once")
    assert "opened 2 times, 2 of them" in detail


SCRIPT = Address(0, script_credential(bytes(28)))


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("milestone_identifier", "", "1 to 64 bytes"),
        ("milestone_identifier", "m" * 65, "1 to 64 bytes"),
        ("beneficiary_address", SCRIPT.to_bech32(), "script's address"),
        ("vesting_timestamp", 1_795_000_000_000, "looks like milliseconds"),
    ],
)
async def test_an_allocation_that_can_never_be_paid(
    world: World, field: Any, value: Any, told: Any
) -> None:
    allocations = world.allocations()
    allocations[2][field] = value
    distribution = distribution_of(
        world, beneficiary_allocations=allocations, reclaim_after=None, irrevocable=True
    )
    await world.publish()
    await open_past_all_checks(world, distribution)
    verified = await audit(world, distribution)

    assert verified.verdict == "unsound"
    assert failed(verified) == ["allocations"]
    assert [each.claimable for each in verified.allocations] == [True, True, False, True, True]
    assert told in verified.allocations[2].reason
    assert "4 of 5" in verified.checks[-1].detail


async def test_a_script_that_may_benefit_is_no_fault(world: World) -> None:
    allocations = world.allocations()
    allocations[2]["beneficiary_address"] = SCRIPT.to_bech32()
    schedule = world.schedule(beneficiary_allocations=allocations)
    distribution = await world.open(schedule, allow_script_beneficiaries=True)
    verified = await audit(world, distribution, allow_script_beneficiaries=True)

    assert verified.verdict == "sound"


async def test_ada_that_could_be_stranded(world: World) -> None:
    allocations = [{**each, "token_amount": 3_000_000} for each in world.allocations()]
    allocations[4]["token_amount"] = 1_000_000
    distribution = distribution_of(
        world, token_policy_id="", token_name="", beneficiary_allocations=allocations
    )
    await world.publish()
    await open_past_all_checks(world, distribution)
    verified = await audit(world, distribution)

    assert failed(verified) == ["allocations"]
    assert "twice what an output must hold" in verified.allocations[4].reason


async def test_a_quorum_that_no_transaction_can_carry(world: World) -> None:
    oracles = [Address(0, key_credential(blake2b_224(b"%d" % n))) for n in range(20)]
    distribution = distribution_of(
        world, oracle_addresses=[each.to_bech32() for each in oracles], quorum_threshold=16
    )
    await world.publish()
    await open_past_all_checks(world, distribution)
    verified = await audit(world, distribution)

    assert failed(verified) == ["quorum", "rules"]
    assert "over 15 signatures" in verified.checks[8].detail


async def test_terms_for_another_network_and_version(world: World) -> None:
    metadata = {"network_magic": 2, "created_at": world.now, "contract_version": "0.9.0"}
    distribution = distribution_of(world, contract_metadata=metadata)
    await world.publish()
    await open_past_all_checks(world, distribution)
    verified = await audit(world, distribution)

    assert failed(verified) == ["network", "contract_version"]


async def test_taking_back_before_all_is_vested(world: World) -> None:
    distribution = distribution_of(
        world,
        beneficiary_allocations=world.allocations(vesting=world.now + 10_000),
        reclaim_after=world.now + 5_000,
    )
    await world.publish()
    await open_past_all_checks(world, distribution)
    verified = await audit(world, distribution)

    assert failed(verified) == ["reclaim", "rules"]
    assert all(each.status == "milestone_not_attested" for each in verified.allocations)


async def test_that_the_creator_can_take_back_now_is_a_warning_and_no_flaw(world: World) -> None:
    distribution = await world.open(world.schedule(reclaim_after=world.now + 1_000))
    before = await audit(world, distribution)
    world.advance(2_000)
    after = await audit(world, distribution)

    assert (before.verdict, names(before, "warning"), before.warnings) == ("sound", [], ())
    assert (after.verdict, failed(after), names(after, "warning")) == ("sound", [], ["reclaim"])
    assert "at any moment" in after.checks[12].detail
    assert after.warnings == (after.checks[12].detail,)


async def test_an_irrevocable_distribution_says_so(world: World) -> None:
    distribution = await world.open(world.schedule(reclaim_after=None, irrevocable=True))
    verified = await audit(world, distribution)

    assert verified.verdict == "sound"
    assert verified.checks[12].detail == "irrevocable: nothing can be taken back"


async def test_a_distribution_that_says_it_is_for_mainnet_is_paid_where_it_is(world: World) -> None:
    """Nothing on the chain knows of networks but addresses: payouts go to those of this one."""
    distribution = with_datum(distribution_of(world), (19, 1), MAINNET_MAGIC)
    await world.publish()
    await open_past_all_checks(world, distribution)
    async with world.backend() as backend:
        stage = OpenDistribution(world, backend, distribution)
        await stage.attested("milestone-001")
        await stage.release(everything=True, wait=True)
        verified = await verify(backend, contract_address=distribution.address)

    assert failed(verified) == ["network"]
    assert [each.status for each in verified.allocations].count("claimed") == 2


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ((6,), longer, "creator"),
        ((13,), 0, "refund"),
        ((13, 0), b"", "refund"),
        ((14,), 4, "cancel_by"),
        ((14,), b"", "cancel_by"),
        ((15,), -1, "cancel_grace"),
        ((16,), b"", "objectors"),
        ((17,), (), "review_period"),
        ((18,), -1, "bond"),
        ((19,), 0, "metadata"),
        ((19, 3), b"\xff\xfe", "metadata"),
        ((19, 1), b"", "metadata"),
    ],
)
async def test_terms_of_which_only_this_program_says_that_they_are_odd_stay_claimable(
    world: World, path: tuple[int, ...], value: Any, said: str
) -> None:
    """The contract looks at none of this. The creator closes it, too, once all is paid."""
    distribution = with_datum(distribution_of(world), path, value)
    await world.publish()
    await open_past_all_checks(world, distribution)
    async with world.backend() as backend:
        stage = OpenDistribution(world, backend, distribution)
        await stage.attested("milestone-001")
        states = await calculate_distribution(
            backend,
            contract_address=distribution.address,
            beneficiary_address=world.address("beneficiary-0"),
        )
        assert states.claimable_amount == 1_000
        await stage.signed("milestone-002", "milestone-003")
        await stage.release(everything=True, wait=True)
        verified = await verify(backend, contract_address=distribution.address)
        status = await stage.status()
        await stage.close(wait=True)
        closed = await stage.status()

    assert (verified.verdict, failed(verified)) == ("unsound", ["terms"])
    assert f"not well-formed: {said}" in verified.checks[1].detail
    assert (verified.datum, verified.powers) == (None, ())
    assert {each.status for each in verified.allocations} == {"claimed"}
    assert status.contract_state.claimed_count == 5
    assert closed.contract_state.status == "completed"


async def test_junk_at_the_address_changes_nothing(world: World) -> None:
    distribution = await world.open()
    world.pay(distribution.address, 5_000_000, tokens=7)
    verified = await audit(world, distribution)

    assert verified.verdict == "sound"
