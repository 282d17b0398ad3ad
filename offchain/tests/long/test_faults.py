"""Every message of every command that moves money is spoiled in turn, in every way: nothing happens twice.

A run ends with success or a typed error, in bounded time. The same command again, with nothing spoiled,
succeeds or says that it is done, and the chain then holds each effect once. A part is tried in every run;
`make faults` tries all.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any, Final

import pytest

from milestones.clients.kupo_client import KupoClient
from milestones.clients.ogmios_client import OgmiosClient
from milestones.domain.models import OracleSignature
from milestones.domain.reading import read_records
from milestones.domain.schedule import parse_schedule
from milestones.errors import InvalidSignature, MilestonesError, NotAllowedYet, NotFound
from milestones.protocol.distribution import Distribution
from milestones.services.cancel import cancel
from milestones.services.deploy import deploy
from milestones.services.oracle import (
    objection_payload,
    oracle_rotate,
    oracle_sign,
    rotation_payload,
)
from milestones.services.proposal import proposal_confirm, proposal_object, proposal_submit
from milestones.services.publish_script import publish_script
from milestones.testing.distribution import FIRST_MILESTONE, OpenDistribution
from milestones.testing.spoiling_proxy import FAULTS, Fault, Message, spoiling_proxy
from milestones.testing.world import World
from milestones.transactions.contract_drafts import publication_address
from tests.support.load import length

PATIENCE_SECONDS: Final = 2.0
"""How long a client waits for an answer here; late and dripping answers take longer."""
LONGEST_SECONDS: Final = 120.0
"""How long a spoiled run may take: waiting for the index, for the mempool, and for every client's patience."""
SIGNATURES: Final = "signatures.json"
BOND: Final = 5_000_000
NEXT_ORACLES: Final = ("beneficiary-1", "beneficiary-2")
DAY: Final = 86_400

