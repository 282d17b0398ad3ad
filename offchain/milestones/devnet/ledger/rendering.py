"""Ogmios' JSON for what failures and queries show. Source: Ogmios' `cardano.json`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from milestones.cardano.outputs import OutputReference, Script
from milestones.cardano.parameters import ExecutionUnits, RedeemerPointer
from milestones.cardano.value import Value
from milestones.devnet.ledger.native_scripts import native_script_json
from milestones.devnet.ledger.outputs import Output


def lovelace_json(amount: int) -> dict[str, Any]:
    """`Value<AdaOnly>` and `Value<Delta>`."""
    return {"ada": {"lovelace": amount}}


def value_json(value: Value) -> dict[str, Any]:
    """`Value`: lovelace under `ada`, then token quantities by policy and name, in hexadecimal."""
    shown: dict[str, Any] = lovelace_json(value.lovelace)
    for asset, quantity in value.assets.items():
        shown.setdefault(asset.policy_id.hex(), {})[asset.asset_name.hex()] = quantity
    return shown


def reference_json(reference: OutputReference) -> dict[str, Any]:
    """`TransactionOutputReference`."""
    return {"transaction": {"id": reference.transaction_id.hex()}, "index": reference.index}


def references_json(references: Iterable[OutputReference]) -> list[dict[str, Any]]:
    """A list of `TransactionOutputReference`."""
    return [reference_json(reference) for reference in references]


def script_json(script: Script) -> dict[str, Any]:
    """`Script`: native ones as clauses too."""
    if script.language == "native":
        return {
            "language": "native",
            "json": native_script_json(script.code),
            "cbor": script.code.hex(),
        }
    return {"language": script.language, "cbor": script.code.hex()}


def output_json(output: Output) -> dict[str, Any]:
    """`TransactionOutput`."""
    shown: dict[str, Any] = {"address": str(output.address), "value": value_json(output.value)}
    if output.datum is not None:
        shown["datum"] = output.datum.hex()
    elif output.datum_hash is not None:
        shown["datumHash"] = output.datum_hash.hex()
    if output.script is not None:
        shown["script"] = script_json(output.script)
    return shown


def pointer_json(pointer: RedeemerPointer) -> dict[str, Any]:
    """`RedeemerPointer`."""
    return {"purpose": pointer.purpose, "index": pointer.index}


def units_json(units: ExecutionUnits) -> dict[str, int]:
    """`ExecutionUnits`."""
    return {"memory": units.memory, "cpu": units.cpu}


def hashes_json(hashes: Iterable[bytes]) -> list[str]:
    """A list of digests, sorted, in hexadecimal."""
    return sorted(digest.hex() for digest in hashes)
