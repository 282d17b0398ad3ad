"""The board's report: its numbers are those of other commands and of the chain, and it is fit to be seen."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page
from screenshots import board_scene

from milestones.errors import InvalidInput
from milestones.services.history import history
from milestones.services.report import board_report, report_html, report_markdown, write_report
from milestones.testing.distribution import OpenDistribution, open_distribution
from milestones.testing.world import World
from tests.support.browser import Scheme, assert_accessible, open_page

HOSTILE = "<img src=x onerror=alert(1)>\u202e|`*_\u200b"


def text_of(html: str) -> str:
    """What a page says, without its markup."""
    return " ".join(unescape(re.sub("<(style|title)>.*?</|<[^>]*>", " ", html, flags=re.S)).split())


async def test_every_number_is_the_same_as_elsewhere_and_on_the_chain(world: World) -> None:
    async with board_scene(world) as stage:
        report = await board_report(stage.backend, contract_address=stage.distribution.name)
        status = await stage.status()
        past = await history(stage.backend, contract_address=stage.distribution.name)
        people = {each.beneficiary_address for each in stage.distribution.allocations.values()}
        received = {
            str(address): world.held_by(address).quantity(stage.distribution.token)
            for address in people
        }
        held = sum(
            output.value.quantity(stage.distribution.token)
            for output in world.devnet.chain.utxo.values()
            if output.address.raw == stage.address.to_bytes()
        )
    assert report.paid == past.paid_amount == sum(received.values())
    assert report.claimable + report.waiting == past.held_amount == held
    assert {str(each.address): each.sums.paid for each in report.beneficiaries} == received
    by_milestone = {each.milestone_identifier: each for each in status.milestones}
    for each in report.milestones:
        known = by_milestone[each.name]
        assert (each.sums.total, each.sums.claimable) == (
            known.token_amount,
            known.claimable_amount,
        )
        assert (each.sums.count, each.sums.paid_count) == (
            known.allocation_count,
            known.claimed_count,
        )
    shown, written = text_of(report_html(report)), report_markdown(report).replace("\\", "")
    for text in (shown, written):
        for number in (report.total, report.paid, report.claimable, report.waiting, held):
            assert f"{number:,}" in text
        assert f"{past.fees_lovelace / 1e6:,.6f} ADA" in text
        assert f"{past.held_lovelace / 1e6:,.6f} ADA" in text
        for address, amount in received.items():
            assert address in text.replace(" ", "")
            assert f"{amount:,}" in text
        for line in past.lines:
            assert line.transaction_hash.hex() in text.replace(" ", "")
    payments = report_html(report).partition('id="payments"')[2].partition("</table>")[0]
    rows = re.findall(r"<tr><th scope=\"row\".*?</tr>", payments, re.S)
    amounts = [
        int(re.findall(r'class="n"[^>]*><span>([\d,]+)<', row)[0].replace(",", "")) for row in rows
    ]
    assert amounts[:-1] == [-line.token_change for line in report.payments]
    assert amounts[-1] == past.paid_amount
    assert json.loads(status.model_dump_json())["contract_state"]["claimed_count"] == len(rows) - 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_is_fit_to_be_seen_on_every_screen(
    world: World, browser: Browser, tmp_path: Path, scheme: Scheme
) -> None:
    async with board_scene(world) as stage:
        file = tmp_path / "board.html"
        written = await write_report(
            stage.backend, contract_address=stage.distribution.name, output=file
        )
    assert (written.form, written.byte_count) == ("html", len(file.read_bytes()))
    html = file.read_text(encoding="utf-8")
    assert not re.findall(r'(?:src|href)="(?!#|data:image/svg)', html)
    assert not re.findall(r"<script| style=| on[a-z]+=", html)
    assert "default-src &#39;none&#39;" in html
    async with open_page(browser, scheme=scheme) as page:
        await page.goto(file.as_uri())
        await assert_accessible(page)
        for link in await page.locator("nav a").all():
            target = await link.get_attribute("href")
            assert await page.locator(f"{target}").count() == 1
        await _assert_prints_well(page, str(stage.address))


async def _assert_prints_well(page: Page, address: str) -> None:
    """What nobody can press or follow on paper isn't there; what is folded or shortened is whole."""
    await page.emulate_media(media="print")
    for each in await page.locator(".top nav, .skip, form, button").all():
        assert not await each.is_visible()
    for each in await page.locator("details > :not(summary)").all():
        assert await each.is_visible()
    shown = await page.locator("main").inner_text()
    assert address in "".join(shown.split())
    look = "each => getComputedStyle(each).display"
    # The heading stands on every page of a table, and its sum at the end alone.
    assert await page.locator("thead").first.evaluate(look) == "table-header-group"
    for each in await page.locator("tfoot").all():
        assert await each.evaluate(look) == "table-row-group"


