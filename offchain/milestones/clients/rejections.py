"""Why a transaction was refused, in one sentence for every code of Ogmios.

A row is a sentence, the facts of the error's `data` worth showing (left out where `data` lacks one), and
what to do next. Source: the error codes of Ogmios 6.14 and 7.0.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from milestones.errors import ChainRejected

UNPREPARED: Final = 3004
SCRIPTS_FAILED: Final = 3010
SCRIPT_FAILED: Final = 3012
FAILED_ON_SUBMISSION: Final = 3136
MEMPOOL_REFUSED: Final = 3997
UNKNOWN_INPUTS: Final = 3117
OVERSPENT: Final = re.compile("overspending the budget|OutOfEx", re.IGNORECASE)
"""How evaluators say that a script was stopped because it took too much: Plutus' words, Aiken's."""
MAX_SHOWN: Final = 3
"""How many entries of a list a message shows; the error's data keeps them all."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """`facts` is a template whose `{dotted.paths}` are looked up in the error's data."""

    sentence: str
    facts: str = ""
    hint: str = "this program builds no such transaction: please report it with these details"


_AGAIN: Final = "run the command again: the transaction is rebuilt on the chain's present state"
_WAIT: Final = "wait until the node has caught up, then try again"
_LOOK: Final = (
    "run the command again; refused once more, `milestones verify` says what can't be paid"
)
_BUG: Final = "the transaction was built wrongly: please report it with these details"

REJECTIONS: Final[dict[int, Rejection]] = {
    -32602: Rejection("the transaction's bytes can't be read in any era", hint=_BUG),
    3000: Rejection(
        "the transaction is of an era that can't be evaluated", "{incompatibleEra}", _BUG
    ),
    3001: Rejection("the node's era can't evaluate transactions", "{unsupportedEra}", _WAIT),
    3002: Rejection(
        "outputs given beside the transaction are on the chain already",
        "{overlappingOutputReferences}",
        _AGAIN,
    ),
    3003: Rejection(
        "the node is still in an era that is too old",
        "in {currentNodeEra}, needs {minimumRequiredEra}",
        _WAIT,
    ),
    3004: Rejection("the transaction can't be prepared for evaluation", "{reason}", _AGAIN),
    3005: Rejection(
        "the transaction is of another era than the ledger",
        "{queryEra}; the ledger is in {ledgerEra}",
        _WAIT,
    ),
    3010: Rejection("the contract refused the transaction", hint=_LOOK),
    3011: Rejection("a script that must run is missing", "{missingScripts}", _BUG),
    3012: Rejection("the script failed", "{validationError}", _LOOK),
    3013: Rejection(
        "an input is locked by a script but has no datum", "{unsuitableOutputReference}"
    ),
    3100: Rejection("a signature does not verify", "{invalidSignatories}", _BUG),
    3101: Rejection(
        "a required signature is missing",
        "key hashes {missingSignatories}",
        "sign with the key that the command asks for",
    ),
    3102: Rejection("a script that must run is not in the transaction", "{missingScripts}", _BUG),
    3103: Rejection("a native script is not satisfied", "{failingNativeScripts}"),
    3104: Rejection(
        "the transaction carries a script it does not need", "{extraneousScripts}", _BUG
    ),
    3105: Rejection("the metadata's hash is missing from the transaction", "{metadata.hash}", _BUG),
    3106: Rejection("the transaction names metadata that it lacks", "{metadata.hash}", _BUG),
    3107: Rejection(
        "the metadata does not match its hash",
        "given {provided.hash}, computed {computed.hash}",
        _BUG,
    ),
    3108: Rejection("the metadata is invalid: a script in it is malformed", "", _BUG),
    3109: Rejection("a script has no redeemer", "{missingRedeemers}", _BUG),
    3110: Rejection("a redeemer belongs to no script", "{extraneousRedeemers}", _BUG),
    3111: Rejection("a datum is missing", "{missingDatums}", _BUG),
    3112: Rejection("a datum is not needed", "{extraneousDatums}", _BUG),
    3113: Rejection(
        "the script integrity hash is wrong: parameters may have changed since the transaction was built",
        "given {providedScriptIntegrity}, computed {computedScriptIntegrity}",
        _AGAIN,
    ),
    3114: Rejection("an input is locked by a script, but has no datum", "{orphanScriptInputs}"),
    3115: Rejection(
        "the network can't run this Plutus version yet",
        "{missingCostModels}",
        "use a network of protocol version 9 or later",
    ),
    3116: Rejection("a script's bytes are malformed", "{malformedScripts}", _BUG),
    3117: Rejection(
        "an input was spent in the meantime or never existed", "{unknownOutputReferences}", _AGAIN
    ),
    3118: Rejection(
        "the transaction is not valid at this time",
        "{validityInterval}; the chain is at slot {currentSlot}",
        _AGAIN,
    ),
    3119: Rejection(
        "the transaction is too large",
        "{measuredTransactionSize.bytes} bytes, at most {maximumTransactionSize.bytes}",
        "do less in one transaction",
    ),
    3120: Rejection(
        "an output holds too many different tokens",
        "{excessivelyLargeOutputs}",
        "move tokens to another wallet, or pay with a key that holds fewer kinds",
    ),
    3121: Rejection("the transaction has no input", "", _BUG),
    3122: Rejection(
        "the fee is too low",
        "{minimumRequiredFee.ada.lovelace} lovelace are needed, {providedFee.ada.lovelace} are given",
        _AGAIN,
    ),
    3123: Rejection(
        "inputs and outputs do not balance",
        "consumed {valueConsumed}, produced {valueProduced}",
        _BUG,
    ),
    3124: Rejection(
        "the transaction or an address in it is for another network",
        "the node runs {expectedNetwork}",
        "check the network in the configuration, and every address",
    ),
    3125: Rejection(
        "an output holds less than the minimum of ADA", "{insufficientlyFundedOutputs}", _BUG
    ),
    3126: Rejection("a Byron address carries too many attributes", "{bootstrapOutputs}"),
    3127: Rejection("ADA can't be minted or burned", "", _BUG),
    3128: Rejection(
        "the collateral is too small",
        "{minimumRequiredCollateral.ada.lovelace} lovelace are needed, "
        "{providedCollateral.ada.lovelace} are given",
        "send ADA to the wallet's address and try again",
    ),
    3129: Rejection("the collateral is locked by a script", "{unsuitableCollateralInputs}", _BUG),
    3130: Rejection(
        "the validity interval ends too far in the future", "slot {unforeseeableSlot}", _BUG
    ),
    3131: Rejection(
        "too many collateral inputs",
        "{countedCollateralInputs}, at most {maximumCollateralInputs}",
        _BUG,
    ),
    3132: Rejection("the transaction runs scripts but has no collateral", "", _BUG),
    3133: Rejection(
        "the collateral holds tokens beside ADA",
        "{unsuitableCollateralValue}",
        "send plain ADA to the wallet's address and try again",
    ),
    3134: Rejection(
        "the scripts ask for more execution units than a transaction may use",
        "{providedExecutionUnits}; at most {maximumExecutionUnits}",
        "do less in one transaction",
    ),
    3135: Rejection(
        "the declared collateral differs from the computed one",
        "declared {declaredTotalCollateral.ada.lovelace}, computed {computedTotalCollateral.ada.lovelace}",
        _BUG,
    ),
    3136: Rejection(
        "the contract refused the transaction on submission", "{mismatchReason}", _AGAIN
    ),
    3137: Rejection("a vote is not authorised", "{unauthorizedVotes}"),
    3138: Rejection("a governance proposal is not known", "{unknownProposals}"),
    3139: Rejection("the protocol parameters' update is invalid"),
    3140: Rejection("a stake pool is not known", "{unknownStakePool}"),
    3141: Rejection("a withdrawal does not take the whole reward", "{incompleteWithdrawals}"),
    3142: Rejection("a stake pool retires too late", "epoch {declaredEpoch}"),
    3143: Rejection(
        "a stake pool's cost is too low", "{declaredStakePoolCost.ada.lovelace} lovelace"
    ),
    3144: Rejection(
        "a stake pool's metadata hash is too large", "{computedMetadataHashSize.bytes} bytes"
    ),
    3145: Rejection("a credential is registered already", "{knownCredential}"),
    3146: Rejection("a credential is not registered", "{unknownCredential}"),
    3147: Rejection(
        "a reward account is not empty", "{nonEmptyRewardAccountBalance.ada.lovelace} lovelace"
    ),
    3148: Rejection("a genesis delegation is invalid"),
    3149: Rejection("a transfer of rewards is invalid"),
    3150: Rejection(
        "a withdrawal needs a delegation to a representative", "{marginalizedCredentials}"
    ),
    3151: Rejection(
        "a deposit differs from the expected one", "{providedDeposit.ada.lovelace} lovelace"
    ),
    3152: Rejection("a representative is registered already", "{knownDelegateRepresentative}"),
    3153: Rejection("a representative is not registered", "{unknownDelegateRepresentative}"),
    3154: Rejection(
        "a member of the constitutional committee is not known",
        "{unknownConstitutionalCommitteeMember.id}",
    ),
    3155: Rejection(
        "a proposal's deposit differs from the expected one",
        "{providedDeposit.ada.lovelace} lovelace, expected {expectedDeposit.ada.lovelace}",
    ),
    3156: Rejection("an update of the committee contradicts itself", "{conflictingMembers}"),
    3157: Rejection("an update of the committee is invalid", "{alreadyRetiredMembers}"),
    3158: Rejection(
        "the treasury's withdrawal differs from the computed one",
        "{providedWithdrawal.ada.lovelace} lovelace, computed {computedWithdrawal.ada.lovelace}",
    ),
    3159: Rejection(
        "a proposal names a wrong predecessor or none", "{invalidOrMissingPreviousProposals}"
    ),
    3160: Rejection("a vote is for an action that has expired", "{invalidVotes}"),
    3161: Rejection(
        "the scripts used more than the budget they were given", "{budgetUsed}", _AGAIN
    ),
    3162: Rejection(
        "a hard fork's version does not follow", "{proposedVersion} after {currentVersion}"
    ),
    3163: Rejection(
        "the constitution's script hash is wrong", "given {providedHash}, expected {expectedHash}"
    ),
    3164: Rejection("an output is both spent and referenced", "{conflictingReferences}", _BUG),
    3165: Rejection("a governance action is not allowed"),
    3166: Rejection(
        "the reference scripts are too large together",
        "{measuredReferenceScriptsSize.bytes} bytes, at most {maximumReferenceScriptsSize.bytes}",
        "spend fewer outputs that carry scripts",
    ),
    3167: Rejection("a voter is not known", "{unknownVoters}"),
    3168: Rejection("a withdrawal from the treasury is empty"),
    3169: Rejection("the collateral's return goes to a pointer address", "{output.address}", _BUG),
    3170: Rejection("a stake pool's VRF key is registered already", "{alreadyRegisteredVrfKey}"),
    3997: Rejection(
        "the node's mempool refused the transaction",
        "{error}",
        "it may be on the chain already: look before you try again",
    ),
    3998: Rejection("the transaction has a certificate of an unknown kind"),
}


def is_rejection(code: int) -> bool:
    """Whether `code` is about the transaction, and not about the question or the service."""
    return code in REJECTIONS or 3000 <= code < 4000


def rejection(code: int, message: str, data: Any) -> ChainRejected:
    """The error for Ogmios' `code`, with what can be decided by; an unknown code keeps Ogmios' message."""
    row = REJECTIONS.get(code, Rejection(message or "the transaction was refused"))
    if code == SCRIPTS_FAILED:
        facts = "; ".join(script_failures(data))
    elif code == MEMPOOL_REFUSED and isinstance(data, str):
        facts = data
    else:
        facts = _fill(row.facts, data)
    sentence = f"{row.sentence} ({facts})" if facts else row.sentence
    return ChainRejected(
        sentence,
        rejection_code=code,
        data=data,
        hint=row.hint,
        inputs_spent=_inputs_are_spent(code, data),
        script_failed=code in (SCRIPTS_FAILED, SCRIPT_FAILED, FAILED_ON_SUBMISSION),
        over_budget=tuple(_over_budget(data)) if code == SCRIPTS_FAILED else (),
    )


def script_failures(data: Any) -> list[str]:
    """One line for every script that failed in an evaluation, such as `spend 0: ...; traces: ...`."""
    if not isinstance(data, list):
        return []
    return [_script_failure(entry) for entry in data if isinstance(entry, dict)]


def _script_failure(entry: dict[str, Any]) -> str:
    error = entry.get("error") or {}
    row = REJECTIONS.get(error.get("code", 0), Rejection(str(error.get("message", ""))))
    details = error.get("data")
    line = f"{_run(entry)}: {row.sentence}"
    facts = _fill(row.facts, details)
    traces = details.get("traces") if isinstance(details, dict) else None
    line += f": {_first_line(facts)}" if facts else ""
    return line + (f"; traces: {', '.join(map(str, traces))}" if traces else "")


def _run(entry: dict[str, Any]) -> str:
    pointer = entry.get("validator") or {}
    return f"{pointer.get('purpose', 'script')} {pointer.get('index', '?')}"


def _inputs_are_spent(code: int, data: Any) -> bool:
    """Inputs that are unknown (in an evaluation 3004, in words), or all spent, as the mempool says."""
    if code == UNKNOWN_INPUTS:
        return True
    words = {MEMPOOL_REFUSED: "inputs are spent", UNPREPARED: "unknown"}.get(code)
    return words is not None and words in json.dumps(data).lower()


def _over_budget(data: Any) -> Iterator[str]:
    """Ogmios has no code for it, and hands on what the evaluator says."""
    for entry in data if isinstance(data, list) else ():
        if isinstance(entry, dict) and OVERSPENT.search(json.dumps(entry.get("error"))):
            yield _run(entry)


def _fill(template: str, data: Any) -> str:
    """The template with its paths looked up; empty where one of them leads nowhere."""
    values = {path: _at(data, path) for path in re.findall(r"\{([\w.]+)\}", template)}
    if None in values.values():
        return ""
    return re.sub(r"\{([\w.]+)\}", lambda found: str(values[found[1]]), template)


def _at(data: Any, path: str) -> str | None:
    for key in path.split("."):
        if not isinstance(data, dict) or data.get(key) is None:
            return None
        data = data[key]
    return _shown(data)


def _shown(data: Any) -> str:
    match data:
        case {"transaction": {"id": transaction_id}, "index": index}:
            return f"{transaction_id}#{index}"
        case {"purpose": purpose, "index": index}:
            return f"{purpose} {index}"
        case dict():
            return ", ".join(f"{key} {_shown(value)}" for key, value in data.items())
        case list():
            more = len(data) - MAX_SHOWN
            shown = ", ".join(_shown(entry) for entry in data[:MAX_SHOWN])
            return f"{shown} and {more} more" if more > 0 else shown
    return str(data)


def _first_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[0][:300] if lines else ""
