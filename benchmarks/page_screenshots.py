"""Makes pictures of every page of `milestones serve`, in Debian's Chromium, and those that documents show.

    python benchmarks/page_screenshots.py [FOLDER [PAGE...]]

Every page is seen narrow and wide, light and dark, in FOLDER (`build/pages` unless it is given). The few that
guides show go to docs/pictures, and the beginnings of all, wide and narrow, to the gallery. The story is that
of the board's report, with people who have wallets; a committee has its own.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from playwright.async_api import Browser, FilePayload, Page
from screenshots import FOLDER, MILESTONES, board_scene

from milestones.services.paying.budget import Budget
from milestones.services.proposal import proposal_submit
from milestones.testing.cast import ADA, key_of
from milestones.testing.world import World, open_world
from milestones.web.settings import RelaySettings
from tests.support.browser import Scheme, assert_accessible, open_browser, open_page, screenshot
from tests.support.browser_wallet import StandInWallet, put_into
from tests.support.committees import SCRIPT, opened_by_committee
from tests.support.serving import ServedDistribution, serve

ALL: Final = Path(__file__).parents[1] / "build" / "pages"
LOOKS: Final[tuple[tuple[str, int, Scheme], ...]] = (
    ("wide-light", 1280, "light"),
    ("wide-dark", 1280, "dark"),
    ("narrow-light", 390, "light"),
    ("narrow-dark", 390, "dark"),
)
GALLERY: Final = FOLDER / "pages"
GALLERY_LOOKS: Final = (("wide-light", "narrow-dark"), ("wide-dark", "narrow-light"))
"""The looks that the gallery has of each page, in turn."""
GALLERY_HEIGHT: Final = 620
SHOWN: Final[tuple[tuple[str, str, int, int, Scheme], ...]] = (
    ("distribution", "page", 1080, 860, "light"),
    ("claim-signing", "claim-on-a-telephone", 390, 1180, "dark"),
    ("milestone", "statement", 1080, 900, "light"),
)
"""What documents show: the page, the picture's name, the screen's width and height, and its colours."""
EVIDENCE: Final = "5f1d7f84db00d2fce00b31a7fc73224f9b0a4a4a4ee6dba3d3ed3c5e1d1a7c42"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What is served, and whose wallets are in the browser."""

    served: ServedDistribution
    of_committee: ServedDistribution
    proposal: str
    beneficiary: StandInWallet
    oracle: StandInWallet
    creator: StandInWallet
    member: StandInWallet

    @property
    def place(self) -> str:
        """Where the distribution's page is."""
        return _place(self.served)

    @property
    def place_of_committee(self) -> str:
        """Where the page is of the distribution that a committee opened."""
        return _place(self.of_committee)

    @property
    def address(self) -> str:
        """The beneficiary's, as people write it."""
        return str(self.beneficiary.addresses[0])


def _place(served: ServedDistribution) -> str:
    (shown,) = served.serving.distributions
    return f"{served.server.url}/d/{shown.key}"


@asynccontextmanager
async def page_scene(world: World, another: World) -> AsyncIterator[Stage]:
    """The board's story, and on another chain a committee's.

    One of the people, without ADA, may be paid by the server, and all have wallets.
    """
    powers = {
        "cancel_by": ["creator", "quorum"],
        "objectors": 2,
        "review_bond_lovelace": 25 * ADA,
        "review_period_seconds": 14 * 86_400,
    }
    async with board_scene(world, **powers) as opened:
        person = key_of("person-7")
        world.pay(person.address(0), 40 * ADA)
        proposed = await proposal_submit(
            opened.backend,
            contract_address=opened.address,
            milestone_identifier=MILESTONES[3],
            key=world.keys["stranger"],
            evidence_hash=bytes.fromhex(EVIDENCE),
            wait=True,
        )
        budget = Budget(most_lovelace=100 * ADA)
        relay = RelaySettings(key=world.keys["relayer"], budget=budget)
        person.save(world.directory / "person-7.skey")
        async with (
            serve(opened, relay=relay) as served,
            opened_by_committee(another) as of_committee,
            serve(of_committee) as also_served,
        ):
            yield Stage(
                served=served,
                of_committee=also_served,
                proposal=proposed.proposal,
                beneficiary=StandInWallet.of("Lantern", world, "person-7"),
                oracle=StandInWallet.of("Beacon", world, "oracle-2"),
                creator=StandInWallet.of("Ferry", world, "creator"),
                member=StandInWallet.of("Keel", another, "oracle-0"),
            )


async def connect(page: Page, name: str) -> None:
    """Connects a wallet."""
    await page.get_by_role("button", name=f"Connect {name}").click()
    await page.get_by_text(f"{name} is connected.").wait_for()


async def signing(page: Page, stage: Stage) -> None:
    """The wallet shows a claim, and its owner takes their time."""
    stage.beneficiary.considers.add("signTx")
    await connect(page, "Lantern")
    await page.get_by_role("button", name="Claim").click()
    await page.get_by_text("Your wallet shows this transaction now").wait_for()


async def declined(page: Page, stage: Stage) -> None:
    """The owner of the wallet says no."""
    stage.beneficiary.considers.clear()
    stage.beneficiary.declines.add("signTx")
    await connect(page, "Lantern")
    await page.get_by_role("button", name="Claim").click()
    await page.get_by_text("You declined in the wallet.").wait_for()
    stage.beneficiary.declines.clear()


async def by_oracle(page: Page, stage: Stage) -> None:
    """An oracle's wallet is connected."""
    del stage
    await connect(page, "Beacon")


