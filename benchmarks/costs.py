"""What every kind of transaction costs: size, execution units, fee, beside the targets of the design.

Run with `make bench-costs`. `python benchmarks/costs.py --json` prints one object instead of tables,
`--write` renews those in docs/costs.md.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from milestones.cardano.value import Value
from milestones.domain.models import Allocation
from milestones.errors import LimitsExceeded
from milestones.testing.cast import ADA
from milestones.testing.contract import (
    FIRST_SLOT,
    MILESTONE,
    ContractHarness,
    Opened,
    base_address,
    moment,
    open_distribution,
    schedule,
)
from milestones.transactions.signing import SignedTransaction

MOST_CLAIMS_TARGET = 120
PAGE = Path(__file__).parents[1] / "docs" / "costs.md"
TABLE_STARTS, TABLE_ENDS = "<!-- table -->", "<!-- end of table -->"


@dataclass(frozen=True)
class Row:
    """A measured transaction. `target_lovelace` is the design's; None where it names none."""

    kind: str
    size: int
    memory: int
    cpu: int
    fee_lovelace: int
    target_lovelace: int | None = None

    @property
    def met(self) -> str:
        """Whether the target is met."""
        return _met(self.fee_lovelace, self.target_lovelace)


def row(kind: str, signed: SignedTransaction, target_lovelace: int | None = None) -> Row:
    """A row from a transaction that the chain took."""
    units = signed.units
    return Row(kind, signed.size, units.memory, units.cpu, signed.fee_lovelace, target_lovelace)


def beneficiaries(harness: ContractHarness, size: int) -> list[Allocation]:
    """As many equal allocations, vested, to an address with a staking part."""
    allocation = Allocation(
        beneficiary_address=base_address(harness, "beneficiary"),
        token_amount=1_000_000,
        milestone_identifier=MILESTONE,
        vesting_timestamp=moment(FIRST_SLOT),
    )
    return [allocation] * size


def opened(
    harness: ContractHarness,
    size: int,
    depth: int | None = None,
    *,
    oracle_count: int = 3,
    quorum: int = 2,
) -> tuple[Opened, SignedTransaction]:
    """Opens a distribution of `size` allocations; the creator pays, so that one key signs."""
    terms = schedule(
        harness,
        beneficiaries(harness, size),
        token=harness.token,
        oracle_count=oracle_count,
        quorum=quorum,
        page_depth=depth,
        creator="payer",
    )
    return open_distribution(harness, terms)


def attested(harness: ContractHarness, size: int, depth: int | None = None) -> Opened:
    """Opens a distribution and attests its only milestone."""
    return opened(harness, size, depth)[0].attest()[0]


def releases_of_one(harness: ContractHarness) -> list[Row]:
    """One claim at three depths."""
    rows = []
    for depth, target in ((3, 246_000), (7, 260_000), (10, 274_000)):
        _, signed = attested(harness, 1 << depth, depth).release([0])
        rows.append(row(f"release of 1, page depth {depth}", signed, target))
    return rows


def batch(harness: ContractHarness) -> tuple[Row, int]:
    """Forty neighbours at once, and what each costs beyond the first, in lovelace, rounded up."""
    later, one = attested(harness, 128, 7).release([127])
    _, many = later.release(range(40))
    further = -((one.fee_lovelace - many.fee_lovelace) // 39)
    return row("release of 40 neighbours", many), further


def most_claims(harness: ContractHarness) -> tuple[int, Row]:
    """How many claims fit into one transaction."""
    world = attested(harness, 256, 8)
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
    return fits, row("release of as many as fit", signed)


def attestations(harness: ContractHarness) -> list[Row]:
    """Attesting alone and along with a claim."""
    world, _ = opened(harness, 128)
    together = harness.send(world.release_draft([0], attesting=MILESTONE))
    _, alone = world.attest()
    larger, _ = opened(harness, 128, oracle_count=9, quorum=5)
    _, five = larger.attest()
    return [
        row("release of 1 and attest 2 of 3", together, 345_000),
        row("attest 2 of 3", alone, 260_000),
        row("attest 5 of 9", five, 300_000),
    ]


def openings(harness: ContractHarness) -> list[Row]:
    """The smallest and the largest opening, nothing published."""
    _, one = opened(harness, 128)
    _, sixteen = opened(harness, 16 << 12)
    return [
        row("open, 1 page", one, 270_000),
        row("open, 16 pages of 4,096", sixteen, 850_000),
    ]


def closing(harness: ContractHarness) -> Row:
    """Everything of a distribution: vault, terms, three attestations."""
    world, _ = opened(harness, 1)
    spare = [world.attest()[1].outputs[0] for _ in range(2)]
    paid, _ = world.attest()[0].release([0])
    closed = harness.send(paid.close_draft(also=spare))
    return row("close vault, terms, 3 attestations", closed, 300_000)


def deposits(harness: ContractHarness) -> dict[str, int]:
    """Lovelace that stays locked until the close, by UTxO."""
    world = attested(harness, 128)
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
    deposits_lovelace: dict[str, int]


def measure() -> Figures:
    """All figures."""
    harness = ContractHarness()
    harness.give(Value(1_000 * ADA))
    harness.publish()
    many, further = batch(harness)
    most, fullest = most_claims(harness)
    return Figures(
        rows=[
            *releases_of_one(harness),
            many,
            fullest,
            *attestations(harness),
            *openings(harness),
            closing(harness),
        ],
        further_claim_lovelace=further,
        most_claims=most,
        vault_bytes=len(harness.contract.vault_script.code),
        registry_bytes=len(harness.contract.registry_script.code),
        deposits_lovelace=deposits(harness),
    )


def table(figures: Figures) -> str:
    """The figures as Markdown."""
    lines = [
        "| transaction | bytes | memory | steps | fee (lovelace) | target | met |",
        "|---|---:|---:|---:|---:|---:|---|",
    ]
    for each in figures.rows:
        target = "" if each.target_lovelace is None else f"{each.target_lovelace:,}"
        lines.append(
            f"| {each.kind} | {each.size:,} | {each.memory:,} | {each.cpu:,} |"
            f" {each.fee_lovelace:,} | {target} | {each.met} |"
        )
    lines += ["", "| figure | measured | target | met |", "|---|---:|---:|---|"]
    bounds = (
        ("each further claim of a batch of 40 (lovelace)", figures.further_claim_lovelace, 10_500),
        ("size of `vault` (bytes)", figures.vault_bytes, 1_850),
        ("size of `registry` (bytes)", figures.registry_bytes, 2_500),
    )
    for name, measured, most in bounds:
        lines.append(f"| {name} | {measured:,} | {most:,} | {_met(measured, most)} |")
    enough = "yes" if figures.most_claims >= MOST_CLAIMS_TARGET else "no"
    lines.append(
        f"| claims in one transaction | {figures.most_claims} | {MOST_CLAIMS_TARGET} | {enough} |"
    )
    for name, amount in figures.deposits_lovelace.items():
        lines.append(f"| deposit: {name} (lovelace) | {amount:,} | | |")
    return "\n".join(lines)


def write() -> None:
    """Puts the table into docs/costs.md, between the two marks."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(TABLE_STARTS)
    _, _, after = rest.partition(TABLE_ENDS)
    page = f"{before}{TABLE_STARTS}\n{table(measure())}\n{TABLE_ENDS}{after}"
    PAGE.write_text(page, encoding="utf-8")


def _met(measured: int, most: int | None) -> str:
    if most is None:
        return ""
    return "yes" if measured <= most else f"no, {measured - most:+,}"


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
