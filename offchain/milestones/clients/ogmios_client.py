"""Ogmios: the node's questions and answers over one WebSocket. Versions 6.14 and 7.0."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import Any, Final, TypeVar

import httpx

from milestones.cardano import cbor
from milestones.cardano.address import Credential
from milestones.cardano.hashes import blake2b_256
from milestones.cardano.outputs import OutputReference, Utxo
from milestones.cardano.parameters import ExecutionUnits, ProtocolParameters, RedeemerPointer
from milestones.cardano.slots import EraSummary, Point, SlotClock
from milestones.clients import mempool as mempools
from milestones.clients import ogmios_answers as answers
from milestones.clients.answers import natural, reading
from milestones.clients.chain_walk import ChainWalk
from milestones.clients.http_requests import HttpRequests
from milestones.clients.mempool import Mempool
from milestones.clients.ogmios_answers import GenesisConfiguration, OgmiosHealth, RewardAccount
from milestones.clients.ogmios_connection import (
    INTERNAL_ERROR,
    INTERSECTION_NOT_FOUND,
    AnswerLost,
    JsonRpcConnection,
    OgmiosSession,
    RpcError,
    query_failure,
)
from milestones.clients.rejections import is_rejection, rejection
from milestones.clients.service_address import OGMIOS, ServiceAddress
from milestones.errors import MilestonesError, OutcomeUnknown, ServiceUnavailable

DEFAULT_TIMEOUT_SECONDS: Final = 30.0
METHOD_NOT_FOUND: Final = -32601
"""JSON-RPC: some who offer Ogmios to others let only a part of its methods through."""
ASKED_AT_ONCE: Final = 32
"""How many of the mempool's transactions are asked for before the first has come."""
MOST_IN_MEMPOOL: Final = 20_000
"""Transactions read at most; a node's mempool holds two blocks' worth, a thousand of the smallest."""
Answer = TypeVar("Answer")


