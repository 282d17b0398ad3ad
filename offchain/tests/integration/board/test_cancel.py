"""Notice, and the end that follows it: who may, when, what comes back, and runs that are cut off."""

from __future__ import annotations

from typing import Any

import pytest

from milestones.cardano.hashes import blake2b_256
from milestones.domain.models import OracleSignature
from milestones.errors import (
    ChainRejected,
    InvalidInput,
    InvalidSignature,
    NotAllowedYet,
    OutcomeUnknown,
)
from milestones.protocol.anchors import Anchor
from milestones.protocol.statements import NoticeStatement
from milestones.services.cancel import NoticeGiven, cancel
from milestones.services.sending.published_scripts import require_published
from milestones.services.sending.runner import SendDraft, perform
from milestones.services.verify import verify
from milestones.storage.board_payloads import NoticePayload
from milestones.storage.submission import ClosingPayload
from milestones.testing.cutting_proxy import Moment
from milestones.testing.distribution import OpenDistribution
from milestones.testing.world import World
from milestones.transactions.contract_drafts import open_draft

WEEK_MS = 7 * 86_400_000


@pytest.fixture
def schedule_changes() -> dict[str, Any]:
    """Both may cancel, and money returns to somebody else than the creator."""
    return {"cancel_by": ["creator", "quorum"]}


async def notified(
    stage: OpenDistribution, *signatures: OracleSignature, key: str = "creator", **options: Any
) -> NoticeGiven:
    return await cancel(
        stage.backend,
        contract_address=stage.address,
        key=stage.world.keys[key],
        signatures=signatures,
        **options,
    )


