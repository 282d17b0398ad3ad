"""Aiken's evaluator, a native library, as a second opinion: only for tests, where it is installed.

It charges as protocol version 10 did. The library is loaded by its path; the package that carries it,
biglup-cometa, is never imported.
"""

from __future__ import annotations

import ctypes
import importlib.util
import json
import platform
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest

T = TypeVar("T")

STACK_BYTES: Final = 512 * 1024 * 1024
"""Stack of the thread that evaluates: the library recurses over data that scripts can nest deep."""


class SlotConfig(ctypes.Structure):
    _fields_ = (
        ("slot_length", ctypes.c_uint32),
        ("zero_slot", ctypes.c_uint64),
        ("zero_time", ctypes.c_uint64),
    )


class Budget(ctypes.Structure):
    _fields_ = (("mem", ctypes.c_int64), ("cpu", ctypes.c_int64))


def call(function: str, *arguments: object) -> dict[str, Any]:
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
    """The library out of the wheel, found by its path; without it the test is skipped."""
    path = _library_path()
    if path is None:
        pytest.skip("biglup-cometa is not installed, or not for this platform")
    library = ctypes.CDLL(str(path))
    library.apply_params_to_plutus_script.restype = ctypes.c_void_p
    library.apply_params_to_plutus_script.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
    library.eval_phase_two.restype = ctypes.c_void_p
    library.eval_phase_two.argtypes = [
        *[ctypes.c_char_p] * 4,
        ctypes.POINTER(Budget),
        ctypes.POINTER(SlotConfig),
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


def on_deep_stack(work: Callable[[], T]) -> T:
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