class OgmiosClient:
    """An async context manager; it connects when first asked, so that `health` needs no WebSocket.

    `session` is its connection, for questions without a method here. `url` starts with ws:// or wss://.
    `transport` stands in for HTTP's network, for tests. Every method
    raises `ServiceUnavailable` when Ogmios can't be reached, hangs up twice, or is silent for
    `timeout_seconds`. Questions may be asked at the same time.
    """

    def __init__(
        self,
        url: str | ServiceAddress,
        *,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.address = ServiceAddress.parse(url, OGMIOS)
        self._timeout_seconds = timeout_seconds
        self._http = HttpRequests(
            self.address, timeout_seconds=timeout_seconds, transport=transport
        )
        self.session = OgmiosSession(self.address, timeout_seconds=timeout_seconds)
        self._mempool = asyncio.Lock()

    @property
    def url(self) -> str:
        """The address as it may be shown: without its secrets."""
        return str(self.address)

    async def __aenter__(self) -> OgmiosClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connections. The next question opens others."""
        await self._http.close()
        await self.session.close()

    async def health(self) -> OgmiosHealth:
        """What `GET /health` says; also while Ogmios has no node, or one that is behind."""
        answer = await self._http.request("GET", "/health", accepted=(200, 202, 500, 503))
        with reading(self.address, "GET /health"):
            return answers.health(answer.json())

    async def tip(self) -> Point | None:
        """The tip of the ledger that queries see; None at the origin."""
        return await self._ask("queryLedgerState/tip", answers.point)

    async def network_tip(self) -> Point | None:
        """The tip of the node's chain; None at the origin."""
        return await self._ask("queryNetwork/tip", answers.point)

    async def block_height(self) -> int | None:
        """The height of the node's newest block; None at the origin."""
        return await self._ask("queryNetwork/blockHeight", _height)

    async def genesis_configuration(self) -> GenesisConfiguration:
        """The Shelley genesis: start time, network magic, security parameter."""
        return await self._ask(
            "queryNetwork/genesisConfiguration", answers.genesis, {"era": "shelley"}
        )

    async def network_magic(self) -> int:
        """The magic of the network that the node runs."""
        return (await self.genesis_configuration()).network_magic

    async def era_summaries(self) -> tuple[EraSummary, ...]:
        """All eras, oldest first; times relative to the system start."""
        return await self._ask("queryLedgerState/eraSummaries", answers.era_summaries)

    async def intersection(self, points: Sequence[Point]) -> Point | None:
        """The first of these blocks that is on the node's chain; None where none of them is."""
        params = {"points": [{"slot": each.slot, "id": each.header_hash.hex()} for each in points]}
        try:
            answer = await self.session.query("findIntersection", params)
        except RpcError as error:
            if error.code == INTERSECTION_NOT_FOUND:
                return None
            raise self._failure("findIntersection", error) from error
        with reading(self.address, "findIntersection"):
            return answers.point(answer["intersection"])

    async def slot_clock(self) -> SlotClock:
        """Converts between slots and time, as far ahead as the node can foresee."""
        start_posix_ms = await self._ask("queryNetwork/startTime", answers.time_posix_ms)
        eras = await self.era_summaries()
        with reading(self.address, "queryLedgerState/eraSummaries"):
            return answers.slot_clock(start_posix_ms, eras)

    async def protocol_parameters(self) -> ProtocolParameters:
        """The parameters in force at the ledger's tip."""
        return await self._ask("queryLedgerState/protocolParameters", answers.protocol_parameters)

    async def reward_account(self, credential: Credential) -> RewardAccount | None:
        """A reward account as it is at the ledger's tip; None where it isn't registered."""
        kind = "keys" if credential.kind == "key" else "scripts"
        return await self._ask(
            "queryLedgerState/rewardAccountSummaries",
            lambda answer: answers.reward_account(answer, credential),
            {kind: [credential.hash.hex()]},
        )

    async def utxo(self, references: Iterable[OutputReference]) -> list[Utxo]:
        """Those of the outputs that are unspent; the others are missing from the answer."""
        wanted = [
            {"transaction": {"id": reference.transaction_id.hex()}, "index": reference.index}
            for reference in references
        ]
        if not wanted:
            return []
        return await self._ask(
            "queryLedgerState/utxo",
            lambda entries: [answers.utxo(entry) for entry in entries],
            {"outputReferences": wanted},
        )

    async def evaluate(
        self, transaction_cbor: bytes, additional: Iterable[Utxo] = ()
    ) -> dict[RedeemerPointer, ExecutionUnits]:
        """What each script of the transaction uses, exactly.

        `additional` are outputs that are not on the chain yet. Raises `ChainRejected`; where scripts
        failed, its `data` keeps each: its `validator`, and its error's `validationError` and `traces`.
        """
        params: dict[str, Any] = {"transaction": {"cbor": transaction_cbor.hex()}}
        extra = [answers.utxo_to_json(entry) for entry in additional]
        if extra:
            params["additionalUtxo"] = extra
        return await self._ask("evaluateTransaction", answers.evaluation, params)

    async def submit(self, transaction_cbor: bytes) -> str:
        """Sends a signed transaction, once; its id (hexadecimal) when the node has taken it.

        A node whose mempool is full answers once there is room: for that a block is waited for.
        Raises `ChainRejected` (nothing happened, or it is in already: see `ChainRejected.inputs_spent`),
        `ServiceUnavailable` when it did not leave, and `OutcomeUnknown` when it left without an answer.
        """
        transaction_id = blake2b_256(cbor.read(transaction_cbor).array()[0].raw).hex()
        params = {"transaction": {"cbor": transaction_cbor.hex()}}
        try:
            answer = await self.session.once(
                "submitTransaction", params, is_held=self._mempool_is_full
            )
        except AnswerLost as error:
            raise OutcomeUnknown(transaction_id, str(error)) from error
        except RpcError as error:
            if error.code == INTERNAL_ERROR:
                raise OutcomeUnknown(transaction_id, str(error)) from error
            raise self._failure("submitTransaction", error) from error
        if answer != {"transaction": {"id": transaction_id}}:
            raise OutcomeUnknown(transaction_id, f"Ogmios answered {answer!r:.200}")
        return transaction_id

    async def in_mempool(self, transaction_ids: Collection[str]) -> frozenset[str]:
        """Those of the transactions (ids in hexadecimal) that the node's mempool holds, at one moment."""

        async def look(connection: JsonRpcConnection) -> frozenset[str]:
            found = set()
            for transaction_id in transaction_ids:
                answer = await connection.call(
                    "hasTransaction",
                    {"id": transaction_id},
                    timeout_seconds=self._timeout_seconds,
                )
                if answer is True:
                    found.add(transaction_id)
            return frozenset(found)

        if not transaction_ids:
            return frozenset()
        try:
            return await self._with_snapshot(look)
        except RpcError as error:
            raise self._failure("hasTransaction", error) from error

    async def mempool(self) -> Mempool:
        """All that the node's mempool holds, at one moment; not `shown` where the service hides it."""

        async def look(connection: JsonRpcConnection) -> list[Any]:
            found: list[Any] = []
            while len(found) < MOST_IN_MEMPOOL:
                # One after the other takes a second for a full mempool where the service is far away.
                asked = [
                    connection.call(
                        "nextTransaction",
                        {"fields": "all"},
                        timeout_seconds=self._timeout_seconds,
                    )
                    for _ in range(ASKED_AT_ONCE)
                ]
                shown = [answer["transaction"] for answer in await asyncio.gather(*asked)]
                found += [each for each in shown if each is not None]
                if None in shown:
                    break
            return found

        try:
            with reading(self.address, "nextTransaction"):
                shown = await self._with_snapshot(look)
        except RpcError as error:
            if error.code == METHOD_NOT_FOUND:
                return Mempool(shown=False)
            raise self._failure("nextTransaction", error) from error
        read = map(mempools.transaction, shown)
        return Mempool(tuple(each for each in read if each is not None))

    async def _mempool_is_full(self) -> bool:
        """Whether at least half of what it has room for waits there, as far as the service shows it.

        Bytes are but one of the measures by which a node's mempool is full.
        """

        async def look(connection: JsonRpcConnection) -> Any:
            return await connection.call("sizeOfMempool", timeout_seconds=self._timeout_seconds)

        try:
            with reading(self.address, "sizeOfMempool"):
                size = await self._with_snapshot(look)
                held, most = natural(size["currentSize"]["bytes"]), size["maxCapacity"]["bytes"]
                return 2 * held >= natural(most)
        except (RpcError, ServiceUnavailable):
            return False

    async def _with_snapshot(
        self, look: Callable[[JsonRpcConnection], Awaitable[Answer]]
    ) -> Answer:
        async def taken(connection: JsonRpcConnection) -> Answer:
            seconds = self._timeout_seconds
            await connection.call("acquireMempool", timeout_seconds=seconds)
            try:
                return await look(connection)
            finally:
                # To acquire a second time without this would wait until the mempool changes.
                if connection.is_open:
                    await connection.call("releaseMempool", timeout_seconds=seconds)

        async with self._mempool:
            return await self.session.converse(taken)

    def walk_from(self, points: Sequence[Point]) -> ChainWalk:
        """A walk over blocks, on a connection of its own, from the first of `points` that is on the chain.

        Give points newest first. No point starts at the origin.
        """
        return ChainWalk(self.address, points, timeout_seconds=self._timeout_seconds)

    async def _ask(self, method: str, read: Callable[[Any], Answer], params: Any = None) -> Answer:
        try:
            answer = await self.session.query(method, params)
        except RpcError as error:
            raise self._failure(method, error) from error
        with reading(self.address, method):
            return read(answer)

    def _failure(self, method: str, error: RpcError) -> MilestonesError:
        if method in ("submitTransaction", "evaluateTransaction") and is_rejection(error.code):
            return rejection(error.code, error.message, error.data)
        return query_failure(self.address, method, error)


def _height(answer: Any) -> int | None:
    return None if answer == "origin" else natural(answer)
