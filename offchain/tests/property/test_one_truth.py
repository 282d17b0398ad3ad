"""`check-status`, `calculate-distribution` and `verify` never contradict each other, nor the ledger.

Random lives of a distribution: after each step all three are asked, and now and then what they call
claimable is claimed, what they don't is tried past all checks; then the chain is as it was. `make test`
lives some, always the same; `MILESTONES_TRUTH_LIVES=1000` (`make truth`) lives as many as one likes.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from dataclasses import replace

import pytest

from milestones.testing.distribution import open_distribution
from milestones.testing.world import World
from tests.support.lives import Life, random_schedule
from tests.support.told import Told, beneficiaries, held_by

LIVES = int(os.environ.get("MILESTONES_TRUTH_LIVES", "24"))
BATCHES = 4
STEPS = 9
TRIED_EVERY = 4


@pytest.mark.parametrize("batch", range(BATCHES))
async def test_no_report_contradicts_another(
    world: World, batch: int, capsys: pytest.CaptureFixture[str]
) -> None:
    world.pay(world.address("creator"), 10_000_000_000)
    world.pay(world.address("stranger"), 10_000_000_000)
    await world.publish()
    begin, counts = world.snapshot(), Counter[str]()
    for number in range(batch, LIVES, BATCHES):
        world.revert(begin)
        begin = world.snapshot()
        own = replace(world, directory=world.directory / f"life-{number}")
        counts += await live(own, number)
    with capsys.disabled():
        if "MILESTONES_TRUTH_LIVES" in os.environ:
            print("", *(f"{n:7} {told}" for told, n in sorted(counts.items())), sep="\n")  # noqa: T201
    assert [said for said in ("claimable", "claimed") if not counts[said]] == []


async def live(world: World, number: int) -> Counter[str]:
    """One life. What was done and tried, counted; an assertion says what had been done."""
    dice, counts = random.Random(number), Counter[str]()  # noqa: S311 - lives that can be lived again
    async with open_distribution(world, await random_schedule(world, dice)) as stage:
        life = Life(stage, dice)
        before = {each: held_by(stage, each) for each in beneficiaries(stage.distribution)}
        try:
            for step in range(STEPS):
                counts[await life.step()] += 1
                told = await Told.of(stage)
                told.must_agree(stage, life.openings, before)
                if step % TRIED_EVERY == TRIED_EVERY - 1:
                    counts += await told.must_be_true(stage, f"trial-{step}")
        except AssertionError as error:
            told_before = ", ".join(life.done)
            raise AssertionError(f"life {number}, after {told_before}: {error}") from error
    return counts
