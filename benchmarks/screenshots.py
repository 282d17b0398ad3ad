"""Makes the pictures that documents show, in Debian's Chromium: a board's report, and the devnet's page.

    python benchmarks/screenshots.py [FOLDER]

The story is the same each time, and begins on the day on which it is played. Pictures go to docs/pictures,
or to FOLDER. The tests of the report play it too.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from milestones.services.report import board_report, report_html
from milestones.testing.cast import key_of
from milestones.testing.distribution import OpenDistribution, open_distribution
from milestones.testing.world import World, open_world
from tests.support.browser import Scheme, open_browser, open_page, screenshot

FOLDER: Final = Path(__file__).parents[1] / "docs" / "pictures"
DAY: Final = 86_400
MILESTONES: Final = ("design-review", "prototype", "security-audit", "mainnet-launch")
PEOPLE: Final = 12
PICTURES: Final[tuple[tuple[str, str, int, int, Scheme], ...]] = (
    ("report", "", 1080, 880, "light"),
    ("report-timeline", "#milestones", 1080, 860, "light"),
    ("report-on-a-telephone", "", 390, 800, "dark"),
    ("devnet", "", 1080, 780, "light"),
)
"""Their names, the place in the page, width and height of the screen in pixels, and its colours."""


def board_schedule(world: World) -> dict[str, Any]:
    """Twelve people, four milestones in turn, a payment a quarter each; three oracles, two of whom decide."""
    allocations = [
        {
            "beneficiary_address": key_of(f"person-{person}").address(0).to_bech32(),
            "token_amount": 10_000 + 2_500 * ((person * 7 + number) % 5),
            "milestone_identifier": milestone,
            "vesting_timestamp": world.now + (30 + 90 * number + 10 * (person % 3)) * DAY,
        }
        for number, milestone in enumerate(MILESTONES)
        for person in range(PEOPLE)
    ]
    metadata = {
        "network_magic": world.magic,
        "created_at": world.now,
        "description": "Grant for an open-source wallet, first year",
    }
    return world.schedule(
        beneficiary_allocations=allocations,
        contract_metadata=metadata,
        reclaim_after=world.now + 420 * DAY,
        cancel_by=["quorum"],
        cancel_grace_seconds=30 * DAY,
    )


@asynccontextmanager
async def board_scene(world: World, **changes: Any) -> AsyncIterator[OpenDistribution]:
    """Five months after the opening: two milestones are reached, one of them is paid, one in part.

    `changes` are the schedule's.
    """
    async with open_distribution(world, {**board_schedule(world), **changes}) as stage:
        await stage.attested("design-review")
        world.advance(60 * DAY)
        for first in range(0, PEOPLE, 4):
            await stage.release(*range(first, first + 4), wait=True)
        world.advance(80 * DAY)
        await stage.attested("prototype")
        await stage.release(*range(PEOPLE, PEOPLE + 5), wait=True)
        await stage.signed("security-audit", by=1)
        yield stage


async def main(folder: Path) -> None:
    """Plays the story, and takes the pictures."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "report.html"
        async with (
            open_world(Path(directory)) as world,
            board_scene(world) as stage,
            open_browser() as browser,
            open_page(browser) as page,
        ):
            report = await board_report(stage.backend, contract_address=stage.distribution.name)
            file.write_text(report_html(report), encoding="utf-8")
            world.devnet.chain.mine(300)
            for name, place, width, height, scheme in PICTURES:
                path = folder / f"{name}.png"
                await page.set_viewport_size({"width": width, "height": height})
                await page.goto((world.control_url if name == "devnet" else file.as_uri()) + place)
                await screenshot(page, path, size=(width, height), scheme=scheme)
                print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER))
