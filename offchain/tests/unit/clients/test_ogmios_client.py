"""Questions, lost connections and submissions against a server that plays a script."""

from __future__ import annotations

import asyncio
import gc
from fractions import Fraction
from typing import Any

import httpx
import pytest

from milestones.cardano.outputs import OutputReference, Script, TransactionOutput, Utxo
from milestones.cardano.parameters import ExecutionUnits, RedeemerPointer
from milestones.cardano.slots import Point, Tip
from milestones.cardano.value import AssetId, Value
from milestones.clients import ogmios_connection as ogmios_session
from milestones.clients.ogmios_client import OgmiosClient
from milestones.errors import (
    ChainRejected,
    InvalidEncoding,
    NotFound,
    OutcomeUnknown,
    ServiceOutOfSync,
    ServiceUnavailable,
)

HEADER = "ab" * 32
PARAMETERS: dict[str, Any] = {
    "minFeeCoefficient": 44,
    "minFeeConstant": {"ada": {"lovelace": 155381}},
    "minFeeReferenceScripts": {"base": 15.0, "range": 25600, "multiplier": 1.2},
    "maxTransactionSize": {"bytes": 16384},
    "maxValueSize": {"bytes": 5000},
    "maxBlockBodySize": {"bytes": 90112},
    "maxExecutionUnitsPerBlock": {"memory": 72000000, "cpu": 20000000000},
    "stakeCredentialDeposit": {"ada": {"lovelace": 2000000}},
    "minUtxoDepositCoefficient": 4310,
    "plutusCostModels": {"plutus:v3": [100788, -3]},
    "scriptExecutionPrices": {"memory": "577/10000", "cpu": "721/10000000"},
    "maxExecutionUnitsPerTransaction": {"memory": 16500000, "cpu": 10000000000},
    "collateralPercentage": 150,
    "maxCollateralInputs": 3,
    "version": {"major": 11, "minor": 0},
}


def refusal(code: int, data: Any = None, message: str = "said Ogmios") -> dict[str, Any]:
    error = {"code": code, "message": message}
    return {"error": error if data is None else {**error, "data": data}}


async def test_tips_are_points_and_the_origin_is_none(ogmios: Any, server: Any) -> None:
    server.answers = {
        "queryNetwork/tip": [{"slot": 7, "id": HEADER}],
        "queryLedgerState/tip": ["origin"],
        "queryNetwork/blockHeight": [5, "origin"],
    }
    assert await ogmios.network_tip() == Point(7, bytes.fromhex(HEADER))
    assert await ogmios.tip() is None
    assert [await ogmios.block_height(), await ogmios.block_height()] == [5, None]


@pytest.mark.parametrize(
    "name", ["maxReferenceScriptsSize", "maxReferenceScriptsSizePerTransaction"]
)
async def test_parameters_of_both_versions(ogmios: Any, server: Any, name: str) -> None:
    server.answers = {
        "queryLedgerState/protocolParameters": [{**PARAMETERS, name: {"bytes": 204800}}]
    }
    parameters = await ogmios.protocol_parameters()
    assert parameters.max_reference_scripts_size == 204_800
    assert parameters.min_fee_reference_scripts.multiplier == Fraction(6, 5)
    assert parameters.price_cpu == Fraction(721, 10_000_000)
    assert parameters.cost_models == {"plutus:v3": (100788, -3)}
    assert parameters.protocol_version == (11, 0)


async def test_an_answer_of_another_shape_is_the_services_fault(ogmios: Any, server: Any) -> None:
    server.answers = {"queryLedgerState/protocolParameters": [PARAMETERS]}
    with pytest.raises(ServiceUnavailable, match="maxReferenceScriptsSize"):
        await ogmios.protocol_parameters()


