"""The embedded ledger without a server: a set of outputs, a slot, and the rules. For tests of transactions.

Nothing stands between a test and the ledger: what is built is judged as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from milestones.cardano.address import Address
from milestones.cardano.hashes import blake2b_256
from milestones.cardano.outputs import OutputReference, Utxo
from milestones.cardano.parameters import ExecutionUnits, ProtocolParameters, RedeemerPointer
from milestones.cardano.value import Value
from milestones.clients.ogmios_answers import protocol_parameters
from milestones.devnet.ledger.environment import Environment
from milestones.devnet.ledger.outputs import Output, decode_output
from milestones.devnet.ledger.rules import check, effects, evaluate
from milestones.devnet.ledger.transaction import decode_transaction
from milestones.transactions import encoding
from milestones.transactions.draft import DraftOutput, TransactionDraft
from milestones.transactions.tx_builder import (
    BalancedTransaction,
    SignedTransaction,
    balance,
    sign,
)
from milestones.transactions.wallet import SigningKey

SYSTEM_START_POSIX_MS = 1_700_000_000_000


@dataclass
class PureChain:
    """Outputs and a slot. `key` owns the wallet that pays for everything."""

    key: SigningKey
    environment: Environment = field(
        default_factory=lambda: Environment(slot=1000, system_start_posix_ms=SYSTEM_START_POSIX_MS)
    )
    outputs: dict[OutputReference, Output] = field(default_factory=dict)
    wallet: tuple[Utxo, ...] = ()

    @property
    def parameters(self) -> ProtocolParameters:
        """The parameters, on the way that a client gets them."""
        return protocol_parameters(self.environment.parameters.to_ogmios())

    def give(self, name: str, value: Value, address: Address | None = None) -> Utxo:
        """An output out of nowhere; without an address it is the wallet's."""
        output = DraftOutput(address=address or self.key.address(0), value=value)
        utxo = Utxo(OutputReference(blake2b_256(name.encode()), 0), output.settled())
        self.outputs[utxo.reference] = decode_output(encoding.output(output))
        if address is None:
            self.wallet = (*self.wallet, utxo)
        return utxo

    def at(self, slot: int) -> None:
        """Moves the clock."""
        start = self.environment.system_start_posix_ms
        self.environment = Environment(slot=slot, system_start_posix_ms=start)

    def evaluate(self, balanced: BalancedTransaction) -> dict[RedeemerPointer, ExecutionUnits]:
        """What `evaluateTransaction` answers."""
        transaction = decode_transaction(balanced.unsigned())
        return dict(evaluate(transaction, self.outputs, self.environment))

    def guessed(self, draft: TransactionDraft) -> BalancedTransaction:
        """Balanced without asking the scripts: what a hostile transaction is built from."""
        return balance(
            draft,
            parameters=self.parameters,
            wallet=self.wallet,
            change_address=self.key.address(0),
        )

    def balanced(self, draft: TransactionDraft) -> BalancedTransaction:
        """Balanced with the units that the ledger finds."""
        balanced = self.guessed(draft)
        while balanced.needs_evaluation:
            balanced = balanced.with_units(self.evaluate(balanced))
        return balanced

    def submit(self, transaction: SignedTransaction) -> SignedTransaction:
        """Judges and applies it. Raises `LedgerFailure`."""
        self.submit_bytes(transaction.cbor)
        self.wallet = transaction.wallet_after(self.wallet)
        return transaction

    def submit_bytes(self, cbor: bytes) -> None:
        """Judges and applies any bytes. Raises `LedgerFailure`."""
        transaction = decode_transaction(cbor)
        check(transaction, self.outputs, self.environment)
        spent, created = effects(transaction)
        for reference in spent:
            del self.outputs[reference]
        self.outputs.update(created)

    def run(self, draft: TransactionDraft, keys: Sequence[SigningKey] = ()) -> SignedTransaction:
        """Builds and submits."""
        return self.submit(sign(self.balanced(draft), [self.key, *keys]))

    def total(self) -> Value:
        """Everything that the chain holds."""
        return sum((output.value for output in self.outputs.values()), Value())
