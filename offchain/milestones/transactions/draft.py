"""What a transaction shall do, before anybody pays for it.

A draft is taken at its word: nothing here knows the contract's rules or refuses a hostile shape.
Plutus Data is given as CBOR bytes throughout, so that what was hashed is what is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from milestones.cardano import encoding
from milestones.cardano.address import Address, StakeAddress
from milestones.cardano.certificates import (
    Delegation,
    Deregistration,
    Registration,
    Writable,
    sorted_withdrawals,
)
from milestones.cardano.outputs import OutputReference, Script, TransactionOutput, Utxo
from milestones.cardano.value import AssetId, Value


@dataclass(frozen=True, slots=True)
class Layout:
    """The order the ledger gives to what a redeemer may point at; all sorted, known once balanced."""

    inputs: tuple[OutputReference, ...]
    reference_inputs: tuple[OutputReference, ...]
    policies: tuple[bytes, ...]

    def input_index(self, reference: OutputReference) -> int:
        """The place of an input among the transaction's inputs."""
        return self.inputs.index(reference)

    def reference_input_index(self, reference: OutputReference) -> int:
        """The place of a reference input among the transaction's reference inputs."""
        return self.reference_inputs.index(reference)


Redeemer: TypeAlias = bytes | Callable[[Layout], bytes]
"""CBOR of Plutus Data, or a function that gives it once the order of the inputs is known."""

MinAda: TypeAlias = Literal["raise", "add", "ignore"]
"""What the ledger's minimum of lovelace does to an output: it is raised to the minimum where it is
below; gets the minimum on top of what it has; or stays as it is."""


@dataclass(frozen=True, slots=True)
class Spend:
    """An input the draft asks for; `redeemer` is None where a key or a native script locks it."""

    utxo: Utxo
    redeemer: Redeemer | None = None


@dataclass(frozen=True, slots=True)
class Mint:
    """What is minted (burnt, where negative) under one policy: quantities by asset name."""

    policy_id: bytes
    assets: Mapping[bytes, int]
    redeemer: Redeemer | None = None

    def value(self) -> Value:
        """The tokens as a value, negative quantities where they are burnt."""
        return Value(0, {AssetId(self.policy_id, name): n for name, n in self.assets.items()})


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """All that a reward account holds, which may be nothing: a script's consent by a withdrawal of 0.

    `redeemer` is None where a key or a native script controls the account.
    """

    account: StakeAddress
    lovelace: int
    redeemer: Redeemer | None = None


@dataclass(frozen=True, slots=True)
class Certifying:
    """A certificate that the draft carries; `redeemer` is None where a key or a native script consents."""

    certificate: Writable
    redeemer: Redeemer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftOutput:
    """An output. Its lovelace is settled while balancing, as `min_ada` says."""

    address: Address
    value: Value = field(default_factory=Value)
    min_ada: MinAda = "raise"
    inline_datum: bytes | None = None
    datum_hash: bytes | None = None
    script: Script | None = None

    def with_lovelace(self, lovelace: int) -> DraftOutput:
        """The same output with another amount of lovelace."""
        return replace(self, value=Value(lovelace, self.value.assets))

    def encoded(self) -> bytes:
        """The output's bytes, with its lovelace as it stands."""
        return encoding.output(
            self.address,
            self.value,
            inline_datum=self.inline_datum,
            datum_hash=self.datum_hash,
            script=self.script,
        )

    def settled(self) -> TransactionOutput:
        """The output as every other package knows it."""
        return TransactionOutput(
            address=self.address.to_bech32(),
            value=self.value,
            datum_hash=self.datum_hash,
            inline_datum=self.inline_datum,
            script_hash=self.script.hash() if self.script else None,
            script=self.script,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionDraft:
    """A transaction without fee, wallet inputs, collateral and change.

    `outputs` keep their places; change follows them. `valid_from_slot` is the first slot in which the
    transaction is valid, `valid_until_slot` the first in which it isn't any more; None is no bound.
    `scripts` are carried as witnesses (native ones, or Plutus scripts that no input shows).
    `metadata` maps labels to CBOR. `required_signers` are key hashes that scripts may see.
    """

    spends: tuple[Spend, ...] = ()
    mints: tuple[Mint, ...] = ()
    withdrawals: tuple[Withdrawal, ...] = ()
    certificates: tuple[Certifying, ...] = ()
    outputs: tuple[DraftOutput, ...] = ()
    reference_inputs: tuple[Utxo, ...] = ()
    scripts: tuple[Script, ...] = ()
    valid_from_slot: int | None = None
    valid_until_slot: int | None = None
    required_signers: tuple[bytes, ...] = ()
    metadata: Mapping[int, bytes] = field(default_factory=dict)

    def minted(self) -> Value:
        """Everything minted, less everything burnt."""
        return sum((mint.value() for mint in self.mints), Value())

    def withdrawn(self) -> dict[StakeAddress, int]:
        """What is withdrawn, in the ledger's order."""
        return sorted_withdrawals({each.account: each.lovelace for each in self.withdrawals})

    def gained_lovelace(self) -> int:
        """What withdrawals and refunds bring, less what certificates deposit; it may be negative."""
        deposits = 0
        for each in self.certificates:
            match each.certificate:
                case Registration(deposit_lovelace=int() as deposit):
                    deposits += deposit
                case Delegation(deposit_lovelace=int() as deposit):
                    deposits += deposit
                case Deregistration(refund_lovelace=int() as refund):
                    deposits -= refund
        return sum(self.withdrawn().values()) - deposits

    def script_runs(self) -> int:
        """How many scripts run: whatever has a redeemer."""
        redeemers = [
            *(each.redeemer for each in self.spends),
            *(each.redeemer for each in self.mints),
            *(each.redeemer for each in self.withdrawals),
            *(each.redeemer for each in self.certificates),
        ]
        return sum(redeemer is not None for redeemer in redeemers)
