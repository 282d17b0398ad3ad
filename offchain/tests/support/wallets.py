"""What wallets of other programs sign, written with cbor2."""

from __future__ import annotations

import cbor2

from milestones.domain.models import OracleSignature
from milestones.testing.distribution import FIRST_MILESTONE, SIGNED_AT, OpenDistribution


def wallet_entry(
    opened: OpenDistribution, oracle: str, milestone: str = FIRST_MILESTONE
) -> OracleSignature:
    """An entry as a wallet signs it through CIP-30: a COSE_Sign1 over a `Sig_structure`."""
    key, address = opened.world.keys[oracle], opened.world.address(oracle)
    payload = opened.statement(milestone).signed_data
    protected = cbor2.dumps({1: -8, "address": address.to_bytes()})
    signature = key.sign(cbor2.dumps(["Signature1", protected, b"", payload]))
    return OracleSignature(
        oracle_address=address,
        signed_data=payload,
        signature_timestamp=SIGNED_AT,
        cose_sign1=cbor2.dumps([protected, {"hashed": False}, payload, signature]),
        cose_key=cbor2.dumps({1: 1, 3: -8, -1: 6, -2: key.verification_key}),
    )
