"""A chain and a wallet in this process: transactions are built, judged and taken without any socket.

Benchmarks measure on it and tests attack on it. Nothing depends on the machine's clock, so that
the same calls give the same transactions, to the last byte, on every day.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from milestones.cardano.address import Address
from milestones.cardano.hashes import blake2b_256
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
from milestones.protocol.validator_loader import Contract, load_contract
from milestones.transactions.contract_drafts import PublishedScripts, publish_draft
from milestones.transactions.draft import TransactionDraft
from milestones.transactions.signing import SignedTransaction, sign
from milestones.transactions.tx_builder import BalancedTransaction, balance
from milestones.transactions.wallet import SigningKey

ADA: Final = 1_000_000
MAGIC: Final = 42
FIRST_SLOT: Final = 200_000_000
"""Where the chain starts: a slot as long as mainnet's are, since its bytes cost fees."""
SLOT_ZERO_POSIX_S: Final = 1_500_000_000


def moment(slot: int) -> int:
    """When a slot starts, in POSIX seconds."""
    return SLOT_ZERO_POSIX_S + slot


class Workbench:
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
        key = SigningKey.from_bytes(blake2b_256(name.encode()))
        self._keys[key.key_hash] = key
        return key

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
        """Submits it as it is. Raises `TransactionRejected`."""
        self.chain.submit(transaction.cbor)
        self.wallet = transaction.wallet_after(self.wallet)
        return transaction

    def send(self, draft: TransactionDraft) -> SignedTransaction:
        """Balances, evaluates, signs and submits. Raises `TransactionRejected`."""
        return self.submit(self.signed(self.balanced(draft)))

    def publish(self) -> None:
        """Puts the contract's scripts where transactions can refer to them."""
        vault, registry = self.send(publish_draft(self.contract, network_id=0)).outputs[:2]
        self.scripts = PublishedScripts(self.contract, vault, registry)


def _chain() -> Chain:
    calendar = Calendar(MAGIC, SLOT_ZERO_POSIX_S * 1000)
    now_posix_ms = calendar.start_of(FIRST_SLOT)
    clock = Clock(calendar, manual=True, now=lambda: now_posix_ms)
    genesis = genesis_block(calendar, FIRST_SLOT, {}, now_posix_ms)
    return Chain(clock, MAINNET_PARAMETERS, [genesis])
