"""What a run over a series finds: fees by their kind, what steps take, targets and books."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Final

from figures import Block, Cell, Column, Table, Words, markdown

from milestones.cardano.hashes import blake2b_224
from milestones.testing.cast import ADA

DEAREST_CLAIM_LOVELACE: Final = 302_000
OPENING, ATTESTATION = "opening", "attestation"
SINGLE_CLAIM, BATCH = "single claim", "batch of neighbours"
BATCHES_A_BLOCK, BLOCKS_AN_HOUR = 5, 180
"""How many a block has room for, as `benchmarks/relay.py` measures; and blocks on the average."""
CLAIM_PROCESS: Final = "single claim, its own process"
FOUND_COLD, FOUND_WARM = "find and prove one, index opened", "find and prove one, index open"
MADE_ANEW, PLAIN = "index made anew of the rows", "a bare loop of as many hashes"


@dataclass(frozen=True)
class Fees:
    """The fees of the transactions of a kind, in lovelace; `payments` is how many they pay together."""

    kind: str
    transactions: int
    sum_lovelace: int
    least_lovelace: int
    median_lovelace: int
    dearest_lovelace: int
    payments: int = 0

    @property
    def mean_lovelace(self) -> float:
        """Of one transaction."""
        return self.sum_lovelace / self.transactions

    @classmethod
    def of(cls, kind: str, fees: Sequence[int], payments: int = 0) -> Fees:
        """Of the fee of each."""
        middle = round(statistics.median(fees))
        return cls(kind, len(fees), sum(fees), min(fees), middle, max(fees), payments)


@dataclass(frozen=True)
class Step:
    """What a step took: seconds by the clock and of processor, its process' peak in MiB (None: not its own)."""

    name: str
    wall_seconds: float
    cpu_seconds: float
    peak_mib: float | None = None


@dataclass(frozen=True)
class Target:
    """A row of the table of targets: what was wanted, and what this run reached."""

    what: str
    target: float
    reached: float
    unit: str

    @property
    def met(self) -> bool:
        """Whether it was."""
        return self.reached <= self.target


