"""`submit-release` and `close` as commands: what is printed where, and how they end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from milestones.testing.distribution import OpenDistribution


async def ran(
    stage: OpenDistribution, command: str, *arguments: str, key: str | None = "relayer"
) -> Any:
    """A run of the command for this distribution; `key` is configured."""
    address = stage.address.to_bech32()
    return await stage.world.cli(command, "--contract-address", address, *arguments, key=key)


def told(run: Any, exit_code: int, code: str) -> Any:
    """The details of an error that is told to people and to programs alike."""
    assert run.exit_code == exit_code, run.stderr
    error = run.json["error"]
    assert error["code"] == code
    assert f"error: {error['message']}" in run.stderr
    assert f"hint: {error['hint']}" in run.stderr
    return error["details"]


async def test_the_quickstarts_command(stage: OpenDistribution) -> None:
    await stage.attested("milestone-001")
    run = await ran(
        stage,
        "submit-release",
        *("--beneficiary-address", stage.world.address("beneficiary-0").to_bech32()),
        *("--beneficiary-index", "0"),
        *("--milestone-identifier", "milestone-001"),
        *("--signing-key-path", stage.world.key_file("beneficiary-0")),
        key=None,
    )
    assert run.exit_code == 0, run.stderr
    assert run.stderr == ""
    assert run.json["status"] == "submitted"
    assert len(run.json["transaction_hash"]) == 64
    assert isinstance(run.json["fee_estimate"], int)
    assert isinstance(run.json["collateral_amount"], int)
    assert await stage.tokens_of("beneficiary-0") == 1_000


async def test_every_refusal_has_its_exit_code(stage: OpenDistribution) -> None:
    await stage.signed("milestone-001", by=1)
    details = told(
        await ran(stage, "submit-release", "--beneficiary-index", "0"), 5, "not_allowed_yet"
    )
    assert (details["rule"], details["signature_count"]) == ("quorum", 1)
    details = told(await ran(stage, "submit-release"), 2, "invalid_input")
    assert details["path"] == "beneficiary_index"
    run = await ran(
        stage,
        *("submit-release", "--beneficiary-index", "0"),
        *("--beneficiary-address", stage.world.address("beneficiary-2").to_bech32()),
    )
    assert told(run, 2, "invalid_input")["path"] == "beneficiary_address"
    assert stage.world.address("beneficiary-0").to_bech32() in run.stderr
    told(await ran(stage, "submit-release", "--beneficiary-index", "9"), 4, "not_found")
    await stage.attested("milestone-001")
    run = await ran(stage, "submit-release", "--all", key="beneficiary-3")
    assert told(run, 6, "insufficient_funds")["fee_lovelace"] > 200_000


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "no such file"), ("{}", "cborHex"), ("key", "not JSON")]
)
async def test_a_key_file_that_is_none(
    stage: OpenDistribution, content: str | None, reason: str
) -> None:
    path = stage.world.directory / "wrong.skey"
    if content is not None:
        path.write_text(content)
    for command in (("submit-release", "--all"), ("close",)):
        run = await ran(stage, *command, "--signing-key-path", str(path), key=None)
        assert told(run, 2, "invalid_key_file")["path"] == str(path)
        assert reason in run.stderr


class TestPrivate:
    @pytest.fixture
    def deploy_options(self) -> dict[str, Any]:
        """Nothing is published."""
        return {"private": True}

    async def written_claim_file(self, stage: OpenDistribution) -> Any:
        """What the administrator's `claim-file` writes for the beneficiary of allocation 3."""
        schedule = stage.distribution.schedule().model_dump(mode="json", exclude_none=True)
        beneficiary = stage.world.address("beneficiary-3").to_bech32()
        file = stage.world.directory / "beneficiary-3.json"
        command = ("claim-file", "--schedule", stage.world.write_json("schedule.json", schedule))
        whose = ("--beneficiary-address", beneficiary, "--output", str(file))
        run = await stage.world.cli(*command, *whose)
        assert run.exit_code == 0, run.stderr
        assert run.json["beneficiary_indices"] == [3]
        assert run.json["contract_address"] == stage.address.to_bech32()
        written = file.read_text()
        assert (await stage.world.cli(*command, *whose)).exit_code == 0
        file.write_text(written + "\n")
        told(await stage.world.cli(*command, *whose), 2, "invalid_input")
        assert file.read_text() == written + "\n"
        stranger = stage.world.address("stranger").to_bech32()
        nobody = ("--beneficiary-address", stranger, "--output", "nobody.json")
        told(await stage.world.cli(*command, *nobody), 4, "not_found")
        return json.loads(file.read_text())

    async def test_a_claim_file_is_all_that_a_beneficiary_needs(
        self, stage: OpenDistribution
    ) -> None:
        await stage.attested("milestone-001")
        elsewhere = ("--data-dir", str(stage.world.directory / "mine"))
        claim = await self.written_claim_file(stage)
        arguments = (
            *(*elsewhere, "submit-release", "--contract-address", stage.address.to_bech32()),
            *("--beneficiary-index", "3", "--wait"),
        )
        told(await stage.world.cli(*arguments, key="relayer"), 4, "not_found")
        file = ("--claim-file", stage.world.write_json("claim.json", claim))
        run = await stage.world.cli(*arguments, *file, key="relayer")
        assert run.exit_code == 0, run.stderr
        assert (run.json["status"], run.json["paid_token_amount"]) == ("confirmed", 4_000)
        claim["allocations"][0]["token_amount"] += 1
        file = ("--claim-file", stage.world.write_json("lie.json", claim))
        run = await stage.world.cli(*arguments, *file, key="relayer")
        assert "allocations[0]" in told(run, 2, "invalid_schedule")["path"]


async def test_closing(stage: OpenDistribution) -> None:
    details = told(await ran(stage, "close", key="creator"), 5, "not_allowed_yet")
    assert details["rule"] == "reclaim_after"
    assert told(await ran(stage, "close"), 2, "invalid_input")["path"] == "signing_key_path"
    await stage.signed("milestone-001", "milestone-002", "milestone-003")
    await stage.release(everything=True, wait=True)
    shown = await ran(stage, "close", "--dry-run", key="creator")
    assert (shown.exit_code, shown.json["status"]) == (0, "dry_run")
    run = await ran(stage, "close", "--wait", key="creator")
    assert (run.exit_code, run.json["status"]) == (0, "confirmed")
    assert run.json["deposits_returned_lovelace"] > 5_000_000
    assert (run.json["attestations_burnt"], run.json["attestations_left"]) == (3, [])
    assert told(await ran(stage, "close", key="creator"), 5, "not_allowed_yet")["rule"] == "closed"
