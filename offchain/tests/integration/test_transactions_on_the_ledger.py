"""Transactions of every kind, judged by the embedded ledger with the compiled contract."""

from __future__ import annotations

from dataclasses import replace

import pytest

from milestones.cardano.address import Address, key_credential
from milestones.cardano.hashes import blake2b_224
from milestones.cardano.outputs import Script
from milestones.cardano.value import LOVELACE, AssetId, Value
from milestones.devnet.ledger.failures import TransactionRejected
from milestones.devnet.ledger.transaction import decode_transaction
from milestones.devnet.ogmios.failures import rpc_failure
from milestones.domain.models import Allocation, MilestoneSchedule
from milestones.errors import LimitsExceeded
from milestones.protocol.distribution import Distribution
from milestones.testing.contract import (
    FIRST_SLOT,
    ContractHarness,
    Opened,
    moment,
    open_distribution,
    schedule,
)
from milestones.transactions.contract_drafts import PublishedScripts, open_draft, publish_draft
from milestones.transactions.draft import DraftOutput, Mint, TransactionDraft
from milestones.transactions.signing import sign

SIGNATURE_MISSING = 3101
FEE_TOO_SMALL = 3122
TOO_LITTLE_LOVELACE = 3125
SCRIPT_REFUSED = 3136
VESTED_SLOT, RECLAIM_SLOT = FIRST_SLOT + 4_000, FIRST_SLOT + 89_000
FIRST, SECOND = "milestone-001", "milestone-002"


def beneficiary(number: int) -> Address:
    digest = blake2b_224(bytes([number]))
    return Address(0, key_credential(digest), key_credential(digest))


def six_or_more(chain: ContractHarness, token: AssetId, count: int = 6) -> MilestoneSchedule:
    """Whoever pays created it: so one key signs everything."""
    allocations = [
        Allocation(
            beneficiary_address=beneficiary(number),
            token_amount=3_000_000 + number,
            milestone_identifier=FIRST if number < 4 else SECOND,
            vesting_timestamp=moment(VESTED_SLOT) - number % 2,
        )
        for number in range(count)
    ]
    return schedule(
        chain,
        allocations,
        token=token,
        page_depth=2 if count == 6 else 8,
        reclaim_slot=RECLAIM_SLOT,
        creator="payer",
    )


@pytest.fixture
def chain() -> ContractHarness:
    chain = ContractHarness()
    chain.give(Value(900_000_000))
    return chain


@pytest.fixture(params=["token", "ada"])
def story(chain: ContractHarness, request: pytest.FixtureRequest) -> Opened:
    """Opened: two pages, nothing attested, every allocation vested."""
    chain.publish()
    token = chain.token if request.param == "token" else LOVELACE
    story, _ = open_distribution(chain, six_or_more(chain, token))
    chain.reach(RECLAIM_SLOT)
    return story


def test_a_distribution_from_opening_to_closing(story: Opened) -> None:
    story, _ = story.attest(FIRST)
    story, _ = story.release([0, 2, 3])
    story, _ = story.release([1])
    story, sent = story.paid(story.harness.send(story.release_draft([5], attesting=SECOND)), [5])
    story, _ = story.attested(SECOND, sent.outputs[2]).release([4])
    chain, token = story.harness, story.distribution.token
    paid = [chain.held_by(beneficiary(number)).quantity(token) for number in range(6)]
    assert paid == [3_000_000 + number for number in range(6)]
    chain.send(story.close_draft())
    assert chain.held_by(story.distribution.address) == Value()


def test_closing_after_the_deadline_returns_what_nobody_claimed(story: Opened) -> None:
    story, _ = story.attest(FIRST)
    story, _ = story.release([0])
    closed = story.harness.send(story.close_draft(slot=RECLAIM_SLOT))
    token = story.distribution.token
    returned = sum((utxo.output.value for utxo in closed.change), Value())
    assert returned.quantity(token) >= story.distribution.terms.total_token_amount - 3_000_000


KINDS = ["publish", "open", "attest", "release", "release and attest", "close"]


def draft_of(kind: str, story: Opened) -> TransactionDraft:
    """A draft of each kind, after what must come before it."""
    distribution, chain = story.distribution, story.harness
    if kind == "publish":
        return publish_draft(distribution.contract, network_id=0)
    if kind == "open":
        total = Value.of(distribution.token, distribution.terms.total_token_amount)
        chain.give(Value(20_000_000) + total)
        return open_draft(distribution, scripts=chain.scripts)
    if kind == "attest":
        return story.attest_draft(FIRST)
    if kind == "release and attest":
        return story.release_draft([4, 5], attesting=SECOND)
    story, _ = story.attest(FIRST)
    if kind == "release":
        return story.release_draft([0, 3])
    return story.close_draft(slot=RECLAIM_SLOT)


@pytest.mark.parametrize("kind", KINDS)
def test_the_fee_is_the_least_that_the_ledger_takes(story: Opened, kind: str) -> None:
    chain, payer = story.harness, story.harness.key("payer")
    balanced = chain.balanced(draft_of(kind, story))
    assembly = balanced.assembly
    change = assembly.outputs[-1].with_lovelace(assembly.outputs[-1].value.lovelace + 1)
    cheaper = replace(
        assembly,
        outputs=(*assembly.outputs[:-1], change),
        fee_lovelace=assembly.fee_lovelace - 1,
    )
    with pytest.raises(TransactionRejected) as caught:
        chain.submit(sign(replace(balanced, assembly=cheaper), [payer]))
    assert rpc_failure(caught.value).rpc_code == FEE_TOO_SMALL
    before = chain.total()
    submitted = chain.submit(sign(balanced, [payer]))
    assert chain.total() + Value(submitted.fee_lovelace) == before + assembly.draft.minted()


