"""The reward account of a distribution's staking credential, from its registration to its end."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from milestones.cardano.address import Address, Credential, StakeAddress
from milestones.cardano.certificates import ABSTAIN, NO_CONFIDENCE
from milestones.cardano.delegatees import pool_text
from milestones.devnet.funds import SUPPLY_LOVELACE, development_pools
from milestones.devnet.opening import ChainConfig
from milestones.devnet.server import DevnetConfig
from milestones.domain.schedule import parse_schedule
from milestones.errors import InvalidInput, NotAllowedYet, SignaturesMissing
from milestones.keys.key_files import STAKE, SigningKey
from milestones.services.backend import Backend
from milestones.services.deploy import deploy
from milestones.services.init import init
from milestones.services.register_milestone import Registered, register_milestone
from milestones.services.sending.payer import HandOut, Payer
from milestones.services.stake import (
    stake_delegate,
    stake_deregister,
    stake_register,
    stake_show,
    stake_withdraw,
)
from milestones.services.transaction import (
    assemble_known_transaction,
    show_known_transaction,
    sign_transaction,
    submit_transaction,
)
from milestones.testing.cast import ADA
from milestones.testing.world import World, open_world
from tests.support.devnet_clients import all_lovelace

DEPOSIT = 2 * ADA
(POOL,) = development_pools(1)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """One with a pool to delegate to."""
    config = DevnetConfig(chain=ChainConfig(stake_pools=1))
    async with open_world(tmp_path, config=config) as world:
        yield world


async def registered(world: World, holder: Any = "creator") -> Registered:
    schedule = world.schedule(**world.in_lovelace())
    return await register_milestone(
        world.workspace(),
        schedule,
        stake_holder=holder,
        output=world.directory / "treasury.json",
    )


@pytest.fixture
async def backend(world: World) -> AsyncIterator[Backend]:
    """Asked by everybody here; Kupo watches who pays."""
    async with world.backend() as backend:
        await init(backend, payers=[world.address("creator"), world.address("stranger")])
        yield backend


async def test_from_the_registration_to_the_end(world: World, backend: Backend) -> None:
    """A treasury's vault: delegated to abstain, with rewards, and all comes back."""
    made, key, chain = await registered(world), world.keys["creator"], world.devnet.chain
    account: dict[str, Any] = {"contract_address": made.contract_address}
    shown = await stake_show(backend, **account)
    assert (shown.registered, shown.treasury_rule) == (False, "not_met")
    before = world.held_by(world.address("creator")).lovelace

    first = await stake_register(backend, **account, key=key, drep=ABSTAIN, wait=True)
    assert (first.status, first.deposit_lovelace) == ("confirmed", DEPOSIT)
    assert first.representative == "abstain"
    again = await stake_register(backend, **account, key=key, drep=ABSTAIN)
    assert (again.status, again.transaction_hash) == ("already_registered", None)
    shown = await stake_show(backend, **account)
    assert (shown.registered, shown.treasury_rule) == (True, "met")
    assert "Article VII" in shown.meaning
    assert made.stake_script is not None
    assert shown.stake_address == str(made.stake_script.stake_address)

    schedule = parse_schedule(json.loads((world.directory / "treasury.json").read_text()))
    await world.publish()
    opened = await deploy(backend, schedule, key=key, wait=True)
    who = made.contract_address.staking
    assert isinstance(who, Credential)
    chain.grant_rewards(who, 3 * ADA)
    received = world.address("beneficiary-1")
    held = world.held_by(received).lovelace
    withdrawn = await stake_withdraw(backend, **account, key=key, to=received, wait=True)
    assert (withdrawn.status, withdrawn.withdrawn_lovelace) == ("confirmed", 3 * ADA)
    assert world.held_by(received).lovelace == held + 3 * ADA
    nothing = await stake_withdraw(backend, **account, key=key)
    assert (nothing.status, nothing.transaction_hash) == ("nothing_to_withdraw", None)

    chain.grant_rewards(who, 5)
    closed = await stake_deregister(backend, **account, key=key, wait=True)
    assert (closed.refund_lovelace, closed.withdrawn_lovelace) == (DEPOSIT, 5)
    gone = await stake_deregister(backend, **account, key=key)
    assert gone.status == "not_registered"
    paid = sum(each.fee_estimate or 0 for each in (first, withdrawn, closed))
    paid += opened.fee_estimate + opened.deposits.total_lovelace + 150 * ADA
    assert world.held_by(world.address("creator")).lovelace == before - paid + 5
    assert all_lovelace(chain) == SUPPLY_LOVELACE
    # The first registration could still be in a block anew, and is none of another run's.
    anew = await stake_register(backend, **account, key=key, drep=ABSTAIN, wait=True)
    assert (anew.status, anew.resumed) == ("confirmed", False)


