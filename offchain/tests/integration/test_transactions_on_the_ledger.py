"""Transactions of every kind, judged by the embedded ledger with the compiled contract."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from pure_chain import PureChain

from milestones.cardano.address import Address, key_credential
from milestones.cardano.hashes import blake2b_224
from milestones.cardano.outputs import Script, Utxo
from milestones.cardano.value import LOVELACE, AssetId, Value
from milestones.devnet.ledger.failures import LedgerFailure
from milestones.devnet.ledger.transaction import decode_transaction
from milestones.domain.models import Allocation, ContractMetadata, MilestoneSchedule
from milestones.errors import LimitsExceeded
from milestones.protocol.distribution import Distribution
from milestones.protocol.redeemers import OracleWitness
from milestones.protocol.signing import Statement
from milestones.protocol.validator_loader import Contract, load_contract
from milestones.transactions.attest import Attesting, attest_draft
from milestones.transactions.close import close_draft
from milestones.transactions.draft import DraftOutput, Mint, TransactionDraft
from milestones.transactions.open import open_draft
from milestones.transactions.publish import publish_draft
from milestones.transactions.published_scripts import PublishedScripts
from milestones.transactions.release import ReleaseSources, release_draft
from milestones.transactions.tx_builder import SignedTransaction, sign
from milestones.transactions.wallet import SigningKey

SIGNATURE_MISSING = 3101
FEE_TOO_SMALL = 3122
TOO_LITTLE_LOVELACE = 3125
SCRIPT_REFUSED = 3136
START_POSIX_S = 1_700_000_000
VESTED_SLOT, RECLAIM_SLOT = 5_000, 90_000

CREATOR = SigningKey.from_bytes(bytes([9] * 32))
ORACLES = [SigningKey.from_bytes(bytes([n] * 32)) for n in (1, 2, 3)]
TOKEN = AssetId(bytes([0xAA] * 28), b"MILE")
FIRST, SECOND = "milestone-001", "milestone-002"


def beneficiary(number: int) -> Address:
    digest = blake2b_224(bytes([number]))
    return Address(0, key_credential(digest), key_credential(digest))


@dataclass
class Story:
    """A distribution on a ledger, from its scripts' publication on."""

    chain: PureChain
    distribution: Distribution
    scripts: PublishedScripts
    terms: Utxo
    vaults: list[Utxo]
    attestations: dict[str, Utxo] = field(default_factory=dict)

    def attesting(self, milestone: str) -> Attesting:
        statement = Statement(
            self.distribution.contract.policy_id,
            self.distribution.id,
            milestone.encode(),
            bytes(32),
            START_POSIX_S * 1000,
        )
        data = statement.signed_data
        witnesses = [OracleWitness(key.verification_key, key.sign(data)) for key in ORACLES[1:]]
        return Attesting.of(self.distribution.terms, statement, witnesses)

    def attest(self, milestone: str) -> SignedTransaction:
        draft = attest_draft(self.attesting(milestone), terms=self.terms, scripts=self.scripts)
        attested = self.chain.run(draft)
        self.attestations[milestone] = attested.outputs[0]
        return attested

    def release_draft(self, *indices: int, attesting: str | None = None) -> TransactionDraft:
        ((page, _),) = self.distribution.by_page(indices).items()
        sources = ReleaseSources(
            vault=self.vaults[page],
            terms=self.terms,
            scripts=self.scripts,
            attestations=self.attestations,
            attesting=self.attesting(attesting) if attesting else None,
        )
        return release_draft(self.distribution, indices, sources, valid_from_slot=VESTED_SLOT)

    def release(self, *indices: int, attesting: str | None = None) -> SignedTransaction:
        released = self.chain.run(self.release_draft(*indices, attesting=attesting))
        ((page, _),) = self.distribution.by_page(indices).items()
        self.vaults[page] = released.outputs[0]
        if attesting is not None:
            self.attestations[attesting] = released.outputs[1 + len(indices)]
        return released

    def close_draft(self) -> TransactionDraft:
        return close_draft(
            self.distribution.terms,
            terms_utxo=self.terms,
            vaults=self.vaults,
            attestations=list(self.attestations.values()),
            scripts=self.scripts,
            valid_from_slot=RECLAIM_SLOT,
        )


