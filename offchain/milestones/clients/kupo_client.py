"""Kupo: which outputs there are and were, over HTTP. Version 2.12."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, Literal, TypeVar
from urllib.parse import quote, urlencode

import httpx

from milestones.cardano.outputs import Script
from milestones.cardano.slots import Point
from milestones.clients import kupo_answers as answers
from milestones.clients.answers import digest, natural, reading, text
from milestones.clients.http_requests import HttpAnswer, HttpRequests
from milestones.clients.kupo_answers import BlockMetadata, KupoHealth, Match, Snapshot
from milestones.clients.service_address import KUPO, ServiceAddress

DEFAULT_TIMEOUT_SECONDS: Final = 30.0
Order = Literal["most_recent_first", "oldest_first"]
Answer = TypeVar("Answer")


class KupoClient:
    """An async context manager. `transport` stands in for the network, for tests.

    Every method raises `ServiceUnavailable` when Kupo can't be reached, is silent for `timeout_seconds`,
    takes twice as long for a whole answer, or answers 503; and `InvalidInput`, with Kupo's own hint, when
    it refuses a request. Hashes and ids given as arguments are hexadecimal; those in answers are bytes.
    """

    def __init__(
        self,
        url: str | ServiceAddress,
        *,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.address = ServiceAddress.parse(url, KUPO)
        self._http = HttpRequests(
            self.address, timeout_seconds=timeout_seconds, transport=transport
        )

    @property
    def url(self) -> str:
        """The address as it may be shown: without its secrets."""
        return str(self.address)

    async def __aenter__(self) -> KupoClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.close()

    async def health(self) -> KupoHealth:
        """How far the index is; also while Kupo has lost its node."""
        response = await self._http.request("GET", "/health", accepted=(200, 202, 503))
        return self._read("GET /health", response, answers.health)

    async def matches(
        self,
        pattern: str,
        *,
        unspent: bool = False,
        spent: bool = False,
        resolve_hashes: bool = True,
        created_after: int | Point | None = None,
        created_before: int | Point | None = None,
        spent_after: int | Point | None = None,
        spent_before: int | Point | None = None,
        policy_id: str | None = None,
        asset_name: str | None = None,
        transaction_id: str | None = None,
        output_index: int | None = None,
        order: Order | None = None,
    ) -> list[Match]:
        """The outputs that `pattern` describes, newest first.

        Patterns: an address, `*`, `<payment>/<staking>` credentials with `*`, `<policy>.<name or *>`,
        `<index or *>@<transaction id>`. Bounds are inclusive: a slot, or a block that must be on the chain.
        `asset_name` needs `policy_id`; `output_index` needs `transaction_id`. There is no paging.
        """
        found = await self.snapshot(
            pattern,
            unspent=unspent,
            spent=spent,
            resolve_hashes=resolve_hashes,
            created_after=created_after,
            created_before=created_before,
            spent_after=spent_after,
            spent_before=spent_before,
            policy_id=policy_id,
            asset_name=asset_name,
            transaction_id=transaction_id,
            output_index=output_index,
            order=order,
        )
        return list(found.matches)

    async def snapshot(
        self,
        pattern: str,
        *,
        unspent: bool = False,
        spent: bool = False,
        resolve_hashes: bool = True,
        **filters: int | str | Point | None,
    ) -> Snapshot:
        """As `matches`, with the block up to which the index had read: it says how stale an answer is."""
        flags = {"unspent": unspent, "spent": spent, "resolve_hashes": resolve_hashes}
        # Flags must be bare: Kupo answers 400 to `unspent=`.
        query = [name for name, given in flags.items() if given]
        query += [urlencode({name: str(value)}) for name, value in _given(filters)]
        path = f"/matches/{_escaped(pattern)}" + ("?" + "&".join(query) if query else "")
        response = await self._get(path)
        with reading(self.address, "GET /matches"):
            found = tuple(answers.match(entry) for entry in response.json())
            return Snapshot(found, _checkpoint(response))

    async def patterns(self) -> list[str]:
        """What Kupo indexes."""
        return self._read("GET /patterns", await self._get("/patterns"), _texts)

    async def patterns_including(self, pattern: str) -> list[str]:
        """The indexed patterns that cover all that `pattern` describes; none: it is not indexed."""
        response = await self._get(f"/patterns/{_escaped(pattern)}")
        return self._read("GET /patterns", response, _texts)

    async def add_pattern(
        self, pattern: str, rollback_to: int | Point, *, beyond_safe_zone: bool = False
    ) -> list[str]:
        """Indexes `pattern` too, reading the chain again from after `rollback_to` (a slot or a block).

        Kupo goes back only when the next block arrives. Further than 129,600 slots needs
        `beyond_safe_zone`. Returns all patterns.
        """
        where: dict[str, Any] = {"slot_no": rollback_to}
        if isinstance(rollback_to, Point):
            where = {"slot_no": rollback_to.slot, "header_hash": rollback_to.header_hash.hex()}
        body: dict[str, Any] = {"rollback_to": where}
        if beyond_safe_zone:
            body["limit"] = "unsafe_allow_beyond_safe_zone"
        path = f"/patterns/{_escaped(pattern)}"
        response = await self._http.request("PUT", path, body)
        return self._read("PUT /patterns", response, _texts)

    async def datum(self, datum_hash: str) -> bytes | None:
        """The CBOR of the datum with this hash; None if the index does not know it."""
        response = await self._get(f"/datums/{quote(datum_hash)}")
        return self._read(
            "GET /datums",
            response,
            lambda found: None if found is None else bytes.fromhex(found["datum"]),
        )

    async def script(self, script_hash: str) -> Script | None:
        """The script with this hash; None if the index does not know it."""
        response = await self._get(f"/scripts/{quote(script_hash)}")
        return self._read(
            "GET /scripts", response, lambda found: None if found is None else answers.script(found)
        )

    async def metadata(self, slot: int, transaction_id: str | None = None) -> BlockMetadata:
        """The metadata of the block at this slot, or of one transaction in it.

        For a slot without a block it is the next block's: compare `header_hash`.
        """
        query = f"?transaction_id={quote(transaction_id)}" if transaction_id else ""
        response = await self._get(f"/metadata/{slot}{query}")
        with reading(self.address, "GET /metadata"):
            header = response.headers.get("X-Block-Header-Hash")
            entries = tuple(answers.metadata(entry) for entry in response.json())
            return BlockMetadata(digest(header.strip('"')) if header else None, entries)

    async def checkpoints(self) -> list[Point]:
        """A sample of the blocks that the index knows, newest first."""
        response = await self._get("/checkpoints")
        return self._read(
            "GET /checkpoints", response, lambda found: [answers.point(each) for each in found]
        )

    async def checkpoint_at(self, slot: int, *, strict: bool = False) -> Point | None:
        """The newest block at or before `slot`; only at `slot` when `strict`. None if there is none."""
        response = await self._get(f"/checkpoints/{slot}" + ("?strict" if strict else ""))
        return self._read(
            "GET /checkpoints",
            response,
            lambda found: None if found is None else answers.point(found),
        )

    async def _get(self, path: str) -> HttpAnswer:
        return await self._http.request("GET", path)

    def _read(self, what: str, response: HttpAnswer, read: Callable[[Any], Answer]) -> Answer:
        with reading(self.address, what):
            return read(response.json())


class KupoAtOneMoment(KupoClient):
    """A client whose answers about a pattern's outputs are all of the moment when it was first asked.

    It uses the connections of another client, which is the one to be closed.
    """

    def __init__(self, client: KupoClient) -> None:
        self.address, self._http = client.address, client._http
        self._known: dict[tuple[object, ...], Snapshot] = {}

    async def snapshot(
        self,
        pattern: str,
        *,
        unspent: bool = False,
        spent: bool = False,
        resolve_hashes: bool = True,
        **filters: int | str | Point | None,
    ) -> Snapshot:
        """As any client's: all outputs are asked for once, and the spent or unspent ones chosen here."""
        given: dict[str, Any] = dict(_given(filters))
        key = (pattern, resolve_hashes, *sorted(given.items()))
        if key not in self._known:
            self._known[key] = await super().snapshot(
                pattern, resolve_hashes=resolve_hashes, **given
            )
        whole = self._known[key]
        chosen = (
            match
            for match in whole.matches
            if not (unspent and match.spent) and not (spent and match.spent is None)
        )
        return replace(whole, matches=tuple(chosen))


def _given(
    filters: Mapping[str, int | str | Point | None],
) -> Iterator[tuple[str, int | str | Point]]:
    for name, value in filters.items():
        # Kupo knows no slot 0, which anyway bounds nothing from below.
        if value is not None and not (name.endswith("_after") and value == 0):
            yield name, value


def _escaped(pattern: str) -> str:
    return quote(pattern, safe="/*@.")


def _texts(answer: Any) -> list[str]:
    return [text(entry) for entry in answer]


def _checkpoint(response: HttpAnswer) -> Point | None:
    slot, header = response.headers.get("X-Most-Recent-Checkpoint"), response.headers.get("ETag")
    if not slot or not header:
        return None
    return Point(natural(int(slot)), digest(header.removeprefix("W/").strip('"')))
