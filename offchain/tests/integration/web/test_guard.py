"""What holds for every request: whose page asks, by which name, with what token, how much, how often."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest

from milestones.errors import InvalidConfiguration
from milestones.protocol.distribution import parse_contract_address
from milestones.web.answers import RequestRefused
from milestones.web.api.operation import MOST_BODY_BYTES
from milestones.web.events import MOST_OF_AN_ADDRESS
from milestones.web.guard import Rates
from milestones.web.settings import ServeSettings
from milestones.web.tokens import LIFETIME_SECONDS, TOKEN_HEADER, Tokens
from tests.integration.web.test_claiming import as_payer, sign_and_send, wallet_of
from tests.support.serving import ServedDistribution, serve

PUBLIC = "https://claims.example.org"
FRIEND = "https://friend.example.org"


def words(answer: httpx.Response) -> tuple[int, str]:
    """Status, and what was wrong."""
    return answer.status_code, answer.json()["error"]["details"].get("path", "")


async def test_pages_of_other_origins_and_other_names_are_refused(
    served: ServedDistribution,
) -> None:
    """A name of somebody else's that points here (DNS rebinding) is none of ours."""
    port = served.server.port
    for host in ("evil.example.org", f"evil.example.org:{port}", "127.0.0.1.evil.org", ""):
        answer = await served.http.get("/api/v1", headers={"Host": host})
        assert words(answer) == (403, "Host")
    for host in (f"localhost:{port}", f"127.0.0.1:{port}", "[::1]"):
        assert (await served.http.get("/api/v1", headers={"Host": host})).status_code == 200
    for origin in ("https://evil.example.org", "null", f"http://localhost:{port + 1}", FRIEND):
        answer = await served.http.get("/api/v1", headers={"Origin": origin})
        assert words(answer) == (403, "Origin")
        assert "access-control-allow-origin" not in answer.headers
        preflight = await served.http.options("/api/v1/token", headers={"Origin": origin})
        assert preflight.status_code == 403
    hidden = await served.http.get("/api/v1", headers={"Sec-Fetch-Site": "cross-site"})
    assert words(hidden) == (403, "Origin")
    # A link on another page leads here.
    page = await served.http.get("/", headers={"Sec-Fetch-Site": "cross-site"})
    assert page.status_code != 403


async def test_what_changes_something_wants_a_token(served: ServedDistribution) -> None:
    """One that this server made, and not too long ago; a restart makes none worthless."""
    path = f"{served.path}/signatures"
    for token in (None, "", "1.x", "9999999999." + "0" * 48, "x.y"):
        headers = {} if token is None else {TOKEN_HEADER: token}
        answer = await served.http.post(path, json={}, headers=headers)
        assert words(answer) == (403, TOKEN_HEADER)
    given = await served.get("/api/v1/token")
    async with serve(served.opened) as restarted:
        headers = {TOKEN_HEADER: given["token"]}
        answer = await restarted.http.post(path, json={}, headers=headers)
        assert answer.status_code == 400
    old = Tokens(served.serving.tokens.secret, lambda: 0.0).new()[0]
    Tokens(served.serving.tokens.secret, lambda: float(LIFETIME_SECONDS)).check(old)
    with pytest.raises(RequestRefused, match="too old"):
        served.serving.tokens.check(old)


async def test_bodies_are_json_and_bounded(served: ServedDistribution) -> None:
    """As are addresses; and what is no object, or has fields that there aren't, is said to be."""
    path, token = f"{served.path}/claim", {TOKEN_HEADER: served.serving.tokens.new()[0]}
    kind = {"Content-Type": "application/json", **token}
    for content, headers, expected in (
        (b"{}", token, (415, "Content-Type")),
        (b"{}", {**token, "Content-Type": "text/plain"}, (415, "Content-Type")),
        (b" " * (MOST_BODY_BYTES + 1), kind, (413, "body")),
        (b"{", kind, (400, "body")),
        (b"\xff", kind, (400, "body")),
        (b"[]", kind, (400, "body")),
        (b'{"a": 1, "a": 2}', kind, (400, "body")),
        (b"[" * 50_000, kind, (400, "body")),
        (b'{"walet": {}}', kind, (400, "walet")),
    ):
        answer = await served.http.post(path, content=content, headers=headers)
        assert words(answer) == expected
    for query, field in (
        ({"limit": "1000000"}, "limit"),
        ({"offset": "-1"}, "offset"),
        ({"nonsense": "1"}, "nonsense"),
        ({"status": "nonsense"}, "status"),
    ):
        answer = await served.http.get(f"{served.path}/allocations", params=query)
        assert words(answer) == (400, field)
    assert words(await served.http.get("/api/v1?x=" + "y" * 9_000)) == (414, "query")
    assert words(await served.http.delete("/api/v1")) == (405, "method")
    assert words(await served.http.post("/api/v1", headers=token)) == (405, "method")
    assert (await served.http.get("/api/v1/nothing")).status_code == 404


