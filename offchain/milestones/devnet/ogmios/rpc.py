"""JSON-RPC 2.0 as Ogmios speaks it: requests in, their parameters, answers and failures out."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from milestones.cardano import base58, bech32, cbor, encoding
from milestones.cardano.outputs import OutputReference
from milestones.cardano.value import AssetId, Value
from milestones.devnet.blocks import Point
from milestones.devnet.funds import fields
from milestones.devnet.ledger.addresses import LedgerAddress, decode_address
from milestones.devnet.ledger.outputs import Output, decode_output
from milestones.devnet.ledger.parameters import MAINNET_PARAMETERS
from milestones.devnet.ledger.plutus import is_well_formed
from milestones.errors import InvalidEncoding, MilestonesError

MISSING: Final = object()


class RpcFailure(MilestonesError):
    """A request that is answered with an error. `rpc_code` is Ogmios' code, `data` its data."""

    code = "rpc_failure"

    def __init__(self, rpc_code: int, message: str, data: Any = MISSING) -> None:
        super().__init__(message)
        self.rpc_code, self.data = rpc_code, data


class InvalidRequest(RpcFailure):
    """A message that is no request Ogmios knows, or whose parameters have another shape."""

    def __init__(self, reason: str) -> None:
        super().__init__(-32600, f"Invalid request: {reason}.")


@dataclass(frozen=True, slots=True)
class Request:
    """A call: `id` is whatever JSON the client sent, None when it sent none."""

    method: str
    params: Any
    id: Any


def parse_json(message: str | bytes) -> Any:
    """The JSON value of a message; None for what isn't JSON, a number that JSON does not have included."""
    try:
        return json.loads(message, parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError):
        return None


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def parse_request(value: Any, is_known: Callable[[str], bool]) -> Request:
    """Reads a request. Raises `InvalidRequest` for anything else, batches included.

    `is_known` says whether there is a method of a name.
    """
    if not isinstance(value, dict):
        raise InvalidRequest("must be a well-formed JSON object")
    method = value.get("method")
    if not isinstance(method, str):
        raise InvalidRequest("field 'method' must be present and be a string")
    if not is_known(method):
        raise InvalidRequest("unknown method in 'method' (beware names are case-sensitive)")
    if value.get("jsonrpc") is None:
        raise InvalidRequest("missing required field 'jsonrpc'")
    if value["jsonrpc"] != "2.0":
        raise InvalidRequest("invalid value for field 'jsonrpc': should be '2.0'")
    return Request(method, value.get("params"), value.get("id"))


def arguments(request: Request, *, optional: bool) -> dict[str, Any]:
    """The object under `params`; an empty one where it is missing and `optional`."""
    if request.params is None and optional:
        return {}
    if request.params is None:
        raise InvalidRequest('field "params" not found')
    if not isinstance(request.params, dict):
        raise InvalidRequest("field 'params' must be an object")
    return request.params


def no_arguments(params: dict[str, Any]) -> None:
    """Raises `InvalidRequest` for `params` that a method doesn't know."""
    if params:
        raise InvalidRequest("field 'params' must be empty")


def answer(request: Request, result: Any) -> str:
    """The message that carries a result."""
    return dump({"jsonrpc": "2.0", "method": request.method, "result": result, "id": request.id})


def failure(request: Request, error: RpcFailure) -> str:
    """The message that carries a failure of a request that was understood."""
    if isinstance(error, InvalidRequest):
        return refusal(request.id, error)
    return dump(
        {
            "jsonrpc": "2.0",
            "method": request.method,
            "error": _error_json(error),
            "id": request.id,
        }
    )


def refusal(request_id: Any, error: RpcFailure) -> str:
    """The message that answers what could not be understood: it names no method."""
    return dump({"jsonrpc": "2.0", "error": _error_json(error), "id": request_id})


def dump(value: Any) -> str:
    """Compact JSON."""
    return json.dumps(value, separators=(",", ":"))


