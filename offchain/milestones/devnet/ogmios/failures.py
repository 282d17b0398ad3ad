"""The ledger's failures as Ogmios answers them: code, data, and which one is reported.

Shapes of `data` are those of Ogmios' `SubmitTransactionFailure` and `EvaluateTransactionFailure`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple, Protocol

from milestones.cardano.delegatees import pool_text
from milestones.devnet.ledger import failures as ledger
from milestones.devnet.ledger import staking_failures as staking
from milestones.devnet.ledger.failures import LedgerFailure, TransactionRejected
from milestones.devnet.ogmios.messages import message
from milestones.devnet.ogmios.rendering import (
    hashes_json,
    output_json,
    pointer_json,
    reference_json,
    references_json,
    subject_json,
    units_json,
    value_json,
    withdrawals_json,
)
from milestones.devnet.ogmios.rpc import MISSING, RpcFailure
from milestones.devnet.ogmios.staking_json import (
    credential_json,
    drep_json,
    lovelace_json,
)

ERAS: Final = {
    6: ("shelley", "allegra", "mary", "alonzo", "babbage", "conway"),
    7: ("alonzo", "babbage", "conway", "dijkstra"),
}
"""The eras under whose names Ogmios says why a transaction can't be read, by major version."""


class Answer(NamedTuple):
    """How a failure is answered: its code, and its data."""

    code: int
    data: Callable[[Any], Any] = lambda _: MISSING


def rpc_failure(rejected: TransactionRejected, version: str = "6.14.0") -> RpcFailure:
    """What Ogmios `version` answers to a transaction that the ledger refuses."""
    major = int(version.partition(".")[0])
    found = rejected.failures if major > 6 else [_as_before(each) for each in rejected.failures]
    failure = most_urgent(found)
    answer = ANSWERS[type(failure)]
    data = answer.data(failure)
    if isinstance(failure, ledger.DecodingFailure):
        data = dict.fromkeys(ERAS[major], failure.reason)
    return RpcFailure(answer.code, message(answer.code, version), data)


def _as_before(failure: LedgerFailure) -> LedgerFailure:
    """What protocol 10 called a failure: Ogmios 6.14 knows no other names."""
    match failure:
        case staking.DepositIncorrectDELEG() | staking.RefundIncorrectDELEG():
            return staking.IncorrectDepositDELEG(failure.supplied_lovelace)
        case staking.ConwayWithdrawalsMissingAccounts(withdrawals=withdrawals):
            return staking.WithdrawalsNotInRewardsCERTS(withdrawals)
        case staking.ConwayIncompleteWithdrawals(withdrawals=pairs):
            supplied = {account: coin for account, (coin, _) in pairs.items()}
            return staking.WithdrawalsNotInRewardsCERTS(supplied)
        case staking.VRFKeyHashAlreadyRegistered():
            return ledger.ConwayMempoolFailure("another stake pool has registered this VRF key")
    return failure


def most_urgent(failures: Iterable[LedgerFailure]) -> LedgerFailure:
    """The failure that is reported: the first of those whose code comes first in `PRIORITY`."""
    return min(failures, key=lambda failure: PRIORITY.index(ANSWERS[type(failure)].code))


class OfNetwork(Protocol):
    """A failure that says which network it should be."""

    @property
    def expected_network_id(self) -> int:
        """1 is mainnet."""


def _network(failure: OfNetwork) -> str:
    return "mainnet" if failure.expected_network_id == 1 else "testnet"


def _expected_withdrawals_json(failure: staking.ConwayIncompleteWithdrawals) -> dict[str, Any]:
    expected = {account: held for account, (_, held) in failure.withdrawals.items()}
    return {"incompleteWithdrawals": withdrawals_json(expected)}


def _deposits_json(
    failure: staking.ConwayDRepIncorrectDeposit | staking.ConwayDRepIncorrectRefund,
) -> dict[str, Any]:
    return {
        "providedDeposit": lovelace_json(failure.supplied_lovelace),
        "expectedDeposit": lovelace_json(failure.expected_lovelace),
    }


def _interval_json(failure: ledger.OutsideValidityIntervalUTxO) -> dict[str, Any]:
    bounds = {
        "invalidBefore": failure.invalid_before_slot,
        "invalidAfter": failure.invalid_after_slot,
    }
    return {
        "validityInterval": {name: slot for name, slot in bounds.items() if slot is not None},
        "currentSlot": failure.current_slot,
    }


