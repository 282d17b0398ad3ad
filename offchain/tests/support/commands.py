"""Every command that moves money: what is done before it, the command itself, and its effect on the chain."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from milestones.cardano.certificates import ABSTAIN, NO_CONFIDENCE
from milestones.domain.models import OracleSignature
from milestones.domain.reading import read_records
from milestones.domain.schedule import parse_schedule
from milestones.errors import InvalidSignature
from milestones.protocol.distribution import Distribution
from milestones.protocol.staking import own_stake_script
from milestones.protocol.staking import stake_address_of as account_of
from milestones.services.attest import attest
from milestones.services.cancel import cancel
from milestones.services.close import close
from milestones.services.deploy import deploy
from milestones.services.distribution.series import part_distribution
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
from milestones.services.register_milestone import register_milestone, register_series
from milestones.services.relay import pay
from milestones.services.sending.payer import HandOut, PaidBy, Payer
from milestones.services.series import deploy_series
from milestones.services.stake import (
    stake_delegate,
    stake_deregister,
    stake_register,
    stake_show,
    stake_withdraw,
)
from milestones.services.stake.account import stake_address_of
from milestones.services.submit_release import submit_release
from milestones.services.transaction import sign_transaction, submit_transaction
from milestones.testing.distribution import FIRST_MILESTONE, OpenDistribution
from milestones.testing.world import World
from milestones.transactions.contract_drafts import publication_address

SIGNATURES: Final = "signatures.json"
HANDED_OUT: Final = "handed-out.tx"
BOND: Final = 5_000_000
REWARDS: Final = 3_000_000
PART_ROWS: Final = 64
NEXT_ORACLES: Final = ("beneficiary-1", "beneficiary-2")
DAY: Final = 86_400

Step = Callable[[OpenDistribution], Awaitable[Any]]


class Act(Protocol):
    """The command, paid by whoever is given."""

    def __call__(self, stage: OpenDistribution, key: PaidBy, **how: Any) -> Awaitable[Any]:
        """`how` are the service's options that all such commands have."""


@dataclass(frozen=True, slots=True)
class Command:
    """Who pays, what is done before, the command, and how often each of its effects is on the chain.

    `hands_out`: whether it gives what it builds to whoever signs elsewhere.
    """

    payer: str
    prepare: Step
    act: Act
    effect: Callable[[OpenDistribution], Awaitable[dict[str, int]]]
    hands_out: bool = True

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


async def _signed_elsewhere(stage: OpenDistribution) -> None:
    """An attestation that was handed out, and has come back with its signature."""
    await _signed(stage)
    world, file = stage.world, stage.world.directory / HANDED_OUT
    payer = Payer.elsewhere(world.address("stranger"), HandOut(file))
    await COMMANDS["attest"].act(stage, payer)
    sign_transaction(file, [world.keys["stranger"]], output=file.with_suffix(".signed"))


async def _series(stage: OpenDistribution) -> None:
    """Two distributions that are registered together, and not open yet."""
    await _published(stage)
    first = stage.world.allocations()[0]
    rows = [{**first, "token_amount": 1 + number} for number in range(PART_ROWS + 1)]
    document = stage.world.schedule(beneficiary_allocations=rows)
    await register_series(stage.backend, document, part_allocations=PART_ROWS)


async def _holding(stage: OpenDistribution) -> None:
    await _nothing(stage)
    document = stage.distribution.schedule().model_dump(mode="json", exclude_none=True)
    await register_milestone(stage.backend, document)


async def _with_account(stage: OpenDistribution) -> None:
    await _holding(stage)
    await stake_register(
        stage.backend,
        contract_address=stage.address,
        key=stage.world.keys["creator"],
        drep=NO_CONFIDENCE,
        wait=True,
    )


async def _rewarded(stage: OpenDistribution) -> None:
    await _with_account(stage)
    _, account = stake_address_of(stage.backend, stage.address)
    stage.world.devnet.chain.grant_rewards(account.credential, REWARDS)


async def _publishes(stage: OpenDistribution, key: PaidBy, **how: Any) -> Any:
    return await publish_script(stage.backend, key=key, **how)


async def _deploys(stage: OpenDistribution, key: PaidBy, **how: Any) -> Any:
    return await deploy(stage.backend, stage.distribution.schedule(), key=key, **how)


async def _deploys_series(stage: OpenDistribution, key: PaidBy, **how: Any) -> Any:
    (series,) = stage.backend.storage.series.all()
    return await deploy_series(stage.backend, series, key=key, **how)


async def _submits(stage: OpenDistribution, key: PaidBy, **how: Any) -> Any:
    file = (stage.world.directory / HANDED_OUT).with_suffix(".signed")
    return await submit_transaction(stage.backend, file, **how)


def _staking(act: Callable[..., Awaitable[Any]], **options: Any) -> Act:
    async def acts(stage: OpenDistribution, key: PaidBy, **how: Any) -> Any:
        return await act(stage.backend, contract_address=stage.address, key=key, **options, **how)

    return acts


async def _withdraws(stage: OpenDistribution, key: PaidBy, **how: Any) -> Any:
    to = stage.world.address("beneficiary-1")
    return await _staking(stake_withdraw, to=to)(stage, key, **how)


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


async def _series_terms(stage: OpenDistribution) -> dict[str, int]:
    (series,) = stage.backend.storage.series.all()
    found = {}
    for part in series.record.distributions:
        distribution = part_distribution(stage.backend, series, part)
        on_chain = await replace(stage, distribution=distribution).on_chain()
        found[f"terms of part {part.part}"] = len(on_chain.terms_utxos)
    return found


async def _account(stage: OpenDistribution) -> dict[str, int]:
    shown = await stake_show(stage.backend, contract_address=stage.address)
    return {
        "registered": int(shown.registered),
        "delegated": int(shown.representative == "abstain"),
    }


async def _no_account(stage: OpenDistribution) -> dict[str, int]:
    return {"closed": 1 - (await _account(stage))["registered"]}


async def _withdrawn(stage: OpenDistribution) -> dict[str, int]:
    return {"withdrawn": (await stage.wealth_of("beneficiary-1")).lovelace // REWARDS}


COMMANDS: Final = {
    "publish-script": Command("relayer", _nothing, _publishes, _scripts),
    "deploy": Command("creator", _published, _deploys, _terms),
    "deploy --series": Command("creator", _series, _deploys_series, _series_terms, hands_out=False),
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
    "stake register": Command(
        "creator", _holding, _staking(stake_register, drep=ABSTAIN), _account
    ),
    "stake delegate": Command(
        "creator", _with_account, _staking(stake_delegate, drep=ABSTAIN), _account
    ),
    "stake withdraw": Command("creator", _rewarded, _withdraws, _withdrawn),
    "stake deregister": Command("creator", _rewarded, _staking(stake_deregister), _no_account),
    "transaction submit": Command(
        "stranger", _signed_elsewhere, _submits, _attestations, hands_out=False
    ),
}
"""By the command's name on the command line, and what it is given where there is more than one way."""


async def governed(world: World) -> Distribution:
    """A distribution with every power, not open yet: its opening spends the creator's tokens.

    Its stake is the creator's.
    """
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
    script = own_stake_script(parse_schedule(schedule), None, world.contract)
    schedule["staking"] = str(account_of(script, world.magic))
    return Distribution.from_schedule(parse_schedule(schedule), world.contract)
