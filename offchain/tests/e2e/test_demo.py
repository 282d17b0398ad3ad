"""`milestones demo`: the whole story, as a process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

MUST_BE_REFUSED = {
    ("claim before the quorum", "program"),
    ("attest with a forged signature", "chain"),
    ("attest with signatures replayed from another milestone", "chain"),
    ("attest with one oracle's signature counted twice", "chain"),
    ("claim before vesting", "program"),
    ("claim before vesting", "chain"),
    ("pay somebody else", "chain"),
    ("pay one token less", "chain"),
}
KINDS = (
    "mint",
    "publish-script",
    "deploy",
    "attest design",
    "attest prototype",
    "release of 1, attesting",
    "release of 5",
    "close",
)


def _demo(folder: Path, *options: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "milestones", "demo", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout


def test_the_summary_is_one_object_and_its_books_balance(tmp_path: Path) -> None:
    """Every refusal and every transaction is in it; to the lovelace and the token nothing is missing."""
    summary = json.loads(_demo(tmp_path, "--json"))
    refused = {(each["attempt"], each["refused_by"]) for each in summary["refusals"]}
    assert refused == MUST_BE_REFUSED
    assert {each["code"] for each in summary["refusals"]} == {"quorum", "vesting", "3136"}
    assert tuple(each["what"] for each in summary["transactions"]) == KINDS
    assert all(each["fee_lovelace"] > 0 and each["size"] > 0 for each in summary["transactions"])
    books = summary["books"]
    assert summary["books_balance"] is True
    assert books["tokens_with_beneficiaries"] == books["tokens_minted"] == 1_400_000
    kept = ("lovelace_with_people", "lovelace_in_published_scripts", "lovelace_in_fees")
    assert sum(books[name] for name in kept) == books["lovelace_at_start"]
    assert summary["deposits_returned_lovelace"] > 0
    assert list(tmp_path.iterdir()) == []


def test_the_story_is_told_in_words(tmp_path: Path) -> None:
    """Without `--json`, also into a file, it reads as a story and ends in a summary."""
    told = _demo(tmp_path)
    assert "refused by the chain: pay somebody else" in told
    assert "Books balanced to the lovelace: yes" in told
