"""`acquireMempool` and what can be asked of the snapshot that it takes."""

from __future__ import annotations

from typing import Any

from milestones.devnet.chain import Chain
from milestones.devnet.ledger.transaction import Transaction
from milestones.devnet.mempool import capacity_bytes
from milestones.devnet.ogmios import shapes
from milestones.devnet.ogmios.rendering import transaction_json
from milestones.devnet.ogmios.rpc import InvalidRequest, RpcFailure


class MempoolMonitor:
    """One client's snapshot of the mempool and how far it has read it."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
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
        if params.get("fields", "all") != "all":
            raise InvalidRequest("field 'fields' must be \"all\"")
        snapshot = self._taken()
        if self._read == len(snapshot):
            return {"transaction": None}
        transaction = snapshot[self._read]
        self._read += 1
        if "fields" in params:
            return {"transaction": transaction_json(transaction)}
        return {"transaction": {"id": transaction.id.hex()}}

    def has_transaction(self, params: dict[str, Any]) -> bool:
        """Whether a transaction is in the snapshot."""
        wanted = shapes.hexadecimal(shapes.member(params, "id", str), 32)
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
            raise RpcFailure(4000, "You must acquire a mempool snapshot prior to accessing it.")
        return self._snapshot
