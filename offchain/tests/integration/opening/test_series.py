"""A series from its list to its payments: registered, opened, attested, paid, looked at, and taken up again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from milestones.cardano.bech32_blocks import encode_addresses
from milestones.domain.models import Allocation
from milestones.errors import BudgetSpent, InvalidConfiguration, InvalidInput, NotFound
from milestones.protocol.distribution import Distribution
from milestones.protocol.series import SeriesMark, described, series_root
from milestones.services.attest import attest
from milestones.services.backend import Backend
from milestones.services.calculate_distribution import calculate_distribution
from milestones.services.check_status import check_status
from milestones.services.distribution.series import part_distribution, part_name
from milestones.services.find import find_distributions
from milestones.services.list import list_distributions
from milestones.services.paying.plan import Selection
from milestones.services.register_milestone import SeriesRegistered, register_series
from milestones.services.series import (
    SeriesPlan,
    deploy_series,
    find_series,
    in_series,
    paying,
    series_status,
    verify_series,
    waiting_for,
)
from milestones.services.submit_release import submit_release
from milestones.storage.series_files import SeriesFolder
from milestones.testing.distribution import OpenDistribution
from milestones.testing.world import World

ROWS = 150
SIZE = 64
FIRST = "milestone-001"


def listed(world: World) -> list[dict[str, Any]]:
    """Three milestones in turn; `beneficiary-0` has four rows, of two milestones."""
    own = world.address("beneficiary-0").to_bech32()
    strangers = encode_addresses([b"\x60" + number.to_bytes(28, "big") for number in range(ROWS)])
    return [
        {
            "beneficiary_address": own if number in {0, 3, 90, 149} else strangers[number],
            "token_amount": 1 + number,
            "milestone_identifier": f"milestone-{number % 3 + 1:03}",
            "vesting_timestamp": world.now - 1_000,
        }
        for number in range(ROWS)
    ]


async def registered(world: World, **options: Any) -> SeriesRegistered:
    document = world.schedule(beneficiary_allocations=listed(world))
    document["contract_metadata"]["description"] = "to everybody"
    options = {"part_allocations": SIZE, **options}
    return await register_series(world.workspace(), document, **options)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """The allocations of which a record was made, by their amounts: no two have the same."""
    counted: set[int] = set()
    usual = Allocation.__init__

    def counting(self: Allocation, **fields: Any) -> None:
        counted.add(fields["token_amount"])
        usual(self, **fields)

    monkeypatch.setattr(Allocation, "__init__", counting)
    return counted


async def test_parts_say_where_they_belong_and_neighbours_are_paid_together(world: World) -> None:
    found = await registered(world, uri="https://example.org/rows")
    series = find_series(world.workspace(), found.series_root.hex()[:8])

    assert [each.allocation_count for each in found.distributions] == [64, 64, 22]
    assert [each.page_depth for each in found.distributions] == [6, 6, 5]
    assert {each.milestone_identifier: each.parts for each in found.milestones} == {
        FIRST: (1,),
        "milestone-002": (1, 2),
        "milestone-003": (2, 3),
    }
    distributions = [
        part_distribution(world.workspace(), series, part) for part in series.record.distributions
    ]
    pages = [page for each in distributions for page in each.terms.pages]
    assert series_root(pages) == found.series_root
    for number, each in enumerate(distributions, 1):
        assert SeriesMark.parse(each.terms.metadata.description) == SeriesMark(
            found.series_root,
            number,
            3,
            found.file_hash,
            "https://example.org/rows",
            "to everybody",
        )
        again = Distribution.from_schedule(each.schedule(), world.contract)
        assert (again.id, again.terms.pages) == (each.id, each.terms.pages)
    assert len({each.id for each in distributions}) == 3
    rows = [row for each in distributions for row in each.allocations.columns().documents()]
    by_milestone = sorted(listed(world), key=lambda row: row["milestone_identifier"])
    assert rows == by_milestone


async def test_the_same_list_again_is_the_same_series(world: World) -> None:
    first = await registered(world)
    document = world.schedule(beneficiary_allocations=listed(world))
    document["contract_metadata"] = {
        "network_magic": world.magic,
        "description": "to everybody",
    }
    again = await register_series(world.workspace(), document, part_allocations=SIZE)
    assert again.distributions == first.distributions
    with pytest.raises(InvalidInput, match="registered already, with other terms"):
        await registered(world, uri="https://example.org")
    kept = await registered(world, order="file")
    assert kept.series_root != first.series_root
    assert all(each.parts == (1, 2, 3) for each in kept.milestones)


async def test_an_index_is_made_anew_from_the_rows_and_from_nothing_else(world: World) -> None:
    found = await registered(world)
    series = find_series(world.workspace(), found.series_root.hex())
    part = series.record.distributions[2]
    before = part_distribution(world.workspace(), series, part).allocations.columns()
    left = series.path / ".index.sqlite.0123abcd.tmp"
    left.write_bytes(b"of a claim that was killed while it made the index")
    for spoil in (series.index_file.unlink, lambda: series.index_file.write_bytes(b"x")):
        spoil()
        again = part_distribution(world.workspace(), series, part).allocations.columns()
        assert again == before
        assert not left.exists()
    series.index_file.unlink()
    series.rows_file.write_bytes(series.rows_file.read_bytes()[:-1] + b"\x00")
    with pytest.raises(InvalidConfiguration, match="not the file that the terms name"):
        part_distribution(world.workspace(), series, part)


async def sign_everywhere(world: World, backend: Backend, series: SeriesFolder) -> None:
    for part in series.record.distributions:
        distribution = part_distribution(backend, series, part)
        if FIRST in distribution.allocations.milestones():
            await OpenDistribution(world, backend, distribution).signed(FIRST)


async def test_a_series_is_opened_attested_paid_and_audited(world: World, made: set[int]) -> None:
    await world.publish()
    found = await registered(world, order="file")
    own, key = world.address("beneficiary-0"), world.keys["creator"]
    async with world.backend() as backend:
        series = find_series(backend, found.series_root.hex())
        plan = await deploy_series(backend, series, key=key, dry_run=True)
        assert isinstance(plan, SeriesPlan)
        assert (plan.openings_left, plan.distribution_count) == (3, 3)
        assert (await series_status(backend, series)).opened_count == 0
        assert (await verify_series(backend, series)).verdict == "incomplete"

        opened = await deploy_series(backend, series, key=key, wait=True)
        assert [each.status for each in opened.parts] == ["done"] * 3
        assert opened.fee_estimate > 0
        again = await deploy_series(backend, series, key=key, wait=True)
        assert [each.status for each in again.parts] == ["nothing_to_do"] * 3

        await sign_everywhere(world, backend, series)

        async def put(backend: Backend, name: Any) -> Any:
            return await attest(
                backend,
                contract_address=name,
                milestone_identifier=FIRST,
                key=world.keys["stranger"],
                wait=True,
            )

        asked: list[Sequence[str]] = []

        async def agree(sentences: Sequence[str]) -> bool:
            asked.append(sentences)
            return True

        attested = await in_series(
            replace(backend, approve=agree),
            series,
            put,
            concerned=waiting_for(FIRST),
            done_before=frozenset({"attested"}),
        )
        assert [each.part for each in attested.parts] == [1, 2, 3]
        # Once, and of all.
        (sentences,) = asked
        assert "the other distributions of the series" in sentences[-1]

        made.clear()

        async def pay(backend: Backend, name: Any) -> Any:
            return await submit_release(
                backend,
                contract_address=name,
                key=world.keys["relayer"],
                selection=Selection(beneficiary=own),
                wait=True,
            )

        paid = await in_series(
            backend,
            series,
            pay,
            concerned=paying(own),
            done_before=frozenset({"claimed"}),
            not_yet=frozenset({"quorum", "vesting"}),
        )
        assert [(each.part, each.status) for each in paid.parts] == [
            (1, "done"),
            (2, "done"),
            (3, "nothing_to_do"),
        ]
        status = await series_status(backend, series)
        assert status.claimed_count == 3
        sums = {each.milestone_identifier: each for each in status.milestones}
        assert (sums[FIRST].claimed_count, sums[FIRST].allocation_count) == (3, 50)
        assert status.total_token_amount - status.remaining_token_amount == 1 + 4 + 91
        name = part_name(series.record.distributions[0])
        calculated = await calculate_distribution(
            backend, contract_address=name, beneficiary_address=own
        )
        assert calculated.claimed_amount == 5
        await check_status(backend, contract_address=name)
        located = await find_distributions(backend, beneficiary_address=own)
        assert [each.beneficiary_indices for each in located.found] == [(0, 3), (26,), (21,)]
        await list_distributions(backend)
        # However many rows there are, no command has looked at another one than the beneficiary's.
        assert made == {1, 4, 91, 150}

        verified = await verify_series(backend, series)
        assert (verified.verdict, set(verified.verdicts.values())) == ("sound", {"sound"})


async def test_every_command_takes_a_series(world: World) -> None:
    """Once from outside: registered from a table, opened, looked at, and a wrong name refused."""
    await world.publish()
    table = "address,amount,milestone,vests\n" + "\n".join(
        ",".join(map(str, row.values())) for row in listed(world)
    )
    (world.directory / "rows.csv").write_text(table)
    oracles = ",".join(world.address(f"oracle-{n}").to_bech32() for n in range(3))
    ran = await world.cli(
        *("register-milestone", "--token-policy-id", world.token.policy_id.hex()),
        *("--token-name", "GRANT", "--beneficiary-allocations", "rows.csv"),
        *("--oracle-addresses", oracles, "--quorum-threshold", "2", "--part-size", "64"),
        *("--creator", world.address("creator").to_bech32()),
        key="creator",
        MILESTONES_NETWORK_MAGIC=str(world.magic),
    )
    assert ran.exit_code == 0, ran.stderr
    root = json.loads(ran.stdout)["series_root"]
    assert "3 of 3, 22 rows" in ran.stderr
    opened = await world.cli("deploy", "--series", root, "--wait", key="creator")
    assert opened.exit_code == 0, opened.stderr
    assert [each["status"] for each in json.loads(opened.stdout)["parts"]] == ["done"] * 3
    own = world.address("beneficiary-0").to_bech32()
    for arguments in (
        ("check-status",),
        ("verify",),
        ("history",),
        ("calculate-distribution", "--beneficiary-address", own),
    ):
        looked = await world.cli(*arguments, "--series", root[:10])
        assert looked.exit_code == 0, (arguments, looked.stderr)
    early = await world.cli(
        "submit-release", "--series", root, "--beneficiary-address", own, key="relayer"
    )
    assert early.exit_code == 5
    assert json.loads(early.stdout)["error"]["details"]["series_part"] == 1
    reached = str(world.now - 60)
    for oracle in ("oracle-0", "oracle-1"):
        signed = await world.cli(
            *("oracle", "sign", "--series", root, "--milestone-identifier", FIRST),
            *("--verification-timestamp", reached, "--output", "signatures.json"),
            key=oracle,
        )
        assert signed.exit_code == 0, signed.stderr
    assert json.loads(signed.stdout)["parts"] == [1]
    kept = await world.cli(
        *("commit-milestone", "--series", root, "--milestone-identifier", FIRST),
        *("--oracle-signatures", "signatures.json"),
    )
    assert kept.exit_code == 0, kept.stderr
    attested = await world.cli(
        *("attest", "--series", root, "--milestone-identifier", FIRST, "--wait"), key="relayer"
    )
    assert attested.exit_code == 0, attested.stderr
    written = await world.cli(
        *("claim-file", "--series", root, "--beneficiary-address", own, "--output", "mine.json")
    )
    assert json.loads(written.stdout)["files"] == ["mine-part-1.json", "mine-part-3.json"]
    for beside in (("--contract-address", own), ("--schedule", "rows.csv")):
        unclear = ("claim-file", "--series", root, "--beneficiary-address", own, *beside)
        assert (await world.cli(*unclear, "--output", "other.json")).exit_code == 2
    paid = await world.cli(
        *("submit-release", "--series", root, "--beneficiary-address", own, "--wait"),
        key="relayer",
    )
    assert paid.exit_code == 0, paid.stderr
    assert [each["status"] for each in json.loads(paid.stdout)["parts"]] == [
        "done",
        "nothing_to_do",
    ]
    token = f"{world.token.policy_id.hex()}.{world.token.asset_name.hex()}"
    relayed = await world.cli(
        *("relay", "--series", root, "--budget", "5", "--token", token), key="relayer"
    )
    assert relayed.exit_code == BudgetSpent.exit_code, relayed.stderr
    report = json.loads(relayed.stdout)
    assert (len(report["contract_addresses"]), report["ended"]) == (3, "budget_spent")
    assert 0 < report["spent_lovelace"] <= 5_000_000
    nothing = await world.cli("relay", "--budget", "5", key="relayer")
    assert json.loads(nothing.stdout)["error"]["details"]["missing"] == ["--contract-address"]
    unknown = await world.cli("check-status", "--series", "abcdef")
    assert unknown.exit_code == NotFound.exit_code
    both = await world.cli("check-status", "--series", root, "--contract-address", "x")
    assert both.exit_code == InvalidInput.exit_code


def test_a_mark_is_read_back_and_words_alone_are_none() -> None:
    mark = SeriesMark(b"r" * 28, 3, 16, b"f" * 32, "ipfs://rows", "Grüße")
    assert SeriesMark.parse(mark.description()) == mark
    assert described(mark.description()) == f"Grüße, part 3 of 16 of the series {'72' * 28}"
    assert described("a grant") == "a grant"
    for words in ("", "a grant", '{"series":"00"}', mark.description().replace("16", "2"), "{"):
        assert SeriesMark.parse(words) is None
