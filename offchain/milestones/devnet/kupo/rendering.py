"""Kupo's JSON. Source: Kupo's OpenAPI description."""

from __future__ import annotations

from typing import Any

from milestones.cardano.outputs import Script
from milestones.cardano.value import Value
from milestones.devnet.blocks import Point
from milestones.devnet.kupo.index import Index, Match, Spent


def point_json(point: Point) -> dict[str, Any]:
    """`Point`."""
    return {"slot_no": point.slot, "header_hash": point.header_hash.hex()}


def match_json(match: Match, index: Index, *, resolve: bool, as_text: bool) -> dict[str, Any]:
    """`Match`; with `resolve`, datum and script too. `as_text` writes quantities as strings."""
    output = match.output
    datum_hash, script = output.resolved_datum_hash, output.script
    shown: dict[str, Any] = {
        "transaction_index": match.transaction_index,
        "transaction_id": match.reference.transaction_id.hex(),
        "output_index": match.reference.index,
        "address": str(output.address),
        "value": value_json(output.value, as_text=as_text),
        "datum_hash": None if datum_hash is None else datum_hash.hex(),
        **(
            {}
            if datum_hash is None
            else {"datum_type": "hash" if output.datum is None else "inline"}
        ),
        "script_hash": None if script is None else script.hash().hex(),
        "created_at": point_json(match.created),
        "spent_at": None if match.spent is None else _spent_json(match.spent),
    }
    if resolve:
        datum = None if datum_hash is None else index.datums.get(datum_hash)
        shown["datum"] = None if datum is None else datum.hex()
        shown["script"] = None if script is None else script_json(script)
    return shown


def _spent_json(spent: Spent) -> dict[str, Any]:
    return {
        **point_json(spent.point),
        "transaction_id": spent.transaction_id.hex(),
        "input_index": spent.input_index,
        "redeemer": None if spent.redeemer is None else spent.redeemer.hex(),
    }


def value_json(value: Value, *, as_text: bool) -> dict[str, Any]:
    """`Value`: lovelace, and tokens under `policy.name` (or `policy` where the name is empty)."""
    number = str if as_text else int
    assets = {
        ".".join(part.hex() for part in asset if part): number(quantity)
        for asset, quantity in value.assets.items()
    }
    return {"coins": number(value.lovelace), "assets": assets}


def script_json(script: Script) -> dict[str, Any]:
    """`Script`."""
    return {"language": script.language, "script": script.code.hex()}
