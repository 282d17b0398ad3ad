"""A treasurer's walk: a messy table of 120 rows, checked, opened, relayed to the end, and entered in the books.

Every number is the same in the table, the status, the history, the board's report and on the chain.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter

from milestones.cardano.address import Address, key_credential
from milestones.domain.schedule import parse_schedule
from milestones.protocol.distribution import Distribution
from milestones.testing.distribution import OpenDistribution
from milestones.testing.world import World

ROWS = 120
PEOPLE = 90
MILESTONES = ("design", "Übergabe; «final»", 'the "last" one')


def person(number: int) -> Address:
    return Address(0, key_credential((number + 1).to_bytes(28, "big")))


def paid_to(number: int) -> int:
    """What a row pays, in hundredths of a token."""
    return 100_000 + 1_050 * number


def in_tokens(units: int) -> str:
    """An amount as the board reads it."""
    return f"{units // 100:,}.{units % 100:02}"


def messy(world: World) -> str:
    """Semicolons, groups of three, empty lines, columns of the board's own, three ways to write a moment."""
    written = io.StringIO()
    writer = csv.writer(written, delimiter=";", lineterminator="\r\n")
    writer.writerow(("Nr.", "Recipient ", "VESTS_AT", "Amount", "milestone-id", "Remarks"))
    for number in range(ROWS):
        whole, cents = divmod(paid_to(number), 100)
        grouped = f"{whole:,}".replace(",", ".")
        vests = ("2026-01-01", "2026-01-01T01:00:00+01:00", "1767225600")[number % 3]
        amount = f"{grouped},{cents:02}" if cents else grouped
        milestone = MILESTONES[number % len(MILESTONES)]
        row = (number + 1, person(number % PEOPLE), vests, amount, milestone, "a\nremark")
        writer.writerow(row)
        if number % 40 == 0:
            writer.writerow(("",) * 6)
    path = world.directory / "grants.csv"
    path.write_bytes(b"\xef\xbb\xbf" + written.getvalue().encode())
    return str(path)


async def test_from_the_table_to_the_books(world: World) -> None:
    file, total = messy(world), sum(map(paid_to, range(ROWS)))
    options = ("--decimals", "2", "--decimal-mark", ",")
    token = ("--token-policy-id", world.token.policy_id.hex(), "--token-name", "GRANT")
    await world.publish()
    await world.cli("init")
    checked = await world.cli("schedule", "check", file, *options, *token)
    assert checked.exit_code == 0, checked.stderr
    assert checked.json["total_token_amount"] == total
    assert (checked.json["allocation_count"], checked.json["beneficiary_count"]) == (ROWS, PEOPLE)
    assert [each["milestone_identifier"] for each in checked.json["milestones"]] == [*MILESTONES]
    assert {each["vesting"] for each in checked.json["milestones"]} == {"2026-01-01"}

    oracles = ",".join(str(world.address(f"oracle-{n}")) for n in range(3))
    registered = await world.cli(
        *("register-milestone", "--beneficiary-allocations", file, *options, *token),
        *("--oracle-addresses", oracles, "--quorum-threshold", "2"),
        *("--creator", str(world.address("creator")), "--reclaim-after", "2040-01-01"),
        *("--output", "schedule.json"),
    )
    assert registered.exit_code == 0, registered.stderr
    assert registered.json["total_token_amount"] == total

    deployed = await world.cli("deploy", "--schedule", "schedule.json", "--wait", key="creator")
    assert deployed.exit_code == 0, deployed.stderr
    document = json.loads((world.directory / "schedule.json").read_text(encoding="utf-8"))
    distribution = Distribution.from_schedule(parse_schedule(document), world.contract)
    async with world.backend() as backend:
        await OpenDistribution(world, backend, distribution).attested(*MILESTONES)
    where = ("--contract-address", str(distribution.name))

    listed = await world.cli("list")
    assert listed.json["distributions"][0]["claimable_amount"] == total
    found = await world.cli("find", "--beneficiary", str(person(0)))
    assert found.json["found"][0]["claimable_amount"] == paid_to(0) + paid_to(PEOPLE)

    relayer = world.address("relayer")
    before = world.held_by(relayer).lovelace
    vouched = ("--token", f"{world.token.policy_id.hex()}.{world.token.asset_name.hex()}")
    relay = ("relay", *where, "--budget", "400", *vouched, "--until-paid")
    paid = await world.cli(*relay, key="relayer")
    assert paid.exit_code == 0, paid.stderr
    assert (paid.json["ended"], paid.json["claim_count"]) == ("all_paid", ROWS)
    assert before - world.held_by(relayer).lovelace == paid.json["spent_lovelace"]
    assert paid.json["spent_lovelace"] == paid.json["fee_lovelace"] + paid.json["added_lovelace"]
    status = await world.cli("check-status", *where)
    past = await world.cli("history", *where)
    books = await world.cli("history", *where, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(books.stdout)))
    claims = [row for row in rows if row["event"] == "claim"]
    received = Counter[str]()
    for row in claims:
        received[row["beneficiary_address"]] -= int(row["token_change"])

    assert status.json["contract_state"]["claimed_count"] == len(claims) == ROWS
    assert status.json["contract_state"]["remaining_token_amount"] == 0
    assert past.json["paid_amount"] == sum(received.values()) == total
    assert sum(int(row["token_change"]) for row in rows) == past.json["held_amount"] == 0
    fees = paid.json["fee_lovelace"]
    first = {row["transaction_hash"]: row for row in reversed(claims)}
    assert sum(int(row["fee_lovelace"]) for row in first.values()) == fees
    for number in range(PEOPLE):
        there = world.held_by(person(number)).quantity(world.token)
        expected = paid_to(number) + (paid_to(number + PEOPLE) if number + PEOPLE < ROWS else 0)
        assert there == received[str(person(number))] == expected

    reported = await world.cli("report", *where, "--decimals", "2", "--output", "board.md")
    assert reported.exit_code == 0, reported.stderr
    assert (reported.json["paid_amount"], reported.json["payment_count"]) == (total, ROWS)
    text = (world.directory / "board.md").read_text(encoding="utf-8")
    assert text.startswith(f"# What became of {in_tokens(total)} GRANT\n")
    shown = dict(re.findall(r"^\| `(addr\w+)` \| [\d,]+ \| [\d.,]+ \| ([\d.,]+) \|", text, re.M))
    assert shown == {address: in_tokens(amount) for address, amount in received.items()}
    payments = re.findall(r"\| `addr\w+` \| .+ \| ([\d.,]+) \| `(\w{64})` \|$", text, re.M)
    assert Counter(payments) == Counter(
        (in_tokens(-int(row["token_change"])), row["transaction_hash"]) for row in claims
    )

    closed = await world.cli("close", *where, "--wait", key="creator")
    ended = await world.cli("history", *where)
    assert closed.exit_code == 0, closed.stderr
    assert (ended.json["status"], ended.json["held_lovelace"]) == ("completed", 0)
    assert ended.json["complete"] is True
