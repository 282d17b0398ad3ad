"""What changes while somebody looks: new blocks, distributions that stand otherwise, transactions sent here.

One task looks at the chain, however many listen, and what it finds is the same for all. What was sent here and
is lost is sent again by it: nobody's wallet is open any more.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from milestones.errors import MilestonesError, ServiceUnavailable
from milestones.services.backend import chain_of
from milestones.services.sending.submitting import take_up_unsettled
from milestones.services.transaction.submit import COMMAND
from milestones.web.answers import RequestRefused

if TYPE_CHECKING:
    from milestones.web.serving import Served, Serving

_LOG: Final = logging.getLogger(__name__)
LOOK_SECONDS: Final = 1.0
BEAT_SECONDS: Final = 15.0
"""After how long something is said where nothing has changed, so that no proxy takes the line for dead."""
MOST_LISTENERS: Final = 300
MOST_OF_AN_ADDRESS: Final = 20
"""How many listen from one address at a time; a browser holds six."""
MOST_WAITING: Final = 100
"""Events that a listener may be behind; who is further behind is cut off, and looks again."""


@dataclass(slots=True, kw_only=True)
class Events:
    """Tells listeners; `run` is the task that looks."""

    serving: Serving
    _listeners: dict[asyncio.Queue[str | None], str] = field(default_factory=dict)
    _seen: dict[str, str] = field(default_factory=dict)
    _statuses: dict[str, str] = field(default_factory=dict)
    _moment: tuple[Any, ...] = ()
    _away: bool = False

    @property
    def listener_count(self) -> int:
        """How many listen."""
        return len(self._listeners)

    async def listen(self, address: str) -> AsyncIterator[str]:
        """What is said from now on, as server-sent events, to somebody at this address.

        Raises `RequestRefused` where too many listen: 429 of one address, 503 of all.
        """
        hint = "look again now and then"
        of_address = sum(each == address for each in self._listeners.values())
        if of_address >= MOST_OF_AN_ADDRESS:
            raise RequestRefused(
                429, "too many listen from this address", hint=hint, retry_after_seconds=60
            )
        if len(self._listeners) >= MOST_LISTENERS:
            raise RequestRefused(503, "too many listen", hint=hint, retry_after_seconds=60)
        queue: asyncio.Queue[str | None] = asyncio.Queue(MOST_WAITING)
        self._listeners[queue] = address
        return self._told(queue)

    async def _told(self, queue: asyncio.Queue[str | None]) -> AsyncIterator[str]:
        try:
            yield "retry: 5000\n\n"
            while True:
                try:
                    said = await asyncio.wait_for(queue.get(), BEAT_SECONDS)
                except asyncio.TimeoutError:
                    said = ": nothing new\n\n"
                if said is None:
                    return
                yield said
        finally:
            self._listeners.pop(queue, None)

    def end(self) -> None:
        """Nobody listens any more."""
        for queue in tuple(self._listeners):
            _end(queue)

    def _say(self, event: str, **data: Any) -> None:
        said = f"event: {event}\ndata: {json.dumps(data)}\n\n"
        for queue in tuple(self._listeners):
            if queue.full():
                self._listeners.pop(queue, None)
                _end(queue)
            else:
                queue.put_nowait(said)

    async def run(self) -> None:
        """Looks until it is cancelled, while somebody listens or waits for a block."""
        while True:
            try:
                if self._listeners or self._follows:
                    await self._look()
                self._away = False
            except ServiceUnavailable as error:
                if not self._away:
                    _LOG.warning("nothing new is seen: %s", error.message)
                    self._say("service", available=False, service=error.service)
                self._away = True
            except MilestonesError as error:
                _LOG.warning("what changes is not seen: %s", error.message)
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        moment = await self.serving.kept.moment()
        if moment == self._moment:
            return
        is_block, self._moment = moment[:2] != self._moment[:2], moment
        if is_block:
            tip = moment[0]
            self._say("block", slot=tip.slot if tip else 0)
            await self._follow()
        if self._listeners:
            for served in self.serving.distributions:
                await self._compare(served)

    async def _compare(self, served: Served) -> None:
        """Says so where a distribution stands otherwise than when it was looked at last."""
        state = await self.serving.status(served)
        signatures = await self.serving.signatures(served)
        excluded = {"now", "sync", "warnings", "elapsed_ms", "source"}
        text = state.model_dump_json(exclude=excluded) + signatures.model_dump_json(
            exclude={"warnings", "elapsed_ms"}
        )
        digest = blake2b(text.encode(), digest_size=16).hexdigest()
        before = self._seen.get(served.key)
        self._seen[served.key] = digest
        if before not in (None, digest):
            self._say("distribution", key=served.key)

    @property
    def _follows(self) -> bool:
        """Whether something was sent here that no block has had yet."""
        journal = self.serving.backend.storage.journal
        return bool(self._statuses or journal.pending(command=COMMAND))

    async def _follow(self) -> None:
        """What was sent here, and no block had yet: where it is now."""
        backend = self.serving.backend
        if not self._follows:
            return
        found = await take_up_unsettled(backend, await chain_of(backend), COMMAND, None)
        statuses = {
            each.submission.transaction_id: each.status
            for each in found
            if each.submission.command == COMMAND
        }
        for transaction_hash, status in statuses.items():
            if self._statuses.get(transaction_hash) != status:
                self._say("transaction", transaction_hash=transaction_hash, status=status)
        for transaction_hash in self._statuses.keys() - statuses.keys():
            submission = backend.storage.journal.find(transaction_hash)
            status = "unknown" if submission is None else submission.status
            if status != self._statuses[transaction_hash]:
                self._say("transaction", transaction_hash=transaction_hash, status=status)
        self._statuses = {key: status for key, status in statuses.items() if status != "confirmed"}


def _end(queue: asyncio.Queue[str | None]) -> None:
    while queue.full():
        queue.get_nowait()
    queue.put_nowait(None)
