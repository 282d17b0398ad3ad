"""Why the ledger refuses a transaction: a class for each of its predicate failures, under its own name.

A rule yields its failures, and goes on: the ledger reports all that it finds, in the order of its rules.
They travel in one exception, `TransactionRejected`. Fields named `_bytes` are sizes, `_lovelace` are
amounts; sets of the ledger are tuples here, in the order in which they were found.

Those of certificates and withdrawals are in `staking_failures`. Source: Conway's `Ledger.hs`, `Utxow.hs`,
`Utxo.hs` and `Utxos.hs`, Alonzo's `Plutus/Evaluate.hs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from milestones.cardano.address import StakeAddress
from milestones.cardano.certificates import Certificate
from milestones.cardano.outputs import OutputReference
from milestones.cardano.parameters import ExecutionUnits, RedeemerPointer
from milestones.cardano.value import Value
from milestones.devnet.ledger.addresses import LedgerAddress
from milestones.devnet.ledger.outputs import Output

ScriptSubject: TypeAlias = OutputReference | bytes | Certificate | StakeAddress
"""What a script guards: a spent output, a policy (28 bytes) that mints, a certificate, or a withdrawal."""


class TransactionRejected(Exception):
    """The ledger refuses a transaction, for at least one reason. Ledger: `ApplyTxError`."""

    def __init__(self, *failures: LedgerFailure) -> None:
        self.failures = failures
        super().__init__(", ".join(map(repr, failures)))


@dataclass(frozen=True)
class LedgerFailure:
    """A rule that a transaction breaks, with what it breaks it by."""


@dataclass(frozen=True)
class DecodingFailure(LedgerFailure):
    """Bytes that aren't a Conway transaction; `reason` says why not and where."""

    reason: str


@dataclass(frozen=True)
class Unsupported(LedgerFailure):
    """Legal on the network, and beyond this chain's rules (`what`): refused, never waved through."""

    what: str


# -- LEDGER


@dataclass(frozen=True)
class ConwayMempoolFailure(LedgerFailure):
    """The mempool doesn't take it."""

    reason: str


@dataclass(frozen=True)
class ConwayTxRefScriptsSizeTooBig(LedgerFailure):
    """The inputs bring too many bytes of reference scripts."""

    measured_bytes: int
    maximum_bytes: int


# -- UTXOW


@dataclass(frozen=True)
class InvalidWitnessesUTXOW(LedgerFailure):
    """Signatures by these keys (32 bytes) are not of this transaction."""

    keys: tuple[bytes, ...]


@dataclass(frozen=True)
class MissingVKeyWitnessesUTXOW(LedgerFailure):
    """Keys with these hashes must sign, and didn't."""

    key_hashes: frozenset[bytes]


@dataclass(frozen=True)
class MissingScriptWitnessesUTXOW(LedgerFailure):
    """Scripts that must agree came neither as witnesses nor in outputs."""

    script_hashes: frozenset[bytes]


@dataclass(frozen=True)
class ScriptWitnessNotValidatingUTXOW(LedgerFailure):
    """Native scripts that don't hold."""

    script_hashes: tuple[bytes, ...]


@dataclass(frozen=True)
class ExtraneousScriptWitnessesUTXOW(LedgerFailure):
    """Witnesses bring scripts that nothing needs, or that a reference brings already."""

    script_hashes: frozenset[bytes]


@dataclass(frozen=True)
class MalformedScripts(LedgerFailure):
    """Plutus scripts that are none: `MalformedScriptWitnesses` and `MalformedReferenceScripts` in one."""

    script_hashes: frozenset[bytes]


@dataclass(frozen=True)
class MissingTxBodyMetadataHash(LedgerFailure):
    """There is auxiliary data, with this hash, and the body names none."""

    computed: bytes


@dataclass(frozen=True)
class MissingTxMetadata(LedgerFailure):
    """The body names this hash, and there is no auxiliary data."""

    provided: bytes


@dataclass(frozen=True)
class ConflictingMetadataHash(LedgerFailure):
    """The body's hash is not that of the auxiliary data."""

    provided: bytes
    computed: bytes


@dataclass(frozen=True)
class InvalidMetadata(LedgerFailure):
    """A malformed script in auxiliary data."""


@dataclass(frozen=True)
class MissingRedeemers(LedgerFailure):
    """What Plutus scripts guard without a redeemer that they could be run with."""

    subjects: tuple[ScriptSubject, ...]


@dataclass(frozen=True)
class ExtraRedeemers(LedgerFailure):
    """Redeemers that point to nothing which runs a Plutus script."""

    pointers: tuple[RedeemerPointer, ...]


@dataclass(frozen=True)
class MissingRequiredDatums(LedgerFailure):
    """Hashes of datums that scripts need and no witness brings."""

    datum_hashes: frozenset[bytes]


@dataclass(frozen=True)
class NotAllowedSupplementalDatums(LedgerFailure):
    """Hashes of datums that belong to no input and no output."""

    datum_hashes: frozenset[bytes]


@dataclass(frozen=True)
class UnspendableUTxONoDatumHash(LedgerFailure):
    """Outputs locked by Plutus scripts that need a datum, and which have none."""

    references: tuple[OutputReference, ...]


@dataclass(frozen=True)
class PPViewHashesDontMatch(LedgerFailure):
    """The script integrity hash is not that of redeemers, datums and cost models; None is no hash."""

    provided: bytes | None
    computed: bytes | None


# -- UTXO