Step = Callable[[OpenDistribution], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Command:
    """What is done before, the command, and how often each of its effects is on the chain."""

    prepare: Step
    act: Step
    effect: Callable[[OpenDistribution], Awaitable[dict[str, int]]]


async def _nothing(stage: OpenDistribution) -> None:
    stage.world.data_directory.mkdir()


async def _published(stage: OpenDistribution) -> None:
    await publish_script(stage.backend, key=stage.world.keys["relayer"], wait=True)


async def _opened(stage: OpenDistribution) -> None:
    await _published(stage)
    await _deploys(stage)


async def _signed(stage: OpenDistribution) -> None:
    await _opened(stage)
    await stage.signed(FIRST_MILESTONE)


async def _attested(stage: OpenDistribution) -> None:
    await _signed(stage)
    await stage.attest(FIRST_MILESTONE, wait=True)


async def _proposed(stage: OpenDistribution) -> None:
    await _opened(stage)
    await _proposes(stage)


async def _objected(stage: OpenDistribution) -> None:
    await _proposed(stage)
    payload = await objection_payload(
        stage.backend,
        contract_address=stage.address,
        proposal=FIRST_MILESTONE,
        bond_to=stage.world.address("relayer"),
    )
    await _keep_signatures(stage, payload.signed_data)


async def _replaced(stage: OpenDistribution) -> None:
    await _opened(stage)
    payload = await rotation_payload(
        stage.backend,
        contract_address=stage.address,
        oracle_addresses=[stage.world.address(name) for name in NEXT_ORACLES],
        quorum_threshold=1,
    )
    await _keep_signatures(stage, payload.signed_data)


async def _due(stage: OpenDistribution) -> None:
    await _proposed(stage)
    stage.reach(stage.world.now + 2 * DAY)


async def _over(stage: OpenDistribution) -> None:
    await _opened(stage)
    stage.reach((stage.distribution.terms.reclaim_after_posix_ms or 0) // 1000 + 1)


async def _publishes(stage: OpenDistribution) -> Any:
    return await publish_script(stage.backend, key=stage.world.keys["relayer"], wait=True)


async def _deploys(stage: OpenDistribution) -> Any:
    schedule = stage.distribution.schedule()
    return await deploy(stage.backend, schedule, key=stage.world.keys["creator"], wait=True)


async def _attests(stage: OpenDistribution) -> Any:
    return await stage.attest(FIRST_MILESTONE, wait=True)


async def _releases(stage: OpenDistribution) -> Any:
    return await stage.release(0, 3, wait=True)


async def _cancels(stage: OpenDistribution) -> Any:
    return await cancel(
        stage.backend,
        contract_address=stage.address,
        key=stage.world.keys["creator"],
        signatures=(),
        wait=True,
    )


async def _closes(stage: OpenDistribution) -> Any:
    return await stage.close(wait=True)


async def _proposes(stage: OpenDistribution) -> Any:
    return await proposal_submit(
        stage.backend,
        contract_address=stage.address,
        milestone_identifier=FIRST_MILESTONE,
        key=stage.world.keys["stranger"],
        wait=True,
    )


async def _confirms(stage: OpenDistribution) -> Any:
    return await proposal_confirm(
        stage.backend,
        contract_address=stage.address,
        proposal=FIRST_MILESTONE,
        key=stage.world.keys["stranger"],
        wait=True,
    )


async def _objects(stage: OpenDistribution) -> Any:
    return await proposal_object(
        stage.backend,
        contract_address=stage.address,
        proposal=FIRST_MILESTONE,
        signatures=kept_signatures(stage),
        key=stage.world.keys["stranger"],
        wait=True,
    )


async def _rotates(stage: OpenDistribution) -> Any:
    return await oracle_rotate(
        stage.backend,
        contract_address=stage.address,
        signatures=kept_signatures(stage),
        key=stage.world.keys["stranger"],
        wait=True,
    )


async def _keep_signatures(stage: OpenDistribution, signed_data: str) -> None:
    """Two oracles sign; what they sign is in a file, as `oracle sign` leaves it."""
    keys = [stage.world.keys[name] for name in ("oracle-0", "oracle-1")]
    data = bytes.fromhex(signed_data)
    signed = [await oracle_sign(stage.backend, signed_data=data, key=key) for key in keys]
    stage.world.write_json(SIGNATURES, [each.entry.model_dump(mode="json") for each in signed])


def kept_signatures(stage: OpenDistribution) -> tuple[OracleSignature, ...]:
    """What two oracles have signed."""
    entries = json.loads((stage.world.directory / SIGNATURES).read_text(encoding="utf-8"))
    return read_records(OracleSignature, entries, InvalidSignature)


# -- what is on the chain, as the services say themselves


async def _scripts(stage: OpenDistribution) -> dict[str, int]:
    contract = stage.backend.contract
    address = publication_address(contract, stage.backend.network.network_id)
    found = await stage.backend.kupo.matches(address.to_bech32(), unspent=True)
    hashes = Counter(match.output.script.hash() for match in found if match.output.script)
    return {script.hash().hex()[:8]: hashes[script.hash()] for script in contract.scripts}


async def _terms(stage: OpenDistribution) -> dict[str, int]:
    on_chain = await stage.on_chain()
    return {"terms": len(on_chain.terms_utxos), "vaults": len(on_chain.vaults)}


async def _attestations(stage: OpenDistribution) -> dict[str, int]:
    found = (await stage.on_chain()).attestations
    return {"attestations": len(found.get(FIRST_MILESTONE.encode(), ()))}


async def _payments(stage: OpenDistribution) -> dict[str, int]:
    paid = {
        f"beneficiary-{n}": await stage.tokens_of(f"beneficiary-{n}") // ((n + 1) * 1_000)
        for n in (0, 3)
    }
    return {**paid, **await _attestations(stage)}


async def _notices(stage: OpenDistribution) -> dict[str, int]:
    return {"notices": len((await stage.on_chain()).notices)}


async def _closings(stage: OpenDistribution) -> dict[str, int]:
    return {"closed": int((await stage.on_chain()).closed)}


async def _proposals(stage: OpenDistribution) -> dict[str, int]:
    return {"proposals": len((await stage.on_chain()).proposals)}


async def _stopped(stage: OpenDistribution) -> dict[str, int]:
    return {"stopped": int(not (await stage.on_chain()).proposals)}


async def _boards(stage: OpenDistribution) -> dict[str, int]:
    board = (await stage.on_chain()).board
    return {"replaced": int(board is not None and board.board.quorum_threshold == 1)}


COMMANDS: Final = {
    "publish-script": Command(_nothing, _publishes, _scripts),
    "deploy": Command(_published, _deploys, _terms),
    "attest": Command(_signed, _attests, _attestations),
    "submit-release": Command(_attested, _releases, _payments),
    "submit-release with signatures at hand": Command(_signed, _releases, _payments),
    "cancel": Command(_opened, _cancels, _notices),
    "close": Command(_over, _closes, _closings),
    "proposal submit": Command(_opened, _proposes, _proposals),
    "proposal object": Command(_objected, _objects, _stopped),
    "proposal confirm": Command(_due, _confirms, _attestations),
    "oracle rotate": Command(_replaced, _rotates, _boards),
}


async def governed(world: World) -> Distribution:
    """A distribution with every power, not open yet: its opening spends the creator's tokens."""
    async with world.backend() as backend:
        address = world.address("creator").to_bech32()
        matches = await backend.kupo.matches(address, unspent=True)
    (spent,) = [match for match in matches if match.output.value.assets]
    schedule = world.schedule(
        rotatable=str(spent.reference),
        cancel_by=["creator"],
        objectors=2,
        review_bond_lovelace=BOND,
    )
    return Distribution.from_schedule(parse_schedule(schedule), world.contract)


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
                await asyncio.wait_for(self.command.act(stage), LONGEST_SECONDS)
                outcome = "success"
            except MilestonesError as error:
                outcome = error.code if error.hint else f"{error.code} without a hint"
            if not touched:
                outcome = "untouched"
        again = self.stage.elsewhere(folder.name)
        # Where it is refused it is done already, as the effect has to show.
        with suppress(NotAllowedYet, NotFound):
            await self.command.act(again)
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
            await self.command.act(stage)
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
