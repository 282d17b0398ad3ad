"""Mutation testing of the contract: `python benchmarks/mutation.py` prints the score.

Every mutant of `mutants.py` is built in a copy of the contract, and has to be found by a failing test:
one of the contract's own (`aiken check`) or, where these pass, one of offchain/tests/contract on the
scripts that were built. What both let pass must stand in docs/validators/mutants.md with the reason why
no transaction tells it from the contract. Needs Aiken 1.1.24 on the path or in `$AIKEN`.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
import workbench  # noqa: F401  (imported once here, so that no suite spends its time on it)
from mutants import Mutant, mutants

ROOT: Final = Path(__file__).resolve().parents[1]
CONTRACT: Final = ROOT / "contracts"
EQUIVALENT: Final = ROOT / "docs" / "validators" / "mutants.md"
ATTACKS: Final = ROOT / "offchain" / "tests" / "contract"
NO_ATTACKS: Final = ("test_costs.py", "test_model.py")
"""What mutants cost is no crime; and chance must have no part in the score."""
COMPILER: Final = os.environ.get("AIKEN", "aiken")
BUILD: Final = (COMPILER, "build", "--silent", "--trace-level", "silent")
"""Without `--deny`: a mutant may have what the compiler warns of."""
LONGEST_S: Final = 300
"""Seconds that a suite may take: a mutant that loops is found by that."""

NEAR: Final = {
    "lib/tree.ak": ("tree.", "vault.releases", "registry.opens"),
    "lib/vault/close.ak": ("vault.close",),
    "lib/vault/payouts.ak": ("vault.releases", "vault."),
    "lib/vault/purse.ak": ("vault.releases", "vault."),
    "lib/vault/release.ak": ("vault.releases", "vault."),
    "lib/registry/attest.ak": ("registry.attest",),
    "lib/registry/burn.ak": ("registry.burn",),
    "lib/registry/open.ak": ("registry.opens", "registry.open"),
    "lib/registry/signed_message.ak": ("registry/signed_message.",),
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

    def __init__(self, folder: Path, suites: str) -> None:
        self._folder, self._suites = folder, suites
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
        if not self._builds():
            return UNBUILT[0]
        if _hashes(self._blueprint) == _hashes(CONTRACT / "compiled" / "plutus.json"):
            return UNBUILT[1]
        found = []
        if self._suites != "attacks" and self._found_by_aiken(mutant):
            found.append(AIKEN)
        if self._suites != "contract" and (self._suites != "first" or not found):
            found += [PYTHON] if self._found_by_python(mutant) else []
        return " and ".join(found) or SURVIVED

    def _builds(self) -> bool:
        return self._run((*BUILD, "--out", str(self._blueprint)))

    def _built_for_each_other(self) -> bool:
        """The second pass of contracts/build.sh: a registry that knows the vault of the first pass."""
        known, found = _hashes(CONTRACT / "compiled" / "plutus.json"), _hashes(self._blueprint)
        config = self._folder / "aiken.toml"
        text = config.read_text(encoding="utf-8")
        config.write_text(text.replace(known["vault"], found["vault"]), encoding="utf-8")
        return known["vault"] == found["vault"] or self._builds()

    def _found_by_aiken(self, mutant: Mutant) -> bool:
        """The tests that are near first: the compiler takes its time for each that it shall run."""
        check = (COMPILER, "check", "--silent", "--trace-level", "silent")
        near = NEAR.get(mutant.path, ("vault.releases", "registry.opens", "vault.", "registry."))
        return any(not self._run((*check, "--match-tests", tests)) for tests in near) or (
            not self._run(check)
        )

    def _found_by_python(self, mutant: Mutant) -> bool:
        os.environ["MILESTONES_BLUEPRINT"] = str(self._blueprint)
        return not self._built_for_each_other() or not finishes_well(
            lambda: suite(Path(mutant.path).stem)
        )

    def _run(self, command: tuple[str, ...]) -> bool:
        try:
            done = subprocess.run(
                command, cwd=self._folder, capture_output=True, timeout=LONGEST_S, check=False
            )
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0


def suite(near: str = "") -> int:
    """Runs the attacks until the first that works; 0 where none does. Files named `near` come first."""
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
        os.dup2(nowhere.fileno(), sys.stderr.fileno())
        files = [path for path in ATTACKS.glob("test_*.py") if path.name not in NO_ATTACKS]
        ordered = sorted(files, key=lambda path: (near not in path.name, path.name))
        options = ("-x", "-q", "-p", "no:cacheprovider", "--tb=no", f"--rootdir={ROOT}")
        return int(pytest.main([*options, *map(str, ordered)]))


def finishes_well(work: Callable[[], int]) -> bool:
    """Whether it gives 0, in a process of its own that begins with everything imported, and in time."""
    child = os.fork()
    if child == 0:
        os._exit(work())
    deadline = time.monotonic() + LONGEST_S
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def _hashes(blueprint: Path) -> dict[str, str]:
    validators = json.loads(blueprint.read_text(encoding="utf-8"))["validators"]
    return {entry["title"].split(".")[0]: entry["hash"] for entry in validators}


def equivalents() -> set[str]:
    """The mutants in the table, as `Mutant.key` has them."""
    rows = re.findall(
        r"^\| `(\S+)` \| `(\w+)` \| (.+?) \| .+ \|$", EQUIVALENT.read_text(encoding="utf-8"), re.M
    )
    return {" | ".join(row) for row in rows}


def _judged(mutant: Mutant, suites: str) -> Verdict:
    with tempfile.TemporaryDirectory() as folder:
        return Workshop(Path(folder), suites).judge(mutant)


def trial(chosen: list[Mutant], jobs: int, suites: str) -> Iterator[Verdict]:
    """Judges mutants, `jobs` at a time, by the suites that `--suites` names."""
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(jobs, mp_context=fork) as pool:
        for future in as_completed([pool.submit(_judged, mutant, suites) for mutant in chosen]):
            yield future.result()


def main() -> int:
    """Prints what survived, and the score; 0 where that is every mutant that can be told apart."""
    options = _options()
    os.nice(10)
    if not finishes_well(suite):
        print("the attack suite fails on the contract as it is: no score", file=sys.stderr)
        return 2
    known = equivalents()
    chosen = [mutant for mutant in mutants(CONTRACT) if options.only in mutant.key]
    outcomes: Counter[str] = Counter()
    survivors: set[str] = set()
    for number, verdict in enumerate(trial(chosen, options.jobs, options.suites), 1):
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
        help="the contract's own tests, then the attacks on what these let pass; one of them; or each",
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
