"""Closing: who may, when, what comes back, and what can't."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from milestones.errors import InvalidInput, LimitsExceeded, NotAllowedYet, OutcomeUnknown
from milestones.services.distribution.signatures import complete_statements
from milestones.services.preflight import must_be_open
from milestones.services.sending.published_scripts import require_published
from milestones.services.sending.runner import SendDraft, perform
from milestones.testing.distribution import OpenDistribution
from milestones.testing.world import World
from milestones.transactions.contract_drafts import attest_draft, open_draft

MILESTONES = ("milestone-001", "milestone-002", "milestone-003")


async def paid_out(stage: OpenDistribution) -> None:
    """Everybody has everything."""
    await stage.signed(*MILESTONES)
    await stage.release(everything=True, wait=True)


async def attested_again(stage: OpenDistribution) -> None:
    """Two attestations of milestone 001, past the program's own checks: somebody had not seen the first."""
    await stage.attested("milestone-001")
    backend, known = stage.backend, must_be_open(await stage.on_chain())
    signed, *_ = complete_statements(backend, known, "milestone-001")
    draft = attest_draft(
        signed.attesting(known.sitting),
        terms=known.terms_utxo,
        scripts=await require_published(backend),
    )
    await perform(
        backend, SendDraft(name="test", draft=draft), key=stage.world.keys["stranger"], wait=True
    )


async def opened_again(stage: OpenDistribution) -> None:
    """The same terms once more, past the program's own checks."""
    backend = stage.backend
    draft = open_draft(stage.distribution, scripts=await require_published(backend))
    sending = SendDraft(name="test", draft=draft)
    await perform(backend, sending, key=stage.world.keys["creator"])


async def test_when_all_is_paid_every_deposit_comes_back(stage: OpenDistribution) -> None:
    await paid_out(stage)
    on_chain = await stage.on_chain()
    deposits = sum(
        utxo.output.value.lovelace
        for utxo in (
            *on_chain.terms_utxos,
            *(vault.utxo for vault in on_chain.vaults),
            *(live.utxo for group in on_chain.attestations.values() for live in group),
        )
    )
    before = await stage.wealth_of("creator")
    result = await stage.close(wait=True)
    gained = (await stage.wealth_of("creator")).lovelace - before.lovelace
    assert result.status == "confirmed"
    assert result.deposits_returned_lovelace == deposits
    assert gained == deposits - result.fee_estimate
    assert (result.tokens_returned, result.attestations_burnt) == (0, 3)
    assert result.attestations_left == ()
    assert (await stage.on_chain()).closed
    left = await stage.backend.kupo.matches(stage.address.to_bech32(), unspent=True)
    assert left == []


async def test_every_attestation_is_burnt_also_the_superfluous(stage: OpenDistribution) -> None:
    await attested_again(stage)
    await stage.attested("milestone-002", "milestone-003")
    await stage.release(everything=True, wait=True)
    assert len((await stage.on_chain()).attestations[b"milestone-001"]) == 2
    result = await stage.close(wait=True)
    assert result.attestations_burnt == 4
    assert await stage.backend.kupo.matches(stage.address.to_bech32(), unspent=True) == []


async def test_what_has_no_room_is_left_and_told_but_never_what_has(
    stage: OpenDistribution,
) -> None:
    await paid_out(stage)
    all_of_it = await stage.close(dry_run=True)
    assert all_of_it.attestations_burnt == 3
    chain = stage.world.devnet.chain
    size = all_of_it.transactions[0].size
    chain.parameters = replace(chain.parameters, max_transaction_size=size - 2)
    result = await stage.close(wait=True)
    assert result.attestations_burnt == 2
    (left,) = result.attestations_left
    assert "no room for 1 more" in result.warnings[0]
    (unspent,) = await stage.backend.kupo.matches(stage.address.to_bech32(), unspent=True)
    assert str(unspent.reference) == left


async def test_vaults_that_do_not_fit_into_one_transaction_are_named_with_numbers(
    stage: OpenDistribution,
) -> None:
    await paid_out(stage)
    chain = stage.world.devnet.chain
    chain.parameters = replace(chain.parameters, max_transaction_size=400)
    with pytest.raises(LimitsExceeded) as refused:
        await stage.close()
    assert "the terms and 1 vaults can only be closed together" in refused.value.message
    assert "transaction size is" in refused.value.message
    assert "at most 400 are allowed" in refused.value.message
    assert stage.journal.pending(command="close") == []


async def test_only_the_creator_can(stage: OpenDistribution) -> None:
    await paid_out(stage)
    with pytest.raises(InvalidInput, match="the creator's key hash is") as refused:
        await stage.close(key="relayer")
    assert refused.value.path == "signing_key_path"


async def test_not_before_reclaim_after_while_something_is_unclaimed(
    stage: OpenDistribution,
) -> None:
    await stage.attested("milestone-001")
    await stage.release(0, wait=True)
    with pytest.raises(NotAllowedYet, match="14000 tokens are not claimed yet") as refused:
        await stage.close()
    assert refused.value.rule == "reclaim_after"
    assert refused.value.details["reclaim_after"] > refused.value.details["now"]
    stage.reach(refused.value.details["reclaim_after"])
    before = await stage.wealth_of("creator")
    result = await stage.close(wait=True)
    after = await stage.wealth_of("creator")
    assert result.tokens_returned == 14_000
    token = stage.distribution.token
    assert after.quantity(token) - before.quantity(token) == 14_000