async def test_slot_clock_joins_start_time_and_eras(ogmios: Any, server: Any) -> None:
    server.answers = {
        "queryNetwork/startTime": ["2022-06-01T00:00:00.25Z"],
        "queryLedgerState/eraSummaries": [
            [
                {
                    "start": {"time": {"seconds": 0}, "slot": 0, "epoch": 0},
                    "end": {"time": {"seconds": 100}, "slot": 5, "epoch": 1},
                    "parameters": {"slotLength": {"milliseconds": 20000}},
                },
                {
                    "start": {"time": {"seconds": 100}, "slot": 5, "epoch": 1},
                    "parameters": {"slotLength": {"milliseconds": 1000}},
                },
            ]
        ],
    }
    clock = await ogmios.slot_clock()
    assert clock.start_of(7) == 1_654_041_600_250 + 102_000
    assert clock.horizon_slot is None


async def test_network_magic_is_the_genesis(ogmios: Any, server: Any) -> None:
    server.answers = {
        "queryNetwork/genesisConfiguration": [
            {
                "era": "shelley",
                "startTime": "2022-06-01T00:00:00Z",
                "networkMagic": 42,
                "network": "testnet",
                "securityParameter": 2160,
                "slotLength": {"milliseconds": 1000},
            }
        ]
    }
    assert await ogmios.network_magic() == 42
    assert server.requests[0]["params"] == {"era": "shelley"}


async def test_utxo_keeps_datum_script_and_tokens(ogmios: Any, server: Any) -> None:
    reference = OutputReference(b"\1" * 32, 3)
    policy = "cd" * 28
    server.answers = {
        "queryLedgerState/utxo": [
            [
                {
                    "transaction": {"id": "01" * 32},
                    "index": 3,
                    "address": "addr_test1vz",
                    "value": {"ada": {"lovelace": 5}, policy: {"": 2, "aa": 3}},
                    "datum": "d87980",
                    "script": {"language": "plutus:v3", "cbor": "46010000220011"},
                }
            ]
        ]
    }
    (found,) = await ogmios.utxo([reference])
    script = Script("plutus:v3", bytes.fromhex("46010000220011"))
    tokens = {
        AssetId(bytes.fromhex(policy), b""): 2,
        AssetId(bytes.fromhex(policy), b"\xaa"): 3,
    }
    assert found == Utxo(
        reference,
        TransactionOutput(
            "addr_test1vz",
            Value(5, tokens),
            inline_datum=bytes.fromhex("d87980"),
            script_hash=script.hash(),
            script=script,
        ),
    )
    assert server.requests[0]["params"] == {
        "outputReferences": [{"transaction": {"id": "01" * 32}, "index": 3}]
    }


async def test_no_question_for_no_reference(ogmios: Any, server: Any) -> None:
    assert await ogmios.utxo([]) == []
    assert server.connections == []


async def test_evaluation_gives_units_and_sends_additional_outputs(
    ogmios: Any, server: Any, transaction: bytes
) -> None:
    server.answers = {
        "evaluateTransaction": [
            [
                {
                    "validator": {"purpose": "spend", "index": 1},
                    "budget": {"memory": 10, "cpu": 20},
                },
                {"validator": {"purpose": "mint", "index": 0}, "budget": {"memory": 1, "cpu": 2}},
            ]
        ]
    }
    asset = AssetId(b"\2" * 28, b"\3")
    extra = Utxo(
        OutputReference(b"\1" * 32, 0),
        TransactionOutput(
            "addr_test1vz",
            Value(7, {asset: 9}),
            datum_hash=b"\4" * 32,
            script=Script("plutus:v3", b"\5"),
        ),
    )
    assert await ogmios.evaluate(transaction, [extra]) == {
        RedeemerPointer("spend", 1): ExecutionUnits(10, 20),
        RedeemerPointer("mint", 0): ExecutionUnits(1, 2),
    }
    assert server.requests[0]["params"] == {
        "transaction": {"cbor": transaction.hex()},
        "additionalUtxo": [
            {
                "transaction": {"id": "01" * 32},
                "index": 0,
                "address": "addr_test1vz",
                "value": {"ada": {"lovelace": 7}, "02" * 28: {"03": 9}},
                "datumHash": "04" * 32,
                "script": {"language": "plutus:v3", "cbor": "05"},
            }
        ],
    }


