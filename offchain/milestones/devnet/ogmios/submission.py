"""`submitTransaction` and `evaluateTransaction`."""

from __future__ import annotations

from typing import Any, Final

from milestones.devnet.chain import Chain
from milestones.devnet.ledger.failures import DecodingFailure, LedgerFailure, Unsupported
from milestones.devnet.ledger.rendering import pointer_json, references_json, units_json
from milestones.devnet.ogmios import shapes
from milestones.devnet.ogmios.rpc import MISSING, RpcFailure

_ERAS: Final = {
    6: ("shelley", "allegra", "mary", "alonzo", "babbage", "conway"),
    7: ("alonzo", "babbage", "conway", "dijkstra"),
}
"""The eras under whose names Ogmios tells why a transaction can't be read, by major version."""


def submit(chain: Chain, params: dict[str, Any], version: str) -> dict[str, Any]:
    """Submits; raises `RpcFailure` with the ledger's code, or `MempoolFull`."""
    raw = shapes.transaction_cbor(params)
    try:
        return {"transaction": {"id": chain.submit(raw).hex()}}
    except LedgerFailure as error:
        raise _told(error, version) from None


def evaluate(chain: Chain, params: dict[str, Any], version: str) -> list[dict[str, Any]]:
    """Evaluates; raises `RpcFailure` with Ogmios' code."""
    raw = shapes.transaction_cbor(params)
    additional = shapes.additional_utxo(params.get("additionalUtxo"))
    overlapping = [each for each in additional if each in chain.mempool.utxo]
    if overlapping:
        raise RpcFailure(
            3002,
            "Some user-provided additional UTxO entries overlap with those of the ledger.",
            {"overlappingOutputReferences": references_json(overlapping)},
        )
    try:
        used = chain.evaluate(raw, additional)
    except Unsupported as error:
        raise RpcFailure(3004, error.message, {"reason": error.what}) from None
    except LedgerFailure as error:
        raise _told(error, version) from None
    return [
        {"validator": pointer_json(pointer), "budget": units_json(units)} for pointer, units in used
    ]


def _told(error: LedgerFailure, version: str) -> RpcFailure:
    if isinstance(error, DecodingFailure):
        eras = _ERAS[int(version.partition(".")[0])]
        return RpcFailure(error.code, error.message, dict.fromkeys(eras, error.reason))
    return RpcFailure(error.code, error.message, MISSING if error.data is None else error.data)
