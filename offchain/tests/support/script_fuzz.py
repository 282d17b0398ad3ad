"""Damaged scripts for the evaluator, which must end each in a result, soon, and keep nothing of them.

The scripts are the contract's, those of other tests, random programs, and, where the folder is named, those
of Plutus' conformance suite. `PYTHONPATH=offchain python -m tests.support.script_fuzz --count N` runs for as
long as that takes, and tells how many ended how, the slowest, and the memory.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

from milestones.cardano import cbor
from milestones.cardano.outputs import Script, ScriptLanguage
from milestones.cardano.parameters import ExecutionUnits
from milestones.devnet.ledger.parameters import PLUTUS_V1, PLUTUS_V2, PLUTUS_V3
from milestones.devnet.ledger.plutus import evaluate, is_well_formed
from milestones.devnet.ledger.plutus.data import encode_data
from milestones.devnet.ledger.plutus.functions_crypto import UnsupportedFunction
from milestones.devnet.ledger.plutus.terms import is_available
from milestones.protocol.validator_loader import load_contract
from tests.support.fuzzing import REPORT_EVERY, Damage, Report
from tests.support.ledger_fuzz import memory_kib
from tests.support.plutus_terms import lam, program
from tests.support.random_programs import DATA, Programs
from tests.support.random_scripts import LOCKS

MODELS: Final = {"plutus:v1": PLUTUS_V1, "plutus:v2": PLUTUS_V2, "plutus:v3": PLUTUS_V3}
LANGUAGES: Final[tuple[ScriptLanguage, ...]] = ("plutus:v1", "plutus:v2", "plutus:v3")
CONFORMANCE: Final = "MILESTONES_PLUTUS_CONFORMANCE"
BUDGETS: Final = (ExecutionUnits(3_000, 3_000_000), ExecutionUnits(200_000, 100_000_000))
"""Small ones: some dozens and some thousands of steps."""
LARGE: Final = 0.01
"""The contract's share, whose scripts take a hundred times as long to read as the others."""


class Scripts:
    """Programs in flat, to be damaged."""

    def __init__(self, random: Random) -> None:
        self._damage = Damage(random.randrange(1 << 32))
        self._random = random
        contract = load_contract()
        self._large = [_flat(contract.vault_script.code), _flat(contract.registry_script.code)]
        self._small = [_flat(lock.code) for lock in LOCKS.values() if lock.is_plutus]
        self._small += _conformance()
        self._programs = Programs(
            random, lambda tag: is_available(tag, "plutus:v3", 11), newer=True
        )

    def one(self) -> bytes:
        """A script's code, with something wrong in it, mostly."""
        random = self._random
        if random.random() < LARGE:
            flat = random.choice(self._large)
        elif random.random() < 0.5:
            flat = random.choice(self._small)
        else:
            flat = program(lam(self._programs.term(self._programs.kind(), [DATA], 3)))
        if random.random() < 0.9:
            flat = self._damaged(flat)
        code = cbor.encode_bytes(flat)
        return self._damage.of_bytes(code) if random.random() < 0.02 else code

    def _damaged(self, flat: bytes) -> bytes:
        """Mostly a few bits, behind the version: what is cut or moved is rarely a program any more."""
        if self._random.random() < 0.2:
            return self._damage.of_bytes(flat)
        changed = bytearray(flat)
        for _ in range(self._random.randint(1, 3)):
            at = self._random.randrange(min(3, len(changed) - 1), len(changed))
            changed[at] ^= 1 << self._random.randrange(8)
        return bytes(changed)

    def arguments(self) -> list[bytes]:
        """Data for a script to look at."""
        count = self._random.choice((0, 1, 1, 2, 3))
        return [encode_data(self._programs.constant(DATA)) for _ in range(count)]


def _flat(code: bytes) -> bytes:
    return cbor.read(code).bytes()


def _conformance() -> list[bytes]:
    if CONFORMANCE not in os.environ:
        return []
    lines = (Path(os.environ[CONFORMANCE]) / "programs.jsonl").read_text().splitlines()
    return [bytes.fromhex(json.loads(line)["flat"]) for line in lines]


def outcome(script: Script, arguments: list[bytes], budget: ExecutionUnits, version: int) -> str:
    """How a script ends; raises what should never happen."""
    try:
        result = evaluate(script, arguments, MODELS[script.language], budget, version)
    except UnsupportedFunction:
        return "not supported"
    assert (result.failure == "malformed") is not is_well_formed(script, version)
    assert bool(result.failure) is bool(result.reason)
    return result.failure or "succeeded"


def _shown(script: Script) -> str:
    return f"{script.language} {script.code.hex()}"


def fuzz(seed: int, count: int) -> Report:
    """Runs `count` scripts."""
    random = Random(seed)  # noqa: S311 - repeatable on purpose
    scripts, report = Scripts(random), Report()
    for number in range(count):
        if number % REPORT_EVERY == 0:
            report.memory.append(resident_kib())
        language, version = random.choice(LANGUAGES), random.choice((10, 11))
        script, arguments = Script(language, scripts.one()), scripts.arguments()
        budget = random.choice(BUDGETS)
        try:
            report.note(
                partial(outcome, script, arguments, budget, version), partial(_shown, script)
            )
        except Exception:
            _tell(f"seed {seed}, script {number}: {language} {version} {script.code.hex()}")
            raise
    report.memory.append(resident_kib())
    return report


def resident_kib() -> int:
    """The memory this process has; the most that it had, where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return memory_kib()
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


def main() -> None:
    parser = argparse.ArgumentParser(description="runs damaged scripts")
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    options = parser.parse_args()
    started = time.monotonic()
    report = fuzz(options.seed, options.count)
    _tell(f"seed {options.seed}: {options.count} scripts in {time.monotonic() - started:.0f} s")
    for kind, times in report.outcomes.most_common():
        _tell(f"{times:>10}  {kind}")
    _tell(f"slowest: {report.slowest_s:.3f} s, {report.slowest[:200]}")
    _tell(f"memory in KiB, at the start and after each {REPORT_EVERY}: {report.memory}")


def _tell(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    main()
