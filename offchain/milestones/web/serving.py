"""What the server knows and shares between requests: connections, what it serves, and what was just looked up.

What is looked up is kept until the next block, or until something is changed here: a hundred people who look
at the same distribution cost one look.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

from milestones.cardano.address import Address
from milestones.cardano.value import AssetId
from milestones.errors import InvalidAddress, InvalidConfiguration, NotFound
from milestones.protocol.distribution import DistributionName, parse_contract_address
from milestones.services.backend import Backend, Workspace, select_version
from milestones.services.calculate_distribution import AllocationStates, allocation_states
from milestones.services.check_status import StatusReport, check_status
from milestones.services.distribution.naming import identify
from milestones.services.history import DistributionHistory, history
from milestones.services.list import ListedDistribution, listed_distribution
from milestones.services.oracle.collected import SignaturesCollected, signatures_collected
from milestones.services.registered_token import RegisteredToken, registered_token
from milestones.services.verify import Verified, verify
from milestones.storage.storage import Storage
from milestones.web.answers import RequestRefused
from milestones.web.codes import Codes
from milestones.web.events import Events
from milestones.web.figures import RequestFigures
from milestones.web.payments import Payments
from milestones.web.settings import ServeSettings
from milestones.web.tokens import Tokens

_LOG: Final = logging.getLogger(__name__)
T = TypeVar("T")
FRESH_SECONDS: Final = 0.5
"""How old the newest known block may be before it is asked for again."""
MOST_KEPT: Final = 500
"""How many answers are kept; the oldest make room."""
MOST_WAITING: Final = 32
"""How many requests wait for their turn to build something; more are turned away."""


class ServedStorage(Storage):
    """The data directory of a server: what there is to say of its files is for whoever runs it."""

    def take_reports(self) -> list[Any]:
        """None; they are in the log."""
        for report in super().take_reports():
            _LOG.warning("%s", report.message)
        return []


def served_workspace(workspace: Workspace) -> Workspace:
    """The same, whose storage says nothing to those who ask."""
    return replace(workspace, storage=ServedStorage(workspace.storage.data_directory))


@dataclass(frozen=True, slots=True)
class Served:
    """A distribution that is served. `key` names it in URLs: its contract name, with `.` for `#`."""

    contract_address: Address | DistributionName

    @property
    def key(self) -> str:
        """What stands in URLs."""
        return str(self.contract_address).replace("#", ".")

    @property
    def address(self) -> Address:
        """Where it is on the chain."""
        named = self.contract_address
        return named if isinstance(named, Address) else named.address


@dataclass(slots=True)
class Kept:
    """Answers of services, each for the moment at which it was made."""

    backend: Backend
    version: int = 0
    _seen_at: float = 0.0
    _tip: tuple[Any, ...] = ()
    _answers: OrderedDict[object, tuple[tuple[Any, ...], asyncio.Future[Any]]] = field(
        default_factory=OrderedDict
    )
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def moment(self) -> tuple[Any, ...]:
        """Which answers are fresh: the node's newest block, how far the index is, and what was changed here."""
        async with self._asking:
            if time.monotonic() - self._seen_at > FRESH_SECONDS:
                tip, health = await asyncio.gather(
                    self.backend.ogmios.network_tip(), self.backend.kupo.health()
                )
                self._tip = (tip, health.checkpoint_slot)
                self._seen_at = time.monotonic()
            return (*self._tip, self.version)

    def forget(self) -> None:
        """Something was changed here, or sent: what is asked next is looked up."""
        self.version += 1
        self._seen_at = 0.0

    async def get(self, name: object, make: Callable[[], Awaitable[T]]) -> T:
        """The answer of this name, made once a moment, whoever asks and however many at a time."""
        moment = await self.moment()
        known = self._answers.get(name)
        if known is None or known[0] != moment or _has_failed(known[1]):
            known = (moment, asyncio.ensure_future(make()))
            # Where nobody waits for it any more, its failure is nobody's.
            known[1].add_done_callback(_has_failed)
            self._answers[name] = known
            self._answers.move_to_end(name)
            while len(self._answers) > MOST_KEPT:
                self._answers.popitem(last=False)
        # Who asked first may go away; the others still want it.
        answer: T = await asyncio.shield(known[1])
        return answer


def _has_failed(future: asyncio.Future[Any]) -> bool:
    return future.done() and (future.cancelled() or future.exception() is not None)


