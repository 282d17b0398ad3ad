"""A committee that opens a distribution: a native script, two of three, whose members sign a file each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from milestones.cardano.native_script import script_address
from milestones.domain.schedule import parse_schedule
from milestones.protocol.distribution import Distribution
from milestones.services.deploy import deploy
from milestones.services.sending.payer import HandOut, Payer
from milestones.services.transaction import sign_transaction, submit_transaction
from milestones.testing.cast import ADA, key_of
from milestones.testing.distribution import OpenDistribution
from milestones.testing.world import World

MEMBERS: Final = ("oracle-0", "oracle-1", "oracle-2")
SCRIPT: Final[dict[str, Any]] = {
    "type": "atLeast",
    "required": 2,
    "scripts": [{"type": "sig", "keyHash": key_of(each).key_hash.hex()} for each in MEMBERS],
}
"""As cardano-cli writes it."""
HOME: Final = script_address(SCRIPT, 0)
SIGNERS: Final = ("oracle-0", "oracle-1", "stranger")
"""Who signs in these tests: two members, and whose ADA is collateral."""
_USUAL: Final[dict[str, Any]] = {
    "creator": HOME.to_bech32(),
    "refund_address": key_of("relayer").address(0).to_bech32(),
    "cancel_by": ["creator"],
    "cancel_grace_seconds": 7 * 86_400,
}


@asynccontextmanager
async def opened_by_committee(world: World, **changes: Any) -> AsyncIterator[OpenDistribution]:
    """A distribution whose creator is the committee, which may give notice; `changes` are the schedule's.

    Its oracles can be replaced.
    """
    world.pay(HOME, 100 * ADA, 20_000)
    async with world.backend() as backend:
        (spent,) = await backend.kupo.matches(HOME.to_bech32(), unspent=True)
    changes = {**_USUAL, "rotatable": str(spent.reference), **changes}
    schedule = parse_schedule(world.schedule(**changes))
    file, signed = world.directory / "open.tx", world.directory / "open.signed"
    where = HandOut(file, 86_400)
    payer = Payer.committee(SCRIPT, 0, where, collateral=world.address("stranger"))
    await world.publish()
    async with world.backend() as backend:
        await deploy(backend, schedule, key=payer)
        sign_transaction(file, [world.keys[each] for each in SIGNERS], output=signed)
        await submit_transaction(backend, signed, wait=True)
        yield OpenDistribution(world, backend, Distribution.from_schedule(schedule, world.contract))