async def test_delegated_to_a_pool_it_is_not_as_a_treasury_must(
    world: World, backend: Backend
) -> None:
    made, key = await registered(world), world.keys["creator"]
    account: dict[str, Any] = {"contract_address": made.contract_address, "key": key}
    with pytest.raises(NotAllowedYet, match="not registered"):
        await stake_delegate(backend, **account, drep=ABSTAIN)
    with pytest.raises(InvalidInput, match="nothing to delegate to"):
        await stake_delegate(backend, **account)
    await stake_register(backend, **account, wait=True)
    both = await stake_delegate(backend, **account, pool=POOL.id, drep=NO_CONFIDENCE, wait=True)
    assert (both.pool, both.representative) == (pool_text(POOL.id), "no_confidence")
    shown = await stake_show(backend, contract_address=made.contract_address)
    assert (shown.pool, shown.treasury_rule) == (pool_text(POOL.id), "not_met")
    assert "stake pool" in shown.meaning
    same = await stake_delegate(backend, **account, drep=NO_CONFIDENCE)
    assert same.status == "already_delegated"


async def test_somebody_else_pays_and_the_holder_signs(world: World, backend: Backend) -> None:
    made = await registered(world)
    account: dict[str, Any] = {
        "contract_address": made.contract_address,
        "key": world.keys["stranger"],
    }
    with pytest.raises(SignaturesMissing):
        await stake_register(backend, **account)
    done = await stake_register(backend, **account, stake_keys=(world.keys["creator"],), wait=True)
    assert done.status == "confirmed"


async def test_a_committees_stake_is_signed_elsewhere(world: World, backend: Backend) -> None:
    """Two of three hold the stake and pay; what is handed out says what it does."""
    names = ("oracle-0", "oracle-1", "oracle-2")
    signatures = [{"type": "sig", "keyHash": world.keys[n].key_hash.hex()} for n in names]
    script = {"type": "atLeast", "required": 2, "scripts": signatures}
    made = await registered(world, script)
    payer = Payer.committee(
        script,
        0,
        HandOut(world.directory / "abstain.tx", 3600),
        collateral=world.address("stranger"),
    )
    world.pay(Address(0, payer.credential), 20 * ADA)
    await init(backend, payers=[Address(0, payer.credential), world.address("stranger")])
    account: dict[str, Any] = {"contract_address": made.contract_address, "key": payer}
    with pytest.raises(InvalidInput, match="the script isn't known here"):
        await stake_register(backend, **account, drep=ABSTAIN)
    assert made.stake_script is not None
    own = json.loads(Path(made.stake_script.script_file).read_text())
    report = await stake_register(backend, **account, drep=ABSTAIN, stake_script=own)
    assert report.status == "waiting_for_signatures"
    file = world.directory / "abstain.tx"
    shown = await show_known_transaction(backend, file)
    said = "\n".join(shown.transaction.summary)
    assert f"registers reward account {report.stake_address}, for a deposit of 2.000000 ADA" in said
    assert "votes to the predefined option abstain" in said
    assert (shown.transaction.doubts, shown.transaction.missing_count) == ((), 2)
    await assembled_and_sent(world, backend, file, names[1:])
    state = await stake_show(backend, contract_address=made.contract_address)
    assert state.treasury_rule == "met"

    world.devnet.chain.grant_rewards(holder_of(made), 3 * ADA)
    received = world.address("beneficiary-1")
    for act, options, words in (
        (stake_delegate, {"pool": POOL.id}, "its stake to pool"),
        (stake_withdraw, {"to": received}, "withdraws 3.000000 ADA"),
        (stake_deregister, {}, "closes reward account"),
    ):
        file = world.directory / f"{act.__name__}.tx"
        account["key"] = replace(payer, hand_out=HandOut(file, 3600))
        report = await act(backend, **account, **options, stake_script=own)
        assert report.status == "waiting_for_signatures"
        shown = await show_known_transaction(backend, file)
        assert words in "\n".join(shown.transaction.summary)
        assert shown.transaction.missing_count == 2
        await assembled_and_sent(world, backend, file, names[:2])
    assert world.held_by(received).lovelace == 3 * ADA
    gone = await stake_show(backend, contract_address=made.contract_address)
    assert not gone.registered


def holder_of(made: Registered) -> Credential:
    """Whose stake it is."""
    who = made.contract_address.staking
    assert isinstance(who, Credential)
    return who


async def assembled_and_sent(
    world: World, backend: Backend, file: Path, names: tuple[str, ...]
) -> None:
    """Each signs alone; what is put together is in a block."""
    witnesses = []
    for name in names:
        witnesses.append(file.with_suffix(f".{name}"))
        sign_transaction(file, [world.keys[name]], output=witnesses[-1], witness_only=True)
    whole = file.with_suffix(".signed")
    assembled = await assemble_known_transaction(backend, file, witnesses, output=whole)
    assert assembled.missing == ()
    sent = await submit_transaction(backend, whole, wait=True)
    assert sent.status == "confirmed"


