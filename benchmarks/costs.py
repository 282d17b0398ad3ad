"""What every kind of transaction costs: size, execution units, fee, beside the targets of the design.

Run with `make bench-costs`; `--json` prints one object instead of the tables in docs/costs.md.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass

from workbench import Opened, Workbench

from milestones.cardano.outputs import Utxo
from milestones.errors import LimitsExceeded
from milestones.transactions.tx_builder import SignedTransaction

MOST_CLAIMS_TARGET = 120


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


@dataclass(frozen=True)
class Attested:
    """A distribution whose only milestone is attested."""

    opened: Opened
    attestation: Utxo


def attested(bench: Workbench, size: int, depth: int | None = None) -> Attested:
    """Opens and attests, and leaves a wallet of lovelace alone."""
    opened, _ = bench.open(size, depth=depth)
    attestation, _ = bench.attest(opened)
    bench.ada_only()
    return Attested(opened, attestation)


def releases_of_one(bench: Workbench) -> list[Row]:
    """One claim at three depths."""
    rows = []
    for depth, target in ((3, 246_000), (7, 260_000), (10, 274_000)):
        world = attested(bench, 1 << depth, depth)
        signed = bench.release(world.opened, [0], attestation=world.attestation)
        rows.append(row(f"release of 1, page depth {depth}", signed, target))
    return rows


def batch(bench: Workbench) -> tuple[Row, int]:
    """Forty neighbours at once, and what each costs beyond the first, in lovelace, rounded up."""
    world = attested(bench, 128, 7)
    one = bench.release(world.opened, [127], attestation=world.attestation)
    many = bench.release(
        world.opened, list(range(40)), vault=one.outputs[0], attestation=world.attestation
    )
    further = -((one.fee_lovelace - many.fee_lovelace) // 39)
    return row("release of 40 neighbours", many), further


def most_claims(bench: Workbench) -> tuple[int, Row]:
    """How many claims fit into one transaction."""
    world = attested(bench, 256, 8)
    snapshot, wallet = bench.chain.snapshot(), bench.wallet
    for count in range(256, 0, -1):
        try:
            signed = bench.release(world.opened, list(range(count)), attestation=world.attestation)
        except LimitsExceeded:
            continue
        bench.chain.revert(snapshot)
        bench.wallet = wallet
        return count, row("release of as many as fit", signed)
    raise RuntimeError("not even one claim fits")


def attestations(bench: Workbench) -> list[Row]:
    """Attesting alone and along with a claim."""
    opened, _ = bench.open(128)
    bench.ada_only()
    together = bench.release(opened, [0])
    _, alone = bench.attest(opened)
    larger, _ = bench.open(128, oracles=9, quorum=5)
    bench.ada_only()
    _, five = bench.attest(larger)
    return [
        row("release of 1 and attest 2 of 3", together, 345_000),
        row("attest 2 of 3", alone, 260_000),
        row("attest 5 of 9", five, 300_000),
    ]


def openings(bench: Workbench) -> list[Row]:
    """The smallest and the largest opening, nothing published."""
    _, one = bench.open(128)
    _, sixteen = bench.open(16 << 12)
    return [
        row("open, 1 page", one, 270_000),
        row("open, 16 pages of 4,096", sixteen, 850_000),
    ]


def closing(bench: Workbench) -> Row:
    """Everything of a distribution: vault, terms, three attestations."""
    opened, _ = bench.open(1)
    places = [bench.attest(opened)[0] for _ in range(3)]
    bench.ada_only()
    paid = bench.release(opened, [0], attestation=places[0])
    closed = bench.close(opened, (paid.outputs[0],), tuple(places))
    return row("close vault, terms, 3 attestations", closed, 300_000)


def deposits(bench: Workbench) -> dict[str, int]:
    """Lovelace that stays locked until the close, by UTxO."""
    opened, _ = bench.open(128)
    attestation, _ = bench.attest(opened)
    return {
        "terms (3 oracles)": opened.terms.output.value.lovelace,
        "vault (depth 7)": opened.vaults[0].output.value.lovelace,
        "attestation": attestation.output.value.lovelace,
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
    bench = Workbench()
    many, further = batch(bench)
    most, fullest = most_claims(bench)
    return Figures(
        rows=[
            *releases_of_one(bench),
            many,
            fullest,
            *attestations(bench),
            *openings(bench),
            closing(bench),
        ],
        further_claim_lovelace=further,
        most_claims=most,
        vault_bytes=len(bench.contract.vault_script.code),
        registry_bytes=len(bench.contract.registry_script.code),
        deposits_lovelace=deposits(bench),
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


def _met(measured: int, most: int | None) -> str:
    if most is None:
        return ""
    return "yes" if measured <= most else f"no, {measured - most:+,}"


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    figures = measure()
    if parser.parse_args().json:
        print(json.dumps(asdict(figures), indent=2))
    else:
        print(table(figures))


if __name__ == "__main__":
    main()
