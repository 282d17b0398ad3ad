"""Names and descriptions of people who mean harm, on every page: nothing runs, and every character is seen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
from playwright.async_api import Browser, Page

from milestones.cardano.value import AssetId
from milestones.devnet.ledger.addresses import decode_address
from milestones.domain.schedule import parse_schedule
from milestones.protocol.distribution import Distribution
from milestones.services.proposal import proposal_submit
from milestones.testing.cast import ADA
from milestones.testing.distribution import OpenDistribution
from milestones.testing.world import World
from tests.support.browser import assert_accessible, browser, open_page
from tests.support.browser_wallet import StandInWallet, put_into
from tests.support.past_checks import open_past_all_checks
from tests.support.serving import ServedDistribution, serve

__all__ = ["browser"]

MARKUP = "<img src=x onerror=alert(1)>"
STEERING = "\u202egnp\u2066\x1b[2J\x00\u200b"
"""Turns the direction of writing, clears a terminal, ends a string, and takes no place."""
SHOWN = "\\u202egnp\\u2066\\u001b[2J\\u0000\\u200b"
ARABIC = "\u0645\u0631\u062d\u0644\u0629"
TOKEN = b"<b>X</b>\xe2\x80\xae"


@pytest.fixture
async def served(world: World) -> AsyncIterator[ServedDistribution]:
    """A distribution that the chain lets be opened, and this program would not: all its texts are hostile."""
    policy_id = world.devnet.chain.faucet.policy_id
    creator = decode_address(world.address("creator").to_bytes())
    world.devnet.chain.pay_from_faucet(creator, 10 * ADA, {TOKEN: 1_000_000})
    rows = world.allocations()
    for number, row in enumerate(rows):
        row["milestone_identifier"] = (MARKUP, STEERING, f"{ARABIC} </script>")[number % 3]
    document = world.schedule(
        token_policy_id=policy_id.hex(),
        token_name=TOKEN.hex(),
        beneficiary_allocations=rows,
        objectors=2,
        contract_metadata={
            "network_magic": world.magic,
            "created_at": world.now,
            "description": f"{MARKUP}{STEERING}{'long ' * 1_500}",
        },
    )
    await world.publish()
    distribution = Distribution.from_schedule(parse_schedule(document), world.contract)
    assert distribution.token == AssetId(policy_id, TOKEN)
    await open_past_all_checks(world, distribution)
    async with world.backend() as backend:
        opened = OpenDistribution(world, backend, distribution)
        await opened.attested(MARKUP)
        await proposal_submit(
            opened.elsewhere("proposer").backend,
            contract_address=distribution.address,
            milestone_identifier=f"{STEERING}{MARKUP}",
            key=world.keys["stranger"],
            wait=True,
        )
        async with serve(opened) as served:
            yield served


async def assert_harmless(page: Page) -> None:
    """Nothing of it has become part of the page, and what steers writing is seen as its code."""
    found = await page.evaluate(
        """() => ({
            strange: [...document.querySelectorAll("img, b, iframe, object, script:not([src])")].length,
            handlers: [...document.querySelectorAll("*")].filter(
                each => [...each.attributes].some(one => /^on/.test(one.name))).length,
            text: document.documentElement.outerHTML + document.title,
        })"""
    )
    assert (found["strange"], found["handlers"]) == (0, 0)
    assert not set(found["text"]) & set("\u202e\u2066\x1b\x00\u200b")
    assert len(found["text"]) < 200_000
    await assert_accessible(page)


async def test_hostile_texts_change_nothing(served: ServedDistribution, browser: Browser) -> None:
    """Every page, on the narrowest screen, with a wallet whose name means harm as well."""
    world = served.opened.world
    (shown,) = served.serving.distributions
    (proposal,) = (await served.opened.status()).proposals
    mine = world.address("beneficiary-0").to_bech32()
    pages = {
        "": SHOWN,
        "/claim": SHOWN,
        f"/claim?address={mine}": MARKUP,
        "/oracles": SHOWN,
        f"/oracles/milestone?identifier={quote(STEERING)}": SHOWN,
        f"/oracles/statement?kind=milestone&milestone_identifier={quote(STEERING)}": SHOWN,
        f"/oracles/proposal?reference={quote(proposal.reference)}": SHOWN,
        "/oracles/propose": SHOWN,
        "/creator": SHOWN,
    }
    dialogs: list[str] = []
    wallet = StandInWallet.of(f"{MARKUP}{STEERING}", world, "beneficiary-0")
    async with open_page(browser, width=320) as page:
        page.on("dialog", lambda dialog: dialogs.append(dialog.message))
        await put_into(page, harm=wallet)
        for path, expected in pages.items():
            await page.goto(f"{served.server.url}/d/{shown.key}{path}")
            assert expected in await page.locator("main").inner_text(), path
            await assert_harmless(page)
        await page.goto(served.server.url)
        await assert_harmless(page)
        await page.goto(f"{served.server.url}/d/{shown.key}/claim?address={mine}")
        await page.get_by_role("button", name="Connect").click()
        await page.get_by_role("button", name="Claim 1,000").click()
        await page.get_by_text("It is paid: a block has it.").wait_for()
        await assert_harmless(page)
    async with open_page(browser, refused=3) as page:
        page.on("dialog", lambda dialog: dialogs.append(dialog.message))
        for path in (
            f"/{quote(MARKUP)}",
            f"/d/{quote(MARKUP)}",
            f"/d/{shown.key}/{quote(STEERING)}",
        ):
            await page.goto(f"{served.server.url}{path}")
            await assert_harmless(page)
    assert not dialogs


async def test_what_is_asked_for_is_bounded(served: ServedDistribution) -> None:
    """A link that is longer than any wallet needs is refused; of what is shown again only the beginning is."""
    (shown,) = served.serving.distributions
    answer = await served.http.get(f"/d/{shown.key}/claim", params={"address": "x" * 60_000})
    assert answer.status_code in (400, 414, 431)
    answer = await served.http.get(f"/d/{shown.key}/claim", params={"address": "x" * 6_000})
    assert (answer.status_code, len(answer.text) < 20_000) == (200, True)