@dataclass
class Figures:
    """Everything that a run found. Amounts in lovelace and in the token's smallest unit."""

    rows: int
    claims: int
    distributions: int = 0
    attested_in: int = 0
    index_mib: float = 0.0
    seconds: float = 0.0
    measured_on: str = ""
    fees: list[Fees] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    books: dict[str, int] = field(default_factory=dict)

    @classmethod
    def load(cls, text: str) -> Figures:
        """The inverse of `dump`."""
        found = json.loads(text)
        fees = [Fees(**each) for each in found.pop("fees")]
        steps = [Step(**each) for each in found.pop("steps")]
        return cls(**found, fees=fees, steps=steps)

    def dump(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self), indent=1) + "\n"

    def step(self, name: str) -> Step:
        """The median of the steps of this name."""
        found = [each for each in self.steps if each.name == name]
        return sorted(found, key=lambda each: each.wall_seconds)[len(found) // 2]

    def of_kind(self, kind: str) -> Fees:
        """The fees of a kind."""
        return next(each for each in self.fees if each.kind == kind)

    def targets(self) -> list[Target]:
        """The targets of a series, and what this run reached."""
        registering, status = self.step("register-milestone"), self.step("check-status")
        claim, plain = self.step(CLAIM_PROCESS), self.step(PLAIN)
        dearest = self.of_kind(SINGLE_CLAIM).dearest_lovelace
        times = registering.cpu_seconds / plain.cpu_seconds
        cold, warm = (1_000 * self.step(each).wall_seconds for each in (FOUND_COLD, FOUND_WARM))
        return [
            Target(
                "register: processor time, beside a bare loop of as many hashes", 12, times, "times"
            ),
            Target("register: by the clock", 6, registering.wall_seconds, "s"),
            Target("register: most memory", 200, registering.peak_mib or 0, "MiB"),
            Target("the index", 100, self.index_mib, "MiB"),
            Target("find a beneficiary and prove a row, index opened for it", 10, cold, "ms"),
            Target("the same, index open", 2, warm, "ms"),
            Target("claim, from the process' start to accepted", 0.7, claim.wall_seconds, "s"),
            Target("check-status of all: by the clock", 0.6, status.wall_seconds, "s"),
            Target("check-status of all: most memory", 80, status.peak_mib or 0, "MiB"),
            Target("index made again of its rows", 8, self.step(MADE_ANEW).wall_seconds, "s"),
            Target("dearest single claim", DEAREST_CLAIM_LOVELACE / ADA, dearest / ADA, "ADA"),
        ]


@contextmanager
def timed(figures: Figures, name: str) -> Iterator[None]:
    """What a step in this process takes, the embedded chain's part in it included."""
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    figures.steps.append(Step(name, time.perf_counter() - wall, time.process_time() - cpu))


def plain_hashes_seconds(count: int) -> float:
    """Processor time of a bare loop that hashes so many leaves and as many nodes, which nothing can beat."""
    leaf, node, started = bytes(112), bytes(73), time.process_time()
    for _ in range(count):
        blake2b_224(leaf)
        blake2b_224(node)
    return time.process_time() - started


# -- as people read it


def blocks_of(figures: Figures) -> dict[str, list[Block]]:
    """The tables, by the names that the page has for their places."""
    claim, batch = figures.of_kind(SINGLE_CLAIM), figures.of_kind(BATCH)
    words = (
        f"{figures.rows:,} allocations in {figures.distributions} distributions; one milestone, attested in"
        f" {figures.attested_in} of them. {claim.transactions:,} random allocations were claimed one by one,"
        f" and {batch.payments:,} of one page by batches. All of {figures.books['promised_tokens']:,} tokens"
        " are in vaults or with those whose they are, and all lovelace that wallets have less is in the"
        " table of the books."
    )
    return {
        "fees": [Words(words), _fees(figures), _books(figures)],
        "plan": [_plan(figures)],
        "targets": [_targets(figures)],
        "steps": [_steps(figures)],
    }


def _fees(figures: Figures) -> Table:
    heads = ("sum", "least", "median", "dearest", "for each payment")
    columns = [Column("fees (ADA)", None), Column("transactions"), *(Column(h, 6) for h in heads)]
    rows = []
    for each in figures.fees:
        amounts = (
            *(each.sum_lovelace, each.least_lovelace),
            *(each.median_lovelace, each.dearest_lovelace),
        )
        payment = each.sum_lovelace / each.payments / ADA if each.payments else None
        rows.append([each.kind, each.transactions, *(one / ADA for one in amounts), payment])
    return Table(columns, rows)


def _books(figures: Figures) -> Table:
    rows: list[list[Cell]] = [
        [name.replace("_", " "), amount] for name, amount in figures.books.items()
    ]
    return Table([Column("the books", None), Column("")], rows)


def _plan(figures: Figures) -> Table:
    """What the measured batches come to where everybody is paid by such."""
    batch, attestation = figures.of_kind(BATCH), figures.of_kind(ATTESTATION)
    transactions = figures.rows * batch.transactions / batch.payments
    hours = transactions / BATCHES_A_BLOCK / BLOCKS_AN_HOUR
    single, deposits = figures.of_kind(SINGLE_CLAIM), figures.books["deposits_lovelace"]
    paid = single.payments + batch.payments
    kept = figures.rows * figures.books["beneficiaries_lovelace"] / paid
    alone = figures.rows * single.sum_lovelace / single.payments
    rows: list[list[Cell]] = [
        ["openings: fees (ADA)", figures.of_kind(OPENING).sum_lovelace / ADA],
        ["deposits until the close, one milestone attested (ADA)", deposits / ADA],
        ["attesting one milestone: fees (ADA)", attestation.sum_lovelace / ADA],
        ["paying everybody by batches: transactions", transactions],
        ["paying everybody by batches: fees (ADA)", transactions * batch.mean_lovelace / ADA],
        ["the same, each claimed alone: fees (ADA)", alone / ADA],
        ["ADA with the payouts, which beneficiaries keep", kept / ADA],
        ["paying by batches: hours of whole blocks", hours],
        ["paying by batches: hours of a quarter of each block", 4 * hours],
    ]
    heads = Column(f"{figures.rows:,} allocations", None), Column("", 1)
    return Table(heads, rows)


def _targets(figures: Figures) -> Table:
    columns = [Column(head, None) for head in ("", "wanted", "reached", "met")]
    rows = [
        [
            each.what,
            f"{each.target:g} {each.unit}",
            f"{each.reached:,.3g} {each.unit}",
            "yes" if each.met else "no",
        ]
        for each in figures.targets()
    ]
    return Table(columns, rows)


def _steps(figures: Figures) -> Table:
    columns = [
        *(Column("step", None), Column("s by the clock", 3)),
        *(Column("s of processor", 3), Column("most memory (MiB)")),
    ]
    rows = [
        [each.name, each.wall_seconds, each.cpu_seconds, each.peak_mib] for each in figures.steps
    ]
    return Table(columns, rows)


def words(figures: Figures) -> str:
    """All tables, each with a head."""
    return "\n\n".join(
        f"## {name}\n\n{markdown(blocks, '')}" for name, blocks in blocks_of(figures).items()
    )
