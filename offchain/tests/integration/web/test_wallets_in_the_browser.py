"""People with a wallet in the browser, from a page to a block of the embedded chain."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.browser import assert_accessible, browser, open_page
from tests.support.browser_wallet import StandInWallet, put_into
from tests.support.serving import ServedDistribution

__all__ = ["browser"]


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A window on a desk."""
    async with open_page(browser) as page:
        yield page


def place(served: ServedDistribution, path: str = "") -> str:
    """Where a page of the distribution is."""
    (shown,) = served.serving.distributions
    return f"{served.server.url}/d/{shown.key}{path}"


async def test_a_beneficiary_claims(served: ServedDistribution, page: Page) -> None:
    """The wallet says whose it is, declines once, then signs; the page follows it into its block."""
    opened = served.opened
    await opened.attested("milestone-001")
    wallet = StandInWallet.of("Lantern", opened.world, "beneficiary-0")
    await put_into(page, lantern=wallet)
    await page.goto(place(served, "/claim"))
    await page.get_by_role("button", name="Connect Lantern").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(
        "1,000 GRANT can be claimed now"
    )
    await expect(page.locator(".wallet-said")).to_have_text("Lantern is connected.")

    wallet.declines.add("signTx")
    claim = page.get_by_role("button", name="Claim 1,000 GRANT")
    await claim.click()
    step = page.locator("form.step")
    await expect(step).to_contain_text("You declined in the wallet.")
    await assert_accessible(page)
    wallet.declines.clear()
    await claim.click()
    await expect(step).to_contain_text("It is paid: a block has it.")
    assert await opened.tokens_of("beneficiary-0") == 1_000
    (signed,) = wallet.signed
    await expect(step).to_contain_text(signed)
    await assert_accessible(page)
    await step.get_by_role("link", name="Show how it stands now").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("All is paid: 1,000 GRANT")
