"""A data directory that a later version of the program has written to: nothing of it is lost."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from milestones.errors import InvalidConfiguration
from milestones.storage.storage import Storage


def mark_as_later(data: Path) -> dict[Path, bytes]:
    """Every file says that a later version wrote it; what they hold then."""
    for path in data.rglob("*.json"):
        path.write_text(json.dumps({**json.loads(path.read_text()), "format_version": 2}))
    return {path: path.read_bytes() for path in data.rglob("*.json")}


async def test_who_only_looks_passes_it_over_and_warns(opened: Any) -> None:
    await opened.attested("milestone-001")
    await opened.status()
    data = opened.backend.storage.data_directory
    before = mark_as_later(data)
    report = await opened.status()
    (first, *_) = report.milestones
    assert (first.verified, first.source) == (True, "chain")
    assert report.rebuilt_records == ()
    warned = " ".join(report.warnings)
    for path in before:
        assert (str(path) in warned) == (path.name != "network.json")
    assert {path: path.read_bytes() for path in data.rglob("*.json")} == before


async def test_who_has_to_write_is_refused(opened: Any) -> None:
    await opened.signed("milestone-001")
    before = mark_as_later(opened.backend.storage.data_directory)
    with pytest.raises(InvalidConfiguration, match="later version"):
        await opened.commit(opened.entry("oracle-2"))
    with pytest.raises(InvalidConfiguration, match="later version"):
        await opened.attest()
    assert {path: path.read_bytes() for path in before} == before


async def test_nothing_is_sent_where_the_journal_is_a_later_versions(opened: Any) -> None:
    await opened.signed("milestone-001")
    storage = opened.backend.storage
    storage.close()
    with closing(sqlite3.connect(storage.journal.path)) as connection, connection:
        connection.execute("PRAGMA user_version=1000")
    before = storage.journal.path.read_bytes()
    height = opened.world.devnet.chain.tip.height
    with pytest.raises(InvalidConfiguration, match="later version"):
        await opened.attest()
    assert opened.world.devnet.chain.tip.height == height
    assert len(opened.world.devnet.chain.mempool) == 0
    storage.close()
    assert storage.journal.path.read_bytes() == before
    looked = Storage(storage.data_directory)
    assert looked.journal.pending() == []
    looked.close()