async def test_every_answer_says_what_a_browser_may_do(served: ServedDistribution) -> None:
    """No script but this server's own, in no frame, of no other type; kept by no cache."""
    for path in ("/api/v1", "/", "/api/v1/nothing", "/nothing"):
        headers = (await served.http.get(path)).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert headers["cross-origin-resource-policy"] == "same-origin"


@asynccontextmanager
async def in_public(
    served: ServedDistribution, **more: object
) -> AsyncIterator[ServedDistribution]:
    """The same distribution, served as behind a proxy."""
    async with serve(served.opened, public_url=PUBLIC, **more) as public:
        yield public


async def test_a_public_server_offers_neither_budget_nor_creator_pages(
    served: ServedDistribution,
) -> None:
    """Behind its proxy it has one name; its own machine asks for health and figures alone."""
    async with in_public(served) as public:
        name = {"Host": "claims.example.org"}
        own = f"127.0.0.1:{public.server.port}"
        about = (await public.http.get("/api/v1", headers=name)).json()
        assert (about["public"], about["relay"], about["creator"]) == (True, False, False)
        assert words(await public.http.get("/api/v1", headers={"Host": own})) == (403, "Host")
        assert (await public.http.get("/health")).status_code == 200
        assert "milestones_requests_total" in (await public.http.get("/metrics")).text
        assert (await public.http.get("/metrics", headers=name)).status_code == 403
        token = {TOKEN_HEADER: public.serving.tokens.new()[0], **name}
        body = {"wallet": {"outputs": [], "change_address": ""}}
        for path in ("cancel", "close"):
            answer = await public.http.post(f"{public.path}/{path}", json=body, headers=token)
            assert answer.status_code in (400, 403)
        creator = as_payer(wallet_of(served, "creator"))
        for path in ("cancel", "close"):
            asked = {"wallet": creator}
            answer = await public.http.post(f"{public.path}/{path}", json=asked, headers=token)
            assert words(answer) == (403, "creator")
        origin = {**name, "Origin": PUBLIC}
        assert (await public.http.get("/api/v1", headers=origin)).status_code == 200


async def test_another_front_end_may_use_it_where_it_is_allowed(
    served: ServedDistribution,
) -> None:
    """And no other; it may read, ask first, and send a token."""
    async with serve(served.opened, allowed_origins=frozenset({FRIEND})) as open_to:
        answer = await open_to.http.get("/api/v1/token", headers={"Origin": FRIEND})
        assert answer.headers["access-control-allow-origin"] == FRIEND
        preflight = await open_to.http.options("/api/v1/token", headers={"Origin": FRIEND})
        assert preflight.status_code == 204
        assert TOKEN_HEADER in preflight.headers["access-control-allow-headers"]
        other = await open_to.http.get("/api/v1", headers={"Origin": "https://evil.example.org"})
        assert other.status_code == 403