async def test_it_is_of_one_moment_while_others_pay(world: World) -> None:
    """What is read in several requests says the same, though a block may come between them."""
    async with open_distribution(world) as stage:
        await stage.attested("milestone-001", "milestone-002", "milestone-003")
        where = stage.distribution.name

        async def pay() -> None:
            for index in range(5):
                await stage.release(index, wait=True)

        paying = asyncio.create_task(pay())
        paid = set()
        while not paying.done():
            report = await board_report(stage.backend, contract_address=where)
            assert report.paid == report.history.paid_amount
            assert report.paid == sum(each.sums.paid for each in report.milestones)
            assert report.claimable == sum(each.sums.claimable for each in report.milestones)
            paid.add(report.paid)
        await paying
    assert len(paid) > 1


async def test_words_of_others_are_only_words(world: World) -> None:
    schedule = world.schedule()
    for entry in schedule["beneficiary_allocations"]:
        entry["milestone_identifier"] = "<img src=x onerror=alert(1)>|`*_"
    schedule["contract_metadata"]["description"] = "[click](https://evil.example) <b>\u202e\u05d0"
    async with open_distribution(world, schedule) as stage:
        report = await board_report(stage.backend, contract_address=stage.distribution.name)
    html, markdown = report_html(report), report_markdown(report)
    assert "<img" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;|`*_" in html
    assert "\u202e" not in html + markdown
    for text in (html, markdown):
        assert text.index("\u2068") < text.index("\u05d0") < text.index("\u2069")
    assert "\\u202e" in html
    assert "\\<img src=x onerror=alert(1)\\>\\|\\`\\*\\_" in markdown
    assert "\\[click\\](https" in markdown
    assert "https:" not in markdown


async def test_markdown_by_its_name_and_never_over_another_file(world: World) -> None:
    async with open_distribution(world) as stage:
        file = world.directory / "board.md"
        where = stage.distribution.name
        written = await write_report(stage.backend, contract_address=where, output=file, decimals=3)
        assert written.form == "markdown"
        text = file.read_text(encoding="utf-8")
        assert text.startswith("# What became of 15.000 GRANT\n")
        file.write_text("mine", encoding="utf-8")
        with pytest.raises(InvalidInput, match="already there"):
            await write_report(stage.backend, contract_address=where, output=file)
        assert file.read_text(encoding="utf-8") == "mine"


async def test_a_private_schedule_is_shown_by_whoever_has_it(world: World) -> None:
    async with open_distribution(world, private=True) as stage:
        where = stage.distribution.name
        own = await board_report(stage.backend, contract_address=where)
        others = stage.elsewhere("others")
        blind = await board_report(others.backend, contract_address=where)
        given = await board_report(
            others.backend, contract_address=where, schedule=stage.distribution.schedule()
        )
    for report in (own, given):
        assert report.audit.verdict == "sound"
        assert len(report.beneficiaries) == 5
    assert blind.audit.verdict == "incomplete"
    assert "what is promised to whom is not shown" in report_html(blind)
    assert "what is promised to whom is not shown" in report_markdown(blind)


async def test_after_the_end_it_says_what_went_back(opened: OpenDistribution) -> None:
    await opened.attested("milestone-001")
    await opened.release(0, 3, wait=True)
    opened.world.advance(2 * 31_536_000)
    await opened.close(wait=True)
    report = await board_report(opened.backend, contract_address=opened.distribution.name)
    assert (report.paid, report.returned, report.waiting, report.claimable) == (5_000, 10_000, 0, 0)
    text = text_of(report_html(report))
    assert "and ended with something left: 33.3% was paid, 66.7% went back" in text
    assert "nobody can do anything with it any more" in text


async def test_ten_thousand_payments_stay_a_file_that_can_be_used(opened: OpenDistribution) -> None:
    await opened.attested("milestone-001")
    await opened.release(0, wait=True)
    few = await board_report(opened.backend, contract_address=opened.distribution.name)
    many = replace(
        few,
        history=few.history.model_copy(update={"lines": few.payments * 10_000}),
        beneficiaries=few.beneficiaries * 2_000,
        milestones=few.milestones * 3_000,
    )
    html, markdown = report_html(many), report_markdown(many)
    assert len(html) < 7_000_000
    assert len(markdown) < 2_500_000
    assert (
        html.count(opened.distribution.allocations[0].beneficiary_address.to_bech32()[14:-8])
        > 10_000
    )
    assert html.count("<tr>") < 10_000 + 1_000
    assert "9,900 more addresses, each with less than these" in text_of(html)
    assert "8,800 more milestones, in the sum" in text_of(html)