def _error_json(error: RpcFailure) -> dict[str, Any]:
    shown: dict[str, Any] = {"code": error.rpc_code, "message": error.message}
    if error.data is not MISSING:
        shown["data"] = error.data
    return shown


_KINDS = {dict: "object", list: "array", str: "string", int: "integer"}
_LANGUAGES = {"plutus:v1": 1, "plutus:v2": 2, "plutus:v3": 3}


def member(container: Any, name: str, kind: type) -> Any:
    """A member that must be there and of this kind. A boolean is not an integer."""
    value = container.get(name) if isinstance(container, dict) else None
    if kind is int and isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise InvalidRequest(f"field '{name}' must be present and be of type {_KINDS[kind]}")
    return value


def hexadecimal(text: Any, length: int | None = None) -> bytes:
    """Bytes out of base16, of exactly `length` where one is given."""
    if not isinstance(text, str) or not re.fullmatch("([0-9a-fA-F]{2})*", text):
        raise InvalidRequest("failed to decode a payload from base16")
    raw = bytes.fromhex(text)
    if length is not None and len(raw) != length:
        raise InvalidRequest(f"expected {length} bytes in base16, found {len(raw)}")
    return raw


def point(value: Any) -> Point | None:
    """A point; None for "origin"."""
    if value == "origin":
        return None
    slot = member(value, "slot", int)
    if slot < 0:
        raise InvalidRequest("a slot is not negative")
    return Point(slot, hexadecimal(member(value, "id", str), 32))


def output_reference(value: Any) -> OutputReference:
    """A transaction id and an index."""
    digest = hexadecimal(member(member(value, "transaction", dict), "id", str), 32)
    index = member(value, "index", int)
    if not 0 <= index < 1 << 32:
        raise InvalidRequest("an output's index is not negative and fits 32 bits")
    return OutputReference(digest, index)


def address(text: Any) -> LedgerAddress:
    """An address in Bech32, Base58 or base16."""
    if not isinstance(text, str):
        raise InvalidRequest("an address must be a string")
    try:
        return decode_address(_address_bytes(text))
    except InvalidEncoding as error:
        raise InvalidRequest(f"{text[:32]!r} is not an address: {error.reason}") from None


def _address_bytes(text: str) -> bytes:
    if re.fullmatch("([0-9a-fA-F]{2})+", text):
        return bytes.fromhex(text)
    try:
        return bech32.decode(text)[1]
    except InvalidEncoding as error:
        if text.lower().startswith("addr"):
            raise
        try:
            return base58.decode(text)
        except InvalidEncoding:
            raise error from None


def additional_utxo(value: Any) -> dict[OutputReference, Output]:
    """Outputs that a client adds to those of the ledger when it evaluates."""
    if value is None:
        return {}
    if not isinstance(value, list):
        raise InvalidRequest("field 'additionalUtxo' must be an array")
    return {output_reference(each): output(each) for each in value}


def output(entry: dict[str, Any]) -> Output:
    """An output as Ogmios shows it: `address`, `value`, and perhaps `datum` or `datumHash`, and `script`."""
    entries = {
        0: cbor.encode_bytes(address(entry.get("address")).raw),
        1: _value(member(entry, "value", dict)),
    }
    datum_hash, datum = entry.get("datumHash"), entry.get("datum")
    if datum is not None and datum_hash is not None:
        raise InvalidRequest("specified both 'datumHash' & 'datum'")
    if datum is not None:
        wrapped = cbor.head(cbor.TAG, 24) + cbor.encode_bytes(hexadecimal(datum))
        entries[2] = encoding.array((encoding.integer(1), wrapped))
    elif datum_hash is not None:
        digest = cbor.encode_bytes(hexadecimal(datum_hash, 32))
        entries[2] = encoding.array((encoding.integer(0), digest))
    if entry.get("script") is not None:
        wrapped = cbor.encode_bytes(_script(entry["script"]))
        entries[3] = cbor.head(cbor.TAG, 24) + wrapped
    try:
        found = decode_output(fields(entries))
    except InvalidEncoding as error:
        raise InvalidRequest(f"an additional output can't be read: {error.reason}") from None
    if found.script is not None and not is_well_formed(found.script, PROTOCOL_MAJOR):
        raise InvalidRequest("couldn't decode plutus script")
    return found


