"""A user's folder beside an embedded chain of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from milestones.testing.processes import ProcessWorld
from tests.support.checkout import fresh_checkout


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[ProcessWorld]:
    """A fresh `offchain/` folder beside a `milestones devnet` of its own, on free ports."""
    with fresh_checkout(tmp_path / "offchain") as (checkout, _):
        yield checkout
