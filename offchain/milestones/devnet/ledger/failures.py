"""Why the ledger refuses a transaction: Ogmios' codes, data, and the order in which they are told.

A submission that breaks several rules is answered with one failure: the first by `PRIORITY`. Shapes
of `data` are Ogmios' (`SubmitTransactionFailure`, `EvaluateTransactionFailure`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from milestones.cardano.outputs import OutputReference
from milestones.cardano.parameters import ExecutionUnits, RedeemerPointer
from milestones.cardano.value import Value
from milestones.devnet.ledger.outputs import Output
from milestones.devnet.ledger.rendering import (
    hashes_json,
    lovelace_json,
    output_json,
    pointer_json,
    reference_json,
    references_json,
    units_json,
    value_json,
)

PRIORITY: Final = (
    *(-32602, 3997, 3164, 3118, 3120, 3121, 3124, 3126, 3127, 3130, 3166, 3114, 3117, 3129, 3113),
    *(3105, 3106, 3107, 3108, 3100, 3101, 3115, 3116, 3102, 3109, 3111, 3004, 3103),
    *(3104, 3110, 3112, 3131, 3132, 3133, 3135, 3125, 3128, 3119, 3134, 3122, 3161, 3123, 3136),
)
"""Codes from the first to be told to the last. Source: Ogmios' `SubmitTxError`, `pickPredicateFailure`."""


class LedgerFailure(Exception):
    """A rule that a transaction breaks.

    Attributes: `code` (Ogmios'), `message` (for people), `data` (JSON, None where the code has none).
    """

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code, self.message, self.data = code, message, data


class DecodingFailure(LedgerFailure):
    """Bytes that aren't a Conway transaction; `reason` says why not and where."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            -32602,
            "Invalid transaction; it looks like the given transaction isn't well-formed.",
            {"conway": reason},
        )


class Unsupported(LedgerFailure):
    """Legal on the network, and beyond this chain's rules: refused, never waved through."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(
            3997,
            f"This chain can't judge the transaction: {what}.",
            {"error": f"not supported by this chain: {what}"},
        )


def most_urgent(failures: Iterable[LedgerFailure]) -> LedgerFailure | None:
    """The failure that a submission is answered with; None if there is none."""
    return min(failures, key=lambda failure: PRIORITY.index(failure.code), default=None)


def conflicting_inputs(references: Iterable[OutputReference]) -> LedgerFailure:
    """Ledger: `BabbageNonDisjointRefInputs`."""
    return LedgerFailure(
        3164,
        "The transaction spends outputs that it also references.",
        {"conflictingReferences": references_json(references)},
    )


def outside_of_validity_interval(
    invalid_before: int | None, invalid_after: int | None, slot: int
) -> LedgerFailure:
    """Ledger: `OutsideValidityIntervalUTxO`."""
    bounds = {"invalidBefore": invalid_before, "invalidAfter": invalid_after}
    return LedgerFailure(
        3118,
        f"The transaction's validity interval does not contain the current slot {slot}.",
        {
            "validityInterval": {name: slot for name, slot in bounds.items() if slot is not None},
            "currentSlot": slot,
        },
    )


def value_too_large(outputs: Iterable[Output]) -> LedgerFailure:
    """Ledger: `OutputTooBigUTxO`."""
    return LedgerFailure(
        3120,
        "Some outputs hold more kinds of tokens than one output may.",
        {"excessivelyLargeOutputs": [output_json(output) for output in outputs]},
    )


def empty_input_set() -> LedgerFailure:
    """Ledger: `InputSetEmptyUTxO`."""
    return LedgerFailure(3121, "The transaction spends nothing.")


def network_mismatch(network_id: int, addresses: Iterable[str] | None) -> LedgerFailure:
    """Ledger: `WrongNetwork`, or `WrongNetworkInTxBody` where `addresses` is None."""
    expected = "mainnet" if network_id == 1 else "testnet"
    if addresses is None:
        return LedgerFailure(
            3124,
            f"The transaction is made for another network than {expected}.",
            {"expectedNetwork": expected, "discriminatedType": "transaction"},
        )
    return LedgerFailure(
        3124,
        f"Some outputs pay to addresses of another network than {expected}.",
        {
            "expectedNetwork": expected,
            "discriminatedType": "address",
            "invalidEntities": sorted(addresses),
        },
    )


