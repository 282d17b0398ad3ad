"""Renews the figures of docs/scale.md by what a run of series.py found.

python benchmarks/series.py --json series.json
python benchmarks/series_page.py series.json
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from figures import to_json
from performance import Part, machine, page_of
from series_figures import Figures, blocks_of

PAGE: Final = Path(__file__).parents[1] / "docs" / "scale.md"
RECORD: Final = PAGE.with_suffix(".json")


def with_figures(figures: Figures, page: str) -> str:
    """The page with these figures between its marks."""
    on = {"measured_on": figures.measured_on or machine(), "seconds": figures.seconds}
    record: dict[str, Part] = {
        name: {**on, "blocks": to_json(blocks)} for name, blocks in blocks_of(figures).items()
    }
    return page_of(record, page, record)


def main() -> None:
    """Writes the page, and the record that its figures are kept in."""
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    figures = Figures.load(Path(sys.argv[1]).read_text(encoding="utf-8"))
    figures.measured_on = figures.measured_on or machine()
    RECORD.write_text(figures.dump(), encoding="utf-8")
    PAGE.write_text(with_figures(figures, PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
