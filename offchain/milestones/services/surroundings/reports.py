"""How Ogmios, Kupo and the node were found, in words, with what to do where one is not well."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

from milestones.cardano.network import name_of
from milestones.clients.kupo_answers import KupoHealth
from milestones.clients.ogmios_answers import OgmiosHealth
from milestones.errors import ServiceUnavailable
from milestones.services.backend import STALE_SLOTS, Backend
from milestones.services.results import View
from milestones.services.surroundings.asking import NodeFacts

SyncStatus = Literal["synced", "syncing", "stale"]


class ServiceReport(View):
    """How a service was found. `reason` says what is wrong, `hint` what to do; empty when all is well."""

    connected: bool
    reason: str = ""
    hint: str = ""


class OgmiosReport(ServiceReport):
    """`network_synchronization` is the node's, from 0 to 1; None when not known."""

    url: str
    version: str | None = None
    network_synchronization: float | None = None


class KupoReport(ServiceReport):
    """`sync_status`: `synced`, `syncing` (reading the chain), `stale` (it stands still)."""

    url: str
    version: str | None = None
    sync_status: SyncStatus | None = None
    slots_behind: int | None = None


class NodeReport(ServiceReport):
    """The node, as Ogmios sees it. `socket` is about the configured path; None without one."""

    network: str | None = None
    network_magic: int | None = None
    era: str | None = None
    tip_slot: int | None = None
    socket: Literal["present", "missing"] | None = None


class Services(View):
    """The three of them."""

    ogmios: OgmiosReport
    kupo: KupoReport
    cardano_node: NodeReport


_START_NODE: Final = "start cardano-node (`docker compose up -d` in infra/, or `milestones devnet`)"


def ogmios_report(
    backend: Backend,
    health: OgmiosHealth | ServiceUnavailable,
    facts: NodeFacts | ServiceUnavailable,
) -> OgmiosReport:
    url = backend.ogmios.url
    if isinstance(health, ServiceUnavailable):
        return OgmiosReport(connected=False, reason=health.reason, hint=health.hint, url=url)
    trouble = facts if isinstance(facts, ServiceUnavailable) and health.connected else None
    return OgmiosReport(
        connected=trouble is None,
        reason=f"its WebSocket: {trouble.reason}" if trouble else "",
        hint=trouble.hint if trouble else "",
        url=url,
        version=health.version,
        network_synchronization=health.network_synchronization,
    )


def node_report(
    backend: Backend,
    health: OgmiosHealth | ServiceUnavailable,
    facts: NodeFacts | ServiceUnavailable,
    path: Path | None,
) -> NodeReport:
    socket: Literal["present", "missing"] | None = None
    if path is not None:
        socket = "present" if path.exists() else "missing"
    if isinstance(health, ServiceUnavailable):
        reason = "it is asked through Ogmios, which is not available"
        return NodeReport(connected=False, reason=reason, hint=health.hint, socket=socket)
    if isinstance(facts, ServiceUnavailable) or not health.connected:
        reason = "Ogmios has no connection to its node"
        if isinstance(facts, ServiceUnavailable) and health.connected:
            reason = facts.reason
        return NodeReport(connected=False, reason=reason, hint=_START_NODE, socket=socket)
    fits = backend.network.admits(facts.magic)
    name = backend.network.name if fits else name_of(facts.magic)
    return NodeReport(
        connected=True,
        reason=""
        if fits
        else f"the node is on {name}, the configuration says {backend.network.name}",
        hint="" if fits else "correct `network` (CARDANO_NETWORK), or start that network's node",
        network=name,
        network_magic=facts.magic,
        era=health.current_era,
        tip_slot=facts.tip.slot if facts.tip else None,
        socket=socket,
    )


def kupo_report(backend: Backend, health: KupoHealth | ServiceUnavailable) -> KupoReport:
    url = backend.kupo.url
    if isinstance(health, ServiceUnavailable):
        return KupoReport(connected=False, reason=health.reason, hint=health.hint, url=url)
    return KupoReport(
        connected=True,
        url=url,
        version=health.version,
        sync_status=_sync_status(health),
        slots_behind=health.slots_behind,
    )


def _sync_status(health: KupoHealth) -> SyncStatus:
    if not health.connected:
        return "stale"
    if not health.in_sync:
        return "syncing"
    return "stale" if (health.slots_behind or 0) > STALE_SLOTS else "synced"


def warnings_of(services: Services) -> Iterator[str]:
    named = (
        (f"Ogmios at {services.ogmios.url}", services.ogmios),
        (f"Kupo at {services.kupo.url}", services.kupo),
        ("cardano-node", services.cardano_node),
    )
    for name, report in named:
        if report.reason:
            yield f"{name}: {report.reason}; {report.hint}"
    synchronization = services.ogmios.network_synchronization
    if synchronization is not None and synchronization < 0.999:
        yield f"the node is still catching up with the network ({synchronization:.1%})"
    kupo = services.kupo.sync_status
    if kupo == "syncing":
        yield "Kupo is still reading the chain: what it says may be stale"
    if kupo == "stale":
        yield "Kupo stands still or has lost its node: what it says may be stale; look at its log"
    if services.cardano_node.socket == "missing":
        yield "there is nothing at the configured cardano_node_socket"


def all_connected(services: Services) -> bool:
    reports = (services.ogmios, services.kupo, services.cardano_node)
    return all(report.connected and not report.hint for report in reports)
