"""Oracles, proposers and a creator over HTTP, each with a wallet in the browser of another library's making."""

from __future__ import annotations

from typing import Any

import pytest

from milestones.testing.cast import ADA
from milestones.testing.distribution import FIRST_MILESTONE
from tests.integration.web.test_claiming import as_payer, sign_and_send, wallet_of
from tests.support.browser_wallet import StandInWallet
from tests.support.serving import ServedDistribution

WEEK = 7 * 86_400


@pytest.fixture
def schedule_changes() -> dict[str, Any]:
    """Everything that terms can allow and that is offered here."""
    return {
        "objectors": 2,
        "review_bond_lovelace": 5 * ADA,
        "cancel_by": ["creator", "quorum"],
        "cancel_grace_seconds": WEEK,
    }


async def sign(
    served: ServedDistribution, oracle: str, statement: dict[str, Any], *, status: int = 200
) -> Any:
    """An oracle's wallet signs a statement, and hands it in."""
    wallet = wallet_of(served, oracle)
    address = wallet.answer("getChangeAddress", [])
    answer = wallet.answer("signData", [address, statement["signed_data"]])
    return await served.post(f"{served.path}/signatures", answer, status=status)


async def send(
    served: ServedDistribution, wallet: StandInWallet, path: str, **body: Any
) -> dict[str, Any]:
    """Something is built, signed and sent, and a block has it; what was built."""
    built: dict[str, Any] = await served.post(
        f"{served.path}{path}", {"wallet": as_payer(wallet), **body}
    )
    await sign_and_send(served, wallet, built)
    served.opened.world.advance(20)
    return built


async def test_two_oracles_sign_and_anybody_attests(served: ServedDistribution) -> None:
    """A stranger's signature, a forged one and one of another statement are none; a restart loses none."""
    about = {"milestone_identifier": FIRST_MILESTONE, "evidence_hash": "11" * 32}
    statement = await served.get(f"{served.path}/statements/milestone", **about)
    assert FIRST_MILESTONE in statement["statement"]
    stranger = await sign(served, "stranger", statement, status=400)
    assert stranger["error"]["code"] == "invalid_signature"
    first = await sign(served, "oracle-0", statement)
    assert (len(first["statement"]["signers"]), first["statement"]["complete"]) == (1, False)
    # The time of the first is everybody's: the same question has the same bytes.
    again = await served.get(f"{served.path}/statements/milestone", **about)
    assert (again["signed_data"], again["time_from"]) == (statement["signed_data"], "signed")
    payer = wallet_of(served, "stranger")
    attestation = {"wallet": as_payer(payer), "milestone_identifier": FIRST_MILESTONE}
    early = await served.post(f"{served.path}/attest", attestation, status=409)
    assert early["error"]["details"]["rule"] == "quorum"
    second = await sign(served, "oracle-2", again)
    assert second["statement"]["complete"]
    built = await send(served, payer, "/attest", milestone_identifier=FIRST_MILESTONE)
    assert len(built["report"]["signers"]) == 2
    milestones = (await served.get(f"{served.path}/milestones"))["milestones"]
    assert [each["attested"] for each in milestones] == [True, False, False]
    assert (await served.get(f"{served.path}/signatures"))["statements"] == []
    late = await sign(served, "oracle-1", again, status=409)
    assert late["error"]["details"]["rule"] == "attested"


async def test_a_forged_signature_takes_no_genuine_one_s_place(served: ServedDistribution) -> None:
    """It is the chain that refuses it; what was signed before stays, and counts."""
    about = {"milestone_identifier": FIRST_MILESTONE}
    statement = await served.get(f"{served.path}/statements/milestone", **about)
    await sign(served, "oracle-0", statement)
    wallet = wallet_of(served, "oracle-0")
    address = wallet.answer("getChangeAddress", [])
    genuine = wallet.answer("signData", [address, statement["signed_data"]])
    # The signature is the last of the four parts.
    forged = {**genuine, "signature": genuine["signature"][:-128] + "00" * 64}
    refused = await served.post(f"{served.path}/signatures", forged, status=400)
    assert refused["error"]["code"] == "invalid_signature"
    assert "the chain refuses" in refused["error"]["message"]
    (kept,) = (await served.get(f"{served.path}/signatures"))["statements"]
    assert len(kept["signers"]) == 1
    await sign(served, "oracle-1", statement)
    payer = wallet_of(served, "stranger")
    built = await send(served, payer, "/attest", milestone_identifier=FIRST_MILESTONE)
    assert built["report"]["refused_oracles"] == []


async def test_oracles_stop_a_proposal(served: ServedDistribution) -> None:
    """Two of them sign, and anybody sends it; the bond goes where they say."""
    proposer = wallet_of(served, "stranger")
    built = await send(served, proposer, "/proposals", milestone_identifier=FIRST_MILESTONE)
    proposal = built["report"]["proposal"]
    (shown,) = (await served.get(f"{served.path}/proposals"))["proposals"]
    assert (shown["proposal"], shown["state"]) == (proposal, "under_review")
    bond_to = str(served.opened.world.address("relayer"))
    statement = await served.get(
        f"{served.path}/statements/objection", proposal=proposal, bond_to=bond_to
    )
    for oracle in ("oracle-0", "oracle-1"):
        await sign(served, oracle, statement)
    early = {"wallet": as_payer(proposer), "proposal": proposal}
    refused = await served.post(f"{served.path}/proposals/confirmation", early, status=409)
    assert refused["error"]["details"]["rule"] == "review_period"
    await send(served, proposer, "/proposals/objection", proposal=proposal)
    assert (await served.get(f"{served.path}/proposals"))["proposals"] == []


async def test_a_creator_gives_notice_and_closes(served: ServedDistribution) -> None:
    """The wallet's key acts; anybody else's doesn't."""
    stranger = wallet_of(served, "stranger")
    refused = await served.post(f"{served.path}/cancel", {"wallet": as_payer(stranger)}, status=400)
    assert refused["error"]["code"] == "invalid_input"
    creator = wallet_of(served, "creator")
    built = await send(served, creator, "/cancel")
    early = await served.post(f"{served.path}/close", {"wallet": as_payer(creator)}, status=409)
    assert early["error"]["details"]["rule"] in ("grace", "reclaim_after")
    served.opened.world.reach(built["report"]["ends_at"])
    await send(served, creator, "/close")
    shown = await served.get(served.path)
    assert shown["state"]["contract_state"]["status"] == "cancelled"


async def test_a_quorum_gives_notice(served: ServedDistribution) -> None:
    """Signatures that belong to no milestone are kept in the data directory as well."""
    statement = await served.get(f"{served.path}/statements/notice")
    for oracle in ("oracle-1", "oracle-2"):
        await sign(served, oracle, statement)
    kept = served.opened.backend.storage.serving.signatures(served.opened.distribution.id)
    assert [each.signed_data.hex() for each in kept] == [statement["signed_data"]] * 2
    built = await send(served, wallet_of(served, "stranger"), "/notice")
    assert len(built["report"]["signers"]) == 2
