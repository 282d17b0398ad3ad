"""Signing as an oracle with the chain at hand: the terms are read there, and the network is the node's."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import Any

import pytest

from milestones.domain.models import OracleSignature
from milestones.domain.schedule import parse_schedule
from milestones.errors import InvalidInput, NetworkMismatch, NotFound
from milestones.protocol.distribution import Distribution
from milestones.services.commit_milestone import commit_milestone
from milestones.services.oracle import oracle_payload, oracle_sign
from milestones.services.sending.published_scripts import require_published
from milestones.services.sending.runner import SendDraft, perform
from milestones.testing.distribution import OpenDistribution
from milestones.transactions.contract_drafts import open_draft


async def sign(opened: OpenDistribution, oracle: str, signed_data: bytes | None = None) -> Any:
    return await oracle_sign(
        opened.backend,
        signed_data=opened.statement().signed_data if signed_data is None else signed_data,
        key=opened.world.keys[oracle],
    )


async def test_what_is_printed_signed_and_committed_is_accepted_by_the_chain(
    opened: OpenDistribution,
) -> None:
    payload = await oracle_payload(
        opened.backend,
        contract_address=opened.address,
        milestone_identifier="milestone-001",
        verification_timestamp=opened.world.now - 60,
    )
    assert payload.warnings == ()
    signed = [await sign(opened, f"oracle-{n}", bytes.fromhex(payload.signed_data)) for n in (0, 2)]
    assert [each.warnings for each in signed] == [(), ()]
    entries = [OracleSignature.model_validate(s.entry.model_dump(mode="json")) for s in signed]
    assert (await opened.commit(*entries)).verified
    await opened.attest(wait=True)
    (milestone,) = (await opened.status("milestone-001")).milestones
    assert milestone.attested


async def test_a_stranger_does_not_sign(opened: OpenDistribution) -> None:
    with pytest.raises(InvalidInput, match="none of the distribution's 3 oracles"):
        await sign(opened, "stranger")


async def test_clocks_may_differ_by_minutes(opened: OpenDistribution) -> None:
    """The newest block is up to minutes old: the usual order of commands ends in no false alarm."""
    moment = (opened.world.now + 300) * 1000
    result = await sign(
        opened, "oracle-0", opened.statement(verification_posix_ms=moment).signed_data
    )
    assert not [w for w in result.warnings if "still to come" in w]


async def test_a_time_to_come_is_a_warning(opened: OpenDistribution) -> None:
    moment = (opened.world.now + 86_400) * 1000
    signed_data = opened.statement(verification_posix_ms=moment).signed_data
    result = await sign(opened, "oracle-0", signed_data)
    assert [w for w in result.warnings if "still to come" in w]


async def test_a_milestone_that_nobody_waits_for_is_not_signed(opened: OpenDistribution) -> None:
    with pytest.raises(NotFound, match="milestone-009"):
        await sign(opened, "oracle-0", opened.statement("milestone-009").signed_data)


async def test_terms_that_name_another_network_are_not_signed(opened: OpenDistribution) -> None:
    """Somebody opens terms here that say they are for another network: past the program's own check."""
    world, backend = opened.world, opened.backend
    document = world.schedule()
    document["contract_metadata"] = {**document["contract_metadata"], "network_magic": 1}
    foreign = Distribution.from_schedule(parse_schedule(document), world.contract)
    draft = open_draft(foreign, scripts=await require_published(backend))
    sending = SendDraft(name="test", draft=draft)
    await perform(backend, sending, key=world.keys["creator"], wait=True)
    statement = replace(opened.statement(), distribution_id=foreign.id)
    with pytest.raises(InvalidInput, match="magic 1, but the node at") as refused:
        await sign(opened, "oracle-0", statement.signed_data)
    assert refused.value.path == "network"


async def test_a_node_of_another_network_than_configured_is_refused(
    opened: OpenDistribution,
) -> None:
    workspace = opened.world.workspace(network="preprod", magic=1)
    async with opened.world.backend(workspace) as backend:
        with pytest.raises(NetworkMismatch):
            await oracle_sign(
                backend,
                signed_data=opened.statement().signed_data,
                key=opened.world.keys["oracle-0"],
            )


async def test_signatures_are_committed_with_the_terms_of_the_chain(
    opened: OpenDistribution,
) -> None:
    """Neither a schedule in the data directory, nor numbers on the command line."""
    shutil.rmtree(opened.world.data_directory)
    result = await opened.commit(opened.entry("oracle-0"), opened.entry("oracle-1"))
    assert (result.quorum_threshold, result.total_oracles, result.verified) == (2, 3, True)


async def test_after_a_status_the_terms_are_known_offline(opened: OpenDistribution) -> None:
    await opened.status()
    shutil.rmtree(opened.world.data_directory / "schedules")
    with pytest.raises(InvalidInput, match="the distribution's terms say 2, not 1"):
        await commit_milestone(
            opened.world.workspace(),
            milestone_identifier="milestone-001",
            oracle_signatures=[opened.entry("oracle-0")],
            quorum_threshold=1,
        )
