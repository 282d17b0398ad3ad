"""What the journal keeps of transactions of `board`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from milestones.storage.journal_rows import Reading, read_row, to_row
from milestones.storage.submission import Submission

Make = Callable[..., Submission]

DIGEST, OUTPUT = "ab" * 28, "cd" * 32 + "#0"
BOND: dict[str, Any] = {
    "proposal": OUTPUT,
    "milestone_identifier": "m",
    "bond_to": "addr",
    "bond_lovelace": 5,
}


@pytest.mark.parametrize(
    "payload",
    [
        {"purpose": "notice", "said_at_posix_ms": 7, "evidence_hash": "", "deposit_lovelace": 1},
        {"purpose": "home", "deposit_lovelace": 1},
        {
            "purpose": "proposal",
            "milestone_identifier": "m",
            "evidence_hash": "00",
            "said_at_posix_ms": 7,
            "due_at_posix_ms": 8,
            "return_to": "addr",
            "bond_lovelace": 5,
        },
        {"purpose": "objection", **BOND, "signers": [DIGEST]},
        {
            "purpose": "confirmation",
            **BOND,
            "evidence_hash": "",
            "said_at_posix_ms": 7,
            "deposit_lovelace": 1,
        },
        {"purpose": "retirement", **BOND},
        {
            "purpose": "rotation",
            "sequence": 1,
            "oracles": [DIGEST],
            "quorum_threshold": 1,
            "signers": [DIGEST],
        },
    ],
    ids=lambda payload: str(payload["purpose"]),
)
def test_what_board_does_comes_back_as_it_was_written(
    submission: Make, payload: dict[str, Any]
) -> None:
    """Each kind of its transactions, by type; a field that is missing costs the payload alone."""
    document = submission().model_dump(mode="json") | {"payload": payload}
    written = Submission.model_validate_json(json.dumps(document))
    row = to_row(written)
    assert read_row(row) == Reading(written)
    assert row.purpose == payload["purpose"] == written.payload.purpose
    entry = json.loads(row.entry)
    assert payload.items() <= entry["payload"].items()
    del entry["payload"][list(payload)[-1]]
    found = read_row(row._replace(entry=json.dumps(entry)))
    assert (found.submission.payload, found.submission.status) == (None, "prepared")
    assert found.damage.startswith(f"payload.{payload['purpose']}.")
