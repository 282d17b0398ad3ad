"""Proposals: what is refused before anything is signed, and runs that are cut off."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from milestones.cardano.hashes import blake2b_256
from milestones.domain.models import OracleSignature
from milestones.errors import (
    ChainRejected,
    InvalidAddress,
    InvalidInput,
    InvalidSignature,
    NotAllowedYet,
    NotFound,
    OutcomeUnknown,
)
from milestones.keys.key_files import SigningKey
from milestones.protocol.anchors import Anchor
from milestones.protocol.datums import Proposal
from milestones.protocol.statements import ObjectionStatement, parse_statement
from milestones.services.attest import Waiver, attest
from milestones.services.oracle import objection_payload, oracle_sign
from milestones.services.proposal import (
    ProposalSubmitted,
    proposal_confirm,
    proposal_object,
    proposal_retire,
    proposal_show,
    proposal_submit,
)
from milestones.services.sending.published_scripts import require_published
from milestones.services.sending.runner import SendDraft, perform
from milestones.services.verify import verify
from milestones.testing.cast import ADA
from milestones.testing.cutting_proxy import Moment
from milestones.testing.distribution import OpenDistribution
from milestones.testing.world import World
from milestones.transactions.board_drafts import Referenced, propose_draft

BOND = 5 * ADA
FIRST, SECOND = "milestone-001", "milestone-002"


@pytest.fixture
def schedule_changes() -> dict[str, Any]:
    """Two oracles stop a proposal."""
    return {"objectors": 2, "review_bond_lovelace": BOND}


async def submitted(
    stage: OpenDistribution, milestone: str = FIRST, **options: Any
) -> ProposalSubmitted:
    settings = {"key": stage.world.keys["stranger"], "wait": True, **options}
    return await proposal_submit(
        stage.backend, contract_address=stage.address, milestone_identifier=milestone, **settings
    )


async def objections(
    stage: OpenDistribution, proposal: str, *oracles: str
) -> list[OracleSignature]:
    payload = await objection_payload(
        stage.backend,
        contract_address=stage.address,
        proposal=proposal,
        bond_to=stage.world.address("relayer"),
    )
    signed = [
        await oracle_sign(
            stage.backend,
            signed_data=bytes.fromhex(payload.signed_data),
            key=stage.world.keys[oracle],
        )
        for oracle in oracles
    ]
    return [OracleSignature.model_validate(each.entry.model_dump()) for each in signed]


async def test_what_can_not_be_proposed(stage: OpenDistribution) -> None:
    with pytest.raises(NotFound, match="milestone-009"):
        await submitted(stage, "milestone-009")
    with pytest.raises(InvalidInput, match="at most 64 bytes"):
        await submitted(stage, evidence_hash=bytes(65))
    with pytest.raises(InvalidAddress, match="an address of mainnet"):
        await submitted(stage, return_to=stage.world.keys["stranger"].address(1))
    with pytest.raises(InvalidInput, match="nothing can be backdated"):
        await submitted(stage, said_at_timestamp=stage.world.now)
    await stage.attested(SECOND)
    with pytest.raises(NotAllowedYet) as refused:
        await submitted(stage, SECOND)
    assert refused.value.rule == "attested"


async def test_the_same_twice_buys_nothing_and_another_evidence_does(
    stage: OpenDistribution,
) -> None:
    first = await submitted(stage, evidence_hash=b"a")
    with pytest.raises(NotAllowedYet, match=first.proposal) as refused:
        await submitted(stage, evidence_hash=b"a")
    assert refused.value.rule == "proposed"
    second = await submitted(stage, evidence_hash=b"b", return_to=stage.world.address("relayer"))
    with pytest.raises(InvalidInput, match="has 2 proposals") as several:
        await proposal_confirm(
            stage.backend,
            contract_address=stage.address,
            proposal=FIRST,
            key=stage.world.keys["relayer"],
        )
    assert several.value.details["proposals"] == [first.proposal, second.proposal]
    shown = await proposal_show(stage.backend, contract_address=stage.address)
    assert [each.evidence_hash for each in shown.proposals] == [b"a", b"b"]
    assert shown.proposals[1].return_to == stage.world.address("relayer").to_bech32()
    assert shown.objections_needed == 2


async def test_as_many_object_as_the_terms_ask(stage: OpenDistribution) -> None:
    proposed = await submitted(stage)
    entries = await objections(stage, FIRST, "oracle-0", "oracle-2")
    about: dict[str, Any] = {"contract_address": stage.address, "key": stage.world.keys["relayer"]}
    with pytest.raises(NotAllowedYet, match="1 of the 2 oracles"):
        await proposal_object(stage.backend, proposal=FIRST, signatures=entries[:1], **about)
    stopped = await proposal_object(
        stage.backend, proposal=proposed.proposal, signatures=entries, **about, wait=True
    )
    assert (stopped.bond_lovelace, len(stopped.signers)) == (BOND, 2)
    # The first could still be in a block anew; it is none of another run's for all that.
    again = await submitted(stage)
    assert again.proposal != proposed.proposal
    with pytest.raises(NotAllowedYet) as refused:
        await submitted(stage)
    assert refused.value.rule == "proposed"


async def test_an_objection_to_one_proposal_stops_no_other(stage: OpenDistribution) -> None:
    await submitted(stage, FIRST)
    await submitted(stage, SECOND)
    entries = await objections(stage, FIRST, "oracle-0", "oracle-1")
    with pytest.raises(InvalidSignature, match="no entry says of this distribution"):
        await proposal_object(
            stage.backend,
            contract_address=stage.address,
            proposal=SECOND,
            signatures=entries,
            key=stage.world.keys["relayer"],
        )
    forged = [entries[0], entries[1].model_copy(update={"signature": bytes(64)})]
    with pytest.raises(ChainRejected) as refused:
        await proposal_object(
            stage.backend,
            contract_address=stage.address,
            proposal=FIRST,
            signatures=forged,
            key=stage.world.keys["relayer"],
        )
    named = [stage.world.address("oracle-1").to_bech32()]
    assert refused.value.details["refused_oracles"] == named


async def test_an_oracle_signs_no_objection_that_names_another_milestone(
    stage: OpenDistribution,
) -> None:
    await submitted(stage)
    payload = await objection_payload(
        stage.backend,
        contract_address=stage.address,
        proposal=FIRST,
        bond_to=stage.world.address("relayer"),
    )
    statement = parse_statement(bytes.fromhex(payload.signed_data))
    assert isinstance(statement, ObjectionStatement)
    other = replace(statement, milestone=SECOND.encode())
    gone = replace(statement, proposal=replace(statement.proposal, index=7))
    key = stage.world.keys["oracle-0"]
    with pytest.raises(InvalidSignature, match="is about milestone 'milestone-001'"):
        await oracle_sign(stage.backend, signed_data=other.signed_data, key=key)
    with pytest.raises(NotFound, match="there is no proposal"):
        await oracle_sign(stage.backend, signed_data=gone.signed_data, key=key)


async def test_a_bond_that_can_not_return_is_said_and_not_built(stage: OpenDistribution) -> None:
    """Whoever proposes may write anything: then only oracles can take it off the chain."""
    backend, world = stage.backend, stage.world
    known = await stage.on_chain()
    said = (world.now + 3600) * 1000
    proposal = Proposal(
        world.contract.policy_id,
        known.distribution_id,
        FIRST.encode(),
        b"",
        said,
        said + 86_400_000,
        7,
    )
    clock = await backend.ogmios.slot_clock()
    draft = propose_draft(
        proposal,
        Referenced(terms=known.terms_utxos[0], scripts=await require_published(backend)),
        bond_lovelace=BOND,
        valid_until_slot=clock.slot_at(said),
    )
    sending = SendDraft(name="test", draft=draft)
    await perform(backend, sending, key=world.keys["stranger"], wait=True)
    shown = await proposal_show(backend, contract_address=stage.address)
    assert [each.return_to for each in shown.proposals] == [None]
    stage.reach(shown.proposals[0].due_at)
    with pytest.raises(NotAllowedYet, match="no address that a bond can return to") as refused:
        await proposal_confirm(
            backend, contract_address=stage.address, proposal=FIRST, key=world.keys["relayer"]
        )
    assert refused.value.rule == "return_to"


async def test_a_confirmation_comes_too_late_where_the_oracles_attested(
    stage: OpenDistribution,
) -> None:
    proposed = await submitted(stage)
    await stage.attested(FIRST)
    stage.reach(proposed.due_at)
    key = stage.world.keys["relayer"]
    with pytest.raises(NotAllowedYet) as refused:
        await proposal_confirm(
            stage.backend, contract_address=stage.address, proposal=FIRST, key=key
        )
    assert refused.value.rule == "attested"
    stage.reach(proposed.forgotten_at)
    retired = await proposal_retire(
        stage.backend, contract_address=stage.address, proposal=FIRST, key=key, wait=True
    )
    assert retired.bond_lovelace == BOND


Command = Callable[[OpenDistribution, SigningKey], Awaitable[Any]]


async def _submit(stage: OpenDistribution, key: SigningKey) -> Any:
    return await submitted(stage, key=key, wait=False)


async def _object(stage: OpenDistribution, key: SigningKey) -> Any:
    entries = await objections(stage, FIRST, "oracle-0", "oracle-1") if _waits(stage) else []
    return await proposal_object(
        stage.backend,
        contract_address=stage.address,
        proposal=FIRST,
        signatures=entries,
        key=key,
    )


def _waits(stage: OpenDistribution) -> bool:
    """Whether the objection was not sent yet: afterwards the signatures are of no matter."""
    return not stage.journal.of(stage.distribution.id, command="proposal object")


async def _confirm(stage: OpenDistribution, key: SigningKey) -> Any:
    return await proposal_confirm(
        stage.backend, contract_address=stage.address, proposal=FIRST, key=key
    )


async def _retire(stage: OpenDistribution, key: SigningKey) -> Any:
    return await proposal_retire(
        stage.backend, contract_address=stage.address, proposal=FIRST, key=key
    )


@pytest.mark.parametrize("command", [_submit, _object, _confirm, _retire])
@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_lost_answer_is_found_again(
    stage: OpenDistribution, command: Command, moment: Moment
) -> None:
    """Whether the node had it or not: the same command again reports the same transaction."""
    if command is not _submit:
        proposed = await submitted(stage)
        due: dict[Command, int] = {_confirm: proposed.due_at, _retire: proposed.forgotten_at}
        stage.reach(due.get(command, 0))
    key = stage.world.keys["relayer"]
    async with stage.on_a_bad_line(moment) as (broken, _):
        with pytest.raises(OutcomeUnknown) as lost:
            await command(broken, key)
    again = await command(stage, key)
    assert (again.transaction_hash, again.resumed) == (lost.value.transaction_id, True)
    (sent,) = [
        each
        for each in stage.journal.unsettled(0)
        if each.transaction_id == lost.value.transaction_id
    ]
    assert sent.payload is not None
    waiting = (await proposal_show(stage.backend, contract_address=stage.address)).proposals
    assert len(waiting) == (command is _submit)


class TestWithoutProposals:
    @pytest.fixture
    def schedule_changes(self) -> dict[str, Any]:
        """As usual."""
        return {}

    async def test_terms_that_allow_none_say_so(self, stage: OpenDistribution) -> None:
        for refused in (
            submitted(stage),
            objections(stage, FIRST, "oracle-0"),
            _object(stage, stage.world.keys["relayer"]),
        ):
            with pytest.raises(NotAllowedYet) as error:
                await refused
            assert error.value.rule == "objectors"

    async def test_and_no_waiver_either(self, stage: OpenDistribution) -> None:
        with pytest.raises(NotAllowedYet, match="never let the creator attest") as error:
            await attest(
                stage.backend,
                contract_address=stage.address,
                milestone_identifier=FIRST,
                key=stage.world.keys["creator"],
                waiver=Waiver(),
            )
        assert error.value.rule == "waiver_after"


class TestWaiver:
    @pytest.fixture
    def schedule_changes(self, world: World) -> dict[str, Any]:
        """From tomorrow on."""
        return {"waiver_after": world.now + 86_400}

    async def test_a_lost_answer_is_found_again(self, stage: OpenDistribution) -> None:
        stage.reach(stage.distribution.schedule().waiver_after or 0)
        waiver = Waiver(evidence_hash=b"x", verification_timestamp=1_700_000_000)
        options: dict[str, Any] = {"key": "creator", "waiver": waiver}
        async with stage.on_a_bad_line("after") as (broken, _):
            with pytest.raises(OutcomeUnknown) as lost:
                await broken.attest(**options)
        again = await stage.attest(**options)
        assert (again.transaction_hash, again.resumed) == (lost.value.transaction_id, True)
        assert (again.signers, again.verification_timestamp) == ((), 1_700_000_000)

    async def test_only_the_creator_waives(self, stage: OpenDistribution) -> None:
        stage.reach(stage.distribution.schedule().waiver_after or 0)
        with pytest.raises(InvalidInput, match="the creator's key hash is"):
            await stage.attest(key="stranger", waiver=Waiver())
        with pytest.raises(NotFound, match="milestone-009"):
            await stage.attest("milestone-009", key="creator", waiver=Waiver())


async def test_a_proposal_names_the_document_of_its_evidence(stage: OpenDistribution) -> None:
    """Also without a file at hand: the URL stands beside the evidence's hash."""
    report = blake2b_256(b"how it was done")
    anchor = Anchor("ipfs://report", report)
    await submitted(stage, evidence_hash=report, anchor=anchor)
    verified = await verify(stage.backend, contract_address=stage.address)
    named = [each for each in verified.documents if each.named_by == "proposal"]
    assert [(each.url, each.hash, each.file) for each in named] == [(anchor.url, report, None)]
