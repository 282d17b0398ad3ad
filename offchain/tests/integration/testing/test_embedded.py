"""The chain in a thread, for tests of other people's programs."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import enumerate as threads
from typing import Any

import httpx
import pytest

import milestones.testing
from milestones.cardano.value import AssetId
from milestones.devnet.funds import ACCOUNT_LOVELACE
from milestones.errors import InsufficientFunds, InvalidConfiguration, NotFound
from milestones.keys.key_files import SigningKey
from milestones.testing import EmbeddedDevnet
from milestones.testing.cast import ADA
from milestones.testing.processes import PROGRAM, program_environment


@pytest.fixture
def devnet() -> Iterator[EmbeddedDevnet]:
    with EmbeddedDevnet() as devnet:
        yield devnet


def ogmios(devnet: EmbeddedDevnet, method: str) -> Any:
    request = {"jsonrpc": "2.0", "method": method}
    answer = httpx.post(devnet.ogmios_url.replace("ws:", "http:"), json=request)
    return answer.raise_for_status().json()["result"]


def test_accounts_hold_what_they_say_and_their_keys_are_always_the_same(
    devnet: EmbeddedDevnet, tmp_path: Path
) -> None:
    assert len({account.address for account in devnet.accounts}) == 10
    for account in devnet.accounts:
        assert devnet.value_at(account.address).lovelace == account.lovelace == ACCOUNT_LOVELACE
        assert SigningKey.from_bytes(account.seed).address(0).to_bech32() == account.address
    first = devnet.accounts[0]
    assert SigningKey.load(first.save(tmp_path / "first.skey")) == first.key
    # `milestones devnet` prints it, and programs of others have it in their tests.
    assert first.address == "addr_test1vrl3ma905xqlgpxp3ttw3mfjpe779muaefu6rf7zqaj0jlsp02hpx"


def test_the_faucet_pays_and_both_interfaces_show_it(devnet: EmbeddedDevnet) -> None:
    address = devnet.accounts[0].address
    paid = devnet.faucet(address, 3 * ADA, {b"GOLD": 7})
    asset = AssetId(devnet.policy_id, b"GOLD")
    assert devnet.value_at(address).quantity(asset) == 7
    found = httpx.get(f"{devnet.kupo_url}/matches/*@{paid}?unspent").json()
    (match,) = (each for each in found if each["address"] == address)
    assert match["value"] == {
        "coins": 3 * ADA,
        "assets": {f"{devnet.policy_id.hex()}.{b'GOLD'.hex()}": 7},
    }
    assert ogmios(devnet, "queryNetwork/tip")["slot"] == devnet.tip_slot


def test_time_blocks_snapshots(devnet: EmbeddedDevnet) -> None:
    name, before_ms, height = devnet.snapshot(), devnet.now_posix_ms, devnet.height
    assert devnet.advance(seconds=3_600) - before_ms >= 3_600_000
    assert devnet.height == height + 1
    assert devnet.mine(2) == height + 3
    assert devnet.rollback(1) == height + 2
    devnet.revert(name)
    assert (devnet.height, devnet.now_posix_ms) == (height, before_ms)


def test_what_goes_wrong_is_raised_where_it_was_asked_for(devnet: EmbeddedDevnet) -> None:
    with pytest.raises(NotFound):
        devnet.revert("no such snapshot")
    with pytest.raises(InsufficientFunds):
        devnet.faucet(devnet.accounts[0].address, 1 << 60)


def test_faults_come_and_go(devnet: EmbeddedDevnet) -> None:
    devnet.freeze("kupo", "dropping")
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{devnet.kupo_url}/health")
    devnet.unfreeze("kupo")
    assert httpx.get(f"{devnet.kupo_url}/health").is_success


def test_many_threads_ask_at_once(devnet: EmbeddedDevnet) -> None:
    address = devnet.accounts[0].address
    with ThreadPoolExecutor(8) as pool:
        paid = list(pool.map(lambda _: devnet.faucet(address, 2 * ADA), range(40)))
    assert len(set(paid)) == 40
    assert devnet.value_at(address).lovelace == ACCOUNT_LOVELACE + 80 * ADA


def test_options_are_those_of_both_configurations() -> None:
    with EmbeddedDevnet(block_interval_s=None, network_magic=764824073) as devnet:
        assert devnet.network_magic == 764824073
        account = devnet.accounts[0]
        assert account.address.startswith("addr1")
        devnet.faucet(account.address, 2 * ADA)
        assert devnet.value_at(account.address).lovelace == account.lovelace
        devnet.mine()
        assert devnet.value_at(account.address).lovelace == account.lovelace + 2 * ADA


def test_funds_of_ones_own_are_added_to_the_accounts() -> None:
    address = milestones.testing.key_of("somebody").address(0).to_bech32()
    with EmbeddedDevnet(funds={address: 5 * ADA}) as devnet:
        assert devnet.value_at(address).lovelace == 5 * ADA
        assert devnet.value_at(devnet.accounts[9].address).lovelace == ACCOUNT_LOVELACE


def test_as_many_accounts_as_are_asked_for(tmp_path: Path) -> None:
    with EmbeddedDevnet(accounts=2, state_dir=tmp_path / "chain") as devnet:
        first, second = devnet.accounts
    # A chain that is gone on with has those that it began with.
    with EmbeddedDevnet(state_dir=tmp_path / "chain") as devnet:
        assert devnet.accounts == (first, second)


def test_a_start_that_fails_says_why() -> None:
    with pytest.raises(InvalidConfiguration, match="no such option") as unknown:
        EmbeddedDevnet(block_time=1)
    assert unknown.value.path == "block_time"
    with EmbeddedDevnet() as devnet, pytest.raises(InvalidConfiguration) as taken:
        EmbeddedDevnet(ogmios_port=devnet.ogmios_port).__enter__()
    assert taken.value.path == "ogmios_port"


def test_nothing_is_left_running() -> None:
    with EmbeddedDevnet() as devnet:
        url = devnet.kupo_url
    assert "milestones-devnet" not in {thread.name for thread in threads()}
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/health")


def test_the_program_finds_it_by_its_environment(devnet: EmbeddedDevnet, tmp_path: Path) -> None:
    environment = program_environment(**devnet.environment)
    done = subprocess.run(
        [*PROGRAM, "init"], cwd=tmp_path, env=environment, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", milestones.testing.__all__)
def test_every_public_name_is_there_and_says_what_it_is(name: str) -> None:
    assert getattr(milestones.testing, name).__doc__


def test_no_other_name_is() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        milestones.testing.Nothing  # noqa: B018
