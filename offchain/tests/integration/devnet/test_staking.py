"""Accounts, pools and representatives over the interfaces: registered, delegated, granted, withdrawn, left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from milestones.cardano.address import Credential, StakeAddress
from milestones.devnet.funds import SUPPLY_LOVELACE
from milestones.devnet.opening import ChainConfig, open_chain
from milestones.devnet.persistence import Store
from milestones.devnet.server import Devnet, DevnetConfig
from tests.support.devnet_clients import ALICE_FUNDS, Ogmios, all_lovelace, http, payment_on
from tests.support.raw_transactions import ALICE, Draft, key_hash

WHO = Credential("key", key_hash(ALICE))
A, ACCOUNT = [0, WHO.hash], StakeAddress(0, WHO)
KEY = 2_000_000


def certified(devnet: Devnet, certificates: list[Any], gained: int = 0) -> Draft:
    draft = payment_on(devnet.chain)
    draft.gained = gained
    if certificates:
        draft.body[4] = certificates
    return draft


async def submit(ogmios: Ogmios, draft: Draft) -> dict[str, Any]:
    answer: dict[str, Any] = await ogmios.call(
        "submitTransaction", transaction={"cbor": draft.seal().hex()}
    )
    return answer


async def grant(devnet: Devnet, lovelace: int, account: str = str(ACCOUNT)) -> Any:
    async with http(devnet, control=True) as client:
        body = {"address": account, "lovelace": lovelace}
        return await client.post("/rewards", json=body)


async def test_an_account_s_life(devnet: Devnet, ogmios: Ogmios) -> None:
    """Value is conserved after every block, wherever it is."""
    chain, name = devnet.chain, "queryLedgerState/rewardAccountSummaries"
    assert await ogmios.call(name, keys=[WHO.hash.hex()]) == []
    assert (await grant(devnet, 5)).status_code == 404
    assert "transaction" in await submit(ogmios, certified(devnet, [[12, A, [2], KEY]], -KEY))
    (summary,) = await ogmios.call(name, keys=[WHO.hash.hex()])
    assert summary == {
        "credential": WHO.hash.hex(),
        "from": "verificationKey",
        "delegateRepresentative": {"type": "abstain"},
        "rewards": {"ada": {"lovelace": 0}},
        "deposit": {"ada": {"lovelace": KEY}},
    }
    answer = await grant(devnet, 700)
    assert answer.json()["rewards_lovelace"] == 700
    assert all_lovelace(chain) == SUPPLY_LOVELACE
    reserves = await ogmios.call("queryLedgerState/treasuryAndReserves")
    assert reserves["reserves"] == {"ada": {"lovelace": chain.reserves_lovelace}}
    too_little = certified(devnet, [], 699)
    too_little.body[5] = {ACCOUNT.to_bytes(): 699}
    assert (await submit(ogmios, too_little))["error"]["code"] == 3141
    everything = certified(devnet, [], 700)
    everything.body[5] = {ACCOUNT.to_bytes(): 700}
    assert "transaction" in await submit(ogmios, everything)
    await ogmios.call("findIntersection", points=["origin"])
    for _ in range(chain.tip.height + 2):
        shown = await ogmios.call("nextBlock")
    (transaction,) = shown["block"]["transactions"]
    assert transaction["withdrawals"] == {str(ACCOUNT): {"ada": {"lovelace": 700}}}
    assert "transaction" in await submit(ogmios, certified(devnet, [[8, A, KEY]], KEY))
    assert await ogmios.call(name, keys=[str(ACCOUNT)]) == []
    assert all_lovelace(chain) == SUPPLY_LOVELACE
    chain.rollback(2)
    (summary,) = await ogmios.call(name, keys=[str(ACCOUNT)])
    assert summary["rewards"] == {"ada": {"lovelace": 700}}
    chain.rollback(1)
    assert chain.staking.account(WHO).rewards_lovelace == 0
    assert all_lovelace(chain) == SUPPLY_LOVELACE


async def test_what_waits_is_dropped_when_it_no_longer_withdraws_all(
    devnet: Devnet, ogmios: Ogmios
) -> None:
    chain = devnet.chain
    await submit(ogmios, certified(devnet, [[12, A, [2], KEY]], -KEY))
    await grant(devnet, 700)
    chain.production = "by hand"
    everything = certified(devnet, [], 700)
    everything.body[5] = {ACCOUNT.to_bytes(): 700}
    await submit(ogmios, everything)
    assert len(chain.mempool) == 1
    await grant(devnet, 1)
    assert len(chain.mempool) == 0
    other = certified(devnet, [[8, A, KEY]], KEY + 701)
    other.body[5] = {ACCOUNT.to_bytes(): 701}
    await submit(ogmios, other)
    assert chain.mempool.staking.account(WHO) is None
    again = await submit(ogmios, certified(devnet, [[8, A, KEY]], KEY))
    assert again["error"]["code"] == 3146
    chain.mine()
    assert all_lovelace(chain) == SUPPLY_LOVELACE


async def test_pools_and_representatives_are_shown_with_their_stake(start: Any) -> None:
    config = ChainConfig(funds=ALICE_FUNDS, stake_pools=2)
    devnet = await start(DevnetConfig(chain=config))
    ogmios = await Ogmios.connect(devnet)
    pools = await ogmios.call("queryLedgerState/stakePools", includeStake=True)
    genesis = await ogmios.call("queryNetwork/genesisConfiguration", era="shelley")
    assert genesis["initialStakePools"]["stakePools"].keys() == pools.keys()
    first, second = pools
    pool_id = next(iter(devnet.chain.staking.pools()))
    certificates = [
        [16, A, 500_000_000, ["https://example.org", bytes(32)]],
        [13, A, pool_id, [0, WHO.hash], KEY],
    ]
    draft = certified(devnet, certificates, -500_000_000 - KEY)
    draft.body[1] = [[b"\x00" + WHO.hash * 2, 40_000_000]]
    assert "transaction" in await submit(ogmios, draft)
    await grant(devnet, 2_000_000)
    asked = [{"id": name} for name in (first, second)]
    pools = await ogmios.call("queryLedgerState/stakePools", includeStake=True, stakePools=asked)
    assert sorted(each["stake"]["ada"]["lovelace"] for each in pools.values()) == [0, 42_000_000]
    live = await ogmios.call("queryLedgerState/liveStakeDistribution")
    assert sorted(each["stake"] for each in live.values()) == ["0/1", "1/1"]
    shown = await ogmios.call("queryLedgerState/delegateRepresentatives", keys=[WHO.hash.hex()])
    assert [each["type"] for each in shown] == ["registered", "abstain", "noConfidence"]
    assert shown[0]["stake"] == {"ada": {"lovelace": 42_000_000}}
    assert shown[0]["delegators"] == [{"credential": WHO.hash.hex(), "from": "verificationKey"}]
    assert shown[0]["metadata"]["url"] == "https://example.org"
    for method, wrong in (
        ("rewardAccountSummaries", {"keys": ["abc"]}),
        ("rewardAccountSummaries", {"keys": 7}),
        ("rewardAccountSummaries", {"others": []}),
        ("delegateRepresentatives", {"scripts": ["drep_vkh1qqq"]}),
        ("stakePools", {"stakePools": [{"id": "pool1"}]}),
        ("stakePools", {"includeStake": 1}),
    ):
        answer = await ogmios.call(f"queryLedgerState/{method}", **wrong)
        assert answer["error"]["code"] == -32600, (method, wrong)
    await ogmios.socket.close()


async def test_a_restart_finds_who_is_registered(tmp_path: Path, start: Any) -> None:
    """Also where a deposit was another's then than the parameters say now."""
    config = ChainConfig(funds=ALICE_FUNDS, stake_pools=1, state_dir=tmp_path)
    cheap = config.parameters.with_changes(stake_credential_deposit=5)
    chain, store = open_chain(ChainConfig(funds=ALICE_FUNDS, state_dir=tmp_path, parameters=cheap))
    draft = payment_on(chain)
    draft.body[4], draft.gained = [[0, A], [9, A, [2]]], -5
    chain.submit(draft.seal())
    chain.grant_rewards(WHO, 33)
    chain.mine()
    before = dict(chain.staking.entries())
    assert isinstance(store, Store)
    store.close()
    chain, store = open_chain(config)
    assert dict(chain.staking.entries()) == before
    assert chain.staking.account(WHO).deposit_lovelace == 5
    assert all_lovelace(chain) == SUPPLY_LOVELACE
    chain.rollback(3)
    assert dict(chain.staking.entries()) == {}
    assert isinstance(store, Store)
    store.close()


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ({"lovelace": 5}, 400),
        ({"address": "stake1nonsense", "lovelace": 5}, 400),
        ({"address": str(StakeAddress(1, WHO)), "lovelace": 5}, 400),
        ({"address": str(ACCOUNT), "lovelace": 0}, 400),
        ({"address": str(ACCOUNT), "lovelace": 5}, 404),
    ],
)
async def test_grants_that_can_t_be_made(
    devnet: Devnet, arguments: dict[str, Any], status: int
) -> None:
    async with http(devnet, control=True) as client:
        answer = await client.post("/rewards", json=arguments)
    assert answer.status_code == status
    assert devnet.chain.tip.height == 0


async def test_no_more_can_be_granted_than_there_is(devnet: Devnet, ogmios: Ogmios) -> None:
    await submit(ogmios, certified(devnet, [[0, A]], -KEY))
    answer = await grant(devnet, devnet.chain.reserves_lovelace + 1)
    assert (answer.status_code, "reserves" in answer.text) == (400, True)
