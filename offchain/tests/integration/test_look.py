"""The look's components, all on one page with words of somebody who means harm, in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Browser

from milestones.look.pages import templates
from tests.support.browser import HEIGHT, WIDTHS, Scheme, assert_accessible, open_page

HOSTILE: Final = "<img src=x onerror=alert(1)>\u202egnp.exe\x1b[2J"
ADDRESS: Final = (
    "addr_test1qz2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer3"
    "n0d3vllmyqwsx5wktcd8cc3sq835lu7drv2xwl2wywfgs68faae"
)
START: Final = 1_700_000_000
YEAR: Final = 31_536_000
SAMPLE: Final = Path(__file__).parents[1] / "support" / "look_sample.html"


def sample() -> str:
    """The page, as one file."""
    environment = templates("milestones.look")
    row: list[Any] = [HOSTILE, "1", "paid", ADDRESS]
    lines = [
        {"name": HOSTILE, "kind": "done", "word": "paid", "words": "All of it.", "marks": []},
        {
            "name": "phase-2",
            "kind": "ready",
            "word": "claimable",
            "words": "5 payments",
            "marks": [(START + YEAR // 2, "done"), (START + 3 * YEAR, "waiting")],
        },
    ]
    return environment.from_string(SAMPLE.read_text(encoding="utf-8")).render(
        hostile=HOSTILE,
        address=ADDRESS,
        start=START,
        year=YEAR,
        rows=[row, row],
        lines=lines,
        seats=[{"number": each, "signed": each < 3} for each in range(1, 6)],
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_component_on_every_screen(
    browser: Browser, tmp_path: Path, scheme: Scheme
) -> None:
    file = tmp_path / "sample.html"
    file.write_text(sample(), encoding="utf-8")
    async with open_page(browser, scheme=scheme) as page:
        await page.goto(file.as_uri())
        for width in WIDTHS[::2]:
            await page.set_viewport_size({"width": width, "height": HEIGHT})
            await assert_accessible(page)
        # What is shortened is whole where it is marked and copied.
        await page.evaluate("getSelection().selectAllChildren(document.querySelector('dd code'))")
        assert (await page.evaluate("getSelection().toString()")).strip() == ADDRESS
        assert await page.locator("img").count() == 0
        assert "\\u202egnp.exe\\u001b[2J" in await page.inner_text("h1")
