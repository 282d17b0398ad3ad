"""A chain that was forked from another one: what it fetches, what it keeps, and what it says when it can't."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from milestones.cardano.address import Address, Credential, StakeAddress
from milestones.cardano.outputs import Script
from milestones.devnet.clock import MAINNET_MAGIC
from milestones.devnet.ledger.addresses import decode_address
from milestones.devnet.opening import ChainConfig
from milestones.devnet.origin import kept_facts
from milestones.devnet.server import Devnet, DevnetConfig
from milestones.errors import InvalidConfiguration, NotFound, ServiceOutOfSync
from milestones.fork.impersonation import impersonations
from milestones.fork.real_network import RealNetwork, opened, parameters_of
from tests.support.devnet_clients import Ogmios, http
from tests.support.raw_transactions import (
    ALICE,
    BOB,
    YES_V3,
    Draft,
    dumps,
    hash224,
    key_hash,
    script_hash,
)

Start = Callable[[DevnetConfig], Awaitable[Devnet]]
ADA = 1_000_000


def address(credential: bytes, *, script: bool = False) -> str:
    """An address of mainnet's without a staking part."""
    return str(decode_address(bytes((0x71 if script else 0x61,)) + credential))


HOME = address(key_hash(ALICE))
ELSEWHERE = address(key_hash(BOB))
TWO = [1, [[0, key_hash(ALICE)], [4, 5]]]
"""Alice's signature, after slot 5."""
NEVER = [1, [[0, key_hash(BOB)], [5, 6]]]
"""Bob's signature, before slot 6: nobody can meet that any more."""


def committee(script: list[Any]) -> str:
    """The address of a native script."""
    return address(hash224(b"\0" + dumps(script)), script=True)


@pytest.fixture
async def original(start: Start) -> Devnet:
    """A chain with mainnet's magic, calendar and some money, in a few blocks."""
    funds = dict.fromkeys((HOME, ELSEWHERE, committee(TWO), committee(NEVER)), 100 * ADA)
    chain = ChainConfig(network_magic=MAINNET_MAGIC, funds=funds)
    devnet = await start(DevnetConfig(chain=chain))
    devnet.chain.mine(3)
    return devnet


async def forked(
    start: Start,
    original: Devnet,
    *impersonated: str,
    at: str | None = None,
    state_dir: Path | None = None,
) -> Devnet:
    """A fork of it."""
    facts, network = await opened(
        original.ogmios_url, original.kupo_url, at=at, kept=kept_facts(state_dir)
    )
    chain = ChainConfig(
        network_magic=facts.network_magic,
        facts=facts,
        origin=network,
        parameters=parameters_of(facts),
        state_dir=state_dir,
        impersonated=await impersonations(impersonated, network),
    )
    return await start(DevnetConfig(chain=chain))


