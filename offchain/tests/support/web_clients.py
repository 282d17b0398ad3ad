"""Many people at a server at once: they look, build, sign and ask to be paid, and each answer is checked."""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from milestones.testing.processes import PROGRAM, program_environment
from milestones.web.tokens import TOKEN_HEADER
from tests.support.serving import must_be_described

DICE = random.Random(2026)  # noqa: S311 - nothing is secret here
PEOPLE = ("Ada", "Ben", "Chen", "Dara", "Eve")
PROMISED = {"Ada": 250_000, "Ben": 200_000, "Chen": 250_000, "Dara": 300_000, "Eve": 400_000}


@contextmanager
def demo(folder: Path) -> Iterator[str]:
    """The demo's distribution on a server of its own, as a process; its URL."""
    with (folder / "serve-stderr.txt").open("w+") as errors:
        process = subprocess.Popen(
            [*PROGRAM, "--json", "demo", "--serve", "--port", "0"],
            cwd=folder,
            env=program_environment(),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            assert process.stdout is not None
            yield str(json.loads(process.stdout.readline())["url"])
            assert process.poll() is None
        finally:
            process.terminate()
            process.communicate(timeout=60)
            errors.seek(0)
            said = errors.read()
    assert "Traceback" not in said, said


@dataclass
class Seen:
    """What all clients together saw: seconds by kind of request, and statuses."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)

    def lines(self) -> list[str]:
        """Requests, and the median and the worst answer of each kind, in milliseconds."""
        whole = [each for kind in self.seconds.values() for each in kind]
        rows = [("all", whole), *sorted(self.seconds.items())]
        return [
            f"{kind:<12} {len(found):>7} requests, median {statistics.median(found) * 1000:>7.0f} ms,"
            f" worst {max(found) * 1000:>7.0f} ms"
            for kind, found in rows
        ]


@dataclass
class Crowd:
    """What the clients of one server share."""

    http: httpx.AsyncClient
    path: str
    token: str
    addresses: dict[str, str]
    seen: Seen = field(default_factory=Seen)
    paid: set[str] = field(default_factory=set)

    @classmethod
    async def at(cls, http: httpx.AsyncClient) -> Crowd:
        """Looks who is who."""
        token = (await http.get("/api/v1/token")).json()["token"]
        (listed,) = (await http.get("/api/v1/distributions")).json()["distributions"]
        crowd = cls(http, f"/api/v1/distributions/{listed['key']}", token, {})
        allocations = (await http.get(f"{crowd.path}/allocations")).json()["allocations"]
        indices = {"Ada": 0, "Ben": 2, "Chen": 3, "Dara": 4, "Eve": 5}
        crowd.addresses = {
            name: allocations[index]["beneficiary_address"] for name, index in indices.items()
        }
        return crowd

    async def _asked(self, kind: str, method: str, path: str, **given: Any) -> httpx.Response:
        started = time.monotonic()
        answer = await self.http.request(method, path, headers={TOKEN_HEADER: self.token}, **given)
        self.seen.seconds[kind].append(time.monotonic() - started)
        self.seen.statuses[kind, answer.status_code] += 1
        where = answer.request.url.path
        if where.startswith("/api/") and not where.endswith("openapi.json"):
            must_be_described(method, where, answer.status_code, answer.json())
        return answer

    # -- what people do

    async def overview(self) -> None:
        """The list: what is promised stays."""
        answer = await self._asked("list", "GET", "/api/v1/distributions")
        (listed,) = answer.json()["distributions"]
        assert listed["total_token_amount"] == sum(PROMISED.values())
        assert listed["status"] == "open"

    async def one(self) -> None:
        """One, its milestones and its audit agree."""
        shown = (await self._asked("state", "GET", self.path)).json()
        assert shown["state"]["contract_state"]["total_oracles"] == 3
        milestones = (await self._asked("milestones", "GET", f"{self.path}/milestones")).json()
        found = {each["milestone_identifier"]: each for each in milestones["milestones"]}
        assert found.keys() == {"design", "prototype", "launch"}
        assert found["design"]["attested"]
        audit = (await self._asked("verify", "GET", f"{self.path}/verify")).json()
        assert audit["verdict"] == "sound"

    async def mine(self) -> None:
        """What somebody has adds up, whatever is paid meanwhile."""
        name = DICE.choice(PEOPLE)
        query = {"address": self.addresses[name]}
        mine = (await self._asked("mine", "GET", f"{self.path}/claimable", params=query)).json()
        parts = [mine[f"{each}_amount"] for each in ("claimable", "later", "claimed")]
        assert sum(parts) == mine["total_amount"] == PROMISED[name]
        if name in self.paid:
            assert mine["claimed_amount"] > 0

    async def lists(self) -> None:
        """Allocations and history, by parts."""
        offset = DICE.randrange(6)
        query = {"offset": offset, "limit": 2}
        part = (await self._asked("parts", "GET", f"{self.path}/allocations", params=query)).json()
        assert part["total"] == 6
        assert [each["beneficiary_index"] for each in part["allocations"]] == [
            index for index in (offset, offset + 1) if index < 6
        ]
        history = (await self._asked("history", "GET", f"{self.path}/history")).json()
        assert history["complete"]
        assert history["held_amount"] + history["paid_amount"] == sum(PROMISED.values())

    async def pages(self) -> None:
        """Pages are served beside."""
        key = self.path.rpartition("/")[2]
        for path in ("/", f"/d/{key}", f"/d/{key}/claim"):
            answer = await self._asked("page", "GET", path)
            assert answer.status_code == 200
            assert "A grant to play with" in answer.text or path == "/"

    async def wrong(self) -> None:
        """What is wrong is said to be."""
        answer = await self._asked("refusal", "GET", f"{self.path}/claimable")
        assert answer.status_code == 400
        answer = await self._asked("refusal", "GET", "/api/v1/distributions/nonsense")
        assert answer.status_code == 404

    async def build(self) -> None:
        """A claim is built for a wallet, and pays just what can be claimed then."""
        asked = [
            await self.http.post("/play/builder", json=[each], headers={TOKEN_HEADER: self.token})
            for each in ("getUtxos", "getChangeAddress")
        ]
        outputs, change = (each.json()["result"] for each in asked)
        name = DICE.choice(("Ada", "Ben"))
        body = {
            "wallet": {"outputs": outputs, "change_address": change},
            "beneficiary_address": self.addresses[name],
        }
        answer = await self._asked("build", "POST", f"{self.path}/claim", json=body)
        if answer.status_code == 503:
            assert answer.headers["retry-after"]
            return
        assert answer.status_code == 200, answer.text
        report = answer.json()["report"]
        share = {"Ada": 100_000, "Ben": 200_000}[name]
        assert report["paid_token_amount"] in (0, share)

    async def be_paid(self) -> None:
        """Somebody without ADA asks to be paid; asked again, nothing is paid again."""
        name = DICE.choice(("Ben", "Chen"))
        body = {"beneficiary_address": self.addresses[name]}
        answer = await self._asked("payment", "POST", f"{self.path}/payment", json=body)
        status = answer.json()["status"]
        if name == "Chen":
            assert status == "too_early"
        else:
            assert status in ("accepted", "queued", "paid")
            if status == "paid":
                self.paid.add(name)


async def visit(crowd: Crowd, until: float) -> None:
    """One client, who does one thing after the other."""
    things: list[tuple[Callable[[], Awaitable[None]], int]] = [
        (crowd.overview, 20),
        (crowd.one, 15),
        (crowd.mine, 30),
        (crowd.lists, 15),
        (crowd.pages, 20),
        (crowd.wrong, 5),
        (crowd.be_paid, 2),
        # The chain is in the server's process here, and evaluates the contract there.
        (crowd.build, 1),
    ]
    doings, weights = zip(*things, strict=True)
    while time.monotonic() < until:
        (doing,) = DICE.choices(doings, weights)
        await doing()
        await asyncio.sleep(DICE.uniform(0.0, 2.0))


async def crowd_at(url: str, *, clients: int, seconds: float) -> Seen:
    """So many clients for so long. Raises at the first wrong answer."""
    limits = httpx.Limits(max_connections=clients, max_keepalive_connections=clients)
    async with httpx.AsyncClient(base_url=url, timeout=120, limits=limits) as http:
        crowd = await Crowd.at(http)
        until = time.monotonic() + seconds
        await asyncio.gather(*(visit(crowd, until) for _ in range(clients)))
        assert not any(status >= 500 and status != 503 for _, status in crowd.seen.statuses)
        return crowd.seen
