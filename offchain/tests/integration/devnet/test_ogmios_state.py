"""The ledger and the network, as Ogmios shows them."""

from __future__ import annotations

import itertools
from datetime import datetime

import pytest

from milestones.devnet.server import Devnet
from tests.support.devnet_clients import ALICE_ADDRESS, BOB_ADDRESS, Ogmios, payment_on


async def start_seconds(ogmios: Ogmios) -> float:
    """The system start, POSIX seconds."""
    text = await ogmios.call("queryNetwork/startTime")
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


async def test_tip_height_and_start_agree_with_the_chain(devnet: Devnet, ogmios: Ogmios) -> None:
    devnet.chain.mine(3)
    tip = devnet.chain.tip
    expected = {"slot": tip.slot, "id": tip.header_hash.hex()}
    assert await ogmios.call("queryNetwork/tip") == expected
    assert await ogmios.call("queryLedgerState/tip") == expected
    assert await ogmios.call("queryNetwork/blockHeight") == 3
    start = await start_seconds(ogmios)
    assert start * 1000 == devnet.chain.calendar.start_posix_ms


async def test_a_clock_built_from_the_answers_is_the_chain_s(
    devnet: Devnet, ogmios: Ogmios
) -> None:
    eras = await ogmios.call("queryLedgerState/eraSummaries")
    start = await start_seconds(ogmios)
    last = eras[-1]
    seconds = devnet.chain.clock.posix_ms() / 1000 - start - last["start"]["time"]["seconds"]
    slot = (
        last["start"]["slot"]
        + int(seconds * 1000) // last["parameters"]["slotLength"]["milliseconds"]
    )
    assert abs(slot - devnet.chain.clock.slot()) <= 1
    for before, after in itertools.pairwise(eras):
        assert before["end"] == after["start"]
    assert last["start"]["slot"] <= slot < last["end"]["slot"]
    assert await ogmios.call("queryLedgerState/eraStart") == last["start"]
    assert await ogmios.call("queryLedgerState/epoch") == last["start"]["epoch"] + 1


async def test_genesis_configurations_agree_with_the_calendar(
    devnet: Devnet, ogmios: Ogmios
) -> None:
    shelley = await ogmios.call("queryNetwork/genesisConfiguration", era="shelley")
    assert shelley["networkMagic"] == 42
    assert shelley["slotLength"] == {"milliseconds": 1000}
    assert shelley["startTime"] == await ogmios.call("queryNetwork/startTime")
    eras = await ogmios.call("queryLedgerState/eraSummaries")
    assert shelley["epochLength"] == eras[-1]["parameters"]["epochLength"]
    assert shelley["initialFunds"][ALICE_ADDRESS] == {"ada": {"lovelace": 1_000_000_000}}
    for era in ("byron", "alonzo", "conway"):
        assert (await ogmios.call("queryNetwork/genesisConfiguration", era=era))["era"] == era
    unknown = await ogmios.call("queryNetwork/genesisConfiguration", era="mary")
    assert unknown["error"]["code"] == -32600


async def test_protocol_parameters_use_the_names_of_the_version(
    devnet: Devnet, ogmios: Ogmios
) -> None:
    parameters = await ogmios.call("queryLedgerState/protocolParameters")
    old, new = "maxReferenceScriptsSize", "maxReferenceScriptsSizePerTransaction"
    expected, other = (old, new) if devnet.config.ogmios_version == "6.14.0" else (new, old)
    assert parameters[expected] == {"bytes": 204_800}
    assert other not in parameters
    assert parameters["minFeeConstant"] == {"ada": {"lovelace": 155_381}}


