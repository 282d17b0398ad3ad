"""`init`: whether Ogmios, Kupo and the node are there and in step, and that Kupo watches what we need."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Literal

from milestones.services.backend import Backend
from milestones.services.distribution.knowledge import recovery_warnings
from milestones.services.results import Result
from milestones.services.submitting.standing import now_posix_ms
from milestones.services.surroundings.asking import PATIENCE_SECONDS, NodeFacts, asked, node_facts
from milestones.services.surroundings.indexing import index_what_is_missing, notes_on
from milestones.services.surroundings.reports import (
    Services,
    all_connected,
    kupo_report,
    node_report,
    ogmios_report,
    warnings_of,
)
from milestones.storage.records import ObservedNetwork
from milestones.transactions.wallet import SigningKey


class Initialised(Result):
    """`failed`: something is down or on another network; `degraded`: all answer, not all is well.

    `indexed` are the patterns that Kupo was told to watch now.
    """

    status: Literal["success", "degraded", "failed"]
    services: Services
    indexed: tuple[str, ...] = ()


async def init(
    backend: Backend,
    *,
    key: SigningKey | None = None,
    node_socket: Path | None = None,
    since_slot: int | None = None,
    patience_seconds: float = PATIENCE_SECONDS,
) -> Initialised:
    """Asks every service; adds what Kupo must watch; remembers the network for offline commands.

    Kupo is told to watch the contract's script and, where a key is given, the key's addresses. It then
    reads the chain again from `since_slot`, also what it watches already; by default only what is
    missing, from the origin on a private network, and from a day and a half ago on a public one, where
    the origin is days away. Nothing is raised for a service that is down: the report says it.
    """
    health, facts, kupo = await asyncio.gather(
        asked(backend.ogmios.health(), "Ogmios", backend.ogmios.url, patience_seconds),
        asked(node_facts(backend), "Ogmios", backend.ogmios.url, patience_seconds),
        asked(backend.kupo.health(), "Kupo", backend.kupo.url, patience_seconds),
    )
    services = Services(
        ogmios=ogmios_report(backend, health, facts),
        kupo=kupo_report(backend, kupo),
        cardano_node=node_report(backend, health, facts, node_socket),
    )
    if not all_connected(services) or not isinstance(facts, NodeFacts):
        return Initialised(
            status="failed", services=services, warnings=tuple(warnings_of(services))
        )
    _remember(backend, facts)
    indexed, delayed = await index_what_is_missing(backend, key, facts, since_slot)
    warnings = (*warnings_of(services), *delayed, *recovery_warnings(backend))
    status: Literal["success", "degraded"] = "degraded" if warnings else "success"
    notes = tuple(notes_on(indexed, facts, since_slot))
    return Initialised(
        status=status, services=services, indexed=indexed, warnings=(*warnings, *notes)
    )


def _remember(backend: Backend, facts: NodeFacts) -> None:
    backend.storage.network.save(
        ObservedNetwork(
            network_magic=facts.magic,
            lovelace_per_utxo_byte=facts.parameters.lovelace_per_utxo_byte,
            observed_at_posix_ms=now_posix_ms(),
        )
    )
