"""`init`: whether Ogmios, Kupo and the node are there and in step, and that Kupo watches what we need."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeVar

from milestones.cardano.address import Address
from milestones.cardano.network import name_of
from milestones.cardano.parameters import ProtocolParameters
from milestones.cardano.slots import Point
from milestones.clients.kupo_answers import KupoHealth
from milestones.clients.ogmios_answers import OgmiosHealth
from milestones.errors import NetworkMismatch, ServiceOutOfSync, ServiceUnavailable
from milestones.keys.key_files import SigningKey
from milestones.services.backend import (
    STALE_SLOTS,
    Backend,
    now_posix_ms,
    require_one_chain,
    storage_warnings,
)
from milestones.services.performance import (
    NEWEST,
    Measurement,
    measurement,
    since,
    slowest_submission,
    warnings_of,
)
from milestones.services.results import Result, View
from milestones.services.sending.payer import account_pattern
from milestones.services.sending.published_scripts import find_published
from milestones.storage.records import ObservedNetwork

PATIENCE_SECONDS: Final = 12.0
"""How long a service may take for all that is _asked of it, so that a hung one is reported soon."""
T = TypeVar("T")

SyncStatus = Literal["synced", "syncing", "stale", "unknown"]


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
    one, and a warning says so. Nothing is raised for a service that is down: the report says it.
    """
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
        ogmios=_ogmios_report(backend, health, facts),
        kupo=_kupo_report(backend, kupo, chain),
        cardano_node=_node_report(backend, health, facts, node_socket, kupo),
    )
    if not _all_connected(services) or not isinstance(facts, _NodeFacts):
        return Initialised(
            status="failed", services=services, warnings=tuple(_service_warnings(services))
        )
    _remember(backend, facts)
    indexed, delayed, unknown = await _index_what_is_missing(
        backend, _funds_of(key, payers, whole_accounts), facts, since_slot
    )
    performance = await _performance(backend, started, patience_seconds)
    warnings = (
        *_service_warnings(services),
        *delayed,
        *warnings_of(performance),
        *storage_warnings(backend),
    )
    status: Literal["success", "degraded"] = "degraded" if warnings else "success"
    notes = unknown or tuple(_notes_on(indexed, facts, since_slot))
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


def _remember(backend: Backend, facts: _NodeFacts) -> None:
    observed = ObservedNetwork(
        network_magic=facts.magic,
        lovelace_per_utxo_byte=facts.parameters.lovelace_per_utxo_byte,
        observed_at_posix_ms=now_posix_ms(),
    )
    with backend.storage.if_possible():
        backend.storage.network.save(observed)


@dataclass(frozen=True, slots=True)
class _NodeFacts:
    magic: int
    tip: Point | None
    parameters: ProtocolParameters


