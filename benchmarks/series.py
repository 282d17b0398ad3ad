"""A million allocations in one series: registered, opened, attested, claimed from, and the books of all of it.

    python benchmarks/series.py [--rows 1000000] [--claims 1000] [--json series.json]

Rows look like real ones. The program registers them, opens every distribution on the embedded chain with
mainnet's parameters, attests one milestone wherever it lives, lets random relayers claim random allocations
one by one, and pays one page by batches. Prints every kind of fee, what each step took, and the table of
targets; `series_page.py` writes them into docs/scale.md. It ends with an error where the books don't balance to
the lovelace and to the token's last unit, or where a single claim is dearer than 0.302 ADA.
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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from processes import run as run_process
from series_figures import (
    ATTESTATION,
    BATCH,
    CLAIM_PROCESS,
    DEAREST_CLAIM_LOVELACE,
    FOUND_COLD,
    FOUND_WARM,
    MADE_ANEW,
    OPENING,
    PLAIN,
    SINGLE_CLAIM,
    Fees,
    Figures,
    Step,
    plain_hashes_seconds,
    timed,
    words,
)
from series_rows import BLOCK, DAY_SECONDS, write_table

from milestones.cardano.address import Address
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
from milestones.testing.processes import PROGRAM, program_environment
from milestones.testing.world import World, open_world
from milestones.transactions.contract_drafts import publication_address

ATTESTED: Final = "milestone-05"
RELAYERS: Final = 25
PROBES: Final = 200
"""Allocations that are looked up and proven for the clock."""


async def run(
    world: World, figures: Figures, name: str, *arguments: str, key: str | None = None
) -> Any:
    """A command of the program as a process of its own, which must succeed; its result."""
    settings = program_environment(**world.settings(key))
    command = (*PROGRAM, *arguments)
    ran = await asyncio.to_thread(run_process, command, world.directory, settings)
    figures.steps.append(Step(name, ran.wall_s, ran.busy_s, ran.peak_mib))
    return json.loads(ran.stdout) if ran.stdout.strip() else None


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
        return await run(self.world, self.figures, name, *arguments, "--series", root, key=key)


async def measure(
    count: int, claims: int, *, part_size: int | None = None, processes: int = 5, seed: int = 1
) -> Figures:
    """Everything, for so many rows; `processes` of the claims are processes of their own, for the clock.

    Ends with an error where the books don't balance.
    """
    figures, started = Figures(count, claims), time.perf_counter()
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
    figures.seconds = time.perf_counter() - started
    return figures


async def _registered(world: World, figures: Figures, part_size: int | None, seed: int) -> str:
    with timed(figures, "write the table"):
        path = world.directory / "rows.csv"
        total = write_table(path, figures.rows, seed, until=world.now - DAY_SECONDS)
    world.pay(world.address("creator"), 10 * ADA, total)
    figures.books["promised_tokens"] = total
    await run(world, figures, "init", "init", key="creator")
    oracles = ",".join(world.address(name).to_bech32() for name in ORACLES)
    found = await run(
        world,
        figures,
        "register-milestone",
        *("register-milestone", "--token-policy-id", world.token.policy_id.hex()),
        *("--token-name", "GRANT", "--beneficiary-allocations", path.name),
        *("--oracle-addresses", oracles, "--quorum-threshold", "2", "--order", "payout"),
        *(() if part_size is None else ("--part-size", str(part_size))),
        key="creator",
    )
    figures.distributions = len(found["distributions"])
    plain = plain_hashes_seconds(figures.rows)
    figures.steps.append(Step(PLAIN, plain, plain))
    root = str(found["series_root"])
    index_file = find_series(world.workspace(), root).index_file
    figures.index_mib = index_file.stat().st_size / 2**20
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
    name, figures = "publish-script", stage.figures
    published = await run(stage.world, figures, name, name, "--wait", key="relayer")
    figures.fees.append(_fees(name, [published]))
    done = await stage.command("deploy", "deploy", "--wait", "--yes", key="creator")
    figures.fees.append(_fees(OPENING, [each["result"] for each in done["parts"]]))


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
    stage.figures.fees.append(_fees(ATTESTATION, [each["result"] for each in done["parts"]]))


def _due(distribution: Distribution) -> list[int]:
    """The allocations of the milestone that is attested."""
    kinds = distribution.allocations.by_kind(ATTESTED).values()
    return sorted(index for indices in kinds for index in indices)


async def _claimed(stage: Stage, processes: int) -> None:
    """Random allocations, one by one, each by one of the relayers."""
    chance, fees = stage.chance, list[int]()
    due = [
        (part, distribution, index)
        for part, distribution in stage.parts()
        if ATTESTED in distribution.allocations.milestones()
        for index in _due(distribution)
    ]
    chosen = chance.sample(due, min(stage.figures.claims, len(due)))
    for part, distribution, index in chosen[:processes]:
        claimed = await run(
            stage.world,
            stage.figures,
            CLAIM_PROCESS,
            *("submit-release", "--contract-address", part.contract_name),
            *("--beneficiary-index", str(index)),
            key="relayer",
        )
        stage.paid[part.part, index] = distribution.allocations[index].token_amount
        fees.append(claimed["fee_estimate"])
    with timed(stage.figures, "single claims"):
        for part, distribution, index in chosen[processes:]:
            report = await _pay(stage, chance.choice(stage.relayers), part, (index,))
            _note(stage, part, distribution, report)
            fees += [each.fee_lovelace for each in report.transactions]
    stage.figures.fees.append(Fees.of(SINGLE_CLAIM, fees, len(fees)))


async def _page_paid(stage: Stage) -> None:
    """All that is left of the page that has most of the milestone, by batches."""
    pages = Counter[tuple[int, int]]()
    for part, distribution in stage.parts():
        for index in _due(distribution):
            page, _ = distribution.terms.paging.place_of(index)
            pages[part.part, page] += (part.part, index) not in stage.paid
    (number, page), _ = pages.most_common(1)[0]
    part, distribution = next(each for each in stage.parts() if each[0].part == number)
    left = tuple(
        index
        for index in _due(distribution)
        if distribution.terms.paging.place_of(index)[0] == page
        and (number, index) not in stage.paid
    )
    with timed(stage.figures, "one page by batches"):
        report = await _pay(stage, stage.world.keys["relayer"], part, left)
    _note(stage, part, distribution, report)
    fees = [each.fee_lovelace for each in report.transactions]
    stage.figures.fees.append(Fees.of(BATCH, fees, len(left)))
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
    steps.append(Step(FOUND_COLD, statistics.median(cold), 0))
    steps.append(Step(FOUND_WARM, statistics.median(warm), 0))
    stage.backend.storage.series.close()
    stage.series.index_file.unlink()
    with timed(stage.figures, MADE_ANEW):
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
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    options = parser.parse_args()
    figures = asyncio.run(
        measure(
            options.rows,
            options.claims,
            part_size=options.part_size,
            processes=options.processes,
        )
    )
    print(words(figures))
    if options.json:
        options.json.write_text(figures.dump(), encoding="utf-8")
    dearest = figures.of_kind(SINGLE_CLAIM).dearest_lovelace
    _must(dearest <= DEAREST_CLAIM_LOVELACE, f"the dearest single claim took {dearest} lovelace")


if __name__ == "__main__":
    main()
