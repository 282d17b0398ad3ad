"""Random programs through two evaluators: ours at protocol version 10, and Aiken's, which charges so.

Both run each program inside the same small script, which drops what a transaction passes to it. Compared
are verdict, units and logs. `PYTHONPATH=offchain python -m tests.support.evaluator_comparison --count N`.
"""

from __future__ import annotations

import argparse
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from random import Random
from subprocess import PIPE, Popen
from typing import Final

import cbor2

from milestones.cardano import cbor
from milestones.cardano.outputs import Script, ScriptLanguage
from milestones.cardano.parameters import ExecutionUnits
from milestones.devnet.ledger.parameters import PLUTUS_V1, PLUTUS_V2, PLUTUS_V3
from milestones.devnet.ledger.plutus import Result, evaluate
from milestones.devnet.ledger.plutus.errors import LONGEST_CAUSE
from milestones.devnet.ledger.plutus.terms import is_available
from tests.support import native_evaluator
from tests.support.plutus_terms import ERROR, UNIT, Term, application, lam, program
from tests.support.random_programs import Programs

PROTOCOL: Final = 10
MODELS: Final = {
    "plutus:v1": PLUTUS_V1[:166],
    "plutus:v2": PLUTUS_V2[:185],
    "plutus:v3": PLUTUS_V3[:297],
}
LANGUAGES: Final[tuple[ScriptLanguage, ...]] = ("plutus:v1", "plutus:v2", "plutus:v3")
BUDGET: Final = ExecutionUnits(1_000_000, 1_000_000_000)
"""A tenth of a transaction's, or less: texts that double can be traced often, and the library copies them."""
ZERO: Final = b"\x00"
MOST_BYTES: Final = 4 << 30
"""Memory of a process that compares."""
LONGEST_S: Final = 60
"""Seconds that one program may take."""


@dataclass(frozen=True)
class Outcome:
    """What the library says: units where a script succeeded, what was logged where it failed and told."""

    units: ExecutionUnits | None
    logs: tuple[str, ...] | None = ()
    reason: str = ""


def theirs(script: Script, budget: ExecutionUnits) -> Outcome:
    """The library's outcome of a script that mints; to be called on a deep stack."""
    language = LANGUAGES.index(script.language)
    body = {0: [[bytes(32), 0]], 1: [], 2: 0, 9: {script.hash(): {b"": 1}}}
    witnesses = {(3, 6, 7)[language]: [script.code], 5: [[1, 0, 0, [0, 0]]]}
    answer = native_evaluator.call(
        "eval_phase_two",
        cbor2.dumps([body, witnesses, True, None]).hex().encode(),
        cbor2.dumps([[bytes(32), 0]]).hex().encode(),
        cbor2.dumps([[b"\x60" + bytes(28), 1_000_000]]).hex().encode(),
        _models(language),
        native_evaluator.Budget(budget.memory, budget.cpu),
        native_evaluator.SlotConfig(1000, 0, 0),
    )
    if answer["status"] == "SUCCESS":
        ((_, _, _, units),) = cbor2.loads(bytes.fromhex(answer["redeemer_cbor"]))
        return Outcome(ExecutionUnits(*units))
    error = str(answer["error"])
    if error.startswith("FATAL"):
        # It panics at the price of a list of the wrong type.
        return Outcome(None, None, error)
    found = re.search(r"Machine\((.*), ExBudget \{[^}]*\}, \[(.*)\]\) \}$", error, re.DOTALL)
    assert found is not None, error
    quoted = re.findall(r'"((?:[^"\\]|\\.)*)"', found[2], re.DOTALL)
    return Outcome(None, tuple(map(_unescaped, quoted)), found[1])


@lru_cache
def _models(language: int) -> bytes:
    return cbor2.dumps({language: list(MODELS[LANGUAGES[language]])}).hex().encode()


def _unescaped(text: str) -> str:
    """Undoes the escapes of Rust's `{:?}`."""
    simple = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}

    def one(match: re.Match[str]) -> str:
        return chr(int(match[1], 16)) if match[1] else simple.get(match[2], match[2])

    return re.sub(r"\\(?:u\{([0-9a-f]+)\}|(.))", one, text, flags=re.DOTALL)


def ours(script: Script, budget: ExecutionUnits) -> Result:
    """Our result of the same script."""
    count = 1 if script.language == "plutus:v3" else 2
    return evaluate(script, [ZERO] * count, MODELS[script.language], budget, PROTOCOL)


def script_of(language: ScriptLanguage, term: Term, end: Term = UNIT) -> Script:
    """A script that drops its arguments, evaluates a term, drops that, too, and ends."""
    body = lam(application(lam(end), term))
    newer = language == "plutus:v3"
    flat = program(body if newer else lam(body), (1, 1, 0) if newer else (1, 0, 0))
    return Script(language, cbor.encode_bytes(flat))