def bootstrap_attributes_too_large(outputs: Iterable[Output]) -> LedgerFailure:
    """Ledger: `OutputBootAddrAttrsTooBig`."""
    return LedgerFailure(
        3126,
        "Some Byron addresses carry attributes of more than 64 bytes.",
        {"bootstrapOutputs": [output_json(output) for output in outputs]},
    )


def unforeseeable_slot(slot: int) -> LedgerFailure:
    """Ledger: `OutsideForecast`."""
    return LedgerFailure(
        3130,
        f"The time of slot {slot} can't be foreseen yet, and a script would have to see it.",
        {"unforeseeableSlot": slot},
    )


def reference_scripts_too_large(measured: int, maximum: int) -> LedgerFailure:
    """Ledger: `ConwayTxRefScriptsSizeTooBig`."""
    return LedgerFailure(
        3166,
        f"The inputs bring {measured} bytes of reference scripts; {maximum} are allowed.",
        {
            "measuredReferenceScriptsSize": {"bytes": measured},
            "maximumReferenceScriptsSize": {"bytes": maximum},
        },
    )


def orphan_script_inputs(references: Iterable[OutputReference]) -> LedgerFailure:
    """Ledger: `UnspendableUTxONoDatumHash`."""
    return LedgerFailure(
        3114,
        "Some outputs locked by a script have no datum, which their script can't do without.",
        {"orphanScriptInputs": references_json(references)},
    )


def unknown_output_references(references: Iterable[OutputReference]) -> LedgerFailure:
    """Ledger: `BadInputsUTxO`."""
    return LedgerFailure(
        3117,
        "Some inputs are unknown or spent already.",
        {"unknownOutputReferences": references_json(references)},
    )


def collateral_locked_by_script(references: Iterable[OutputReference]) -> LedgerFailure:
    """Ledger: `ScriptsNotPaidUTxO`."""
    return LedgerFailure(
        3129,
        "Some collateral is locked by a script; only a key's outputs can be collateral.",
        {"unsuitableCollateralInputs": references_json(references)},
    )


def script_integrity_hash_mismatch(provided: bytes | None, computed: bytes | None) -> LedgerFailure:
    """Ledger: `PPViewHashesDontMatch`."""
    return LedgerFailure(
        3113,
        "The script integrity hash does not match redeemers, datums and cost models.",
        {
            "providedScriptIntegrity": provided.hex() if provided else None,
            "computedScriptIntegrity": computed.hex() if computed else None,
        },
    )


def missing_metadata_hash(computed: bytes) -> LedgerFailure:
    """Ledger: `MissingTxBodyMetadataHash`."""
    return LedgerFailure(
        3105,
        "The body has no hash of the auxiliary data that comes with it.",
        {"metadata": {"hash": computed.hex()}},
    )


def missing_metadata(provided: bytes) -> LedgerFailure:
    """Ledger: `MissingTxMetadata`."""
    return LedgerFailure(
        3106,
        "The body has a hash of auxiliary data, and none comes with it.",
        {"metadata": {"hash": provided.hex()}},
    )


def metadata_hash_mismatch(provided: bytes, computed: bytes) -> LedgerFailure:
    """Ledger: `ConflictingMetadataHash`."""
    return LedgerFailure(
        3107,
        "The hash of the auxiliary data is not the one in the body.",
        {"provided": {"hash": provided.hex()}, "computed": {"hash": computed.hex()}},
    )


def invalid_metadata() -> LedgerFailure:
    """Ledger: `InvalidMetadata`."""
    return LedgerFailure(
        3108,
        "Auxiliary data is invalid: a text or byte string of more than 64 bytes, or a malformed script.",
    )


def invalid_signatories(keys: Iterable[bytes]) -> LedgerFailure:
    """Ledger: `InvalidWitnessesUTXOW`."""
    return LedgerFailure(
        3100,
        "Some signatures are not valid for this transaction.",
        {"invalidSignatories": hashes_json(keys)},
    )


def missing_signatories(hashes: Iterable[bytes]) -> LedgerFailure:
    """Ledger: `MissingVKeyWitnessesUTXOW`."""
    return LedgerFailure(
        3101,
        "Signatures of some keys are missing.",
        {"missingSignatories": hashes_json(hashes)},
    )


