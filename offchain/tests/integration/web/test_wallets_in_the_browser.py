"""People with a wallet in the browser, from a page to a block of the embedded chain."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import segno
from playwright.async_api import Browser, FilePayload, Page, Route, expect

from milestones.cardano.hashes import blake2b_256
from milestones.keys.envelopes import read_transaction
from milestones.services.paying.budget import Budget
from milestones.services.transaction import sign_transaction
from milestones.testing.cast import ADA, key_of
from milestones.testing.distribution import OpenDistribution, open_distribution
from milestones.testing.world import World
from milestones.web.settings import RelaySettings
from tests.support.browser import assert_accessible, browser, open_page
from tests.support.browser_wallet import StandInWallet, put_into
from tests.support.committees import SCRIPT, opened_by_committee
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


@pytest.mark.parametrize("heard", [True, False])
async def test_a_claim_is_followed_as_the_server_says_or_by_asking(
    served: ServedDistribution, page: Page, heard: bool
) -> None:
    """Where events come, nothing is asked in between; where the stream breaks, it is asked now and then."""
    opened, world = served.opened, served.opened.world
    await opened.attested("milestone-001")
    await put_into(page, lantern=StandInWallet.of("Lantern", world, "beneficiary-0"))
    asked: list[str] = []
    waits = True

    async def status(route: Route) -> None:
        asked.append(route.request.url)
        if waits:
            await route.fulfill(json={"status": "submitted"})
        else:
            await route.continue_()

    await page.route("**/api/v1/transactions/*", status)
    if not heard:
        await page.route("**/api/v1/events", lambda route: route.abort())
    await page.goto(place(served, f"/claim?address={world.address('beneficiary-0')}"))
    await choose(page, "Lantern")
    await page.get_by_role("button", name="Claim 1,000 GRANT").click()
    if heard:
        while not (asked and served.serving.events.listener_count):
            await page.wait_for_timeout(100)
        await page.wait_for_timeout(5_000)
        before = len(asked)
        await page.wait_for_timeout(4_000)
        assert len(asked) == before
        waits = False
        world.advance(20)
    else:
        while len(asked) < 4:
            await page.wait_for_timeout(100)
        waits = False
    await expect(page.locator("form.step")).to_contain_text("It is paid: a block has it.")


async def choose(page: Page, name: str) -> None:
    """Connects a wallet, in the place of one that is connected."""
    if await page.evaluate("sessionStorage.length"):
        # The one that was used before is connected again by itself.
        await page.get_by_role("button", name="Use another wallet").click()
    await page.get_by_role("button", name=f"Connect {name}").click()
    await expect(page.locator(".wallet-said")).to_have_text(f"{name} is connected.")


async def test_two_oracles_sign_and_the_milestone_is_attested(
    served: ServedDistribution, page: Page
) -> None:
    """The statement in words, signed by two wallets; then a third, of no oracle, puts it on the chain."""
    world = served.opened.world
    await put_into(
        page,
        lantern=StandInWallet.of("Lantern", world, "oracle-0"),
        beacon=StandInWallet.of("Beacon", world, "oracle-2"),
        ferry=StandInWallet.of("Ferry", world, "relayer"),
    )
    await page.goto(place(served, "/oracles"))
    await assert_accessible(page)
    row = page.locator("tr").filter(has=page.get_by_role("rowheader", name="milestone-002"))
    await row.get_by_role("link", name="Look or sign").click()
    await page.get_by_label("When it was reached (UTC)").fill("2026-01-31T12:00")
    report = FilePayload(name="it.pdf", mimeType="application/pdf", buffer=b"It flies. " * 100)
    await page.get_by_label("Or choose the report").set_input_files(report)
    digest = blake2b_256(report["buffer"]).hex()
    await expect(page.get_by_label("Hash of the evidence")).to_have_value(digest)
    await assert_accessible(page)
    await page.get_by_role("button", name="Show the statement").click()
    await expect(page.locator("blockquote")).to_contain_text("2026-01-31 12:00:00 UTC")
    await expect(page.locator("blockquote")).to_contain_text(digest)

    sign = page.get_by_role("button", name="Sign this statement")
    await choose(page, "Ferry")
    await expect(page.locator(".missing")).to_be_visible()
    await expect(sign).to_be_disabled()
    for name, count in (("Lantern", 1), ("Beacon", 2)):
        await choose(page, name)
        await sign.click()
        await page.get_by_role("link", name="Show who has signed").click()
        await expect(page.locator(".definitions")).to_contain_text(f"{count} of 2 oracles")
    await assert_accessible(page)
    await choose(page, "Ferry")
    await page.get_by_role("button", name="Put it on the chain").click()
    await expect(page.locator("main")).to_contain_text("The milestone is attested")
    assert "milestone-002" in (await served.opened.on_chain()).attested()
    await page.goto(place(served, "/oracles"))
    await expect(row).to_contain_text("attested")


async def test_each_refusal_of_a_wallet_has_its_words(
    served: ServedDistribution, page: Page
) -> None:
    """Declined, of another network, without ADA, disconnected: what happened, and what to do next."""
    opened, world = served.opened, served.opened.world
    await opened.attested("milestone-002")
    lantern = StandInWallet.of("Lantern", world, "beneficiary-1", declines={"enable"})
    elsewhere = StandInWallet.of("Elsewhere", world, "beneficiary-0", network_id=1)
    mine = world.address("beneficiary-1").to_bech32()
    await page.goto(place(served, f"/claim?address={mine}"))
    await expect(page.get_by_text("There is no wallet in this browser.")).to_be_visible()
    await put_into(page, lantern=lantern, elsewhere=elsewhere)
    await page.reload()
    said, step = page.locator(".wallet-said"), page.locator("form.step")
    claim = page.get_by_role("button", name="Claim 2,000 GRANT")

    await page.get_by_role("button", name="Connect Elsewhere").click()
    await expect(said).to_contain_text("The wallet is on another network than this page.")
    await page.get_by_role("button", name="Connect Lantern").click()
    await expect(said).to_contain_text("You declined in the wallet.")
    await expect(said).to_contain_text("The wallet says: the person said no")
    await expect(claim).to_be_disabled()

    lantern.declines.clear()
    await choose(page, "Lantern")
    await claim.click()
    await expect(step).to_contain_text("The wallet holds no ADA")
    await assert_accessible(page)

    lantern.connected = False
    await claim.click()
    await expect(step).to_contain_text("The wallet is not connected any more.")
    await expect(claim).to_be_disabled()
    lantern.connected = True
    await page.get_by_role("button", name="Connect Lantern").click()
    await expect(claim).to_be_enabled()
    assert (lantern.signed, await opened.tokens_of("beneficiary-1")) == ([], 0)


class TestPowers:
    """Terms that let anybody propose, oracles object, and the creator give notice."""

    @pytest.fixture
    def schedule_changes(self) -> dict[str, Any]:
        return {
            "objectors": 2,
            "review_bond_lovelace": 5 * ADA,
            "cancel_by": ["creator"],
            "cancel_grace_seconds": 7 * 86_400,
        }

    async def test_an_objection_stops_a_proposal(
        self, served: ServedDistribution, page: Page
    ) -> None:
        """Somebody proposes; two oracles sign that it is wrong, and where the bond goes; it is stopped."""
        world = served.opened.world
        await put_into(
            page,
            lantern=StandInWallet.of("Lantern", world, "oracle-0"),
            beacon=StandInWallet.of("Beacon", world, "oracle-1"),
            ferry=StandInWallet.of("Ferry", world, "stranger"),
        )
        await page.goto(place(served, "/oracles"))
        await page.get_by_role("link", name="Propose that a milestone is reached").click()
        await assert_accessible(page)
        await page.get_by_label("Milestone").select_option("milestone-003")
        await page.get_by_label("Hash of the evidence").fill("cd" * 32)
        await page.get_by_label("Where it can be read").fill("https://example.org/report.pdf")
        await choose(page, "Ferry")
        await page.get_by_role("button", name="Propose it").click()
        await expect(page.locator("main")).to_contain_text("It is proposed")
        await page.goto(place(served, "/oracles"))
        await page.get_by_role("link", name="Look or object").click()
        await assert_accessible(page)
        link = page.get_by_role("link", name="https://example.org/report.pdf")
        await expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
        fund = world.address("relayer")
        await page.get_by_label("Where the bond goes").fill(str(fund))
        await page.get_by_role("button", name="Show the objection").click()
        await assert_accessible(page)
        for name in ("Lantern", "Beacon"):
            await choose(page, name)
            await page.get_by_role("button", name="Sign this statement").click()
            await page.get_by_role("link", name="Show who has signed").click()
        await choose(page, "Ferry")
        before = world.held_by(fund).lovelace
        await page.get_by_role("button", name="Stop the proposal").click()
        await expect(page.locator("main")).to_contain_text("The proposal is stopped.")
        assert world.held_by(fund).lovelace - before >= 5 * ADA
        assert (await served.opened.status()).proposals == ()

    async def test_a_creator_gives_notice_and_closes(
        self, served: ServedDistribution, page: Page
    ) -> None:
        """Only with the creator's key, and once it was said that it can't be withdrawn."""
        opened, world = served.opened, served.opened.world
        await put_into(
            page,
            lantern=StandInWallet.of("Lantern", world, "creator"),
            ferry=StandInWallet.of("Ferry", world, "stranger"),
        )
        await page.goto(place(served, "/creator"))
        await assert_accessible(page)
        give = page.get_by_role("button", name="Give notice")
        await choose(page, "Ferry")
        await expect(give).to_be_disabled()
        await choose(page, "Lantern")
        await give.click()
        assert (await opened.status()).notices == ()
        await page.get_by_label("I know that it can't be withdrawn.").check()
        await give.click()
        await expect(page.locator("main")).to_contain_text("Notice is given: a block has it.")
        await page.get_by_role("link", name="Show how it stands now").click()
        await expect(page.locator("main")).to_contain_text("Anybody can end it from")
        (notice,) = (await opened.status()).notices
        assert notice.given_by == "creator"
        opened.reach(notice.ends_at or 0)
        served.serving.kept.forget()
        await page.reload()
        await choose(page, "Ferry")
        await page.get_by_role("button", name="Close it").click()
        await expect(page.locator("main")).to_contain_text("It is closed: a block has it.")
        assert (await opened.status()).contract_state.status == "cancelled"
        await page.get_by_role("link", name="Show how it stands now").click()
        await expect(page.locator(".lead")).to_contain_text("nothing is left to do")
        await assert_accessible(page)


class TestRotation:
    """Terms that let the oracles be replaced."""

    @pytest.fixture
    async def opened(self, world: World) -> AsyncIterator[OpenDistribution]:
        async with world.backend() as backend:
            address = world.address("creator").to_bech32()
            matches = await backend.kupo.matches(address, unspent=True)
        (spent,) = [match for match in matches if match.output.value.assets]
        async with open_distribution(
            world, world.schedule(rotatable=str(spent.reference))
        ) as opened:
            yield opened

    async def test_a_quorum_puts_others_in_the_oracles_place(
        self, served: ServedDistribution, page: Page
    ) -> None:
        """What is signed says who counts from then on; two oracles sign, and anybody sends it."""
        world = served.opened.world
        others = [str(world.address(f"beneficiary-{number}")) for number in range(2)]
        await put_into(
            page,
            lantern=StandInWallet.of("Lantern", world, "oracle-0"),
            beacon=StandInWallet.of("Beacon", world, "oracle-1"),
            ferry=StandInWallet.of("Ferry", world, "stranger"),
        )
        await page.goto(place(served, "/oracles"))
        await assert_accessible(page)
        field = page.get_by_label("Who shall be oracles")
        today = sorted(str(world.address(f"oracle-{number}")) for number in range(3))
        assert sorted((await field.input_value()).split()) == today
        await field.fill("\n".join(others))
        await page.get_by_label("How many are a quorum").fill("1")
        await page.get_by_role("button", name="Show the statement").click()
        said = page.locator("blockquote")
        await expect(said).to_contain_text("these 2 count, and 1 of them are a quorum")
        for each in others:
            await expect(said.get_by_text(each, exact=True)).to_be_visible()
        for name in ("Lantern", "Beacon"):
            await choose(page, name)
            await page.get_by_role("button", name="Sign this statement").click()
            await page.get_by_role("link", name="Show who has signed").click()
        await assert_accessible(page)
        await choose(page, "Ferry")
        await page.get_by_role("button", name="Replace the oracles").click()
        await expect(page.locator("main")).to_contain_text("The oracles are replaced.")
        board = (await served.opened.on_chain()).sitting
        assert set(board.oracles) == {world.keys[f"beneficiary-{n}"].key_hash for n in range(2)}
        await page.goto(place(served, "/oracles"))
        await expect(page.locator(".lead")).to_contain_text("1 of 2 oracles together say")


class TestCommittee:
    """A creator that is a native script: two of three, who have wallets, or cardano-cli."""

    @pytest.fixture
    async def opened(self, world: World) -> AsyncIterator[OpenDistribution]:
        async with opened_by_committee(world) as opened:
            yield opened

    async def test_a_committee_gives_notice(
        self, served: ServedDistribution, page: Page, tmp_path: Path
    ) -> None:
        """One signs with a wallet, one's witness is a file, one signs the file whole; the last sends it."""
        opened, world = served.opened, served.opened.world
        wallet = StandInWallet.of("Lantern", world, "oracle-0")
        await put_into(page, lantern=wallet)
        await page.goto(place(served, "/creator"))
        await assert_accessible(page)
        script = FilePayload(
            name="committee.json",
            mimeType="application/json",
            buffer=json.dumps(SCRIPT).encode(),
        )
        member = page.get_by_role("button", name="Sign it with the wallet")
        await choose(page, "Lantern")
        await expect(member).to_be_disabled()
        await page.get_by_label("The committee's script").set_input_files(script)
        await page.get_by_label("Address of a member who signs").fill(
            str(world.address("stranger"))
        )
        await page.get_by_label("I know that it can't be withdrawn.").check()
        await page.get_by_role("button", name="Build the notice for the committee").click()
        await expect(page.locator("main")).to_contain_text("nobody has signed it yet")
        await assert_accessible(page)
        async with page.expect_download() as saving:
            await page.get_by_role("link", name="Save the transaction to be signed").click()
        unsigned = tmp_path / "notice.tx"
        await (await saving.value).save_as(unsigned)
        assert read_transaction(unsigned.read_bytes(), "saved").witnesses.keys == ()

        await member.click()
        heading = page.get_by_role("heading", level=1)
        await expect(heading).to_have_text("2 more signatures are needed")
        await expect(page.locator("main")).to_contain_text("Gives notice that the distribution")
        # What returns to the committee is no payment to somebody unknown.
        await expect(page.locator("main")).not_to_contain_text("if it isn't change")
        await assert_accessible(page)
        files = page.get_by_label("Signatures", exact=True)
        hand_in = page.get_by_role("button", name="Hand them in")
        await files.set_input_files(world.key_file("oracle-1"))
        await hand_in.click()
        await expect(page.locator("main")).to_contain_text("is a key: it was not sent")
        witness, whole = tmp_path / "oracle-1.witness", tmp_path / "stranger.signed"
        sign_transaction(unsigned, [world.keys["oracle-1"]], output=witness, witness_only=True)
        sign_transaction(unsigned, [world.keys["stranger"]], output=whole)
        for file, words in ((witness, "1 more signature is needed"), (whole, "Enough have signed")):
            await files.set_input_files(file)
            await hand_in.click()
            await expect(heading).to_have_text(words)
        await assert_accessible(page)
        await page.get_by_role("button", name="Send it").click()
        await expect(page.locator("main")).to_contain_text("It is done: a block has it.")
        (notice,) = (await opened.status()).notices
        assert notice.given_by == "creator"


