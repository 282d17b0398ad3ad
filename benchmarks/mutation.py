"""Mutation testing of the contract: `python benchmarks/mutation.py` prints the score.

Every mutant of `mutants.py` is built in a copy of the contract, and has to be found: by offchain/tests/
contract, whose every script context it must answer as the contract does (see `battery.py`) or, where it
does, by a failing test of the contract's own (`aiken check`). What both let pass must stand in
docs/validators/mutants.md with the reason why no transaction tells it from the contract. Needs Aiken
1.1.24 on the path or in `$AIKEN`.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from battery import Battery, recorded
from mutants import Mutant, mutants

from milestones.cardano.outputs import Script

ROOT: Final = Path(__file__).resolve().parents[1]
CONTRACT: Final = ROOT / "contracts"
EQUIVALENT: Final = ROOT / "docs" / "validators" / "mutants.md"
COMPILER: Final = os.environ.get("AIKEN", "aiken")
BUILD: Final = (COMPILER, "build", "--silent", "--trace-level", "silent")
"""Without `--deny`: a mutant may have what the compiler warns of."""
LONGEST_S: Final = 900
"""Seconds that a suite may take: a mutant that loops is found by that."""

NEAR: Final = {
    "lib/authority.ak": ("registry/attest_silent", "board/"),
    "lib/quorum.ak": ("registry/attest_board", "board/rotate", "board/object", "registry/"),
    "lib/signed_message.ak": ("signed_message.",),
    "lib/tree.ak": ("tree.", "vault/release.releases", "registry/open.opens"),
    "lib/vault/close.ak": ("vault/close.",),
    "lib/vault/holdings.ak": ("vault/release.releases", "vault/"),
    "lib/vault/payouts.ak": ("vault/release.releases", "vault/"),
    "lib/vault/release.ak": ("vault/release.releases", "vault/"),
    "lib/registry/attest.ak": ("registry/attest",),
    "lib/registry/burn.ak": ("registry/burn.",),
    "lib/registry/open.ak": ("registry/open.opens", "registry/open"),
    "lib/board/birth.ak": ("board/birth.births", "board/birth"),
    "lib/board/bond.ak": ("board/retire", "board/confirm", "board/object"),
    "lib/board/confirm.ak": ("board/confirm.confirms", "board/confirm"),
    "lib/board/end.ak": ("board/end.ends", "board/end_home.returns", "board/end"),
    "lib/board/notify.ak": ("board/notify.notifies", "board/notify"),
    "lib/board/object.ak": ("board/object.objects", "board/object"),
    "lib/board/own_input.ak": ("board/retire", "board/rotate"),
    "lib/board/propose.ak": ("board/propose.proposes", "board/propose"),
    "lib/board/retire.ak": ("board/retire.retires", "board/retire"),
    "lib/board/rotate.ak": ("board/rotate.rotates", "board/rotate"),
    "validators/board.ak": ("board.",),
    "validators/registry.ak": ("registry.",),
    "validators/vault.ak": ("vault.",),
}
"""Which of the contract's own tests find most mutants of a file, in the order in which they are tried."""

AIKEN: Final = "contract's own tests"
PYTHON: Final = "attack suite"
SURVIVED: Final = "survived"
UNBUILT: Final = ("does not compile", "same scripts")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a mutant: the suites that found it, or why there was nothing to find."""

    mutant: Mutant
    outcome: str


class Workshop:
    """A copy of the contract in a folder of its own, where mutants are built and tried."""

    def __init__(self, folder: Path, suites: str, battery: Battery | None) -> None:
        self._folder, self._suites, self._battery = folder, suites, battery
        self._blueprint = folder / "plutus.json"
        for name in ("aiken.toml", "aiken.lock"):
            shutil.copy(CONTRACT / name, folder / name)
        for name in ("lib", "validators"):
            shutil.copytree(CONTRACT / name, folder / name)

    def judge(self, mutant: Mutant) -> Verdict:
        """Builds the mutant and runs the suites on it."""
        (self._folder / mutant.path).write_text(mutant.source, encoding="utf-8")
        return Verdict(mutant, self._outcome(mutant))

    def _outcome(self, mutant: Mutant) -> str:
        if not self._run((*BUILD, "--out", str(self._blueprint))):
            return UNBUILT[0]
        changed = _changed(self._blueprint)
        if not changed:
            return UNBUILT[1]
        found = []
        if self._battery is not None and self._battery.finds(changed):
            found.append(PYTHON)
        if self._suites != "attacks" and (self._suites != "first" or not found):
            found += [AIKEN] if self._found_by_aiken(mutant) else []
        return " and ".join(found) or SURVIVED

    def _found_by_aiken(self, mutant: Mutant) -> bool:
        """The tests that are near first: the compiler takes its time for each that it shall run."""
        check = (COMPILER, "check", "--silent", "--trace-level", "silent")
        near = NEAR.get(
            mutant.path, ("vault/release.releases", "registry/open.opens", "vault/", "registry/")
        )
        return any(not self._run((*check, "--match-tests", tests)) for tests in near) or (
            not self._run(check)
        )

    def _run(self, command: tuple[str, ...]) -> bool:
        try:
            done = subprocess.run(
                command, cwd=self._folder, capture_output=True, timeout=LONGEST_S, check=False
            )
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0


def _changed(blueprint: Path) -> dict[str, Script]:
    """The scripts that are others than the contract's, by name."""
    known, found = _codes(CONTRACT / "compiled" / "plutus.json"), _codes(blueprint)
    return {
        name: Script("plutus:v3", bytes.fromhex(code))
        for name, code in found.items()
        if known[name] != code
    }


