"""What a refusal says is missing is enough: sent as one more output, the same command passes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import pytest

from milestones.cardano.value import Value
from milestones.errors import InsufficientFunds
from milestones.services.attest import attest
from milestones.services.publish_script import publish_script
from milestones.services.sending.runner import SendDraft, perform
from milestones.testing.distribution import OpenDistribution
from milestones.testing.world import World
from milestones.transactions.draft import DraftOutput, TransactionDraft

POOR = "beneficiary-1"
Act = Callable[[OpenDistribution], Awaitable[Any]]


async def one_release(stage: OpenDistribution) -> Any:
    return await stage.release(0, key=POOR, dry_run=True)


async def all_releases(stage: OpenDistribution) -> Any:
    return await stage.release(everything=True, key=POOR, dry_run=True)


async def attestation(stage: OpenDistribution) -> Any:
    return await attest(
        stage.backend,
        contract_address=stage.address,
        milestone_identifier="milestone-003",
        key=stage.world.keys[POOR],
        dry_run=True,
    )


async def refusal(act: Act, stage: OpenDistribution) -> InsufficientFunds | None:
    try:
        await act(stage)
    except InsufficientFunds as error:
        return error
    return None


def wallets(count: int) -> list[list[tuple[int, int]]]:
    """Small outputs, some with tokens; the same at each run."""
    random = Random(14)  # noqa: S311 - repeatable on purpose
    return [
        [
            (random.randint(1_200_000, 2_600_000), random.choice([0, 0, 5]))
            for _ in range(random.randint(0, 4))
        ]
        for _ in range(count)
    ]


@pytest.fixture
def schedule_changes() -> dict[str, Any]:
    """Three pages, so that a release of everything is several transactions."""
    return {"page_depth": 1}


@pytest.mark.parametrize("act", [one_release, all_releases, attestation])
async def test_the_difference_as_one_more_output_is_enough(
    stage: OpenDistribution, act: Act
) -> None:
    await stage.attested("milestone-001", "milestone-002")
    await stage.signed("milestone-003")
    address, refusals = stage.world.address(POOR), 0
    for wallet in wallets(6):
        before = stage.world.snapshot()
        for lovelace, tokens in wallet:
            stage.world.pay(address, lovelace, tokens)
        refused = await refusal(act, stage)
        if refused is not None:
            refusals += 1
            missing = refused.required_lovelace - refused.available_lovelace
            assert missing > 0
            assert refused.available_lovelace <= sum(lovelace for lovelace, _ in wallet)
            stage.world.pay(address, missing)
            assert await refusal(act, stage) is None
        stage.world.revert(before)
    assert refusals > 2


async def test_what_is_never_spent_is_not_counted_and_named(stage: OpenDistribution) -> None:
    """Somebody has published a script in the wallet: spending it would take it from everybody."""
    await stage.attested("milestone-001")
    address, key = stage.world.address(POOR), stage.world.keys[POOR]
    stage.world.pay(address, 60_000_000)
    holding = DraftOutput(
        address=address, value=Value(58_500_000), script=stage.world.contract.registry_script
    )
    sent = await perform(
        stage.backend,
        SendDraft(name="hold", draft=TransactionDraft(outputs=(holding,))),
        key=key,
        wait=True,
    )
    for act in (one_release, attestation):
        await stage.signed("milestone-003")
        with pytest.raises(InsufficientFunds) as refused:
            await act(stage)
        assert refused.value.available_lovelace < 1_500_000
        assert refused.value.details["never_spent"] == [f"{sent.transaction_hash}#0"]
        assert f"{sent.transaction_hash}#0 carry a script" in refused.value.message


async def test_publishing_says_what_it_takes_too(world: World) -> None:
    world.pay(world.address(POOR), 3_000_000)
    async with world.backend() as backend:
        with pytest.raises(InsufficientFunds) as refused:
            await publish_script(backend, key=world.keys[POOR], dry_run=True)
        missing = refused.value.required_lovelace - refused.value.available_lovelace
        world.pay(world.address(POOR), missing)
        published = await publish_script(backend, key=world.keys[POOR], wait=True)
    assert published.status == "confirmed"
