"""One client's conversation: requests in, answers out, four mini-protocols side by side.

As in Ogmios, each mini-protocol (chain-sync, the mempool's monitor, submission and evaluation, queries)
answers in order, and one that waits (for a block, for the mempool to change or to have room) does not
hold up the others.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from milestones.cardano.outputs import OutputReference
from milestones.devnet.blocks import Block
from milestones.devnet.chain import Chain
from milestones.devnet.ledger.failures import TransactionRejected, Unsupported
from milestones.devnet.ledger.outputs import Output
from milestones.devnet.ledger.transaction import Transaction, decode_transaction
from milestones.devnet.mempool import MempoolFull, capacity_bytes
from milestones.devnet.ogmios import queries, rpc
from milestones.devnet.ogmios.failures import rpc_failure
from milestones.devnet.ogmios.messages import message
from milestones.devnet.ogmios.queries import PREFIX, LedgerState
from milestones.devnet.ogmios.rendering import (
    block_json,
    point_json,
    pointer_json,
    references_json,
    tip_json,
    transaction_json,
    units_json,
)
from milestones.devnet.ogmios.rpc import InvalidRequest, Request, RpcFailure
from milestones.devnet.origin import NotFetched
from milestones.errors import MilestonesError


class ChainSync:
    """Where a client stands; None is the origin, before the first block.

    As in the node, the first step after an intersection is a rollback to it, and so is the first of all.
    """

    def __init__(self, chain: Chain, version: str) -> None:
        self._chain, self._version = chain, version
        self._at: Block | None = None
        self._rollback_due = True

    def find_intersection(self, params: dict[str, Any]) -> dict[str, Any]:
        """Goes to the first of the given points that the chain has. Raises `RpcFailure` 1000 if none."""
        points = rpc.member(params, "points", list)
        tip = tip_json(self._chain.tip)
        for wanted in [rpc.point(each) for each in points]:
            block = None if wanted is None else self._chain.block_at(wanted)
            if wanted is None or block is not None:
                self._at, self._rollback_due = block, True
                return {"intersection": self._position(), "tip": tip}
        raise RpcFailure(1000, message(1000), {"tip": tip})

    def next_block(self) -> dict[str, Any] | None:
        """The next step, forward or back; None when the client is at the tip."""
        while self._at is not None and not self._chain.contains(self._at):
            self._at, self._rollback_due = self._at.parent, True
        tip = tip_json(self._chain.tip)
        if self._rollback_due:
            self._rollback_due = False
            return {"direction": "backward", "point": self._position(), "tip": tip}
        following = self._chain.next_after(self._at)
        if following is None:
            return None
        self._at = following
        protocol_version = self._chain.parameters.protocol_version
        block = block_json(self._at, protocol_version, self._version)
        return {"direction": "forward", "block": block, "tip": tip}

    def _position(self) -> Any:
        return "origin" if self._at is None else point_json(self._at)


def interleaved() -> RpcFailure:
    """The answer to `findIntersection` while `nextBlock` calls wait."""
    return RpcFailure(1001, message(1001))


class MempoolMonitor:
    """One client's snapshot of the mempool and how far it has read it."""

    def __init__(self, chain: Chain, version: str) -> None:
        self._chain, self._version = chain, version
        self._seen_revision: int | None = None
        self._snapshot: tuple[Transaction, ...] | None = None
        self._read = 0

    def acquire(self) -> dict[str, Any] | None:
        """Takes a snapshot; None while it would be the one that the client has already."""
        revision = self._chain.mempool.revision
        if self._snapshot is not None and self._seen_revision == revision:
            return None
        self._seen_revision = revision
        self._snapshot, self._read = self._chain.mempool.transactions, 0
        return {"acquired": "mempool", "slot": self._chain.environment().slot}

    def next_transaction(self, params: dict[str, Any]) -> dict[str, Any]:
        """The next transaction: its id or, with `fields` "all", everything; null after the last."""
        fields = params.get("fields")
        if fields not in (None, "all"):
            raise InvalidRequest("Invalid argument to 'fields'. Expected 'all'")
        snapshot = self._taken()
        if self._read == len(snapshot):
            return {"transaction": None}
        transaction = snapshot[self._read]
        self._read += 1
        if fields == "all":
            return {"transaction": transaction_json(transaction, self._version)}
        return {"transaction": {"id": transaction.id.hex()}}

    def has_transaction(self, params: dict[str, Any]) -> bool:
        """Whether a transaction is in the snapshot."""
        wanted = rpc.hexadecimal(rpc.member(params, "id", str), 32)
        return any(each.id == wanted for each in self._taken())

    def size(self) -> dict[str, Any]:
        """How full the mempool was when the snapshot was taken."""
        snapshot = self._taken()
        return {
            "maxCapacity": {"bytes": capacity_bytes(self._chain.parameters)},
            "currentSize": {"bytes": sum(len(each.raw) for each in snapshot)},
            "transactions": {"count": len(snapshot)},
        }

    def release(self) -> dict[str, Any]:
        """Gives the snapshot up."""
        self._taken()
        self._snapshot = self._seen_revision = None
        return {"released": "mempool"}

    def _taken(self) -> tuple[Transaction, ...]:
        if self._snapshot is None:
            raise RpcFailure(4000, message(4000))
        return self._snapshot


