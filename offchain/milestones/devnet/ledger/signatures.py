"""Who must sign, and whether they did. Source: Shelley's `validateVerifiedWits` and
`validateNeededWitnesses`, Conway's `getConwayWitsVKeyNeeded`.
"""

from __future__ import annotations

from collections.abc import Iterator

from nacl.bindings import crypto_sign_open
from nacl.exceptions import BadSignatureError

from milestones.cardano.hashes import blake2b_224
from milestones.devnet.ledger import failures
from milestones.devnet.ledger.case import Case
from milestones.devnet.ledger.failures import LedgerFailure
from milestones.devnet.ledger.transaction import Transaction


def signers(transaction: Transaction) -> frozenset[bytes]:
    """The hashes of the keys that come with a signature. Ledger: `keyHashWitnessesTxWits`."""
    return frozenset(blake2b_224(witness.key) for witness in transaction.witnesses.keys)


def check_signatures(case: Case) -> Iterator[LedgerFailure]:
    """Every signature is valid for the transaction's id. Ledger rule: `validateVerifiedWits`."""
    transaction = case.transaction
    invalid = [
        witness.key
        for witness in transaction.witnesses.keys
        if not verify_signature(witness.key, witness.signature, transaction.id)
    ]
    if invalid:
        yield failures.invalid_signatories(invalid)


def check_needed_signatures(case: Case) -> Iterator[LedgerFailure]:
    """Ledger rule: `validateNeededWitnesses`."""
    missing = needed_signers(case) - signers(case.transaction)
    if missing:
        yield failures.missing_signatories(missing)


def needed_signers(case: Case) -> frozenset[bytes]:
    """Keys that lock inputs or collateral, and the required signers. Ledger: `witsVKeyNeeded`."""
    locked = (*case.inputs.values(), *case.collateral.values())
    payments = (output.address.payment for output in locked)
    owners = (payment.hash for payment in payments if payment and payment.kind == "key")
    return frozenset((*owners, *case.body.required_signers))


def verify_signature(key: bytes, signature: bytes, message: bytes) -> bool:
    """Ed25519 by libsodium's rules, as in the node."""
    try:
        crypto_sign_open(signature + message, key)
    except BadSignatureError:
        return False
    return True
