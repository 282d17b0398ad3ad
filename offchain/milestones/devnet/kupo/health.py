"""`GET /health` and `GET /metrics`, as JSON and as text for Prometheus. Source: Kupo's `Health`."""

from __future__ import annotations

from typing import Any, Final

from milestones.devnet.chain import Chain
from milestones.devnet.kupo.index import Index

VERSION: Final = "v2.12.0"
TOLERANCE_SECONDS: Final = 60
"""How far behind the clock an index may be and still count as synchronized."""


def health_json(chain: Chain, index: Index, *, connected: bool) -> dict[str, Any]:
    """`Health`."""
    checkpoint = index.checkpoint
    return {
        "connection_status": "connected" if connected else "disconnected",
        "most_recent_checkpoint": None if checkpoint is None else checkpoint.slot,
        "most_recent_node_tip": chain.tip.slot if connected else None,
        "seconds_since_last_block": _seconds_behind(chain, index),
        "network_synchronization": _synchronization(chain, index),
        "configuration": {"indexes": "installed"},
        "version": VERSION,
    }


def _seconds_behind(chain: Chain, index: Index) -> int | None:
    if index.checkpoint is None:
        return None
    behind_ms = chain.clock.posix_ms() - chain.calendar.start_of(index.checkpoint.slot)
    return max(0, behind_ms // 1000)


def _synchronization(chain: Chain, index: Index) -> float | None:
    behind = _seconds_behind(chain, index)
    if behind is None:
        return None
    if behind <= TOLERANCE_SECONDS:
        return 1.0
    age = (chain.clock.posix_ms() - chain.calendar.start_posix_ms) / 1000
    return round(max(0.0, 1 - behind / max(age, 1)), 5)


def status_code(health: dict[str, Any]) -> int:
    """200 when healthy, 202 while catching up, 503 without a node."""
    if health["connection_status"] != "connected":
        return 503
    synchronized = health["most_recent_checkpoint"] == health["most_recent_node_tip"]
    return 200 if synchronized else 202


def prometheus(health: dict[str, Any]) -> str:
    """The same as text. What isn't known is NaN."""
    values = {
        "configuration_indexes": ("gauge", 1.0),
        "connection_status": ("gauge", float(health["connection_status"] == "connected")),
        "most_recent_checkpoint": ("counter", health["most_recent_checkpoint"]),
        "most_recent_node_tip": ("counter", health["most_recent_node_tip"]),
        "network_synchronization": ("gauge", health["network_synchronization"]),
        "seconds_since_last_block": ("gauge", health["seconds_since_last_block"]),
    }
    return "".join(
        f"# TYPE kupo_{name} {kind}\nkupo_{name}  {'NaN' if value is None else value}\n"
        for name, (kind, value) in values.items()
    )