def submit(chain: Chain, params: dict[str, Any], version: str) -> dict[str, Any]:
    """Submits; raises `RpcFailure` with the ledger's code, or `MempoolFull`."""
    raw = rpc.transaction_cbor(params)
    try:
        return {"transaction": {"id": chain.submit(raw).hex()}}
    except TransactionRejected as rejected:
        raise rpc_failure(rejected, version) from None


def evaluate(chain: Chain, params: dict[str, Any], version: str) -> list[dict[str, Any]]:
    """Evaluates; raises `RpcFailure` with Ogmios' code."""
    raw = rpc.transaction_cbor(params)
    additional = rpc.additional_utxo(params.get("additionalUtxo"))
    try:
        if additional:
            _check_overlap(chain, decode_transaction(raw), additional)
        # From version 7 on what a client adds comes before what the mempool has.
        override = int(version.partition(".")[0]) >= 7
        used = chain.evaluate(raw, additional, additional_first=override)
    except TransactionRejected as rejected:
        failure = rejected.failures[0]
        if isinstance(failure, Unsupported):
            reason = f"not supported by this chain: {failure.what}"
            raise RpcFailure(3004, message(3004), {"reason": reason}) from None
        raise rpc_failure(rejected, version) from None
    return [
        {"validator": pointer_json(pointer), "budget": units_json(units)} for pointer, units in used
    ]


def _check_overlap(
    chain: Chain, transaction: Transaction, additional: Mapping[OutputReference, Output]
) -> None:
    """Outputs that the ledger has too must be the same there; those that nobody asks for don't count."""
    body = transaction.body
    asked = (*body.inputs, *body.collateral, *body.reference_inputs)
    overlapping = [
        each
        for each in dict.fromkeys(asked)
        if each in additional
        and each in chain.utxo
        and not _same(additional[each], chain.utxo[each])
    ]
    if overlapping:
        raise RpcFailure(
            3002,
            message(3002),
            {"overlappingOutputReferences": references_json(overlapping)},
        )


def _same(one: Output, other: Output) -> bool:
    """Whether two outputs hold the same, in whatever bytes."""
    return all(
        getattr(one, part) == getattr(other, part)
        for part in ("address", "value", "datum_hash", "datum", "script")
    )


CHAIN_SYNC: Final = frozenset({"findIntersection", "nextBlock"})
MEMPOOL: Final = frozenset(
    {"acquireMempool", "nextTransaction", "hasTransaction", "sizeOfMempool", "releaseMempool"}
)
SUBMISSION: Final = frozenset({"submitTransaction", "evaluateTransaction"})

WAIT: Final = object()
"""Instead of a result: the request has to wait."""