async def test_a_key_s_own_account(world: World, backend: Backend) -> None:
    """`--staking` with a stake address: its key signs, beside the one that pays."""
    stake_key = SigningKey.from_bytes(b"\x51" * 32, STAKE)
    stake = StakeAddress(0, Credential("key", stake_key.key_hash))
    schedule = world.schedule(**world.in_lovelace(), staking=str(stake))
    made = await register_milestone(world.workspace(), schedule)
    account: dict[str, Any] = {
        "contract_address": made.contract_address,
        "key": world.keys["creator"],
    }
    with pytest.raises(InvalidInput, match="isn't given") as refused:
        await stake_register(backend, **account)
    assert refused.value.path == "stake_key"
    signed: dict[str, Any] = {**account, "stake_keys": (stake_key,)}
    await stake_register(backend, **signed, pool=POOL.id, wait=True)
    world.devnet.chain.grant_rewards(stake.credential, 7)
    with pytest.raises(NotAllowedYet, match="before its votes are delegated"):
        await stake_withdraw(backend, **signed)
    await stake_delegate(backend, **signed, drep=ABSTAIN, wait=True)
    taken = await stake_withdraw(backend, **signed, wait=True)
    assert (taken.status, taken.withdrawn_lovelace) == ("confirmed", 7)


async def test_stake_that_is_nobody_s(world: World, backend: Backend) -> None:
    made = await register_milestone(world.workspace(), world.schedule())
    for refused in (stake_show, stake_register):
        options: dict[str, Any] = {} if refused is stake_show else {"key": world.keys["creator"]}
        with pytest.raises(InvalidInput, match="nobody's"):
            await refused(backend, contract_address=made.contract_address, **options)


async def test_what_an_earlier_run_sent_is_taken_up(world: World, backend: Backend) -> None:
    made, chain = await registered(world), world.devnet.chain
    account: dict[str, Any] = {
        "contract_address": made.contract_address,
        "key": world.keys["creator"],
    }
    dry = await stake_register(backend, **account, dry_run=True)
    assert (dry.status, dry.deposit_lovelace) == ("dry_run", DEPOSIT)
    chain.production = "by hand"
    first = await stake_register(backend, **account)
    second = await stake_register(backend, **account)
    assert first.status == second.status == "submitted"
    assert (second.transaction_hash, second.resumed) == (first.transaction_hash, True)
    assert len(chain.mempool) == 1


async def test_the_same_is_done_again_soon_after(world: World, backend: Backend) -> None:
    """Each of these is another change, though a rollback may still take the first away."""
    made, chain = await registered(world), world.devnet.chain
    account: dict[str, Any] = {
        "contract_address": made.contract_address,
        "key": world.keys["creator"],
        "wait": True,
    }
    who = made.contract_address.staking
    assert isinstance(who, Credential)
    hashes = set[str | None]()
    for drep in (ABSTAIN, NO_CONFIDENCE):
        first = await stake_register(backend, **account)
        rewarded = []
        for lovelace in (5, 6):
            delegated = await stake_delegate(backend, **account, drep=drep, pool=None)
            chain.grant_rewards(who, lovelace)
            rewarded.append(await stake_withdraw(backend, **account))
            if lovelace == 5:
                other = await stake_delegate(backend, **account, pool=POOL.id)
        assert [each.withdrawn_lovelace for each in rewarded] == [5, 6]
        assert (delegated.status, other.pool) == ("already_delegated", pool_text(POOL.id))
        last = await stake_deregister(backend, **account)
        hashes |= {each.transaction_hash for each in (first, other, *rewarded, last)}
    assert None not in hashes
    assert len(hashes) == 10


async def test_what_is_on_its_way_is_reported_as_it_is(world: World, backend: Backend) -> None:
    """Another delegation is not taken for this one, and rewards go where the first run sent them."""
    made, chain = await registered(world), world.devnet.chain
    account: dict[str, Any] = {
        "contract_address": made.contract_address,
        "key": world.keys["creator"],
    }
    who = made.contract_address.staking
    assert isinstance(who, Credential)
    await stake_register(backend, **account, wait=True)
    chain.grant_rewards(who, 3 * ADA)
    chain.production = "by hand"
    votes = await stake_delegate(backend, **account, drep=ABSTAIN)
    stake = await stake_delegate(backend, **account, pool=POOL.id)
    assert (votes.representative, stake.pool) == ("abstain", pool_text(POOL.id))
    assert (stake.resumed, len(chain.mempool)) == (False, 2)
    first = await stake_withdraw(backend, **account, to=world.address("beneficiary-1"))
    again = await stake_withdraw(backend, **account, to=world.address("beneficiary-2"))
    assert (again.transaction_hash, again.resumed) == (first.transaction_hash, True)
    assert again.paid_to == first.paid_to == world.address("beneficiary-1")
