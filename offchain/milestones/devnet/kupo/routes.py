"""What each of Kupo's routes does. A route gets a `Call` and returns the answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import PlainTextResponse, Response

from milestones.devnet.blocks import Block, Point
from milestones.devnet.chain import Chain
from milestones.devnet.clock import SAFE_ZONE_SLOTS
from milestones.devnet.kupo.filters import Query, read_filter, read_transaction_id
from milestones.devnet.kupo.index import Index
from milestones.devnet.kupo.patterns import Pattern, parse_pattern
from milestones.devnet.kupo.rendering import (
    JSON_TYPE,
    TEXT_QUANTITIES_TYPE,
    bad_request,
    health_json,
    json_reply,
    match_json,
    metadata_json,
    not_found,
    point_json,
    prometheus,
    script_json,
    status_code,
    wrong_method,
)
from milestones.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Call:
    """One request: what comes after the route's name in `path`, `body` is JSON or None."""

    chain: Chain
    index: Index
    method: str
    path: Sequence[str]
    query: Query
    accept: str | None
    body: Any
    connected: bool


def get_health(call: Call) -> Response:
    """`/health`."""
    answer = health_json(call.chain, call.index, connected=call.connected)
    return _in_asked_form(call, answer, status_code(answer))


def get_metrics(call: Call) -> Response:
    """`/metrics`: as `/health`, but always 200."""
    answer = health_json(call.chain, call.index, connected=call.connected)
    return _in_asked_form(call, answer, 200)


def _in_asked_form(call: Call, answer: dict[str, Any], status: int) -> Response:
    _exactly(call, 0)
    # Kupo looks for the text first, whatever else is named beside it.
    accepted = call.accept or "application/json"
    if "text/plain" not in accepted and "application/json" in accepted:
        return json_reply(answer, status)
    if "text/plain" in accepted or "*/*" in accepted:
        text = prometheus(answer)
        return PlainTextResponse(text, status, media_type="text/plain;charset=utf-8")
    raise bad_request("This endpoint answers 'application/json' or 'text/plain'.")


def get_matches(call: Call) -> Response:
    """`/matches` and `/matches/{pattern}`."""
    pattern = _pattern(call)
    try:
        wanted = read_filter(call.query, lambda point: _check_point(call, point))
    except InvalidInput as error:
        raise bad_request(f"Invalid filter query: {error.message}.") from None
    found = [match for match in call.index.select(pattern) if wanted.admits(match)]
    if not wanted.oldest_first:
        found.reverse()
    as_text = "asset-quantity=string" in (call.accept or "").replace(" ", "")
    shown = [
        match_json(each, call.index, resolve=wanted.resolve_hashes, as_text=as_text)
        for each in found
    ]
    return json_reply(shown, media_type=TEXT_QUANTITIES_TYPE if as_text else JSON_TYPE)


def delete_matches(call: Call) -> Response:
    """`DELETE /matches/{pattern}`: only for what no active pattern overlaps."""
    pattern = _pattern(call)
    if any(pattern.overlaps(active) for active in call.index.patterns):
        raise bad_request("An active pattern overlaps with this one: remove that first.")
    return json_reply({"deleted": call.index.forget(pattern)})


def get_patterns(call: Call) -> Response:
    """`/patterns`, and `/patterns/{pattern}`: those that include it."""
    active = call.index.patterns
    if call.path:
        asked = _pattern(call)
        active = [each for each in active if each.includes(asked)]
    return json_reply(sorted({each.text for each in active}))


def put_patterns(call: Call) -> Response:
    """`PUT /patterns` and `PUT /patterns/{pattern}`: goes back and indexes again from there."""
    body = call.body if isinstance(call.body, dict) else {}
    unknown = body.keys() - {"rollback_to", "limit"} - (set() if call.path else {"patterns"})
    if unknown:
        raise bad_request("The body has members that are not known here.")
    if call.path:
        patterns = [_pattern(call)]
    else:
        listed = body.get("patterns")
        patterns = [_parsed(each) for each in listed] if isinstance(listed, list) else []
        if not patterns:
            raise bad_request("Give the patterns to add as a list of texts under 'patterns'.")
    call.index.watch(patterns, _rollback_slot(call, body))
    return json_reply(sorted({each.text for each in call.index.patterns}))


def delete_patterns(call: Call) -> Response:
    """`DELETE /patterns/{pattern}`: what it matched stays."""
    return json_reply({"deleted": call.index.unwatch(_pattern(call))})


def get_datum(call: Call) -> Response:
    """`/datums/{hash}`."""
    datum = call.index.datums.get(_digest(call, 32, "datum"))
    return json_reply(None if datum is None else {"datum": datum.hex()})


def get_script(call: Call) -> Response:
    """`/scripts/{hash}`."""
    script = call.index.scripts.get(_digest(call, 28, "script"))
    return json_reply(None if script is None else script_json(script))


def get_checkpoints(call: Call) -> Response:
    """`/checkpoints`: a sample, ever sparser; `/checkpoints/{slot}`: the closest at or before it."""
    if not call.path:
        sample = (
            block
            for age, block in enumerate(call.index.checkpoints())
            if age < 10 or age & (age - 1) == 0 or block.parent is None
        )
        return json_reply([point_json(block.point) for block in sample])
    slot = _slot(call)
    unknown = [name for name, value in call.query if name != "strict" or value is not None]
    if unknown:
        raise bad_request("The only query parameter here is the bare flag '?strict'.")
    found = next((block for block in call.index.checkpoints() if block.slot <= slot), None)
    if found is None or (call.query and found.slot != slot):
        return json_reply(None)
    return json_reply(point_json(found.point))