def schedule(token: AssetId, count: int = 6) -> MilestoneSchedule:
    allocations = tuple(
        Allocation(
            beneficiary_address=beneficiary(number),
            token_amount=3_000_000 + number,
            milestone_identifier=FIRST if number < 4 else SECOND,
            vesting_timestamp=START_POSIX_S + VESTED_SLOT - number % 2,
        )
        for number in range(count)
    )
    return MilestoneSchedule(
        token_policy_id=token.policy_id,
        token_name=token.asset_name,
        beneficiary_allocations=allocations,
        oracle_addresses=tuple(key.address(0) for key in ORACLES),
        quorum_threshold=2,
        creator=CREATOR.address(0),
        reclaim_after=START_POSIX_S + RECLAIM_SLOT,
        contract_metadata=ContractMetadata(created_at=START_POSIX_S, network_magic=42),
        page_depth=2,
    )


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load_contract()


@pytest.fixture
def chain() -> PureChain:
    chain = PureChain(CREATOR)
    chain.give("small", Value(5_000_000))
    chain.give("large", Value(900_000_000))
    chain.give("tokens", Value(5_000_000, {TOKEN: 10**9}))
    return chain


@pytest.fixture(params=[TOKEN, LOVELACE], ids=["token", "ada"])
def story(chain: PureChain, contract: Contract, request: pytest.FixtureRequest) -> Story:
    """Opened: two pages, nothing attested, every allocation vested."""
    published = chain.run(publish_draft(contract, network_id=0))
    scripts = PublishedScripts(contract, *published.outputs[:2])
    distribution = Distribution.from_schedule(schedule(request.param), contract)
    opened = chain.run(open_draft(distribution, scripts=scripts, metadata={1: b"\xa0"}))
    chain.at(RECLAIM_SLOT)
    return Story(chain, distribution, scripts, opened.outputs[0], list(opened.outputs[1:3]))


def test_a_distribution_from_opening_to_closing(story: Story) -> None:
    story.attest(FIRST)
    story.release(0, 2, 3)
    story.release(1)
    story.release(5, attesting=SECOND)
    story.release(4)
    balance_of = dict.fromkeys(range(6), 0)
    for output in story.chain.outputs.values():
        for number in balance_of:
            if str(output.address) == str(beneficiary(number)):
                balance_of[number] += output.value.quantity(story.distribution.token)
    assert balance_of == {number: 3_000_000 + number for number in range(6)}
    story.chain.run(story.close_draft())
    at_contract = str(story.distribution.address)
    assert at_contract not in {str(o.address) for o in story.chain.outputs.values()}


def test_closing_after_the_deadline_returns_what_nobody_claimed(story: Story) -> None:
    story.attest(FIRST)
    story.release(0)
    closed = story.chain.run(story.close_draft())
    token = story.distribution.token
    returned = sum((utxo.output.value for utxo in closed.change), Value())
    assert returned.quantity(token) >= story.distribution.terms.total_token_amount - 3_000_000


KINDS = ["publish", "open", "attest", "release", "release and attest", "close"]


def draft_of(kind: str, story: Story) -> TransactionDraft:
    """A draft of each kind, after what must come before it."""
    if kind == "publish":
        return publish_draft(story.scripts.contract, network_id=0)
    if kind == "open":
        return open_draft(story.distribution, scripts=story.scripts)
    if kind == "attest":
        return attest_draft(story.attesting(FIRST), terms=story.terms, scripts=story.scripts)
    if kind == "release and attest":
        return story.release_draft(4, 5, attesting=SECOND)
    story.attest(FIRST)
    return story.release_draft(0, 3) if kind == "release" else story.close_draft()


@pytest.mark.parametrize("kind", KINDS)
def test_the_fee_is_the_least_that_the_ledger_takes(story: Story, kind: str) -> None:
    chain = story.chain
    balanced = chain.balanced(draft_of(kind, story))
    assembly = balanced.assembly
    change = assembly.outputs[-1].with_lovelace(assembly.outputs[-1].value.lovelace + 1)
    cheaper = replace(
        assembly,
        outputs=(*assembly.outputs[:-1], change),
        fee_lovelace=assembly.fee_lovelace - 1,
    )
    with pytest.raises(LedgerFailure) as caught:
        chain.submit(sign(replace(balanced, assembly=cheaper), [CREATOR]))
    assert caught.value.code == FEE_TOO_SMALL
    before = chain.total()
    submitted = chain.submit(sign(balanced, [CREATOR]))
    assert chain.total() + Value(submitted.fee_lovelace) == before + assembly.draft.minted()


