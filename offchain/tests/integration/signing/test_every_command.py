"""Every command that moves money hands out what the chain takes once it is signed, and does the same by it."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from milestones import services
from milestones.cli.app import COMMANDS as COMMAND_LINE
from milestones.cli.app import load_command
from milestones.errors import NotFound
from milestones.services.sending.payer import HandOut, Payer
from milestones.services.sending.runner import SendingCommand
from milestones.services.transaction import (
    assemble_known_transaction,
    show_known_transaction,
    sign_transaction,
    submit_transaction,
)
from milestones.testing.distribution import OpenDistribution
from milestones.testing.world import World
from tests.support.commands import COMMANDS, Command, governed


def waiting_commands() -> Iterator[str]:
    """What can be asked on the command line to return once a block has what it sends."""
    for name in COMMAND_LINE:
        command = load_command(name)
        commands = getattr(command, "commands", None)
        named: dict[str, Any] = (
            {f"{name} {each}": commands[each] for each in commands} if commands else {name: command}
        )
        for words, each in named.items():
            if "--wait" in {option for param in each.params for option in param.opts}:
                yield words


def sending_commands(of: type[Any] = SendingCommand) -> Iterator[str]:
    """The names of all that sends by the one spine, where a class has but one."""
    for each in of.__subclasses__():
        if isinstance(vars(each).get("name"), str):
            yield each.name
        yield from sending_commands(each)


def test_no_command_that_moves_money_is_forgotten() -> None:
    """Each is handed out here, and spoiled and taken up again in `long/test_faults.py`."""
    for module in pkgutil.walk_packages(services.__path__, "milestones.services."):
        import_module(module.name)
    tried = {name.partition(" --")[0].partition(" with ")[0] for name in COMMANDS}
    assert {*waiting_commands(), *sending_commands()} == tried


async def seen(command: Command, stage: OpenDistribution) -> dict[str, int]:
    """The command's effect; none where there is no distribution yet."""
    try:
        return await command.effect(stage)
    except NotFound:
        return {}


@pytest.mark.parametrize("name", [name for name, each in COMMANDS.items() if each.hands_out])
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
