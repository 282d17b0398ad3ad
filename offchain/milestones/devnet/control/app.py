"""The control interface and its actions, described in `openapi.json` beside this file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from milestones.cardano.address import Address, StakeAddress
from milestones.cardano.network import kind_of
from milestones.devnet.blocks import Block
from milestones.devnet.chain import Chain
from milestones.devnet.control import pages, searching
from milestones.devnet.control.access import (
    Forbidden,
    WrongType,
    check_access,
    check_form,
    check_type,
)
from milestones.devnet.control.flame_graph import STYLE, STYLE_PATH
from milestones.devnet.control.profiles import profile
from milestones.devnet.interface import FAULTS, marks, read_body
from milestones.devnet.ledger.addresses import decode_address
from milestones.devnet.ledger.failures import TransactionRejected
from milestones.devnet.mempool import MempoolFull
from milestones.devnet.ogmios import rpc
from milestones.devnet.ogmios.failures import rpc_failure
from milestones.devnet.ogmios.parameters import parameters_json, parse_parameters
from milestones.devnet.ogmios.rpc import MISSING
from milestones.devnet.origin import Fork, NotFetched
from milestones.errors import InvalidInput, MilestonesError, NotFound, ServiceUnavailable
from milestones.look.pages import SERVED_POLICY, STYLESHEET_PATH, stylesheet


class Controlled(Protocol):
    """What is controlled: a chain, and the interfaces that it is seen through."""

    @property
    def chain(self) -> Chain:
        """The chain."""

    def break_interface(self, name: str, fault: str) -> None:
        """Switches a fault of an interface on."""

    def mend_interface(self, name: str) -> None:
        """Makes an interface work again."""

    def fault_of(self, name: str) -> str | None:
        """The fault of an interface; None when it works."""

    @property
    def block_interval_s(self) -> float | None:
        """Seconds between blocks; 0 at once, None by hand."""

    def set_block_interval(self, interval_s: float | None) -> None:
        """Makes blocks at once (0), at intervals of seconds, or only when asked for (None)."""


def state(devnet: Controlled) -> dict[str, Any]:
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
        "block_interval_seconds": devnet.block_interval_s,
        "fork": None if chain.fork is None else fork_json(chain.fork),
        "impersonated": sorted(each.hex() for each in chain.impersonated),
    }


def fork_json(fork: Fork) -> dict[str, Any]:
    """What a fork stands on, and where from."""
    facts = fork.facts
    return {
        "network": facts.calendar.network_name,
        "slot": facts.point.slot,
        "height": facts.height,
        "id": facts.point.header_hash.hex(),
        "services": list(facts.services),
        "parameters_at_tip": facts.parameters_at_tip,
    }


def tip_json(block: Block) -> dict[str, Any]:
    """A block's place."""
    return {"slot": block.slot, "height": block.height, "id": block.header_hash.hex()}


def _advance(devnet: Controlled, arguments: dict[str, Any]) -> dict[str, Any]:
    seconds = _number(arguments, "seconds", 1, 10_000_000_000)
    return {"tip": tip_json(devnet.chain.advance(seconds * 1000))}


def _mine(devnet: Controlled, arguments: dict[str, Any]) -> dict[str, Any]:
    count = _number(arguments, "count", 1, 10_000) if "count" in arguments else 1
    return {"tip": tip_json(devnet.chain.mine(count)[-1])}


def _rollback(devnet: Controlled, arguments: dict[str, Any]) -> dict[str, Any]:
    count = _number(arguments, "count", 1, 1_000_000_000) if "count" in arguments else 1
    return {"tip": tip_json(devnet.chain.rollback(count))}


def _faucet(devnet: Controlled, arguments: dict[str, Any]) -> dict[str, Any]:
    chain = devnet.chain
    address = Address.from_bech32(_text(arguments, "address"))
    _check_network(chain, address.network_id, "addr")
    tokens = arguments.get("tokens", {})
    if not isinstance(tokens, dict) or len(tokens) > 50:
        raise InvalidInput("must be an object of at most 50 quantities", path="tokens")
    quantities = {_name(name): _number(tokens, name, 1, (1 << 63) - 1) for name in tokens}
    lovelace = 0
    if "lovelace" in arguments or not tokens:
        lovelace = _number(arguments, "lovelace", 1, (1 << 63) - 1)
    with _judged():
        paid = chain.pay_from_faucet(decode_address(address.to_bytes()), lovelace, quantities)
    policy_id = chain.faucet.policy_id.hex()
    return {"transaction_id": paid.hex(), "policy_id": policy_id if tokens else None}


def _submit(devnet: Controlled, arguments: dict[str, Any]) -> dict[str, Any]:
    try:
        raw = bytes.fromhex(_text(arguments, "transaction"))
    except ValueError:
        raise InvalidInput("must be CBOR in hexadecimal", path="transaction") from None
    with _judged():
        return {"transaction_id": devnet.chain.submit(raw).hex()}


