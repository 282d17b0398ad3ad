"""A chain and a wallet in this process: transactions are built, judged and taken without any socket.

Benchmarks measure on it and tests attack on it: what the contract accepts, what it refuses, what that costs.
Nothing depends on the machine's clock, so that the same calls give the same transactions, to the last byte,
on every day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from milestones.cardano.address import Address
from milestones.cardano.outputs import OutputReference, TransactionOutput, Utxo
from milestones.cardano.parameters import ExecutionUnits, ProtocolParameters, RedeemerPointer
from milestones.cardano.value import AssetId, Value
from milestones.clients.ogmios_answers import protocol_parameters
from milestones.devnet.chain import Chain
from milestones.devnet.clock import Calendar, Clock
from milestones.devnet.funds import genesis_block
from milestones.devnet.ledger.addresses import decode_address
from milestones.devnet.ledger.parameters import MAINNET_PARAMETERS
from milestones.devnet.ogmios.parameters import parameters_json
from milestones.domain.models import Allocation, ContractMetadata, MilestoneSchedule
from milestones.keys.key_files import SigningKey
from milestones.protocol.datums import Board
from milestones.protocol.distribution import Distribution
from milestones.protocol.redeemers import OracleWitness
from milestones.protocol.statements import MilestoneStatement, Statement
from milestones.protocol.validator_loader import Contract, load_contract
from milestones.testing.cast import ADA, key_of
from milestones.transactions.closing_drafts import Remains, close_draft
from milestones.transactions.contract_drafts import (
    Attesting,
    PublishedScripts,
    ReleaseSources,
    Sitting,
    attest_draft,
    open_draft,
    publish_draft,
    release_draft,
)
from milestones.transactions.draft import Spend, TransactionDraft
from milestones.transactions.signing import SignedTransaction, sign
from milestones.transactions.tx_builder import BalancedTransaction, balance

MAGIC: Final = 42
FIRST_SLOT: Final = 200_000_000
"""Where the chain starts: a slot as long as mainnet's are, since its bytes cost fees."""
SLOT_ZERO_POSIX_S: Final = 1_500_000_000


def moment(slot: int) -> int:
    """When a slot starts, in POSIX seconds."""
    return SLOT_ZERO_POSIX_S + slot


class ContractHarness:
    """One chain and one wallet, whose key is "payer". Keys are made of names, and sign when asked for.

    `token` can be had by `give` in any quantity. `scripts` are published once `publish` was called.
    """

    def __init__(self, contract: Contract | None = None, *, collateral: bool = True) -> None:
        self.contract = contract or load_contract()
        self.chain = _chain()
        self.parameters: ProtocolParameters = protocol_parameters(
            parameters_json(self.chain.parameters)
        )
        self.token = AssetId(self.chain.faucet.policy_id, b"GRANT")
        self.scripts = PublishedScripts(self.contract)
        self._keys: dict[bytes, SigningKey] = {}
        self.address = self.key("payer").address(0)
        self.wallet: tuple[Utxo, ...] = ()
        if collateral:
            self.give(Value(5 * ADA))

    # -- who and what there is

    def key(self, name: str) -> SigningKey:
        """The key of this name, always the same."""
        key = key_of(name)
        self._keys[key.key_hash] = key
        return key

    def key_of_hash(self, key_hash: bytes) -> SigningKey:
        """A key that was asked for by its name before."""
        return self._keys[key_hash]

    def give(self, value: Value, address: Address | None = None) -> Utxo:
        """An output from the faucet (tokens are of its policy); without an address the wallet's."""
        recipient = address or self.address
        names = {asset.asset_name: quantity for asset, quantity in value.assets.items()}
        to = decode_address(recipient.to_bytes())
        transaction_id = self.chain.pay_from_faucet(to, value.lovelace, names)
        output = TransactionOutput(recipient.to_bech32(), value)
        utxo = Utxo(OutputReference(transaction_id, 0), output)
        if address is None:
            self.wallet = (*self.wallet, utxo)
        return utxo

    def total(self) -> Value:
        """Everything that the chain holds."""
        return sum((output.value for output in self.chain.utxo.values()), Value())

    def held_by(self, address: Address) -> Value:
        """Everything at an address."""
        raw = address.to_bytes()
        held = (out.value for out in self.chain.utxo.values() if out.address.raw == raw)
        return sum(held, Value())

    # -- time

    @property
    def slot(self) -> int:
        """The slot of the latest block."""
        return self.chain.tip.slot

    def reach(self, slot: int) -> None:
        """Lets time pass until this slot."""
        self.chain.clock.reach_slot(slot)
        self.chain.mine()

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Whatever happens inside has not happened afterwards."""
        name, wallet, scripts = self.chain.snapshot(), self.wallet, self.scripts
        try:
            yield
        finally:
            self.chain.revert(name)
            self.wallet, self.scripts = wallet, scripts

    # -- transactions

    def guessed(self, draft: TransactionDraft) -> BalancedTransaction:
        """Balanced without asking the scripts: how a transaction is built that they will refuse."""
        return balance(
            draft, parameters=self.parameters, wallet=self.wallet, change_address=self.address
        )

    def evaluate(self, balanced: BalancedTransaction) -> dict[RedeemerPointer, ExecutionUnits]:
        """What `evaluateTransaction` answers. Raises `EvaluationFailure`."""
        return dict(self.chain.evaluate(balanced.unsigned(), {}))

    def balanced(self, draft: TransactionDraft) -> BalancedTransaction:
        """Balanced with the units that the scripts take."""
        balanced = self.guessed(draft)
        while balanced.needs_evaluation:
            balanced = balanced.with_units(self.evaluate(balanced))
        return balanced

    def signed(self, balanced: BalancedTransaction) -> SignedTransaction:
        """Signed by all whose signature the ledger asks for."""
        return sign(balanced, [self._keys[digest] for digest in sorted(balanced.key_hashes)])

    def submit(self, transaction: SignedTransaction) -> SignedTransaction:
        """Submits it as it is. Raises `LedgerFailure`."""
        self.chain.submit(transaction.cbor)
        self.wallet = transaction.wallet_after(self.wallet)
        return transaction

    def send(self, draft: TransactionDraft) -> SignedTransaction:
        """Balances, evaluates, signs and submits. Raises `LedgerFailure`."""
        return self.submit(self.signed(self.balanced(draft)))

    def publish(self) -> None:
        """Puts the contract's scripts where transactions can refer to them."""
        published = self.send(publish_draft(self.contract, network_id=0)).outputs[:3]
        self.scripts = PublishedScripts(self.contract, *published)


