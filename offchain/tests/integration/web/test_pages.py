"""The pages in a browser, for somebody who looks."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from milestones.domain.schedule import parse_schedule
from milestones.protocol.distribution import Distribution
from milestones.services.verify.meanings import MEANINGS
from tests.support.browser import assert_accessible, browser, open_page
from tests.support.serving import ServedDistribution

__all__ = ["browser"]


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A telephone's window."""
    async with open_page(browser, width=390) as page:
        yield page


async def test_somebody_finds_what_is_theirs_by_pasting_an_address(
    served: ServedDistribution, page: Page
) -> None:
    """From the list to the allocations of an address, and why each stands as it does."""
    await served.opened.attested("milestone-001")
    address = served.opened.world.address("beneficiary-0").to_bech32()
    await page.goto(served.server.url)
    await assert_accessible(page)
    await page.get_by_label("Or look for an address").fill(f" {address} ")
    await page.get_by_role("button", name="Look").click()
    await page.get_by_role("region", name="What is mine?").get_by_role("link").click()
    assert await page.locator("h1").inner_text() == "1,000 GRANT can be claimed now"
    await assert_accessible(page)
    row = page.get_by_role("row").nth(1)
    assert "milestone-001" in await row.inner_text()
    assert "Vested and attested" in await row.inner_text()
    assert await page.get_by_role("button", name="Claim 1,000 GRANT").is_disabled()


async def test_whoever_has_nothing_is_told_what_to_do(
    served: ServedDistribution, page: Page
) -> None:
    stranger = served.opened.world.address("stranger").to_bech32()
    (shown,) = served.serving.distributions
    await page.goto(f"{served.server.url}/d/{shown.key}/claim?address={stranger}")
    assert "no allocation" in await page.locator(".note").inner_text()
    await page.goto(f"{served.server.url}/d/{shown.key}/claim?address=addr_test1nonsense")
    assert "is not an address" in await page.locator(".note").inner_text()
    await assert_accessible(page)


async def test_a_distribution_is_seen_whole(served: ServedDistribution, page: Page) -> None:
    """What was agreed, the milestones, who can do what, each check with its meaning; and files to keep."""
    opened = served.opened
    await opened.attested("milestone-001")
    await opened.release(0, wait=True)
    (shown,) = served.serving.distributions
    await page.goto(f"{served.server.url}/d/{shown.key}")
    await assert_accessible(page)
    for name in ("What was agreed", "Who can still do what", "Every payment", "Who gets what"):
        await expect(page.get_by_role("region", name=name)).to_be_visible()
    row = (
        page.get_by_role("region", name="The proof")
        .locator("tr")
        .filter(has=page.get_by_role("rowheader", name="Schedule", exact=True))
    )
    await expect(row).to_contain_text(MEANINGS["schedule"])
    await expect(row).to_contain_text("holds")
    payments = page.get_by_role("region", name="Every payment").locator("tbody tr")
    await expect(payments).to_have_count(1)
    for file in ("report.html", "report.md", "history.csv", "schedule.json"):
        link = page.locator(f'a[href$="{file}"]')
        answer = await served.http.get(await link.get_attribute("href") or "")
        assert answer.status_code == 200, file
        assert "milestone-001" in answer.text
    found = Distribution.from_schedule(parse_schedule(answer.json()), opened.world.contract)
    assert found.id == opened.distribution.id
