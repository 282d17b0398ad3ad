"""HTTP requests to one service, each bounded as a whole: in time, in size, and in how often it is made."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import httpx

from milestones.clients.answers import asking, json_value
from milestones.clients.failures import (
    connection_failure,
    cut_failure,
    status_failure,
    trusted,
    unavailable,
)
from milestones.clients.service_address import ServiceAddress, shown
from milestones.errors import InvalidInput, ServiceUnavailable

WHOLE_ANSWER_FACTOR: Final = 2
"""A whole answer may take twice as long as a service may be silent."""
MAX_ANSWER_BYTES: Final = 256 * 2**20
"""The largest answer that is read: some four hundred thousand outputs of Kupo's."""
TRIES: Final = 3
"""How often a question is asked that a gateway refuses, or whose line is cut."""
PAUSE_SECONDS: Final = 0.3
PATIENCE_SECONDS: Final = 5.0
"""Up to which wait a service that asks for one gets it; a longer one is the caller's decision."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came back, whole."""

    status: int
    headers: httpx.Headers
    body: bytes

    def json(self) -> Any:
        """The body's value. Raises ValueError or RecursionError for what is not JSON."""
        return json_value(self.body)


class HttpRequests:
    """Connections to one service. `transport` stands in for the network, for tests.

    `timeout_seconds` is how long a service may be silent; a whole answer may take twice as long.
    """

    def __init__(
        self,
        address: ServiceAddress,
        *,
        timeout_seconds: float,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.address = address
        self._timeout_seconds, self._transport = timeout_seconds, transport
        self._http: httpx.AsyncClient | None = None

    async def close(self) -> None:
        """Closes the connections; the next request opens others."""
        http, self._http = self._http, None
        if http is not None:
            logging.getLogger("httpx").removeFilter(self._hide_the_query)
            await http.aclose()

    async def request(
        self, method: str, path: str, body: Any = None, *, accepted: Collection[int] = (200,)
    ) -> HttpAnswer:
        """The answer, of a status that is `accepted`. Whatever is asked here may be asked twice.

        A cut line and a gateway's refusal are tried again, within seconds; silence and a refused
        connection are not. Raises `ServiceUnavailable`, and `InvalidInput` where the service refuses what
        is asked and says why.
        """
        for tried in range(1, TRIES + 1):
            try:
                return await self._once(method, path, body, accepted)
            except _MayPass as refused:
                failure = refused.failure
                wait = failure.retry_after_seconds or 0.0
                if tried == TRIES or not failure.may_pass or wait > PATIENCE_SECONDS:
                    cause = refused.__cause__
                    if refused.cut and cause is not None:
                        failure = await cut_failure(self.address, cause)
                    raise failure from cause
            await asyncio.sleep(wait or PAUSE_SECONDS)
        raise AssertionError("the last try returns or raises")

    async def _once(
        self, method: str, path: str, body: Any, accepted: Collection[int]
    ) -> HttpAnswer:
        seconds = self._timeout_seconds * WHOLE_ANSWER_FACTOR
        try:
            with asking(self.address.service.name, f"{method} {path}"):
                answer = await asyncio.wait_for(self._exchange(method, path, body), seconds)
        except _TooLarge as error:
            what = f"{method} {path.partition('?')[0]}"
            raise unavailable(
                self.address,
                f"its answer to {what} has more than {MAX_ANSWER_BYTES} bytes",
                hint="ask for less",
            ) from error
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError) as error:
            raise _MayPass(connection_failure(self.address, error), cut=True) from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError, asyncio.TimeoutError) as error:
            raise connection_failure(self.address, error) from error
        if answer.status not in accepted:
            raise self._refusal(answer, path)
        return answer

    async def _exchange(self, method: str, path: str, body: Any) -> HttpAnswer:
        if self._http is None:
            self._http = self._opened()
        url = self.address.http_url(path)
        async with self._http.stream(method, url, json=body) as response:
            parts, size = [], 0
            async for part in response.aiter_bytes():
                size += len(part)
                if size > MAX_ANSWER_BYTES:
                    raise _TooLarge
                parts.append(part)
            return HttpAnswer(response.status_code, response.headers, b"".join(parts))

    def _opened(self) -> httpx.AsyncClient:
        if self.address.query:
            logging.getLogger("httpx").addFilter(self._hide_the_query)
        return httpx.AsyncClient(
            transport=self._transport,
            timeout=self._timeout_seconds,
            headers={
                "Accept": "application/json",
                "Connection": "close",
                **self.address.headers,
            },
            # On a kept connection, what is left of one answer would be taken for the next one's.
            limits=httpx.Limits(max_keepalive_connections=0),
            verify=trusted() if self.address.secure else False,
            trust_env=False,
        )

    def _hide_the_query(self, record: logging.LogRecord) -> bool:
        """The HTTP client writes whole URLs into its log; the query may be somebody's key."""
        if isinstance(record.args, tuple):
            record.args = tuple(
                shown(str(each))
                if isinstance(each, httpx.URL) and each.host == self.address.host
                else each
                for each in record.args
            )
        return True

    def _refusal(self, answer: HttpAnswer, path: str) -> Exception:
        said = _reason(answer)
        if answer.status == httpx.codes.BAD_REQUEST and said:
            place = path.partition("?")[0]
            return InvalidInput(f"{self.address.service.name} refused {place}: {said}")
        body = answer.body[:2000].decode(errors="replace")
        failure = status_failure(self.address, answer.status, answer.headers, body, said=said)
        return _MayPass(failure) if failure.may_pass else failure


class _TooLarge(Exception):
    """An answer that is not read to its end."""


class _MayPass(Exception):
    """A failure after which the same request is made again; `cut` where no answer came at all."""

    def __init__(self, failure: ServiceUnavailable, *, cut: bool = False) -> None:
        super().__init__(failure.message)
        self.failure, self.cut = failure, cut


def _reason(answer: HttpAnswer) -> str:
    """What Kupo and Ogmios say of a refusal; empty for a gateway's page."""
    try:
        found = answer.json()
    except (ValueError, RecursionError):
        return ""
    if not isinstance(found, dict):
        return ""
    return " ".join(str(found[key])[:500] for key in ("hint", "details") if found.get(key))
