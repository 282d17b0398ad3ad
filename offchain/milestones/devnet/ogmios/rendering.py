"""Blocks and transactions in Ogmios' JSON. Source: Ogmios' `cardano.json`."""

from __future__ import annotations

from typing import Any

from milestones.cardano.hashes import blake2b_256
from milestones.cardano.outputs import OutputReference
from milestones.devnet import metadata
from milestones.devnet.blocks import Block
from milestones.devnet.ledger.outputs import Output
from milestones.devnet.ledger.rendering import (
    lovelace_json,
    output_json,
    pointer_json,
    reference_json,
    references_json,
    script_json,
    units_json,
    value_json,
)
from milestones.devnet.ledger.transaction import Transaction
from milestones.devnet.utxo import UtxoSet


def point_json(block: Block) -> dict[str, Any]:
    """`Point`: what `queryNetwork/tip` answers."""
    return {"slot": block.slot, "id": block.header_hash.hex()}


def tip_json(block: Block) -> dict[str, Any]:
    """`Tip`: a point with its height."""
    return {**point_json(block), "height": block.height}


def utxo_json(entries: dict[OutputReference, Output]) -> list[dict[str, Any]]:
    """`Utxo`: outputs with where they stand."""
    return [
        {**reference_json(reference), **output_json(output)}
        for reference, output in sorted(entries.items(), key=lambda entry: entry[0])
    ]


def block_json(block: Block, version: tuple[int, int]) -> dict[str, Any]:
    """`Block<Praos>` of the Conway era. `version` is the protocol's."""
    major, minor = version
    return {
        "type": "praos",
        "era": "conway",
        "id": block.header_hash.hex(),
        "ancestor": "genesis" if block.parent is None else block.parent.header_hash.hex(),
        "height": block.height,
        "slot": block.slot,
        "size": {"bytes": block.body_size},
        "transactions": [transaction_json(each.transaction) for each in block.inclusions],
        "protocol": {"version": {"major": major, "minor": minor}},
        "issuer": _issuer_json(block),
    }


def _issuer_json(block: Block) -> dict[str, Any]:
    """An issuer that nobody elected: right in shape, its proofs prove nothing."""
    leader = blake2b_256(block.header_hash)
    return {
        "verificationKey": _ISSUER.hex(),
        "vrfVerificationKey": blake2b_256(_ISSUER).hex(),
        "operationalCertificate": {
            "count": 0,
            "sigma": (leader * 2).hex(),
            "kes": {"period": 0, "verificationKey": blake2b_256(_ISSUER * 2).hex()},
        },
        "leaderValue": {"output": (leader * 2).hex(), "proof": (leader * 3)[:80].hex()},
    }


_ISSUER = blake2b_256(b"issuer of the embedded chain's blocks")


def transaction_json(transaction: Transaction) -> dict[str, Any]:
    """`Transaction`. Fields that a transaction does not have are left out."""
    body = transaction.body
    shown = {
        "id": transaction.id.hex(),
        "spends": "inputs" if transaction.is_valid else "collaterals",
        "inputs": references_json(body.inputs),
        **_optional_inputs(transaction),
        "outputs": [output_json(each) for each in body.outputs],
        "fee": lovelace_json(body.fee),
        "validityInterval": _interval_json(transaction),
        **_optional_body(transaction),
        "signatories": [
            {"key": each.key.hex(), "signature": each.signature.hex()}
            for each in transaction.witnesses.keys
        ],
        **_optional_witnesses(transaction),
    }
    if transaction.auxiliary_data is not None:
        shown["metadata"] = metadata.ogmios_json(transaction.auxiliary_data)
    return shown


def _interval_json(transaction: Transaction) -> dict[str, int]:
    bounds = {
        "invalidBefore": transaction.body.invalid_before,
        "invalidAfter": transaction.body.invalid_after,
    }
    return {name: slot for name, slot in bounds.items() if slot is not None}


def _optional_inputs(transaction: Transaction) -> dict[str, Any]:
    body = transaction.body
    shown: dict[str, Any] = {}
    if body.reference_inputs:
        shown["references"] = references_json(body.reference_inputs)
    if body.collateral:
        shown["collaterals"] = references_json(body.collateral)
    if body.total_collateral is not None:
        shown["totalCollateral"] = lovelace_json(body.total_collateral)
    if body.collateral_return is not None:
        shown["collateralReturn"] = output_json(body.collateral_return)
    return shown


def _optional_body(transaction: Transaction) -> dict[str, Any]:
    body = transaction.body
    shown: dict[str, Any] = {}
    if body.mint.assets:
        shown["mint"] = {key: n for key, n in value_json(body.mint).items() if key != "ada"}
    if body.network_id is not None:
        shown["network"] = "mainnet" if body.network_id == 1 else "testnet"
    if body.script_integrity_hash is not None:
        shown["scriptIntegrityHash"] = body.script_integrity_hash.hex()
    if body.required_signers:
        shown["requiredExtraSignatories"] = [each.hex() for each in body.required_signers]
    return shown


def _optional_witnesses(transaction: Transaction) -> dict[str, Any]:
    witnesses = transaction.witnesses
    shown: dict[str, Any] = {}
    if witnesses.scripts:
        shown["scripts"] = {
            digest.hex(): script_json(script) for digest, script in witnesses.scripts.items()
        }
    if witnesses.datums:
        shown["datums"] = {digest.hex(): raw.hex() for digest, raw in witnesses.datums.items()}
    if witnesses.redeemers:
        shown["redeemers"] = [
            {
                "redeemer": each.data.hex(),
                "executionUnits": units_json(each.units),
                "validator": pointer_json(each.pointer),
            }
            for each in witnesses.redeemers
        ]
    return shown


def outputs_of(utxo: UtxoSet, addresses: set[bytes]) -> dict[OutputReference, Output]:
    """The outputs at any of these addresses."""
    return {ref: output for ref, output in utxo.items() if output.address.raw in addresses}
