"""What each of Kupo's routes does. A route gets a `Call` and returns the answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from starlette.responses import PlainTextResponse, Response

from milestones.devnet.blocks import Block, Point
from milestones.devnet.chain import Chain
from milestones.devnet.clock import SAFE_ZONE_SLOTS
from milestones.devnet.kupo.filters import (
    MatchFilter,
    Query,
    read_filter,
    read_point,
    read_slot,
    read_transaction_id,
)
from milestones.devnet.kupo.index import Index
from milestones.devnet.kupo.patterns import Pattern, parse_pattern
from milestones.devnet.kupo.rendering import (
    JSON_TYPE,
    TEXT_QUANTITIES_TYPE,
    bad_request,
    health_json,
    json_list_reply,
    json_reply,
    json_text,
    match_json,
    metadata_json,
    not_found,
    point_json,
    prometheus,
    rollback_failed,
    script_json,
    status_code,
    wrong_method,
)
from milestones.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Call:
    """One request: what comes after the route's name in `path`, `body` is JSON or None.

    `connected` is whether the index has its node. `waits_for` is why an earlier attempt had no answer.
    """

    chain: Chain
    index: Index
    method: str
    path: Sequence[str]
    query: Query
    accept: str | None
    body: Any
    connected: bool
    waits_for: NotYet | None = None


class NotYet(Exception):
    """An answer that has to wait for the node's next block: the one that follows `before` (None: the first)."""

    def __init__(self, before: Block | None) -> None:
        super().__init__()
        self.before = before


def get_health(call: Call) -> Response:
    """`/health`."""
    answer = health_json(call.chain, call.index, connected=call.connected)
    return _in_asked_form(call, answer, status_code(answer))


def get_metrics(call: Call) -> Response:
    """`/metrics`: as `/health`, but always 200."""
    answer = health_json(call.chain, call.index, connected=call.connected)
    return _in_asked_form(call, answer, 200)


_TEXT_TYPE: Final = "text/plain;charset=utf-8"


def _in_asked_form(call: Call, answer: dict[str, Any], status: int) -> Response:
    _exactly(call, 0)
    # Kupo looks for the text first, whatever else is named beside it.
    accepted = "application/json" if call.accept is None else call.accept
    if "text/plain" in accepted:
        return PlainTextResponse(prometheus(answer), status, media_type=_TEXT_TYPE)
    if "application/json" in accepted:
        return json_reply(answer, status)
    if "*/*" in accepted:
        # The text, under the name of the other: so does Kupo.
        return PlainTextResponse(prometheus(answer), status, media_type=JSON_TYPE)
    raise bad_request("This endpoint answers 'application/json' or 'text/plain'.")


def get_matches(call: Call) -> Response:
    """`/matches` and `/matches/{pattern}`."""
    pattern = _pattern(call)
    try:
        wanted = read_filter(call.query, lambda point: _check_point(call, point))
    except InvalidInput as error:
        raise bad_request(f"Invalid filter query: {error.message}.") from None
    since = wanted.created_since
    if call.chain.fork is not None and pattern.is_any and since is None:
        pattern = _narrowed(wanted)
    matches = call.index.select(
        pattern, since, unspent=wanted.status == "unspent", newest_first=not wanted.oldest_first
    )
    as_text = "asset-quantity=string" in (call.accept or "").replace(" ", "")
    shown = (
        json_text(match_json(each, call.index, resolve=wanted.resolve_hashes, as_text=as_text))
        for each in matches
        if wanted.admits(each)
    )
    return json_list_reply(shown, TEXT_QUANTITIES_TYPE if as_text else JSON_TYPE)


def _narrowed(wanted: MatchFilter) -> Pattern:
    """What is asked for where the pattern is anything: a fork fetches that, and can't fetch all."""
    if wanted.transaction_id is not None:
        return parse_pattern(f"*@{wanted.transaction_id.hex()}")
    if wanted.policy_id is not None:
        name = "*" if wanted.asset_name is None else wanted.asset_name.hex()
        return parse_pattern(f"{wanted.policy_id.hex()}.{name}")
    raise bad_request(
        "A fork fetches what is asked for, not everything: give an address, a credential, a token, or "
        "'created_after'."
    )


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
    if call.path:
        patterns = [_pattern(call)]
    else:
        listed = body.get("patterns")
        if not isinstance(listed, list):
            raise bad_request("Give the patterns to add as a list of texts under 'patterns'.")
        patterns = [_parsed(each) for each in listed]
    call.index.watch(patterns, _rollback_slot(call, body))
    return json_reply(sorted({each.text for each in call.index.patterns}))


