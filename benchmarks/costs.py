"""What every kind of transaction costs: size, execution units, fee, beside the targets of the design.

Run with `make bench-costs`. `python benchmarks/costs.py --json` prints one object instead of tables,
`--write` renews those in docs/costs.md.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Final

from board_costs import board_rows
from cost_rows import Budget, Row, Sent, means, met, open_plan, planned, row

from milestones.cardano.value import Value
from milestones.errors import LimitsExceeded
from milestones.testing.cast import ADA
from milestones.testing.contract import MILESTONE, ContractHarness, Opened

MOST_CLAIMS_TARGET = 120
PAGE = Path(__file__).parents[1] / "docs" / "costs.md"
TABLE_STARTS, TABLE_ENDS = "<!-- table -->", "<!-- end of table -->"

BUDGETS: Final[dict[str, Budget]] = {
    "release of 1, page depth 3": Budget(246_100, 248_300),
    "release of 1, page depth 7": Budget(258_700, 260_800),
    "release of 1, page depth 10": Budget(273_000, 275_100),
    "release of 40 neighbours": Budget(617_256),
    "release of as many as fit": Budget(1_568_000),
    "release of 1 and attest 2 of 3": Budget(345_500),
    "attest 2 of 3": Budget(257_200, 275_000),
    "attest 5 of 9": Budget(288_900),
    "open, 1 page": Budget(258_600, 295_000),
    "open, 16 pages of 4,096": Budget(848_000),
    "close vault, terms, 3 attestations": Budget(295_100, 325_000),
}
"""Contract 0.1.0's fees, means over eight salts as the design has them (the batches, and the sixteen
pages: of one), and the design's budget: a plain claim 2,000 more than 246,300, 258,800 and 273,100."""
LANDED: Final = {
    "each further claim of a batch of 40 (lovelace)": 9_190,
    "size of `vault` (bytes)": 1_913,
    "size of `registry` (bytes)": 2_682,
    "claims in one transaction": 139,
    "deposit: terms (3 oracles) (lovelace)": 2_327_400,
    "deposit: vault (depth 7) (lovelace)": 1_728_310,
    "deposit: attestation (lovelace)": 1_961_050,
}


def attested(harness: ContractHarness, size: int, depth: int | None = None, *, salt: int) -> Opened:
    """Opens a distribution and attests its only milestone."""
    return open_plan(harness, planned(harness, size, depth, salt=salt))[0].attest()[0]


def releases_of_one(harness: ContractHarness, salt: int) -> Iterator[Sent]:
    """One claim at three depths."""
    for depth in (3, 7, 10):
        _, sent = attested(harness, 1 << depth, depth, salt=salt).release([0])
        yield f"release of 1, page depth {depth}", sent


