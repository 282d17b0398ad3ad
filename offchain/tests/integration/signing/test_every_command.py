"""Every command that moves money hands out what the chain takes once it is signed, and does the same by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from milestones.errors import NotFound
from milestones.services.sending.payer import HandOut, Payer
from milestones.services.transaction import (
    assemble_known_transaction,
    show_known_transaction,
    sign_transaction,
    submit_transaction,
)
from milestones.testing.distribution import OpenDistribution
from milestones.testing.world import World
from tests.support.commands import COMMANDS, Command, governed


async def seen(command: Command, stage: OpenDistribution) -> dict[str, int]:
    """The command's effect; none where there is no distribution yet."""
    try:
        return await command.effect(stage)
    except NotFound:
        return {}


@pytest.mark.parametrize("name", COMMANDS)
async def test_what_is_handed_out_is_signed_elsewhere_and_takes_effect(
    world: World, name: str
) -> None:
    command = COMMANDS[name]
    async with world.backend() as backend:
        stage = OpenDistribution(world, backend, await governed(world))
        await command.prepare(stage)
        before = await seen(command, stage)
        key = world.keys[command.payer]
        where = HandOut(world.directory / "out.tx", 3_600)
        payer = Payer.elsewhere(world.address(command.payer), where)

        report = await command.act(stage, payer)
        assert report.handed_out
        assert await seen(command, stage) == before, "nothing is sent"
        for each in report.handed_out:
            assert each.to_sign == (key.key_hash.hex(),)
            file = Path(each.file)
            shown = await show_known_transaction(backend, file)
            assert (shown.transaction.doubts, shown.transaction.unknown_inputs) == ((), 0)
            witness, whole = file.with_suffix(".witness"), file.with_suffix(".signed")
            sign_transaction(file, [key], output=witness, witness_only=True)
            assembled = await assemble_known_transaction(backend, file, [witness], output=whole)
            assert (assembled.missing, assembled.left_out) == ((), ())
            planned = stage.journal.find(each.transaction_hash)
            sent = await submit_transaction(backend, whole, wait=True)
            assert planned is not None
            assert (sent.status, sent.size) == ("confirmed", planned.size)
        after = await seen(command, stage)
        assert set(after.values()) == {1}
        assert after != before
