"""`init`, `publish-script` and `transaction` as processes: exit codes, JSON, and what a person reads."""

from __future__ import annotations

from typing import Any

import pytest

from milestones.testing.world import World

NOWHERE = "127.0.0.1:9"


async def test_init_reports_all_services_with_the_quickstarts_fields(world: World) -> None:
    run = await world.cli("init", "--network", "testnet", key="creator")

    assert run.exit_code == 0
    assert run.stderr == ""
    assert run.json["status"] == "success"
    services = run.json["services"]
    assert services["ogmios"]["connected"] is True
    assert services["ogmios"]["version"]
    assert services["kupo"]["connected"] is True
    assert services["kupo"]["sync_status"] == "synced"
    assert services["cardano_node"]["connected"] is True
    assert services["cardano_node"]["network"] == "testnet"


async def test_init_prints_the_report_although_a_service_is_down(world: World) -> None:
    run = await world.cli("init", KUPO_URL=f"http://{NOWHERE}")

    assert run.exit_code == 3
    assert run.json["status"] == "failed"
    assert run.json["services"]["ogmios"]["connected"] is True
    assert run.json["services"]["kupo"]["connected"] is False
    assert run.json["services"]["kupo"]["url"] == f"http://{NOWHERE}"
    assert f"warning: Kupo at http://{NOWHERE}: " in run.stderr
    assert "docker compose up -d" in run.stderr


async def test_init_on_another_network(world: World) -> None:
    run = await world.cli("init", "--network", "mainnet")

    assert run.exit_code == 3
    assert run.json["services"]["cardano_node"]["connected"] is True
    assert "CARDANO_NETWORK" in run.stderr


async def test_init_with_a_network_that_does_not_exist(world: World) -> None:
    run = await world.cli("init", "--network", "moonnet")

    assert run.exit_code == 2
    assert run.json["error"]["code"] == "invalid_configuration"
    assert run.json["error"]["details"]["path"] == "network"
    assert run.stderr.startswith("error: network")


async def test_scripts_are_published_once_and_the_transaction_is_found(world: World) -> None:
    first = await world.cli("publish-script", "--wait", key="relayer")
    second = await world.cli("publish-script", key="relayer")
    found = await world.cli("transaction", first.json["transaction_hash"])

    assert (first.exit_code, first.json["status"]) == (0, "confirmed")
    assert first.json["vault"]["script_hash"] == world.contract.vault_hash.hex()
    assert (second.exit_code, second.json["status"]) == (0, "already_published")
    assert second.json["registry"] == first.json["registry"]
    assert (found.exit_code, found.json["status"]) == (0, "confirmed")
    assert found.json["depth"] == 0
    assert found.json["command"] == "publish-script"


@pytest.mark.parametrize(
    ("arguments", "exit_code", "code"),
    [
        (("publish-script",), 2, "invalid_configuration"),
        (("publish-script", "--signing-key-path", "nobody.skey"), 2, "invalid_key_file"),
        (("transaction", "abc"), 2, "invalid_input"),
        (("transaction",), 2, "usage"),
        (("--network", "preprod", "transaction", "00" * 32), 3, "network_mismatch"),
    ],
)
async def test_what_is_wrong_with_the_arguments(
    world: World, arguments: Any, exit_code: Any, code: Any
) -> None:
    run = await world.cli("--json", *arguments)

    assert run.exit_code == exit_code
    assert run.json["error"]["code"] == code
    assert run.stderr


async def test_an_unknown_transaction_is_an_answer(world: World) -> None:
    run = await world.cli("transaction", "00" * 32)

    assert run.exit_code == 0
    assert run.json["status"] == "unknown"


async def test_a_wallet_that_cannot_pay(world: World) -> None:
    run = await world.cli("publish-script", key="oracle-0")

    assert run.exit_code == 6
    details = run.json["error"]["details"]
    assert details["available_lovelace"] == 0
    assert details["required_lovelace"] > 20_000_000
    assert "lovelace are needed" in run.stderr


async def test_what_stands_in_the_wrong_place_is_told_like_every_error(world: World) -> None:
    misplaced = await world.cli("register-milestone", "--network", "preprod")
    unknown = await world.cli("initialise")

    assert (misplaced.exit_code, misplaced.json["error"]["code"]) == (2, "usage")
    assert misplaced.stderr.startswith("error: No such option: --network")
    assert "--network stands before the command" in misplaced.stderr
    assert (unknown.exit_code, unknown.json["error"]["code"]) == (2, "usage")
    assert "--help` shows what there is" in unknown.stderr