async def matches(devnet: Devnet, path: str) -> Any:
    """What Kupo has."""
    async with http(devnet, kupo=True) as kupo:
        answer = await kupo.get(f"/matches/{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()


def spending(devnet: Devnet, at: str, script: list[Any] | None = None) -> Draft:
    """What an address held from the start goes back to it, less the fee; signed by Alice."""
    (first,) = devnet.chain.funding.inclusions
    raw = Address.from_bech32(at).to_bytes()
    (source,) = (ref for ref, output in first.produced.items() if output.address.raw == raw)
    draft = Draft(balanced=False)
    draft.add_input(source, [raw, 100 * ADA])
    draft.body[1] = [[raw, 100 * ADA - draft.fee]]
    if script is not None:
        draft.witnesses[1] = [script]
    return draft


async def submit(devnet: Devnet, draft: Draft) -> Any:
    """What Ogmios answers to a transaction."""
    ogmios = await Ogmios.connect(devnet)
    try:
        return await ogmios.call("submitTransaction", transaction={"cbor": draft.seal().hex()})
    finally:
        await ogmios.socket.close()


async def test_what_was_there_is_there_and_nothing_happens_on_the_original(
    start: Start, original: Devnet
) -> None:
    before = (original.chain.tip, original.index.patterns)
    fork = await forked(start, original)
    ogmios = await Ogmios.connect(fork)
    real = await Ogmios.connect(original)
    for query in ("protocolParameters", "eraSummaries"):
        ours, theirs = [await each.call(f"queryLedgerState/{query}") for each in (ogmios, real)]
        if query == "eraSummaries":
            ours, theirs = ([era["start"] for era in eras] for eras in (ours, theirs))
        assert ours == theirs
    for era in ("byron", "shelley", "alonzo", "conway"):
        asked = "queryNetwork/genesisConfiguration"
        assert await ogmios.call(asked, era=era) == await real.call(asked, era=era)
    point = {"slot": before[0].slot, "id": before[0].header_hash.hex()}
    found = await ogmios.call("findIntersection", points=[point])
    assert found["intersection"] == point
    assert await ogmios.call("queryNetwork/blockHeight") == before[0].height + 1
    held = await ogmios.call("queryLedgerState/utxo", addresses=[HOME])
    assert held == await real.call("queryLedgerState/utxo", addresses=[HOME])
    for each in (ogmios, real):
        await each.socket.close()

    assert await matches(fork, HOME) == await matches(original, HOME)
    paid = await submit(fork, spending(original, HOME))
    assert "transaction" in paid, paid
    # The newest first: what was made here, and what was spent here.
    made, spent = await matches(fork, HOME)
    assert (
        made["transaction_id"] == spent["spent_at"]["transaction_id"] == paid["transaction"]["id"]
    )
    fork.chain.rollback(1)
    assert await matches(fork, HOME) == await matches(original, HOME)
    assert (original.chain.tip, original.index.patterns) == before
    assert not original.chain.mempool.transactions


async def test_a_network_that_fails_is_a_clear_error_and_going_on_works(
    start: Start, original: Devnet
) -> None:
    fork = await forked(start, original)
    draft = spending(original, HOME)
    original.break_interface("kupo", "dropping")
    async with http(fork, kupo=True) as kupo:
        refused = await kupo.get(f"/matches/{HOME}")
        assert refused.status_code == 503
        assert original.kupo_url in refused.json()["hint"]
        assert (await kupo.get("/health?")).status_code == 200
    failed = await submit(fork, draft)
    assert failed["error"]["code"] == -32000
    assert "Nothing has happened" in failed["error"]["message"]
    assert fork.chain.tip == fork.chain.funding
    async with http(fork, control=True) as control:
        answer = await control.post("/submit", json={"transaction": draft.seal().hex()})
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "service_unavailable"
    original.mend_interface("kupo")
    original.break_interface("ogmios", "disconnected")
    # Kupo indexes everything here, so that nobody asks the node.
    assert "transaction" in await submit(fork, draft)


async def test_a_lagging_index_says_where_the_fork_is_and_how_far_it_can_go(
    start: Start, original: Devnet
) -> None:
    behind = original.chain.tip
    original.break_interface("kupo", "stale")
    original.chain.mine(2)
    fork = await forked(start, original)
    assert fork.chain.blocks[0].point == behind.point
    assert fork.chain.blocks[0].height == behind.height
    with pytest.raises(ServiceOutOfSync, match=f"up to slot {behind.slot}"):
        await forked(start, original, at=str(original.chain.tip.slot))


async def test_a_point_in_the_past_has_what_was_spent_since(start: Start, original: Devnet) -> None:
    before = original.chain.tip
    draft = spending(original, HOME)
    spent = await submit(original, draft)
    original.chain.mine(2)
    fork = await forked(start, original, at=f"{before.slot}.{before.header_hash.hex()}")
    assert [each["spent_at"] for each in await matches(fork, HOME)] == [None]
    assert await submit(fork, draft) == spent
    now = fork.chain.calendar.start_of(before.slot)
    assert 0 <= fork.chain.clock.posix_ms() - now < 600_000


async def test_what_kupo_does_not_index_comes_from_the_node_while_that_can_go_back(
    start: Start, original: Devnet, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = original.index.patterns[0]
    async with http(original, kupo=True) as kupo:
        await kupo.put(
            f"/patterns/{HOME}", json={"rollback_to": {"slot_no": original.chain.blocks[1].slot}}
        )
    original.index.unwatch(everything)
    original.index.forget(everything)
    fork = await forked(start, original)
    async with http(fork, kupo=True) as kupo:
        assert (await kupo.get(f"/patterns/{ELSEWHERE}")).json() == []
    ogmios = await Ogmios.connect(fork)
    original.break_interface("ogmios", "disconnected")
    failed = await ogmios.call("queryLedgerState/utxo", addresses=[ELSEWHERE])
    assert failed["error"]["code"] == -32000
    assert original.ogmios_url in failed["error"]["message"]
    original.mend_interface("ogmios")
    (held,) = await ogmios.call("queryLedgerState/utxo", addresses=[ELSEWHERE])
    assert held["value"] == {"ada": {"lovelace": 100 * ADA}}
    await ogmios.socket.close()
    monkeypatch.setattr("milestones.devnet.ogmios.queries.SECURITY_PARAMETER", -1)
    failed = await submit(fork, spending(original, committee(TWO)))
    assert "can't go back to slot" in failed["error"]["message"]


async def test_only_what_a_signature_would_do_is_waived(start: Start, original: Devnet) -> None:
    fork = await forked(start, original, ELSEWHERE, committee(TWO), committee(NEVER))
    in_time = spending(original, committee(TWO), TWO)
    in_time.body[8] = fork.chain.tip.slot
    for waived in (spending(original, ELSEWHERE), in_time):
        waived.keys = []
        taken = await submit(fork, waived)
        async with http(fork, control=True) as control:
            page = await control.get(f"/transaction/{taken['transaction']['id']}")
        assert "No witness was asked" in page.text
    late, unsigned = spending(original, committee(NEVER), NEVER), spending(original, HOME)
    without_script = spending(original, committee(NEVER))
    for refused, code in ((late, 3103), (unsigned, 3101), (without_script, 3102)):
        refused.keys = []
        assert (await submit(fork, refused))["error"]["code"] == code
    async with http(fork) as ogmios, http(fork, kupo=True) as kupo:
        for answer in (await ogmios.get("/health"), await kupo.get("/health")):
            assert answer.headers["X-Milestones-Fork"].startswith("mainnet at ")
            assert key_hash(BOB).hex() in answer.headers["X-Milestones-Impersonated"]
    async with http(fork, control=True) as control:
        assert "No witness is asked" in (await control.get("/")).text
        state = (await control.get("/state")).json()
    assert (len(state["impersonated"]), state["fork"]["network"]) == (3, "mainnet")
    signed = await submit(fork, spending(original, HOME))
    async with http(fork, control=True) as control:
        page = await control.get(f"/transaction/{signed['transaction']['id']}")
    assert "No witness was asked" not in page.text


async def test_a_reward_account_is_taken_over_when_it_is_needed(
    start: Start, original: Devnet, tmp_path: Path
) -> None:
    """A withdrawal is rehearsed with nobody's key, and the account is as it is there once it was asked for."""
    before, chain = original.chain.tip, original.chain
    who = Credential("key", key_hash(ALICE))
    account, deposit, asked = (
        StakeAddress(1, who),
        2 * ADA,
        "queryLedgerState/rewardAccountSummaries",
    )
    registering = spending(original, HOME)
    registering.body[1][0][1] -= deposit
    registering.body[4] = [[12, [0, who.hash], [2], deposit]]
    assert "transaction" in await submit(original, registering)
    chain.grant_rewards(who, 700)
    withdrawing = spending(original, ELSEWHERE)
    withdrawing.body[1][0][1] += 700
    withdrawing.body[5], withdrawing.keys = {account.to_bytes(): 700}, []

    async def shown(devnet: Devnet) -> Any:
        ogmios = await Ogmios.connect(devnet)
        try:
            return await ogmios.call(asked, keys=[str(account)], scripts=["00" * 28])
        finally:
            await ogmios.socket.close()

    fork = await forked(start, original, ELSEWHERE, str(account), state_dir=tmp_path)
    assert fork.chain.staking.account(who) is None
    original.break_interface("ogmios", "dropping")
    failed = await submit(fork, withdrawing)
    assert failed["error"]["code"] == -32000
    original.mend_interface("ogmios")
    paid = await submit(fork, withdrawing)
    assert "transaction" in paid, paid
    (theirs,), (ours,) = await shown(original), await shown(fork)
    assert (theirs["rewards"], ours["rewards"]) == (
        {"ada": {"lovelace": 700}},
        {"ada": {"lovelace": 0}},
    )
    assert {**ours, "rewards": theirs["rewards"]} == theirs
    fork.chain.rollback(1)
    assert await shown(fork) == [theirs]
    fork.chain.mine()
    assert fork.chain.grant_rewards(who, 1) is fork.chain.tip
    (kept,) = await shown(fork)
    await fork.__aexit__(None, None, None)

    original.break_interface("ogmios", "dropping")
    alone = await forked(start, original, state_dir=tmp_path)
    assert await shown(alone) == [kept]
    original.mend_interface("ogmios")

    earlier = await forked(start, original, at=f"{before.slot}.{before.header_hash.hex()}")
    assert await shown(earlier) == []
    with pytest.raises(NotFound, match="not registered"):
        earlier.chain.grant_rewards(who, 1)


async def test_a_plutus_script_is_never_impersonated(original: Devnet) -> None:
    digest = script_hash(3, YES_V3)
    original.index.scripts[digest] = Script("plutus:v3", YES_V3)
    network = RealNetwork(original.ogmios_url, original.kupo_url)
    with pytest.raises(InvalidConfiguration, match="which always runs"):
        await impersonations([address(digest, script=True)], network)
    await network.close()


async def test_what_was_fetched_is_kept_and_needs_no_network_again(
    start: Start, original: Devnet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fork = await forked(start, original, state_dir=tmp_path)
    shown = await matches(fork, HOME)
    await submit(fork, spending(original, HOME))
    tip, spent = fork.chain.tip, await matches(fork, HOME)
    assert spent != shown
    # A snapshot doesn't have what is fetched after it.
    fork._keep_snapshot()
    monkeypatch.setattr(fork, "_keep_snapshot", lambda: None)
    (elsewhere,) = await matches(fork, ELSEWHERE)
    await fork.__aexit__(None, None, None)
    facts = kept_facts(tmp_path)
    assert facts is not None
    chain = ChainConfig(
        network_magic=facts.network_magic, parameters=parameters_of(facts), state_dir=tmp_path
    )
    async with Devnet(DevnetConfig(chain=chain)) as again:
        assert again.chain.tip.header_hash == tip.header_hash
        assert await matches(again, HOME) == spent
        assert await matches(again, ELSEWHERE) == [elsewhere]
        assert dict(again.chain.utxo) == dict(fork.chain.utxo)
        async with http(again, kupo=True) as kupo:
            unknown = await kupo.get(f"/matches/{committee(TWO)}")
        assert (unknown.status_code, "not fetched before" in unknown.text) == (503, True)