async def test_outputs_by_address_by_reference_and_all(devnet: Devnet, ogmios: Ogmios) -> None:
    paid = devnet.chain.submit(payment_on(devnet.chain).seal()).hex()
    (bob,) = await ogmios.call("queryLedgerState/utxo", addresses=[BOB_ADDRESS])
    assert bob["transaction"] == {"id": paid}
    assert bob["value"] == {"ada": {"lovelace": 2_000_000}}
    asked = [{"transaction": {"id": paid}, "index": n} for n in (0, 9)]
    assert await ogmios.call("queryLedgerState/utxo", outputReferences=asked) == [bob]
    everything = await ogmios.call("queryLedgerState/utxo")
    assert len(everything) == len(devnet.chain.utxo) == 3
    wrong = await ogmios.call("queryLedgerState/utxo", addresses=["nonsense"])
    assert wrong["error"]["code"] == -32600


async def test_an_acquired_state_stays_and_expires_with_its_block(
    devnet: Devnet, ogmios: Ogmios
) -> None:
    before = await ogmios.call("queryNetwork/tip")
    assert await ogmios.call("acquireLedgerState", point=before) == {
        "acquired": "ledgerState",
        "point": before,
    }
    devnet.chain.submit(payment_on(devnet.chain).seal())
    assert await ogmios.call("queryLedgerState/tip") == before
    assert await ogmios.call("queryLedgerState/utxo", addresses=[BOB_ADDRESS]) == []
    assert len(await ogmios.call("queryLedgerState/utxo")) == 2
    assert await ogmios.call("releaseLedgerState") == {"released": "ledgerState"}
    after = await ogmios.call("queryLedgerState/tip")
    assert after != before
    await ogmios.call("acquireLedgerState", point=after)
    devnet.chain.rollback(1)
    assert (await ogmios.call("queryLedgerState/tip"))["error"]["code"] == 2003
    gone = await ogmios.call("acquireLedgerState", point=after)
    assert gone["error"]["code"] == 2000


@pytest.mark.parametrize(
    "name",
    ["nonces", "projectedRewards", "rewardsProvenance", "stakePoolsPerformances"],
)
async def test_what_makes_no_sense_here_is_ogmios_own_failure(ogmios: Ogmios, name: str) -> None:
    answer = await ogmios.call(f"queryLedgerState/{name}")
    assert answer["error"]["code"] == 2002


async def test_there_is_no_state_of_a_node_to_dump(ogmios: Ogmios) -> None:
    answer = await ogmios.call("queryLedgerState/dump", to="state.cbor")
    assert answer["error"]["code"] == -32600
    assert "dumped" in answer["error"]["message"]


async def test_nothing_is_staked_and_nobody_votes(ogmios: Ogmios) -> None:
    assert await ogmios.call("queryLedgerState/stakePools") == {}
    assert await ogmios.call("queryLedgerState/rewardAccountSummaries", keys=[]) == []
    assert await ogmios.call("queryLedgerState/governanceProposals") == []
    assert await ogmios.call("queryLedgerState/liveStakeDistribution") == {}
    assert await ogmios.call("queryLedgerState/operationalCertificates") == {}
    nobody = await ogmios.call("queryLedgerState/delegateRepresentatives")
    assert [each["stake"]["ada"]["lovelace"] for each in nobody] == [0, 0]
    genesis = await ogmios.call("queryNetwork/genesisConfiguration", era="conway")
    for name in ("constitution", "constitutionalCommittee"):
        assert await ogmios.call(f"queryLedgerState/{name}") == genesis[name]


async def test_byron_has_its_own_parameters(ogmios: Ogmios) -> None:
    byron = await ogmios.call("queryNetwork/genesisConfiguration", era="byron")
    assert byron["updatableParameters"]["slotDuration"] == 20_000
    assert "plutusCostModels" not in byron["updatableParameters"]


async def test_a_new_chain_is_older_than_what_clients_take_for_nothing(ogmios: Ogmios) -> None:
    """0 is no answer to some: epoch 0, slot 0, or a slot less than the minutes they subtract."""
    assert await ogmios.call("queryLedgerState/epoch") == 1
    tip = await ogmios.call("queryNetwork/tip")
    assert tip["slot"] >= 432_000 + 3600
