"""JSON-RPC 2.0 as Ogmios speaks it: requests in, answers and failures out."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, Final

from milestones.errors import MilestonesError

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
    params: dict[str, Any]
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


def parse_request(value: Any) -> Request:
    """Reads a request. Raises `InvalidRequest` for anything else, batches included."""
    if not isinstance(value, dict):
        raise InvalidRequest("must be a well-formed JSON object")
    if value.get("jsonrpc") != "2.0":
        raise InvalidRequest("field 'jsonrpc' must be \"2.0\"")
    method = value.get("method")
    if not isinstance(method, str):
        raise InvalidRequest("field 'method' must be present and be a string")
    params = value.get("params")
    if params is not None and not isinstance(params, dict):
        raise InvalidRequest("field 'params' must be an object")
    return Request(method, params or {}, value.get("id"))


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