async def _node_facts(backend: Backend) -> _NodeFacts:
    ogmios = backend.ogmios
    return _NodeFacts(
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


SAFE_ZONE_SLOTS: Final = 129_600 - 3_600
"""How far back Kupo goes without a word that it is unsafe (36 hours), less an hour for the way there."""


def _funds_of(key: SigningKey | None, payers: Sequence[Address], whole_accounts: bool) -> list[str]:
    """The patterns of all whose funds are wanted."""
    keys = [] if key is None else [key.key_hash]
    found = [f"{each.hex()}/*" for each in (*keys, *(each.payment.hash for each in payers))]
    if whole_accounts:
        found += [account_pattern(each.staking) for each in payers if each.staking is not None]
    return found


async def _index_what_is_missing(
    backend: Backend, funds: Iterable[str], facts: _NodeFacts, since_slot: int | None
) -> tuple[tuple[str, ...], list[str], tuple[str, ...]]:
    """The patterns that were added, a warning for each that Kupo was slow to confirm, and notes."""
    versions = (backend.contract, *backend.versions)
    wanted = [f"{vault.hex()}/*" for vault in dict.fromkeys(each.vault_hash for each in versions)]
    wanted += dict.fromkeys(funds)
    if since_slot is None:
        wanted = [each for each in wanted if not await backend.kupo.patterns_including(each)]
    if not wanted:
        return (), [], ()
    start, notes = await _oldest_known(backend, _start(facts) if since_slot is None else since_slot)
    tip = facts.tip.slot if facts.tip else 0
    added, slow = [], []
    for pattern in wanted:
        try:
            await backend.kupo.add_pattern(
                pattern, start, beyond_safe_zone=tip - start > SAFE_ZONE_SLOTS
            )
        except ServiceUnavailable as error:
            slow.append(f"Kupo has not confirmed yet that it watches {pattern}: {error.reason}")
        added.append(pattern)
    return tuple(added), slow, notes


async def _oldest_known(backend: Backend, slot: int) -> tuple[int, tuple[str, ...]]:
    """The slot of Kupo's last block at or before `slot`, else that of its oldest block, with a note."""
    before = await backend.kupo.checkpoint_at(slot)
    known = [before] if before else await backend.kupo.checkpoints()
    oldest = known[-1].slot if known else slot
    if before or not known:
        return oldest, ()
    note = (
        f"Kupo knows no block before slot {oldest}: outputs that are older stay unknown to it. Where"
        " something that counts is older, start Kupo anew with an earlier --since"
    )
    return oldest, (note,)


def _start(facts: _NodeFacts) -> int:
    tip = facts.tip.slot if facts.tip else 0
    return max(0, tip - SAFE_ZONE_SLOTS) if _is_public(facts.magic) else 0


def _notes_on(indexed: Sequence[str], facts: _NodeFacts, since_slot: int | None) -> Iterator[str]:
    if indexed and since_slot is None and _is_public(facts.magic):
        yield (
            f"Kupo reads the chain again from slot {_start(facts)}, a day and a half ago: outputs that"
            " are older stay unknown to it. Where a distribution, the published scripts or the wallet's"
            " funds are older, run `milestones init --since SLOT` with a slot before them"
        )


def _is_public(magic: int) -> bool:
    return name_of(magic) in ("mainnet", "preprod", "preview")


_START_NODE: Final = "start cardano-node (`docker compose up -d` in infra/, or `milestones devnet`)"


_TOO_NEW: Final = (
    "where it runs, look at its version: from 11.1 on cardano-node offers NodeToClient 23 alone, which"
    " Ogmios 7.0 and Kupo 2.12 refuse; run 11.0.1 until they follow"
)
KNOWN_ERAS: Final = ("byron", "shelley", "allegra", "mary", "alonzo", "babbage", "conway")
"""In their order. The contract needs the last: Plutus V3."""
KNOWN_VERSIONS: Final = {"Ogmios": ("6", "7"), "Kupo": ("2",)}
"""The major versions that this program speaks."""


def _ogmios_report(
    backend: Backend,
    health: OgmiosHealth | ServiceUnavailable,
    facts: _NodeFacts | ServiceUnavailable,
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


def _node_report(
    backend: Backend,
    health: OgmiosHealth | ServiceUnavailable,
    facts: _NodeFacts | ServiceUnavailable,
    path: Path | None,
    kupo: KupoHealth | ServiceUnavailable,
) -> NodeReport:
    socket: Literal["present", "missing"] | None = None
    if path is not None:
        socket = "present" if path.exists() else "missing"
    if isinstance(health, ServiceUnavailable):
        reason = "it is _asked through Ogmios, which is not available"
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


def _kupo_report(
    backend: Backend,
    health: KupoHealth | ServiceUnavailable,
    chain: ServiceUnavailable | None,
) -> KupoReport:
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


def _service_warnings(services: Services) -> Iterator[str]:
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


def _all_connected(services: Services) -> bool:
    reports = (services.ogmios, services.kupo, services.cardano_node)
    return all(report.connected and not report.hint for report in reports)
