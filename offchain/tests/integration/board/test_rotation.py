"""Other oracles: who counts then, and what is refused before anything is signed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from milestones.cardano.address import Address, script_credential
from milestones.domain.models import OracleSignature
from milestones.errors import (
    ChainRejected,
    InvalidAddress,
    InvalidInput,
    InvalidSignature,
    NotAllowedYet,
    OutcomeUnknown,
)
from milestones.protocol.statements import NoticeStatement, RotationStatement
from milestones.services.commit_milestone import commit_milestone
from milestones.services.oracle import (
    OraclesReplaced,
    objection_payload,
    oracle_rotate,
    oracle_sign,
    rotation_payload,
)
from milestones.services.proposal import proposal_object, proposal_submit
from milestones.testing.cutting_proxy import Moment
from milestones.testing.distribution import OpenDistribution, open_distribution
from milestones.testing.world import World

NEXT = ("beneficiary-1", "beneficiary-2")


@pytest.fixture
async def stage(world: World) -> AsyncIterator[OpenDistribution]:
    """A distribution whose oracles can be replaced: its opening spends the creator's tokens."""
    async with world.backend() as backend:
        address = world.address("creator").to_bech32()
        matches = await backend.kupo.matches(address, unspent=True)
    (spent,) = [match for match in matches if match.output.value.assets]
    schedule = world.schedule(
        rotatable=str(spent.reference),
        cancel_by=["quorum"],
        objectors=2,
        review_bond_lovelace=5_000_000,
    )
    async with open_distribution(world, schedule) as opened:
        yield opened


async def rotation(stage: OpenDistribution, *oracles: str, **changes: Any) -> list[OracleSignature]:
    options = {
        "oracle_addresses": [stage.world.address(name) for name in NEXT],
        "quorum_threshold": 1,
        **changes,
    }
    payload = await rotation_payload(stage.backend, contract_address=stage.address, **options)
    signed = [
        await oracle_sign(
            stage.backend,
            signed_data=bytes.fromhex(payload.signed_data),
            key=stage.world.keys[oracle],
        )
        for oracle in oracles
    ]
    return [OracleSignature.model_validate(each.entry.model_dump()) for each in signed]


