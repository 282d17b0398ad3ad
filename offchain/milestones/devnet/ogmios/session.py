"""One client's conversation: requests in, answers out, four mini-protocols side by side.

As in Ogmios, each mini-protocol answers in order, and one that waits (for a block, for the mempool to
change or to have room) does not hold up the others.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final

from milestones.devnet.chain import Chain
from milestones.devnet.mempool import MempoolFull
from milestones.devnet.ogmios import network, rpc, submission
from milestones.devnet.ogmios.chain_sync import ChainSync, interleaved
from milestones.devnet.ogmios.ledger_state import PREFIX, LedgerState
from milestones.devnet.ogmios.mempool_monitor import MempoolMonitor
from milestones.devnet.ogmios.rpc import InvalidRequest, Request, RpcFailure

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
        self._chain_sync = ChainSync(chain)
        self._mempool = MempoolMonitor(chain)
        self._lock = asyncio.Lock()
        self._queues: dict[frozenset[str], deque[Request]] = {
            CHAIN_SYNC: deque(),
            MEMPOOL: deque(),
            SUBMISSION: deque(),
        }

    async def receive(self, message: str | bytes) -> None:
        """Takes a message and sends every answer that it makes possible."""
        async with self._lock:
            await self._receive(rpc.parse_json(message))

    async def chain_changed(self) -> None:
        """Answers the requests that waited and need wait no longer."""
        async with self._lock:
            for queue in self._queues.values():
                await self._work_off(queue)

    async def _receive(self, value: Any) -> None:
        try:
            request = rpc.parse_request(value)
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
            await self._send(self._answer(request) or "")

    async def _work_off(self, queue: deque[Request]) -> None:
        while queue:
            message = self._answer(queue[0])
            if message is None:
                return
            queue.popleft()
            await self._send(message)

    def _answer(self, request: Request) -> str | None:
        """The answer to send; None while the request has to wait."""
        try:
            result = self._result(request)
        except RpcFailure as error:
            return rpc.failure(request, error)
        except MempoolFull:
            return None
        return None if result is WAIT else rpc.answer(request, result)

    def _result(self, request: Request) -> Any:
        params = request.params
        if request.method.startswith(PREFIX):
            return self._ledger_state.query(request.method.removeprefix(PREFIX), params)
        answers = _METHODS.get(request.method)
        if answers is None:
            raise InvalidRequest("unknown method in 'method' (beware names are case-sensitive)")
        return answers(self, params)

    def _next_block(self, _params: dict[str, Any]) -> Any:
        return self._chain_sync.next_block() or WAIT

    def _acquire_mempool(self, _params: dict[str, Any]) -> Any:
        return self._mempool.acquire() or WAIT

    def _submit(self, params: dict[str, Any]) -> Any:
        return submission.submit(self._chain, params, self._version)

    def _evaluate(self, params: dict[str, Any]) -> Any:
        return submission.evaluate(self._chain, params, self._version)

    def _genesis(self, params: dict[str, Any]) -> Any:
        return network.genesis_configuration(self._chain, params.get("era"), self._version)


_METHODS: Final[dict[str, Callable[[Session, dict[str, Any]], Any]]] = {
    "acquireLedgerState": lambda self, params: self._ledger_state.acquire(params),
    "releaseLedgerState": lambda self, _: self._ledger_state.release(),
    "queryNetwork/blockHeight": lambda self, _: self._chain.tip.height,
    "queryNetwork/genesisConfiguration": Session._genesis,
    "queryNetwork/startTime": lambda self, _: network.start_time(self._chain),
    "queryNetwork/tip": lambda self, _: network.tip(self._chain),
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
