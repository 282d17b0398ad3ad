"""A million allocations in one series: registered, opened, attested, claimed from, and the books of all of it.

    python benchmarks/series.py [--rows 1000000] [--claims 1000] [--json series.json]

Rows look like real ones (`rows`). The program registers them, opens every distribution on the embedded chain
with mainnet's parameters, attests one milestone wherever it lives, lets random relayers claim random
allocations one by one, and pays one page by batches. Prints every kind of fee, what each step took, and the
table of targets. It ends with an error where the books don't balance to the lovelace and to the token's last
unit, or where a single claim is dearer than 0.302 ADA.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, NamedTuple

from series_figures import (
    DEAREST_CLAIM_LOVELACE,
    Fees,
    Figures,
    Step,
    judged,
    markdown,
    plain_hashes_seconds,
    run,
    timed,
)

from milestones.cardano.address import Address
from milestones.cardano.bech32_blocks import encode_addresses
from milestones.errors import NotAllowedYet
from milestones.keys.key_files import SigningKey
from milestones.protocol.distribution import Distribution
from milestones.services.backend import Backend
from milestones.services.distribution.series import part_distribution, part_name, series_index
from milestones.services.paying.plan import Selection
from milestones.services.series import find_series
from milestones.services.submit_release import ReleaseReport, submit_release
from milestones.storage.series_files import SeriesFolder, SeriesPart
from milestones.testing.cast import ADA, ORACLES, key_of
from milestones.testing.world import World, open_world
from milestones.transactions.contract_drafts import publication_address

BLOCK: Final = 4_096
MILESTONES, TIMES = 12, 30
DAY_SECONDS: Final = 86_400
WITH_STAKING, REPEATED = 0.9, 0.05
"""Shares of the rows: addresses with a staking part, and people who have a row already."""
MEDIAN_AMOUNT, SPREAD = 50_000, 1.4
"""Of the log-normal amounts."""
ATTESTED: Final = "milestone-05"
RELAYERS: Final = 25
PROBES: Final = 200
"""Allocations that are looked up and proven for the clock."""


class Row(NamedTuple):
    """A row of the list; the time in POSIX seconds."""

    address: str
    amount: int
    milestone: str
    vests: int


def rows(count: int, seed: int = 1, *, until: int = 1_735_689_600) -> Iterator[Row]:
    """So many real-looking rows for a test network, always the same for a seed.

    Nine in ten have a staking part, one in twenty is of a person who has a row already; amounts are
    log-normal, and there are 12 milestones and 30 times, a day apart up to `until` (POSIX seconds).
    """
    chance, people = random.Random(seed), 0  # noqa: S311 - nothing is secret here
    salt = seed.to_bytes(8, "big")
    for start in range(0, count, BLOCK):
        raws, kinds = [], []
        for _ in range(min(BLOCK, count - start)):
            person = people
            if people and chance.random() < REPEATED:
                person = chance.randrange(people)
            else:
                people += 1
            keys = blake2b(salt + person.to_bytes(8, "big"), digest_size=57).digest()
            is_base = keys[56] < 256 * WITH_STAKING
            raws.append(b"\x00" + keys[:56] if is_base else b"\x60" + keys[:28])
            amount = 1 + round(MEDIAN_AMOUNT * chance.lognormvariate(0, SPREAD))
            milestone = f"milestone-{chance.randrange(MILESTONES):02}"
            kinds.append((amount, milestone, until - DAY_SECONDS * chance.randrange(TIMES)))
        for address, kind in zip(encode_addresses(raws), kinds, strict=True):
            yield Row(address, *kind)


def write_table(path: Path, count: int, seed: int = 1, *, until: int = 1_735_689_600) -> int:
    """Writes `rows` as a spreadsheet saves them; returns what all amounts add up to."""
    total = 0
    with path.open("w", encoding="utf-8") as file:
        file.write("address,amount,milestone,vests\n")
        for row in rows(count, seed, until=until):
            total += row.amount
            file.write(f"{row.address},{row.amount},{row.milestone},{row.vests}\n")
    return total


# -- the run


@dataclass
class Stage:
    """A series that is registered in a world, and what was found out so far."""

    world: World
    backend: Backend
    series: SeriesFolder
    figures: Figures
    chance: random.Random
    relayers: list[SigningKey]
    paid: Counter[tuple[int, int]] = field(default_factory=Counter)
    """Tokens by (part, index), of what was claimed."""

    def parts(self) -> Iterator[tuple[SeriesPart, Distribution]]:
        """Every distribution."""
        for part in self.series.record.distributions:
            yield part, part_distribution(self.backend, self.series, part)

    async def command(self, name: str, *arguments: str, key: str | None = None) -> Any:
        """A command on this series; its result."""
        root = self.series.record.series_root.hex()
        ran = await run(self.world, name, *arguments, "--series", root, key=key)
        self.figures.steps.append(ran.step)
        return ran.json


async def measure(
    count: int, claims: int, *, part_size: int | None = None, processes: int = 5, seed: int = 1
) -> Figures:
    """Everything, for so many rows; `processes` of the claims are processes of their own, for the clock.

    Ends with an error where the books don't balance.
    """
    figures = Figures(count, claims)
    with tempfile.TemporaryDirectory() as folder:
        async with open_world(Path(folder)) as world:
            root = await _registered(world, figures, part_size, seed)
            async with world.backend() as backend:
                series = find_series(backend, root)
                relayers = [key_of(f"relayer-{number}") for number in range(RELAYERS)]
                chance = random.Random(seed)  # noqa: S311 - see above
                stage = Stage(world, backend, series, figures, chance, relayers)
                _fund(stage)
                before = _held(stage)
                await _opened(stage)
                await _attested(stage)
                await _claimed(stage, processes)
                await _page_paid(stage)
                await _looked_at(stage)
                _balanced(stage, before)
                await _index(stage)
    judged(figures)
    return figures


async def _registered(world: World, figures: Figures, part_size: int | None, seed: int) -> str:
    with timed(figures, "write the table"):
        path = world.directory / "rows.csv"
        total = write_table(path, figures.rows, seed, until=world.now - DAY_SECONDS)
    world.pay(world.address("creator"), 10 * ADA, total)
    figures.books["promised_tokens"] = total
    await run(world, "init", "init", key="creator")
    oracles = ",".join(world.address(name).to_bech32() for name in ORACLES)
    ran = await run(
        world,
        "register-milestone",
        *("register-milestone", "--token-policy-id", world.token.policy_id.hex()),
        *("--token-name", "GRANT", "--beneficiary-allocations", path.name),
        *("--oracle-addresses", oracles, "--quorum-threshold", "2", "--order", "payout"),
        *(() if part_size is None else ("--part-size", str(part_size))),
        key="creator",
    )
    figures.steps.append(ran.step)
    figures.distributions = len(ran.json["distributions"])
    plain = plain_hashes_seconds(figures.rows)
    figures.steps.append(Step("a bare loop of as many hashes", plain, plain))
    root = str(ran.json["series_root"])
    found = find_series(world.workspace(), root)
    figures.index_mib = found.index_file.stat().st_size / 2**20
    return root


def _fund(stage: Stage) -> None:
    """Enough for every opening, and for what each relayer will claim."""
    world, figures = stage.world, stage.figures
    world.pay(world.address("creator"), 100 * figures.distributions * ADA)
    each = 50 + 4 * figures.claims // RELAYERS
    for key in stage.relayers:
        world.pay(key.address(0), each * ADA)
    # Whoever pays the page: 1.2 ADA a payment go to the beneficiary.
    world.pay(world.address("relayer"), 2 * BLOCK * ADA)


async def _opened(stage: Stage) -> None:
    published = await run(stage.world, "publish-script", "publish-script", "--wait", key="relayer")
    stage.figures.fees.append(_fees("publish-script", [published.json]))
    done = await stage.command("deploy", "deploy", "--wait", "--yes", key="creator")
    stage.figures.fees.append(_fees("opening", [each["result"] for each in done["parts"]]))


async def _attested(stage: Stage) -> None:
    about = ("--milestone-identifier", ATTESTED)
    when = ("--verification-timestamp", str(stage.world.now - 60))
    for oracle in ORACLES[:2]:
        signed = ("oracle", "sign", *about, *when, "--output", "signatures.json")
        await stage.command("oracle sign", *signed, key=oracle)
    kept = ("commit-milestone", *about, "--oracle-signatures", "signatures.json")
    await stage.command("commit-milestone", *kept)
    done = await stage.command("attest", "attest", *about, "--wait", key="stranger")
    stage.figures.attested_in = len(done["parts"])
    stage.figures.fees.append(_fees("attestation", [each["result"] for each in done["parts"]]))


async def _claimed(stage: Stage, processes: int) -> None:
    """Random allocations, one by one, each by one of the relayers."""
    chance, fees = stage.chance, list[int]()
    due = [
        (part, distribution, index)
        for part, distribution in stage.parts()
        if ATTESTED in distribution.allocations.milestones()
        for index in distribution.allocations.of_milestone(ATTESTED)
    ]
    chosen = chance.sample(due, min(stage.figures.claims, len(due)))
    for part, distribution, index in chosen[:processes]:
        ran = await run(
            stage.world,
            "single claim, its own process",
            *("submit-release", "--contract-address", part.contract_name),
            *("--beneficiary-index", str(index)),
            key="relayer",
        )
        stage.figures.steps.append(ran.step)
        stage.paid[part.part, index] = distribution.allocations[index].token_amount
        fees.append(ran.json["fee_estimate"])
    with timed(stage.figures, "single claims"):
        for part, distribution, index in chosen[processes:]:
            report = await _pay(stage, chance.choice(stage.relayers), part, (index,))
            _note(stage, part, distribution, report)
            fees += [each.fee_lovelace for each in report.transactions]
    stage.figures.fees.append(Fees.of("single claim", fees, len(fees)))


async def _page_paid(stage: Stage) -> None:
    """All that is left of the page that has most of the milestone, by batches."""
    pages = Counter[tuple[int, int]]()
    for part, distribution in stage.parts():
        for index in distribution.allocations.of_milestone(ATTESTED):
            page, _ = distribution.terms.paging.place_of(index)
            pages[part.part, page] += (part.part, index) not in stage.paid
    (number, page), _ = pages.most_common(1)[0]
    part, distribution = next(each for each in stage.parts() if each[0].part == number)
    left = tuple(
        index
        for index in distribution.allocations.of_milestone(ATTESTED)
        if distribution.terms.paging.place_of(index)[0] == page
        and (number, index) not in stage.paid
    )
    with timed(stage.figures, "one page by batches"):
        report = await _pay(stage, stage.world.keys["relayer"], part, left)
    _note(stage, part, distribution, report)
    fees = [each.fee_lovelace for each in report.transactions]
    stage.figures.fees.append(Fees.of("batch of neighbours", fees, len(left)))
    try:
        await _pay(stage, stage.relayers[0], part, left[:1])
    except NotAllowedYet as error:
        _must(error.rule == "claimed", error.message)
    else:
        raise SystemExit("an allocation was paid twice")


async def _pay(
    stage: Stage, key: SigningKey, part: SeriesPart, indices: tuple[int, ...]
) -> ReleaseReport:
    return await submit_release(
        stage.backend,
        contract_address=part_name(part),
        key=key,
        selection=Selection(indices=indices),
        wait=True,
    )


def _note(
    stage: Stage, part: SeriesPart, distribution: Distribution, report: ReleaseReport
) -> None:
    for each in report.paid:
        index = each.beneficiary_index
        stage.paid[part.part, index] += distribution.allocations[index].token_amount


def _fees(kind: str, results: Sequence[dict[str, Any]]) -> Fees:
    """Of results that have their transactions, or a single one."""
    fees = [
        int(each["fee_lovelace"])
        for result in results
        for each in result.get("transactions") or [{"fee_lovelace": result["fee_estimate"]}]
    ]
    return Fees.of(kind, fees)


async def _looked_at(stage: Stage) -> None:
    """Sums and proofs, as the program says them."""
    status = await stage.command("check-status", "check-status")
    _must(status["claimed_count"] == len(stage.paid), "check-status counts other claims")
    left = status["total_token_amount"] - status["remaining_token_amount"]
    _must(left == sum(stage.paid.values()), "check-status adds up to something else")
    verified = await stage.command("verify", "verify")
    _must(verified["verdict"] == "sound", f"verify says {verified['verdicts']}")


def _must(is_so: bool, otherwise: str) -> None:
    if not is_so:
        raise SystemExit(otherwise)


def _held(stage: Stage) -> dict[str, Counter[bytes]]:
    """Lovelace (under `b""`) and tokens that wallets, vaults and the like, and all others have."""
    world = stage.world
    names = ("creator", "relayer", "stranger")
    wallets = {key.address(0).to_bytes() for key in (*map(key_of, names), *stage.relayers)}
    published = publication_address(world.contract, 0).to_bytes()
    scripts = {script.hash() for script in world.contract.scripts}
    found: dict[str, Counter[bytes]] = {
        name: Counter() for name in ("wallets", "published", "locked", "others")
    }
    for output in world.devnet.chain.utxo.values():
        raw = output.address.raw
        where = "locked" if raw[1:29] in scripts else "others"
        where = "wallets" if raw in wallets else "published" if raw == published else where
        found[where][b""] += output.value.lovelace
        found[where][world.token.asset_name] += output.value.quantity(world.token)
    return found


def _balanced(stage: Stage, before: dict[str, Counter[bytes]]) -> None:
    """What was there is there still: in vaults, with beneficiaries, in wallets, or paid as fees."""
    after, token = _held(stage), stage.world.token.asset_name
    fees = sum(each.sum_lovelace for each in stage.figures.fees)
    moved = {name: after[name][b""] - before[name][b""] for name in after}
    books = stage.figures.books
    books |= {
        "vaults_tokens": after["locked"][token],
        "paid_tokens": after["others"][token] - before["others"][token],
        "spent_lovelace": -moved["wallets"],
        "fees_lovelace": fees,
        "deposits_lovelace": moved["locked"],
        "scripts_lovelace": moved["published"],
        "beneficiaries_lovelace": moved["others"],
    }
    owed = Counter[bytes]()
    for part, distribution in stage.parts():
        for number, index in stage.paid:
            if number == part.part:
                address = distribution.allocations.address_bytes(index)
                owed[address] += stage.paid[number, index]
    held = Counter[bytes]()
    for output in stage.world.devnet.chain.utxo.values():
        if output.address.raw in owed:
            held[output.address.raw] += output.value.quantity(stage.world.token)
    faults = {
        "somebody has not what is theirs": held != owed,
        "tokens": books["promised_tokens"] != books["vaults_tokens"] + books["paid_tokens"],
        "tokens that were paid": books["paid_tokens"] != sum(stage.paid.values()),
        "lovelace": sum(moved.values()) + fees != 0,
    }
    wrong = ", ".join(name for name, is_so in faults.items() if is_so)
    _must(not wrong, f"the books don't balance: {wrong}: {books}")


async def _index(stage: Stage) -> None:
    """Claims from the start of a process, found and proven out of the index, which is then made anew."""
    parts, chance = list(stage.parts()), stage.chance
    cold, warm = list[float](), list[float]()
    for _ in range(PROBES):
        part, distribution = chance.choice(parts)
        address = Address.from_bytes(
            distribution.allocations.address_bytes(chance.randrange(part.rows))
        )
        for workspace, seconds in ((stage.world.workspace(), cold), (stage.backend, warm)):
            started = time.perf_counter()
            looked = part_distribution(workspace, stage.series, part)
            index = looked.allocations.of_address(address)[0]
            _must(bool(looked.leaf(index) and looked.proof([index])), "there is no proof")
            seconds.append(time.perf_counter() - started)
            if workspace is not stage.backend:
                workspace.storage.series.close()
    steps = stage.figures.steps
    steps.append(Step("find and prove one, index opened", statistics.median(cold), 0))
    steps.append(Step("find and prove one, index open", statistics.median(warm), 0))
    stage.backend.storage.series.close()
    stage.series.index_file.unlink()
    with timed(stage.figures, "index made anew of the rows"):
        series_index(stage.world.workspace(), stage.series)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--claims", type=int, default=1_000)
    parser.add_argument("--part-size", type=int, help="allocations in a distribution")
    parser.add_argument(
        "--processes",
        type=int,
        default=5,
        help="claims that are processes of their own, for the clock",
    )
    parser.add_argument("--json", type=Path, help="write the figures there as well, as one object")
    options = parser.parse_args()
    figures = asyncio.run(
        measure(
            options.rows,
            options.claims,
            part_size=options.part_size,
            processes=options.processes,
        )
    )
    print(markdown(figures))
    if options.json:
        options.json.write_text(json.dumps(asdict(figures), indent=2), encoding="utf-8")
    dearest = figures.dearest("single claim")
    if dearest > DEAREST_CLAIM_LOVELACE:
        raise SystemExit(f"the dearest single claim took {dearest} lovelace")


if __name__ == "__main__":
    main()
