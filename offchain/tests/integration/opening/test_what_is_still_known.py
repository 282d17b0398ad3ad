"""What a command can still say when the chain, the index or the data directory has less than before."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from typing import Any

import pytest

from milestones.cardano.value import Value
from milestones.clients.kupo_answers import Match
from milestones.clients.kupo_client import KupoClient
from milestones.clients.ogmios_client import OgmiosClient
from milestones.domain.schedule import parse_schedule
from milestones.errors import NotFound
from milestones.protocol.distribution import Distribution
from milestones.services.attest import attest
from milestones.services.backend import Backend
from milestones.services.calculate_distribution import calculate_distribution
from milestones.services.check_status import check_status
from milestones.services.deploy import deploy
from milestones.services.init import init
from milestones.services.paying.plan import Selection
from milestones.services.sending.runner import SendDraft, perform
from milestones.services.submit_release import submit_release
from milestones.services.transaction import transaction_status
from milestones.services.verify import verify
from milestones.storage.storage import Storage
from milestones.testing.distribution import OpenDistribution
from milestones.testing.world import World
from milestones.transactions.draft import DraftOutput, TransactionDraft

Ask = Callable[[Backend, OpenDistribution], Awaitable[Any]]


async def status(backend: Backend, opened: OpenDistribution) -> Any:
    return await check_status(backend, contract_address=opened.address)


async def amounts(backend: Backend, opened: OpenDistribution) -> Any:
    address = opened.world.address("beneficiary-0")
    return await calculate_distribution(
        backend, contract_address=opened.address, beneficiary_address=address
    )


async def audit(backend: Backend, opened: OpenDistribution) -> Any:
    return await verify(backend, contract_address=opened.address)


async def release(backend: Backend, opened: OpenDistribution) -> Any:
    key, selection = opened.world.keys["relayer"], Selection(indices=(0,))
    return await submit_release(
        backend, contract_address=opened.address, key=key, selection=selection, dry_run=True
    )


async def attestation(backend: Backend, opened: OpenDistribution) -> Any:
    return await attest(
        backend,
        contract_address=opened.address,
        milestone_identifier="milestone-001",
        key=opened.world.keys["relayer"],
        dry_run=True,
    )


async def services(backend: Backend, _opened: OpenDistribution) -> Any:
    return await init(backend)


ASKED: list[Ask] = [status, amounts, audit, release, attestation]


async def test_an_opening_that_was_rolled_back_is_said_to_be(world: World) -> None:
    await world.publish()
    before, schedule = world.snapshot(), parse_schedule(world.schedule())
    async with world.backend() as backend:
        deployed = await deploy(backend, schedule, key=world.keys["creator"], wait=True)
        distribution = await _distribution(backend, world, deployed)
        world.revert(before)
        for ask in ASKED:
            with pytest.raises(NotFound, match="was rolled back") as unknown:
                await ask(backend, distribution)
            assert deployed.transaction_hash in unknown.value.message
            assert "run `milestones deploy` again" in unknown.value.hint
            assert unknown.value.details["status"] == "unknown"
        again = await deploy(backend, schedule, key=world.keys["creator"], wait=True)
        assert again.transaction_hash == deployed.transaction_hash
        assert (await status(backend, distribution)).contract_address == distribution.address


async def _distribution(backend: Backend, world: World, deployed: Any) -> OpenDistribution:
    report = await check_status(backend, contract_address=deployed.contract_address)
    assert report.distribution_id == deployed.distribution_id
    found = parse_schedule(backend.storage.schedules.load(deployed.distribution_id))
    return OpenDistribution(world, backend, Distribution.from_schedule(found, world.contract))


async def test_an_opening_that_waits_is_said_to_wait(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mempool has what no block has any more; who sends builds on that."""
    await world.publish()
    before, schedule = world.snapshot(), parse_schedule(world.schedule())

    async def there(_client: OgmiosClient, transaction_ids: Collection[str]) -> frozenset[str]:
        return frozenset(transaction_ids)

    async with world.backend() as backend:
        deployed = await deploy(backend, schedule, key=world.keys["creator"], wait=True)
        distribution = await _distribution(backend, world, deployed)
        world.revert(before)
        monkeypatch.setattr(OgmiosClient, "in_mempool", there)
        for ask in (status, amounts, audit):
            with pytest.raises(NotFound, match="waits in the mempool") as unknown:
                await ask(backend, distribution)
            assert unknown.value.details["transaction_hash"] == deployed.transaction_hash
            assert unknown.value.hint == "wait for the next block"


@pytest.mark.parametrize("ask", [status, amounts, audit, release, services])
async def test_who_only_looks_needs_no_data_directory(opened: OpenDistribution, ask: Ask) -> None:
    """There can be none below a file, whoever runs the program; a look says that nothing is kept."""
    await opened.attested("milestone-001")
    file = opened.world.directory / "file"
    file.write_text("not a folder")
    for folder in (file / "data", file):
        backend = replace(opened.backend, storage=Storage(folder))
        result = await ask(backend, opened)
        told = [each for each in result.warnings if "what was seen is not kept" in each]
        assert len(told) <= 1
        assert ask not in (status, services) or told
    assert file.read_text() == "not a folder"


async def test_an_index_that_prunes_does_not_take_back_what_was_confirmed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`kupo --prune-utxo` keeps no spent output, and so nothing of a transaction whose outputs are spent."""
    name, matches = "beneficiary-1", KupoClient.matches

    async def pruned(client: KupoClient, *arguments: Any, **options: Any) -> list[Match]:
        found = await matches(client, *arguments, **options)
        return [match for match in found if match.spent is None]

    async def send(backend: Backend, lovelace: int) -> str:
        output = DraftOutput(address=world.address(name), value=Value(lovelace))
        sending = SendDraft(name="test", draft=TransactionDraft(outputs=(output,)))
        return (await perform(backend, sending, key=world.keys[name], wait=True)).transaction_hash

    monkeypatch.setattr(KupoClient, "matches", pruned)
    world.pay(world.address(name), 10_000_000)
    async with world.backend() as backend:
        first = await send(backend, 5_000_000)
        await send(backend, 8_500_000)
        report = await transaction_status(backend, first)
        assert report.status == "confirmed"
        assert "Kupo has forgotten its outputs" in report.reason
        world.advance(3 * 7_200)
        assert (await transaction_status(backend, first)).status == "confirmed"
        journal = backend.storage.journal.find(first)
        assert journal is not None
        assert journal.status == "confirmed"


async def test_a_damaged_record_is_reported_where_the_command_fails(
    opened: OpenDistribution,
) -> None:
    await opened.signed("milestone-001")
    (record,) = (opened.world.data_directory / "milestones").glob("*.json")
    record.write_text('{"milestone_identifier": ')
    ran = await opened.world.cli(
        *("attest", "--contract-address", opened.address.to_bech32()),
        *("--milestone-identifier", "milestone-001"),
        key="relayer",
    )
    assert ran.exit_code == 5
    (warning,) = ran.error["details"]["warnings"]
    assert f"{record} can't be used" in warning
    assert f"warning: {warning}\n" in ran.stderr