def _codes(blueprint: Path) -> dict[str, str]:
    validators = json.loads(blueprint.read_text(encoding="utf-8"))["validators"]
    return {entry["title"].split(".")[0]: entry["compiledCode"] for entry in validators}


def equivalents() -> set[str]:
    """The mutants in the table, as `Mutant.key` has them."""
    rows = re.findall(
        r"^\| `(\S+)` \| `(\w+)` \| (.+?) \| .+ \|$", EQUIVALENT.read_text(encoding="utf-8"), re.M
    )
    return {" | ".join(row) for row in rows}


_BATTERIES: Final[list[Battery | None]] = []
"""The battery, for processes that are forked once it is there."""


def _judged(mutant: Mutant, suites: str) -> Verdict:
    with tempfile.TemporaryDirectory() as folder:
        return Workshop(Path(folder), suites, _BATTERIES[0]).judge(mutant)


def trial(
    chosen: list[Mutant], battery: Battery | None, *, jobs: int, suites: str
) -> Iterator[Verdict]:
    """Judges mutants, `jobs` at a time, by the suites that `--suites` names."""
    _BATTERIES[:] = [battery]
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(jobs, mp_context=fork) as pool:
        for future in as_completed([pool.submit(_judged, mutant, suites) for mutant in chosen]):
            yield future.result()


def main() -> int:
    """Prints what survived, and the score; 0 where that is every mutant that can be told apart."""
    options = _options()
    os.nice(10)
    battery = None if options.suites == "contract" else recorded()
    if battery is not None:
        print(f"{len(battery)} script contexts, {battery.accepted} of them accepted", flush=True)
    known = equivalents()
    chosen = [mutant for mutant in mutants(CONTRACT) if options.only in mutant.key]
    outcomes: Counter[str] = Counter()
    survivors: set[str] = set()
    verdicts = trial(chosen, battery, jobs=options.jobs, suites=options.suites)
    for number, verdict in enumerate(verdicts, 1):
        outcomes[verdict.outcome] += 1
        if verdict.outcome == SURVIVED:
            survivors.add(verdict.mutant.key)
        if options.verbose or (verdict.outcome == SURVIVED and verdict.mutant.key not in known):
            print(f"{number}/{len(chosen)} {verdict.outcome}: {verdict.mutant.key}", flush=True)
    stale = {key for key in known if options.only in key} - survivors
    for key in sorted(stale):
        print(f"in the table, but no survivor: {key}")
    return _report(outcomes, survivors & known, survivors - known, stale)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="mutants at a time")
    parser.add_argument(
        "--suites",
        default="first",
        choices=("first", "contract", "attacks", "each"),
        help="the attacks, then the contract's own tests on what these let pass; one of them; or each",
    )
    parser.add_argument("--only", default="", help="mutants with this text in their name")
    parser.add_argument("--verbose", action="store_true", help="a line for every mutant")
    return parser.parse_args()


def _report(outcomes: Counter[str], same: set[str], missed: set[str], stale: set[str]) -> int:
    for outcome, count in sorted(outcomes.items()):
        print(f"{count:5} {outcome}")
    total = sum(count for outcome, count in outcomes.items() if outcome not in UNBUILT)
    worth = total - len(same)
    killed = worth - len(missed)
    print(f"{len(same):5} of these survivors are equivalent: docs/validators/mutants.md")
    print(f"score: {killed} of {worth} killed, {100 * killed / max(worth, 1):.1f}%")
    return 1 if missed or stale else 0


if __name__ == "__main__":
    sys.exit(main())
