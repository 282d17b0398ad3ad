"""What Ogmios says with each of its codes. Published clients compare these words.

Source: Ogmios' `PredicateFailure` and `ScriptFailure`, and the codecs of its four protocols.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

NOT_WELL_FORMED: Final = -32602
"""The code of a transaction that can't be decoded."""

REJECTED_BY_THE_MEMPOOL: Final = 3997
"""The code of what no rule of the ledger has a name for."""

_OF_BOTH: Final[Mapping[int, str]] = {
    1000: ("No intersection found."),
    1001: (
        "Cannot interleave 'findIntersection' requests with 'nextBlock'. Note that you should "
        "never face this error. If you do, please open an issue."
    ),
    2000: ("Failed to acquire requested point."),
    2002: ("Query unavailable in the current era."),
    2003: ("Cannot perform query from previously acquired point."),
    3002: (
        "Some user-provided additional UTxO entries overlap with those that exist in the ledger."
    ),
    3004: ("Unable to create the evaluation context from the given transaction."),
    3010: ("Some scripts of the transactions terminated with error(s)."),
    3011: (
        "An associated script witness is missing. Indeed, any script used in a transaction "
        "(when spending, minting, withdrawing or publishing certificates) must be provided in "
        "full with the transaction. Scripts must therefore be added either to the witness set "
        "or provided as a reference inputs should you use Plutus V2+ and a format from Babbage "
        "and beyond."
    ),
    3012: (
        "Some of the scripts failed to evaluate to a positive outcome. The field "
        "'data.validationError' informs about the nature of the error, and 'data.traces' lists "
        "all the execution traces collected during the script execution."
    ),
    3013: (
        "A redeemer points to an input that isn't locked by a Plutus script. Double-check your "
        "redeemer pointers and note that, inputs are ordered lexicographically by the ledger "
        "(using their transaction id and output index). This order may differ from the one you "
        "originally defined in your transaction and may be the cause of misalignment of your "
        "redeemer pointers. The field 'data.unsuitableOutputReference' indicates which input "
        "was wrongly targeted by a redeemer."
    ),
    3100: (
        "Some signatures are invalid. 'data.invalidSignatories' contains a list of keys for "
        "which the signature didn't verify. As a reminder, you must only sign the serialised "
        "transaction *body*, without metadata or witnesses."
    ),
    3101: (
        "Some signatures are missing. A signed transaction must carry signatures for all "
        "inputs locked by verification keys or a native script. Transaction may also need "
        "signatures for each required extra signatories often required by Plutus Scripts. The "
        "field 'data.missingSignatories' contains the verification key hashes of expected but "
        "missing signatories."
    ),
    3102: (
        "Some script witnesses are missing. Indeed, any script used in a transaction (when "
        "spending, minting, etc...) must be provided in full with the transaction. Scripts "
        "must therefore be added either to the witness set or provided as a reference input "
        "should you use plutus:v2 or higher and a format from Babbage and beyond. The field "
        "'data.missingScripts' contain hash digests of required but missing script."
    ),
    3103: (
        "The transaction contains failing phase-1 monetary scripts (a.k.a. native scripts). "
        "This can be due to either a missing or invalid signature, or because of a time "
        "validity issue. The field 'data.failingNativeScripts' contains a list of hash digests "
        "of all failing native scripts found in the transaction."
    ),
    3104: (
        "Extraneous (i.e. non-required) scripts found in the transaction. A transaction must "
        "not contain scripts that aren't strictly needed for validation, that are present in "
        "metadata or that are published in an output. Perhaps you have used provided a wrong "
        "script for a validator? Anyway, the 'data.extraneousScripts' field lists hash digests "
        "of scripts found to be extraneous."
    ),
    3105: (
        "Missing required metadata hash in the transaction body. If the transaction includes "
        "metadata, then it must also include a hash digest of these serialised metadata in its "
        "body to prevent malicious actors from tempering with the data. The field "
        "'data.metadata.hash' contains the expected missing hash digest of the metadata found "
        "in the transaction."
    ),
    3106: (
        "No metadata corresponding to a specified metadata hash. It appears that you might "
        "have forgotten to attach metadata to a transaction, yet included a hash digest of "
        "them in the transaction body? The field 'data.metadata.hash' contains the orphan hash "
        "found in the body."
    ),
    3107: (
        "There's a mismatch between the provided metadata hash digest and the one computed "
        "from the actual metadata. The two must match exactly. The field 'data.provided.hash' "
        "references the provided hash as found in the transaction body, whereas "
        "'data.computed.hash' contains the one the ledger computed from the actual metadata."
    ),
    3108: (
        "Invalid metadatum found in transaction metadata. Metadata byte strings must be no "
        "longer than 64-bytes and text strings must be no longer than 64 bytes once "
        "UTF-8-encoded. Some metadatum in the transaction infringe this rule."
    ),
    3109: (
        "Missing required redeemer(s) for Plutus scripts. There are validators needed for the "
        "transaction that do not have an associated redeemer. Redeemer are provided when "
        "trying to execute the validation logic of a script (e.g. when spending from an input "
        "locked by a script, or minting assets from a Plutus monetary policy. The field "
        "'data.missingRedeemers' lists the different purposes for which a redeemer hasn't been "
        "provided."
    ),
    3110: (
        "Extraneous (non-required) redeemers found in the transaction. There are some "
        "redeemers that aren't pointing to any script. This could be because you've left some "
        "orphan redeemer behind, because they are pointing at the wrong thing or because you "
        "forgot to include their associated validator. Either way, the field "
        "'data.extraneousRedeemers' lists the different orphan redeemer pointers."
    ),
    3111: (
        "Transaction failed because some Plutus scripts are missing their associated datums. "
        "'data.missingDatums' contains a set of data hashes for the missing datums. Ensure all "
        "Plutus scripts have an associated datum in the transaction's witness set or, are "
        "provided through inline datums in reference inputs."
    ),
    3112: (
        "The transaction failed because it contains datums not associated with any script or "
        "output. This could be because you've left some orphan datum behind, because you've "
        "listed the wrong inputs in the transaction or because you've just forgotten to "
        "include a datum associated with an input. Either way, the field "
        "'data.extraneousDatums' contains a set of data hashes for these extraneous datums."
    ),
    3113: (
        "The transaction failed because the provided script integrity hash doesn't match the "
        "computed one. This is crucial for ensuring the integrity of cost models and Plutus "
        "version used during script execution. The field 'data.providedScriptIntegrity' "
        "correspond to what was given, if any, and 'data.computedScriptIntegrity' is what was "
        "expected. If the latter is null, this means you shouldn't have included a script "
        "integrity hash to begin with."
    ),
    3114: (
        "This is bad, you're trying to spend inputs that are locked by Plutus scripts, but "
        "have no associated datums. Those inputs are so-to-speak unspendable (at least with "
        "the current ledger rules). There's nothing you can do apart from re-creating these "
        "UTxOs but with a corresponding datum this time. The field 'data.orphanInputs' lists "
        "all such inputs found in the transaction."
    ),
    3115: (
        "It seems like the transaction is using a Plutus version for which there's no "
        "available cost model yet. This could be because that language version is known of the "
        "ledger but hasn't yet been enabled through hard-fork. The field "
        "'data.missingCostModels' lists all the languages for which a cost model is missing."
    ),
    3116: (
        "Some Plutus scripts in the witness set or in an output are invalid. Scripts must be "
        "well-formed flat-encoded Plutus scripts, CBOR-encoded. Yes, there's a double binary "
        "encoding. The outer-most encoding is therefore just a plain CBOR bytestring. Note "
        "that some tools such as the cardano-cli triple encode scripts for some reasons, "
        "resulting in a double outer-most CBOR encoding. Make sure that your script are "
        "correctly encoded. The field 'data.malformedScripts' lists the hash digests of all "
        "the problematic scripts."
    ),
    3117: (
        "The transaction contains unknown UTxO references as inputs. This can happen if the "
        "inputs you're trying to spend have already been spent, or if you've simply referred "
        "to non-existing UTxO altogether. The field 'data.unknownOutputReferences' indicates "
        "all unknown inputs."
    ),
    3118: (
        "The transaction is outside of its validity interval. It was either submitted too "
        "early or too late. A transaction that has a lower validity bound can only be accepted "
        "by the ledger (and make it to the mempool) if the ledger's current slot is greater "
        "than the specified bound. The upper bound works similarly, as a time to live. The "
        "field 'data.currentSlot' contains the current slot as known of the ledger (this may "
        "be different from the current network slot if the ledger is still catching up). The "
        "field 'data.validityInterval' is a reminder of the validity interval provided with "
        "the transaction."
    ),
    3119: (
        "The transaction exceeds the maximum size allowed by the protocol. Indeed, once "
        "serialized, transactions must be under a bytes limit specified by a protocol "
        "parameter. The field 'data.measuredTransactionSize' indicates the actual measured "
        "size of your serialized transaction, whereas 'data.maximumTransactionSize' indicates "
        "the current maximum size enforced by the ledger."
    ),
    3120: (
        "Some output values in the transaction are too large. Once serialized, values must be "
        "below a certain threshold. That threshold sits around 4 KB during the Mary era, and "
        "was then made configurable as a protocol parameter in later era. The field "
        "'data.excessivelyLargeOutputs' lists all transaction outputs with values that are "
        "above the limit."
    ),
    3121: (
        "Transaction must have at least one input, but this one has an empty input set. One "
        "input is necessary to prevent replayability of transactions, as it piggybacks on the "
        "unique spendable property of UTxO."
    ),
    3122: (
        "Insufficient fee! The transaction doesn't not contain enough fee to cover the minimum "
        "required by the protocol. Note that fee depends on (a) a flat cost fixed by the "
        "protocol, (b) the size of the serialized transaction, (c) the budget allocated for "
        "Plutus script execution. The field 'data.minimumRequiredFee' indicates the minimum "
        "required fee whereas 'data.providedFee' refers to the fee currently supplied with the "
        "transaction."
    ),
    3123: (
        "In and out value not conserved. The transaction must *exactly* balance: every input "
        "must be accounted for. There are various things counting as 'in balance': (a) the "
        "total value locked by inputs (or collateral inputs in case of a failing script), (b) "
        "rewards coming from withdrawals and (c) return deposits from stake credential or pool "
        "de-registration. In a similar fashion, various things count towards the 'out "
        "balance': (a) the total value assigned to each transaction output, (b) the fee and "
        "(c) any deposit for stake credential or pool registration. The field "
        "'data.valueConsumed' contains the total 'in balance', and 'data.valueProduced' "
        "indicates the total amount counting as 'out balance'."
    ),
    3124: (
        "Some discriminated entities in the transaction are configured for another network. In "
        "fact, payment addresses, stake addresses and stake pool registration certificates are "
        "bound to a specific network identifier. This identifier must match the network you're "
        "trying to submit them to. Since the Alonzo era, transactions themselves may also "
        "contain a network identifier. The field 'data.expectedNetwork' indicates what is the "
        "currrently expected network. The field 'data.discriminatedType' indicates what type "
        "of entity is causing an issue here. And 'data.invalidEntities' lists all the culprits "
        "found in the transaction. The latter isn't present when the transaction's network "
        "identifier itself is wrong."
    ),
    3125: (
        "Some outputs have an insufficient amount of Ada attached to them. In fact, any new "
        "output created in a system must pay for the resources it occupies. Because "
        "user-created assets are worthless (from the point of view of the protocol), those "
        "resources must be paid in the form of a Ada deposit. The exact depends on the size of "
        "the serialized output: the more assets, the higher the amount. The field "
        "'data.insufficientlyFundedOutputs.[].output' contains a list of all transaction "
        "outputs that are insufficiently funded. Starting from the Babbage era, the field "
        "'data.insufficientlyFundedOutputs.[].minimumRequiredValue' indicates the required "
        "amount of Lovelace (1e6 Lovelace = 1 Ada) needed for each output."
    ),
    3126: (
        "Some output associated with legacy / bootstrap (a.k.a. Byron) addresses have "
        "attributes that are too large. The field 'data.bootstrapOutputs' lists all affected "
        "outputs."
    ),
    3128: (
        "Insufficient collateral value for Plutus scripts in the transaction. Indeed, when "
        "executing scripts, you must provide a collateral amount which minimum is a percentage "
        "of the total execution budget for the transaction. The exact percentage is given by a "
        "protocol parameter. The field 'data.providedCollateral' indicates the amount "
        "currently provided as collateral in the transaction, whereas "
        "'data.minimumRequiredCollateral' indicates the minimum amount expected by the ledger"
    ),
    3129: (
        "Invalid choice of collateral: an input provided for collateral is locked by script. "
        "Collateral inputs must be spendable, and the ledger must be able to assert their "
        "validity during the first phase of validations (a.k.a phase-1). This discards any "
        "input locked by a Plutus script to be used as collateral. Note that for some reason "
        "inputs locked by native scripts are also excluded from candidates collateral. The "
        "field 'data.unsuitableCollateralInputs' lists all the problematic output references."
    ),
    3130: (
        "One of the transaction validity bound is outside any foreseeable future. The vision "
        "of the ledger in the future is limited because the ledger cannot guarantee that the "
        "chain will not hard-fork into a version of the protocol working with a different set "
        "of parameters (or even, working with the same consensus protocol). However, the "
        "protocol cannot fork in less than `k` blocks, where `k` is the security parameter of "
        "the chain. Plus, Ouroboros Praos ensures that there are at least `k` blocks produced "
        "in a window of 3 * k / f slots, where `f` is the density parameter, also known as the "
        "active slot coefficient. Short story short, you can only set validity interval in a "
        "short timespan, which is around ~36h in the future on Mainnet at the moment of "
        "writing this error message. The field 'data.unforeseeableSlot' indicates the slot "
        "which couldn't be converted to a POSIX time due to hard fork uncertainty."
    ),
    3131: (
        "The transaction contains too many collateral inputs. The maximum number of collateral "
        "inputs is constrained by a protocol parameter. The field "
        "'data.maximumCollateralInputs' contains the current value of that parameter, and "
        "'data.countedCollateralInputs' indicates how many inputs were actually found in your "
        "transaction."
    ),
    3132: (
        "The transaction doesn't provide any collateral inputs but it must. Indeed, when "
        "executing scripts, you must provide a collateral amount which is collected by the "
        "ledger in case of script execution failure. That collateral serves as a compensation "
        "for nodes that aren't thus able to collect normal fees set on the transaction. Note "
        "that ledger validations are split in two phases. The first phase regards pretty much "
        "every validation outside of script executions. Anything from the first phase doesn't "
        "require a collateral and will not consume the collateral in case of failure because "
        "they require little computing resources. Besides, in principle, any client "
        "application or wallet will prevent you from submitting an invalid transaction to "
        "begin with."
    ),
    3133: (
        "One of the input provided as collateral carries something else than Ada tokens. Only "
        "Ada can be used as collateral. Since the Babbage era, you also have the option to set "
        "a 'collateral return' or 'collateral change' output in order to send the surplus "
        "non-Ada tokens to it. Regardless, the field 'data.unsuitableCollateralValue' "
        "indicates the actual collateral value found by the ledger"
    ),
    3134: (
        "The transaction execution budget for scripts execution is above the allowed limit. "
        "The protocol limits the amount of execution that a single transaction can do. This "
        "limit is set by a protocol parameter. The field 'data.maximumExecutionUnits' "
        "indicates the current limit and the field 'data.providedExecutionUnits' indicates how "
        "much the transaction requires."
    ),
    3135: (
        "There's a mismatch between the declared total collateral amount, and the value "
        "computed from the inputs and outputs. These must match exactly. The field "
        "'data.declaredTotalCollateral' reports the amount declared in the transaction whereas "
        "'data.computedTotalCollateral' refers to the amount actually computed."
    ),
    3136: (
        "Invalid transaction submitted as valid, or vice-versa. Since Alonzo, the ledger may "
        "allow invalid transactions to be submitted and included on-chain, provided that they "
        "leave a collateral value as compensation. This prevent certain class of attacks. As a "
        "consequence, transactions now have a validity tag with them. Your transaction did not "
        "match what that validity tag is stating. The field 'data.declaredSpending' indicates "
        "what the transaction is said to consume (collaterals or inputs) and the field "
        "'data.mismatchReason' provides more information about the mismatch."
    ),
    3139: (
        "The transaction contains an invalid or unauthorized protocol parameters update. This "
        "operation is reserved to genesis key holders."
    ),
    3140: (
        "The transaction references an unknown stake pool as a target for delegation or "
        "update. Double-check the pool id mentioned in 'data.unknownStakePool'. Note also "
        "that order in which transactions are submitted matters; if you're trying to register "
        "a pool and delegate to it in one go, make sure to submit transactions in the right "
        "order."
    ),
    3141: (
        "The transaction contains incomplete or invalid rewards withdrawals. When present, "
        "rewards withdrawals must consume rewards in full, there cannot be any leftover. You "
        "may also run into this error if the associatd stake credential is not registered. "
        "The field 'data.incompleteWithdrawals' contains a map of culprit withdrawals."
    ),
    3143: (
        "Stake pool cost declared in a registration or update certificate are below the "
        "allowed minimum. The minimum cost of a stake pool is fixed by a protocol parameter. "
        "The 'data.minimumStakePoolCost' field holds the current value of that parameter "
        "whereas 'data.declaredStakePoolCost' indicates which amount was declared."
    ),
    3144: (
        "Some hash digest of (optional) stake pool metadata is too long. When registering, "
        "stake pools can supply an external metadata file and a hash digest of the content. "
        "The hashing algorithm is left open but the output digest must be smaller than 32 "
        "bytes. The field 'data.infringingStakePool' indicates which stake pool has an "
        "invalid metadata hash and 'data.computedMetadataHashSize' documents the computed "
        "hash size."
    ),
    3145: (
        "Trying to re-register some already known credentials. Stake credentials can only be "
        "registered once. This is true for both keys and scripts. The field "
        "'data.knownCredential' points to an already known credential that's being "
        "re-registered by this transaction."
    ),
    3146: (
        "The transaction references an unknown stake credential. For example, to delegate to "
        "a stake pool, you must first register the stake key or script used for delegation. "
        "This may be done in the same transaction or in an earlier transaction but cannot "
        "happen retro-actively. The field 'data.unknownCredential' indicates what credential "
        "is used without being registered."
    ),
    3147: (
        "Trying to unregister stake credentials associated to a non empty reward account. You "
        "must empty the reward account first (or do it as part of the same transaction) to "
        "proceed. The field 'data.nonEmptyRewardAccountBalance' indicates how much Lovelace "
        "is left in the account."
    ),
    3150: (
        "The transaction is attempting to withdraw rewards from stake credentials that do not "
        "engage in on-chain governance. Credentials must be associated with a delegate "
        "representative (registered, abstain or noConfidence) before associated rewards can "
        "be withdrawn. The field 'data.marginalizedCredentials' lists all the affected "
        "credentials."
    ),
    3151: (
        "The deposit (resp. refund) specified in a stake credential or drep registration "
        "(resp. de-registration) does not match the value expected by the protocol. The field "
        "'data.expectedDeposit', when present, indicates the deposit amount as currently "
        "expected by ledger."
    ),
    3152: (
        "Trying to re-register some already known delegate representative. Delegate "
        "representatives can only be registered once. The field "
        "'data.knownDelegateRepresentatives' points to an already known credential that's "
        "being re-registered by this transaction."
    ),
    3153: (
        "The transaction references an unknown delegate representative. To delegate to a "
        "representative, it must first register as such. This may be done in the same "
        "transaction or in an earlier transaction but cannot happen retro-actively. The field "
        "'data.unknownDelegateRepresentative' indicates what credential is used without being "
        "registered."
    ),
    3164: (
        "Identical UTxO references were found in both the transaction inputs and references. "
        "This is redundant and no longer allowed by the ledger. Indeed, if the a UTxO is "
        "present in the inputs set, it is already in the transaction context. The field "
        "'data.conflictingReferences' contains the culprit references present in both sets."
    ),
    3166: (
        "The compound size of all reference scripts exceeeds the maximum size allowed by the "
        "protocol. Use fewer or smaller scripts to reduce the total size below acceptable "
        "limits. The field 'data.measuredReferenceScriptsSize indicates the actual total "
        "measured size of your reference scripts, whereas 'data.maximumReferenceScriptsSize "
        "indicates the current maximum size enforced by the ledger."
    ),
    3170: (
        "Stake pool can (no longer) re-use an already used VRF key. Yet this transaction "
        "contains a pool which declares a VRF key that is already in use. The field "
        "'data.poolId' indicates the offending pool, while the field "
        "'data.alreadyRegisteredVrfKey' designates the known vrf key."
    ),
    4000: ("You must acquire a mempool snapshot prior to accessing it."),
}

