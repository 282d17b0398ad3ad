"""What decimals a token has: by its metadata on the chain, or by a token registry's file; never guessed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from milestones.cardano.plutus_data import Constr, PlutusData, PlutusMap, encode
from milestones.cardano.value import AssetId
from milestones.errors import InvalidConfiguration, InvalidInput
from milestones.services.registered_token import (
    REFERENCE_LABEL,
    RegisteredToken,
    as_registered,
    registered_in_file,
    registered_token,
    subject_of,
)
from milestones.testing.distribution import FIRST_MILESTONE, open_distribution
from milestones.testing.world import World
from tests.support.serving import serve

LABEL = bytes.fromhex("0014df10")


def entry(subject: str, decimals: Any, **fields: Any) -> dict[str, Any]:
    """As the registry of the Cardano Foundation has them."""
    signed = {"sequenceNumber": 0, "value": decimals, "signatures": []}
    return {"subject": subject, "name": {"value": "a token"}, "decimals": signed, **fields}


async def describe(world: World, name: bytes, *pairs: tuple[bytes, PlutusData]) -> None:
    """Puts an output with the reference token and the token's metadata on the chain."""
    datum = encode(Constr(0, (PlutusMap(pairs), 1, Constr(0))))
    assets = {world.token.policy_id.hex(): {(REFERENCE_LABEL + name).hex(): 1}}
    output = {
        "address": str(world.address("creator")),
        "value": {"ada": {"lovelace": 2_000_000}, **assets},
        "datum": datum.hex(),
    }
    file = world.write_json(f"{name.decode()}.output", output)
    placed = await world.cli("devnet", "place", file, "--control-url", world.control_url)
    assert placed.exit_code == 0, placed.stderr


async def test_views_have_the_decimals_that_the_chain_says(world: World) -> None:
    world = replace(world, token=AssetId(world.token.policy_id, LABEL + b"GRANT"))
    world.pay(world.address("creator"), 5_000_000, 1_000_000)
    await describe(world, b"GRANT", (b"name", b"Grant"), (b"decimals", 2), (b"ticker", b"GRT"))
    async with open_distribution(world) as opened:
        own = str(world.address("beneficiary-0"))
        where = ("--contract-address", str(opened.distribution.name))
        table = ("--format", "table")
        status = await world.cli("check-status", *where, *table)
        listed = await world.cli("list", *table)
        as_json = await world.cli("list")
        report = ("report", *where, "--output", "report.md")
        refused = await world.cli(*report, "--decimals", "6")
        written = await world.cli(*report)
        other = world.write_json(
            "registry.json", entry(subject_of(world.token), 3, ticker={"value": "OWN"})
        )
        by_file = await world.cli("list", *table, MILESTONES_TOKEN_REGISTRY=other)

        await opened.attested(FIRST_MILESTONE)
        asked: list[str] = []

        async def agree(sentences: Sequence[str]) -> bool:
            asked.extend(sentences)
            return True

        asking = replace(opened, backend=replace(opened.backend, approve=agree))
        await asking.release(milestone=FIRST_MILESTONE, wait=True)
        async with serve(opened) as served:
            pages = [
                (await served.http.get(path)).text
                for path in ("/", f"/d/{served.serving.distributions[0].key}/claim?address={own}")
            ]

    assert asked[0] == (
        "makes 2 payments to 2 of the beneficiaries, 50.00 GRT (5,000 of the smallest unit, 2 decimals as its"
        f" metadata on the chain (CIP-68) says; policy {world.token.policy_id.hex()}) in all"
    )
    assert "150.00 GRT" in pages[0]
    assert "10.00 GRT" in pages[1]
    said = "GRANT has 2 decimals, as its metadata on the chain (CIP-68) says."
    assert "Open: 0.00 GRT of 150.00 GRT paid" in status.stdout
    assert said in status.stdout
    assert "150.00 GRT left of 150.00 GRT" in listed.stdout
    assert said in listed.stdout
    assert as_json.json["distributions"][0]["total_token_amount"] == 15_000
    assert (refused.exit_code, "chain (CIP-68) says" in refused.stderr) == (2, True)
    assert written.exit_code == 0, written.stderr
    text = (world.directory / "report.md").read_text(encoding="utf-8")
    assert "150.00 GRANT" in text
    assert "2, as its metadata on the chain" in text
    assert "15.000 OWN left of 15.000 OWN" in by_file.stdout
    assert "registry.json (CIP-26) says" in by_file.stdout