def missing_cost_models(languages: Iterable[str]) -> LedgerFailure:
    """Ledger: `CollectErrors [NoCostModel]`."""
    return LedgerFailure(
        3115,
        "Some scripts are of a language that the protocol has no cost model for.",
        {"missingCostModels": sorted(languages)},
    )


def malformed_scripts(hashes: Iterable[bytes]) -> LedgerFailure:
    """Ledger: `MalformedScriptWitnesses` and `MalformedReferenceScripts`."""
    return LedgerFailure(
        3116,
        "Some Plutus scripts are not well-formed.",
        {"malformedScripts": hashes_json(hashes)},
    )


def missing_scripts(hashes: Iterable[bytes]) -> LedgerFailure:
    """Ledger: `MissingScriptWitnessesUTXOW`."""
    return LedgerFailure(3102, "Some scripts are missing.", {"missingScripts": hashes_json(hashes)})


def missing_redeemers(purposes: Sequence[Mapping[str, Any]]) -> LedgerFailure:
    """Ledger: `MissingRedeemers`."""
    return LedgerFailure(
        3109, "Some scripts have no redeemer.", {"missingRedeemers": list(purposes)}
    )


def missing_datums(hashes: Iterable[bytes]) -> LedgerFailure:
    """Ledger: `MissingRequiredDatums`."""
    return LedgerFailure(3111, "Some datums are missing.", {"missingDatums": hashes_json(hashes)})


def cannot_create_context(reason: str) -> LedgerFailure:
    """Ledger: `CollectErrors [BadTranslation]`: the transaction can't be shown to its scripts."""
    return LedgerFailure(
        3004, f"The transaction can't be shown to its scripts: {reason}", {"reason": reason}
    )


def failing_native_scripts(hashes: Iterable[bytes]) -> LedgerFailure:
    """Ledger: `ScriptWitnessNotValidatingUTXOW`."""
    return LedgerFailure(
        3103,
        "Some native scripts do not hold: a signature or the validity interval is missing.",
        {"failingNativeScripts": hashes_json(hashes)},
    )


def extraneous_scripts(hashes: Iterable[bytes]) -> LedgerFailure:
    """Ledger: `ExtraneousScriptWitnessesUTXOW`."""
    return LedgerFailure(
        3104,
        "Some scripts come along that nothing needs, or that a reference brings already.",
        {"extraneousScripts": hashes_json(hashes)},
    )


def extraneous_redeemers(pointers: Iterable[RedeemerPointer]) -> LedgerFailure:
    """Ledger: `ExtraRedeemers`."""
    return LedgerFailure(
        3110,
        "Some redeemers point to nothing that runs a Plutus script.",
        {"extraneousRedeemers": [pointer_json(pointer) for pointer in pointers]},
    )


def extraneous_datums(hashes: Iterable[bytes]) -> LedgerFailure:
    """Ledger: `NotAllowedSupplementalDatums`."""
    return LedgerFailure(
        3112,
        "Some datums belong to no input and no output.",
        {"extraneousDatums": hashes_json(hashes)},
    )


def too_many_collateral_inputs(maximum: int, counted: int) -> LedgerFailure:
    """Ledger: `TooManyCollateralInputs`."""
    return LedgerFailure(
        3131,
        f"The transaction has {counted} collateral inputs; {maximum} are allowed.",
        {"maximumCollateralInputs": maximum, "countedCollateralInputs": counted},
    )


def missing_collateral_inputs() -> LedgerFailure:
    """Ledger: `NoCollateralInputs`."""
    return LedgerFailure(3132, "A transaction that runs Plutus scripts needs collateral.")


def non_ada_collateral(value: Value) -> LedgerFailure:
    """Ledger: `CollateralContainsNonADA`."""
    return LedgerFailure(
        3133,
        "Collateral holds tokens that the collateral return does not give back.",
        {"unsuitableCollateralValue": value_json(value)},
    )


def total_collateral_mismatch(declared: int, computed: int) -> LedgerFailure:
    """Ledger: `IncorrectTotalCollateralField`."""
    return LedgerFailure(
        3135,
        f"The declared total collateral is {declared} lovelace; inputs less return are {computed}.",
        {
            "declaredTotalCollateral": lovelace_json(declared),
            "computedTotalCollateral": lovelace_json(computed),
        },
    )