@pytest.mark.parametrize("kind", KINDS)
def test_every_output_holds_its_least_or_more_and_not_one_lovelace_less(
    story: Opened, kind: str
) -> None:
    """Lowering the one output that was topped up by one lovelace makes the ledger refuse."""
    payer = story.harness.key("payer")
    balanced = story.harness.balanced(draft_of(kind, story))
    assembly = balanced.assembly
    topped_up = [
        place
        for place, output in enumerate(assembly.draft.outputs)
        if output.value.lovelace < assembly.outputs[place].value.lovelace
        and output.min_ada == "raise"
    ]
    for place in topped_up:
        outputs = list(assembly.outputs)
        for changed, difference in ((place, -1), (len(outputs) - 1, 1)):
            output = outputs[changed]
            outputs[changed] = output.with_lovelace(output.value.lovelace + difference)
        lower = replace(balanced, assembly=replace(assembly, outputs=tuple(outputs)))
        with pytest.raises(TransactionRejected) as caught:
            story.harness.submit(sign(lower, [payer]))
        assert rpc_failure(caught.value).rpc_code == TOO_LITTLE_LOVELACE
    assert topped_up or kind in ("close", "release") or story.distribution.token == LOVELACE


def test_what_the_contract_forbids_can_be_built_and_is_refused_by_the_chain(story: Opened) -> None:
    story, _ = story.attest(FIRST)
    draft = story.release_draft([0])
    vault, payout = draft.outputs
    redirected = replace(draft, outputs=(vault, replace(payout, address=story.harness.address)))
    for hostile, accepted in ((redirected, False), (draft, True)):
        transaction = story.harness.signed(story.harness.guessed(hostile))
        if accepted:
            story.harness.submit(transaction)
            continue
        with pytest.raises(TransactionRejected) as caught:
            story.harness.submit(transaction)
        assert rpc_failure(caught.value).rpc_code == SCRIPT_REFUSED


def test_too_many_claims_for_one_transaction_are_refused_before_signing(
    chain: ContractHarness,
) -> None:
    chain.publish()
    story, _ = open_distribution(chain, six_or_more(chain, chain.token, count=200))
    chain.reach(RECLAIM_SLOT)
    story = story.attest(FIRST)[0].attest(SECOND)[0]
    with pytest.raises(LimitsExceeded) as caught:
        chain.guessed(story.release_draft(range(200)))
    assert [limit.limit for limit in caught.value.exceeded] == ["transaction size"]
    (budget,) = caught.value.budgets.values()
    assert budget["script"] == chain.contract.vault_hash.hex()
    story.release(range(100))


def test_a_missing_signature_is_refused(story: Opened) -> None:
    balanced = story.harness.balanced(draft_of("open", story))
    with pytest.raises(TransactionRejected) as caught:
        story.harness.submit(sign(balanced, []))
    assert rpc_failure(caught.value).rpc_code == SIGNATURE_MISSING


def test_scripts_can_travel_with_the_transaction(story: Opened) -> None:
    """Without published scripts everything works too, and costs more."""
    chain = story.harness
    published = chain.balanced(draft_of("release and attest", story)).fee_lovelace
    chain.scripts = PublishedScripts(chain.contract)
    carried = chain.send(draft_of("release and attest", story))
    assert carried.fee_lovelace > published + 100_000


def test_one_large_output_is_input_and_collateral_with_return() -> None:
    chain = ContractHarness(collateral=False)
    distribution = Distribution.from_schedule(six_or_more(chain, LOVELACE), chain.contract)
    only = chain.give(Value(500_000_000, {chain.token: 7}))
    opened = chain.send(open_draft(distribution, scripts=chain.scripts))
    assert opened.inputs == (only,)
    decoded = decode_transaction(opened.cbor)
    assert decoded.body.collateral == (only.reference,)
    assert decoded.body.total_collateral == -(-opened.fee_lovelace * 150 // 100)
    assert opened.change[0].output.value.quantity(chain.token) == 7


def test_a_native_script_mints_with_two_signatures(chain: ContractHarness) -> None:
    keys = (chain.key("payer"), chain.key("somebody else"))
    named = b"".join(b"\x82\x00\x58\x1c" + key.key_hash for key in keys)
    policy = Script("native", b"\x82\x01\x82" + named)
    draft = TransactionDraft(
        mints=(Mint(policy.hash(), {b"coin": 5}),),
        outputs=(
            DraftOutput(
                address=beneficiary(1), value=Value(0, {AssetId(policy.hash(), b"coin"): 5})
            ),
        ),
        scripts=(policy,),
        valid_until_slot=FIRST_SLOT + 2_000,
    )
    minted = chain.send(draft)
    assert minted.outputs[0].output.value.quantity(AssetId(policy.hash(), b"coin")) == 5


def test_sixty_transactions_chain_on_their_own_change(chain: ContractHarness) -> None:
    draft = TransactionDraft(outputs=(DraftOutput(address=beneficiary(1), value=Value(2_000_000)),))
    before = chain.total()
    fees = sum(chain.send(draft).fee_lovelace for _ in range(60))
    assert chain.total() + Value(fees) == before