@dataclass(slots=True)
class Turns:
    """How many do the same at a time; some are `waiting` for their turn, more are turned away."""

    at_a_time: int
    waiting: int = 0
    _semaphore: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._semaphore = asyncio.Semaphore(self.at_a_time)

    async def __aenter__(self) -> None:
        if self.waiting >= MOST_WAITING:
            raise RequestRefused(
                503,
                "too many are waiting for a transaction to be built",
                hint="try again in some seconds",
                retry_after_seconds=5,
            )
        self.waiting += 1
        try:
            await self._semaphore.acquire()
        finally:
            self.waiting -= 1

    async def __aexit__(self, *_: object) -> None:
        self._semaphore.release()


@dataclass(slots=True, kw_only=True)
class Serving:
    """All that handlers use. `builds` bounds what is built at a time.

    `own_url` is where it listens, once it does; `payments` is None where nobody pays for others.
    `scripts` are paths of scripts that every page has beside its own.
    """

    settings: ServeSettings
    backend: Backend
    tokens: Tokens
    kept: Kept
    builds: Turns
    codes: Codes
    distributions: tuple[Served, ...]
    own_url: str = ""
    scripts: tuple[str, ...] = ()
    payments: Payments | None = None
    events: Events = field(init=False)
    requests: RequestFigures = field(default_factory=RequestFigures)

    def __post_init__(self) -> None:
        self.events = Events(serving=self)
        if self.settings.relay is not None:
            self.payments = Payments(serving=self, relay=self.settings.relay)

    @property
    def base_url(self) -> str:
        """Where people find it: what stands before paths in links."""
        return self.settings.public_url or self.own_url

    @classmethod
    def of(cls, settings: ServeSettings, backend: Backend) -> Serving:
        """A server over these connections; nothing is asked yet."""
        secret = backend.storage.serving.secret()
        return cls(
            settings=settings,
            backend=backend,
            tokens=Tokens(secret),
            codes=Codes(secret),
            kept=Kept(backend),
            builds=Turns(settings.concurrent_builds),
            distributions=tuple(map(Served, settings.distributions)),
        )

    def served(self, text: str) -> Served:
        """The distribution that a URL names. Raises `NotFound` for one that isn't served here."""
        with suppress(InvalidAddress):
            wanted = parse_contract_address(text.replace(".", "#", 1))
            for each in self.distributions:
                if each.contract_address == wanted:
                    return each
        raise NotFound(
            "this server doesn't serve that distribution",
            hint="GET /api/v1/distributions lists those that it serves",
            details={"contract_address": text[:200]},
        )

    # -- what is looked up

    async def name(self, served: Served) -> DistributionName:
        """Its name with its id. Raises `NotFound` where there never was one."""
        named = served.contract_address
        if isinstance(named, DistributionName):
            return named
        backend = select_version(self.backend, named.payment.hash)
        return await self.kept.get(("name", served), lambda: identify(backend, named))

    async def listed(self, served: Served) -> ListedDistribution:
        """A distribution at a glance."""
        return await self.kept.get(
            ("listed", served),
            lambda: listed_distribution(self.backend, contract_address=served.contract_address),
        )

    async def registered(self, token: AssetId) -> RegisteredToken | None:
        """What a token is registered with; None where it isn't, or the configured file can't be read."""
        return await self.kept.get(("registered", token), lambda: self._registered(token))

    async def _registered(self, token: AssetId) -> RegisteredToken | None:
        try:
            return await registered_token(self.backend, token)
        except InvalidConfiguration as error:
            _LOG.warning("%s", error.message)
            return None

    async def status(self, served: Served) -> StatusReport:
        """How it stands."""
        return await self.kept.get(
            ("status", served),
            lambda: check_status(self.backend, contract_address=served.contract_address),
        )

    async def verified(self, served: Served) -> Verified:
        """Its audit."""
        return await self.kept.get(
            ("verified", served),
            lambda: verify(self.backend, contract_address=served.contract_address),
        )

    async def history(self, served: Served) -> DistributionHistory:
        """What happened to it."""
        return await self.kept.get(
            ("history", served),
            lambda: history(self.backend, contract_address=served.contract_address),
        )

    async def signatures(self, served: Served) -> SignaturesCollected:
        """What oracles have signed so far."""
        name = await self.name(served)
        storage = self.backend.storage.serving
        return await self.kept.get(
            ("signatures", served),
            lambda: signatures_collected(
                self.backend,
                contract_address=name,
                entries=storage.signatures(name.distribution_id),
            ),
        )

    async def allocations(self, served: Served) -> AllocationStates:
        """How each allocation stands."""
        return await self.kept.get(
            ("allocations", served),
            lambda: allocation_states(self.backend, contract_address=served.contract_address),
        )
