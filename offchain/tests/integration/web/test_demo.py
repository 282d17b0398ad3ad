"""The demo's distribution in the browser, with wallets to play with."""

from __future__ import annotations

from typing import Any

import httpx

from milestones.demo.served import served_demo
from milestones.demo.stage import set_stage
from milestones.web.tokens import TOKEN_HEADER


async def test_the_demo_s_wallets_claim_and_sign() -> None:
    """A claim is signed by one, a statement by two, and each is what the API and the chain take."""
    async with (
        set_stage() as stage,
        served_demo(stage, lambda _: None, port=0) as server,
        httpx.AsyncClient(base_url=server.url, timeout=60) as http,
    ):
        assert "/play/wallets.js" in (await http.get("/")).text
        assert '"Ada"' in (await http.get("/play/wallets.js")).text
        token = (await http.get("/api/v1/token")).json()["token"]

        async def post(path: str, body: Any) -> Any:
            answer = await http.post(path, json=body, headers={TOKEN_HEADER: token})
            assert answer.status_code == 200, answer.text
            return answer.json()

        async def ask(name: str, *given: Any) -> Any:
            return (await post(f"/play/{name}", given))["result"]

        listed = (await http.get("/api/v1/distributions")).json()["distributions"]
        path = f"/api/v1/distributions/{listed[0]['key']}"
        wallet = {
            "outputs": await ask("Ada", "getUtxos"),
            "change_address": await ask("Ada", "getChangeAddress"),
        }
        mine = {"wallet": wallet, "beneficiary_address": str(stage.address("Ada"))}
        (built,) = (await post(f"{path}/claim", mine))["transactions"]
        foreign = await post("/play/oracle 1", ["signTx", built["transaction_cbor"], True])
        assert foreign["thrown"]["code"] == 1
        witnesses = await ask("Ada", "signTx", built["transaction_cbor"], True)
        signed = {"transaction": built["transaction_cbor"], "witnesses": [witnesses]}
        assert (await post(f"{path}/transactions", signed))["status"] == "submitted"
        about = {"milestone_identifier": "launch"}
        statement = (await http.get(f"{path}/statements/milestone", params=about)).json()
        for name in ("oracle 1", "oracle 3"):
            address = await ask(name, "getChangeAddress")
            answer = await ask(name, "signData", address, statement["signed_data"])
            taken = await post(f"{path}/signatures", answer)
        assert taken["statement"]["complete"]