async def by_creator(page: Page, stage: Stage) -> None:
    """The creator's wallet is connected."""
    del stage
    await connect(page, "Ferry")


async def by_committee(page: Page, stage: Stage) -> None:
    """A member has the notice built for the committee."""
    await connect(page, "Keel")
    script = FilePayload(
        name="committee.json", mimeType="application/json", buffer=json.dumps(SCRIPT).encode()
    )
    collateral = stage.of_committee.opened.world.address("stranger")
    await page.get_by_label("The committee's script").set_input_files(script)
    await page.get_by_label("Address of a member who signs").fill(str(collateral))
    await page.get_by_label("I know that it can't be withdrawn.").check()
    await page.get_by_role("button", name="Build the notice for the committee").click()
    await page.get_by_text("nobody has signed it yet").wait_for()


async def by_member(page: Page, stage: Stage) -> None:
    """A member signs it, and others are to follow."""
    await by_committee(page, stage)
    await page.get_by_role("button", name="Sign it with the wallet").click()
    await page.get_by_role("heading", name="more signatures are needed").wait_for()


Act = Callable[[Page, Stage], Awaitable[None]]


def pages(stage: Stage) -> dict[str, tuple[str, Act | None]]:
    """Every page by a name: its address, and what is done there before it is looked at."""
    place, mine = stage.place, f"?address={stage.address}"
    committee = stage.place_of_committee
    others = "%0A".join(str(key_of(f"person-{number}").address(0)) for number in range(3))
    signed = f"kind=milestone&milestone_identifier={MILESTONES[2]}&reached=2027-04-15T12:00"
    return {
        "overview": (f"{stage.served.server.url}/{mine}", None),
        "distribution": (place, None),
        "claim-whose": (f"{place}/claim", None),
        "claim": (f"{place}/claim{mine}", None),
        "claim-signing": (f"{place}/claim{mine}", signing),
        "claim-declined": (f"{place}/claim{mine}", declined),
        "claim-nothing": (f"{place}/claim?address={key_of('nobody').address(0)}", None),
        "oracles": (f"{place}/oracles", None),
        "milestone": (f"{place}/oracles/milestone?identifier={MILESTONES[2]}", by_oracle),
        "milestone-attested": (f"{place}/oracles/milestone?identifier={MILESTONES[0]}", None),
        "statement-signed": (
            f"{place}/oracles/statement?{signed}&evidence_hash={EVIDENCE}",
            by_oracle,
        ),
        "proposal": (f"{place}/oracles/proposal?reference={quote(stage.proposal)}", None),
        "propose": (f"{place}/oracles/propose", None),
        "creator": (f"{place}/creator", by_creator),
        "committee": (f"{committee}/creator", by_committee),
        "committee-signing": (f"{committee}/creator", by_member),
        "oracles-replaceable": (f"{committee}/oracles", None),
        "statement-rotation": (
            f"{committee}/oracles/statement?kind=rotation&oracles={others}&quorum_threshold=2",
            None,
        ),
        "not-here": (f"{place}/nothing", None),
    }


async def picture(
    browser: Browser,
    stage: Stage,
    name: str,
    path: Path,
    *,
    width: int,
    scheme: Scheme,
    height: int = 0,
    beginning: Path | None = None,
) -> None:
    """One picture: of the whole page, or of a screen of this height; and perhaps one of its beginning."""
    url, act = pages(stage)[name]
    refused = int(name == "not-here")
    async with open_page(browser, width=width, scheme=scheme, refused=refused) as page:
        wallets = {"lantern": stage.beneficiary, "beacon": stage.oracle, "ferry": stage.creator}
        if url.startswith(stage.place_of_committee):
            wallets = {"keel": stage.member}
        await put_into(page, **wallets)
        await page.goto(url)
        if act is not None:
            await act(page, stage)
        await page.wait_for_timeout(300)
        await assert_accessible(page)
        if height:
            await screenshot(page, path, size=(width, height), scheme=scheme)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            await page.screenshot(path=path, full_page=True)
        if beginning is not None:
            beginning.parent.mkdir(parents=True, exist_ok=True)
            await page.set_viewport_size({"width": width, "height": GALLERY_HEIGHT})
            await page.screenshot(path=beginning)
        print(f"{path}: {path.stat().st_size:,} bytes")


def _in_gallery(name: str, look: str) -> Path:
    return GALLERY / f"{name}-{look.partition('-')[0]}.png"


async def main(folder: Path, names: list[str]) -> None:
    """Plays the story, and takes the pictures: of all pages, unless `names` says of which.

    No page may complain, or be hard to use with a screen reader.
    """
    with tempfile.TemporaryDirectory() as directory:
        for each in ("one", "other"):
            Path(directory, each).mkdir()
        async with (
            open_world(Path(directory, "one")) as world,
            open_world(Path(directory, "other")) as another,
            page_scene(world, another) as stage,
            open_browser() as browser,
        ):
            for number, name in enumerate(pages(stage)):
                if names and name not in names:
                    continue
                for look, width, scheme in LOOKS:
                    in_gallery = look in GALLERY_LOOKS[number % 2]
                    await picture(
                        browser,
                        stage,
                        name,
                        folder / f"{name}-{look}.png",
                        width=width,
                        scheme=scheme,
                        beginning=_in_gallery(name, look) if in_gallery else None,
                    )
            for name, shown, width, height, scheme in SHOWN:
                if names and name not in names:
                    continue
                path = FOLDER / f"{shown}.png"
                await picture(browser, stage, name, path, width=width, scheme=scheme, height=height)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]) if len(sys.argv) > 1 else ALL, sys.argv[2:]))