def get_metadata(call: Call) -> Response:
    """`/metadata/{slot}`: of the block at that slot or, where it has none, of the next one."""
    slot = _slot(call)
    try:
        wanted = read_transaction_id(call.query)
    except InvalidInput:
        raise bad_request("Filter by one 'transaction_id', 64 digits in base16.") from None
    block = next((each for each in call.chain.blocks if each.slot >= slot), None) if slot else None
    if block is None:
        return json_reply([])
    found = [
        metadata_json(each.transaction.auxiliary_data)
        for each in block.inclusions
        if each.transaction.auxiliary_data is not None and wanted in (None, each.transaction.id)
    ]
    reply = json_reply(found)
    reply.headers["X-Block-Header-Hash"] = block.header_hash.hex()
    return reply


ROUTES: Final[dict[str, dict[str, Callable[[Call], Response]]]] = {
    "health": {"GET": get_health},
    "metrics": {"GET": get_metrics},
    "matches": {"GET": get_matches, "DELETE": delete_matches},
    "patterns": {"GET": get_patterns, "PUT": put_patterns, "DELETE": delete_patterns},
    "datums": {"GET": get_datum},
    "scripts": {"GET": get_script},
    "checkpoints": {"GET": get_checkpoints},
    "metadata": {"GET": get_metadata},
}


def dispatch(call: Call) -> Response:
    """Answers a call whose `path` starts with the route's name. Raises `Refusal`."""
    name = call.path[0] if call.path else ""
    if name not in ROUTES:
        raise not_found()
    if call.method not in ROUTES[name]:
        raise wrong_method()
    rest = Call(
        call.chain,
        call.index,
        call.method,
        call.path[1:],
        call.query,
        call.accept,
        call.body,
        call.connected,
    )
    return ROUTES[name][call.method](rest)


def _exactly(call: Call, count: int) -> None:
    if len(call.path) != count:
        raise not_found()


def _pattern(call: Call) -> Pattern:
    if len(call.path) > 2:
        raise bad_request(_PATTERN_HINT)
    return _parsed("/".join(call.path) if call.path else "*")


_PATTERN_HINT: Final = (
    "Invalid pattern: give '*', an address, CREDENTIAL/CREDENTIAL, POLICY.NAME, "
    "INDEX@TRANSACTION or {LABEL}."
)


def _parsed(text: Any) -> Pattern:
    try:
        return parse_pattern(text if isinstance(text, str) else "")
    except InvalidInput:
        raise bad_request(_PATTERN_HINT) from None


def _digest(call: Call, length: int, what: str) -> bytes:
    _exactly(call, 1)
    if not re.fullmatch("([0-9a-fA-F]{2})*", call.path[0]) or len(call.path[0]) != 2 * length:
        raise bad_request(f"A {what} hash has {2 * length} digits in base16.")
    return bytes.fromhex(call.path[0])


def _slot(call: Call) -> int:
    _exactly(call, 1)
    if not re.fullmatch("[0-9]{1,20}", call.path[0]):
        raise bad_request("The path ends in an absolute slot number, not negative.")
    return int(call.path[0])


def _check_point(call: Call, point: Point) -> None:
    """Refuses a point that was rolled back, and names the nearest one before it that was not."""
    if _indexed(call, point) is not None:
        return
    found = next((each for each in call.index.checkpoints() if each.slot <= point.slot), None)
    if found is None:
        raise bad_request("The given point is unknown: nothing is indexed so early.")
    raise bad_request(
        f"There is no point {_point_text(point)}: the chain was rolled back since, perhaps. "
        f"The closest ancestor is {_point_text(found.point)}."
    )


def _point_text(point: Point) -> str:
    return f"{point.slot}.{point.header_hash.hex()}"


def _indexed(call: Call, point: Point) -> Block | None:
    return next((each for each in call.index.checkpoints() if each.point == point), None)


def _rollback_slot(call: Call, body: dict[str, Any]) -> int:
    """The slot to go back to, as `rollback_to` in the body asks."""
    target = body.get("rollback_to")
    target = target if isinstance(target, dict) else {}
    slot = target.get("slot_no")
    if not isinstance(slot, int) or isinstance(slot, bool) or slot < 0:
        raise bad_request("Give 'rollback_to' with a 'slot_no' and, if you like, a 'header_hash'.")
    if "header_hash" in target:
        header_hash = target["header_hash"]
        if not isinstance(header_hash, str) or not re.fullmatch("[0-9a-fA-F]{64}", header_hash):
            raise bad_request("A 'header_hash' has 64 digits in base16.")
        if _indexed(call, Point(slot, bytes.fromhex(header_hash))) is None:
            raise bad_request("The point to go back to is unknown.")
    limit = body.get("limit", "within_safe_zone")
    if limit not in ("within_safe_zone", "unsafe_allow_beyond_safe_zone"):
        raise bad_request("'limit' is 'within_safe_zone' or 'unsafe_allow_beyond_safe_zone'.")
    furthest = max(slot, call.chain.blocks[0].slot)
    if limit == "within_safe_zone" and call.chain.tip.slot - furthest > SAFE_ZONE_SLOTS:
        raise bad_request(
            "The point is beyond the safe zone of 36 hours; 'unsafe_allow_beyond_safe_zone' allows it."
        )
    return slot
