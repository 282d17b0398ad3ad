"""What `init` asks and does, in order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Final, Literal, TypeVar

from milestones.cardano.address import Address
from milestones.errors import ServiceUnavailable
from milestones.keys.key_files import SigningKey
from milestones.services.backend import Backend, now_posix_ms, require_one_chain, storage_warnings
from milestones.services.distribution.naming import must_be_of_network
from milestones.services.init.indexing import funds_patterns, index_what_is_missing, notes_on
from milestones.services.init.report import (
    Initialised,
    NodeFacts,
    Services,
    all_connected,
    kupo_report,
    node_report,
    ogmios_report,
    service_warnings,
)
from milestones.services.performance import (
    NEWEST,
    Measurement,
    measurement,
    since,
    slowest_submission,
    warnings_of,
)
from milestones.services.sending.published_scripts import find_published
from milestones.storage.records import ObservedNetwork

PATIENCE_SECONDS: Final = 12.0
"""How long a service may take for all that is asked of it, so that a hung one is reported soon."""

T = TypeVar("T")


async def init(
    backend: Backend,
    *,
    key: SigningKey | None = None,
    payers: Sequence[Address] = (),
    whole_accounts: bool = False,
    node_socket: Path | None = None,
    since_slot: int | None = None,
    patience_seconds: float = PATIENCE_SECONDS,
) -> Initialised:
    """Asks every service; adds what Kupo must watch; remembers the network for offline commands.

    Kupo is asked to watch the contract's script and, where a key is given, the key's addresses; of `payers`,
    whose keys are elsewhere, all addresses with the same payment part and, for `whole_accounts`, those with
    the same staking part. It then reads the chain again from `since_slot`, also what it watches already; by
    default only what is missing, from the origin on a private network, and from a day and a half ago on a
    public one, where the origin is days away. Where Kupo knows no block so early, it reads from its oldest
    one, and a warning says so. Nothing is raised for a service that is down: the report says it. Raises
    `InvalidAddress` for a payer of another network.
    """
    for each in payers:
        must_be_of_network(each, backend.network.network_id, "payer", where="the node")
    started = time.monotonic()
    health, facts, kupo, chain = await asyncio.gather(
        _asked(backend.ogmios.health(), "Ogmios", backend.ogmios.url, patience_seconds),
        _asked(_node_facts(backend), "Ogmios", backend.ogmios.url, patience_seconds),
        _asked(backend.kupo.health(), "Kupo", backend.kupo.url, patience_seconds),
        _asked(
            require_one_chain(backend, patience_seconds=patience_seconds / 3),
            "Kupo",
            backend.kupo.url,
            patience_seconds,
        ),
    )
    services = Services(
        ogmios=ogmios_report(backend, health, facts),
        kupo=kupo_report(backend, kupo, chain),
        cardano_node=node_report(backend, health, facts, node_socket, kupo),
    )
    if not all_connected(services) or not isinstance(facts, NodeFacts):
        return Initialised(
            status="failed", services=services, warnings=tuple(service_warnings(services))
        )
    _remember(backend, facts)
    indexed, delayed, unknown = await index_what_is_missing(
        backend, funds_patterns(key, payers, whole_accounts), facts, since_slot
    )
    performance = await _performance(backend, started, patience_seconds)
    warnings = (
        *service_warnings(services),
        *delayed,
        *warnings_of(performance),
        *storage_warnings(backend),
    )
    status: Literal["success", "degraded"] = "degraded" if warnings else "success"
    notes = unknown or tuple(notes_on(indexed, facts, since_slot))
    return Initialised(
        status=status,
        services=services,
        indexed=indexed,
        performance=performance,
        warnings=(*warnings, *notes),
    )


async def _performance(
    backend: Backend, started: float, patience_seconds: float
) -> tuple[Measurement, ...]:
    asked = time.monotonic()
    await _asked(find_published(backend), "Kupo", backend.kupo.url, patience_seconds)
    submission = slowest_submission(backend.storage.journal.newest(NEWEST))
    return (
        measurement("query", since(asked)),
        *(() if submission is None else (submission,)),
        measurement("initialization", since(started)),
    )


def _remember(backend: Backend, facts: NodeFacts) -> None:
    observed = ObservedNetwork(
        network_magic=facts.magic,
        lovelace_per_utxo_byte=facts.parameters.lovelace_per_utxo_byte,
        observed_at_posix_ms=now_posix_ms(),
    )
    with backend.storage.if_possible():
        backend.storage.network.save(observed)


async def _node_facts(backend: Backend) -> NodeFacts:
    ogmios = backend.ogmios
    return NodeFacts(
        await ogmios.network_magic(), await ogmios.network_tip(), await ogmios.protocol_parameters()
    )


async def _asked(
    question: Awaitable[T], service: str, url: str, patience_seconds: float
) -> T | ServiceUnavailable:
    """The answer, or why there is none; a service that hangs is one that is down."""
    try:
        return await asyncio.wait_for(question, patience_seconds)
    except ServiceUnavailable as error:
        return error
    except asyncio.TimeoutError:
        return ServiceUnavailable(
            service, url, f"no answer within {patience_seconds:g} s", hint=f"restart {service}"
        )
