"""A series from its table to its payments through the program's commands, and its books to the last unit."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[4]
DEAREST_LOVELACE: Final = 302_000


def test_a_series_is_paid_out_and_its_books_balance(tmp_path: Path) -> None:
    """As `make bench-series` has it of a million; what it prints of the books is added up again."""
    file = tmp_path / "series.json"
    size = ("--rows", "2000", "--part-size", "1024", "--claims", "4", "--processes", "1")
    command = [sys.executable, str(ROOT / "benchmarks" / "series.py"), *size, "--json", str(file)]
    ran = subprocess.run(command, capture_output=True, check=False, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = json.loads(file.read_text(encoding="utf-8"))
    books, fees = found["books"], {each["kind"]: each for each in found["fees"]}
    assert found["distributions"] == fees["opening"]["transactions"] == 2
    assert fees["single claim"]["transactions"] == 4
    assert fees["single claim"]["dearest_lovelace"] <= DEAREST_LOVELACE
    assert fees["batch of neighbours"]["payments"] > 50
    assert books["promised_tokens"] == books["vaults_tokens"] + books["paid_tokens"]
    assert books["fees_lovelace"] == sum(each["sum_lovelace"] for each in fees.values())
    parts = ("fees", "deposits", "scripts", "beneficiaries")
    assert books["spent_lovelace"] == sum(books[f"{name}_lovelace"] for name in parts)
    assert "| single claim | 4 |" in ran.stdout
