"""The control interface. Described in `openapi.json` beside this file, served at `/openapi.json`."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from milestones.cardano.address import Address
from milestones.devnet.blocks import Block
from milestones.devnet.control import pages
from milestones.devnet.faults import FAULTS
from milestones.devnet.http_body import read_body
from milestones.devnet.ledger.addresses import decode_address
from milestones.devnet.ledger.failures import LedgerFailure
from milestones.devnet.mempool import MempoolFull
from milestones.errors import InvalidInput, MilestonesError, NotFound

if TYPE_CHECKING:
    from milestones.devnet.server import Devnet

_STATUS: Final = {NotFound: 404, InvalidInput: 400}


class ControlApp:
    """The ASGI application."""

    def __init__(self, devnet: Devnet) -> None:
        self._devnet = devnet

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        body = await read_body(request)
        try:
            if body is None:
                raise InvalidInput("the body is too long")
            response = self._respond(request.method, request.url.path, body)
        except MilestonesError as error:
            status = next((n for kind, n in _STATUS.items() if isinstance(error, kind)), 409)
            response = JSONResponse({"error": error.to_json()}, status)
        await response(scope, receive, send)

    def _respond(self, method: str, path: str, body: bytes) -> Response:
        action = _ACTIONS.get(path)
        if action is None and method == "GET":
            return self._page(path)
        if action is None:
            raise NotFound(f"there is no {method} {path}", hint="see /openapi.json")
        if method != "POST":
            wrong = InvalidInput(f"{path} takes POST, not {method}", hint="see /openapi.json")
            return JSONResponse({"error": wrong.to_json()}, 405, {"Allow": "POST"})
        return JSONResponse(action(self._devnet, _arguments(body)))

    def _page(self, path: str) -> Response:
        chain = self._devnet.chain
        if path == "/":
            return HTMLResponse(pages.overview(chain))
        if path == "/state":
            return JSONResponse(state(self._devnet))
        if path == "/openapi.json":
            text = resources.files("milestones.devnet.control").joinpath("openapi.json").read_text()
            return Response(text, media_type="application/json")
        kind, _, name = path.removeprefix("/").partition("/")
        if kind == "block" and name.isdecimal() and len(name) < 19:
            return HTMLResponse(pages.block(chain, int(name)))
        if kind == "transaction" and len(name) == 64:
            return HTMLResponse(pages.transaction(chain, name))
        raise NotFound(f"there is no page {path}", hint="start at /")


def state(devnet: Devnet) -> dict[str, Any]:
    """Everything at a glance."""
    chain = devnet.chain
    return {
        "tip": tip_json(chain.tip),
        "now_slot": chain.clock.slot(),
        "now_posix_ms": chain.clock.posix_ms(),
        "mempool": [each.id.hex() for each in chain.mempool.transactions],
        "network_magic": chain.calendar.magic,
        "faucet": {
            "address": str(chain.faucet.address),
            "policy_id": chain.faucet.policy_id.hex(),
        },
        "faults": {name: devnet.fault_of(name) for name in FAULTS},
    }


def tip_json(block: Block) -> dict[str, Any]:
    """A block's place."""
    return {"slot": block.slot, "height": block.height, "id": block.header_hash.hex()}


def _advance(devnet: Devnet, arguments: dict[str, Any]) -> dict[str, Any]:
    seconds = _number(arguments, "seconds", 1, 10_000_000_000)
    return {"tip": tip_json(devnet.chain.advance(seconds * 1000))}


def _mine(devnet: Devnet, arguments: dict[str, Any]) -> dict[str, Any]:
    count = _number(arguments, "count", 1, 10_000) if "count" in arguments else 1
    return {"tip": tip_json(devnet.chain.mine(count)[-1])}


def _rollback(devnet: Devnet, arguments: dict[str, Any]) -> dict[str, Any]:
    count = _number(arguments, "count", 1, 1_000_000_000) if "count" in arguments else 1
    return {"tip": tip_json(devnet.chain.rollback(count))}


def _faucet(devnet: Devnet, arguments: dict[str, Any]) -> dict[str, Any]:
    chain = devnet.chain
    address = Address.from_bech32(_text(arguments, "address"))
    if address.network_id != chain.calendar.network_id:
        raise InvalidInput("belongs to another network", path="address")
    tokens = arguments.get("tokens", {})
    if not isinstance(tokens, dict) or len(tokens) > 50:
        raise InvalidInput("must be an object of at most 50 quantities", path="tokens")
    quantities = {_name(name): _number(tokens, name, 1, (1 << 63) - 1) for name in tokens}
    lovelace = 0
    if "lovelace" in arguments or not tokens:
        lovelace = _number(arguments, "lovelace", 1, (1 << 63) - 1)
    try:
        paid = chain.pay_from_faucet(decode_address(address.to_bytes()), lovelace, quantities)
    except LedgerFailure as failure:
        raise InvalidInput(failure.message, details={"data": failure.data}) from None
    except MempoolFull:
        raise InvalidInput("the mempool is full", hint="make a block first") from None
    policy_id = chain.faucet.policy_id.hex()
    return {"transaction_id": paid.hex(), "policy_id": policy_id if tokens else None}


def _freeze(devnet: Devnet, arguments: dict[str, Any]) -> dict[str, Any]:
    devnet.break_interface(_interface(arguments), _text(arguments, "fault"))
    return {"faults": {name: devnet.fault_of(name) for name in FAULTS}}


def _unfreeze(devnet: Devnet, arguments: dict[str, Any]) -> dict[str, Any]:
    for name in [_interface(arguments)] if "interface" in arguments else list(FAULTS):
        devnet.mend_interface(name)
    return {"faults": {name: devnet.fault_of(name) for name in FAULTS}}


def _snapshot(devnet: Devnet, _arguments: dict[str, Any]) -> dict[str, Any]:
    return {"snapshot": devnet.chain.snapshot()}


def _revert(devnet: Devnet, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"tip": tip_json(devnet.chain.revert(_text(arguments, "snapshot")))}


_ACTIONS: Final[dict[str, Callable[[Devnet, dict[str, Any]], dict[str, Any]]]] = {
    "/advance": _advance,
    "/mine": _mine,
    "/rollback": _rollback,
    "/faucet": _faucet,
    "/freeze": _freeze,
    "/unfreeze": _unfreeze,
    "/snapshot": _snapshot,
    "/revert": _revert,
}


def _arguments(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise InvalidInput("the body must be a JSON object")
    return value


def _number(arguments: dict[str, Any], name: str, least: int, most: int) -> int:
    value = arguments.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise InvalidInput(f"must be an integer from {least} to {most}", path=name)
    return value


def _text(arguments: dict[str, Any], name: str) -> str:
    value = arguments.get(name)
    if not isinstance(value, str):
        raise InvalidInput("must be a text", path=name)
    return value


def _name(text: str) -> bytes:
    try:
        name = bytes.fromhex(text)
    except ValueError:
        name = b"?" * 33
    if len(name) > 32:
        raise InvalidInput("a token's name is at most 32 bytes in hexadecimal", path="tokens")
    return name


def _interface(arguments: dict[str, Any]) -> str:
    name = _text(arguments, "interface")
    if name not in FAULTS:
        raise InvalidInput("must be 'ogmios' or 'kupo'", path="interface")
    return name
