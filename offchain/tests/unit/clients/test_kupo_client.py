"""Kupo's answers, and the requests that fetch them, at the transport."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from milestones.cardano.outputs import OutputReference, Script
from milestones.cardano.slots import Point
from milestones.cardano.value import AssetId, Value
from milestones.clients.kupo_client import KupoClient
from milestones.errors import InvalidInput, ServiceUnavailable

HEADER = "ab" * 32
POLICY = "cd" * 28
MATCH: dict[str, Any] = {
    "transaction_index": 2,
    "transaction_id": "01" * 32,
    "output_index": 3,
    "address": "addr_test1vz",
    "value": {"coins": 5, "assets": {POLICY: 2, f"{POLICY}.aa": 3}},
    "datum_hash": "04" * 32,
    "datum_type": "inline",
    "datum": "d87980",
    "script_hash": None,
    "script": None,
    "created_at": {"slot_no": 7, "header_hash": HEADER},
    "spent_at": None,
}


class Kupo:
    """Answers every request alike, and keeps what was asked."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response] | Any) -> None:
        self._answer = answer
        self.requests: list[httpx.Request] = []
        self.client = KupoClient(
            "http://kupo.test:1442/", transport=httpx.MockTransport(self._serve)
        )

    def _serve(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if callable(self._answer):
            return self._answer(request)
        return httpx.Response(200, text=json.dumps(self._answer))

    @property
    def target(self) -> str:
        """The path and query of the last request, as sent."""
        return self.requests[-1].url.raw_path.decode()


async def test_a_match_in_the_ledgers_words() -> None:
    kupo = Kupo([MATCH])
    async with kupo.client as client:
        (match,) = await client.matches("addr_test1vz")
    assert match.reference == OutputReference(b"\1" * 32, 3)
    tokens = {
        AssetId(bytes.fromhex(POLICY), b""): 2,
        AssetId(bytes.fromhex(POLICY), b"\xaa"): 3,
    }
    assert match.output.value == Value(5, tokens)
    assert match.output.inline_datum == match.datum == bytes.fromhex("d87980")
    assert match.output.datum_hash is None
    assert match.created_at == Point(7, bytes.fromhex(HEADER))
    assert (match.transaction_index, match.spent) == (2, None)


async def test_an_output_that_holds_only_a_hash() -> None:
    kupo = Kupo([{**MATCH, "datum_type": "hash"}])
    async with kupo.client as client:
        (match,) = await client.matches("*")
    assert match.output.inline_datum is None
    assert match.output.datum_hash == match.datum_hash == b"\4" * 32
    assert match.datum == bytes.fromhex("d87980")


async def test_without_resolving_an_inline_datum_is_not_taken_for_a_hash() -> None:
    bare = {key: value for key, value in MATCH.items() if key not in ("datum", "script")}
    kupo = Kupo([bare])
    async with kupo.client as client:
        (match,) = await client.matches("*", resolve_hashes=False)
    assert (match.output.inline_datum, match.output.datum_hash) == (None, None)
    assert (match.datum_type, match.datum_hash) == ("inline", b"\4" * 32)


async def test_where_an_output_was_spent_and_with_which_redeemer() -> None:
    spent = {
        "slot_no": 9,
        "header_hash": "ef" * 32,
        "transaction_id": "06" * 32,
        "input_index": 1,
        "redeemer": "d87a80",
    }
    wallets = {**spent, "redeemer": None}
    kupo = Kupo([{**MATCH, "spent_at": spent}, {**MATCH, "spent_at": wallets}])
    async with kupo.client as client:
        first, second = [match.spent for match in await client.matches("*", spent=True)]
    assert first is not None
    assert (first.point, first.transaction_id) == (Point(9, b"\xef" * 32), b"\6" * 32)
    assert (first.input_index, first.redeemer) == (1, bytes.fromhex("d87a80"))
    assert second is not None
    assert second.redeemer is None


async def test_reference_scripts_and_byron_addresses_of_others() -> None:
    code = bytes.fromhex("46010000220011")
    script = Script("plutus:v3", code)
    kupo = Kupo(
        [
            {
                **MATCH,
                "address": "37btjrVyb4KDXBNC4haBVPCrro8AQPHwvCMp3R",
                "datum_hash": None,
                "datum_type": None,
                "datum": None,
                "script_hash": script.hash().hex(),
                "script": {"language": "plutus:v3", "script": code.hex()},
            },
            {**MATCH, "script_hash": "07" * 28, "script": {"language": "plutus:v9", "script": ""}},
        ]
    )
    async with kupo.client as client:
        known, unknown = [match.output for match in await client.matches("*")]
    assert (known.script, known.script_hash) == (script, script.hash())
    assert known.address.startswith("37btjrVyb4")
    assert (unknown.script, unknown.script_hash) == (None, b"\7" * 28)


@pytest.mark.parametrize(
    ("pattern", "arguments", "target"),
    [
        ("addr_test1vz", {}, "addr_test1vz?resolve_hashes"),
        ("addr_test1vz", {"unspent": True}, "addr_test1vz?unspent&resolve_hashes"),
        ("*/*", {"spent": True, "resolve_hashes": False}, "*/*?spent"),
        (f"{POLICY}.*", {"resolve_hashes": False}, f"{POLICY}.*"),
        (
            f"*@{HEADER}",
            {"resolve_hashes": False, "created_after": 0, "created_before": 9},
            f"*@{HEADER}?created_before=9",
        ),
        (
            "*",
            {"spent_after": Point(7, bytes.fromhex(HEADER)), "order": "oldest_first"},
            f"*?resolve_hashes&spent_after=7.{HEADER}&order=oldest_first",
        ),
        (
            "*",
            {"transaction_id": HEADER, "output_index": 0, "resolve_hashes": False},
            f"*?transaction_id={HEADER}&output_index=0",
        ),
    ],
)
async def test_requests_for_matches(pattern: str, arguments: dict[str, Any], target: str) -> None:
    kupo = Kupo([])
    async with kupo.client as client:
        assert await client.matches(pattern, **arguments) == []
    assert kupo.target == f"/matches/{target}"


async def test_a_snapshot_tells_how_far_the_index_had_read() -> None:
    headers = {"X-Most-Recent-Checkpoint": "42", "ETag": HEADER}
    kupo = Kupo(lambda _: httpx.Response(200, json=[MATCH], headers=headers))
    async with kupo.client as client:
        snapshot = await client.snapshot("*")
    assert snapshot.checkpoint == Point(42, bytes.fromhex(HEADER))
    assert len(snapshot.matches) == 1


HEALTH = {
    "connection_status": "connected",
    "most_recent_checkpoint": 90,
    "most_recent_node_tip": 100,
    "seconds_since_last_block": 3,
    "network_synchronization": 0.5,
    "configuration": {"indexes": "installed"},
    "version": "2.12.0",
}


async def test_health_asks_for_json_and_tells_how_far_behind() -> None:
    kupo = Kupo(lambda _: httpx.Response(202, json=HEALTH))
    async with kupo.client as client:
        health = await client.health()
    assert kupo.requests[0].headers["Accept"] == "application/json"
    assert (health.connected, health.in_sync, health.slots_behind) == (True, False, 10)


async def test_health_without_a_node_is_still_an_answer() -> None:
    unknown = dict.fromkeys(
        (
            "most_recent_checkpoint",
            "most_recent_node_tip",
            "seconds_since_last_block",
            "network_synchronization",
        )
    )
    body = {**HEALTH, **unknown, "connection_status": "disconnected"}
    kupo = Kupo(lambda _: httpx.Response(503, json=body))
    async with kupo.client as client:
        health = await client.health()
    assert (health.connected, health.in_sync, health.slots_behind) == (False, False, None)


async def test_a_pattern_is_added_from_a_slot_or_from_a_block() -> None:
    kupo = Kupo(["*"])
    async with kupo.client as client:
        assert await client.add_pattern("ab/*", 0, beyond_safe_zone=True) == ["*"]
        assert json.loads(kupo.requests[0].content) == {
            "rollback_to": {"slot_no": 0},
            "limit": "unsafe_allow_beyond_safe_zone",
        }
        await client.add_pattern("{1296649285}", Point(7, bytes.fromhex(HEADER)))
    assert (kupo.requests[1].method, kupo.target) == ("PUT", "/patterns/%7B1296649285%7D")
    assert json.loads(kupo.requests[1].content) == {
        "rollback_to": {"slot_no": 7, "header_hash": HEADER}
    }


async def test_patterns() -> None:
    kupo = Kupo(["*/*"])
    async with kupo.client as client:
        assert await client.patterns() == ["*/*"]
        assert await client.patterns_including("addr_test1vz") == ["*/*"]
    assert kupo.target == "/patterns/addr_test1vz"


async def test_datums_and_scripts_known_and_unknown() -> None:
    async with Kupo({"datum": "d87980"}).client as client:
        assert await client.datum("04" * 32) == bytes.fromhex("d87980")
    async with Kupo({"language": "native", "script": "8200"}).client as client:
        assert await client.script("07" * 28) == Script("native", bytes.fromhex("8200"))
    async with Kupo(None).client as client:
        assert await client.datum("04" * 32) is None
        assert await client.script("07" * 28) is None


async def test_metadata_comes_with_its_block() -> None:
    body = [{"hash": "08" * 32, "schema": {"1": {"int": 2}}, "raw": "a10102"}]
    headers = {"X-Block-Header-Hash": HEADER}
    kupo = Kupo(lambda _: httpx.Response(200, json=body, headers=headers))
    async with kupo.client as client:
        metadata = await client.metadata(7, "01" * 32)
    assert kupo.target == f"/metadata/7?transaction_id={'01' * 32}"
    assert metadata.header_hash == bytes.fromhex(HEADER)
    assert [(entry.hash, entry.raw) for entry in metadata.entries] == [
        (b"\x08" * 32, bytes.fromhex("a10102"))
    ]


async def test_checkpoints() -> None:
    where = {"slot_no": 7, "header_hash": HEADER}
    async with Kupo([where]).client as client:
        assert await client.checkpoints() == [Point(7, bytes.fromhex(HEADER))]
    kupo = Kupo(where)
    async with kupo.client as client:
        assert await client.checkpoint_at(9) == Point(7, bytes.fromhex(HEADER))
        await client.checkpoint_at(9, strict=True)
    assert kupo.target == "/checkpoints/9?strict"
    async with Kupo(None).client as client:
        assert await client.checkpoint_at(3) is None


async def test_a_refused_request_shows_kupos_hint() -> None:
    kupo = Kupo(lambda _: httpx.Response(400, json={"hint": "Invalid pattern!", "details": "x"}))
    async with kupo.client as client:
        with pytest.raises(InvalidInput, match="Invalid pattern! x"):
            await client.matches("nonsense")


@pytest.mark.parametrize("status", [404, 406, 500, 503])
async def test_other_statuses_are_the_services_fault(status: int) -> None:
    kupo = Kupo(lambda _: httpx.Response(status, json={"hint": "busy"}))
    async with kupo.client as client:
        with pytest.raises(ServiceUnavailable, match=f"status {status}: busy") as caught:
            await client.matches("*")
    assert "KUPO_URL" in caught.value.hint


@pytest.mark.parametrize(
    "failure", [httpx.ConnectError("connection refused"), httpx.ReadTimeout("slow")]
)
async def test_a_silent_or_absent_kupo(failure: httpx.HTTPError) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise failure

    async with Kupo(fail).client as client:
        with pytest.raises(ServiceUnavailable, match=r"Kupo at http://kupo\.test:1442"):
            await client.health()


async def test_a_kept_connection_that_was_closed_is_replaced() -> None:
    failures = [httpx.RemoteProtocolError("Server disconnected without sending a response.")]

    def answer(_: httpx.Request) -> httpx.Response:
        if failures:
            raise failures.pop()
        return httpx.Response(200, json=[])

    kupo = Kupo(answer)
    async with kupo.client as client:
        assert await client.matches("*") == []
    assert len(kupo.requests) == 2


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: httpx.Response(200, text="<html>"),
        lambda _: httpx.Response(200, json=[{**MATCH, "transaction_id": "01"}]),
        lambda _: httpx.Response(200, json=[{"address": 1}]),
        lambda _: httpx.Response(200, json={"matches": []}),
    ],
)
async def test_answers_of_another_shape_are_the_services_fault(answer: Any) -> None:
    async with Kupo(answer).client as client:
        with pytest.raises(ServiceUnavailable, match="can't be read"):
            await client.matches("*")
