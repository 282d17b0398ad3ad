"""Every message of every command that moves money is spoiled in turn, in every way: nothing happens twice.

A run ends with success or a typed error, in bounded time. The same command again, with nothing spoiled,
succeeds or says that it is done, and the chain then holds each effect once. A part is tried in every run;
`make faults` tries all.
"""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any, Final

import pytest

from milestones.clients.kupo_client import KupoClient
from milestones.clients.ogmios_client import OgmiosClient
from milestones.errors import MilestonesError, NotAllowedYet, NotFound
from milestones.testing.distribution import OpenDistribution
from milestones.testing.spoiling_proxy import FAULTS, Fault, Message, spoiling_proxy
from milestones.testing.world import World
from tests.support.commands import COMMANDS, Command, governed
from tests.support.load import length

PATIENCE_SECONDS: Final = 2.0
"""How long a client waits for an answer here; late and dripping answers take longer."""
LONGEST_SECONDS: Final = 120.0
"""How long a spoiled run may take: waiting for the index, for the mempool, and for every client's patience."""


@dataclass
class Trials:
    """A command before which everything is prepared, and which is tried again and again from there."""

    command: Command
    stage: OpenDistribution
    snapshot: str
    numbers: Any

    async def spoiled(self, number: int, fault: Fault) -> str:
        """One trial, from the beginning: what the spoiled run ended with. The effect is there once."""
        self.stage.world.revert(self.snapshot)
        folder = self.stage.world.directory / f"trial-{next(self.numbers)}"
        shutil.copytree(self.stage.world.data_directory, folder)
        outcome = "untouched"
        async with self.behind_a_bad_line(folder.name, number, fault) as (stage, touched):
            try:
                await asyncio.wait_for(self.command.run(stage), LONGEST_SECONDS)
                outcome = "success"
            except MilestonesError as error:
                outcome = error.code if error.hint else f"{error.code} without a hint"
            if not touched:
                outcome = "untouched"
        again = self.stage.elsewhere(folder.name)
        # Where it is refused it is done already, as the effect has to show.
        with suppress(NotAllowedYet, NotFound):
            await self.command.run(again)
        effect = await self.command.effect(again)
        assert set(effect.values()) == {1}, (number, fault, outcome, effect)
        again.backend.storage.close()
        shutil.rmtree(folder)
        return outcome

    async def messages(self) -> list[Message]:
        """What there is to spoil."""
        self.stage.world.revert(self.snapshot)
        folder = self.stage.world.directory / "unspoiled"
        shutil.copytree(self.stage.world.data_directory, folder)
        async with self.behind_a_bad_line(folder.name, -1, "garbage") as (stage, _):
            await self.command.run(stage)
            return self._seen

    @asynccontextmanager
    async def behind_a_bad_line(
        self, folder: str, number: int, fault: Fault
    ) -> AsyncIterator[tuple[OpenDistribution, list[Any]]]:
        """The stage for somebody with this folder, where the message of this number is spoiled."""
        devnet = self.stage.world.devnet
        async with (
            spoiling_proxy(
                ogmios_url=devnet.ogmios_url,
                kupo_url=devnet.kupo_url,
                spoil=lambda message: fault if message.number == number else None,
                delay_seconds=2 * PATIENCE_SECONDS,
                drip_seconds=PATIENCE_SECONDS / 4,
            ) as proxy,
            OgmiosClient(proxy.ogmios_url, timeout_seconds=PATIENCE_SECONDS) as ogmios,
            KupoClient(proxy.kupo_url, timeout_seconds=PATIENCE_SECONDS) as kupo,
        ):
            self._seen = proxy.messages
            stage = self.stage.elsewhere(folder, ogmios=ogmios, kupo=kupo)
            try:
                yield stage, proxy.spoiled
            finally:
                stage.backend.storage.close()


def of_each_kind(messages: list[Message]) -> list[Message]:
    """All but those behind two of the same: the mempool is read by many questions in a row."""
    names = [message.question for message in messages]
    return [
        message
        for place, message in enumerate(messages)
        if place < 2 or names[place - 2 : place] != [message.question] * 2
    ]


@pytest.mark.parametrize("name", COMMANDS)
async def test_whatever_is_spoiled_the_effect_is_there_once(world: World, name: str) -> None:
    command = COMMANDS[name]
    async with world.backend() as backend:
        stage = OpenDistribution(world, backend, await governed(world))
        await command.prepare(stage)
        backend.storage.close()
        trials = Trials(command, stage, world.snapshot(), count())
        messages = await trials.messages()
        every = [(message.number, fault) for message in of_each_kind(messages) for fault in FAULTS]
        chosen = Random(name).sample(every, min(len(every), 6))  # noqa: S311 - repeatable on purpose
        outcomes: Counter[str] = Counter()
        for number, fault in length(short=chosen, long=every):
            outcomes[await trials.spoiled(number, fault)] += 1
    assert len(messages) > 5
    assert outcomes.total() - outcomes["untouched"] > 0
    assert not [outcome for outcome in outcomes if "without a hint" in outcome]
    told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    print(f"{name}: {len(messages)} messages; {told}")  # noqa: T201