def notice_entry(stage: OpenDistribution, oracle: str, **changes: Any) -> OracleSignature:
    """A genuine entry about a notice an hour from now."""
    statement = NoticeStatement(
        changes.get("policy_id", stage.world.contract.policy_id),
        changes.get("distribution_id", stage.distribution.id),
        changes.get("said_at_posix_ms", (stage.world.now + 3600) // 60 * 60_000),
        b"",
    )
    key = stage.world.keys[oracle]
    return OracleSignature(
        oracle_address=stage.world.address(oracle),
        signature=key.sign(statement.signed_data),
        signed_data=statement.signed_data,
        signature_timestamp=0,
        verification_key=key.verification_key,
    )


async def test_a_notice_is_said_when_its_transaction_is_void_at_the_latest(
    stage: OpenDistribution,
) -> None:
    """Two hours from now unless told; a moment that comes sooner makes the transaction void sooner."""
    usual = await notified(stage, dry_run=True)
    assert 7_100 < usual.said_at - stage.world.now <= 7_201
    soon = stage.world.now + 600
    given = await notified(stage, said_at_timestamp=soon, wait=True)
    assert given.said_at == soon
    sent = stage.journal.find(given.transaction_hash)
    clock = await stage.backend.ogmios.slot_clock()
    assert clock.start_of(sent.valid_until_slot or 0) <= soon * 1000
    live = (await stage.on_chain()).notice
    assert live.notice.said_at_posix_ms == soon * 1000
    assert given.deposit_lovelace == live.utxo.output.value.lovelace


@pytest.mark.parametrize("ahead", [-1, 0, 59])
async def test_nothing_can_be_backdated(stage: OpenDistribution, ahead: int) -> None:
    with pytest.raises(InvalidInput, match="nothing can be backdated") as refused:
        await notified(stage, said_at_timestamp=stage.world.now + ahead)
    assert refused.value.path == "said_at"
    assert stage.journal.pending() == []


async def test_one_notice_is_enough(stage: OpenDistribution) -> None:
    given = await notified(stage, wait=True)
    with pytest.raises(NotAllowedYet, match="notice was given already") as refused:
        await notified(stage)
    assert refused.value.rule == "cancelled"
    assert refused.value.details["ends_at"] == given.ends_at


async def test_signatures_that_count_for_nothing_here(stage: OpenDistribution) -> None:
    """Of another distribution or contract, about something else, of a stranger, or of a wrong form."""
    elsewhere = notice_entry(stage, "oracle-0", distribution_id=bytes(28))
    other_contract = notice_entry(stage, "oracle-0", policy_id=bytes(28))
    for entry in (elsewhere, other_contract, stage.entry("oracle-0")):
        with pytest.raises(InvalidSignature, match="no entry says of this distribution"):
            await notified(stage, entry)
    mine = notice_entry(stage, "oracle-0")
    with pytest.raises(NotAllowedYet, match="they don't sit") as refused:
        await notified(stage, mine, notice_entry(stage, "stranger"))
    assert (refused.value.rule, refused.value.details["signature_count"]) == ("quorum", 1)
    short = mine.model_copy(update={"signature": bytes(63)})
    with pytest.raises(InvalidSignature, match="64 bytes") as broken:
        await notified(stage, notice_entry(stage, "oracle-1"), short)
    assert broken.value.path == "oracle_signatures[1].signature"


async def test_two_times_do_not_add_up(stage: OpenDistribution) -> None:
    later = (stage.world.now + 7_000) // 60 * 60_000
    other = notice_entry(stage, "oracle-1", said_at_posix_ms=later)
    with pytest.raises(NotAllowedYet, match="1 of the 2 oracles"):
        await notified(stage, notice_entry(stage, "oracle-0"), other)


async def test_a_forged_signature_is_left_to_the_chain(stage: OpenDistribution) -> None:
    """Its form is good: the evaluation refuses it, and whose it is is found out by each alone."""
    forged = notice_entry(stage, "oracle-1").model_copy(update={"signature": bytes(64)})
    with pytest.raises(ChainRejected) as refused:
        await notified(stage, notice_entry(stage, "oracle-0"), forged, key="relayer")
    named = [stage.world.address("oracle-1").to_bech32()]
    assert refused.value.details["refused_oracles"] == named
    assert stage.journal.pending() == []


async def test_a_forged_signature_is_left_out_where_the_others_are_enough(
    stage: OpenDistribution,
) -> None:
    entries = [notice_entry(stage, f"oracle-{number}") for number in range(3)]
    # Its hash is the least, so it is among the first that make a quorum.
    entries[2] = entries[2].model_copy(update={"signature": bytes(64)})
    given = await notified(stage, *entries, key="relayer", wait=True)
    good = (stage.world.address("oracle-0"), stage.world.address("oracle-1"))
    assert sorted(map(str, given.signers)) == sorted(map(str, good))
    assert "was left out" in " ".join(given.warnings)


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_notice_whose_answer_is_lost_is_found_again(
    stage: OpenDistribution, moment: Moment
) -> None:
    async with stage.on_a_bad_line(moment) as (broken, _):
        with pytest.raises(OutcomeUnknown) as lost:
            await notified(broken)
    again = await notified(stage, wait=True)
    assert again.transaction_hash == lost.value.transaction_id
    assert (again.resumed, again.status) == (True, "confirmed")
    assert len((await stage.on_chain()).notices) == 1
    (sent,) = stage.journal.of(stage.distribution.id, command="cancel")
    assert isinstance(sent.payload, NoticePayload)


async def test_the_creators_key_ends_at_once_what_is_paid_and_takes_the_notice_along(
    stage: OpenDistribution,
) -> None:
    given = await notified(stage, wait=True)
    await stage.signed("milestone-001", "milestone-002", "milestone-003")
    await stage.release(everything=True, wait=True)
    result = await stage.close(wait=True)
    assert result.refund_address is None
    assert result.transactions[0].board_tokens_burnt == 1
    assert result.deposits_returned_lovelace > given.deposit_lovelace
    assert await stage.backend.kupo.matches(stage.address.to_bech32(), unspent=True) == []


async def test_not_before_the_grace_is_over_not_even_by_the_creator(
    stage: OpenDistribution,
) -> None:
    given = await notified(stage, wait=True)
    stage.reach(given.ends_at - 10)
    for key in ("creator", "stranger"):
        with pytest.raises(NotAllowedYet) as refused:
            await stage.close(key=key)
        assert (refused.value.rule, refused.value.details["ends_at"]) == ("grace", given.ends_at)
    stage.reach(given.ends_at)
    async with stage.on_a_bad_line("after") as (broken, _):
        with pytest.raises(OutcomeUnknown) as lost:
            await broken.close(key="stranger")
    ended = await stage.close(key="stranger", wait=True)
    assert ended.transaction_hash == lost.value.transaction_id
    assert ended.refund_address == stage.world.address("creator").to_bech32()
    (sent,) = stage.journal.of(stage.distribution.id, command="close")
    assert isinstance(sent.payload, ClosingPayload)
    assert sent.payload.refund_address == ended.refund_address


async def test_a_notice_ends_one_opening_of_terms_that_were_opened_twice(
    stage: OpenDistribution,
) -> None:
    backend = stage.backend
    draft = open_draft(stage.distribution, scripts=await require_published(backend))
    sending = SendDraft(name="test", draft=draft)
    await perform(backend, sending, key=stage.world.keys["creator"], wait=True)
    first = await notified(stage, wait=True)
    stage.reach(first.ends_at)
    one = await stage.close(key="stranger", wait=True)
    assert len(one.transactions) == 1
    assert "openings of the same terms stay (1)" in " ".join(one.warnings)
    second = await notified(stage, wait=True)
    with pytest.raises(NotAllowedYet) as refused:
        await stage.close(key="stranger")
    assert refused.value.rule == "grace"
    stage.reach(second.ends_at)
    await stage.close(key="stranger", wait=True)
    assert (await stage.on_chain()).closed


class TestOfAda:
    @pytest.fixture
    def schedule_changes(self, world: World) -> dict[str, Any]:
        """Lovelace, and a refund with a datum."""
        refund = {"refund_address": world.address("beneficiary-4").to_bech32()}
        return {**world.in_lovelace(), **refund, "refund_datum": "d87980", "cancel_by": ["creator"]}

    async def test_all_lovelace_goes_home_with_the_datum(self, stage: OpenDistribution) -> None:
        await stage.attested("milestone-001")
        await stage.release(0, wait=True)
        given = await notified(stage, wait=True)
        stage.reach(given.ends_at)
        left = await stage.backend.kupo.matches(stage.address.to_bech32(), unspent=True)
        held = sum(match.output.value.lovelace for match in left)
        ended = await stage.close(key="stranger", wait=True)
        assert ended.tokens_returned == 140_000_000
        assert ended.tokens_returned + ended.deposits_returned_lovelace == held
        home = stage.world.address("beneficiary-4").to_bech32()
        (refund,) = await stage.backend.kupo.matches(home, unspent=True)
        assert (refund.output.value.lovelace, refund.datum) == (held, bytes.fromhex("d87980"))


class TestOnlyTheQuorum:
    @pytest.fixture
    def schedule_changes(self) -> dict[str, Any]:
        """The creator has no say."""
        return {"cancel_by": ["quorum"]}

    async def test_the_creator_is_told_who_can(self, stage: OpenDistribution) -> None:
        with pytest.raises(NotAllowedYet, match="a quorum of the oracles can") as refused:
            await notified(stage)
        assert refused.value.rule == "cancel_by"


class TestNobody:
    @pytest.fixture
    def schedule_changes(self) -> dict[str, Any]:
        """As usual."""
        return {}

    async def test_terms_without_it_know_no_notice(self, stage: OpenDistribution) -> None:
        with pytest.raises(NotAllowedYet, match="nobody can") as refused:
            await notified(stage)
        assert refused.value.rule == "cancel_by"
        entries = [notice_entry(stage, f"oracle-{number}") for number in range(2)]
        with pytest.raises(NotAllowedYet, match="nobody can"):
            await notified(stage, *entries, key="relayer")


async def test_a_notice_names_the_document_of_its_evidence(stage: OpenDistribution) -> None:
    report = blake2b_256(b"why it ends")
    anchor = Anchor("https://example.org/why", report)
    await notified(stage, evidence_hash=report, anchor=anchor, wait=True)
    verified = await verify(
        stage.backend, contract_address=stage.address, files={"why.txt": report}
    )
    named = [each for each in verified.documents if each.named_by == "notice"]
    assert [(each.url, each.hash, each.file) for each in named] == [(anchor.url, report, "why.txt")]
