"""Kupo's answers: matches, health, metadata, and errors. Source: Kupo's OpenAPI description."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Iterable
from typing import Any, Final

from starlette.responses import Response, StreamingResponse

from milestones.cardano import cbor
from milestones.cardano.cbor import Item
from milestones.cardano.hashes import blake2b_256
from milestones.cardano.outputs import Script
from milestones.cardano.value import Value
from milestones.devnet.blocks import Point, Spent
from milestones.devnet.chain import Chain
from milestones.devnet.kupo.index import Index
from milestones.devnet.kupo.records import Match
from milestones.devnet.ledger.auxiliary_data import ALONZO_TAG, decode_metadata
from milestones.errors import MilestonesError

JSON_TYPE: Final = "application/json;charset=utf-8"


class Refusal(MilestonesError):
    """A request that is answered with an error. `status` is the HTTP status."""

    code = "kupo_refusal"

    def __init__(self, status: int, hint: str) -> None:
        super().__init__(hint, hint=hint)
        self.status = status


TEXT_QUANTITIES_TYPE: Final = f"{JSON_TYPE};asset-quantity=string"
"""The type of JSON whose quantities are texts."""


def json_reply(value: Any, status: int = 200, media_type: str = JSON_TYPE) -> Response:
    """A JSON answer."""
    return Response(json_text(value), status, media_type=media_type)


PIECE_BYTES: Final = 1 << 16
"""About as long are the pieces of a list: what a connection takes before its client has read."""


def json_list_reply(items: Iterable[bytes], media_type: str) -> StreamingResponse:
    """An answer that is a list, of items in JSON: each is written when the client has read so far."""
    return StreamingResponse(_pieces(items), media_type=media_type)


async def _pieces(items: Iterable[bytes]) -> AsyncIterator[bytes]:
    """A list in JSON, in pieces. Others are served in between."""
    piece, separator = bytearray(b"["), b""
    for item in items:
        piece += separator + item
        separator = b","
        if len(piece) >= PIECE_BYTES:
            yield bytes(piece)
            piece.clear()
            await asyncio.sleep(0)
    yield bytes(piece + b"]")


def json_text(value: Any) -> bytes:
    """Compact JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def refusal_reply(refusal: Refusal) -> Response:
    """An error."""
    return json_reply({"hint": refusal.hint}, refusal.status)


def not_found() -> Refusal:
    """No such route."""
    return Refusal(404, "There is no such endpoint; look at the path.")


def wrong_method() -> Refusal:
    """The route is there, the method isn't: 406 in Kupo."""
    return Refusal(406, "This endpoint does not take this method.")


def bad_request(hint: str) -> Refusal:
    """Something is wrong with the request."""
    return Refusal(400, hint)


def rollback_failed() -> Refusal:
    """The node does not know the point to go back to: 500 in Kupo."""
    return Refusal(500, "The server could not go back to this point; nothing has changed.")


def not_fetched(error: MilestonesError) -> Refusal:
    """A fork that can't ask its network: 503, as of a Kupo that has lost its node."""
    return Refusal(503, f"The network that this chain was forked from: {error.message}")


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
        datum = None if datum_hash is None else index.known_datum(datum_hash)
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


VERSION: Final = "v2.12.0"
TOLERANCE_SECONDS: Final = 120
"""How far behind the clock an index may be and still count as synchronized."""


def health_json(chain: Chain, index: Index, *, connected: bool) -> dict[str, Any]:
    """`Health`."""
    checkpoint = index.checkpoint
    return {
        "connection_status": "connected" if connected else "disconnected",
        "most_recent_checkpoint": None if checkpoint is None else checkpoint.slot,
        "most_recent_node_tip": chain.tip.slot if connected else None,
        "seconds_since_last_block": _seconds_behind(chain, index),
        "network_synchronization": _synchronization(chain, index),
        "configuration": {"indexes": "installed"},
        "version": VERSION,
    }


