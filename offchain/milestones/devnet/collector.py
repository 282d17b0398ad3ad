"""Python's garbage collector, told what a chain is: millions of objects, all of which stay.

Left alone it looks through the whole history again and again, which costs a third of the time, and
stops the process for up to a second when the history is long.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

THRESHOLDS: Final = (50_000, 20, 10)
"""Objects between two looks at the youngest, and how many looks between those at the older ones."""


@contextmanager
def uncollected() -> Iterator[None]:
    """Collects nothing while a history is read, which makes no garbage that counts."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def settle() -> None:
    """For a process that is about to serve a chain until it ends: what is there now stays."""
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
