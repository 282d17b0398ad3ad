"""`findIntersection` and `nextBlock`: one client's walk along the chain."""

from __future__ import annotations

from typing import Any

from milestones.devnet.blocks import Block
from milestones.devnet.chain import Chain
from milestones.devnet.ogmios import shapes
from milestones.devnet.ogmios.rendering import block_json, point_json, tip_json
from milestones.devnet.ogmios.rpc import RpcFailure


class ChainSync:
    """Where a client stands; None is the origin, before the first block.

    As in the node, the first step after an intersection is a rollback to it, and so is the first of all.
    """

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._at: Block | None = None
        self._rollback_due = True

    def find_intersection(self, params: dict[str, Any]) -> dict[str, Any]:
        """Goes to the first of the given points that the chain has. Raises `RpcFailure` 1000 if none."""
        points = shapes.member(params, "points", list) if "points" in params else ["origin"]
        tip = tip_json(self._chain.tip)
        for wanted in [shapes.point(each) for each in points]:
            block = None if wanted is None else self._chain.block_at(wanted)
            if wanted is None or block is not None:
                self._at, self._rollback_due = block, True
                return {"intersection": self._position(), "tip": tip}
        raise RpcFailure(1000, "No intersection found.", {"tip": tip})

    def next_block(self) -> dict[str, Any] | None:
        """The next step, forward or back; None when the client is at the tip."""
        while self._at is not None and not self._chain.contains(self._at):
            self._at, self._rollback_due = self._at.parent, True
        tip = tip_json(self._chain.tip)
        if self._rollback_due:
            self._rollback_due = False
            return {"direction": "backward", "point": self._position(), "tip": tip}
        height = 0 if self._at is None else self._at.height + 1
        if height == len(self._chain.blocks):
            return None
        self._at = self._chain.blocks[height]
        block = block_json(self._at, self._chain.parameters.protocol_version)
        return {"direction": "forward", "block": block, "tip": tip}

    def _position(self) -> Any:
        return "origin" if self._at is None else point_json(self._at)


def interleaved() -> RpcFailure:
    """The answer to `findIntersection` while `nextBlock` calls wait."""
    return RpcFailure(1001, "Cannot interleave 'findIntersection' requests with 'nextBlock'.")
