"""The program, and how many records it makes while it runs: `python -m tests.support.counted FILE arguments`.

FILE gets a JSON object: a number for each class of `COUNTED`, and `peak_kib`, the most memory that it had.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Final

from milestones.cardano.address import Address, Credential
from milestones.cli.app import main
from milestones.domain.claims import ClaimState
from milestones.domain.models import Allocation

COUNTED: Final[tuple[type, ...]] = (Allocation, ClaimState, Address, Credential)
"""Of what there could be one for each allocation."""


def _count(kind: type, made: Counter[str]) -> None:
    def new(cls: type, *_: Any, **__: Any) -> Any:
        made[kind.__name__] += 1
        return object.__new__(cls)

    kind.__new__ = new  # type: ignore[method-assign, assignment]


def _peak_kib() -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def run() -> None:
    """Runs the program with the arguments after the first."""
    file, made = Path(sys.argv.pop(1)), Counter[str]({kind.__name__: 0 for kind in COUNTED})
    for kind in COUNTED:
        _count(kind, made)
    try:
        main()
    finally:
        file.write_text(json.dumps({**made, "peak_kib": _peak_kib()}), encoding="utf-8")


if __name__ == "__main__":
    run()
