"""User story 5: the system calculates token distribution amounts."""

from __future__ import annotations

from milestones.testing.grant import FIRST, HOUR, SECOND, THIRD, Grant


def test_us5_1_a_verified_milestone_gives_the_whole_allocation(grant: Grant) -> None:
    nothing = grant.amounts("beneficiary-0")
    assert nothing["claimable_amount"] == 0
    assert nothing["allocations"][0]["reason"] == "milestone not attested"
    grant.attest(FIRST)
    found = grant.amounts("beneficiary-0")
    assert found["claimable_amount"] == 1_000
    first = found["allocations"][0]
    assert (first["token_amount"], first["claimable"]) == (1_000, True)
    assert first["milestone_identifier"] == FIRST


def test_us5_2_before_the_vesting_time_nothing_is_claimable(attested: Grant) -> None:
    early = attested.amounts("beneficiary-2")
    assert (early["claimable_amount"], early["later_amount"]) == (0, 16_000)
    (only,) = early["allocations"]
    assert (only["claimable"], only["vesting_passed"], only["attested"]) == (False, False, True)
    assert only["reason"].startswith("vesting until ")
    attested.reach(HOUR)
    late = attested.amounts("beneficiary-2")
    assert late["now"] >= only["vesting_timestamp"] > early["now"]
    assert (late["claimable_amount"], late["later_amount"]) == (16_000, 0)


def test_us5_3_several_allocations_are_summed(grant: Grant) -> None:
    seen = []
    for milestone in (FIRST, SECOND, THIRD):
        grant.attest(milestone)
        found = grant.amounts("beneficiary-0")
        seen.append((found["claimable_amount"], found["later_amount"]))
        assert found["total_amount"] == 13_000
    grant.reach(HOUR)
    all_vested = grant.amounts("beneficiary-0")
    seen.append((all_vested["claimable_amount"], all_vested["later_amount"]))
    assert [each["claimable"] for each in all_vested["allocations"]] == 3 * [True]
    assert seen == [(1_000, 12_000), (5_000, 8_000), (5_000, 8_000), (13_000, 0)]


def test_us5_4_what_was_claimed_is_not_counted_again(attested: Grant) -> None:
    attested.attest(SECOND)
    assert attested.amounts("beneficiary-0")["claimable_amount"] == 5_000
    assert attested.release("--beneficiary-index", "0", "--wait").exit_code == 0
    after = attested.amounts("beneficiary-0")
    assert (after["claimable_amount"], after["claimed_amount"]) == (4_000, 1_000)
    assert [each["status"] for each in after["allocations"][:2]] == ["claimed", "claimable"]
    # Nobody else's amount has changed, and a stranger's program sees the same.
    assert attested.amounts("beneficiary-1")["claimable_amount"] == 2_000
    assert attested.elsewhere("visitor").amounts("beneficiary-0")["claimed_amount"] == 1_000
    assert attested.world.tokens_of("beneficiary-0") == 1_000
