"""`GET /health` and `GET /metrics`. Source: Ogmios' `Health`."""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from milestones.devnet.chain import Chain
from milestones.devnet.clock import machine_posix_ms
from milestones.devnet.ogmios.network import utc
from milestones.devnet.ogmios.rendering import tip_json

TOLERANCE_MS = 60_000
"""How old a tip may be and still count as up to date."""


@dataclass(slots=True)
class Traffic:
    """What passed through the interface since it started. Durations are milliseconds."""

    started_posix_ms: int = field(default_factory=machine_posix_ms)
    total_connections: int = 0
    active_connections: int = 0
    total_messages: int = 0
    durations: list[float] = field(default_factory=list)

    def close(self, duration_ms: float) -> None:
        """Notes that a connection of this length has ended; the last thousand are remembered."""
        self.active_connections -= 1
        self.durations = [*self.durations[-999:], duration_ms]


def synchronization(chain: Chain) -> float:
    """How far the tip is up to date, 0 to 1."""
    start_ms, now_ms = chain.calendar.start_posix_ms, chain.clock.posix_ms()
    behind_ms = now_ms - chain.calendar.start_of(chain.tip.slot)
    if behind_ms <= TOLERANCE_MS:
        return 1.0
    return round(1 - behind_ms / max(now_ms - start_ms, 1), 5)


def health_json(chain: Chain, version: str, traffic: Traffic) -> dict[str, Any]:
    """The health check's answer."""
    tip, calendar = chain.tip, chain.calendar
    epoch = calendar.epoch_of(tip.slot)
    return {
        "startTime": utc(traffic.started_posix_ms),
        "lastKnownTip": tip_json(tip),
        "lastTipUpdate": utc(min(calendar.start_of(tip.slot), chain.clock.posix_ms())),
        "networkSynchronization": synchronization(chain),
        "currentEra": "conway",
        "metrics": _metrics(traffic),
        "connectionStatus": "connected",
        "currentEpoch": epoch,
        "slotInEpoch": tip.slot - calendar.epoch_start(epoch).slot,
        "version": f"v{version}",
        "network": calendar.network_name,
    }


def disconnected(answer: dict[str, Any]) -> dict[str, Any]:
    """The same answer from an Ogmios that has lost its node."""
    unknown = ("networkSynchronization", "currentEra", "currentEpoch", "slotInEpoch")
    return {**answer, **dict.fromkeys(unknown), "connectionStatus": "disconnected"}


def _metrics(traffic: Traffic) -> dict[str, Any]:
    scale = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale
    durations = traffic.durations or [0.0]
    return {
        "activeConnections": traffic.active_connections,
        "runtimeStats": {
            "gcCpuTime": 0,
            "cpuTime": time.process_time_ns(),
            "maxHeapSize": peak // 1024,
            "currentHeapSize": peak // 1024,
        },
        "sessionDurations": {
            "max": max(durations),
            "mean": sum(durations) / len(durations),
            "min": min(durations),
        },
        "totalConnections": traffic.total_connections,
        "totalMessages": traffic.total_messages,
        "totalUnrouted": 0,
    }


def prometheus(answer: dict[str, Any]) -> str:
    """The metrics as text for Prometheus."""
    metrics = answer["metrics"]
    values = {
        "active_connections": metrics["activeConnections"],
        "total_connections": metrics["totalConnections"],
        "total_messages": metrics["totalMessages"],
        "total_unrouted": metrics["totalUnrouted"],
        "cpu_time": metrics["runtimeStats"]["cpuTime"],
        "max_heap_size": metrics["runtimeStats"]["maxHeapSize"],
        "connected": 1 if answer["connectionStatus"] == "connected" else 0,
        "current_epoch": answer["currentEpoch"],
        "network_synchronization": answer["networkSynchronization"],
        "slot_in_epoch": answer["slotInEpoch"],
    }
    known = {name: value for name, value in values.items() if value is not None}
    return "".join(
        f"# TYPE ogmios_{name} gauge\nogmios_{name}  {float(value)}\n"
        for name, value in known.items()
    )
