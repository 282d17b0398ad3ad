"""Being paid without ADA: by the button, and by a telephone's wallet (CIP-99), within the relay's budget."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from milestones.services.paying.budget import Budget
from milestones.testing.cast import ADA, key_of
from milestones.testing.distribution import FIRST_MILESTONE
from milestones.web.settings import RelaySettings
from tests.support.serving import ServedDistribution, serve


@pytest.fixture
def serve_settings() -> dict[str, Any]:
    """A relay with a budget for some claims."""
    return {"relay": relay(20 * ADA)}


def relay(most_lovelace: int) -> RelaySettings:
    """The relayer's key, within a budget."""
    return RelaySettings(key=key_of("relayer"), budget=Budget(most_lovelace=most_lovelace))


async def attested(served: ServedDistribution) -> None:
    """The first milestone is reached: allocations 0 and 3 can be claimed."""
    await served.opened.signed(FIRST_MILESTONE)
    await served.opened.attest()
    # It wasn't this server that sent it: for a moment it would not know of it.
    served.serving.kept.forget()


async def paid(served: ServedDistribution, name: str) -> dict[str, Any]:
    """How the payment to somebody stands, once it is in a block."""
    address = str(served.opened.world.address(name))
    for _ in range(100):
        found: dict[str, Any] = await served.get(
            f"{served.path}/payment", beneficiary_address=address
        )
        if found["status"] == "paid":
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(f"{name} was not paid: {found}")


async def claim(served: ServedDistribution, code: dict[str, Any], name: str) -> tuple[int, Any]:
    """What a telephone's wallet does with a link: status and answer."""
    address = str(served.opened.world.address(name))
    body = {"address": address, "code": code["code"], "user_id": "passed through"}
    answer = await served.http.post(code["faucet_url"], json=body)
    assert answer.headers["access-control-allow-origin"] == "*"
    return answer.status_code, answer.json()


async def test_who_has_no_ada_is_paid(served: ServedDistribution) -> None:
    """Asked before it is due, it says so; asked twice, it pays once."""
    who = {"beneficiary_address": str(served.opened.world.address("beneficiary-3"))}
    early = await served.post(f"{served.path}/payment", who)
    assert early["status"] == "too_early"
    await attested(served)
    first = await served.post(f"{served.path}/payment", who)
    again = await served.post(f"{served.path}/payment", who)
    assert (first["status"], again["status"]) == ("accepted", "queued")
    assert (first["token_amount"], first["queue_position"]) == (4_000, 1)
    found = await paid(served, "beneficiary-3")
    held = served.opened.world.held_by(served.opened.world.address("beneficiary-3"))
    assert held.quantity(served.opened.world.token) == 4_000
    assert served.opened.journal.find(found["transaction_hash"]) is not None
    stranger = {"beneficiary_address": str(served.opened.world.address("stranger"))}
    nothing = await served.post(f"{served.path}/payment", stranger)
    assert nothing["status"] == "nothing_there"


async def test_a_telephone_claims_by_a_link(served: ServedDistribution) -> None:
    """Each answer of CIP-99: early, accepted, queued, claimed, not theirs, unknown, and what is missing."""
    address = str(served.opened.world.address("beneficiary-0"))
    code = await served.get(f"{served.path}/claim-code", beneficiary_address=address)
    link = urlsplit(code["uri"])
    assert (link.scheme, link.netloc, link.path) == ("web+cardano", "claim", "/v1")
    arguments = parse_qs(link.query)
    assert arguments == {"faucet_url": [code["faucet_url"]], "code": [code["code"]]}
    assert await claim(served, code, "beneficiary-0") == (
        425,
        {"code": 425, "status": "tooearly"},
    )
    await attested(served)
    status, accepted = await claim(served, code, "beneficiary-0")
    token = str(served.opened.world.token)
    assert (status, accepted["code"], accepted["status"]) == (200, 200, "accepted")
    assert accepted["tokens"] == {token: "1000"}
    assert (await claim(served, code, "beneficiary-0"))[1]["status"] == "queued"
    assert await claim(served, code, "stranger") == (
        409,
        {"code": 409, "status": "alreadyclaimed"},
    )
    found = await paid(served, "beneficiary-0")
    status, claimed = await claim(served, code, "beneficiary-0")
    assert (status, claimed["tx_hash"]) == (202, found["transaction_hash"])
    assert "queue_position" not in claimed
    put = await served.http.put(code["faucet_url"])
    assert (put.status_code, put.json()) == (405, {"code": 405, "status": "error"})
    wrong = {**code, "code": code["code"][:-1] + ("a" if code["code"][-1] != "a" else "b")}
    assert (await claim(served, wrong, "beneficiary-0"))[0] == 404
    for body, word in (
        ({"address": address}, "missingcode"),
        ({"code": code["code"]}, "invalidaddress"),
        ({"code": code["code"], "address": "addr_test1nonsense"}, "invalidaddress"),
        (
            {"code": code["code"], "address": str(key_of("beneficiary-0").address(1))},
            "invalidnetwork",
        ),
        ([], "missingcode"),
    ):
        answer = await served.http.post(code["faucet_url"], json=body)
        assert (answer.status_code, answer.json()) == (400, {"code": 400, "status": word})


async def test_the_budget_is_kept_whoever_asks(served: ServedDistribution) -> None:
    """What it has no room for is not promised, and what was promised is paid after a restart, too."""
    await attested(served)
    async with serve(served.opened, relay=relay(2 * ADA)) as poor:
        for name, status in (("beneficiary-0", "accepted"), ("beneficiary-3", "budget_spent")):
            who = {"beneficiary_address": str(served.opened.world.address(name))}
            answer = await poor.post(f"{poor.path}/payment", who)
            assert answer["status"] == status
    async with serve(served.opened, relay=relay(2 * ADA)) as again:
        await paid(again, "beneficiary-0")


async def test_without_a_relay_nobody_is_paid(served: ServedDistribution) -> None:
    """And it says so."""
    await attested(served)
    who = {"beneficiary_address": str(served.opened.world.address("beneficiary-0"))}
    async with serve(served.opened) as without:
        refused = await without.post(f"{without.path}/payment", who, status=403)
        assert refused["error"]["details"]["path"] == "relay"
        assert (await without.get("/api/v1"))["relay"] is False