class Session:
    """State of one connection. `send` gets each answer, a JSON text."""

    def __init__(self, chain: Chain, version: str, send: Callable[[str], Awaitable[None]]) -> None:
        self._chain, self._version, self._send = chain, version, send
        self._ledger_state = LedgerState(chain, version)
        self._chain_sync = ChainSync(chain, version)
        self._mempool = MempoolMonitor(chain, version)
        self._lock = asyncio.Lock()
        self._queues: dict[frozenset[str], deque[Request]] = {
            CHAIN_SYNC: deque(),
            MEMPOOL: deque(),
            SUBMISSION: deque(),
        }

    async def receive(self, text: str | bytes) -> None:
        """Takes a message and sends every answer that it makes possible."""
        async with self._lock:
            await self._receive(rpc.parse_json(text))

    async def chain_changed(self) -> None:
        """Answers the requests that waited and need wait no longer."""
        async with self._lock:
            for queue in self._queues.values():
                await self._work_off(queue)

    async def _receive(self, value: Any) -> None:
        try:
            request = rpc.parse_request(value, is_known)
        except InvalidRequest as error:
            request_id = value.get("id") if isinstance(value, dict) else None
            await self._send(rpc.refusal(request_id, error))
            return
        queue = next((q for methods, q in self._queues.items() if request.method in methods), None)
        if queue and request.method == "findIntersection":
            await self._send(rpc.failure(request, interleaved()))
        elif queue is not None:
            queue.append(request)
            await self._work_off(queue)
        else:
            await self._send(await self._answer(request) or "")

    async def _work_off(self, queue: deque[Request]) -> None:
        while queue:
            answer = await self._answer(queue[0])
            if answer is None:
                return
            queue.popleft()
            await self._send(answer)

    async def _answer(self, request: Request) -> str | None:
        """The answer to send; None while the request has to wait."""
        while True:
            try:
                result = self._result(request)
            except RpcFailure as error:
                return rpc.failure(request, error)
            except MempoolFull:
                return None
            except NotFetched as missing:
                if failure := await _fetched(missing):
                    return rpc.failure(request, failure)
            else:
                return None if result is WAIT else rpc.answer(request, result)

    def _result(self, request: Request) -> Any:
        if request.method.startswith(PREFIX):
            params = rpc.arguments(request, optional=True)
            return self._ledger_state.query(request.method.removeprefix(PREFIX), params)
        if request.method in _WITHOUT_ARGUMENTS:
            return _METHODS[request.method](self, {})
        optional = request.method.startswith("query") or request.method == "nextTransaction"
        params = rpc.arguments(request, optional=optional)
        if request.method in _QUERIES_WITHOUT_ARGUMENTS:
            rpc.no_arguments(params)
        return _METHODS[request.method](self, params)

    def _next_block(self, _params: dict[str, Any]) -> Any:
        return self._chain_sync.next_block() or WAIT

    def _acquire_mempool(self, _params: dict[str, Any]) -> Any:
        return self._mempool.acquire() or WAIT

    def _submit(self, params: dict[str, Any]) -> Any:
        return submit(self._chain, params, self._version)

    def _evaluate(self, params: dict[str, Any]) -> Any:
        return evaluate(self._chain, params, self._version)

    def _genesis(self, params: dict[str, Any]) -> Any:
        return queries.genesis_configuration(self._chain, params.get("era"), self._version)


NOT_FETCHED: Final = -32000
"""JSON-RPC: an error of the server's own. What a fork says whose network can't be asked."""


async def _fetched(missing: NotFetched) -> RpcFailure | None:
    """Fetches what is missing; the failure to answer with where that isn't possible."""
    try:
        await missing.fetch()
    except MilestonesError as error:
        reason = (
            f"Nothing has happened: the network that this chain was forked from: {error.message}"
        )
        return RpcFailure(NOT_FETCHED, reason, {"hint": error.hint})
    return None


_METHODS: Final[dict[str, Callable[[Session, dict[str, Any]], Any]]] = {
    "acquireLedgerState": lambda self, params: self._ledger_state.acquire(params),
    "releaseLedgerState": lambda self, _: self._ledger_state.release(),
    "queryNetwork/blockHeight": lambda self, _: self._chain.tip.height,
    "queryNetwork/genesisConfiguration": Session._genesis,
    "queryNetwork/startTime": lambda self, _: queries.start_time(self._chain),
    "queryNetwork/tip": lambda self, _: queries.tip(self._chain),
    "findIntersection": lambda self, params: self._chain_sync.find_intersection(params),
    "nextBlock": Session._next_block,
    "submitTransaction": Session._submit,
    "evaluateTransaction": Session._evaluate,
    "acquireMempool": Session._acquire_mempool,
    "nextTransaction": lambda self, params: self._mempool.next_transaction(params),
    "hasTransaction": lambda self, params: self._mempool.has_transaction(params),
    "sizeOfMempool": lambda self, _: self._mempool.size(),
    "releaseMempool": lambda self, _: self._mempool.release(),
}

_WITHOUT_ARGUMENTS: Final = frozenset(
    {"nextBlock", "releaseLedgerState", "acquireMempool", "sizeOfMempool", "releaseMempool"}
)
"""Methods that don't look at their `params`, whatever is there."""

_QUERIES_WITHOUT_ARGUMENTS: Final = frozenset(
    {"queryNetwork/blockHeight", "queryNetwork/startTime", "queryNetwork/tip"}
)
"""Methods whose `params` must be empty."""


def is_known(method: str) -> bool:
    """Whether there is such a method."""
    return method in _METHODS or queries.is_known(method.removeprefix(PREFIX), method)
