"""Debian's Chromium, driven by Playwright: pages that fail a test by whatever they complain of.

A machine without Chromium skips such tests; with `MILESTONES_REQUIRES_BROWSER` in the environment it fails.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright, expect

Scheme = Literal["light", "dark"]
SCHEMES: Final[tuple[Scheme, ...]] = ("light", "dark")
REQUIRED: Final = "MILESTONES_REQUIRES_BROWSER"
HEIGHT: Final = 844
WIDTHS: Final = (320, 390, 1280)
"""A page is looked at on the narrowest screen that counts, on a telephone, and on a desk."""
MOST_WAITING_MS: Final = 60_000
"""How long a page may take on a machine that has much else to do, in milliseconds."""
expect.set_options(timeout=MOST_WAITING_MS)
ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> str | None:
    """The program's path; None where there is none."""
    return shutil.which("chromium")


@asynccontextmanager
async def open_browser() -> AsyncIterator[Browser]:
    """A browser of its own, which ends with this block."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium(), headless=True, args=list(ARGUMENTS)
        )
        try:
            yield browser
        finally:
            await browser.close()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A browser, in the event loop of the test, whose servers may run there too."""
    if chromium() is None:
        if os.environ.get(REQUIRED):
            pytest.fail(f"there is no chromium, and {REQUIRED} asks for it")
        pytest.skip("there is no chromium on this machine")
    async with open_browser() as opened:
        yield opened


@asynccontextmanager
async def open_page(
    browser: Browser, *, width: int = 1280, scheme: Scheme = "light", refused: int = 0
) -> AsyncIterator[Page]:
    """A window of its own. At its end no error may be in its console, and nothing asked for in vain.

    `refused` is how many answers of 400 and more are asked for on purpose.
    """
    complaints: list[str] = []
    context = await browser.new_context(
        viewport={"width": width, "height": HEIGHT}, color_scheme=scheme, reduced_motion="reduce"
    )
    context.set_default_timeout(MOST_WAITING_MS)
    page = await context.new_page()
    page.on(
        "console",
        lambda line: (
            complaints.append(f"console: {line.text}")
            if line.type in ("error", "warning") and "Failed to load resource" not in line.text
            else None
        ),
    )
    page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    page.on(
        "requestfailed",
        lambda request: (
            # A stream has no other end than this one.
            complaints.append(f"failed: {request.url}: {request.failure}")
            if request.resource_type != "eventsource"
            else None
        ),
    )
    page.on(
        "response",
        lambda answer: (
            complaints.append(f"{answer.status}: {answer.url}") if answer.status >= 400 else None
        ),
    )
    try:
        yield page
    finally:
        await context.close()
    answers = [each for each in complaints if each[:1].isdigit()]
    assert len(answers) == refused, answers
    assert len(complaints) == refused, complaints


async def assert_accessible(page: Page) -> None:
    """No rule of axe-core is violated as the page is now, and it fits on every screen that counts."""
    found = await Axe().run(page)
    listed = [
        f"{each['id']}: {each['help']}: {[node['html'][:200] for node in each['nodes'][:5]]}"
        for each in found.response["violations"]
    ]
    assert not listed, "\n".join(listed)
    before = page.viewport_size
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": HEIGHT})
        await _assert_fits(page)
    if before is not None:
        await page.set_viewport_size(before)


async def _assert_fits(page: Page) -> None:
    """The page is not wider than its window."""
    wide = await page.evaluate(
        """() => {
            const room = document.documentElement.clientWidth;
            if (document.documentElement.scrollWidth <= room) return [];
            return [...document.querySelectorAll("body *")]
                .filter(each => each.getBoundingClientRect().right > room + 1)
                .slice(0, 5).map(each => each.outerHTML.slice(0, 200));
        }"""
    )
    assert not wide, wide


async def screenshot(page: Page, path: Path, *, size: tuple[int, int], scheme: Scheme) -> None:
    """A picture (PNG) of what a screen of this width and height in pixels shows, in these colours."""
    width, height = size
    await page.set_viewport_size({"width": width, "height": height})
    await page.emulate_media(color_scheme=scheme)
    path.parent.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=path)
