"""Python and the compiled contract agree on every digest, message and name that `board` added.

The contract is asked: each example is opened, said, signed and ended through the compiled scripts, which
compute ids, names and messages themselves and refuse whatever Python computes otherwise.
"""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from milestones.cardano import plutus_data
from milestones.cardano.address import Address, key_credential, script_credential
from milestones.cardano.outputs import OutputDatum
from milestones.cardano.value import AssetId
from milestones.domain.models import Allocation
from milestones.protocol.datums import Attestation, Board, Notice, Proposal
from milestones.protocol.distribution import Distribution
from milestones.protocol.terms import Refund, Terms
from milestones.testing.contract import FIRST_SLOT, moment, schedule
from milestones.testing.proceedings import slot_of
from milestones.transactions.board_drafts import LiveProposal
from milestones.transactions.contract_drafts import Attesting, attest_draft
from tests.support.hostile import Judge
from tests.support.scenes import FIRST, Scene

EXAMPLES = 12
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=16)
"""Milestones, up to 64 bytes of UTF-8."""
EVIDENCE = st.binary(max_size=100)
HASHES = st.binary(min_size=28, max_size=28)
CREDENTIALS = HASHES.map(key_credential) | HASHES.map(script_credential)
ADDRESSES = st.builds(Address, st.just(0), CREDENTIALS, st.none() | CREDENTIALS)
DATUMS = st.sampled_from(
    (
        OutputDatum(),
        OutputDatum(None, bytes(range(32))),
        OutputDatum(plutus_data.encode((b"x" * 65, -1, ()))),
        OutputDatum(plutus_data.encode(1 << 70)),
    )
)


def quick(count: int = EXAMPLES) -> settings:
    """So many examples."""
    return settings(max_examples=count, suppress_health_check=[HealthCheck.function_scoped_fixture])


def terms() -> st.SearchStrategy[dict[str, object]]:
    """Optional fields there or not, numbers small and large.

    A vault of lovelace is opened with the allowance of every leaf: all that the wallet has pays for it.
    """
    moments = st.integers(0, 1 << 62)
    return st.fixed_dictionaries(
        {
            "allowance_lovelace": st.integers(0, 1 << 36),
            "waiver_after_posix_ms": st.none() | moments,
            "reclaim_after_posix_ms": st.none() | moments,
            "staking": st.none() | CREDENTIALS,
            "refund": st.builds(Refund, ADDRESSES, DATUMS),
            "cancel_by": st.sets(st.sampled_from(("creator", "quorum"))).map(frozenset),
            "cancel_grace_ms": moments,
            "objectors": st.integers(0, 1 << 20),
            "review_period_ms": moments,
            "bond_lovelace": st.integers(0, 1 << 40),
        }
    )


@quick(30)
@given(changes=terms(), is_rotatable=st.booleans())
def test_ids_of_any_terms(scene: Scene, changes: dict[str, object], is_rotatable: bool) -> None:
    """The contract opens under the id that Python hashes, and Python reads the terms back."""
    judge = Judge(scene.harness)
    with scene.harness.undone():
        made = scene.rotatable(**changes) if is_rotatable else scene.other(**changes)
        sent = judge.accepted(scene.opening_of(made))
        raw = sent.outputs[0].output.inline_datum or b""
        assert Terms.decode(raw) == made.terms
        assert Terms.decode(raw).distribution_id == made.id
        if is_rotatable:
            assert Board.decode(sent.outputs[3].output.inline_datum or b"") == made.first_board