def _place(devnet: Controlled, arguments: dict[str, Any]) -> dict[str, Any]:
    try:
        output = rpc.output(arguments)
    except rpc.InvalidRequest as error:
        raise InvalidInput(error.message, path="output", hint=_HINT) from None
    chain = devnet.chain
    if not output.address.is_bootstrap:
        _check_network(chain, output.address.network_id, "addr")
    with _judged():
        reference = chain.place(output.raw)
    return {"transaction_id": reference.transaction_id.hex(), "index": reference.index}


def _parameters(devnet: Controlled, arguments: dict[str, Any]) -> dict[str, Any]:
    chain = devnet.chain
    chain.change_parameters(parse_parameters(arguments, chain.parameters))
    return parameters_json(chain.parameters)


def _blocks(devnet: Controlled, arguments: dict[str, Any]) -> dict[str, Any]:
    interval = arguments.get("interval_seconds", "")
    number = isinstance(interval, (int, float)) and not isinstance(interval, bool)
    if interval is not None and not number:
        raise InvalidInput(
            "must be a number of seconds, or null",
            path="interval_seconds",
            hint="0 makes a block for every transaction, null only those that are asked for",
        )
    devnet.set_block_interval(interval)
    return {"block_interval_seconds": devnet.block_interval_s}


@contextmanager
def _judged() -> Iterator[None]:
    """Says why a transaction was not taken."""
    try:
        yield
    except TransactionRejected as rejected:
        failure = rpc_failure(rejected)
        raise InvalidInput(
            failure.message, details={"data": None if failure.data is MISSING else failure.data}
        ) from None
    except MempoolFull:
        raise InvalidInput("the mempool is full", hint="make a block first") from None


def _rewards(devnet: Controlled, arguments: dict[str, Any]) -> dict[str, Any]:
    account = StakeAddress.from_bech32(_text(arguments, "address"))
    _check_network(devnet.chain, account.network_id, "stake")
    lovelace = _number(arguments, "lovelace", 1, (1 << 63) - 1)
    block = devnet.chain.grant_rewards(account.credential, lovelace)
    granted = devnet.chain.staking.account(account.credential)
    held = 0 if granted is None else granted.rewards_lovelace
    return {"tip": tip_json(block), "rewards_lovelace": held}


def _freeze(devnet: Controlled, arguments: dict[str, Any]) -> dict[str, Any]:
    devnet.break_interface(_interface(arguments), _text(arguments, "fault"))
    return {"faults": {name: devnet.fault_of(name) for name in FAULTS}}


def _unfreeze(devnet: Controlled, arguments: dict[str, Any]) -> dict[str, Any]:
    for name in [_interface(arguments)] if "interface" in arguments else list(FAULTS):
        devnet.mend_interface(name)
    return {"faults": {name: devnet.fault_of(name) for name in FAULTS}}


def _snapshot(devnet: Controlled, _arguments: dict[str, Any]) -> dict[str, Any]:
    return {"snapshot": devnet.chain.snapshot()}


def _revert(devnet: Controlled, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"tip": tip_json(devnet.chain.revert(_text(arguments, "snapshot")))}


def _profile(devnet: Controlled, arguments: dict[str, Any]) -> dict[str, Any]:
    return profile(devnet.chain, arguments)


ACTIONS: Final[dict[str, Callable[[Controlled, dict[str, Any]], dict[str, Any]]]] = {
    "/advance": _advance,
    "/mine": _mine,
    "/rollback": _rollback,
    "/faucet": _faucet,
    "/rewards": _rewards,
    "/submit": _submit,
    "/place": _place,
    "/parameters": _parameters,
    "/blocks": _blocks,
    "/freeze": _freeze,
    "/unfreeze": _unfreeze,
    "/snapshot": _snapshot,
    "/revert": _revert,
    "/profile": _profile,
}
"""By path; all are POST."""


def _check_network(chain: Chain, network_id: int, prefix: str) -> None:
    if network_id != chain.calendar.network_id:
        raise InvalidInput(
            f"is one of {kind_of(network_id)}, and this chain is"
            f" {kind_of(chain.calendar.network_id)}",
            path="address",
            hint=f"addresses of mainnet start with {prefix}1, all others with {prefix}_test1",
        )


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


_STATUS: Final = {
    NotFound: 404,
    Forbidden: 403,
    WrongType: 415,
    ServiceUnavailable: 503,
    InvalidInput: 400,
}
_HINT: Final = "see /openapi.json"
FORM_PATH: Final = "/pay"
_DESCRIPTION: Final = resources.files("milestones.devnet.control").joinpath("openapi.json")
FILES: Final[dict[str, tuple[str, Callable[[], str]]]] = {
    STYLESHEET_PATH: ("text/css", stylesheet),
    STYLE_PATH: ("text/css", lambda: STYLE),
    "/openapi.json": ("application/json", lambda: _DESCRIPTION.read_text(encoding="utf-8")),
}
"""What is served as it is: by path, its type, and what reads it."""