_OF_ONE: Final[Mapping[tuple[int, int], str]] = {
    (6, REJECTED_BY_THE_MEMPOOL): (
        "A transaction was rejected due to custom rules that prevented it from entering the "
        "mempool. A justification is given as 'data.error'."
    ),
    (6, NOT_WELL_FORMED): (
        "Invalid transaction; It looks like the given transaction wasn't well-formed. Note "
        "that I try to decode the transaction in every possible era and it was malformed in "
        "ALL eras. Yet, I can't pinpoint the exact issue for I do not know in which era / "
        "format you intended the transaction to be. The 'data' field, therefore, contains "
        "errors for each era."
    ),
    (7, REJECTED_BY_THE_MEMPOOL): (
        "The transaction couldn't be added to the mempool. A justification is given as "
        "'data.error'."
    ),
    (7, NOT_WELL_FORMED): (
        "Invalid transaction; It looks like the given transaction wasn't well-formed. Note "
        "that I try to decode the transaction in multiple possible eras and it was malformed "
        "in ALL eras. Yet, I can't pinpoint the exact issue for I do not know in which era / "
        "format you intended the transaction to be. The 'data' field, therefore, contains "
        "errors for each era."
    ),
}
"""What differs between major versions."""


def message(code: int, version: str = "7.0.0") -> str:
    """What Ogmios `version` says with this code."""
    return _OF_BOTH.get(code) or _OF_ONE[int(version.partition(".")[0]), code]