def _seconds_behind(chain: Chain, index: Index) -> int | None:
    if index.checkpoint is None:
        return None
    behind_ms = chain.clock.posix_ms() - chain.calendar.start_of(index.checkpoint.slot)
    return max(0, behind_ms // 1000)


def _synchronization(chain: Chain, index: Index) -> float | None:
    behind = _seconds_behind(chain, index)
    if behind is None:
        return None
    if behind <= TOLERANCE_SECONDS:
        return 1.0
    age = (chain.clock.posix_ms() - chain.calendar.start_posix_ms) / 1000
    return math.floor(max(0.0, 1 - behind / max(age, 1)) * 100_000) / 100_000


SYNCHRONIZED_SLOTS: Final = 4000
"""How far behind the node's tip an index may be and still be healthy: 200 blocks' worth of slots."""


def status_code(health: dict[str, Any]) -> int:
    """200 when healthy, 202 while catching up, 503 without a node."""
    if health["connection_status"] != "connected":
        return 503
    checkpoint, tip = health["most_recent_checkpoint"], health["most_recent_node_tip"]
    if checkpoint is None or tip is None:
        return 202
    return 200 if abs(tip - checkpoint) < SYNCHRONIZED_SLOTS else 202


def prometheus(health: dict[str, Any]) -> str:
    """The same as text, without what isn't known."""
    values = {
        "configuration_indexes": ("gauge", 1.0),
        "connection_status": ("gauge", float(health["connection_status"] == "connected")),
        "most_recent_checkpoint": ("counter", health["most_recent_checkpoint"]),
        "most_recent_node_tip": ("counter", health["most_recent_node_tip"]),
        "network_synchronization": ("gauge", health["network_synchronization"]),
        "seconds_since_last_block": ("gauge", health["seconds_since_last_block"]),
    }
    return "".join(
        f"# TYPE kupo_{name} {kind}\nkupo_{name}  {value}\n"
        for name, (kind, value) in values.items()
        if value is not None
    )


_TAG_HEAD: Final = cbor.head(cbor.TAG, ALONZO_TAG)


def metadata_json(auxiliary_data: bytes) -> dict[str, Any]:
    """Kupo's `Metadata`. Its `raw` and `hash` are always of the form under tag 259."""
    raw = _tagged(cbor.read(auxiliary_data))
    schema = {
        str(label): _detailed(item) for label, item in decode_metadata(auxiliary_data).items()
    }
    return {"hash": blake2b_256(raw).hex(), "raw": raw.hex(), "schema": schema}


def _tagged(item: Item) -> bytes:
    if item.kind == cbor.TAG:
        return item.raw
    if item.kind == cbor.MAP:
        return _TAG_HEAD + b"\xa1\x00" + item.raw
    metadata, scripts = item.array()
    if not scripts.array():
        return _TAG_HEAD + b"\xa1\x00" + metadata.raw
    return _TAG_HEAD + b"\xa2\x00" + metadata.raw + b"\x01" + scripts.raw


def _detailed(item: Item) -> dict[str, Any]:
    """JSON that names the kind of everything. What the ledger lets pass is one of five kinds."""
    if item.kind in (cbor.UINT, cbor.NINT):
        return {"int": item.value}
    if item.kind == cbor.TEXT:
        return {"string": item.value}
    if item.kind == cbor.ARRAY:
        return {"list": [_detailed(each) for each in item.array()]}
    if item.kind == cbor.MAP:
        pairs = [{"k": _detailed(k), "v": _detailed(v)} for k, v in item.pairs()]
        return {"map": pairs}
    if item.kind == cbor.TAG:  # a bignum: tag 2 or 3
        magnitude = int.from_bytes(item.value.bytes(), "big")
        return {"int": magnitude if item.tag == 2 else -1 - magnitude}
    return {"bytes": item.bytes().hex()}