@quick()
@given(milestone=NAMES, evidence=EVIDENCE, return_to=ADDRESSES, bond_to=ADDRESSES)
def test_proposals_objections_and_what_is_confirmed(
    scene: Scene, milestone: str, evidence: bytes, return_to: Address, bond_to: Address
) -> None:
    """Names, the message of an objection, and the attestation that a confirmation leaves."""
    judge = Judge(scene.harness)
    with scene.harness.undone():
        world = scene.proceedings(is_rotatable=len(evidence) % 2 == 0)
        proposal = world.proposal(milestone, evidence=evidence, return_to=return_to)
        sent = judge.accepted(world.propose_draft(proposal))
        live = LiveProposal(sent.outputs[0], proposal)
        assert Proposal.decode(sent.outputs[0].output.inline_datum or b"") == proposal
        with scene.harness.undone():
            judge.accepted(world.object_draft(live, bond_to=bond_to))
        scene.harness.reach(slot_of(proposal.due_at_posix_ms))
        sent = judge.accepted(world.confirm_draft(live))
        attestation = Attestation.decode(sent.outputs[0].output.inline_datum or b"")
        assert attestation.milestone_identifier == milestone
        assert sent.outputs[0].output.value.assets == {
            world.opened.distribution.attestation_token(milestone): 1
        }


@quick()
@given(milestone=NAMES, evidence=EVIDENCE, at=st.integers(-(1 << 70), 1 << 70))
def test_messages_of_attestations(scene: Scene, milestone: str, evidence: bytes, at: int) -> None:
    """Whatever the oracles sign."""
    judge = Judge(scene.harness)
    with scene.harness.undone():
        opened = scene.proceedings(is_rotatable=at % 2 == 0).opened
        statement = replace(
            opened.statement(milestone), evidence_hash=evidence, verification_posix_ms=at
        )
        attesting = Attesting.of(opened.sitting, statement, opened.witnesses(statement))
        judge.accepted(attest_draft(attesting, terms=opened.terms, scripts=scene.harness.scripts))


@quick()
@given(boards=st.lists(st.sets(st.integers(0, 9), min_size=1, max_size=8), min_size=1, max_size=3))
def test_messages_of_rotations(scene: Scene, boards: list[set[int]]) -> None:
    """Boards of any size, one after the other: names, numbers and votes."""
    with scene.harness.undone():
        world = scene.proceedings(is_rotatable=True)
        for board in boards:
            names = [f"oracle-{number}" for number in board]
            world = world.rotate(names, (len(names) + 1) // 2)
            seated, utxo = world.seated
            assert utxo.output.value.assets == {
                AssetId(scene.harness.contract.board_policy, seated.token_name): 1
            }
        Judge(scene.harness).accepted(world.opened.attest_draft(FIRST))


@quick()
@given(by=st.sampled_from(("creator", "quorum")), refund=st.builds(Refund, ADDRESSES, DATUMS))
def test_notices_and_refunds(scene: Scene, by: str, refund: Refund) -> None:
    """The message of a notice, and the refund with any datum at any address."""
    judge = Judge(scene.harness)
    with scene.harness.undone():
        world = scene.proceedings(is_rotatable=by == "quorum", refund=refund)
        told = world.notify("creator" if by == "creator" else "quorum")
        notice = Notice.decode(told.opened.notices[0].output.inline_datum or b"")
        scene.harness.reach(slot_of(notice.said_at_posix_ms + world.terms.grace_ms))
        output = judge.accepted(told.end_draft()).outputs[0].output
        assert output.address == refund.address.to_bech32()
        assert (output.inline_datum, output.datum_hash) == (refund.datum.inline, refund.datum.hash)


@quick()
@given(datum=DATUMS, address=ADDRESSES, milestone=NAMES)
def test_leaves_with_any_datum(
    scene: Scene, datum: OutputDatum, address: Address, milestone: str
) -> None:
    """What a leaf commits to is what the payout carries."""
    allocation = Allocation(
        beneficiary_address=address,
        token_amount=5,
        milestone_identifier=milestone,
        vesting_timestamp=moment(FIRST_SLOT),
        datum=datum.inline,
        datum_hash=datum.hash,
    )
    with scene.harness.undone():
        plan = schedule(scene.harness, [allocation] * 3, token=scene.token)
        opened = scene.open(Distribution.from_schedule(plan, scene.harness.contract))
        attested, _ = opened.attest(milestone)
        output = Judge(scene.harness).accepted(attested.release_draft([1])).outputs[1].output
        assert (output.inline_datum, output.datum_hash) == (datum.inline, datum.hash)
