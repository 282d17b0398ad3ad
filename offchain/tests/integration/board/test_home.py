"""A creator that is a script: anybody sends everything home, in two transactions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from milestones.cardano.address import Address, script_credential
from milestones.cardano.outputs import Script
from milestones.cardano.value import AssetId
from milestones.domain.schedule import parse_schedule
from milestones.errors import InvalidInput, NotAllowedYet, OutcomeUnknown
from milestones.protocol.datums import Notice
from milestones.protocol.distribution import Distribution
from milestones.services.cancel import cancel
from milestones.services.sending.published_scripts import require_published
from milestones.services.sending.runner import SendDraft, perform
from milestones.services.verify import verify
from milestones.storage.board_payloads import HomePayload
from milestones.testing.cast import ADA
from milestones.testing.cutting_proxy import Moment
from milestones.testing.distribution import OpenDistribution
from milestones.testing.world import World
from milestones.transactions.board_drafts import Referenced, notify_draft
from milestones.transactions.contract_drafts import open_draft
from milestones.transactions.draft import Spend

ANYBODYS = Script("native", b"\x82\x01\x80")
"""All of no signatures."""
CREATOR = Address(0, script_credential(ANYBODYS.hash()))


@pytest.fixture
async def stage(world: World, schedule_changes: dict[str, Any]) -> AsyncIterator[OpenDistribution]:
    """A distribution that the script opened; beneficiary 4 gets what goes home."""
    await world.publish()
    refund = world.address("relayer").to_bech32()
    document = world.schedule(
        creator=CREATOR.to_bech32(),
        refund_address=refund,
        cancel_by=["creator"],
        **schedule_changes,
    )
    schedule = parse_schedule(document)
    distribution = Distribution.from_schedule(schedule, world.contract)
    world.pay(CREATOR, 5 * ADA)
    async with world.backend() as backend:
        saved = schedule.model_dump(mode="json", exclude_none=True)
        backend.storage.schedules.save(distribution.id, saved)
        (consent,) = await backend.kupo.matches(CREATOR.to_bech32(), unspent=True)
        draft = open_draft(distribution, scripts=await require_published(backend))
        draft = replace(draft, spends=(Spend(consent.utxo),), scripts=(*draft.scripts, ANYBODYS))
        sending = SendDraft(name="test", draft=draft)
        await perform(backend, sending, key=world.keys["creator"], wait=True)
        yield OpenDistribution(world, backend, distribution)


async def paid_out(stage: OpenDistribution) -> None:
    await stage.signed("milestone-001", "milestone-002", "milestone-003")
    await stage.release(everything=True, key="stranger", wait=True)


async def test_anybody_sends_home_what_is_paid(stage: OpenDistribution) -> None:
    with pytest.raises(NotAllowedYet) as refused:
        await stage.close(key="stranger")
    assert refused.value.rule == "reclaim_after"
    await paid_out(stage)
    before = await stage.wealth_of("relayer")
    result = await stage.close(key="stranger", wait=True)
    assert [each.purpose for each in result.transactions] == ["home", "closing"]
    assert result.transaction_hash == result.transactions[1].transaction_hash
    gained = (await stage.wealth_of("relayer")).lovelace - before.lovelace
    assert gained == result.deposits_returned_lovelace
    assert result.refund_address == stage.world.address("relayer").to_bech32()
    assert await stage.backend.kupo.matches(stage.address.to_bech32(), unspent=True) == []


async def test_verify_warns_of_a_creator_that_is_a_script(stage: OpenDistribution) -> None:
    verified = await verify(stage.backend, contract_address=stage.address)
    (check,) = (each for each in verified.checks if each.name == "creator")
    assert (verified.verdict, check.outcome) == ("incomplete", "warning")
    assert "whoever can spend there can give notice" in check.detail
    assert verified.warnings.count(check.detail) == 1


async def test_what_is_not_claimed_goes_home_once_it_may(stage: OpenDistribution) -> None:
    stage.reach(stage.distribution.schedule().reclaim_after or 0)
    before = await stage.tokens_of("relayer")
    result = await stage.close(key="beneficiary-0", wait=True)
    assert result.tokens_returned == 15_000
    assert await stage.tokens_of("relayer") == before + 15_000


@pytest.mark.parametrize("skip", [0, 1], ids=["the word", "the end"])
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("by_hand", [False, True], ids=["blocks at once", "blocks by hand"])
async def test_a_run_that_is_cut_off_is_finished(
    stage: OpenDistribution, moment: Moment, skip: int, by_hand: bool
) -> None:
    """At either transaction; whether a block has the word by then or not, it is said only once."""
    await paid_out(stage)
    chain = stage.world.devnet.chain
    if by_hand:
        chain.production = "by hand"
    async with stage.on_a_bad_line(moment, skip=skip) as (broken, _):
        with pytest.raises(OutcomeUnknown) as lost:
            await broken.close(key="stranger")
    if by_hand:
        chain.mine()
        chain.production = "at once"
    result = await stage.close(key="stranger", wait=True)
    assert (await stage.on_chain()).closed
    assert lost.value.transaction_id in {each.transaction_hash for each in result.transactions}
    sent = stage.journal.of(stage.distribution.id, command="close")
    assert sum(isinstance(each.payload, HomePayload) for each in sent) == 1
    assert await stage.backend.kupo.matches(stage.address.to_bech32(), unspent=True) == []


async def test_a_word_that_somebody_else_has_said_is_used(stage: OpenDistribution) -> None:
    await paid_out(stage)
    async with stage.on_a_bad_line("before", skip=1) as (broken, _):
        with pytest.raises(OutcomeUnknown):
            await broken.close(key="stranger")
    other = stage.elsewhere("other")
    result = await other.close(key="beneficiary-0", wait=True)
    assert [each.purpose for each in result.transactions] == ["closing"]


async def test_a_dry_run_shows_both_and_sends_nothing(stage: OpenDistribution) -> None:
    await paid_out(stage)
    result = await stage.close(key="stranger", dry_run=True)
    assert [each.purpose for each in result.transactions] == ["home", "closing"]
    assert result.status == "dry_run"
    assert stage.journal.of(stage.distribution.id, command="close") == []
    assert not (await stage.on_chain()).closed


async def test_no_key_stands_for_a_script(stage: OpenDistribution) -> None:
    with pytest.raises(InvalidInput, match="the creator is a script"):
        await cancel(stage.backend, contract_address=stage.address, key=stage.world.keys["creator"])


async def test_words_that_nobody_needs_do_not_keep_it_open(stage: OpenDistribution) -> None:
    """Anybody can say a word, any number of times: what has room is taken along."""
    await paid_out(stage)
    on_chain = await stage.on_chain()
    scripts = await require_published(stage.backend)
    word = Notice(stage.world.contract.policy_id, stage.distribution.id, 0, b"")
    draft = notify_draft(
        word,
        on_chain.terms,
        Referenced(terms=on_chain.terms_utxos[0], scripts=scripts),
        sitting=on_chain.sitting,
    )
    for number in range(3):
        sending = SendDraft(name=f"word {number}", draft=draft)
        await perform(stage.backend, sending, key=stage.world.keys["stranger"], wait=True)
    chain = stage.world.devnet.chain
    everything = await stage.close(key="stranger", dry_run=True)
    assert [each.board_tokens_burnt for each in everything.transactions] == [3]
    size = everything.transactions[0].size
    chain.parameters = replace(chain.parameters, max_transaction_size=size - 2)
    result = await stage.close(key="stranger", wait=True)
    assert [each.board_tokens_burnt for each in result.transactions] == [2]
    assert result.attestations_burnt == 3
    assert (await stage.on_chain()).closed
    (left,) = await stage.backend.kupo.matches(stage.address.to_bech32(), unspent=True)
    assert left.output.value.quantity(AssetId(stage.world.contract.board_policy, word.token_name))