async def rotated(
    stage: OpenDistribution, entries: list[OracleSignature], **options: Any
) -> OraclesReplaced:
    return await oracle_rotate(
        stage.backend,
        contract_address=stage.address,
        signatures=entries,
        key=stage.world.keys["relayer"],
        **options,
    )


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"quorum_threshold": 3}, "3 of 2 oracles can't be a quorum"),
        ({"quorum_threshold": 0}, "0 of 2 oracles can't be a quorum"),
        ({"oracle_addresses": []}, "1 of 0 oracles can't be a quorum"),
        ({"oracle_addresses": [Address(0, script_credential(bytes(28)))]}, "a script can't sign"),
    ],
)
async def test_oracles_that_can_not_sit(
    stage: OpenDistribution, changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(InvalidInput, match=told):
        await rotation(stage, **changes)


async def test_an_oracle_twice_or_of_another_network(stage: OpenDistribution) -> None:
    one = stage.world.address("beneficiary-1")
    with pytest.raises(InvalidInput, match="named twice"):
        await rotation(stage, oracle_addresses=[one, one])
    with pytest.raises(InvalidAddress, match="an address of mainnet"):
        await rotation(stage, oracle_addresses=[replace(one, network_id=1)])


async def test_who_is_signed_for_counts_and_nobody_else(stage: OpenDistribution) -> None:
    """Before it, those of the terms; after it, those of the board: in every command."""
    entries = await rotation(stage, "oracle-0", "oracle-2")
    with pytest.raises(NotAllowedYet, match="1 of the 2 oracles") as few:
        await rotated(stage, entries[:1])
    assert few.value.rule == "quorum"
    await stage.signed("milestone-001")
    result = await rotated(stage, entries, wait=True)
    assert (result.sequence, result.quorum_threshold, len(result.oracles)) == (1, 1, 2)
    with pytest.raises(NotAllowedYet, match="0 of the 1 signatures"):
        await stage.attest("milestone-001")
    with pytest.raises(InvalidSignature, match="none of the distribution's oracles"):
        await stage.commit(stage.entry("oracle-1"))
    committed = await stage.commit(stage.entry("beneficiary-1"))
    assert (committed.quorum_threshold, committed.total_oracles) == (1, 2)
    assert committed.verified
    attested = await stage.attest("milestone-001", wait=True)
    assert attested.signers == (stage.world.address("beneficiary-1"),)
    with pytest.raises(InvalidInput, match="none of the distribution's 2 oracles"):
        await rotation(stage, "oracle-0")


async def test_a_smaller_quorum_stops_a_proposal_alone(stage: OpenDistribution) -> None:
    """The terms ask for two: else a board with a quorum of one could never object."""
    await rotated(stage, await rotation(stage, "oracle-0", "oracle-2"), wait=True)
    await proposal_submit(
        stage.backend,
        contract_address=stage.address,
        milestone_identifier="milestone-001",
        key=stage.world.keys["stranger"],
        wait=True,
    )
    payload = await objection_payload(
        stage.backend,
        contract_address=stage.address,
        proposal="milestone-001",
        bond_to=stage.world.address("relayer"),
    )
    assert payload.signatures_needed == 1
    signed = await oracle_sign(
        stage.backend,
        signed_data=bytes.fromhex(payload.signed_data),
        key=stage.world.keys[NEXT[0]],
    )
    stopped = await proposal_object(
        stage.backend,
        contract_address=stage.address,
        proposal="milestone-001",
        signatures=[OracleSignature.model_validate(signed.entry.model_dump())],
        key=stage.world.keys["relayer"],
        wait=True,
    )
    assert stopped.signers == (stage.world.address(NEXT[0]),)


async def test_where_nobody_is_asked_others_entries_are_kept_and_it_is_said(
    stage: OpenDistribution,
) -> None:
    await rotated(stage, await rotation(stage, "oracle-0", "oracle-2"), wait=True)
    workspace = stage.world.workspace()
    kept = await commit_milestone(
        workspace,
        milestone_identifier="milestone-001",
        oracle_signatures=[stage.entry("beneficiary-1")],
    )
    assert (kept.verified, kept.signature_count, kept.signatures_added) == (False, 0, 1)
    assert "the chain was not asked who sits now" in " ".join(kept.warnings)
    assert (await stage.attest("milestone-001", wait=True)).status == "confirmed"


async def test_a_board_that_is_not_the_next_is_not_signed_and_not_sent(
    stage: OpenDistribution,
) -> None:
    first = await rotation(stage, "oracle-0", "oracle-2")
    statement = RotationStatement.parse(first[0].signed_data)
    later = replace(statement, sequence=2)
    with pytest.raises(InvalidSignature, match="the next one is 1"):
        await oracle_sign(
            stage.backend, signed_data=later.signed_data, key=stage.world.keys["oracle-0"]
        )
    await rotated(stage, first, wait=True)
    with pytest.raises(NotAllowedYet, match="board 1 sits"):
        await rotated(stage, first)
    second = await rotation(stage, "beneficiary-2")
    assert (await rotated(stage, second, wait=True)).sequence == 2


async def test_offline_no_rotation_is_signed_and_a_notice_with_a_warning(
    stage: OpenDistribution,
) -> None:
    entries = await rotation(stage, "oracle-0")
    schedule = stage.distribution.schedule()
    workspace = stage.world.workspace()
    key = stage.world.keys["oracle-0"]
    with pytest.raises(InvalidInput, match="only the chain says which board is the next"):
        await oracle_sign(workspace, signed_data=entries[0].signed_data, key=key, schedule=schedule)
    said_at = (stage.world.now + 3600) * 1000
    whose = (stage.world.contract.policy_id, stage.distribution.id)
    notice = NoticeStatement(*whose, said_at, b"").signed_data
    shown: list[str] = []
    signed = await oracle_sign(
        workspace, signed_data=notice, key=key, schedule=schedule, show=shown.append
    )
    assert "whether this one still sits was not checked" in " ".join(signed.warnings)
    assert "to be ENDED" in " ".join(shown)
    past = NoticeStatement(*whose, (stage.world.now - 60) * 1000, b"").signed_data
    with pytest.raises(InvalidInput, match="nothing can be backdated"):
        await oracle_sign(stage.backend, signed_data=past, key=key)


async def test_a_forged_signature_is_named_or_left_out(stage: OpenDistribution) -> None:
    entries = await rotation(stage, "oracle-0", "oracle-1", "oracle-2")
    # Its hash is the least, so it is among the first that make a quorum.
    forged = entries[2].model_copy(update={"signature": bytes(64)})
    with pytest.raises(ChainRejected) as refused:
        await rotated(stage, [entries[0], forged])
    named = [stage.world.address("oracle-2").to_bech32()]
    assert refused.value.details["refused_oracles"] == named
    result = await rotated(stage, [entries[0], forged, entries[1]], wait=True)
    assert len(result.signers) == 2
    assert "was left out" in " ".join(result.warnings)


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_lost_answer_is_found_again(stage: OpenDistribution, moment: Moment) -> None:
    entries = await rotation(stage, "oracle-0", "oracle-2")
    async with stage.on_a_bad_line(moment) as (broken, _):
        with pytest.raises(OutcomeUnknown) as lost:
            await rotated(broken, entries)
    again = await rotated(stage, entries, wait=True)
    assert (again.transaction_hash, again.resumed) == (lost.value.transaction_id, True)
    assert (await stage.on_chain()).board.board.sequence == 1


async def test_the_board_leaves_with_the_distribution(stage: OpenDistribution) -> None:
    stage.reach(stage.distribution.schedule().reclaim_after or 0)
    result = await stage.close(wait=True)
    assert result.transactions[0].board_tokens_burnt == 1
    assert await stage.backend.kupo.matches(stage.address.to_bech32(), unspent=True) == []


async def test_terms_that_are_not_rotatable_say_so(world: World) -> None:
    async with open_distribution(world) as fixed:
        with pytest.raises(NotAllowedYet, match="never let the oracles be replaced") as refused:
            await rotation(fixed, "oracle-0")
        assert refused.value.rule == "rotatable"
        with pytest.raises(NotAllowedYet):
            await rotated(fixed, [])
