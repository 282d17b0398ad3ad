"""A chain in this process, what can be spent on it, and its books, kept a second time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Any, Final

import cbor2
from nacl.signing import SigningKey

from milestones.cardano import cbor
from milestones.cardano.address import Credential
from milestones.cardano.certificates import ABSTAIN, DRep
from milestones.cardano.outputs import OutputReference
from milestones.cardano.value import AssetId, Value
from milestones.devnet.blocks import Block
from milestones.devnet.chain import Chain
from milestones.devnet.clock import Calendar, Clock
from milestones.devnet.funds import genesis_block
from milestones.devnet.ledger.addresses import decode_address
from milestones.devnet.ledger.outputs import Output
from milestones.devnet.ledger.parameters import MAINNET_PARAMETERS, Parameters
from milestones.devnet.ledger.transaction import Transaction
from tests.support.random_scripts import (
    FAILING_LOCKS,
    FIRST_SLOT,
    KEY_LOCKS,
    KEYS,
    LIBRARIAN,
    LOCKS,
    MINTING_LOCKS,
    NATIVE_LOCKS,
    SPENDING_LOCKS,
    Lock,
    large_script,
)
from tests.support.raw_transactions import (
    dumps,
    hash256,
    key_address,
    key_hash,
    script_ref,
    wire,
)
from tests.support.registrations import (
    DREP_DEPOSIT,
    KEY_DEPOSIT,
    POOL_DEPOSIT,
    Registrations,
    Who,
    account_of,
)

ADA: Final = 1_000_000
LARGE_SCRIPTS: Final = 14
ZERO_POSIX_MS: Final = 1_500_000_000_000


STUCK: Final = next(lock for lock in SPENDING_LOCKS if lock.version == 2)
"""Guards an output without a datum from the start, which nothing can spend."""


class ProvingGround:
    """A chain whose blocks are made by hand, with funds of `KEYS` and scripts to refer to.

    `spendable` are the outputs that a transaction may spend next, those of waiting transactions too;
    `library` the outputs that hold a lock's script; `large` those with 15 kB each; `datums` what is
    known by hash; `submitted` and `consumed` tell what came before. `registrations` are who is registered
    after all that waits, `registered` after the newest block: both kept by hand.
    """

    def __init__(self, random: Random, parameters: Parameters = MAINNET_PARAMETERS) -> None:
        self.random = random
        self.chain = _chain(parameters)
        self.supply = total(self.chain.utxo.values()) + Value(self.chain.reserves_lovelace)
        self.minted = Value()
        self.fees_lovelace = 0
        self.registrations, self.registered = Registrations(), Registrations()
        self.spendable: dict[OutputReference, Output] = {}
        self.library: dict[bytes, OutputReference] = {}
        self.large: list[OutputReference] = []
        self.datums: dict[bytes, bytes] = {}
        self.submitted: list[Transaction] = []
        self.consumed: list[OutputReference] = []
        self._audited = self.chain.tip.height
        self._furnish()

    @property
    def slot(self) -> int:
        """The slot that a transaction is judged in."""
        return self.chain.environment().slot

    def submit(self, raw: bytes) -> Transaction:
        """Submits a transaction, and notes what can be spent after it."""
        transaction_id = self.chain.submit(raw)
        (inclusion,) = (
            each for each in self.chain.mempool if each.transaction.id == transaction_id
        )
        for reference in inclusion.spent:
            self.spendable.pop(reference, None)
        for reference, output in inclusion.produced.items():
            if _is_ours(output):
                self.spendable[reference] = output
        if inclusion.transaction.is_valid:
            self.registrations.apply(body_of(inclusion.transaction))
        self.submitted.append(inclusion.transaction)
        self.consumed += inclusion.spent
        return inclusion.transaction

    def make_blocks(self) -> None:
        """Makes blocks until nothing waits; after each the books are compared.

        What did not fit into the first may expire before the next, with all that builds on it.
        """
        while len(self.chain.mempool):
            self.audit(self.chain.mine()[0])
        self.registrations = self.registered.copy()
        if self.registered.rewards and self.random.random() < 0.4:
            self._grant(self.random.choice(sorted(self.registered.rewards)))
        utxo = self.chain.utxo
        self.spendable = {ref: output for ref, output in utxo.items() if _is_ours(output)}

    def _grant(self, who: Who) -> None:
        """Rewards for somebody who is registered."""
        lovelace = self.random.randint(1, 10**9)
        self.registered.rewards[who] += lovelace
        self.audit(
            self.chain.grant_rewards(Credential("script" if who[0] else "key", who[1]), lovelace)
        )
        self.registrations = self.registered.copy()

    def audit(self, block: Block) -> None:
        """Value is conserved over the whole chain, to the lovelace and to the token.

        Deposits and rewards are those that the books have, account by account.
        """
        for inclusion in block.inclusions:
            body = inclusion.transaction.body
            if inclusion.transaction.is_valid:
                self.registered.apply(body_of(inclusion.transaction))
                self.fees_lovelace += body.fee
                self.minted += body.mint
            else:
                returned = body.collateral_return
                back = Value() if returned is None else returned.value
                taken = total(map(self._spent, inclusion.spent)) - back
                assert not taken.assets
                self.fees_lovelace += taken.lovelace
        held = total(self.chain.utxo.values())
        staking = self.chain.staking
        staked = staking.deposits_lovelace() + staking.rewards_lovelace()
        elsewhere = self.fees_lovelace + staked + self.chain.reserves_lovelace
        assert held + Value(elsewhere) == self.supply + self.minted
        self._compare_registrations()

    def _compare_registrations(self) -> None:
        books, staking = self.registered, self.chain.staking
        accounts = {_who(each): account for each, account in staking.accounts().items()}
        assert {w: a.deposit_lovelace for w, a in accounts.items()} == books.deposits
        assert {w: a.rewards_lovelace for w, a in accounts.items()} == books.rewards
        votes = {w: _drep(a.drep) for w, a in accounts.items() if a.drep is not None}
        assert votes == books.votes
        assert {w: a.pool_id for w, a in accounts.items() if a.pool_id} == books.stakes
        assert {_who(w): d.deposit_lovelace for w, d in staking.dreps().items()} == books.dreps
        assert staking.pools().keys() == books.pools

    def _spent(self, reference: OutputReference) -> Output:
        output = self.chain.output(reference)
        assert output is not None
        return output

    def held_by(self, locks: Iterable[Lock]) -> list[OutputReference]:
        """What can be spent of these locks."""
        hashes = {lock.hash for lock in locks}
        return [ref for ref, out in self.spendable.items() if lock_of(out).hash in hashes]

    def _furnish(self) -> None:
        """Splits the funds, and publishes scripts to refer to."""
        self.make_blocks()
        for key in KEYS:
            self._spread(key)
        shelf = key_address(LIBRARIAN)
        locks = [*NATIVE_LOCKS, *SPENDING_LOCKS, *MINTING_LOCKS, *FAILING_LOCKS]
        shown = [
            {0: shelf, 1: 10 * ADA, 3: script_ref(lock.version or 0, lock.code)} for lock in locks
        ]
        for number, raw_id in enumerate([self._pay(KEYS[0], shown)] * len(locks)):
            self.library[locks[number].hash] = OutputReference(raw_id, number)
        self._pay(KEYS[2], [[b"\x70" + STUCK.hash, 10 * ADA]])
        for number in range(LARGE_SCRIPTS):
            large = {0: shelf, 1: 100 * ADA, 3: script_ref(0, large_script(number))}
            self.large.append(OutputReference(self._pay(KEYS[1], [large]), 0))
        self._enroll()

    def _enroll(self) -> None:
        """A pool, a representative, and accounts of half the keys, two of which hold rewards."""
        pool_id, voter = key_hash(KEYS[0]), [0, key_hash(KEYS[1])]
        margin, account = cbor2.CBORTag(30, [0, 1]), account_of((0, pool_id))
        pool = [3, pool_id, pool_id + b"\x01" * 4, 0, 170_000_000, margin, account, [], [], None]
        accounts = [[12, [0, key_hash(key)], [2], KEY_DEPOSIT] for key in KEYS[:3]]
        certificates = [pool, [16, voter, DREP_DEPOSIT, None], *accounts]
        deposits = POOL_DEPOSIT + DREP_DEPOSIT + len(accounts) * KEY_DEPOSIT
        self._pay(KEYS[0], [], {4: certificates}, deposits, signers=KEYS[:3])
        for key in KEYS[:2]:
            self._grant((0, key_hash(key)))

    def _spread(self, key: SigningKey) -> None:
        self._pay(key, [[key_address(key), (40 + 7 * n) * ADA] for n in range(20)])

    def _pay(
        self,
        key: SigningKey,
        outputs: Sequence[Any],
        fields: Mapping[int, Any] | None = None,
        deposits: int = 0,
        signers: Sequence[SigningKey] = (),
    ) -> bytes:
        """A plain payment with a generous fee, in a block of its own, perhaps with more fields."""
        lock = next(lock for lock in KEY_LOCKS if lock.keys == (key,))
        source = max(self.held_by([lock]), key=lambda ref: self.spendable[ref].value.lovelace)
        fee = ADA
        paid = sum(each[1] for each in outputs)
        left = self.spendable[source].value.lovelace - fee - paid - deposits
        change = [key_address(key), left]
        body = {0: [wire(source)], 1: [*outputs, change], 2: fee, **(fields or {})}
        written = dumps(body)
        witnesses = [
            [each.verify_key.encode(), each.sign(hash256(written)).signature]
            for each in (signers or (key,))
        ]
        raw = b"\x84" + written + dumps({0: witnesses}) + b"\xf5\xf6"
        transaction = self.submit(raw)
        self.make_blocks()
        return transaction.id


def body_of(transaction: Transaction) -> dict[int, Any]:
    """The body as cbor2 reads it, which would make a Python set, without order, of a tagged one."""
    fields = {key.unsigned(): value for key, value in cbor.read(transaction.body.raw).entries()}
    body = {number: cbor2.loads(item.raw) for number, item in fields.items() if number == 5}
    if 4 in fields:
        body[4] = [cbor2.loads(item.raw) for item in fields[4].untagged(258).array()]
    return body


def _who(credential: Credential) -> Who:
    return (int(credential.kind == "script"), credential.hash)


def _drep(drep: DRep) -> tuple[Any, ...]:
    return _who(drep) if isinstance(drep, Credential) else (2 if drep == ABSTAIN else 3,)


def _is_ours(output: Output) -> bool:
    payment = output.address.payment
    return payment is not None and payment.hash in LOCKS


def lock_of(output: Output) -> Lock:
    """Who guards an output that stands in `spendable`."""
    assert output.address.payment is not None
    return LOCKS[output.address.payment.hash]


def total(outputs: Iterable[Output]) -> Value:
    """What outputs hold together."""
    lovelace = 0
    assets: dict[AssetId, int] = {}
    for output in outputs:
        lovelace += output.value.lovelace
        for asset, n in output.value.assets.items():
            assets[asset] = assets.get(asset, 0) + n
    return Value(lovelace, assets)


def _chain(parameters: Parameters) -> Chain:
    calendar = Calendar(42, ZERO_POSIX_MS)
    now_ms = calendar.start_of(FIRST_SLOT)
    clock = Clock(calendar, manual=True, now=lambda: now_ms)
    funds: Mapping[bytes, int] = {key_address(key): 10_000_000 * ADA for key in KEYS}
    known = {decode_address(raw): amount for raw, amount in funds.items()}
    genesis = genesis_block(calendar, FIRST_SLOT, known, now_ms)
    return Chain(clock, parameters, [genesis], production="by hand")