class TestRelay:
    """A server that pays for those without ADA."""

    @pytest.fixture
    def serve_settings(self) -> dict[str, Any]:
        return {
            "relay": RelaySettings(key=key_of("relayer"), budget=Budget(most_lovelace=20 * ADA))
        }

    async def test_a_beneficiary_without_ada_is_paid(
        self, served: ServedDistribution, page: Page
    ) -> None:
        """By a button, without a wallet; a telephone has a link, and the QR code is of just that."""
        opened = served.opened
        await opened.attested("milestone-002")
        mine = opened.world.address("beneficiary-4").to_bech32()
        await page.goto(place(served, f"/claim?address={mine}"))
        await assert_accessible(page)
        link = await page.get_by_role("link", name="open the link").get_attribute("href") or ""
        code = await served.get(f"{served.path}/claim-code", beneficiary_address=mine)
        assert link == code["uri"]
        drawn = page.get_by_role("img", name="QR code of the claim link").locator("path")
        expected = segno.make(link, error="l").svg_inline(border=2)
        assert f'd="{await drawn.get_attribute("d")}"' in expected
        ask = page.get_by_role("button", name="Ask to be paid 5,000 GRANT")
        await ask.click()
        await expect(page.locator("main")).to_contain_text("It is paid: a block has it.")
        assert await opened.tokens_of("beneficiary-4") == 5_000
        await page.get_by_role("link", name="Show how it stands now").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("All is paid: 5,000 GRANT")
