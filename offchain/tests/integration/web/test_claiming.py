"""A claim over HTTP: built for a wallet's outputs, signed by another library, sent, and in a block."""

from __future__ import annotations

from typing import Any

from milestones.cardano.native_script import script_address
from milestones.testing.cast import ADA
from milestones.testing.distribution import FIRST_MILESTONE
from tests.support.browser_wallet import StandInWallet
from tests.support.serving import ServedDistribution, serve


def wallet_of(served: ServedDistribution, *people: str) -> StandInWallet:
    """A wallet with these people's keys."""
    return StandInWallet.of("Stand-in", served.opened.world, *people)


def as_payer(wallet: StandInWallet) -> dict[str, Any]:
    """What a page says of a wallet."""
    return {
        "outputs": wallet.answer("getUtxos", []) or [],
        "change_address": wallet.answer("getChangeAddress", []),
    }


async def sign_and_send(
    served: ServedDistribution, wallet: StandInWallet, built: dict[str, Any]
) -> str:
    """The wallet signs what was built, and the server sends it; the id."""
    (transaction,) = built["transactions"]
    witnesses = wallet.answer("signTx", [transaction["transaction_cbor"], True])
    body = {"transaction": transaction["transaction_cbor"], "witnesses": [witnesses]}
    sent = await served.post(f"{served.path}/transactions", body)
    assert sent["transaction_hash"] == transaction["transaction_hash"]
    return str(sent["transaction_hash"])


async def test_a_beneficiary_claims_with_a_wallet_of_two_keys(served: ServedDistribution) -> None:
    """What the server doesn't keep, it says; what it sends is in the journal, and is sent once."""
    opened = served.opened
    await opened.signed(FIRST_MILESTONE)
    await opened.attest()
    wallet = wallet_of(served, "beneficiary-0", "stranger")
    beneficiary = str(opened.world.address("beneficiary-0"))
    body = {"wallet": as_payer(wallet), "beneficiary_address": beneficiary}
    built = await served.post(f"{served.path}/claim", body)
    (transaction,) = built["transactions"]
    assert built["report"]["paid_token_amount"] == 1_000
    assert any("1,000 GRANT" in line for line in transaction["words"]["summary"])
    assert opened.journal.find(transaction["transaction_hash"]) is None
    sent = await sign_and_send(served, wallet, built)
    assert opened.journal.find(sent) is not None
    opened.world.advance(20)
    assert (await served.get(f"/api/v1/transactions/{sent}"))["status"] == "confirmed"
    mine = await served.get(f"{served.path}/claimable", address=beneficiary)
    assert (mine["claimable_amount"], mine["claimed_amount"]) == (0, 1_000)
    again = await served.post(f"{served.path}/claim", body)
    assert (again["transactions"], again["report"]["claimed_before"]) == ([], 1)


async def test_what_nobody_signs_stands_in_nobody_s_way(served: ServedDistribution) -> None:
    """A claim that somebody else had built for the same allocation is claimed all the same."""
    opened = served.opened
    await opened.signed(FIRST_MILESTONE)
    await opened.attest()
    beneficiary = str(opened.world.address("beneficiary-0"))
    for people in ("stranger", "relayer"):
        wallet = wallet_of(served, people)
        body = {"wallet": as_payer(wallet), "beneficiary_address": beneficiary}
        built = await served.post(f"{served.path}/claim", body)
    await sign_and_send(served, wallet, built)


async def test_only_what_concerns_the_distribution_is_sent(served: ServedDistribution) -> None:
    """Nor what isn't signed; and each says what to do."""
    opened = served.opened
    await opened.signed(FIRST_MILESTONE)
    await opened.attest()
    wallet = wallet_of(served, "stranger")
    body: dict[str, Any] = {"wallet": as_payer(wallet), "beneficiary_indices": [0]}
    built = await served.post(f"{served.path}/claim", body)
    unsigned = built["transactions"][0]["transaction_cbor"]
    where = f"{served.path}/transactions"
    refused = await served.post(where, {"transaction": unsigned}, status=409)
    assert refused["error"]["code"] == "signatures_missing"
    for nonsense in ("", "zz", "80", "a0", "84a0a0f5f6"):
        refused = await served.post(where, {"transaction": nonsense}, status=400)
        assert refused["error"]["details"]["path"] == "transaction"
    none = {"outputs": [], "change_address": body["wallet"]["change_address"]}
    poor = await served.post(
        f"{served.path}/claim", {"wallet": none, "beneficiary_indices": [0]}, status=409
    )
    assert poor["error"]["code"] == "insufficient_funds"
    assert poor["error"]["details"]["fee_lovelace"] > 0
    for outputs in (["zz"], ["80"], ["82008200"]):
        wrong = {"wallet": {**none, "outputs": outputs}, "beneficiary_indices": [0]}
        refused = await served.post(f"{served.path}/claim", wrong, status=400)
        assert refused["error"]["details"]["path"] == "wallet.outputs[0]"


async def test_a_committee_signs_one_after_the_other(served: ServedDistribution) -> None:
    """Two of three: their signatures are kept, through a restart too, and whoever comes last sends it."""
    opened, world = served.opened, served.opened.world
    await opened.signed(FIRST_MILESTONE)
    await opened.attest()
    members = ("oracle-0", "oracle-1", "oracle-2")
    script = {
        "type": "atLeast",
        "required": 2,
        "scripts": [
            {"type": "sig", "keyHash": world.keys[each].key_hash.hex()} for each in members
        ],
    }
    world.pay(script_address(script, 0, "script"), 50 * ADA)
    committee = {"script": script, "collateral": str(world.address("stranger"))}
    body = {"committee": committee, "beneficiary_indices": [0]}
    built = await served.post(f"{served.path}/claim", body)
    (transaction,) = built["transactions"]
    assert transaction["valid_until"] > world.now + 86_400
    cbor = transaction["transaction_cbor"]
    nobody = wallet_of(served, "beneficiary-1")
    for people, count in (("stranger", 2), ("oracle-2", 1), ("oracle-0", 0)):
        async with serve(opened) as server:
            witnesses = wallet_of(served, people).sign_whatever(cbor)
            handed = {"transaction": cbor, "witnesses": [witnesses]}
            shown = await server.post(f"{server.path}/signed", handed)
            assert (shown["missing_count"], shown["complete"]) == (count, count == 0)
            strange = {"transaction": cbor, "witnesses": [nobody.sign_whatever(cbor)]}
            kept = await server.post(f"{server.path}/signed", strange)
            assert len(kept["left_out"]) == 1
    hash_ = transaction["transaction_hash"]
    again = await served.get(f"{served.path}/signed/{hash_}")
    assert (len(again["signed_by"]), again["words"]["fee_lovelace"] > 0) == (3, True)
    sent = await served.post(f"{served.path}/transactions", {"transaction": cbor})
    assert sent["transaction_hash"] == hash_
    unknown = await served.http.get(f"{served.path}/signed/{'00' * 32}")
    assert unknown.status_code == 404
