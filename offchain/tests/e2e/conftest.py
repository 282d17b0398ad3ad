"""A user's folder beside an embedded chain of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from checkout import Checkout, fresh_checkout


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    """A fresh `offchain/` folder beside a `milestones devnet` of its own, on free ports."""
    with fresh_checkout(tmp_path / "offchain") as (checkout, _):
        yield checkout