PROTOCOL_MAJOR: Final = MAINNET_PARAMETERS.protocol_version[0]
"""The protocol version that scripts of additional outputs are read at."""


def _value(value: dict[str, Any]) -> bytes:
    lovelace = member(member(value, "ada", dict), "lovelace", int)
    assets: dict[AssetId, int] = {}
    for policy, names in value.items():
        if policy != "ada":
            for name in names if isinstance(names, dict) else ():
                asset = AssetId(hexadecimal(policy, 28), hexadecimal(name))
                assets[asset] = member(names, name, int)
    if not 0 <= lovelace < 1 << 64 or any(not 0 <= n < 1 << 64 for n in assets.values()):
        raise InvalidRequest("a quantity is not negative and fits 64 bits")
    if not any(assets.values()):
        return encoding.integer(lovelace)
    return encoding.array((encoding.integer(lovelace), encoding.multi_asset(Value(0, assets))))


def _script(script: Any) -> bytes:
    if isinstance(script, str):
        return _nested(hexadecimal(script))
    language = member(script, "language", str)
    if language in _LANGUAGES:
        code = cbor.encode_bytes(hexadecimal(script.get("cbor")))
        return encoding.array((encoding.integer(_LANGUAGES[language]), code))
    if language != "native":
        raise InvalidRequest(f"unknown script language {language!r}")
    native = hexadecimal(script["cbor"]) if "cbor" in script else _native(script.get("json"), 0)
    return encoding.array((encoding.integer(0), native))


def _nested(raw: bytes) -> bytes:
    """The bytes that a byte string under tag 24 (CBOR in CBOR) holds."""
    try:
        item = cbor.read(raw)
        if item.kind == cbor.TAG and item.tag == 24:
            inner: bytes = item.value.bytes()
            return inner
    except InvalidEncoding as error:
        raise InvalidRequest(f"couldn't decode a script: {error.reason}") from None
    raise InvalidRequest("couldn't decode a script: it is not CBOR in CBOR")


def _native(clause: Any, depth: int) -> bytes:
    """A native script out of Ogmios' clauses."""
    kind = member(clause, "clause", str)
    if depth > 400:
        raise InvalidRequest("a native script is nested too deep")
    if kind == "signature":
        digest = cbor.encode_bytes(hexadecimal(clause.get("from"), 28))
        return encoding.array((encoding.integer(0), digest))
    if kind in ("before", "after"):
        tag = 5 if kind == "before" else 4
        return encoding.array((encoding.integer(tag), encoding.integer(_slot(clause))))
    if kind not in ("all", "any", "some"):
        raise InvalidRequest(f"unknown clause {kind!r} of a native script")
    inner = encoding.array([_native(each, depth + 1) for each in member(clause, "from", list)])
    if kind == "some":
        least = encoding.integer(member(clause, "atLeast", int))
        return encoding.array((encoding.integer(3), least, inner))
    return encoding.array((encoding.integer(1 if kind == "all" else 2), inner))


def _slot(clause: dict[str, Any]) -> int:
    slot: int = member(clause, "slot", int)
    if not 0 <= slot < 1 << 64:
        raise InvalidRequest("a slot is not negative and fits 64 bits")
    return slot


def transaction_cbor(params: dict[str, Any]) -> bytes:
    """The bytes of the transaction that is to be submitted or evaluated."""
    raw = hexadecimal(member(member(params, "transaction", dict), "cbor", str))
    return _nested(raw) if raw.startswith(_CBOR_IN_CBOR) else raw


_CBOR_IN_CBOR: Final = bytes((0xD8, 24))
"""Tag 24, in which a transaction may be wrapped: the node's protocol has it so."""
