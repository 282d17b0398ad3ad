"""A distribution that is served."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from milestones.testing.distribution import OpenDistribution
from tests.support.serving import ServedDistribution, serve


@pytest.fixture
def serve_settings() -> dict[str, Any]:
    """What the server is told beside; a test overrides it."""
    return {}


@pytest.fixture
async def served(
    opened: OpenDistribution, serve_settings: dict[str, Any]
) -> AsyncIterator[ServedDistribution]:
    """An open distribution on a server of its own."""
    async with serve(opened, **serve_settings) as served:
        yield served
