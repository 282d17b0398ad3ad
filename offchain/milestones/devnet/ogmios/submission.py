"""`submitTransaction` and `evaluateTransaction`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from milestones.cardano.outputs import OutputReference
from milestones.devnet.chain import Chain
from milestones.devnet.ledger.failures import DecodingFailure, LedgerFailure, Unsupported
from milestones.devnet.ledger.outputs import Output
from milestones.devnet.ledger.rendering import pointer_json, references_json, units_json
from milestones.devnet.ledger.transaction import Transaction, decode_transaction
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
    try:
        if additional:
            _check_overlap(chain, decode_transaction(raw), additional)
        used = chain.evaluate(raw, additional)
    except Unsupported as error:
        raise RpcFailure(3004, error.message, {"reason": error.what}) from None
    except LedgerFailure as error:
        raise _told(error, version) from None
    return [
        {"validator": pointer_json(pointer), "budget": units_json(units)} for pointer, units in used
    ]


def _check_overlap(
    chain: Chain, transaction: Transaction, additional: Mapping[OutputReference, Output]
) -> None:
    """Outputs that the ledger has too must be the same there; those that nobody asks for don't count."""
    body = transaction.body
    asked = (*body.inputs, *body.collateral, *body.reference_inputs)
    overlapping = [
        each
        for each in dict.fromkeys(asked)
        if each in additional
        and each in chain.utxo
        and not _same(additional[each], chain.utxo[each])
    ]
    if overlapping:
        raise RpcFailure(
            3002,
            "Some user-provided additional UTxO entries overlap with those of the ledger.",
            {"overlappingOutputReferences": references_json(overlapping)},
        )


def _same(one: Output, other: Output) -> bool:
    """Whether two outputs hold the same, in whatever bytes."""
    return all(
        getattr(one, part) == getattr(other, part)
        for part in ("address", "value", "datum_hash", "datum", "script")
    )


def _told(error: LedgerFailure, version: str) -> RpcFailure:
    if isinstance(error, DecodingFailure):
        eras = _ERAS[int(version.partition(".")[0])]
        return RpcFailure(error.code, error.message, dict.fromkeys(eras, error.reason))
    return RpcFailure(error.code, error.message, MISSING if error.data is None else error.data)
