"""Committees whose scripts hold time locks, and members who put up collateral as well."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from milestones.cardano.address import Address, key_credential
from milestones.cardano.native_script import script_address
from milestones.cardano.transaction import Transaction
from milestones.errors import InvalidInput, NotAllowedYet
from milestones.services.init import init
from milestones.services.paying.plan import Selection
from milestones.services.sending.payer import HandOut, Payer
from milestones.services.submit_release import submit_release
from milestones.services.transaction import (
    assemble_known_transaction,
    show_known_transaction,
    sign_transaction,
    submit_transaction,
)
from milestones.testing.cast import ADA
from milestones.testing.distribution import FIRST_MILESTONE, OpenDistribution, open_distribution
from milestones.testing.world import World

MEMBERS = ("oracle-0", "oracle-1", "oracle-2", "beneficiary-3", "beneficiary-4")
DAY = 86_400
SLACK_SECONDS = 120


@pytest.fixture
async def opened(world: World) -> AsyncIterator[OpenDistribution]:
    async with open_distribution(world) as opened:
        await opened.attested(FIRST_MILESTONE)
        await init(opened.backend, payers=[world.address("stranger")])
        yield opened


def slot(opened: OpenDistribution) -> int:
    """The chain's."""
    return opened.world.devnet.chain.tip.slot


def signature(world: World, name: str) -> dict[str, Any]:
    """A member, as cardano-cli writes them."""
    return {"type": "sig", "keyHash": world.keys[name].key_hash.hex()}


def of_five(world: World, required: int) -> dict[str, Any]:
    """So many of the five."""
    members = [signature(world, name) for name in MEMBERS]
    return {"type": "atLeast", "required": required, "scripts": members}


def locked(kind: str, at: int, script: dict[str, Any]) -> dict[str, Any]:
    """A script, and a time lock."""
    return {"type": "all", "scripts": [{"type": kind, "slot": at}, script]}


async def claim(
    opened: OpenDistribution,
    script: dict[str, Any],
    *,
    file: str = "claim.tx",
    collateral: str = "stranger",
    home: Address | None = None,
) -> Any:
    """A claim that the committee pays for, signed within a day."""
    world = opened.world
    world.pay(home or script_address(script, 0), 20 * ADA)
    payer = Payer.committee(
        script, 0, HandOut(world.directory / file, DAY), collateral=world.address(collateral)
    )
    return await submit_release(
        opened.backend,
        contract_address=opened.address,
        key=payer,
        selection=Selection(indices=(0,)),
    )


async def sent(opened: OpenDistribution, report: Any, *signers: str) -> Any:
    """Everybody signs; it is put together, and sent. What assembling said."""
    (handed_out,) = report.handed_out
    file = Path(handed_out.file)
    witnesses = []
    for name in signers:
        witnesses.append(file.with_suffix(f".{name}"))
        keys = [opened.world.keys[name]]
        sign_transaction(file, keys, output=witnesses[-1], witness_only=True)
    whole = file.with_suffix(".signed")
    assembled = await assemble_known_transaction(opened.backend, file, witnesses, output=whole)
    sent = await submit_transaction(opened.backend, whole, wait=True)
    assert sent.size == report.transactions[0].size
    return assembled


async def test_a_lock_that_closes_shortens_how_long_it_can_be_signed(
    opened: OpenDistribution,
) -> None:
    world = opened.world
    closes = slot(opened) + 3_600
    one, three = signature(world, "relayer"), of_five(world, 3)
    script = {
        "type": "any",
        "scripts": [locked("before", closes, three), locked("after", closes, one)],
    }
    report = await claim(opened, script)
    (handed_out,) = report.handed_out
    assert abs(handed_out.valid_until - (world.now + 3_600)) < SLACK_SECONDS
    assert "sooner than --valid-for" in report.warnings[-1]
    shown = await show_known_transaction(opened.backend, Path(handed_out.file))
    assert shown.transaction.valid_until_slot == closes
    assert shown.transaction.missing_count == 4

    file = Path(handed_out.file)
    sign_transaction(
        file, [world.keys["oracle-0"]], output=world.directory / "one", witness_only=True
    )
    partly = await assemble_known_transaction(
        opened.backend, file, [world.directory / "one"], output=world.directory / "partly"
    )
    assert (partly.missing_count, len(partly.missing)) == (3, 5)
    assert world.keys["relayer"].key_hash.hex() not in partly.missing
    assert (partly.valid_until_slot, partly.valid_until) == (closes, handed_out.valid_until)
    assembled = await sent(opened, report, "oracle-0", "oracle-1", "oracle-2", "stranger")
    assert (assembled.missing, assembled.missing_count) == ((), 0)
    assert await opened.tokens_of("beneficiary-0") == 1_000


async def test_what_a_lock_has_opened_says_from_when(opened: OpenDistribution) -> None:
    world = opened.world
    opens = slot(opened) + 3_600
    script = locked("after", opens, of_five(world, 2))
    with pytest.raises(NotAllowedYet, match=f"before slot {opens} ") as refused:
        await claim(opened, script)
    assert refused.value.rule == "time_lock"
    assert refused.value.details["valid_from_slot"] == opens
    assert not (world.directory / "claim.tx").exists()
    assert "waiting_for_signatures" not in {
        each.status for each in opened.backend.storage.journal.newest(100)
    }

    world.advance(3_700)
    report = await claim(opened, script)
    await sent(opened, report, "oracle-0", "beneficiary-4", "stranger")
    assert await opened.tokens_of("beneficiary-0") == 1_000


async def test_where_the_time_is_over_it_says_until_when_it_was(opened: OpenDistribution) -> None:
    closed = slot(opened) - 10
    script = locked("before", closed, of_five(opened.world, 2))
    with pytest.raises(NotAllowedYet, match=f"before slot {closed} ") as refused:
        await claim(opened, script)
    assert refused.value.details["valid_until_slot"] == closed


async def test_a_script_that_never_agrees_is_not_asked(opened: OpenDistribution) -> None:
    with pytest.raises(InvalidInput, match="ever enough") as refused:
        await claim(opened, of_five(opened.world, 6))
    assert refused.value.path == "payer"


async def test_a_member_who_puts_up_collateral_signs_once(opened: OpenDistribution) -> None:
    world = opened.world
    world.pay(world.address("oracle-2"), 10 * ADA)
    await init(opened.backend, payers=[world.address("oracle-2")])
    report = await claim(opened, of_five(world, 3), collateral="oracle-2")
    (handed_out,) = report.handed_out
    assert handed_out.signature_count == 3
    assembled = await sent(
        opened, report, "oracle-0", "oracle-1", "oracle-2", "beneficiary-3", "beneficiary-4"
    )
    assert len(assembled.signed_by) == 3
    assert world.keys["oracle-2"].key_hash.hex() in assembled.signed_by
    assert {each.reason for each in assembled.left_out} == {"more_than_needed"}


async def test_a_committees_addresses_with_a_staking_part_pay_too(
    opened: OpenDistribution,
) -> None:
    world = opened.world
    script = of_five(world, 2)
    payment = script_address(script, 0).payment
    home = Address(0, payment, key_credential(world.keys["relayer"].key_hash))
    report = await claim(opened, script, home=home)
    submission = opened.backend.storage.journal.find(report.handed_out[0].transaction_hash)
    assert submission is not None
    change = Transaction.read(submission.transaction_cbor).body.outputs[-1]
    assert change.address == str(home)
    await sent(opened, report, "oracle-0", "oracle-1", "stranger")
