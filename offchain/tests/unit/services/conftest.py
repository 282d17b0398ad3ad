"""A data directory, a schedule and its oracles; no chain."""

from __future__ import annotations

from pathlib import Path

import pytest

from milestones.protocol.validator_loader import Contract
from tests.support.desk import Desk, desk_in


@pytest.fixture
def desk(contract: Contract, tmp_path: Path) -> Desk:
    """A desk with an empty data directory."""
    return desk_in(tmp_path, contract)