async def test_what_the_chain_does_not_plainly_say_is_not_known(world: World) -> None:
    """Without the label, without decimals, with impossible ones, or with two outputs that say it."""
    policy = world.token.policy_id
    await describe(world, b"NONE", (b"name", b"None"))
    await describe(world, b"MANY", (b"decimals", 200))
    await describe(world, b"WORDS", (b"decimals", b"6"))
    for _ in range(2):
        await describe(world, b"TWICE", (b"decimals", 6))
    await describe(world, b"PLAIN", (b"decimals", 6))
    async with world.backend() as backend:
        for name in (b"NONE", b"MANY", b"WORDS", b"TWICE", b"NOBODY"):
            assert await registered_token(backend, AssetId(policy, LABEL + name)) is None, name
        assert await registered_token(backend, AssetId(policy, b"PLAIN")) is None
        assert await registered_token(backend, AssetId(b"", b"")) is None
        known = await registered_token(backend, AssetId(policy, LABEL + b"PLAIN"))
    assert known is not None
    assert (known.decimals, known.ticker, known.kind) == (6, None, "chain")


async def test_a_table_is_read_with_the_decimals_of_the_registry(world: World) -> None:
    """And whoever says others is refused: it would be a factor of ten in somebody's payment."""
    (world.directory / "registry").mkdir()
    file = world.directory / "registry" / f"{subject_of(world.token)}.json"
    file.write_text(json.dumps(entry(subject_of(world.token), 2)))
    person = str(world.address("beneficiary-0"))
    table = world.directory / "grants.csv"
    table.write_text(f"address,amount,milestone,vests\n{person},12.5,audit,2027-01-01\n")
    token = ("--token-policy-id", world.token.policy_id.hex(), "--token-name", "GRANT")
    check = ("schedule", "check", "grants.csv", *token, "--token-registry", "registry")
    checked = await world.cli(*check[-2:], *check[:-2])
    shown = await world.cli(*check[-2:], *check[:-2], "--format", "table")
    refused = await world.cli(*check[-2:], *check[:-2], "--decimals", "6")
    unknown = await world.cli(*check[:-2])

    assert checked.json["total_token_amount"] == 1_250
    assert any(
        "2 decimals, as registry/ (CIP-26) says" in each for each in checked.json["warnings"]
    )
    assert "12.50 in all" in shown.stdout
    assert (refused.exit_code, refused.json["error"]["details"]["path"]) == (2, "decimals")
    assert unknown.exit_code == 2


@pytest.mark.parametrize(
    ("written", "known"),
    [
        (entry("ab", 6), (6, None)),
        ([entry("cd", 1), entry("ab", 0, ticker={"value": "TKN"})], (0, "TKN")),
        (entry("ab", 6, ticker={"value": "\x1b[2J"}), (6, None)),
        ({"subject": "ab", "ticker": {"value": "TKN"}}, None),
        (entry("cd", 6), None),
        (entry("ab", "6"), InvalidConfiguration),
        (entry("ab", True), InvalidConfiguration),
        (entry("ab", 20), InvalidConfiguration),
        ([entry("ab", 6), entry("ab", 2)], InvalidConfiguration),
    ],
)
async def test_an_entry_of_a_registry(
    world: World, written: Any, known: tuple[int, str | None] | type[Exception] | None
) -> None:
    workspace = replace(
        world.workspace(), token_registry=Path(world.write_json("registry.json", written))
    )
    if isinstance(known, type):
        with pytest.raises(known):
            registered_in_file(workspace, "ab")
        return
    found = registered_in_file(workspace, "ab")
    assert (found and (found.decimals, found.ticker)) == known


def test_given_decimals_and_registered_ones_are_the_same_or_refused() -> None:
    registered = RegisteredToken(decimals=2, ticker=None, kind="file", source="a file")
    assert as_registered(None, None) is None
    assert as_registered(3, None) == 3
    assert as_registered(None, registered) == as_registered(2, registered) == 2
    with pytest.raises(InvalidInput, match="a file says"):
        as_registered(0, registered)
