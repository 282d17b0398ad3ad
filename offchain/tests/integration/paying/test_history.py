"""The history of a distribution: what happened, in order, and adding up to what is held and was paid."""

from __future__ import annotations

import json
from collections import Counter

from milestones.services.history import DistributionHistory, history
from milestones.services.proposal import proposal_submit
from milestones.services.results import as_csv
from milestones.testing.distribution import OpenDistribution, open_distribution
from milestones.testing.world import World

MILESTONES = ("milestone-001", "milestone-002", "milestone-003")


async def of(stage: OpenDistribution) -> DistributionHistory:
    return await history(stage.backend, contract_address=stage.distribution.name)


async def held_lovelace(stage: OpenDistribution) -> int:
    """All lovelace at the distribution's address, as Kupo says."""
    matches = await stage.backend.kupo.matches(stage.address.to_bech32(), unspent=True)
    return sum(match.output.value.lovelace for match in matches)


async def test_from_the_opening_to_the_closing(world: World) -> None:
    async with open_distribution(world) as stage:
        opened = await of(stage)
        assert [(line.event, line.token_change) for line in opened.lines] == [("opening", 15_000)]

        await stage.attested("milestone-001")
        await stage.release(0, 3, wait=True)
        midway = await of(stage)
        assert [(line.event, line.beneficiary_index) for line in midway.lines] == [
            ("opening", None),
            ("attestation", None),
            ("claim", 0),
            ("claim", 3),
        ]
        assert midway.lines[2].beneficiary_address == world.address("beneficiary-0")
        assert midway.lines[1].milestone_identifier == "milestone-001"
        assert (midway.paid_amount, midway.held_amount) == (5_000, 10_000)
        assert midway.held_lovelace == await held_lovelace(stage)

        await stage.signed(*MILESTONES[1:])
        await stage.release(everything=True, wait=True)
        await stage.close(wait=True)
        ended = await of(stage)
        assert ended.lines[-1].event == "closing"
        assert (ended.status, ended.complete) == ("completed", True)
        assert (ended.paid_amount, ended.held_amount, ended.held_lovelace) == (15_000, 0, 0)
        assert [line.at_posix_seconds for line in ended.lines] == sorted(
            line.at_posix_seconds for line in ended.lines
        )


async def test_each_fee_is_the_transactions_and_stands_once(world: World) -> None:
    async with open_distribution(world) as stage:
        await stage.attested("milestone-001")
        report = await stage.release(0, 3, wait=True)
        own, others = await of(stage), await of(stage.elsewhere("others"))
        (paid,) = report.transactions
        fees = [line.fee_lovelace for line in own.lines if line.event == "claim"]
        assert fees == [paid.fee_lovelace, 0]
        assert own.unknown_fee_count == 0
        assert own.fees_lovelace == sum(line.fee_lovelace or 0 for line in own.lines)
        assert (others.fees_lovelace, others.unknown_fee_count) == (0, 3)


async def test_what_the_creator_takes_back_is_no_payment(world: World) -> None:
    async with open_distribution(world) as stage:
        await stage.attested("milestone-001")
        await stage.release(0, wait=True)
        stage.reach(stage.world.schedule()["reclaim_after"] + 10)
        await stage.close(wait=True)
        ended = await of(stage)
        assert (ended.paid_amount, ended.returned_amount, ended.held_amount) == (1_000, 14_000, 0)
        assert Counter(line.event for line in ended.lines)["closing"] == 1


async def test_a_private_ones_sums_are_known_without_its_schedule(world: World) -> None:
    async with open_distribution(world, private=True) as stage:
        await stage.attested("milestone-001")
        await stage.release(0, 3, wait=True)
        seen = await of(stage.elsewhere("others"))
        assert [line.token_change for line in seen.lines] == [15_000, 0, -5_000, 0]
        assert {line.beneficiary_address for line in seen.lines} == {None}
        assert seen.complete


async def test_a_proposal_and_a_table_without_formulas(world: World) -> None:
    rows = [{**each, "milestone_identifier": "=1+1"} for each in world.allocations()]
    schedule = world.schedule(
        beneficiary_allocations=rows, objectors=1, review_bond_lovelace=5_000_000
    )
    async with open_distribution(world, schedule) as stage:
        await proposal_submit(
            stage.backend,
            contract_address=stage.address,
            milestone_identifier="=1+1",
            key=world.keys["stranger"],
            wait=True,
        )
        seen = await of(stage)
        assert [line.event for line in seen.lines] == ["opening", "proposal"]
        assert seen.held_lovelace == await held_lovelace(stage)
        header, opening, proposal = as_csv(seen).splitlines()
        assert header.startswith("at,event,milestone_identifier,")
        assert ",opening,,,,15000," in opening
        assert ",proposal,'=1+1," in proposal
        assert json.loads(seen.model_dump_json())["lines"][1]["milestone_identifier"] == "=1+1"