def insufficiently_funded_outputs(outputs: Iterable[tuple[Output, int]]) -> LedgerFailure:
    """Ledger: `BabbageOutputTooSmallUTxO`."""
    return LedgerFailure(
        3125,
        "Some outputs hold less lovelace than their size demands.",
        {
            "insufficientlyFundedOutputs": [
                {"output": output_json(output), "minimumRequiredValue": lovelace_json(minimum)}
                for output, minimum in outputs
            ]
        },
    )


def insufficient_collateral(provided: int, required: int) -> LedgerFailure:
    """Ledger: `InsufficientCollateral`."""
    return LedgerFailure(
        3128,
        f"The collateral is {provided} lovelace; {required} are needed.",
        {
            "providedCollateral": lovelace_json(provided),
            "minimumRequiredCollateral": lovelace_json(required),
        },
    )


def transaction_too_large(measured: int, maximum: int) -> LedgerFailure:
    """Ledger: `MaxTxSizeUTxO`."""
    return LedgerFailure(
        3119,
        f"The transaction has {measured} bytes; {maximum} are allowed.",
        {
            "measuredTransactionSize": {"bytes": measured},
            "maximumTransactionSize": {"bytes": maximum},
        },
    )


def execution_units_too_large(provided: ExecutionUnits, maximum: ExecutionUnits) -> LedgerFailure:
    """Ledger: `ExUnitsTooBigUTxO`."""
    return LedgerFailure(
        3134,
        "The redeemers declare more execution units than a transaction may use.",
        {
            "providedExecutionUnits": units_json(provided),
            "maximumExecutionUnits": units_json(maximum),
        },
    )


def fee_too_small(required: int, provided: int) -> LedgerFailure:
    """Ledger: `FeeTooSmallUTxO`."""
    return LedgerFailure(
        3122,
        f"The fee is {provided} lovelace; {required} are needed.",
        {
            "minimumRequiredFee": lovelace_json(required),
            "providedFee": lovelace_json(provided),
        },
    )


def value_not_conserved(consumed: Value, produced: Value) -> LedgerFailure:
    """Ledger: `ValueNotConservedUTxO`."""
    return LedgerFailure(
        3123,
        "What goes in (inputs and mint) is not what comes out (outputs, fee and burn).",
        {"valueConsumed": value_json(consumed), "valueProduced": value_json(produced)},
    )


def spends_mismatch(declared_valid: bool, reason: str) -> LedgerFailure:
    """Ledger: `ValidationTagMismatch`: the scripts don't do what the sender says they do."""
    return LedgerFailure(
        3136,
        "The scripts' outcome is not the one that the transaction declares.",
        {
            "declaredSpending": "inputs" if declared_valid else "collaterals",
            "mismatchReason": reason,
        },
    )


class EvaluationFailure(LedgerFailure):
    """Ogmios' 3010: some scripts failed when evaluated; `failures` by redeemer."""

    def __init__(self, failures: Mapping[RedeemerPointer, LedgerFailure]) -> None:
        self.failures = failures
        super().__init__(
            3010,
            "Some scripts of the transaction terminated with error(s).",
            [
                {
                    "validator": pointer_json(pointer),
                    "error": {
                        "code": failure.code,
                        "message": failure.message,
                        "data": failure.data,
                    },
                }
                for pointer, failure in failures.items()
            ],
        )


def script_failed(error: str, traces: Sequence[str]) -> LedgerFailure:
    """Ogmios' 3012, inside 3010: a script ended with an error; what it traced."""
    return LedgerFailure(
        3012,
        "A script ended with an error.",
        {"validationError": error, "traces": list(traces)},
    )


def evaluation_missing_scripts(pointers: Iterable[RedeemerPointer]) -> LedgerFailure:
    """Ogmios' 3011, inside 3010: no script belongs to these redeemers."""
    return LedgerFailure(
        3011,
        "Some redeemers point to no script.",
        {"missingScripts": [pointer_json(pointer) for pointer in pointers]},
    )


def unsuitable_output_reference(reference: OutputReference) -> LedgerFailure:
    """Ogmios' 3013, inside 3010: an output that its script can't be run for."""
    return LedgerFailure(
        3013,
        "A redeemer points to an output that has no datum, which its script can't do without.",
        {"unsuitableOutputReference": reference_json(reference)},
    )