async def test_a_failed_script_is_named_with_its_traces(
    ogmios: Any, server: Any, transaction: bytes
) -> None:
    data = [
        {
            "validator": {"purpose": "spend", "index": 2},
            "error": {
                "code": 3012,
                "message": "...",
                "data": {"validationError": "the machine stopped\nat length", "traces": ["quorum"]},
            },
        }
    ]
    server.answers = {"evaluateTransaction": [refusal(3010, data)]}
    with pytest.raises(ChainRejected) as caught:
        await ogmios.evaluate(transaction)
    assert "spend 2: the script failed: the machine stopped; traces: quorum" in caught.value.message
    assert caught.value.data == data
    assert caught.value.rejection_code == 3010


async def test_a_query_survives_a_connection_that_the_server_closed(
    ogmios: Any, server: Any
) -> None:
    server.answers = {"queryNetwork/blockHeight": [1]}
    await ogmios.block_height()
    await server.hang_up()
    assert await ogmios.block_height() == 1
    assert len(server.connections) == 2


async def test_a_query_is_asked_again_once_when_the_connection_breaks(
    ogmios: Any, server: Any
) -> None:
    server.answers = {"queryNetwork/blockHeight": ["close", 8]}
    assert await ogmios.block_height() == 8
    server.answers = {"queryNetwork/blockHeight": ["close"]}
    server.requests.clear()
    with pytest.raises(ServiceUnavailable, match="lost twice"):
        await ogmios.block_height()
    assert len(server.requests) == 2


async def test_a_silent_server_is_given_up_after_the_timeout(ogmios: Any, server: Any) -> None:
    server.answers = {"queryNetwork/blockHeight": ["silence", 4]}
    with pytest.raises(ServiceUnavailable, match=r"within 0\.5 s"):
        await ogmios.block_height()
    assert len(server.requests) == 1
    assert await ogmios.block_height() == 4


