"""How quick and how dear everything is: one command, parts by name.

    make bench                                    # everything, printed as Markdown
    python benchmarks/performance.py --write      # and written into docs/performance.md, with its plots
    python benchmarks/performance.py costs --json # one part as JSON
    python benchmarks/performance.py --full       # the million rows and the long history, too

Each figure that depends on the machine stands beside something plain that was measured in the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from devnet import chain
from devnet_size import history
from figures import Block, from_json, markdown, to_json
from growth import by_batch, by_size
from helps import helps
from lists import lists
from others import others
from plots import Plot

DOCS: Final = Path(__file__).parents[1] / "docs"
PAGE, RECORD, PICTURES = DOCS / "performance.md", DOCS / "performance.json", DOCS / "pictures"
PAYMENTS: Final = (10, 10_000, 100_000)
"""In the embedded chain's history: the smallest one, the usual one, all."""
ENDS: Final = "<!-- end of figures -->"
Measure = Callable[[], list[Block]]
Part = dict[str, Any]
"""What a part found, as the record has it: `measured_on`, `seconds`, `blocks`."""


def parts(*, full: bool = False, smallest: bool = False) -> Mapping[str, Measure]:
    """Every part by its name. `full` has the largest sizes, `smallest` what a test can run in a moment."""
    return {
        "costs": lambda: by_size(smallest=smallest),
        "batches": lambda: by_batch(smallest=smallest),
        "lists": lambda: lists(full=full, smallest=smallest),
        "others": lambda: others(smallest=smallest),
        "help": lambda: helps(smallest=smallest),
        "chain": lambda: chain(smallest=smallest),
        "history": lambda: history(PAYMENTS[0] if smallest else PAYMENTS[2 if full else 1]),
    }


def machine() -> str:
    """What the figures were measured on."""
    version = platform.python_version()
    return (
        f"Python {version}, {os.cpu_count()} processors, {platform.system()} {platform.machine()}"
    )


def measured(name: str, measure: Measure) -> Part:
    """A part's figures. Says on standard error what is measured, and for how long it was."""
    print(f"{name} …", end=" ", file=sys.stderr, flush=True)
    started = time.perf_counter()
    blocks = measure()
    seconds = round(time.perf_counter() - started, 1)
    print(f"{seconds:.0f} s", file=sys.stderr)
    return {"measured_on": machine(), "seconds": seconds, "blocks": to_json(blocks)}


def page_of(record: Mapping[str, Part], page: str, names: Iterable[str] | None = None) -> str:
    """The page with each part's figures between its two marks; `names` are all parts, where others."""
    for name in parts() if names is None else names:
        start = f"<!-- figures of {name} -->"
        before, found, rest = page.partition(start)
        _, ended, after = rest.partition(ENDS)
        if not (found and ended):
            raise SystemExit(f"the page has no place for the figures of {name}")
        text = "Not measured yet."
        if (part := record.get(name)) is not None:
            text = markdown(from_json(part["blocks"]), PICTURES.name)
            text += f"\n\nMeasured in {part['seconds']:.0f} s on {part['measured_on']}."
        page = f"{before}{start}\n{text}\n{ENDS}{after}"
    return page


def pictures_of(record: Mapping[str, Part]) -> dict[str, str]:
    """The plots by the names of their files."""
    blocks = [block for part in record.values() for block in from_json(part["blocks"])]
    return {f"{block.name}.svg": block.svg() for block in blocks if isinstance(block, Plot)}


def write(found: Mapping[str, Part]) -> None:
    """Renews these parts in the record, the page and its pictures."""
    known = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    record = {name: part for name, part in {**known, **found}.items() if name in parts()}
    RECORD.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    PAGE.write_text(page_of(record, PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    for name, svg in pictures_of(record).items():
        (PICTURES / name).write_text(svg, encoding="utf-8")


def main() -> None:
    """Measures and prints; the parts that are named, or all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(parts())}")
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    parser.add_argument("--write", action="store_true", help=f"renew {PAGE.name} and its plots")
    parser.add_argument("--full", action="store_true", help="the largest sizes, too")
    parser.add_argument(
        "--smallest", action="store_true", help="a moment of each: what a test runs"
    )
    options = parser.parse_args()
    if options.write and options.smallest:
        parser.error("figures of the smallest sizes are not written down")
    every = parts(full=options.full, smallest=options.smallest)
    unknown = set(options.parts) - every.keys()
    if unknown:
        parser.error(f"there is no part {', '.join(sorted(unknown))}: there are {', '.join(every)}")
    found = {name: measured(name, every[name]) for name in options.parts or every}
    if options.json:
        print(json.dumps(found, indent=1, ensure_ascii=False))
    else:
        for name, part in found.items():
            print(f"## {name}\n\n{markdown(from_json(part['blocks']), PICTURES.name)}\n")
    if options.write:
        write(found)


if __name__ == "__main__":
    main()