def test_an_address_asks_so_often_and_no_more() -> None:
    """Ten seconds' worth at once, and then so many a second; others are not held up."""
    now = 0.0
    rates = Rates(2, clock=lambda: now)
    for _ in range(20):
        rates.take("1.2.3.4")
    with pytest.raises(RequestRefused) as refused:
        rates.take("1.2.3.4")
    assert refused.value.status == 429
    rates.take("1.2.3.5")
    now = 1.0
    rates.take("1.2.3.4")
    rates.take("1.2.3.4")
    with pytest.raises(RequestRefused):
        rates.take("1.2.3.4")


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"public_url": "http://claims.example.org"}, "public_url"),
        ({"public_url": "https://claims.example.org/"}, "public_url"),
        ({"public_url": "https://Claims.example.org"}, "public_url"),
        ({"public_url": "https://user@claims.example.org"}, "public_url"),
        ({"allowed_origins": frozenset({"*"})}, "allow_origin"),
        ({"host": "192.0.2.1"}, "public_url"),
        ({"distributions": ()}, "distribution"),
    ],
)
def test_settings_that_would_open_it_are_refused(settings: dict[str, object], path: str) -> None:
    where = parse_contract_address(
        "addr_test1zz9hk64vx66zsvp2je9uu0cql4d63m0g6809ek64jqrrscmx04203570l4lq2d2x7agnuufc5ayrqz8vv063295jgyaqjmvfs4"
    )
    with pytest.raises(InvalidConfiguration) as refused:
        ServeSettings(**{"distributions": (where,), **settings})  # type: ignore[arg-type]
    assert refused.value.path == path


async def test_what_changes_is_said_to_those_who_listen(served: ServedDistribution) -> None:
    """A block, a transaction that was sent here, and a distribution that stands otherwise."""
    await served.opened.signed("milestone-001")
    await served.opened.attest()
    heard: dict[str, list[dict[str, object]]] = {}

    async def listen() -> None:
        async with served.http.stream("GET", "/api/v1/events") as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            event = ""
            async for line in answer.aiter_lines():
                kind, _, data = line.partition(": ")
                event = data if kind == "event" else event
                if kind == "data":
                    heard.setdefault(event, []).append(json.loads(data))
                if {"block", "transaction", "distribution"} <= heard.keys():
                    return

    listener = asyncio.ensure_future(listen())
    while not served.serving.events.listener_count:
        await asyncio.sleep(0.01)
    while "block" not in heard:
        await asyncio.sleep(0.1)
        served.opened.world.advance(20)
    wallet = wallet_of(served, "stranger")
    body = {"wallet": as_payer(wallet), "beneficiary_indices": [0]}
    sent = await sign_and_send(served, wallet, await served.post(f"{served.path}/claim", body))
    for _ in range(20):
        served.opened.world.advance(20)
        done, _ = await asyncio.wait({listener}, timeout=1.5)
        if done:
            break
    await asyncio.wait_for(listener, 1)
    assert heard["transaction"][0]["transaction_hash"] == sent


async def test_nobody_takes_the_place_of_all_who_listen(served: ServedDistribution) -> None:
    """One address listens so often at a time, and again once somebody of it has gone."""
    events = "/api/v1/events"
    async with AsyncExitStack() as listening:
        for _ in range(MOST_OF_AN_ADDRESS - 1):
            answer = await listening.enter_async_context(served.http.stream("GET", events))
            assert answer.status_code == 200
        async with served.http.stream("GET", events):
            refused = await served.http.get(events)
            assert refused.status_code == 429
            assert refused.headers["retry-after"]
            # Another address is not bounded by it.
            await served.serving.events.listen("192.0.2.7")
        while served.serving.events.listener_count > MOST_OF_AN_ADDRESS:
            await asyncio.sleep(0.01)
        async with served.http.stream("GET", events) as again:
            assert again.status_code == 200


async def test_a_service_that_is_away_is_said_without_saying_where_it_is(
    served: ServedDistribution,
) -> None:
    """The program's code, no address of the inside; health is down, and up again afterwards."""
    devnet = served.opened.world.devnet
    devnet.break_interface("kupo", "dropping")
    try:
        answer = await served.http.get(served.path)
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        error = answer.json()["error"]
        assert error["code"] == "service_unavailable"
        assert devnet.kupo_url not in answer.text
        down = await served.http.get("/health")
        assert (down.status_code, down.json()["status"]) == (503, "down")
    finally:
        devnet.mend_interface("kupo")
    assert (await served.http.get("/health")).json()["status"] == "ok"
    assert (await served.http.get(served.path)).status_code == 200