def batch(harness: ContractHarness) -> tuple[Row, int]:
    """Forty neighbours at once, and what each costs beyond the first, in lovelace, rounded up."""
    later, one = attested(harness, 128, 7, salt=0).release([127])
    _, many = later.release(range(40))
    further = -((one.fee_lovelace - many.fee_lovelace) // 39)
    kind = "release of 40 neighbours"
    return row(kind, [many], BUDGETS[kind]), further


def most_claims(harness: ContractHarness) -> tuple[int, Row]:
    """How many claims fit into one transaction."""
    world = attested(harness, 256, 8, salt=0)
    fits, too_many = 1, 257
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        try:
            harness.balanced(world.release_draft(range(middle)))
        except LimitsExceeded:
            too_many = middle
        else:
            fits = middle
    _, signed = world.release(range(fits))
    kind = "release of as many as fit"
    return fits, row(kind, [signed], BUDGETS[kind])


def attestations(harness: ContractHarness, salt: int) -> Iterator[Sent]:
    """Attesting alone and along with a claim."""
    world, _ = open_plan(harness, planned(harness, 128, salt=salt))
    yield (
        "release of 1 and attest 2 of 3",
        harness.send(world.release_draft([0], attesting=MILESTONE)),
    )
    yield "attest 2 of 3", world.attest()[1]
    larger, _ = open_plan(harness, planned(harness, 128, salt=salt, oracle_count=9, quorum=5))
    yield "attest 5 of 9", larger.attest()[1]


def openings(harness: ContractHarness, salt: int) -> Iterator[Sent]:
    """The smallest opening, nothing published."""
    yield "open, 1 page", open_plan(harness, planned(harness, 128, salt=salt))[1]


def largest_opening(harness: ContractHarness) -> Row:
    """The largest, nothing published."""
    kind = "open, 16 pages of 4,096"
    return row(kind, [open_plan(harness, planned(harness, 16 << 12))[1]], BUDGETS[kind])


def closings(harness: ContractHarness, salt: int) -> Iterator[Sent]:
    """Everything of a distribution: vault, terms, three attestations."""
    world, _ = open_plan(harness, planned(harness, 1, salt=salt))
    spare = [world.attest()[1].outputs[0] for _ in range(2)]
    paid, _ = world.attest()[0].release([0])
    yield "close vault, terms, 3 attestations", harness.send(paid.close_draft(also=spare))


def deposits(harness: ContractHarness) -> dict[str, int]:
    """Lovelace that stays locked until the close, by UTxO."""
    world = attested(harness, 128, salt=0)
    return {
        "terms (3 oracles)": world.terms.output.value.lovelace,
        "vault (depth 7)": world.vaults[0].output.value.lovelace,
        "attestation": world.attestations[MILESTONE].output.value.lovelace,
    }


@dataclass(frozen=True)
class Figures:
    """Everything measured. Amounts in lovelace, sizes in bytes."""

    rows: list[Row]
    further_claim_lovelace: int
    most_claims: int
    vault_bytes: int
    registry_bytes: int
    board_bytes: int
    deposits_lovelace: dict[str, int]


def measure() -> Figures:
    """All figures."""
    harness = ContractHarness()
    harness.give(Value(1_000 * ADA))
    harness.publish()
    many, further = batch(harness)
    most, fullest = most_claims(harness)
    contract = harness.contract
    return Figures(
        rows=[
            *means(partial(releases_of_one, harness), BUDGETS),
            many,
            fullest,
            *means(partial(attestations, harness), BUDGETS),
            *means(partial(openings, harness), BUDGETS),
            largest_opening(harness),
            *means(partial(closings, harness), BUDGETS),
            *board_rows(harness),
        ],
        further_claim_lovelace=further,
        most_claims=most,
        vault_bytes=len(contract.vault_script.code),
        registry_bytes=len(contract.registry_script.code),
        board_bytes=len(contract.board_script.code),
        deposits_lovelace=deposits(harness),
    )


def _figure(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def table(figures: Figures) -> str:
    """The figures as Markdown."""
    lines = [
        "| transaction | bytes | memory | steps | fee (lovelace) | contract 0.1.0 | target | met |",
        "|---|---:|---:|---:|---:|---:|---:|---|",
    ]
    lines += (
        f"| {each.kind} | {each.size:,} | {each.memory:,} | {each.cpu:,} | {each.fee_lovelace:,} |"
        f" {_figure(each.landed_lovelace)} | {_figure(each.target_lovelace)} | {each.met} |"
        for each in figures.rows
    )
    lines += [
        "",
        "| figure | measured | contract 0.1.0 | target | met |",
        "|---|---:|---:|---:|---|",
    ]
    bounds: list[tuple[str, int, int | None]] = [
        ("each further claim of a batch of 40 (lovelace)", figures.further_claim_lovelace, 10_500),
        ("size of `vault` (bytes)", figures.vault_bytes, None),
        ("size of `registry` (bytes)", figures.registry_bytes, None),
        ("size of `board` (bytes)", figures.board_bytes, None),
    ]
    deposits_ = figures.deposits_lovelace.items()
    bounds += [(f"deposit: {name} (lovelace)", amount, None) for name, amount in deposits_]
    lines += (
        f"| {name} | {measured:,} | {_figure(LANDED.get(name))} | {_figure(most)} | {met(measured, most)} |"
        for name, measured, most in bounds
    )
    name, enough = "claims in one transaction", figures.most_claims >= MOST_CLAIMS_TARGET
    lines.append(
        f"| {name} | {figures.most_claims} | {LANDED[name]} | {MOST_CLAIMS_TARGET} |"
        f" {'yes' if enough else 'no'} |"
    )
    return "\n".join(lines)


def write() -> None:
    """Puts the table into docs/costs.md, between the two marks."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(TABLE_STARTS)
    _, _, after = rest.partition(TABLE_ENDS)
    page = f"{before}{TABLE_STARTS}\n{table(measure())}\n{TABLE_ENDS}{after}"
    PAGE.write_text(page, encoding="utf-8")


def main() -> None:
    """Prints the figures, or writes them down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument("--write", action="store_true", help="renew the table in docs/costs.md")
    options = parser.parse_args()
    if options.write:
        write()
    elif options.json:
        print(json.dumps(asdict(measure()), indent=2))
    else:
        print(table(measure()))


if __name__ == "__main__":
    main()