class TestIrrevocable:
    @pytest.fixture
    def schedule_changes(self) -> dict[str, Any]:
        """Nothing can be taken back."""
        return {"reclaim_after": None, "irrevocable": True}

    async def test_what_is_unclaimed_stays(self, stage: OpenDistribution) -> None:
        with pytest.raises(NotAllowedYet, match="nobody can ever take them back") as refused:
            await stage.close()
        assert refused.value.rule == "irrevocable"
        await paid_out(stage)
        assert (await stage.close(wait=True)).status == "confirmed"


class TestLovelace:
    @pytest.fixture
    def schedule_changes(self, world: World) -> dict[str, Any]:
        """ADA is distributed."""
        return world.in_lovelace()

    async def test_deposits_and_unclaimed_ada_are_told_apart(self, stage: OpenDistribution) -> None:
        reclaim_after = (stage.distribution.terms.reclaim_after_posix_ms or 0) // 1000
        stage.reach(reclaim_after)
        before = (await stage.wealth_of("creator")).lovelace
        result = await stage.close(wait=True)
        gained = (await stage.wealth_of("creator")).lovelace - before
        assert result.tokens_returned == 150_000_000
        assert 0 < result.deposits_returned_lovelace < 10_000_000
        expected = result.tokens_returned + result.deposits_returned_lovelace
        assert gained == expected - result.fee_estimate


async def test_a_closed_distribution_can_not_be_closed_again(stage: OpenDistribution) -> None:
    await paid_out(stage)
    await stage.close(wait=True)
    with pytest.raises(NotAllowedYet, match="was closed") as refused:
        await stage.close()
    assert refused.value.rule == "closed"


async def test_a_dry_run_leaves_everything_as_it_is(stage: OpenDistribution) -> None:
    await paid_out(stage)
    shown = await stage.close(dry_run=True)
    assert shown.status == "dry_run"
    assert stage.journal.pending(command="close") == []
    assert not (await stage.on_chain()).closed
    assert (await stage.close(wait=True)).fee_estimate == shown.fee_estimate


async def test_a_lost_answer_is_found_again(stage: OpenDistribution) -> None:
    await paid_out(stage)
    async with stage.on_a_bad_line("after") as (broken, _):
        with pytest.raises(OutcomeUnknown) as lost:
            await broken.close()
    result = await stage.close()
    assert result.transaction_hash == lost.value.transaction_id
    assert [each.resumed for each in result.transactions] == [True]
    assert result.status == "confirmed"


async def test_a_claim_that_comes_in_between_is_seen(stage: OpenDistribution) -> None:
    await stage.attested(*MILESTONES)
    await stage.release(1, 2, 3, 4, wait=True)
    reclaim_after = (stage.distribution.terms.reclaim_after_posix_ms or 0) // 1000
    stage.reach(reclaim_after)
    closed, paid = await asyncio.gather(
        stage.close(wait=True), stage.elsewhere("other").release(0), return_exceptions=True
    )
    assert not isinstance(closed, BaseException)
    # Whoever was first, the tokens went to one of them, and the closing went through.
    assert closed.status == "confirmed"
    claimed = not isinstance(paid, BaseException)
    assert closed.tokens_returned == (0 if claimed else 1_000)
    assert await stage.tokens_of("beneficiary-0") == (1_000 if claimed else 0)


async def test_terms_opened_twice_are_closed_twice(stage: OpenDistribution) -> None:
    await opened_again(stage)
    await stage.attested("milestone-001")
    assert len((await stage.on_chain()).vaults) == 2
    # Either vault pays an allocation once.
    for _ in range(2):
        await stage.release(0, wait=True)
    assert await stage.tokens_of("beneficiary-0") == 2_000
    reclaim_after = (stage.distribution.terms.reclaim_after_posix_ms or 0) // 1000
    stage.reach(reclaim_after)
    before = await stage.wealth_of("creator")
    result = await stage.close(wait=True)
    assert len(result.transactions) == 2
    assert [each.vault_count for each in result.transactions] == [1, 1]
    assert result.attestations_burnt == 1
    token = stage.distribution.token
    gained = (await stage.wealth_of("creator")).quantity(token) - before.quantity(token)
    assert gained == result.tokens_returned == 28_000
    assert await stage.backend.kupo.matches(stage.address.to_bech32(), unspent=True) == []


class TestPages:
    @pytest.fixture
    def schedule_changes(self) -> dict[str, Any]:
        """Three pages."""
        return {"page_depth": 1}

    async def test_all_vaults_are_closed_together(self, stage: OpenDistribution) -> None:
        await paid_out(stage)
        result = await stage.close(wait=True)
        assert [each.vault_count for each in result.transactions] == [3]
        assert await stage.backend.kupo.matches(stage.address.to_bech32(), unspent=True) == []
