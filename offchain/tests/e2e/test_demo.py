"""`milestones demo`: the whole story, as a process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

MUST_BE_REFUSED = {
    ("claim before the quorum", "program"),
    ("attest with a forged signature", "chain"),
    ("attest with signatures replayed from another milestone", "chain"),
    ("attest with one oracle's signature counted twice", "chain"),
    ("claim before vesting", "program"),
    ("claim before vesting", "chain"),
    ("pay somebody else", "chain"),
    ("pay one token less", "chain"),
    ("confirm a proposal too early", "program"),
    ("confirm a proposal too early", "chain"),
    ("claim for a milestone that was objected to", "program"),
    ("attest with a replaced oracle's signature", "chain"),
    ("end it too early", "program"),
    ("end it too early", "chain"),
    ("end it, and take what is left", "chain"),
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
    "deploy, all terms",
    "propose pilot",
    "confirm pilot",
    "release of 2, allowance",
    "propose rollout",
    "object to rollout",
    "rotate",
    "attest training",
    "cancel",
    "release of 3, allowance",
    "close after notice",
)
REFUSED_BY_RULE = {"quorum", "vesting", "review_period", "grace", "3136"}
DAY = 86_400


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
    assert {each["code"] for each in summary["refusals"]} == REFUSED_BY_RULE
    assert tuple(each["what"] for each in summary["transactions"]) == KINDS
    assert all(each["fee_lovelace"] > 0 and each["size"] > 0 for each in summary["transactions"])
    books = summary["books"]
    assert summary["books_balance"] is True
    assert books["tokens_minted"] == 2_000_000
    assert (books["tokens_with_beneficiaries"], books["tokens_returned"]) == (1_900_000, 100_000)
    _check_the_second_project(summary["cancelled"], summary["transactions"])
    kept = ("lovelace_with_people", "lovelace_in_published_scripts", "lovelace_in_fees")
    assert sum(books[name] for name in kept) == books["lovelace_at_start"]
    assert summary["deposits_returned_lovelace"] > 0
    assert list(tmp_path.iterdir()) == []


def _check_the_second_project(cancelled: Any, transactions: list[Any]) -> None:
    """What the second project paid, stopped, replaced and returned."""
    fees = {each["what"]: each["fee_lovelace"] for each in transactions}
    confirmed, stopped = cancelled["proposals"]
    assert (confirmed["outcome"], confirmed["tokens_paid"]) == ("confirmed", 200_000)
    assert (stopped["outcome"], stopped["tokens_paid"]) == ("stopped", 0)
    for each in (confirmed, stopped):
        assert each["review_period_seconds"] == DAY
        assert each["bond_lovelace"] == 5_000_000
    returned = cancelled["returned"]
    assert stopped["bond_to"] == returned["refund_address"] != confirmed["bond_to"]
    replaced = cancelled["oracle_replaced"]
    assert replaced["sequence"] == 1
    assert replaced["came"] in replaced["signers"]
    assert replaced["left"] not in replaced["signers"]
    assert cancelled["grace_seconds"] == 7 * DAY
    paid = cancelled["paid_in_grace"]
    assert (paid["allocations"], paid["tokens"]) == (3, 300_000)
    assert paid["allowance_lovelace"] == 3 * 2_000_000
    assert paid["fee_lovelace"] == fees["release of 3, allowance"]
    kept = paid["allowance_lovelace"] - paid["deposits_lovelace"] - paid["fee_lovelace"]
    assert paid["earned_lovelace"] == kept > 0
    assert returned["tokens"] == 100_000
    assert returned["lovelace"] > 0


def test_the_story_is_told_in_words(tmp_path: Path) -> None:
    """Without `--json`, also into a file, it reads as a story and ends in a summary."""
    told = _demo(tmp_path)
    assert "refused by the chain: pay somebody else" in told
    in_one_line = " ".join(told.split())
    assert "Books balanced to the lovelace: yes" in in_one_line
    assert "It takes 6 ADA of allowance, and has earned" in in_one_line
    assert "refused by the program, before signing: end it too early" in in_one_line
    assert "100,000 GRANT" in in_one_line
    assert all(len(line) <= 80 for line in told.splitlines() if "addr_test1" not in line)
