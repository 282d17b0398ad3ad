"""Every refusal of Ogmios' protocols but those of the ledger, and what looks like one and is none.

Source: Ogmios' `Codec.Json.Rpc`, `Ogmios.App.Protocol` and `Ogmios.Data.Protocol`; each message is asked
for in a conversation of its own. Failures of the ledger are in `test_ogmios_submission`.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest

from milestones.devnet.opening import ChainConfig
from milestones.devnet.server import Devnet, DevnetConfig
from tests.support.devnet_clients import ALICE_ADDRESS, Ogmios, payment_on
from tests.support.raw_transactions import ALICE, key_hash

DIGEST = "00" * 32
NOWHERE = {"slot": 1, "id": DIGEST}
OUTPUT = {"transaction": {"id": DIGEST}, "index": 0}
VALUE = {"address": ALICE_ADDRESS, "value": {"ada": {"lovelace": 1_000_000}}}
QUERIES = (
    *("constitution", "constitutionalCommittee", "epoch", "eraStart", "eraSummaries"),
    *("liveStakeDistribution", "nonces", "operationalCertificates", "protocolParameters"),
    *("rewardsProvenance", "stakePoolsPerformances", "tip", "treasuryAndReserves"),
)


class Refused(NamedTuple):
    """A call that is refused: what it is, its code, and what its message and data are or begin with."""

    method: Any
    params: Any = None
    code: int = -32600
    says: str = "Invalid request: "
    data: Any = None


def any_of(*values: Any) -> tuple[Any, ...]:
    """Values of all kinds."""
    return values


def evaluation(**more: Any) -> dict[str, Any]:
    """Parameters of an evaluation with one more output."""
    return {"transaction": {"cbor": "80"}, "additionalUtxo": [{**OUTPUT, **VALUE, **more}]}


REFUSED = (
    Refused(7, says="Invalid request: field 'method' must be present and be a string."),
    Refused(None, says="Invalid request: field 'method' must be present and be a string."),
    *(
        Refused(method, {}, says="Invalid request: unknown method in 'method'")
        for method in ("x", "", "NextBlock", "queryLedgerState/", "queryLedgerState/x", "tip")
    ),
    *(Refused(f"queryLedgerState/{name}", {"extra": 1}) for name in QUERIES),
    *(Refused(f"queryNetwork/{name}", {"x": 1}) for name in ("blockHeight", "startTime", "tip")),
    *(Refused("queryNetwork/tip", params) for params in any_of(1, "x", [], False)),
    *(
        Refused("queryLedgerState/utxo", params)
        for params in any_of({"x": 1}, [], {"addresses": 1})
    ),
    *(
        Refused("queryLedgerState/utxo", {"addresses": [address]})
        for address in any_of("", "x", 1, None, "addr1", "00", f"e0{key_hash(ALICE).hex()}")
    ),
    *(
        Refused("queryLedgerState/utxo", {"outputReferences": [reference]})
        for reference in any_of(
            *({}, 1, {"transaction": {"id": DIGEST}}, {**OUTPUT, "index": -1}),
            *(
                {**OUTPUT, "index": 1.5},
                {**OUTPUT, "index": "0"},
                {**OUTPUT, "transaction": DIGEST},
            ),
            {**OUTPUT, "transaction": {"id": "00"}},
        )
    ),
    *(
        Refused("queryNetwork/genesisConfiguration", params)
        for params in any_of(None, {}, {"era": "babbage"}, {"era": 1}, {"era": None}, [])
    ),
    Refused("queryLedgerState/nonces", None, 2002, "Query unavailable in the current era."),
    *(
        Refused(method, params)
        for method in (
            "findIntersection",
            "acquireLedgerState",
            "hasTransaction",
            "submitTransaction",
        )
        for params in any_of(None, {}, [], 1)
    ),
    *(
        Refused("findIntersection", {"points": points})
        for points in any_of(
            *(1, "origin", None, ["x"], [{}], [{"slot": 1}], [{"slot": -1, "id": DIGEST}]),
            *(
                [{"slot": 1, "id": "00"}],
                [{"slot": 1.5, "id": DIGEST}],
                [{"slot": "1", "id": DIGEST}],
            ),
        )
    ),
    Refused("findIntersection", {"points": [NOWHERE]}, 1000, "No intersection found."),
    Refused("findIntersection", {"points": []}, 1000, "No intersection found."),
    *(
        Refused("acquireLedgerState", {"point": each})
        for each in any_of(1, "tip", {}, {"slot": 1}, None)
    ),
    *(
        Refused(
            "acquireLedgerState", {"point": point}, 2000, "Failed to acquire requested point.", data
        )
        for point, data in (
            ("origin", "Target point is too old."),
            (NOWHERE, "Target doesn't or no longer exist."),
        )
    ),
    *(
        Refused(method, params, 4000, "You must acquire a mempool snapshot prior to accessing it.")
        for method, params in (
            *(
                ("nextTransaction", {}),
                ("nextTransaction", {"fields": "all"}),
                ("sizeOfMempool", None),
            ),
            *(
                ("hasTransaction", {"id": DIGEST}),
                ("releaseMempool", None),
                ("nextTransaction", None),
            ),
        )
    ),
    Refused("nextTransaction", {"fields": "id"}),
    Refused("nextTransaction", {"fields": 1}),
    Refused("nextTransaction", []),
    *(Refused("hasTransaction", {"id": each}) for each in any_of(1, None, "00", "zz" * 32, "")),
    *(
        Refused(method, {"transaction": transaction})
        for method in ("submitTransaction", "evaluateTransaction")
        for transaction in any_of(
            1,
            "80",
            {},
            {"cbor": 1},
            {"cbor": "8"},
            {"cbor": "xy"},
            {"cbor": "d81800"},
        )
    ),
    *(
        Refused(
            method, {"transaction": {"cbor": cbor}}, -32602, "Invalid transaction; It looks like"
        )
        for method in ("submitTransaction", "evaluateTransaction")
        for cbor in ("", "80", "84a0a0f5f6", "ff", "d81840")
    ),
    *(
        Refused("evaluateTransaction", params)
        for params in any_of(
            *(None, {}, {"transaction": {"cbor": "80"}, "additionalUtxo": {}}),
            *(
                evaluation(index=-1),
                evaluation(address="x"),
                evaluation(value={}),
                evaluation(value=1),
            ),
            *(evaluation(datum="zz"), evaluation(datumHash="00"), evaluation(script=1)),
            evaluation(datum="00", datumHash=DIGEST),
            evaluation(value={"ada": {"lovelace": -1}}),
            evaluation(value={"ada": {"lovelace": 1}, "00": {"": 1}}),
            evaluation(script={"language": "plutus:v3", "cbor": "00"}),
            evaluation(script={"language": "plutus:v9", "cbor": "00"}),
            evaluation(script={"language": "native"}),
            evaluation(script={"language": "native", "json": {"clause": "x"}}),
            *(evaluation(script="00"), evaluation(script="d81840")),
        )
    ),
)
ANSWERED: tuple[tuple[str, Any], ...] = (
    *(("nextBlock", params) for params in any_of(None, {}, 1, [], {"x": 1})),
    *(("releaseLedgerState", params) for params in any_of(None, 1, "x")),
    *(("acquireMempool", params) for params in any_of(None, [])),
    *(("queryNetwork/tip", params) for params in any_of(None, {})),
    *((f"queryLedgerState/{name}", {}) for name in ("tip", "eraSummaries", "utxo", "stakePools")),
    ("queryLedgerState/rewardAccountSummaries", {"keys": []}),
    ("queryNetwork/genesisConfiguration", {"era": "Shelley", "x": 1}),
    ("queryLedgerState/utxo", {"outputReferences": [{**OUTPUT, "index": 0.0, "x": 1}], "x": 1}),
    ("queryLedgerState/utxo", {"outputReferences": 1, "addresses": []}),
    ("queryLedgerState/utxo", {"addresses": [ALICE_ADDRESS, ALICE_ADDRESS.upper()]}),
    ("findIntersection", {"points": [{**NOWHERE, "x": 1}, "origin"], "x": 1}),
)


@pytest.mark.parametrize("version", ["6.14.0", "7.0.0"])
async def test_everything_that_ogmios_refuses_and_nothing_else(version: str) -> None:
    chain = ChainConfig(funds={ALICE_ADDRESS: 1_000_000_000})
    async with Devnet(DevnetConfig(chain=chain, ogmios_version=version)) as devnet:
        wrong = [each for each in REFUSED if not is_refused(each, await asked(devnet, each[:2]))]
        assert wrong == []
        answers = {repr(each): await asked(devnet, each) for each in ANSWERED}
        assert [name for name, answer in answers.items() if "result" not in answer] == []


async def asked(devnet: Devnet, call: tuple[Any, ...]) -> dict[str, Any]:
    """The answer to a call over a connection of its own."""
    method, params = call
    request = {"jsonrpc": "2.0", "method": method, "params": params, "id": {"any": "thing"}}
    client = await Ogmios.connect(devnet)
    known = {key: value for key, value in request.items() if value is not None}
    answer: dict[str, Any] = await client.raw(json.dumps(known))
    await client.socket.close()
    return answer


def is_refused(refused: Refused, answer: dict[str, Any]) -> bool:
    """Whether an answer is the refusal, named after its method unless the request was none."""
    error = answer.get("error", {})
    said = (error.get("code"), answer.get("method"), answer.get("id"))
    named = None if refused.code == -32600 else refused.method
    return (
        said == (refused.code, named, {"any": "thing"})
        and error["message"].startswith(refused.says)
        and refused.data in (None, error.get("data"))
    )


async def test_an_interleaved_intersection_and_a_state_that_is_gone() -> None:
    async with Devnet(DevnetConfig(ogmios_version="7.0.0")) as devnet:
        client = await Ogmios.connect(devnet)
        tip = devnet.chain.mine()[0]
        point = {"slot": tip.slot, "id": tip.header_hash.hex()}
        assert "result" in await client.raw(call("acquireLedgerState", point=point))
        devnet.chain.rollback(1)
        gone = (await client.raw(call("queryLedgerState/tip")))["error"]
        assert gone == {
            "code": 2003,
            "message": "Cannot perform query from previously acquired point.",
            "data": "Acquired point no longer exist.",
        }
        for _ in range(3):  # the rollback to the origin, the first block, and one that waits
            await client.socket.send(call("nextBlock"))
        await client.receive()
        await client.receive()
        await client.socket.send(call("findIntersection", points=["origin"]))
        interleaved = (await client.receive())["error"]
        assert interleaved["code"] == 1001
        assert interleaved["message"].endswith("If you do, please open an issue.")
        await client.socket.close()


def call(method: str, **params: Any) -> str:
    """A request."""
    return json.dumps({"jsonrpc": "2.0", "method": method, "params": params})


async def test_version_7_leaves_out_what_is_empty_and_6_does_not() -> None:
    for version, kept in (("6.14.0", True), ("7.0.0", False)):
        chain = ChainConfig(funds={ALICE_ADDRESS: 1_000_000_000})
        config = DevnetConfig(chain=chain, ogmios_version=version, block_interval_s=None)
        async with Devnet(config) as devnet:
            devnet.chain.submit(payment_on(devnet.chain).seal())
            client = await Ogmios.connect(devnet)
            await client.raw(call("acquireMempool"))
            waiting = (await client.raw(call("nextTransaction", fields="all")))["result"]
            for name in ("validityInterval", "treasury"):
                assert (waiting["transaction"].get(name) == {}) == kept
                assert (name in waiting["transaction"]) == kept
            await client.socket.close()
