"""How Ogmios, Kupo and the node were found, in a report and in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from milestones.cardano.network import name_of
from milestones.cardano.parameters import ProtocolParameters
from milestones.cardano.slots import Point
from milestones.clients.kupo_answers import KupoHealth
from milestones.clients.ogmios_answers import OgmiosHealth
from milestones.errors import NetworkMismatch, ServiceOutOfSync, ServiceUnavailable
from milestones.services.backend import STALE_SLOTS, Backend
from milestones.services.performance import Measurement
from milestones.services.results import Result, View

SyncStatus = Literal["synced", "syncing", "stale", "unknown"]

KNOWN_ERAS: Final = ("byron", "shelley", "allegra", "mary", "alonzo", "babbage", "conway")
"""In their order. The contract needs the last: Plutus V3."""

KNOWN_VERSIONS: Final = {"Ogmios": ("6", "7"), "Kupo": ("2",)}
"""The major versions that this program speaks."""

_START_NODE: Final = "start cardano-node (`docker compose up -d` in infra/, or `milestones devnet`)"

_TOO_NEW: Final = (
    "where it runs, look at its version: from 11.1 on cardano-node offers NodeToClient 23 alone, which"
    " Ogmios 7.0 and Kupo 2.12 refuse; run 11.0.1 until they follow"
)


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
    """`sync_status`: `synced`, `syncing` (reading the chain), `stale` (it stands still), `unknown`."""

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


class Initialised(Result):
    """`failed`: something is down or on another network; `degraded`: all answer, not all is well.

    `indexed` are the patterns that Kupo watches from now on. `performance` is empty where something is
    down.
    """

    status: Literal["success", "degraded", "failed"]
    services: Services
    indexed: tuple[str, ...] = ()
    performance: tuple[Measurement, ...] = ()


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What the node says of its network."""

    magic: int
    tip: Point | None
    parameters: ProtocolParameters


def ogmios_report(
    backend: Backend,
    health: OgmiosHealth | ServiceUnavailable,
    facts: NodeFacts | ServiceUnavailable,
) -> OgmiosReport:
    """How Ogmios was found; `facts` came through its WebSocket."""
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
    kupo: KupoHealth | ServiceUnavailable,
) -> NodeReport:
    """How the node was found; `path` is its socket, as far as one is configured."""
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
        # A node that Kupo is connected to is there, and not too new.
        known = isinstance(kupo, KupoHealth) and kupo.connected
        hint = _START_NODE if known or health.connected else f"{_START_NODE}; {_TOO_NEW}"
        return NodeReport(
            connected=False, reason=reason, hint=hint, era=health.current_era or None, socket=socket
        )
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


def kupo_report(
    backend: Backend,
    health: KupoHealth | ServiceUnavailable,
    chain: ServiceUnavailable | None,
) -> KupoReport:
    """How Kupo was found; `chain` says whether it follows another chain than the node."""
    url = backend.kupo.url
    if isinstance(health, ServiceUnavailable):
        return KupoReport(connected=False, reason=health.reason, hint=health.hint, url=url)
    # Where Ogmios can't be asked, or Kupo neither, their own reports say so.
    apart = chain if isinstance(chain, (NetworkMismatch, ServiceOutOfSync)) else None
    return KupoReport(
        connected=True,
        reason=apart.reason if apart else "",
        hint=apart.hint if apart else "",
        url=url,
        version=health.version,
        sync_status=_sync_status(backend, health),
        slots_behind=health.slots_behind,
    )


def _sync_status(backend: Backend, health: KupoHealth) -> SyncStatus:
    if not health.connected:
        return "stale"
    if health.slots_behind is None or health.network_synchronization is None:
        return "unknown"
    if not health.in_sync:
        return "syncing"
    most = STALE_SLOTS if backend.max_lag_slots is None else backend.max_lag_slots
    return "stale" if health.slots_behind > most else "synced"


def all_connected(services: Services) -> bool:
    """Whether all three answer, and nothing has to be done about one of them."""
    reports = (services.ogmios, services.kupo, services.cardano_node)
    return all(report.connected and not report.hint for report in reports)


def service_warnings(services: Services) -> Iterator[str]:
    """What isn't as it should be, in words."""
    named = (
        (f"Ogmios at {services.ogmios.url}", services.ogmios),
        (f"Kupo at {services.kupo.url}", services.kupo),
        ("cardano-node", services.cardano_node),
    )
    for name, report in named:
        if report.reason:
            yield f"{name}: {report.reason}; {report.hint}"
    synchronization = services.ogmios.network_synchronization
    if services.cardano_node.connected and synchronization is None:
        yield "Ogmios does not say how far the node is: it may be behind the network"
    if synchronization is not None and synchronization < 0.999:
        yield f"the node is still catching up with the network ({synchronization:.1%})"
    kupo = services.kupo.sync_status
    if kupo == "unknown":
        yield "Kupo does not say how far it has read: what it says may be stale"
    if kupo == "syncing":
        yield "Kupo is still reading the chain: what it says may be stale"
    if kupo == "stale":
        yield "Kupo stands still or has lost its node: what it says may be stale; look at its log"
    yield from _version_warnings(services)
    if services.cardano_node.socket == "missing":
        yield "there is nothing at the configured cardano_node_socket"


def _version_warnings(services: Services) -> Iterator[str]:
    for name, version in (("Ogmios", services.ogmios.version), ("Kupo", services.kupo.version)):
        known, found = KNOWN_VERSIONS[name], re.search("[0-9]+", version or "")
        if version is not None and (found is None or found[0] not in known):
            yield (
                f"{name} is of version {version[:40]}, which this program was not tried with:"
                f" take {' or '.join(f'{each}.x' for each in known)}, or a newer `milestones`"
            )
    era = services.cardano_node.era
    if era and era not in KNOWN_ERAS:
        yield (
            f"the node is in the era {era[:40]}, which this program does not know: take a newer"
            " `milestones` before anything is sent"
        )
    elif era and era != KNOWN_ERAS[-1]:
        yield (
            f"the node is in the era {era}, in which the contract's scripts can't run: wait until it has"
            f" reached {KNOWN_ERAS[-1]}"
        )