class ControlApp:
    """The ASGI application. `listening_on` is the host that it is served on."""

    def __init__(self, devnet: Controlled, listening_on: str) -> None:
        self._devnet, self._listening_on = devnet, listening_on

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        body = await read_body(request)
        try:
            check_access(request, self._listening_on)
            if body is None:
                raise InvalidInput("the body is too long")
            response = await self._answer(request, body)
        except MilestonesError as error:
            status = next((n for kind, n in _STATUS.items() if isinstance(error, kind)), 409)
            response = _refusal(request, error, status)
        response.headers["Content-Security-Policy"] = SERVED_POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers.update(marks(self._devnet.chain))
        await response(scope, receive, send)

    async def _answer(self, request: Request, body: bytes) -> Response:
        while True:
            try:
                return self._respond(request, body)
            except NotFetched as missing:
                await missing.fetch()

    def _respond(self, request: Request, body: bytes) -> Response:
        method, path = request.method, request.url.path
        action = ACTIONS.get(path)
        if path == FORM_PATH and method == "POST":
            check_form(request)
            return self._pay(body)
        if method == "POST":
            check_type(request, body)
        if action is None and path != FORM_PATH:
            page = self._page(path, request.query_params)
            return page if method in ("GET", "HEAD") else _wrong_method(method, path, "GET")
        if method != "POST" or action is None:
            return _wrong_method(method, path, "POST")
        return JSONResponse(action(self._devnet, _arguments(body)))

    def _pay(self, body: bytes) -> Response:
        """What the faucet's form asks for: leads to the transaction, or back to the form with what is wrong."""
        given = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
        form = {name: given.get(name, "") for name in pages.NO_FORM}
        try:
            paid = _faucet(self._devnet, pages.faucet_arguments(form))
        except MilestonesError as problem:
            return HTMLResponse(self._overview(form=form, problem=problem), 400)
        return RedirectResponse(f"/transaction/{paid['transaction_id']}", 303)

    def _overview(self, **options: Any) -> str:
        faults = {name: self._devnet.fault_of(name) for name in FAULTS}
        return pages.overview(self._devnet.chain, faults, **options)

    def _first_page(self, query: QueryParams) -> Response:
        before, every = _number_in(query, "before", 0, 1 << 62), _number_in(query, "every", 1, 999)
        answer = HTMLResponse(self._overview(before=before, every=every))
        if every:
            # Somebody has asked for it, and can stop it. A page needs no script for that.
            answer.headers["Refresh"] = str(every)
        return answer

    def _page(self, path: str, query: QueryParams) -> Response:
        if path == "/":
            return self._first_page(query)
        if path == "/search":
            found = searching.path_of(self._devnet.chain, query.get("q", ""))
            return RedirectResponse(found, 303)
        if path == "/state":
            return JSONResponse(state(self._devnet))
        if path in FILES:
            media_type, text = FILES[path]
            return Response(text(), media_type=media_type)
        kind, _, name = path.removeprefix("/").partition("/")
        return HTMLResponse(self._named_page(kind, name, path))

    def _named_page(self, kind: str, name: str, path: str) -> str:
        chain = self._devnet.chain
        if kind == "block" and name.isdecimal() and len(name) < 19:
            return pages.block(chain, int(name))
        if kind == "transaction" and len(name) == 64:
            return pages.transaction(chain, name)
        if kind in ("address", "token") and name:
            return pages.found(chain, kind, name)
        raise NotFound(f"there is nothing at {path}", hint=f"start at /, or {_HINT}")


def _refusal(request: Request, error: MilestonesError, status: int) -> Response:
    """JSON for programs, a page for browsers."""
    if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
        looked_for = request.query_params.get("q", "")
        return HTMLResponse(pages.refusal(error, looked_for=looked_for), status)
    return JSONResponse({"error": error.to_json()}, status)


def _number_in(query: QueryParams, name: str, least: int, most: int) -> int | None:
    """A number in the query; None where it isn't there. Raises `InvalidInput` for one out of bounds."""
    text = query.get(name)
    if text is None:
        return None
    digits = text if text.isascii() and text.isdecimal() and len(text) < 20 else ""
    return _number({name: int(digits) if digits else None}, name, least, most)


def _wrong_method(method: str, path: str, right: str) -> Response:
    wrong = InvalidInput(f"{path} takes {right}, not {method}", hint=_HINT)
    return JSONResponse({"error": wrong.to_json()}, 405, {"Allow": right})


def _arguments(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise InvalidInput("the body must be a JSON object")
    return value