def delete_patterns(call: Call) -> Response:
    """`DELETE /patterns/{pattern}`: what it matched stays."""
    return json_reply({"deleted": call.index.unwatch(_pattern(call))})


def get_datum(call: Call) -> Response:
    """`/datums/{hash}`."""
    datum = call.index.datum(_digest(call, 32, "datum"))
    return json_reply(None if datum is None else {"datum": datum.hex()})


def get_script(call: Call) -> Response:
    """`/scripts/{hash}`."""
    script = call.index.script(_digest(call, 28, "script"))
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
    if call.query not in ([], [("strict", None)]):
        raise bad_request("The only query parameter here is the bare flag '?strict'.")
    found = next((block for block in call.index.checkpoints() if block.slot <= slot), None)
    if found is None or (call.query and found.slot != slot):
        return json_reply(None)
    return json_reply(point_json(found.point))


def get_metadata(call: Call) -> Response:
    """`/metadata/{slot}`: of the block at that slot or, where it has none, of the next one.

    Kupo asks its node, once, for what follows the last block before the slot that it has indexed: past the
    tip that is the next block, however far away the slot is.
    """
    slot = _slot(call)
    if slot == 0:
        return json_reply([])
    try:
        wanted = read_transaction_id(call.query)
    except InvalidInput:
        raise bad_request("Filter by one 'transaction_id', 64 digits in base16.") from None
    fork = call.chain.fork
    if fork is not None and slot <= fork.facts.point.slot:
        kept = fork.metadata_at(slot, wanted)
        return _metadata_reply(kept.header_hash, kept.entries)
    if call.waits_for is not None:
        before = call.waits_for.before
    else:
        before = next((each for each in call.index.checkpoints() if each.slot < slot), None)
    if before is not None and not call.chain.contains(before):
        raise bad_request("The last block before this slot was rolled back.")
    block = call.chain.next_after(before)
    if block is None or not call.connected:
        raise NotYet(before)
    found = [
        each.transaction.auxiliary_data
        for each in block.inclusions
        if each.transaction.auxiliary_data is not None and wanted in (None, each.transaction.id)
    ]
    return _metadata_reply(block.header_hash, found)


def _metadata_reply(header_hash: bytes, found: Iterable[bytes]) -> Response:
    reply = json_reply([metadata_json(each) for each in found])
    reply.headers["X-Block-Header-Hash"] = header_hash.hex()
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
    return ROUTES[name][call.method](replace(call, path=call.path[1:]))


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
    try:
        return read_slot(call.path[0])
    except InvalidInput:
        raise bad_request("The path ends in an absolute slot number, not negative.") from None


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


_LIMITS: Final = (None, "within_safe_zone", "unsafe_allow_beyond_safe_zone")


def _rollback_slot(call: Call, body: dict[str, Any]) -> int:
    """The slot of the block to go back to, as `rollback_to` in the body asks."""
    target = body.get("rollback_to")
    slot = _word(target.get("slot_no")) if isinstance(target, dict) else None
    if not isinstance(target, dict) or slot is None:
        raise bad_request("Give 'rollback_to' with a 'slot_no' and, if you like, a 'header_hash'.")
    limit = body.get("limit")
    if limit not in _LIMITS:
        raise bad_request("'limit' is 'within_safe_zone' or 'unsafe_allow_beyond_safe_zone'.")
    point = _known_point(call, slot, target.get("header_hash"))
    beyond = call.connected and call.chain.tip.slot - point.slot > SAFE_ZONE_SLOTS
    if beyond and limit != "unsafe_allow_beyond_safe_zone":
        raise bad_request(
            "The point is beyond the safe zone of 36 hours; 'unsafe_allow_beyond_safe_zone' allows it."
        )
    return point.slot


def _known_point(call: Call, slot: int, header_hash: Any) -> Point:
    """The block that is named or, by a slot alone, the closest one at or before it."""
    text = f"{slot}.{header_hash}" if isinstance(header_hash, str) else str(slot)
    try:
        point = read_point(text)
        if header_hash is not None and point is None:
            raise InvalidInput("is no text", path="header_hash")
    except InvalidInput:
        raise bad_request("A 'header_hash' has 64 digits in base16, a slot fits 63 bits.") from None
    found = next((each for each in call.index.checkpoints() if each.slot <= slot), None)
    if found is not None and point in (None, found.point):
        return found.point
    if found is None and point is not None:
        # Kupo goes there on trust, and its node, here as old as the index, does not know the block.
        raise rollback_failed()
    raise bad_request("The point or slot to go back to is unknown: nothing is indexed so early.")


def _word(value: Any) -> int | None:
    """A JSON number that is whole, not negative and of 64 bits, however it is written."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value // 1:
        return None
    return int(value) if 0 <= value < 1 << 64 else None
