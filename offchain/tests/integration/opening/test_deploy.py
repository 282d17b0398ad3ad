"""Opening: what is on the chain afterwards, what is refused before signing, and interruptions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from milestones.cardano.address import Address, key_credential, script_credential
from milestones.cardano.hashes import blake2b_224
from milestones.cardano.value import AssetId
from milestones.domain.schedule import parse_schedule
from milestones.errors import (
    InsufficientFunds,
    InsufficientTokens,
    InvalidInput,
    InvalidSchedule,
    NotAllowedYet,
    NotFound,
)
from milestones.protocol.distribution import Distribution
from milestones.services.backend import Backend, chain_of, chain_time
from milestones.services.deploy import deploy, registered_schedule
from milestones.services.distribution.on_chain import read_on_chain
from milestones.services.distribution.schedule_source import announced_distribution
from milestones.services.preflight import must_not_have_been_opened
from milestones.services.register_milestone import register_milestone
from milestones.services.sending.funds import funds_of
from milestones.services.sending.payer import Payer
from milestones.services.sending.published_scripts import require_published
from milestones.services.sending.runner import SendDraft, perform
from milestones.services.sending.tracking import unsettled
from milestones.testing.world import World
from milestones.transactions.closing_drafts import Remains, close_draft
from milestones.transactions.draft import Spend, TransactionDraft


async def open_(world: World, backend: Backend, schedule: Any = None, **options: Any) -> Any:
    options = {"key": world.keys["creator"], "wait": True, **options}
    for name in ("progress", "doing", "waits", "approve"):
        backend = replace(backend, **{name: options.pop(name, getattr(backend, name))})
    return await deploy(backend, parse_schedule(schedule or world.schedule()), **options)


async def test_terms_and_funded_vault_are_on_chain_and_the_schedule_is_published(
    world: World,
) -> None:
    schedule = world.schedule()
    await world.publish()
    async with world.backend() as backend:
        deployed = await open_(world, backend, schedule)
        on_chain = await read_on_chain(backend, deployed.contract_address)
        published = await announced_distribution(backend, on_chain)

    expected = Distribution.from_schedule(parse_schedule(schedule), world.contract)
    assert deployed.status == "confirmed"
    assert deployed.distribution_id == expected.id == on_chain.distribution_id
    assert on_chain.terms == expected.terms
    (vault,) = on_chain.vaults
    assert vault.utxo.output.value.quantity(world.token) == 15_000
    assert published.allocations == expected.allocations
    assert on_chain.opening.transaction_id.hex() == deployed.transaction_hash
    lovelace = on_chain.terms_utxos[0].output.value.lovelace + vault.utxo.output.value.lovelace
    assert deployed.deposits.total_lovelace == lovelace


async def test_what_is_paid_is_what_was_shown(world: World) -> None:
    await world.publish()
    async with world.backend() as backend:
        before = (await funds_of(backend, Payer.of(world.keys["creator"]))).lovelace
        shown = await open_(world, backend, dry_run=True)
        unchanged = (await funds_of(backend, Payer.of(world.keys["creator"]))).lovelace
        deployed = await open_(world, backend)
        after = (await funds_of(backend, Payer.of(world.keys["creator"]))).lovelace

    assert shown.status == "dry_run"
    assert unchanged == before
    assert (shown.fee_estimate, shown.deposits) == (
        deployed.fee_estimate,
        deployed.deposits,
    )
    assert before - after == deployed.fee_estimate + deployed.deposits.total_lovelace


async def test_a_dry_run_writes_nothing_down(world: World) -> None:
    await world.publish()
    async with world.backend() as backend:
        shown = await open_(world, backend, dry_run=True)

    assert world.workspace().storage.journal.find(shown.transaction_hash) is None
    with pytest.raises(NotFound, match="no schedule"):
        registered_schedule(world.workspace(), shown.contract_address)


async def test_ada_is_locked_with_a_deposit_on_top(world: World) -> None:
    allocations = [{**each, "token_amount": 3_000_000} for each in world.allocations()]
    schedule = world.schedule(
        token_policy_id="", token_name="", beneficiary_allocations=allocations
    )
    await world.publish()
    async with world.backend() as backend:
        deployed = await open_(world, backend, schedule)
        on_chain = await read_on_chain(backend, deployed.contract_address)

    assert deployed.total_token_amount == 15_000_000
    held = on_chain.vaults[0].utxo.output.value.lovelace
    assert held == 15_000_000 + deployed.deposits.vaults_lovelace
    assert deployed.deposits.vaults_lovelace > 1_000_000


async def test_a_private_opening_publishes_nothing(world: World) -> None:
    await world.publish()
    async with world.backend() as backend:
        deployed = await open_(world, backend, private=True)
        on_chain = await read_on_chain(backend, deployed.contract_address)
        with pytest.raises(NotFound, match="no schedule"):
            await announced_distribution(backend, on_chain)

    kept = registered_schedule(world.workspace(), deployed.contract_address)
    assert kept.total_token_amount == 15_000
    assert deployed.private


async def test_what_was_registered_here_is_found_by_its_address(world: World) -> None:
    registered = await register_milestone(world.workspace(), world.schedule())
    schedule = registered_schedule(world.workspace(), registered.contract_address)

    assert schedule.total_token_amount == 15_000


class TestRefusals:
    async def test_the_same_terms_twice(self, world: World) -> None:
        schedule = world.schedule()
        await world.open(schedule)
        async with world.backend() as backend:
            with pytest.raises(NotAllowedYet, match="is open already") as refused:
                await open_(world, backend, schedule)

        assert refused.value.rule == "already_open"

    async def test_the_same_terms_twice_after_the_data_directory_is_gone(
        self, world: World
    ) -> None:
        schedule = world.schedule()
        await world.open(schedule)
        for path in sorted(world.data_directory.rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
        async with world.backend() as backend:
            with pytest.raises(NotAllowedYet, match="is open already"):
                await open_(world, backend, schedule)

    async def test_the_same_terms_after_closing(self, world: World) -> None:
        """Their time of reclaim has passed too, which is told first: so the rule is asked alone."""
        distribution = await world.open(world.schedule(reclaim_after=world.now + 10_000))
        world.advance(20_000)
        await close(world, distribution)
        async with world.backend() as backend:
            with pytest.raises(NotAllowedYet, match="closed since") as refused:
                await must_not_have_been_opened(backend, distribution)

        assert refused.value.rule == "opened_before"
        assert "created_at" in refused.value.hint

    async def test_another_key_than_the_creators(self, world: World) -> None:
        await world.publish()
        async with world.backend() as backend:
            with pytest.raises(InvalidInput, match="creator's key hash is") as refused:
                await open_(world, backend, key=world.keys["stranger"])

        assert refused.value.path == "signing_key_path"

    async def test_a_script_creator(self, world: World) -> None:
        creator = Address(0, script_credential(bytes(28))).to_bech32()
        async with world.backend() as backend:
            with pytest.raises(InvalidInput, match="the creator is a script"):
                await open_(world, backend, world.schedule(creator=creator))

    async def test_a_schedule_for_another_network(self, world: World) -> None:
        metadata = {"network_magic": 1, "created_at": world.now}
        async with world.backend() as backend:
            with pytest.raises(InvalidSchedule, match="this one has 42") as refused:
                await open_(world, backend, world.schedule(contract_metadata=metadata))

        assert refused.value.path == "contract_metadata.network_magic"

    async def test_a_time_of_reclaim_that_has_passed_on_the_chain(self, world: World) -> None:
        schedule = world.schedule(reclaim_after=world.now + 5_000)
        world.advance(6_000)
        async with world.backend() as backend:
            with pytest.raises(InvalidSchedule, match="in the past"):
                await open_(world, backend, schedule)

    async def test_ada_payouts_that_could_be_stranded(self, world: World) -> None:
        allocations = [{**each, "token_amount": 1_500_000} for each in world.allocations()]
        schedule = world.schedule(
            token_policy_id="", token_name="", beneficiary_allocations=allocations
        )
        async with world.backend() as backend:
            with pytest.raises(InvalidSchedule, match="twice what an output must hold"):
                await open_(world, backend, schedule)

    async def test_scripts_that_are_not_published(self, world: World) -> None:
        async with world.backend() as backend:
            with pytest.raises(NotFound, match="not published") as refused:
                await open_(world, backend)

        assert "publish-script" in refused.value.hint

    async def test_too_few_tokens(self, world: World) -> None:
        allocations = world.allocations()
        allocations[0]["token_amount"] = 2_000_000_000
        await world.publish()
        async with world.backend() as backend:
            with pytest.raises(InsufficientTokens) as refused:
                await open_(world, backend, world.schedule(beneficiary_allocations=allocations))

        assert refused.value.available == 1_000_000_000
        assert refused.value.required == 2_000_014_000

    async def test_too_little_ada(self, world: World) -> None:
        schedule = world.schedule(
            creator=world.address("oracle-0").to_bech32(), token_policy_id="", token_name=""
        )
        for each in schedule["beneficiary_allocations"]:
            each["token_amount"] = 5_000_000
        world.pay(world.address("oracle-0"), 20_000_000)
        await world.publish()
        async with world.backend() as backend:
            with pytest.raises(InsufficientFunds) as refused:
                await open_(world, backend, schedule, key=world.keys["oracle-0"])

        assert refused.value.available_lovelace == 20_000_000
        assert refused.value.required_lovelace > 25_000_000

    async def test_nothing_is_written_down_for_what_is_refused(self, world: World) -> None:
        await world.publish()
        async with world.backend() as backend:
            with pytest.raises(InvalidInput):
                await open_(world, backend, key=world.keys["stranger"])
            commands = {each.command for each in backend.storage.journal.unsettled(0)}

        assert commands == {"publish-script"}


async def close(world: World, distribution: Distribution) -> None:
    """Spends terms and vaults, as the creator may once the time has come."""
    async with world.backend() as backend:
        on_chain = await read_on_chain(backend, distribution.address)
        time = await chain_time(backend)
        remains = Remains(
            terms=on_chain.terms_utxos[0],
            vaults=[vault.utxo for vault in on_chain.vaults],
        )
        draft = close_draft(
            on_chain.terms,
            remains,
            scripts=await require_published(backend),
            valid_from_slot=time.slot,
        )
        sending = SendDraft(name="test", draft=draft)
        await perform(backend, sending, key=world.keys["creator"])


def many(world: World, count: int) -> list[dict[str, Any]]:
    """Allocations for different addresses with staking parts: some 60 bytes each."""
    return [
        {
            "beneficiary_address": Address(
                0,
                key_credential(blake2b_224(b"payment %d" % number)),
                key_credential(blake2b_224(b"staking %d" % number)),
            ).to_bech32(),
            "token_amount": 100 + number,
            "milestone_identifier": f"milestone-{number % 3}",
            "vesting_timestamp": world.now - 1_000,
        }
        for number in range(count)
    ]


class TestLargeSchedules:
    async def test_parts_come_first_each_tied_to_the_one_before(self, world: World) -> None:
        schedule = world.schedule(beneficiary_allocations=many(world, 600))
        told: list[str] = []
        asked: list[str] = []

        async def agree(sentences: Sequence[str]) -> bool:
            asked.extend(sentences)
            return True

        await world.publish()
        async with world.backend() as backend:
            shown = await open_(world, backend, schedule, dry_run=True)
            deployed = await open_(
                world,
                backend,
                schedule,
                progress=told.append,
                doing=told.append,
                waits=told.append,
                approve=agree,
            )
            on_chain = await read_on_chain(backend, deployed.contract_address)
            published = await announced_distribution(backend, on_chain)

        parts = [line for line in told if line.startswith("part ")]
        assert len(deployed.schedule_transactions) == len(parts) == 2
        assert asked[2:] == [power.words for power in deployed.powers]
        assert "for 600 payments to" in asked[0]
        for each in (*deployed.schedule_transactions, deployed.transaction_hash):
            submitted = told.index(f"submitted transaction {each}")
            assert f"waiting for a block to have transaction {each}" in told[submitted:]
        assert len(published.allocations) == 600
        assert shown.fee_estimate == deployed.fee_estimate
        chain = [*deployed.schedule_transactions, deployed.transaction_hash]
        for earlier, later in pairwise(chain):
            submission = world.workspace().storage.journal.find(later)
            assert bytes.fromhex(earlier) in {r.transaction_id for r in submission.inputs}

    async def test_a_part_moved_by_a_rollback_is_still_found(self, world: World) -> None:
        schedule = world.schedule(beneficiary_allocations=many(world, 300))
        await world.publish()
        async with world.backend() as backend:
            deployed = await open_(world, backend, schedule)
        world.devnet.chain.rollback(2)
        world.advance(50)
        world.devnet.chain.mine(3)
        async with world.backend() as backend:
            on_chain = await read_on_chain(backend, deployed.contract_address)
            published = await announced_distribution(backend, on_chain)

        assert len(deployed.schedule_transactions) == 1
        assert len(published.allocations) == 300

    async def test_a_run_that_was_cut_off_is_taken_up(self, world: World) -> None:
        """The first part is on the chain, and the machine stops."""
        schedule = world.schedule(beneficiary_allocations=many(world, 600))
        await world.publish()
        async with world.backend() as backend:
            with pytest.raises(Stopped):
                await open_(world, backend, schedule, progress=stop)
            deployed = await open_(world, backend, schedule)
            on_chain = await read_on_chain(backend, deployed.contract_address)
            published = await announced_distribution(backend, on_chain)
            parts = backend.storage.journal.of(deployed.distribution_id, purpose="schedule_part")

        assert len(published.allocations) == 600
        assert len(parts) == len(deployed.schedule_transactions) == 2
        assert len(deployed.transactions) == 2

    async def test_it_starts_anew_where_the_tie_was_spent(self, world: World) -> None:
        schedule = world.schedule(beneficiary_allocations=many(world, 600))
        await world.publish()
        async with world.backend() as backend:
            with pytest.raises(Stopped):
                await open_(world, backend, schedule, progress=stop)
            await spend_everything(world, backend)
            deployed = await open_(world, backend, schedule)
            on_chain = await read_on_chain(backend, deployed.contract_address)
            published = await announced_distribution(backend, on_chain)

        assert len(published.allocations) == 600
        assert len(deployed.transactions) == 3


class Stopped(BaseException):
    """The machine stops."""


def stop(message: str) -> None:
    """Once a part is out; the terms were said in words before."""
    if message.startswith("part "):
        raise Stopped


async def spend_everything(world: World, backend: Backend) -> None:
    """The creator does something else with all of the wallet."""
    key = world.keys["creator"]
    funds = await funds_of(
        backend, Payer.of(key), await unsettled(backend, await chain_of(backend))
    )
    draft = TransactionDraft(spends=tuple(Spend(utxo) for utxo in funds.utxos))
    await perform(backend, SendDraft(name="other", draft=draft), key=key)


class TestUnderWay:
    """Blocks come only when asked for."""

    @pytest.fixture
    def devnet_options(self) -> dict[str, Any]:
        return {"block_interval_s": None}

    async def test_an_opening_in_the_mempool_is_not_made_twice(self, world: World) -> None:
        await world.publish()
        world.devnet.chain.mine()
        schedule = world.schedule()
        async with world.backend() as backend:
            first = await open_(world, backend, schedule, wait=False)
            second = await open_(world, backend, schedule, wait=False)
            waiting = len(world.devnet.chain.mempool)
            world.devnet.chain.mine()
            third = await open_(world, backend, schedule, wait=False)
            with pytest.raises(NotAllowedYet, match="is open already"):
                await open_(world, backend, schedule, wait=False)

        assert (third.status, third.transaction_hash) == ("confirmed", first.transaction_hash)
        assert first.status == second.status == "submitted"
        assert first.transaction_hash == second.transaction_hash
        assert "still on its way" in second.warnings[-1]
        assert second.deposits == first.deposits
        assert waiting == 1

    async def test_two_openings_follow_each_other_without_a_block(self, world: World) -> None:
        await world.publish()
        world.devnet.chain.mine()
        async with world.backend() as backend:
            one = await open_(world, backend, world.schedule(), wait=False)
            two = await open_(world, backend, world.schedule(quorum_threshold=1), wait=False)
            world.devnet.chain.mine()
            for each in (one, two):
                on_chain = await read_on_chain(backend, each.contract_address)
                assert on_chain.remaining == 15_000

    async def test_tokens_of_the_program_itself_are_minted_nowhere_else(self, world: World) -> None:
        await world.publish()
        world.devnet.chain.mine()
        async with world.backend() as backend:
            deployed = await open_(world, backend, wait=False)
            world.devnet.chain.mine()
            matches = await backend.kupo.matches(f"{world.contract.policy_id.hex()}.*")

        assert {match.output.address for match in matches} == {
            deployed.contract_address.to_bech32()
        }
        name = b"TERM" + deployed.distribution_id
        token = AssetId(world.contract.policy_id, name)
        assert sum(match.output.value.quantity(token) for match in matches) == 1