def _chain() -> Chain:
    calendar = Calendar(MAGIC, SLOT_ZERO_POSIX_S * 1000)
    now_posix_ms = calendar.start_of(FIRST_SLOT)
    clock = Clock(calendar, manual=True, now=lambda: now_posix_ms)
    genesis = genesis_block(calendar, FIRST_SLOT, {}, now_posix_ms)
    return Chain(clock, MAINNET_PARAMETERS, [genesis])


# -- a distribution, from opening to closing: the drafts that honest people send

MILESTONE = "milestone-001"
EVIDENCE = bytes(32)


def oracles(harness: ContractHarness, count: int) -> tuple[SigningKey, ...]:
    """Keys in the order in which terms list their hashes."""
    keys = (harness.key(f"oracle-{number}") for number in range(count))
    return tuple(sorted(keys, key=lambda key: key.key_hash))


def schedule(
    harness: ContractHarness,
    allocations: Sequence[Allocation],
    *,
    token: AssetId,
    oracle_count: int = 3,
    quorum: int = 2,
    page_depth: int | None = None,
    reclaim_slot: int | None = None,
    creator: str = "creator",
) -> MilestoneSchedule:
    """A schedule of these allocations; irrevocable without a `reclaim_slot`. `creator` names a key."""
    return MilestoneSchedule(
        token_policy_id=token.policy_id,
        token_name=token.asset_name,
        beneficiary_allocations=tuple(allocations),
        oracle_addresses=tuple(key.address(0) for key in oracles(harness, oracle_count)),
        quorum_threshold=quorum,
        creator=harness.key(creator).address(0),
        reclaim_after=None if reclaim_slot is None else moment(reclaim_slot),
        irrevocable=reclaim_slot is None,
        contract_metadata=ContractMetadata(created_at=moment(FIRST_SLOT), network_magic=MAGIC),
        page_depth=page_depth,
    )


