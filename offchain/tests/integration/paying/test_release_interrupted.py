"""Lines that break and programs that die: nothing is lost, and nothing is paid twice."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any

import pytest

from milestones.errors import NotAllowedYet, OutcomeUnknown
from milestones.testing.cutting_proxy import Moment, cutting_proxy
from milestones.testing.distribution import OpenDistribution


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_lost_answer_is_told_and_the_same_command_again_finds_it(
    stage: OpenDistribution, moment: Moment
) -> None:
    await stage.attested("milestone-001")
    async with stage.on_a_bad_line(moment) as (broken, proxy):
        with pytest.raises(OutcomeUnknown) as lost:
            await broken.release(0)
    assert proxy.cuts == 1
    assert lost.value.exit_code == 8
    (pending,) = stage.journal.pending(command="submit-release")
    assert (pending.transaction_id, pending.status) == (lost.value.transaction_id, "unknown")
    report = await stage.release(0, wait=True)
    assert report.transaction_hash == lost.value.transaction_id
    assert [each.resumed for each in report.transactions] == [True]
    assert report.status == "confirmed"
    assert await stage.tokens_of("beneficiary-0") == 1_000
    with pytest.raises(NotAllowedYet):
        await stage.release(0)


async def test_a_lost_answer_does_not_get_in_the_way_of_another_allocation(
    stage: OpenDistribution,
) -> None:
    await stage.attested("milestone-001")
    async with stage.on_a_bad_line("before") as (broken, _):
        with pytest.raises(OutcomeUnknown) as lost:
            await broken.release(0)
    report = await stage.release(3, wait=True)
    assert report.transaction_hash != lost.value.transaction_id
    assert [entry.beneficiary_index for entry in report.paid] == [3]
    assert await stage.tokens_of("beneficiary-0") == 1_000


class TestSeveralTransactions:
    @pytest.fixture
    def schedule_changes(self) -> dict[str, Any]:
        """Three pages."""
        return {"page_depth": 1}

    async def test_what_was_cut_off_in_the_middle_goes_on(self, stage: OpenDistribution) -> None:
        await stage.attested("milestone-001", "milestone-002", "milestone-003")
        async with stage.on_a_bad_line("after") as (broken, _):
            with pytest.raises(OutcomeUnknown) as lost:
                await broken.release(everything=True)
        assert await stage.tokens_of("beneficiary-4") == 0
        report = await stage.release(everything=True, wait=True)
        assert [each.resumed for each in report.transactions] == [True, False, False]
        assert report.transactions[0].transaction_hash == lost.value.transaction_id
        assert report.paid_token_amount == 15_000
        assert (await stage.on_chain()).remaining == 0

    async def test_what_was_sent_before_an_error_is_told(self, stage: OpenDistribution) -> None:
        await stage.attested("milestone-001", "milestone-002", "milestone-003")
        # The second submission is the one that is cut.
        async with stage.on_a_bad_line("before", skip=1) as (broken, _):
            with pytest.raises(OutcomeUnknown) as lost:
                await broken.release(everything=True)
        (sent,) = lost.value.details["transactions_sent"]
        assert sent != lost.value.transaction_id
        assert "the same command goes on" in lost.value.hint


async def test_a_program_killed_before_it_could_submit_is_finished_by_the_next(
    stage: OpenDistribution,
) -> None:
    await stage.attested("milestone-001")
    world = stage.world
    arguments = (
        *("submit-release", "--contract-address", stage.address.to_bech32()),
        *("--beneficiary-index", "0", "--signing-key-path", world.key_file("relayer")),
    )
    victim: list[asyncio.subprocess.Process] = []
    async with cutting_proxy(
        world.devnet.ogmios_url, "before", lambda: victim[0].send_signal(signal.SIGKILL)
    ) as proxy:
        environment = {
            "CARDANO_NETWORK": "devnet",
            "OGMIOS_URL": proxy.url,
            "KUPO_URL": world.devnet.kupo_url,
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "milestones", *arguments),
            cwd=world.directory,
            env={**os.environ, **environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        victim.append(process)
        stdout, _ = await process.communicate()
    assert (process.returncode, stdout) == (-signal.SIGKILL, b"")
    (pending,) = stage.journal.pending(command="submit-release")
    assert pending.status == "prepared"
    assert not (await stage.on_chain()).vaults[0].state.claimed_leaves()
    again = await world.cli(*arguments, "--wait")
    assert again.exit_code == 0, again.stderr
    assert again.json["transaction_hash"] == pending.transaction_id
    assert again.json["status"] == "confirmed"
    assert await stage.tokens_of("beneficiary-0") == 1_000
    third = await world.cli(*arguments)
    assert third.exit_code == 5
    assert third.json["error"]["details"]["transaction_hash"] == pending.transaction_id
