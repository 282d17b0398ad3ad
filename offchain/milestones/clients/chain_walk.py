"""Walking over blocks, as Ogmios' chain synchronisation gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from milestones.cardano.outputs import OutputReference
from milestones.cardano.parameters import RedeemerPointer
from milestones.cardano.slots import Point, Tip
from milestones.clients.answers import digest, natural, reading, text
from milestones.clients.failures import unavailable
from milestones.clients.ogmios_answers import point, redeemer_pointer, tip
from milestones.clients.ogmios_connection import (
    AnswerLost,
    JsonRpcConnection,
    NotSent,
    RpcError,
    connect,
    query_failure,
)
from milestones.clients.service_address import ServiceAddress


@dataclass(frozen=True, slots=True)
class BlockTransaction:
    """A transaction in a block: its id (32 bytes), what it spends, its metadata, and its redeemers' CBOR.

    `metadata` is by label, each `{"json": ...}` or `{"cbor": hexadecimal}`, as Ogmios gives it.
    """

    transaction_id: bytes
    inputs: tuple[OutputReference, ...]
    metadata: Mapping[int, Any] = field(default_factory=dict)
    redeemers: Mapping[RedeemerPointer, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Block:
    """A block, and its transactions in order."""

    point: Point
    height: int
    transactions: tuple[BlockTransaction, ...]


@dataclass(frozen=True, slots=True)
class RollForward:
    """The next block; `tip` is the node's, so that one sees how far it is."""

    block: Block
    tip: Tip | None


@dataclass(frozen=True, slots=True)
class RollBackward:
    """Blocks after `point` (None: the origin) are no longer on the chain. Also the first event of a walk."""

    point: Point | None
    tip: Tip | None


class ChainWalk:
    """An async context manager over one connection, which `next_block` moves along the chain.

    Raises `NotFound` on entering when none of the points is on the chain, and `ServiceUnavailable` when
    the connection is lost: a walk is not resumed by itself, since its place is lost with it.
    """

    def __init__(
        self, address: ServiceAddress, points: Sequence[Point], *, timeout_seconds: float
    ) -> None:
        self._address = address
        self._points = points
        self._timeout_seconds = timeout_seconds
        self._connection: JsonRpcConnection | None = None
        self.intersection: Point | None = None

    async def __aenter__(self) -> ChainWalk:
        self._connection = await connect(self._address, timeout_seconds=self._timeout_seconds)
        try:
            await self._intersect()
        except BaseException:
            await self._connection.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connection."""
        if self._connection is not None:
            await self._connection.close()

    async def next_block(
        self, *, timeout_seconds: float | None = None
    ) -> RollForward | RollBackward:
        """The next event. At the tip it waits for a new block, as long as `timeout_seconds` allows."""
        answer = await self._call("nextBlock", None, timeout_seconds or self._timeout_seconds)
        with reading(self._address, "nextBlock"):
            if answer["direction"] == "backward":
                return RollBackward(point(answer["point"]), tip(answer["tip"]))
            return RollForward(block(answer["block"]), tip(answer["tip"]))

    async def _intersect(self) -> None:
        points: list[Any] = [{"slot": p.slot, "id": p.header_hash.hex()} for p in self._points]
        params = {"points": points or ["origin"]}
        answer = await self._call("findIntersection", params, self._timeout_seconds)
        with reading(self._address, "findIntersection"):
            self.intersection = point(answer["intersection"])

    async def _call(self, method: str, params: Any, timeout_seconds: float) -> Any:
        if self._connection is None:
            raise unavailable(self._address, "the walk has not begun")
        try:
            return await self._connection.call(method, params, timeout_seconds=timeout_seconds)
        except (NotSent, AnswerLost) as error:
            raise unavailable(self._address, str(error), may_pass=True) from error
        except RpcError as error:
            raise query_failure(self._address, method, error) from error


def block(answer: Any) -> Block:
    """A block of any era, out of a `nextBlock` answer."""
    # Boundary blocks of Byron have neither slot nor transactions.
    where = Point(natural(answer.get("slot", 0)), digest(answer["id"]))
    found = tuple(_transaction(entry) for entry in answer.get("transactions", ()))
    return Block(where, natural(answer["height"]), found)


def _transaction(answer: Any) -> BlockTransaction:
    inputs = tuple(
        OutputReference(digest(entry["transaction"]["id"]), natural(entry["index"]))
        for entry in answer["inputs"]
    )
    labels = (answer.get("metadata") or {}).get("labels", {})
    metadata = {int(label): content for label, content in labels.items()}
    return BlockTransaction(digest(answer["id"]), inputs, metadata, _redeemers(answer))


def _redeemers(answer: Any) -> dict[RedeemerPointer, bytes]:
    """Those that can be read. Blocks are full of strangers' transactions, in forms of eras to come, too."""
    listed = answer.get("redeemers") or ()
    found = {}
    for entry in listed.values() if isinstance(listed, dict) else listed:
        with suppress(KeyError, TypeError, ValueError):
            pointer = redeemer_pointer(entry["validator"])
            found[pointer] = bytes.fromhex(text(entry["redeemer"]))
    return found
