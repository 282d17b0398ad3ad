"""The Plutus evaluator: Aiken's, as a library with a C interface, of which two functions are used.

`apply_params_to_plutus_script` applies a script to arguments; `eval_phase_two` runs the scripts of a
transaction. The second makes its own script context and has opinions on transactions that the ledger
does not share. So it is given a tiny transaction that mints under the applied script, whose only
context is ignored: the script is wrapped in a function that drops it. The wrapping costs a fixed
number of machine steps, which are taken off again, so units are exact.

The library is loaded by its path; the package that carries it is never imported.
"""

from __future__ import annotations

import ctypes
import importlib.util
import json
import platform
import re
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeVar

from milestones.cardano import cbor
from milestones.cardano.cbor import encode_bytes
from milestones.cardano.encoding import array, integer, mapping
from milestones.cardano.outputs import Script
from milestones.cardano.parameters import ExecutionUnits
from milestones.devnet.ledger.scripts import LANGUAGE_NUMBERS
from milestones.errors import MilestonesError, ServiceUnavailable

T = TypeVar("T")

STACK_BYTES: Final = 512 * 1024 * 1024
"""Stack of the thread that evaluates: the library recurses over data that scripts can nest deep."""

STEP_COSTS_AT: Final = 17
"""Where a cost model lists machine steps: apply, builtin, constant, delay, force, lambda, startup,
variable, CPU before memory each.
"""

CHOOSE_UNIT_AT: Final = 37
"""Where a cost model lists `chooseUnit`, CPU before memory."""

DROP_TWO: Final = bytes.fromhex("22")
r"""Flat for `\_ \_ -> …`: versions 1 and 2 are given a redeemer and a context when they mint."""

DROP_TWO_STEPS: Final = {"apply": 2, "constant": 2, "lambda": 2}
"""Machine steps that applying and dropping two arguments takes."""

DROP_ONE_WANT_UNIT: Final = bytes.fromhex("23233573600244694526")
r"""Flat for `\_ -> (\x -> chooseUnit x …) …`: version 3 is given a context, and must return a unit.

What `chooseUnit` chooses is a function whose body, never run, fills the bits up to a byte: constants
inside the script are aligned to bytes and may not move against them.
"""

DROP_ONE_WANT_UNIT_STEPS: Final = {
    "apply": 4,
    "constant": 1,
    "lambda": 3,
    "force": 1,
    "builtin": 1,
    "variable": 1,
}
"""Machine steps of that wrapping, besides `chooseUnit` itself."""

_STEPS: Final = ("apply", "builtin", "constant", "delay", "force", "lambda", "startup", "variable")
_VERSION_BYTES: Final = 3


@dataclass(frozen=True, slots=True)
class Run:
    """How a script ended: `units` where it succeeded, else `error`, and what it traced on the way."""

    units: ExecutionUnits | None
    error: str = ""
    traces: tuple[str, ...] = ()


class EvaluatorMissing(ServiceUnavailable):
    """The library that evaluates Plutus scripts is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "the Plutus evaluator",
            "the package biglup-cometa",
            "it is not installed, or not for this platform",
            hint="install the extra: pip install '.[devnet]' in the project's folder",
        )


class CannotEvaluate(MilestonesError):
    """The evaluator gave no verdict, but an excuse."""

    code = "cannot_evaluate"

    def __init__(self, reason: str) -> None:
        super().__init__(f"the evaluator can't run a script: {reason}")


class _SlotConfig(ctypes.Structure):
    _fields_ = (
        ("slot_length", ctypes.c_uint32),
        ("zero_slot", ctypes.c_uint64),
        ("zero_time", ctypes.c_uint64),
    )


class _Budget(ctypes.Structure):
    _fields_ = (("mem", ctypes.c_int64), ("cpu", ctypes.c_int64))


def run_script(
    script: Script, arguments: Sequence[bytes], model: Sequence[int], budget: ExecutionUnits
) -> Run:
    """Runs a well-formed Plutus script on arguments (CBOR of Plutus Data) within a budget.

    Raises `CannotEvaluate` where the library has no verdict, `EvaluatorMissing` where there is none.
    """
    return _on_deep_stack(lambda: _run(script, arguments, model, budget))


def _run(
    script: Script, arguments: Sequence[bytes], model: Sequence[int], budget: ExecutionUnits
) -> Run:
    overhead = _overhead(script.language, model)
    code = _wrapped(script, arguments)
    answer = _evaluate(Script(script.language, code), model, budget + overhead)
    if answer["status"] != "SUCCESS":
        return _failure(str(answer["error"]))
    (redeemer,) = cbor.read(bytes.fromhex(answer["redeemer_cbor"])).array()
    memory, cpu = (used.integer() for used in redeemer.array()[3].array())
    return Run(ExecutionUnits(memory - overhead.memory, cpu - overhead.cpu))


def _overhead(language: str, model: Sequence[int]) -> ExecutionUnits:
    """What the wrapping costs, from the cost model."""
    steps = DROP_ONE_WANT_UNIT_STEPS if language == "plutus:v3" else DROP_TWO_STEPS
    positions = [(CPU_OF[name], count) for name, count in steps.items()]
    if language == "plutus:v3":
        positions.append((CHOOSE_UNIT_AT, 1))
    return ExecutionUnits(
        sum(model[position + 1] * count for position, count in positions),
        sum(model[position] * count for position, count in positions),
    )


CPU_OF: Final = {name: STEP_COSTS_AT + 2 * index for index, name in enumerate(_STEPS)}
"""Where a cost model has a step's CPU."""


