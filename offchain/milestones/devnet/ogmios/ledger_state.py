"""`queryLedgerState/*`, and the state they are asked of: the tip's, or one that was acquired."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from milestones.devnet.blocks import Block, Point
from milestones.devnet.chain import Chain
from milestones.devnet.eras import SECURITY_PARAMETER, Bound, Era
from milestones.devnet.ogmios import shapes
from milestones.devnet.ogmios.network import CONSTITUTION, CONSTITUTIONAL_COMMITTEE
from milestones.devnet.ogmios.rendering import outputs_of, point_json, utxo_json
from milestones.devnet.ogmios.rpc import InvalidRequest, RpcFailure
from milestones.devnet.utxo import UtxoSet

PREFIX: Final = "queryLedgerState/"

_NO_ADA: Final = {"ada": {"lovelace": 0}}

FIXED_ANSWERS: Final[dict[str, Any]] = {
    "constitution": CONSTITUTION,
    "constitutionalCommittee": CONSTITUTIONAL_COMMITTEE,
    "delegateRepresentatives": [
        {"type": kind, "stake": _NO_ADA, "delegators": []} for kind in ("abstain", "noConfidence")
    ],
    "governanceProposals": [],
    "liveStakeDistribution": {},
    "operationalCertificates": {},
    "rewardAccountSummaries": [],
    "stakePools": {},
    "treasuryAndReserves": {"treasury": _NO_ADA, "reserves": _NO_ADA},
}
"""True answers on a chain where nothing is staked and nobody votes."""

UNAVAILABLE: Final = frozenset(
    {"nonces", "projectedRewards", "rewardsProvenance", "stakePoolsPerformances"}
)
"""Queries about the making of blocks and its rewards, which this chain does not have."""


class LedgerState:
    """One client's view of the ledger. `acquired` is the block it asked to stay at; None: the tip."""

    def __init__(self, chain: Chain, version: str) -> None:
        self._chain, self._version = chain, version
        self.acquired: Block | None = None

    def acquire(self, params: dict[str, Any]) -> dict[str, Any]:
        """Stays at a point until released. Raises `RpcFailure` 2000 for one that can't be had."""
        if "point" not in params:
            raise InvalidRequest("field 'point' must be present")
        point = shapes.point(params["point"])
        self.acquired = self._find(point)
        return {"acquired": "ledgerState", "point": point_json(self.acquired)}

    def _find(self, point: Point | None) -> Block:
        block = None if point is None else self._chain.block_at(point)
        if block is None:
            raise _cannot_acquire("Acquired point is not on the current chain.")
        if self._chain.tip.height - block.height > SECURITY_PARAMETER:
            raise _cannot_acquire("Acquired point is now too old.")
        return block

    def release(self) -> dict[str, Any]:
        """Follows the tip again."""
        self.acquired = None
        return {"released": "ledgerState"}

    def query(self, name: str, params: dict[str, Any]) -> Any:
        """Answers `queryLedgerState/<name>`."""
        if name == "dump":
            # Ogmios' schema names no failure of its own for this query.
            raise InvalidRequest("this chain has no node's state that could be dumped to a file")
        if name not in UNAVAILABLE and name not in FIXED_ANSWERS and name not in _QUERIES:
            raise InvalidRequest("unknown method in 'method' (beware names are case-sensitive)")
        if name in UNAVAILABLE:
            raise RpcFailure(
                2002,
                "This query isn't available: the chain has neither elections nor rewards.",
            )
        block = self._current()
        if name in FIXED_ANSWERS:
            return FIXED_ANSWERS[name]
        return _QUERIES[name](self, block, params)

    def _current(self) -> Block:
        if self.acquired is None:
            return self._chain.tip
        if not self._chain.contains(self.acquired):
            raise RpcFailure(
                2003,
                "The acquired state has expired: the chain was rolled back before it.",
                "Acquired point is not on the current chain.",
            )
        return self.acquired

    def _tip(self, block: Block, _params: dict[str, Any]) -> Any:
        return point_json(block)

    def _epoch(self, block: Block, _params: dict[str, Any]) -> Any:
        return self._chain.calendar.epoch_of(block.slot)

    def _era_start(self, _block: Block, _params: dict[str, Any]) -> Any:
        return _bound_json(self._chain.calendar.shelley)

    def _era_summaries(self, block: Block, _params: dict[str, Any]) -> Any:
        return [_era_json(era) for era in self._chain.calendar.eras(block.slot)]

    def _protocol_parameters(self, _block: Block, _params: dict[str, Any]) -> Any:
        return self._chain.parameters.to_ogmios(self._version)

    def _utxo(self, block: Block, params: dict[str, Any]) -> Any:
        utxo: UtxoSet = self._chain.utxo_at(block)
        if "outputReferences" in params:
            asked = shapes.member(params, "outputReferences", list)
            wanted = {shapes.output_reference(each) for each in asked}
            return utxo_json({each: utxo[each] for each in wanted if each in utxo})
        if "addresses" in params:
            addresses = shapes.member(params, "addresses", list)
            return utxo_json(outputs_of(utxo, {shapes.address(each).raw for each in addresses}))
        return utxo_json(dict(utxo))


_QUERIES: Final[dict[str, Callable[[LedgerState, Block, dict[str, Any]], Any]]] = {
    "epoch": LedgerState._epoch,
    "eraStart": LedgerState._era_start,
    "eraSummaries": LedgerState._era_summaries,
    "protocolParameters": LedgerState._protocol_parameters,
    "tip": LedgerState._tip,
    "utxo": LedgerState._utxo,
}


def _cannot_acquire(why: str) -> RpcFailure:
    return RpcFailure(2000, "Failed to acquire requested point.", why)


def _bound_json(bound: Bound) -> dict[str, Any]:
    seconds = bound.elapsed_ms // 1000
    return {"time": {"seconds": seconds}, "slot": bound.slot, "epoch": bound.epoch}


def _era_json(era: Era) -> dict[str, Any]:
    return {
        "start": _bound_json(era.start),
        "end": _bound_json(era.end),
        "parameters": {
            "epochLength": era.epoch_slots,
            "slotLength": {"milliseconds": era.slot_ms},
            "safeZone": era.safe_zone_slots,
        },
    }
