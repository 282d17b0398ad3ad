"""What tests of the command line share."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.support.screens import in_zone


@pytest.fixture
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    in_zone(monkeypatch, "UTC")
    yield
    monkeypatch.undo()
    time.tzset()
