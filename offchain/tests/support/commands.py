"""Every command that moves money: what is done before it, the command itself, and its effect on the chain."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from milestones.domain.models import OracleSignature
from milestones.domain.reading import read_records
from milestones.domain.schedule import parse_schedule
from milestones.errors import InvalidSignature
from milestones.protocol.distribution import Distribution
from milestones.services.attest import attest
from milestones.services.cancel import cancel
from milestones.services.close import close
from milestones.services.deploy import deploy
from milestones.services.oracle import (
    objection_payload,
    oracle_rotate,
    oracle_sign,
    rotation_payload,
)
from milestones.services.paying.budget import Budget
from milestones.services.paying.plan import Selection
from milestones.services.proposal import (
    proposal_confirm,
    proposal_object,
    proposal_retire,
    proposal_submit,
)
from milestones.services.publish_script import publish_script
from milestones.services.relay import pay
from milestones.services.sending.payer import PaidBy
from milestones.services.submit_release import submit_release
from milestones.testing.distribution import FIRST_MILESTONE, OpenDistribution
from milestones.testing.world import World
from milestones.transactions.contract_drafts import publication_address

SIGNATURES: Final = "signatures.json"
BOND: Final = 5_000_000
NEXT_ORACLES: Final = ("beneficiary-1", "beneficiary-2")
DAY: Final = 86_400

Step = Callable[[OpenDistribution], Awaitable[Any]]


class Act(Protocol):
    """The command, paid by whoever is given."""

    def __call__(self, stage: OpenDistribution, key: PaidBy, **how: Any) -> Awaitable[Any]:
        """`how` are the service's options that all such commands have."""


@dataclass(frozen=True, slots=True)
class Command:
    """Who pays, what is done before, the command, and how often each of its effects is on the chain."""

    payer: str
    prepare: Step
    act: Act
    effect: Callable[[OpenDistribution], Awaitable[dict[str, int]]]

    async def run(self, stage: OpenDistribution) -> Any:
        """Signed by the key that pays, and waited for."""
        return await self.act(stage, stage.world.keys[self.payer], wait=True)


async def _nothing(stage: OpenDistribution) -> None:
    stage.world.data_directory.mkdir()


async def _published(stage: OpenDistribution) -> None:
    await publish_script(stage.backend, key=stage.world.keys["relayer"], wait=True)


async def _opened(stage: OpenDistribution) -> None:
    await _published(stage)
    await COMMANDS["deploy"].run(stage)


async def _signed(stage: OpenDistribution) -> None:
    await _opened(stage)
    await stage.signed(FIRST_MILESTONE)


async def _attested(stage: OpenDistribution) -> None:
    await _signed(stage)
    await stage.attest(FIRST_MILESTONE, wait=True)


async def _proposed(stage: OpenDistribution) -> None:
    await _opened(stage)
    await COMMANDS["proposal submit"].run(stage)


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


async def _forgotten(stage: OpenDistribution) -> None:
    await _proposed(stage)
    stage.reach(stage.world.now + 60 * DAY)


async def _over(stage: OpenDistribution) -> None:
    await _opened(stage)
    stage.reach((stage.distribution.terms.reclaim_after_posix_ms or 0) // 1000 + 1)


async def _publishes(stage: OpenDistribution, key: PaidBy, **how: Any) -> Any:
    return await publish_script(stage.backend, key=key, **how)


async def _deploys(stage: OpenDistribution, key: PaidBy, **how: Any) -> Any:
    return await deploy(stage.backend, stage.distribution.schedule(), key=key, **how)


async def _attests(stage: OpenDistribution, key: PaidBy, **how: Any) -> Any:
    return await attest(
        stage.backend,
        contract_address=stage.address,
        milestone_identifier=FIRST_MILESTONE,
        key=key,
        **how,
    )


async def _releases(stage: OpenDistribution, key: PaidBy, **how: Any) -> Any:
    return await submit_release(
        stage.backend,
        contract_address=stage.address,
        key=key,
        selection=Selection(indices=(0, 3)),
        **how,
    )


async def _relays(stage: OpenDistribution, key: PaidBy, **how: Any) -> Any:
    return await pay(
        stage.backend,
        contract_address=stage.address,
        key=key,
        budget=Budget(most_lovelace=20_000_000),
        vouched=[stage.distribution.token],
        **how,
    )


async def _cancels(stage: OpenDistribution, key: PaidBy, **how: Any) -> Any:
    return await cancel(
        stage.backend, contract_address=stage.address, key=key, signatures=(), **how
    )


async def _closes(stage: OpenDistribution, key: PaidBy, **how: Any) -> Any:
    return await close(stage.backend, contract_address=stage.address, key=key, **how)


async def _proposes(stage: OpenDistribution, key: PaidBy, **how: Any) -> Any:
    return await proposal_submit(
        stage.backend,
        contract_address=stage.address,
        milestone_identifier=FIRST_MILESTONE,
        key=key,
        **how,
    )


async def _confirms(stage: OpenDistribution, key: PaidBy, **how: Any) -> Any:
    return await proposal_confirm(
        stage.backend, contract_address=stage.address, proposal=FIRST_MILESTONE, key=key, **how
    )


async def _objects(stage: OpenDistribution, key: PaidBy, **how: Any) -> Any:
    return await proposal_object(
        stage.backend,
        contract_address=stage.address,
        proposal=FIRST_MILESTONE,
        signatures=kept_signatures(stage),
        key=key,
        **how,
    )


async def _retires(stage: OpenDistribution, key: PaidBy, **how: Any) -> Any:
    return await proposal_retire(
        stage.backend, contract_address=stage.address, proposal=FIRST_MILESTONE, key=key, **how
    )


async def _rotates(stage: OpenDistribution, key: PaidBy, **how: Any) -> Any:
    return await oracle_rotate(
        stage.backend,
        contract_address=stage.address,
        signatures=kept_signatures(stage),
        key=key,
        **how,
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
    "publish-script": Command("relayer", _nothing, _publishes, _scripts),
    "deploy": Command("creator", _published, _deploys, _terms),
    "attest": Command("stranger", _signed, _attests, _attestations),
    "submit-release": Command("relayer", _attested, _releases, _payments),
    "submit-release with signatures at hand": Command("relayer", _signed, _releases, _payments),
    "relay": Command("relayer", _signed, _relays, _payments),
    "cancel": Command("creator", _opened, _cancels, _notices),
    "close": Command("creator", _over, _closes, _closings),
    "proposal submit": Command("stranger", _opened, _proposes, _proposals),
    "proposal object": Command("stranger", _objected, _objects, _stopped),
    "proposal confirm": Command("stranger", _due, _confirms, _attestations),
    "proposal retire": Command("stranger", _forgotten, _retires, _stopped),
    "oracle rotate": Command("stranger", _replaced, _rotates, _boards),
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
