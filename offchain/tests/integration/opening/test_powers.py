"""Powers that a schedule asks for: registered, said in words, and opened on the chain."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from milestones.cardano.address import Address, StakeAddress, script_credential
from milestones.cardano.native_script import from_json, script_of
from milestones.domain.schedule import parse_schedule
from milestones.errors import (
    InsufficientTokens,
    InvalidAddress,
    InvalidInput,
    InvalidSchedule,
    NotFound,
)
from milestones.protocol.distribution import DistributionName, parse_contract_address
from milestones.services.deploy import deploy, registered_schedule
from milestones.services.distribution.on_chain import read_on_chain
from milestones.services.init import init
from milestones.services.register_milestone import (
    Registered,
    oldest_output,
    register_milestone,
)
from milestones.testing.world import World

DAY = 86_400


def everything(world: World, rotatable: str) -> dict[str, Any]:
    return world.schedule(
        allowance_lovelace=1_500_000,
        cancel_by=["creator", "quorum"],
        cancel_grace_seconds=14 * DAY,
        waiver_after=world.now + 30 * DAY,
        objectors=2,
        review_period_seconds=2 * DAY,
        review_bond_lovelace=50_000_000,
        rotatable=rotatable,
    )


async def oldest_of(world: World, name: str = "creator") -> str:
    async with world.backend() as backend:
        await init(backend, key=world.keys[name])
        return await oldest_output(backend, world.address(name))


def words_of(registered: Registered) -> dict[str, str]:
    return {power.name: power.words for power in registered.powers}


async def test_all_powers_together_are_said_and_opened(world: World, tmp_path: Path) -> None:
    await world.publish()
    rotatable = await oldest_of(world)
    registered = await register_milestone(
        world.workspace(),
        everything(world, rotatable),
        stake_holder="creator",
        output=tmp_path / "schedule.json",
    )
    words = words_of(registered)
    assert "each alone" in words["cancel"]
    assert "14 days" in words["cancel"]
    assert "Unless 2 oracles object within 2 days" in words["propose"]
    assert "1.5 ADA" in words["allowance"]
    assert words["nobody"] == "Nobody can change these terms."

    schedule = parse_schedule(json.loads((tmp_path / "schedule.json").read_text()))
    async with world.backend() as backend:
        deployed = await deploy(backend, schedule, key=world.keys["creator"], wait=True)
        name = parse_contract_address(deployed.contract_name)
        assert isinstance(name, DistributionName)
        on_chain = await read_on_chain(backend, name)
        assert on_chain == await read_on_chain(backend, registered.contract_address)

    assert deployed.contract_name == registered.contract_name
    assert deployed.powers == registered.powers
    assert on_chain.board.board.oracles == on_chain.terms.oracles
    deposits, estimate = deployed.deposits, registered.estimated_deposits
    assert estimate is not None
    assert deposits.board_lovelace == estimate.board_lovelace == _lovelace_of(on_chain.board)
    assert deposits.allowances_lovelace == estimate.allowances_lovelace == 5 * 1_500_000
    assert deposits.vaults_lovelace == sum(estimate.vaults_lovelace)
    assert deposits.total_lovelace == estimate.opening_lovelace
    assert on_chain.terms.rotatable is not None
    assert on_chain.terms.rotatable not in await _unspent(world)


def _lovelace_of(live: Any) -> int:
    lovelace: int = live.utxo.output.value.lovelace
    return lovelace


async def _unspent(world: World) -> set[Any]:
    async with world.backend() as backend:
        matches = await backend.kupo.matches(world.address("creator").to_bech32(), unspent=True)
    return {match.reference for match in matches}


async def test_a_stake_script_is_the_distributions_own_and_made_the_same_again(
    world: World, tmp_path: Path
) -> None:
    file = tmp_path / "schedule.json"
    first, second = [
        await register_milestone(
            world.workspace(), world.schedule(), stake_holder="creator", output=file
        )
        for _ in range(2)
    ]
    other = world.schedule(contract_metadata={"network_magic": 42, "created_at": 1_700_000_000})
    third = await register_milestone(world.workspace(), other, stake_holder="creator")

    assert first.stake_script == second.stake_script != third.stake_script
    made = first.stake_script
    assert made is not None
    assert made.script_file == str(tmp_path / "schedule.stake-script.json")
    script = from_json(json.loads(Path(made.script_file).read_text()))
    credential = script_credential(script_of(script).hash())
    assert first.contract_address.staking == made.stake_address.credential == credential
    assert first.contract_name == f"{first.contract_address}#{first.distribution_id.hex()}"
    assert first.datum.staking.hash == credential.hash
    kept = registered_schedule(world.workspace(), first.contract_address)
    assert kept.staking == made.stake_address


async def test_a_stake_script_of_others_is_never_overwritten(world: World, tmp_path: Path) -> None:
    taken = tmp_path / "schedule.stake-script.json"
    taken.write_text("precious")
    with pytest.raises(InvalidInput, match="holds something else"):
        await register_milestone(
            world.workspace(),
            world.schedule(),
            stake_holder="creator",
            output=tmp_path / "schedule.json",
        )
    assert taken.read_text() == "precious"


async def test_a_committee_may_hold_the_stake(world: World) -> None:
    keys = [world.keys[f"oracle-{n}"].key_hash.hex() for n in range(3)]
    committee = {
        "type": "atLeast",
        "required": 2,
        "scripts": [{"type": "sig", "keyHash": key} for key in keys],
    }
    registered = await register_milestone(
        world.workspace(), world.schedule(), stake_holder=committee
    )
    assert registered.stake_script is not None
    script = json.loads(Path(registered.stake_script.script_file).read_text())
    assert script["scripts"][0] == committee
    assert {each["type"] for each in script["scripts"][1:]} == {"after"}


@pytest.mark.parametrize(
    ("changes", "holder", "words"),
    [
        ({"creator": "script"}, "creator", "only the hash is known"),
        ({"staking": "key"}, "creator", "beside the holder"),
        ({}, {"type": "sig", "keyHash": "ab"}, "not a key's hash"),
        ({}, {"type": "sign"}, "not a native script of type 'sign'"),
        ({}, {"type": "all", "scripts": [7]}, "not a native script"),
    ],
)
async def test_who_cant_hold_the_stake(
    world: World, changes: dict[str, str], holder: Any, words: str
) -> None:
    credential = script_credential(b"s" * 28)
    values = {
        "creator": Address(0, credential).to_bech32(),
        "staking": StakeAddress(0, world.address("creator").payment).to_bech32(),
    }
    raw = world.schedule(**{name: values[name] for name in changes})
    with pytest.raises(InvalidInput, match=words) as refused:
        await register_milestone(world.workspace(), raw, stake_holder=holder)
    assert refused.value.path.startswith("staking")


async def test_a_shared_stake_key_is_warned_of_and_named_with_the_id(world: World) -> None:
    stake = StakeAddress(0, world.address("creator").payment)
    registered = await register_milestone(
        world.workspace(), world.schedule(staking=stake.to_bech32())
    )
    assert registered.contract_name.endswith("#" + registered.distribution_id.hex())
    assert any("share the address" in warning for warning in registered.warnings)


async def test_an_output_of_another_wallet_cant_be_the_one_to_spend(world: World) -> None:
    await world.publish()
    rotatable = await oldest_of(world, "relayer")
    await oldest_of(world)
    schedule = parse_schedule(world.schedule(rotatable=rotatable))
    async with world.backend() as backend:
        with pytest.raises(InvalidInput, match="doesn't hold it") as refused:
            await deploy(backend, schedule, key=world.keys["creator"])
    assert refused.value.path == "rotatable"
    assert "--rotatable oldest" in refused.value.hint


async def test_a_large_schedules_parts_leave_the_output_to_the_opening(world: World) -> None:
    await world.publish()
    rotatable = await oldest_of(world)
    world.pay(world.address("creator"), 300_000_000)
    rows = world.allocations()
    for number in range(400):
        milestone = f"{number:064}"
        rows.append({**rows[0], "milestone_identifier": milestone, "token_amount": number + 1})
    schedule = parse_schedule(world.schedule(beneficiary_allocations=rows, rotatable=rotatable))
    async with world.backend() as backend:
        deployed = await deploy(backend, schedule, key=world.keys["creator"], wait=True)
    assert deployed.schedule_transactions
    assert deployed.status == "confirmed"


async def test_nobody_without_outputs_can_make_oracles_replaceable(world: World) -> None:
    with pytest.raises(NotFound, match="no output"):
        await oldest_of(world, "oracle-0")


async def test_a_bond_below_min_ada_is_refused_once_the_price_is_known(world: World) -> None:
    async with world.backend() as backend:
        await init(backend)
    raw = world.schedule(objectors=1, review_bond_lovelace=1_000_000)
    with pytest.raises(InvalidSchedule, match="a bond of 1000000") as refused:
        await register_milestone(world.workspace(), raw)
    assert refused.value.path == "review_bond_lovelace"


async def test_an_allowance_that_repays_nobody_is_warned_of(world: World) -> None:
    async with world.backend() as backend:
        await init(backend)
    small = await register_milestone(world.workspace(), world.schedule(allowance_lovelace=1))
    enough = await register_milestone(
        world.workspace(), world.schedule(allowance_lovelace=1_500_000)
    )
    assert any("does not repay a single claim" in warning for warning in small.warnings)
    assert enough.warnings == ()


@pytest.mark.parametrize("is_ada", [False, True])
async def test_an_ada_distributions_vault_is_funded_for_its_allowance(
    world: World, is_ada: bool
) -> None:
    changes = world.in_lovelace() if is_ada else {}
    distribution = await world.open(world.schedule(**changes, allowance_lovelace=700_000))
    async with world.backend() as backend:
        on_chain = await read_on_chain(backend, distribution.address)
    (vault,) = on_chain.vaults
    asked = 700_000 << 3 if is_ada else 700_000 * 5
    own = on_chain.remaining if is_ada else 0
    assert vault.utxo.output.value.lovelace >= own + asked + 1_000_000


async def test_programmable_tokens_are_named_where_an_opening_fails_for_them(world: World) -> None:
    """CIP-113: the tokens lie at a script's address, and the owner is the staking part."""
    await world.publish()
    script = script_credential(b"p" * 28)
    owner = world.address("relayer").payment
    raw = world.schedule(creator=world.address("relayer").to_bech32())
    async with world.backend() as backend:
        await init(backend, key=world.keys["relayer"])
        with pytest.raises(InsufficientTokens) as unseen:
            await deploy(backend, parse_schedule(raw), key=world.keys["relayer"])
        world.pay(Address(0, script, owner), 5_000_000, tokens=20_000)
        with pytest.raises(InvalidSchedule, match="at a script's address") as seen:
            await deploy(backend, parse_schedule(raw), key=world.keys["relayer"])
    assert "CIP-113" in unseen.value.hint
    assert "CIP-113" in seen.value.message
    assert seen.value.path == "token_policy_id"


async def test_the_oldest_output_of_a_creator_of_another_network(world: World) -> None:
    async with world.backend() as backend:
        with pytest.raises(InvalidAddress, match="an address of mainnet"):
            await oldest_output(backend, world.keys["creator"].address(1))