def _wrapped(script: Script, arguments: Sequence[bytes]) -> bytes:
    """The script, applied to its arguments, in a function that drops the evaluator's own."""
    parameters = cbor.head(cbor.ARRAY, len(arguments)) + b"".join(arguments)
    code = cbor.encode_bytes(cbor.read_first(script.code).bytes())
    answer = _call("apply_params_to_plutus_script", _hex(parameters), _hex(code))
    if answer["status"] != "SUCCESS":
        raise CannotEvaluate(str(answer["error"]))
    program = cbor.read(bytes.fromhex(answer["compiled_code"])).bytes()
    prefix = DROP_ONE_WANT_UNIT if script.language == "plutus:v3" else DROP_TWO
    return cbor.encode_bytes(program[:_VERSION_BYTES] + prefix + program[_VERSION_BYTES:])


def _evaluate(script: Script, model: Sequence[int], budget: ExecutionUnits) -> dict[str, Any]:
    """Evaluates the transaction that mints one token under `script`."""
    version = LANGUAGE_NUMBERS[script.language]
    zero = integer(0)
    minted = mapping([(encode_bytes(script.hash()), mapping([(encode_bytes(b""), integer(1))]))])
    body = ((0, _INPUTS), (1, array([])), (2, zero), (9, minted))
    redeemer = array([integer(1), zero, zero, array([zero, zero])])
    witnesses = (((3, 6, 7)[version], array([encode_bytes(script.code)])), (5, array([redeemer])))
    parts = (mapping((integer(key), item) for key, item in part) for part in (body, witnesses))
    return _call(
        "eval_phase_two",
        _hex(array([*parts, b"\xf5", b"\xf6"])),
        _hex(_INPUTS),
        _hex(_OUTPUTS),
        _hex(_models(version, tuple(model))),
        _Budget(budget.memory, budget.cpu),
        _SlotConfig(1000, 0, 0),
    )


_INPUTS: Final = array([array([encode_bytes(bytes(32)), integer(0)])])
_OUTPUTS: Final = array([array([encode_bytes(b"\x60" + bytes(28)), integer(1_000_000)])])


ENTRIES_KNOWN: Final = {2: 297}
"""Entries that the library expects, by language number.

Given any other number for version 3, it takes built-ins of protocol 10, such as `replicateByte`, to
cost 30,000,000,000; what protocol 11 added stands at the end.
"""


@lru_cache(maxsize=16)
def _models(version: int, model: tuple[int, ...]) -> bytes:
    known = model[: ENTRIES_KNOWN.get(version)]
    return mapping([(integer(version), array([integer(entry) for entry in known]))])


def _failure(error: str) -> Run:
    """Reads the library's own words: `… Machine(Reason(…), ExBudget { … }, [traces]) }`."""
    found = re.search(r"Machine\((.*), ExBudget \{[^}]*\}, \[(.*)\]\) \}$", error, re.DOTALL)
    if found is None:
        raise CannotEvaluate(error)
    quoted = re.findall(r'"((?:[^"\\]|\\.)*)"', found[2], re.DOTALL)
    return Run(None, found[1], tuple(_unescape(text) for text in quoted))


def _unescape(text: str) -> str:
    """Undoes the escapes of Rust's `{:?}`."""
    simple = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}

    def one(match: re.Match[str]) -> str:
        return chr(int(match[1], 16)) if match[1] else simple.get(match[2], match[2])

    return re.sub(r"\\(?:u\{([0-9a-f]+)\}|(.))", one, text, flags=re.DOTALL)


def _hex(data: bytes) -> bytes:
    return data.hex().encode()


def _call(function: str, *arguments: object) -> dict[str, Any]:
    """Calls a function of the library that returns JSON text, and frees the text."""
    library = _library()
    pointer = getattr(library, function)(*arguments)
    try:
        answer: dict[str, Any] = json.loads(ctypes.string_at(pointer))
    finally:
        library.drop_char_pointer(pointer)
    return answer


@lru_cache(maxsize=1)
def _library() -> ctypes.CDLL:
    """The library out of the wheel, found by its path. Raises `EvaluatorMissing`."""
    path = _library_path()
    if path is None:
        raise EvaluatorMissing
    library = ctypes.CDLL(str(path))
    library.apply_params_to_plutus_script.restype = ctypes.c_void_p
    library.apply_params_to_plutus_script.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
    library.eval_phase_two.restype = ctypes.c_void_p
    library.eval_phase_two.argtypes = [
        *[ctypes.c_char_p] * 4,
        ctypes.POINTER(_Budget),
        ctypes.POINTER(_SlotConfig),
    ]
    library.drop_char_pointer.argtypes = [ctypes.c_void_p]
    return library


PLACES: Final = {
    "darwin": "macos-{}/libaiken_c.dylib",
    "win32": "windows-{}-msvc/aiken_c.dll",
    "linux": "linux-{}/libaiken_c.so",
}
"""Where the wheel has the library, by platform and processor."""


def _library_path() -> Path | None:
    spec = importlib.util.find_spec("cometa")
    folders = spec.submodule_search_locations if spec else None
    machine = platform.machine().lower()
    machine = {"amd64": "x86_64", "aarch64": "arm64"}.get(machine, machine)
    place = PLACES.get(sys.platform, "linux-{}/libaiken_c.so").format(machine)
    paths = (Path(folder) / "_native" / place for folder in folders or ())
    return next((path for path in paths if path.is_file()), None)


def _on_deep_stack(work: Callable[[], T]) -> T:
    return _worker().submit(work).result()


@lru_cache(maxsize=1)
def _worker() -> ThreadPoolExecutor:
    """The one thread that evaluates, with a stack that the deepest data can't overflow."""
    executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="evaluator")
    before = threading.stack_size(STACK_BYTES)
    try:
        executor.submit(lambda: None).result()
    finally:
        threading.stack_size(before)
    return executor
