"""Random lives of a distribution in a world: what people do to it, at any time and in any order."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from milestones.cardano.value import Value
from milestones.domain.models import OracleSignature
from milestones.errors import MilestonesError
from milestones.services.attest import Waiver
from milestones.services.cancel import cancel
from milestones.services.oracle import oracle_rotate, oracle_sign, rotation_payload
from milestones.services.sending.runner import SendDraft, perform
from milestones.testing.cast import ADA
from milestones.testing.distribution import OpenDistribution
from milestones.testing.world import World
from milestones.transactions.draft import DraftOutput, TransactionDraft
from tests.support.past_checks import open_past_all_checks

MILESTONES: Final = ("milestone-001", "milestone-002")
DAY: Final = 86_400
NEXT_BOARD: Final = ("beneficiary-3", "beneficiary-4")


async def random_schedule(world: World, dice: random.Random) -> dict[str, Any]:
    """Six allocations of tokens or ADA on two pages, and any powers; some vest later."""
    waits = [-1_000, -1_000, 3 * DAY, 20 * DAY]
    allocations = [
        {
            "beneficiary_address": world.address(f"beneficiary-{number % 3}").to_bech32(),
            "token_amount": 2_000_000 + number,
            "milestone_identifier": dice.choice(MILESTONES),
            "vesting_timestamp": world.now + dice.choice(waits),
        }
        for number in range(6)
    ]
    changes: dict[str, Any] = {
        "beneficiary_allocations": allocations,
        "page_depth": 2,
        "reclaim_after": world.now + 60 * DAY,
        "cancel_by": dice.choice([[], ["creator"]]),
        "waiver_after": dice.choice([None, world.now + 2 * DAY]),
        "allowance_lovelace": dice.choice([0, 400_000]),
    }
    if dice.random() < 0.3:
        changes |= {"token_policy_id": "", "token_name": ""}
    if dice.random() < 0.4:
        changes["rotatable"] = await _an_output(world)
    return world.schedule(**changes)


async def _an_output(world: World) -> str:
    async with world.backend() as backend:
        address = world.address("creator").to_bech32()
        matches = await backend.kupo.matches(address, unspent=True)
    return str(min(match.reference for match in matches if match.output.value.assets))


@dataclass
class Life:
    """One distribution, and what was done to it. `openings` of the same terms there were so far."""

    stage: OpenDistribution
    dice: random.Random
    openings: int = 1
    board: tuple[str, ...] = ("oracle-0", "oracle-1")
    done: list[str] = field(default_factory=list)

    async def step(self) -> str:
        """Something at random; what is not allowed is refused, and changes nothing. Its name."""
        deeds: list[Callable[[], Awaitable[object]]] = [
            *[self.sign, self.attest, self.attest, self.release, self.release, self.wait],
            *[self.waive, self.notify, self.close, self.rotate, self.leave_junk, self.open_again],
        ]
        deed = self.dice.choice(deeds)
        try:
            await deed()
        except MilestonesError as error:
            told = f"{deed.__name__}: {error.code}"
        else:
            told = deed.__name__
        self.done.append(told)
        return told

    async def sign(self) -> None:
        """Some oracles who sit sign, and nobody attests."""
        count = self.dice.choice([1, len(self.board)])
        milestone = self.dice.choice(MILESTONES)
        entries = [self.stage.entry(name, milestone) for name in self.board[:count]]
        await self.stage.commit(*entries, milestone=milestone)

    async def attest(self) -> None:
        """A quorum signs, and it is put on the chain."""
        milestone = self.dice.choice(MILESTONES)
        entries = [self.stage.entry(name, milestone) for name in self.board]
        await self.stage.commit(*entries, milestone=milestone)
        await self.stage.attest(milestone, wait=True)

    async def waive(self) -> None:
        """The creator attests without anybody."""
        milestone = self.dice.choice(MILESTONES)
        await self.stage.attest(milestone, key="creator", waiver=Waiver(), wait=True)

    async def release(self) -> None:
        """All that is claimable is paid, or one."""
        if self.dice.random() < 0.5:
            await self.stage.release(everything=True, wait=True)
        else:
            await self.stage.release(self.dice.randrange(6), wait=True)

    async def wait(self) -> None:
        """Time passes."""
        self.stage.world.advance(self.dice.choice([60, DAY, 3 * DAY, 8 * DAY, 40 * DAY]))

    async def notify(self) -> None:
        """The creator gives notice."""
        key = self.stage.world.keys["creator"]
        await cancel(self.stage.backend, contract_address=self.stage.address, key=key, wait=True)

    async def close(self) -> None:
        """The creator, or a stranger, ends it."""
        await self.stage.close(key=self.dice.choice(["creator", "stranger"]), wait=True)

    async def rotate(self) -> None:
        """Others sit in the oracles' place."""
        stage = self.stage
        payload = await rotation_payload(
            stage.backend,
            contract_address=stage.address,
            oracle_addresses=[stage.world.address(name) for name in NEXT_BOARD],
            quorum_threshold=2,
        )
        data = bytes.fromhex(payload.signed_data)
        signed = [
            await oracle_sign(stage.backend, signed_data=data, key=stage.world.keys[name])
            for name in self.board
        ]
        entries = [OracleSignature.model_validate(each.entry.model_dump()) for each in signed]
        key = stage.world.keys["relayer"]
        await oracle_rotate(
            stage.backend,
            contract_address=stage.address,
            signatures=entries,
            key=key,
            wait=True,
        )
        self.board = NEXT_BOARD

    async def leave_junk(self) -> None:
        """Money at the address, and outputs with the datums of all that is there, but without a token."""
        world, on_chain = self.stage.world, await self.stage.on_chain()
        world.pay(self.stage.address, 2 * ADA, tokens=7)
        datums = [on_chain.terms.encode(), *(vault.state.encode() for vault in on_chain.vaults)]
        outputs = tuple(
            DraftOutput(address=self.stage.address, value=Value(5 * ADA), inline_datum=datum)
            for datum in datums
        )
        draft = TransactionDraft(outputs=outputs)
        sending = SendDraft(name="test", draft=draft)
        await perform(self.stage.backend, sending, key=world.keys["stranger"], wait=True)

    async def open_again(self) -> None:
        """The same terms once more; now and then, since much is different from then on."""
        if self.dice.random() < 0.3:
            await open_past_all_checks(self.stage.world, self.stage.distribution)
            self.openings += 1
