"""One attestation of a milestone, whoever attests it at the same time, or once more."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from milestones.errors import NotAllowedYet, OutcomeUnknown
from milestones.testing.distribution import OpenDistribution

MILESTONE = b"milestone-001"


@pytest.fixture
def schedule_changes() -> dict[str, Any]:
    """Two allocations a page: 0 and 3 wait for the same milestone, and are in two vaults."""
    return {"page_depth": 1}


@pytest.fixture
async def unattested(stage: OpenDistribution) -> OpenDistribution:
    """The signatures are at hand, and blocks come when the test says so."""
    await stage.signed("milestone-001")
    stage.world.devnet.chain.production = "by hand"
    return stage


async def attestations(stage: OpenDistribution) -> int:
    """How many there are of the milestone once a block has what waits."""
    stage.world.devnet.chain.mine()
    return len((await stage.on_chain()).attestations[MILESTONE])


async def test_two_releases_at_once(unattested: OpenDistribution) -> None:
    first, second = await asyncio.gather(
        unattested.release(0), unattested.elsewhere("data").release(3, key="stranger")
    )
    assert {first.status, second.status} == {"submitted"}
    attested = [each.attested_milestone for each in (*first.transactions, *second.transactions)]
    assert sorted(attested, key=str) == [None, "milestone-001"]
    assert await attestations(unattested) == 1
    assert await unattested.tokens_of("beneficiary-0") == 1_000
    assert await unattested.tokens_of("beneficiary-3") == 4_000


async def test_two_attestations_at_once(unattested: OpenDistribution) -> None:
    first, second = await asyncio.gather(
        unattested.attest(), unattested.elsewhere("data").attest(key="relayer")
    )
    assert first.transaction_hash == second.transaction_hash
    assert {first.resumed, second.resumed} == {True, False}
    assert await attestations(unattested) == 1


async def test_a_release_and_an_attestation_at_once(unattested: OpenDistribution) -> None:
    outcomes = await asyncio.gather(
        unattested.release(0),
        unattested.elsewhere("data").attest(),
        return_exceptions=True,
    )
    refused = [each for each in outcomes if isinstance(each, BaseException)]
    assert [each.rule for each in refused if isinstance(each, NotAllowedYet)] in ([], ["attested"])
    assert await attestations(unattested) == 1


async def test_what_waits_on_another_machine_is_not_attested_again(
    unattested: OpenDistribution,
) -> None:
    other = unattested.elsewhere("other")
    await other.signed("milestone-001")
    await unattested.attest()
    with pytest.raises(NotAllowedYet) as refused:
        await other.attest()
    assert refused.value.rule == "attested"
    report = await other.release(3, key="stranger")
    assert [each.attested_milestone for each in report.transactions] == [None]
    assert await attestations(unattested) == 1
    assert await unattested.tokens_of("beneficiary-3") == 4_000


class TestBytesThatNeverArrived:
    """Somebody else has attested meanwhile: the same bytes are not sent again."""

    async def test_of_an_attestation(self, unattested: OpenDistribution) -> None:
        async with unattested.on_a_bad_line("before") as (cut, _):
            with pytest.raises(OutcomeUnknown) as lost:
                await cut.attest(key="relayer")
        await self.attested_by_another(unattested)
        with pytest.raises(NotAllowedYet) as refused:
            await unattested.attest(key="relayer")
        assert refused.value.rule == "attested"
        assert await attestations(unattested) == 1
        given_up = unattested.journal.find(lost.value.transaction_id)
        assert given_up is not None
        assert given_up.status == "rejected"
        assert "what it does is done" in given_up.history[-1].note

    async def test_of_a_release_that_attests(self, unattested: OpenDistribution) -> None:
        async with unattested.on_a_bad_line("before") as (cut, _):
            with pytest.raises(OutcomeUnknown):
                await cut.release(0)
        await self.attested_by_another(unattested)
        report = await unattested.release(0)
        assert [each.attested_milestone for each in report.transactions] == [None]
        assert await attestations(unattested) == 1
        assert await unattested.tokens_of("beneficiary-0") == 1_000

    async def test_another_command_does_not_send_them_either(
        self, unattested: OpenDistribution
    ) -> None:
        async with unattested.on_a_bad_line("before") as (cut, _):
            with pytest.raises(OutcomeUnknown):
                await cut.attest(key="relayer")
        await self.attested_by_another(unattested)
        await unattested.release(3)
        assert await attestations(unattested) == 1

    async def attested_by_another(self, stage: OpenDistribution) -> None:
        other = stage.elsewhere("other")
        await other.signed("milestone-001")
        await other.attest(key="stranger")