async def test_nothing_is_left_to_complain_about(
    ogmios: Any, server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    server.answers = {"queryNetwork/blockHeight": ["close"], "queryNetwork/tip": ["silence"]}
    failed = await asyncio.gather(
        ogmios.block_height(), ogmios.network_tip(), return_exceptions=True
    )
    assert [type(error) for error in failed] == [ServiceUnavailable] * 2
    await ogmios.close()
    gc.collect()
    assert [record for record in caplog.records if record.name == "asyncio"] == []


async def test_an_answer_that_is_no_json_ends_the_connection(ogmios: Any, server: Any) -> None:
    server.answers = {"queryNetwork/blockHeight": ["noise", 3]}
    assert await ogmios.block_height() == 3
    assert len(server.connections) == 2


async def test_questions_asked_together_share_a_connection(ogmios: Any, server: Any) -> None:
    server.answers = {
        "queryNetwork/blockHeight": [1],
        "queryNetwork/tip": [{"slot": 7, "id": HEADER}],
    }
    height, tip = await asyncio.gather(ogmios.block_height(), ogmios.network_tip())
    assert (height, tip.slot) == (1, 7)
    assert len(server.connections) == 1


async def test_nobody_listens(unused_port: int) -> None:
    async with OgmiosClient(f"ws://127.0.0.1:{unused_port}") as client:
        with pytest.raises(ServiceUnavailable, match="connection refused") as caught:
            await client.tip()
    assert "OGMIOS_URL" in caught.value.hint


@pytest.fixture
async def unused_port() -> int:
    listening = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port: int = listening.sockets[0].getsockname()[1]
    listening.close()
    await listening.wait_closed()
    return port


async def test_a_node_in_another_era_is_out_of_sync(ogmios: Any, server: Any) -> None:
    server.answers = {"queryLedgerState/tip": [refusal(2001, {"queryEra": "conway"})]}
    with pytest.raises(ServiceOutOfSync, match="2001"):
        await ogmios.tip()


async def test_submit_returns_the_id_of_the_bytes(
    ogmios: Any, server: Any, transaction: bytes, transaction_id: str
) -> None:
    server.answers = {"submitTransaction": [{"transaction": {"id": transaction_id}}]}
    assert await ogmios.submit(transaction) == transaction_id
    assert server.requests[0]["params"] == {"transaction": {"cbor": transaction.hex()}}


@pytest.mark.parametrize(
    "fate", ["close", "silence", {"transaction": {"id": "00" * 32}}, refusal(-32603)]
)
async def test_a_lost_answer_to_a_submission_is_unknown_and_never_repeated(
    ogmios: Any, server: Any, transaction: bytes, transaction_id: str, fate: Any
) -> None:
    server.answers = {"submitTransaction": [fate]}
    with pytest.raises(OutcomeUnknown) as caught:
        await ogmios.submit(transaction)
    assert caught.value.transaction_id == transaction_id
    assert len(server.sent("submitTransaction")) == 1


async def test_a_submission_over_a_closed_connection_takes_a_new_one(
    ogmios: Any, server: Any, transaction: bytes, transaction_id: str
) -> None:
    server.answers = {
        "queryNetwork/blockHeight": [1],
        "submitTransaction": [{"transaction": {"id": transaction_id}}],
    }
    await ogmios.block_height()
    await server.hang_up()
    assert await ogmios.submit(transaction) == transaction_id
    assert len(server.sent("submitTransaction")) == 1


async def test_a_half_dead_connection_is_replaced_before_a_submission(
    ogmios: Any,
    server: Any,
    transaction: bytes,
    transaction_id: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ogmios_session, "PING_TIMEOUT_SECONDS", 0.1)
    server.answers = {
        "queryNetwork/blockHeight": [1],
        "submitTransaction": [{"transaction": {"id": transaction_id}}],
    }
    await ogmios.block_height()
    server.connections[0].transport.pause_reading()
    assert await ogmios.submit(transaction) == transaction_id
    assert len(server.connections) == 2
    assert len(server.sent("submitTransaction")) == 1
    server.connections[0].transport.abort()


async def test_a_submission_that_could_not_leave_is_no_unknown_outcome(
    unused_port: int, transaction: bytes
) -> None:
    async with OgmiosClient(f"ws://127.0.0.1:{unused_port}") as client:
        with pytest.raises(ServiceUnavailable):
            await client.submit(transaction)


async def test_bytes_that_are_no_transaction_do_not_leave(ogmios: Any, server: Any) -> None:
    with pytest.raises(InvalidEncoding):
        await ogmios.submit(b"\x84")
    assert server.connections == []


@pytest.mark.parametrize(
    "data",
    [
        "All inputs are spent. Transaction has probably already been included",
        {"error": "All inputs are spent. Transaction has probably already been included"},
    ],
)
async def test_a_resubmission_is_recognised_in_both_versions(
    ogmios: Any, server: Any, transaction: bytes, data: Any
) -> None:
    server.answers = {"submitTransaction": [refusal(3997, data)]}
    with pytest.raises(ChainRejected, match="All inputs are spent") as caught:
        await ogmios.submit(transaction)
    assert caught.value.inputs_spent
    assert caught.value.data == data


async def test_a_refused_submission_says_why(ogmios: Any, server: Any, transaction: bytes) -> None:
    data = {
        "minimumRequiredFee": {"ada": {"lovelace": 170000}},
        "providedFee": {"ada": {"lovelace": 1}},
    }
    server.answers = {"submitTransaction": [refusal(3122, data)]}
    with pytest.raises(ChainRejected) as caught:
        await ogmios.submit(transaction)
    assert caught.value.message == "the fee is too low (170000 lovelace are needed, 1 are given)"
    assert not caught.value.inputs_spent


async def test_mempool_is_acquired_and_released(
    ogmios: Any, server: Any, transaction_id: str
) -> None:
    server.answers = {
        "acquireMempool": [{"acquired": "mempool", "slot": 3}],
        "hasTransaction": [True, False],
        "releaseMempool": [{"released": "mempool"}],
    }
    found = [await ogmios.in_mempool([transaction_id]) for _ in range(2)]
    assert found == [{transaction_id}, set()]
    cycle = ["acquireMempool", "hasTransaction", "releaseMempool"]
    assert [request["method"] for request in server.requests] == cycle * 2


async def test_several_are_looked_for_in_one_mempool(ogmios: Any, server: Any) -> None:
    server.answers = {
        "acquireMempool": [{"acquired": "mempool", "slot": 3}],
        "hasTransaction": [True, False, True],
        "releaseMempool": [{"released": "mempool"}],
    }
    wanted = ["aa" * 32, "bb" * 32, "cc" * 32]
    assert await ogmios.in_mempool(wanted) == {"aa" * 32, "cc" * 32}
    assert len(server.sent("acquireMempool")) == len(server.sent("releaseMempool")) == 1
    assert await ogmios.in_mempool([]) == set()
    assert len(server.sent("acquireMempool")) == 1


async def test_mempool_is_released_after_an_error(ogmios: Any, server: Any) -> None:
    server.answers = {
        "acquireMempool": [{"acquired": "mempool", "slot": 3}],
        "hasTransaction": [refusal(-32602)],
        "releaseMempool": [{"released": "mempool"}],
    }
    with pytest.raises(ServiceUnavailable, match="-32602"):
        await ogmios.in_mempool(["nonsense"])
    assert len(server.sent("releaseMempool")) == 1


async def test_a_walk_goes_over_blocks_and_rollbacks(ogmios: Any, server: Any) -> None:
    tip = {"slot": 9, "id": HEADER, "height": 4}
    block = {
        "type": "praos",
        "era": "conway",
        "id": "cd" * 32,
        "slot": 8,
        "height": 3,
        "transactions": [
            {
                "id": "01" * 32,
                "inputs": [{"transaction": {"id": "02" * 32}, "index": 1}],
                "metadata": {"hash": "03" * 32, "labels": {"674": {"json": "hello"}}},
            }
        ],
    }
    server.answers = {
        "findIntersection": [{"intersection": {"slot": 5, "id": HEADER}, "tip": tip}],
        "nextBlock": [
            {"direction": "backward", "point": {"slot": 5, "id": HEADER}, "tip": tip},
            {"direction": "forward", "block": block, "tip": tip},
        ],
    }
    start = Point(5, bytes.fromhex(HEADER))
    async with ogmios.walk_from([start]) as walk:
        back, forward = await walk.next_block(), await walk.next_block()
    assert walk.intersection == back.point == start
    assert forward.tip == Tip(Point(9, bytes.fromhex(HEADER)), 4)
    (found,) = forward.block.transactions
    assert (forward.block.point, forward.block.height) == (Point(8, b"\xcd" * 32), 3)
    assert found.inputs == (OutputReference(b"\2" * 32, 1),)
    assert found.metadata == {674: {"json": "hello"}}
    assert server.requests[0]["params"] == {"points": [{"slot": 5, "id": HEADER}]}


async def test_a_walk_from_a_vanished_block_finds_nothing(ogmios: Any, server: Any) -> None:
    server.answers = {"findIntersection": [refusal(1000, {"tip": "origin"})]}
    with pytest.raises(NotFound):
        async with ogmios.walk_from([Point(5, bytes.fromhex(HEADER))]):
            pytest.fail("there is no such block")


def health_server(status: int, **changes: Any) -> httpx.MockTransport:
    body = {
        "startTime": "2026-01-01T00:00:00Z",
        "lastKnownTip": {"slot": 9, "id": HEADER, "height": 4},
        "networkSynchronization": 1.0,
        "currentEra": "conway",
        "connectionStatus": "connected",
        "version": "v6.14.0",
        "network": "preprod",
        **changes,
    }

    def answer(request: httpx.Request) -> httpx.Response:
        assert str(request.url) == "http://ogmios.test:1337/health"
        return httpx.Response(status, json=body)

    return httpx.MockTransport(answer)


async def test_health_is_read_whatever_the_status() -> None:
    async with OgmiosClient("ws://ogmios.test:1337/", transport=health_server(200)) as client:
        health = await client.health()
    assert health.in_sync
    assert health.tip == Tip(Point(9, bytes.fromhex(HEADER)), 4)
    syncing = health_server(202, networkSynchronization=0.5)
    async with OgmiosClient("ws://ogmios.test:1337", transport=syncing) as client:
        assert not (await client.health()).in_sync
    down = health_server(
        500, connectionStatus="disconnected", networkSynchronization=None, lastKnownTip="origin"
    )
    async with OgmiosClient("ws://ogmios.test:1337", transport=down) as client:
        health = await client.health()
    assert (health.connected, health.in_sync, health.tip) == (False, False, None)