def compare(script: Script, budget: ExecutionUnits = BUDGET) -> str:
    """How both end; an assertion where they differ.

    A function that fails may say why in our logs, as in Plutus'; the library's don't have that.
    """
    mine = ours(script, budget)
    assert mine.failure not in ("malformed", "open", "version"), mine.failure
    if mine.failure in ("error", "function") and len(mine.reason) > LONGEST_CAUSE:
        # The library prints the term that is to blame whatever its length, and memory ends.
        return "left out: too long to print"
    other = theirs(script, budget)
    if "Secp256k1(InvalidMessage)" in other.reason:
        # Plutus takes a message of any length for a Schnorr signature, the library one of 32 bytes.
        return "left out: the message of a signature"
    assert mine.succeeded == (other.units is not None), (mine, mine.reason, other)
    if mine.succeeded:
        assert mine.units == other.units, (mine, other)
        return "succeeded"
    if other.logs is None:
        return mine.failure
    said = len(other.logs)
    # A leading zero character is a mark of the library's own: it takes one off.
    assert tuple(line.removeprefix("\0") for line in mine.logs[:said]) == other.logs, (mine, other)
    assert mine.failure == "function" or len(mine.logs) == said, (mine.logs, other)
    return mine.failure


def compare_program(language: ScriptLanguage, term: Term, random: Random) -> str:
    """Compares a program by itself, before an error (for what it logs), and in a budget that ends."""
    outcome = compare(script_of(language, term))
    if outcome == "succeeded":
        compare(script_of(language, term, ERROR))
        if random.random() < 0.2:
            script = script_of(language, term)
            needed = ours(script, BUDGET).units
            share = random.choice((0.3, 0.9, 1.0))
            memory = max(int(needed.memory * share) - random.randrange(2), 0)
            compare(script, ExecutionUnits(memory, needed.cpu))
            compare(script, ExecutionUnits(needed.memory, max(int(needed.cpu * share) - 1, 0)))
    return outcome


def run(seed: int, numbers: Iterable[int]) -> Iterator[tuple[int, str]]:
    """(a program's number, how it ended in agreement); the number alone before it is run."""
    for number in numbers:
        random = Random(f"{seed} {number}")  # noqa: S311 - repeatable on purpose
        language = random.choice(LANGUAGES)
        maker = Programs(random, partial(_available, language), language == "plutus:v3")
        term = maker.one(random.choice((2, 3, 4, 5, 6)))
        yield number, ""
        try:
            yield number, f"{language} {compare_program(language, term, random)}"
        except AssertionError:
            _tell(f"seed {seed}, program {number}: {script_of(language, term).code.hex()}")
            raise


def compared(seed: int, numbers: Iterable[int]) -> Counter[str]:
    """How many programs ended in which way."""
    return native_evaluator.on_deep_stack(
        lambda: Counter(outcome for _, outcome in run(seed, numbers) if outcome)
    )


def _available(language: str, tag: int) -> bool:
    """But for what there is nothing to compare with.

    Functions of the curve BLS12-381 are a library's with us, too; and Aiken's evaluator has no
    prices in version 2 for integers from bytes and back.
    """
    left_out = 54 <= tag <= 70 or (language == "plutus:v2" and tag in (73, 74))
    return is_available(tag, language, PROTOCOL) and not left_out


def compared_apart(seed: int, count: int) -> Counter[str]:
    """The same in processes of their own, with bounds of memory and time.

    The library prints what is to blame for an error whatever its length. Where it ends for that, the
    program is left out, and counted as such.
    """
    outcomes: Counter[str] = Counter()
    start = 0
    while start < count:
        command = (sys.executable, "-m", "tests.support.evaluator_comparison")
        numbers = (f"--seed={seed}", f"--first={start}", f"--count={count}")
        with Popen([*command, *numbers, "--within"], stdout=PIPE, text=True) as child:
            assert child.stdout is not None
            for line in child.stdout:
                number, _, outcome = line.strip().partition(" ")
                start = int(number) + 1
                outcomes.update([outcome] if outcome else ())
        if child.returncode > 0:
            raise SystemExit(child.returncode)
        if child.returncode < 0:
            outcomes["left out: the library ended"] += 1
            _tell(f"program {start - 1} is left out")
    return outcomes


def _within(seed: int, numbers: Iterable[int]) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    for number, outcome in run(seed, numbers):
        # Nothing catches the alarm: it ends the process, the library too.
        signal.alarm(LONGEST_S)
        sys.stdout.write(f"{number} {outcome}\n")
        sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description="compares two evaluators on random programs")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0, help="the first program's number")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--within", action="store_true", help="in this process, a line a program")
    options = parser.parse_args()
    if options.within:
        numbers = range(options.first, options.count)
        native_evaluator.on_deep_stack(lambda: _within(options.seed, numbers))
        return
    started = time.monotonic()
    outcomes = compared_apart(options.seed, options.count)
    _tell(f"seed {options.seed}: {options.count} programs in {time.monotonic() - started:.0f} s")
    for outcome, times in sorted(outcomes.items()):
        _tell(f"{times:>10}  {outcome}")


def _tell(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    main()