def _script_failures_json(failure: ledger.TransactionScriptFailures) -> list[dict[str, Any]]:
    return [
        {"validator": pointer_json(pointer), "error": _error_json(each)}
        for pointer, each in failure.failures.items()
    ]


def _error_json(failure: LedgerFailure) -> dict[str, Any]:
    answer = ANSWERS[type(failure)]
    return {
        "code": answer.code,
        "message": message(answer.code),
        "data": answer.data(failure),
    }


ANSWERS: Final[Mapping[type[LedgerFailure], Answer]] = {
    ledger.DecodingFailure: Answer(-32602),
    ledger.Unsupported: Answer(
        3997,
        lambda f: {"error": f"not supported by this chain: {f.what}"},
    ),
    ledger.ConwayMempoolFailure: Answer(3997, lambda f: {"error": f.reason}),
    ledger.BabbageNonDisjointRefInputs: Answer(
        3164,
        lambda f: {"conflictingReferences": references_json(f.references)},
    ),
    # Ogmios 7.0 says so of deposits, for want of another name.
    staking.DepositIncorrectDELEG: Answer(3139),
    staking.RefundIncorrectDELEG: Answer(3139),
    ledger.OutsideValidityIntervalUTxO: Answer(
        3118,
        _interval_json,
    ),
    ledger.OutputTooBigUTxO: Answer(
        3120,
        lambda f: {"excessivelyLargeOutputs": [output_json(each) for each in f.outputs]},
    ),
    ledger.InputSetEmptyUTxO: Answer(3121),
    ledger.WrongNetworkInTxBody: Answer(
        3124,
        lambda f: {
            "expectedNetwork": _network(f),
            "discriminatedType": "transaction",
        },
    ),
    ledger.WrongNetwork: Answer(
        3124,
        lambda f: {
            "expectedNetwork": _network(f),
            "discriminatedType": "address",
            "invalidEntities": sorted({str(address) for address in f.addresses}),
        },
    ),
    ledger.OutputBootAddrAttrsTooBig: Answer(
        3126,
        lambda f: {"bootstrapOutputs": [output_json(each) for each in f.outputs]},
    ),
    ledger.OutsideForecast: Answer(
        3130,
        lambda f: {"unforeseeableSlot": f.slot},
    ),
    staking.WrongNetworkWithdrawal: Answer(
        3124,
        lambda f: {
            "expectedNetwork": _network(f),
            "discriminatedType": "rewardAccount",
            "invalidEntities": [str(account) for account in f.accounts],
        },
    ),
    staking.WrongNetworkPOOL: Answer(
        3124,
        lambda f: {
            "expectedNetwork": _network(f),
            "discriminatedType": "stakePoolCertificate",
            "invalidEntities": [pool_text(f.pool_id)],
        },
    ),
    staking.PoolMedataHashTooBig: Answer(
        3144,
        lambda f: {
            "infringingStakePool": {"id": pool_text(f.pool_id)},
            "computedMetadataHashSize": {"bytes": f.size_bytes},
        },
    ),
    staking.StakeKeyRegisteredDELEG: Answer(
        3145, lambda f: credential_json(f.credential, "knownCredential")
    ),
    staking.StakeKeyNotRegisteredDELEG: Answer(
        3146, lambda f: credential_json(f.credential, "unknownCredential")
    ),
    staking.DelegateeDRepNotRegisteredDELEG: Answer(
        3146, lambda f: credential_json(f.credential, "unknownCredential")
    ),
    staking.ConwayDRepAlreadyRegistered: Answer(
        3152, lambda f: {"knownDelegateRepresentative": drep_json(f.credential)}
    ),
    staking.ConwayDRepNotRegistered: Answer(
        3153, lambda f: {"unknownDelegateRepresentative": drep_json(f.credential)}
    ),
    staking.VRFKeyHashAlreadyRegistered: Answer(
        3170,
        lambda f: {"poolId": pool_text(f.pool_id), "alreadyRegisteredVrfKey": f.vrf.hex()},
    ),
    staking.StakePoolCostTooLowPOOL: Answer(
        3143,
        lambda f: {
            "minimumStakePoolCost": lovelace_json(f.minimum_lovelace),
            "declaredStakePoolCost": lovelace_json(f.supplied_lovelace),
        },
    ),
    ledger.ConwayTxRefScriptsSizeTooBig: Answer(
        3166,
        lambda f: {
            "measuredReferenceScriptsSize": {"bytes": f.measured_bytes},
            "maximumReferenceScriptsSize": {"bytes": f.maximum_bytes},
        },
    ),
    ledger.UnspendableUTxONoDatumHash: Answer(
        3114,
        lambda f: {"orphanScriptInputs": references_json(f.references)},
    ),
    ledger.BadInputsUTxO: Answer(
        3117,
        lambda f: {"unknownOutputReferences": references_json(f.references)},
    ),
    ledger.ScriptsNotPaidUTxO: Answer(
        3129,
        lambda f: {"unsuitableCollateralInputs": references_json(f.references)},
    ),
    staking.DelegateeStakePoolNotRegisteredDELEG: Answer(
        3140, lambda f: {"unknownStakePool": pool_text(f.pool_id)}
    ),
    ledger.PPViewHashesDontMatch: Answer(
        3113,
        lambda f: {
            "providedScriptIntegrity": f.provided.hex() if f.provided else None,
            "computedScriptIntegrity": f.computed.hex() if f.computed else None,
        },
    ),
    ledger.MissingTxBodyMetadataHash: Answer(
        3105,
        lambda f: {"metadata": {"hash": f.computed.hex()}},
    ),
    ledger.MissingTxMetadata: Answer(
        3106,
        lambda f: {"metadata": {"hash": f.provided.hex()}},
    ),
    ledger.ConflictingMetadataHash: Answer(
        3107,
        lambda f: {"provided": {"hash": f.provided.hex()}, "computed": {"hash": f.computed.hex()}},
    ),
    ledger.InvalidMetadata: Answer(3108),
    ledger.InvalidWitnessesUTXOW: Answer(
        3100,
        lambda f: {"invalidSignatories": hashes_json(f.keys)},
    ),
    ledger.MissingVKeyWitnessesUTXOW: Answer(
        3101,
        lambda f: {"missingSignatories": hashes_json(f.key_hashes)},
    ),
    ledger.NoCostModel: Answer(
        3115,
        lambda f: {"missingCostModels": [f.language]},
    ),
    ledger.MalformedScripts: Answer(
        3116,
        lambda f: {"malformedScripts": hashes_json(f.script_hashes)},
    ),
    ledger.MissingScriptWitnessesUTXOW: Answer(
        3102,
        lambda f: {"missingScripts": hashes_json(f.script_hashes)},
    ),
    ledger.MissingRedeemers: Answer(
        3109,
        lambda f: {"missingRedeemers": [subject_json(each) for each in f.subjects]},
    ),
    ledger.MissingRequiredDatums: Answer(
        3111,
        lambda f: {"missingDatums": hashes_json(f.datum_hashes)},
    ),
    ledger.BadTranslation: Answer(
        3004,
        lambda f: {"reason": f.reason},
    ),
    ledger.ScriptWitnessNotValidatingUTXOW: Answer(
        3103,
        lambda f: {"failingNativeScripts": hashes_json(f.script_hashes)},
    ),
    ledger.ExtraneousScriptWitnessesUTXOW: Answer(
        3104,
        lambda f: {"extraneousScripts": hashes_json(f.script_hashes)},
    ),
    ledger.ExtraRedeemers: Answer(
        3110,
        lambda f: {"extraneousRedeemers": [pointer_json(each) for each in f.pointers]},
    ),
    ledger.NotAllowedSupplementalDatums: Answer(
        3112,
        lambda f: {"extraneousDatums": hashes_json(f.datum_hashes)},
    ),
    ledger.TooManyCollateralInputs: Answer(
        3131,
        lambda f: {"maximumCollateralInputs": f.maximum, "countedCollateralInputs": f.counted},
    ),
    ledger.NoCollateralInputs: Answer(3132),
    ledger.CollateralContainsNonADA: Answer(
        3133,
        lambda f: {"unsuitableCollateralValue": value_json(f.balance)},
    ),
    staking.ConwayWithdrawalsMissingAccounts: Answer(
        3141, lambda f: {"incompleteWithdrawals": withdrawals_json(f.withdrawals)}
    ),
    staking.ConwayIncompleteWithdrawals: Answer(3141, _expected_withdrawals_json),
    staking.WithdrawalsNotInRewardsCERTS: Answer(
        3141, lambda f: {"incompleteWithdrawals": withdrawals_json(f.withdrawals)}
    ),
    staking.StakeKeyHasNonZeroAccountBalanceDELEG: Answer(
        3147, lambda f: {"nonEmptyRewardAccountBalance": lovelace_json(f.balance_lovelace)}
    ),
    staking.ConwayWdrlNotDelegatedToDRep: Answer(
        3150, lambda f: {"marginalizedCredentials": hashes_json(f.key_hashes)}
    ),
    ledger.IncorrectTotalCollateralField: Answer(
        3135,
        lambda f: {
            "declaredTotalCollateral": lovelace_json(f.declared_lovelace),
            "computedTotalCollateral": lovelace_json(f.computed_lovelace),
        },
    ),
    staking.IncorrectDepositDELEG: Answer(
        3151, lambda f: {"providedDeposit": lovelace_json(f.supplied_lovelace)}
    ),
    staking.ConwayDRepIncorrectDeposit: Answer(3151, _deposits_json),
    staking.ConwayDRepIncorrectRefund: Answer(3151, _deposits_json),
    ledger.BabbageOutputTooSmallUTxO: Answer(
        3125,
        lambda f: {
            "insufficientlyFundedOutputs": [
                {"output": output_json(output), "minimumRequiredValue": lovelace_json(minimum)}
                for output, minimum in f.outputs
            ]
        },
    ),
    ledger.InsufficientCollateral: Answer(
        3128,
        lambda f: {
            "providedCollateral": lovelace_json(f.provided_lovelace),
            "minimumRequiredCollateral": lovelace_json(f.required_lovelace),
        },
    ),
    ledger.MaxTxSizeUTxO: Answer(
        3119,
        lambda f: {
            "measuredTransactionSize": {"bytes": f.measured_bytes},
            "maximumTransactionSize": {"bytes": f.maximum_bytes},
        },
    ),
    ledger.ExUnitsTooBigUTxO: Answer(
        3134,
        lambda f: {
            "providedExecutionUnits": units_json(f.provided),
            "maximumExecutionUnits": units_json(f.maximum),
        },
    ),
    ledger.FeeTooSmallUTxO: Answer(
        3122,
        lambda f: {
            "minimumRequiredFee": lovelace_json(f.required_lovelace),
            "providedFee": lovelace_json(f.provided_lovelace),
        },
    ),
    ledger.ValueNotConservedUTxO: Answer(
        3123,
        lambda f: {
            "valueConsumed": value_json(f.consumed),
            "valueProduced": value_json(f.produced),
        },
    ),
    ledger.ValidationTagMismatch: Answer(
        3136,
        lambda f: {
            "declaredSpending": "inputs" if f.declared_valid else "collaterals",
            "mismatchReason": "FailedUnexpectedly" if f.declared_valid else "PassedUnexpectedly",
        },
    ),
    # Of evaluations alone, each of which has one failure.
    ledger.TransactionScriptFailures: Answer(3010, _script_failures_json),
    ledger.MissingScript: Answer(
        3011,
        lambda f: {"missingScripts": [pointer_json(f.pointer)]},
    ),
    ledger.ValidationFailure: Answer(
        3012,
        lambda f: {"validationError": f.error, "traces": list(f.traces)},
    ),
    ledger.InvalidTxIn: Answer(
        3013,
        lambda f: {"unsuitableOutputReference": reference_json(f.reference)},
    ),
    ledger.RedeemerPointsToUnknownScriptHash: Answer(
        3110,
        lambda f: {"extraneousRedeemers": [pointer_json(f.pointer)]},
    ),
    ledger.MissingDatum: Answer(
        3111,
        lambda f: {"missingDatums": hashes_json([f.datum_hash])},
    ),
}
"""How each failure is answered, from the first that is reported to the last.

Source of the order: Ogmios' `SubmitTxError`, `pickPredicateFailure`.
"""

PRIORITY: Final = tuple(dict.fromkeys(answer.code for answer in ANSWERS.values()))
"""The codes in that order, each once."""