@pytest.mark.parametrize("kind", KINDS)
def test_every_output_holds_its_least_or_more_and_not_one_lovelace_less(
    story: Story, kind: str
) -> None:
    """Lowering the one output that was topped up by one lovelace makes the ledger refuse."""
    balanced = story.chain.balanced(draft_of(kind, story))
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
        with pytest.raises(LedgerFailure) as caught:
            story.chain.submit(sign(lower, [CREATOR]))
        assert caught.value.code == TOO_LITTLE_LOVELACE
    assert topped_up or kind in ("close", "release") or story.distribution.token == LOVELACE


def test_what_the_contract_forbids_can_be_built_and_is_refused_by_the_chain(story: Story) -> None:
    story.attest(FIRST)
    draft = story.release_draft(0)
    vault, payout = draft.outputs
    redirected = replace(draft, outputs=(vault, replace(payout, address=CREATOR.address(0))))
    for hostile, accepted in ((redirected, False), (draft, True)):
        transaction = sign(story.chain.guessed(hostile), [CREATOR])
        if accepted:
            story.chain.submit(transaction)
            continue
        with pytest.raises(LedgerFailure) as caught:
            story.chain.submit(transaction)
        assert caught.value.code == SCRIPT_REFUSED


def test_too_many_claims_for_one_transaction_are_refused_before_signing(
    chain: PureChain, contract: Contract
) -> None:
    scripts = PublishedScripts(
        contract, *chain.run(publish_draft(contract, network_id=0)).outputs[:2]
    )
    many = schedule(TOKEN, count=200).model_copy(update={"page_depth": 8})
    distribution = Distribution.from_schedule(many, contract)
    opened = chain.run(open_draft(distribution, scripts=scripts))
    chain.at(RECLAIM_SLOT)
    story = Story(chain, distribution, scripts, opened.outputs[0], [opened.outputs[1]])
    story.attest(FIRST)
    story.attest(SECOND)
    with pytest.raises(LimitsExceeded) as caught:
        chain.guessed(story.release_draft(*range(200)))
    assert [limit.limit for limit in caught.value.exceeded] == ["transaction size"]
    (budget,) = caught.value.budgets.values()
    assert budget["script"] == contract.vault_hash.hex()
    story.release(*range(100))


def test_a_missing_signature_is_refused(story: Story) -> None:
    balanced = story.chain.balanced(draft_of("open", story))
    with pytest.raises(LedgerFailure) as caught:
        story.chain.submit(sign(balanced, []))
    assert caught.value.code == SIGNATURE_MISSING


def test_scripts_can_travel_with_the_transaction(story: Story) -> None:
    """Without published scripts everything works too, and costs more."""
    published = story.chain.balanced(draft_of("release and attest", story)).fee_lovelace
    story.scripts = PublishedScripts(story.scripts.contract)
    carried = story.chain.run(draft_of("release and attest", story))
    assert carried.fee_lovelace > published + 100_000


def test_one_large_output_is_input_and_collateral_with_return(
    chain: PureChain, contract: Contract
) -> None:
    chain.run(publish_draft(contract, network_id=0))
    distribution = Distribution.from_schedule(schedule(LOVELACE), contract)
    chain.wallet = ()
    only = chain.give("only", Value(500_000_000, {TOKEN: 7}))
    draft = open_draft(distribution, scripts=PublishedScripts(contract))
    opened = chain.run(draft)
    assert opened.inputs == (only,)
    decoded = decode_transaction(opened.cbor)
    assert decoded.body.collateral == (only.reference,)
    assert decoded.body.total_collateral == -(-opened.fee_lovelace * 150 // 100)
    assert opened.change[0].output.value.quantity(TOKEN) == 7


def test_a_native_script_mints_with_two_signatures(chain: PureChain) -> None:
    other = ORACLES[0]
    named = b"".join(b"\x82\x00\x58\x1c" + key.key_hash for key in (CREATOR, other))
    policy = Script("native", b"\x82\x01\x82" + named)
    draft = TransactionDraft(
        mints=(Mint(policy.hash(), {b"coin": 5}),),
        outputs=(
            DraftOutput(
                address=beneficiary(1), value=Value(0, {AssetId(policy.hash(), b"coin"): 5})
            ),
        ),
        scripts=(policy,),
        valid_until_slot=2_000,
    )
    minted = chain.run(draft, [other])
    assert minted.outputs[0].output.value.quantity(AssetId(policy.hash(), b"coin")) == 5


def test_sixty_transactions_chain_on_their_own_change(chain: PureChain) -> None:
    draft = TransactionDraft(outputs=(DraftOutput(address=beneficiary(1), value=Value(2_000_000)),))
    before = chain.total()
    fees = sum(chain.run(draft).fee_lovelace for _ in range(60))
    assert chain.total() + Value(fees) == before