@dataclass(frozen=True)
class BadInputsUTxO(LedgerFailure):
    """Inputs that are unknown or spent already."""

    references: tuple[OutputReference, ...]


@dataclass(frozen=True)
class BabbageNonDisjointRefInputs(LedgerFailure):
    """Outputs that are both spent and referenced."""

    references: tuple[OutputReference, ...]


@dataclass(frozen=True)
class InputSetEmptyUTxO(LedgerFailure):
    """It spends nothing."""


@dataclass(frozen=True)
class OutsideValidityIntervalUTxO(LedgerFailure):
    """The current slot is before `invalid_before`, or not before `invalid_after`."""

    invalid_before_slot: int | None
    invalid_after_slot: int | None
    current_slot: int


@dataclass(frozen=True)
class OutsideForecast(LedgerFailure):
    """A slot whose time can't be foreseen yet, and which a script would have to see."""

    slot: int


@dataclass(frozen=True)
class FeeTooSmallUTxO(LedgerFailure):
    """The fee is less than the least."""

    required_lovelace: int
    provided_lovelace: int


@dataclass(frozen=True)
class ValueNotConservedUTxO(LedgerFailure):
    """What goes in is not what comes out.

    Inputs, mint, withdrawals and refunds go in; outputs, fee, burn and deposits come out.
    """

    consumed: Value
    produced: Value


@dataclass(frozen=True)
class WrongNetwork(LedgerFailure):
    """Outputs at addresses of another network than `expected_network_id`."""

    expected_network_id: int
    addresses: tuple[LedgerAddress, ...]


@dataclass(frozen=True)
class WrongNetworkInTxBody(LedgerFailure):
    """The body names another network than `expected_network_id`."""

    expected_network_id: int


@dataclass(frozen=True)
class BabbageOutputTooSmallUTxO(LedgerFailure):
    """Outputs with less lovelace than their size demands, each with the least that it must hold."""

    outputs: tuple[tuple[Output, int], ...]


@dataclass(frozen=True)
class OutputTooBigUTxO(LedgerFailure):
    """Outputs whose values have too many bytes."""

    outputs: tuple[Output, ...]


@dataclass(frozen=True)
class OutputBootAddrAttrsTooBig(LedgerFailure):
    """Outputs at Byron addresses that carry attributes of more than 64 bytes."""

    outputs: tuple[Output, ...]


@dataclass(frozen=True)
class MaxTxSizeUTxO(LedgerFailure):
    """The transaction has too many bytes."""

    measured_bytes: int
    maximum_bytes: int


@dataclass(frozen=True)
class ExUnitsTooBigUTxO(LedgerFailure):
    """The redeemers declare more units than a transaction may use."""

    provided: ExecutionUnits
    maximum: ExecutionUnits


@dataclass(frozen=True)
class NoCollateralInputs(LedgerFailure):
    """It runs Plutus scripts and has no collateral."""


@dataclass(frozen=True)
class TooManyCollateralInputs(LedgerFailure):
    """It has more collateral inputs than it may."""

    maximum: int
    counted: int


@dataclass(frozen=True)
class ScriptsNotPaidUTxO(LedgerFailure):
    """Collateral that is locked by a script."""

    references: tuple[OutputReference, ...]


@dataclass(frozen=True)
class CollateralContainsNonADA(LedgerFailure):
    """Collateral with tokens that the collateral return doesn't give back; inputs less return."""

    balance: Value


@dataclass(frozen=True)
class InsufficientCollateral(LedgerFailure):
    """The collateral is less than its share of the fee."""

    provided_lovelace: int
    required_lovelace: int


@dataclass(frozen=True)
class IncorrectTotalCollateralField(LedgerFailure):
    """The declared total collateral is not inputs less return."""

    declared_lovelace: int
    computed_lovelace: int


# -- UTXOS


@dataclass(frozen=True)
class ValidationTagMismatch(LedgerFailure):
    """The scripts don't do what `declared_valid` says they do."""

    declared_valid: bool


@dataclass(frozen=True)
class NoCostModel(LedgerFailure):
    """A script's language has no cost model. Ledger: one of `CollectErrors`."""

    language: str


@dataclass(frozen=True)
class BadTranslation(LedgerFailure):
    """The transaction can't be shown to its scripts; `reason` is a sentence. Of `CollectErrors`, too."""

    reason: str


# -- evaluation


@dataclass(frozen=True)
class TransactionScriptFailures(LedgerFailure):
    """Some scripts can't be evaluated, or fail: why, by redeemer. Ledger: `TransactionScriptFailure`."""

    failures: Mapping[RedeemerPointer, LedgerFailure]


@dataclass(frozen=True)
class RedeemerPointsToUnknownScriptHash(LedgerFailure):
    """The redeemer points to nothing that a script guards."""

    pointer: RedeemerPointer


@dataclass(frozen=True)
class MissingScript(LedgerFailure):
    """No Plutus script is at hand for the redeemer."""

    pointer: RedeemerPointer


@dataclass(frozen=True)
class MissingDatum(LedgerFailure):
    """No witness brings the datum with this hash."""

    datum_hash: bytes


@dataclass(frozen=True)
class InvalidTxIn(LedgerFailure):
    """The output has no datum, which its script can't do without."""

    reference: OutputReference


@dataclass(frozen=True)
class ValidationFailure(LedgerFailure):
    """The script ended with an error, after it traced some texts."""

    error: str
    traces: tuple[str, ...]