@dataclass(frozen=True)
class Opened:
    """A distribution on the chain, as it stood after some transaction.

    `vaults` are the live ones in page order; `attestations` by milestone; `board` where the oracles can
    be replaced; `notices` that were given, or that all may go home.
    """

    harness: ContractHarness
    distribution: Distribution
    terms: Utxo
    vaults: tuple[Utxo, ...]
    attestations: Mapping[str, Utxo] = field(default_factory=dict)
    board: Utxo | None = None
    notices: tuple[Utxo, ...] = ()

    def statement(self, milestone: str = MILESTONE) -> MilestoneStatement:
        """What the oracles sign."""
        distribution = self.distribution
        return MilestoneStatement(
            distribution.contract.policy_id,
            distribution.id,
            milestone.encode(),
            EVIDENCE,
            moment(FIRST_SLOT) * 1000,
        )

    def witnesses(self, statement: Statement, count: int | None = None) -> list[OracleWitness]:
        """The signatures of the first oracles that count, as many as a quorum or as given."""
        sitting, data = self.sitting, statement.signed_data
        wanted = sitting.oracles[: sitting.quorum_threshold if count is None else count]
        keys = [self.harness.key_of_hash(oracle) for oracle in wanted]
        return [OracleWitness(key.verification_key, key.sign(data)) for key in keys]

    @property
    def seated(self) -> Board | None:
        """What the board's datum says."""
        if self.board is None:
            return None
        return Board.decode(self.board.output.inline_datum or b"")

    @property
    def sitting(self) -> Sitting:
        """The oracles that count: those of the board, if there is one, else those of the terms."""
        seated = self.seated
        if seated is None:
            return Sitting.under(self.distribution.terms)
        return Sitting(seated.oracles, seated.quorum_threshold, self.board)

    def attesting(self, milestone: str = MILESTONE) -> Attesting:
        """An attestation with the quorum's signatures."""
        statement = self.statement(milestone)
        return Attesting.of(self.sitting, statement, self.witnesses(statement))

    def attest_draft(self, milestone: str = MILESTONE) -> TransactionDraft:
        """Attests a milestone on its own."""
        attesting = self.attesting(milestone)
        return attest_draft(attesting, terms=self.terms, scripts=self.harness.scripts)

    def release_draft(
        self, indices: Sequence[int], *, slot: int | None = None, attesting: str | None = None
    ) -> TransactionDraft:
        """Pays allocations of one page, valid from the tip's slot unless one is given."""
        sources = ReleaseSources(
            vault=self.vaults[self.distribution.place(min(indices))[0]],
            terms=self.terms,
            scripts=self.harness.scripts,
            attestations=self.attestations,
            attesting=None if attesting is None else self.attesting(attesting),
        )
        valid_from_slot = self.harness.slot if slot is None else slot
        return release_draft(self.distribution, indices, sources, valid_from_slot=valid_from_slot)

    def close_draft(
        self, *, slot: int | None = None, also: Sequence[Utxo] = (), notice: Utxo | None = None
    ) -> TransactionDraft:
        """Takes everything off the chain, and the attestations `also` that are not in this view.

        The creator's key signs for it, or it is by this `notice`, one of `notices`.
        """
        board = () if self.board is None else (self.board,)
        remains = Remains(
            terms=self.terms,
            vaults=self.vaults,
            attestations=(*self.attestations.values(), *also),
            board_utxos=(*board, *self.notices),
        )
        return close_draft(
            self.distribution.terms,
            remains,
            scripts=self.harness.scripts,
            notice=notice,
            valid_from_slot=slot,
        )

    def attest(self, milestone: str = MILESTONE) -> tuple[Opened, SignedTransaction]:
        """Sends `attest_draft`."""
        sent = self.harness.send(self.attest_draft(milestone))
        return self.attested(milestone, sent.outputs[0]), sent

    def attested(self, milestone: str, utxo: Utxo) -> Opened:
        """The same distribution with one attestation more."""
        return replace(self, attestations={**self.attestations, milestone: utxo})

    def release(self, indices: Sequence[int]) -> tuple[Opened, SignedTransaction]:
        """Sends `release_draft`."""
        return self.paid(self.harness.send(self.release_draft(indices)), indices)

    def paid(
        self, sent: SignedTransaction, indices: Sequence[int]
    ) -> tuple[Opened, SignedTransaction]:
        """The same distribution once a release of these allocations is in."""
        page = self.distribution.place(min(indices))[0]
        vaults = (*self.vaults[:page], sent.outputs[0], *self.vaults[page + 1 :])
        return replace(self, vaults=vaults), sent


def open_distribution(
    harness: ContractHarness, schedule: MilestoneSchedule
) -> tuple[Opened, SignedTransaction]:
    """Opens a distribution, unpublished; the wallet gets just what it takes."""
    distribution = Distribution.from_schedule(schedule, harness.contract)
    total = Value.of(distribution.token, schedule.total_token_amount)
    harness.give(Value(100 * ADA) + total)
    sent = harness.send(opening_draft(harness, distribution))
    return opened_by(harness, distribution, sent), sent


def opening_draft(harness: ContractHarness, distribution: Distribution) -> TransactionDraft:
    """Opens a distribution; where it is rotatable, spends the wallet's output that its terms name."""
    draft = open_draft(distribution, scripts=harness.scripts)
    named = tuple(u for u in harness.wallet if u.reference == distribution.terms.rotatable)
    return replace(draft, spends=tuple(Spend(utxo) for utxo in named))


def opened_by(
    harness: ContractHarness, distribution: Distribution, sent: SignedTransaction
) -> Opened:
    """The distribution that a transaction has opened."""
    behind = 1 + len(distribution.terms.pages)
    board = None if distribution.first_board is None else sent.outputs[behind]
    return Opened(harness, distribution, sent.outputs[0], sent.outputs[1:behind], board=board)


def base_address(harness: ContractHarness, name: str) -> Address:
    """An address with a staking part, both keys made of the name."""
    staking = harness.key(f"{name}, staking").address(0).payment
    return Address(0, harness.key(name).address(0).payment, staking)
