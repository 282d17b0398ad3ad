"""A distribution that is open on the world's chain, and what it is opened with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from milestones.testing.distribution import OpenDistribution, open_distribution
from milestones.testing.world import World
from tests.support.browser import browser

__all__ = ["browser"]


@pytest.fixture
def schedule_changes() -> dict[str, Any]:
    """What is different from `world.schedule()`; a test overrides it."""
    return {}


@pytest.fixture
def deploy_options() -> dict[str, Any]:
    """What `deploy` is called with beside; a test overrides it for a private distribution."""
    return {}


@pytest.fixture
async def opened(
    world: World, schedule_changes: dict[str, Any], deploy_options: dict[str, Any]
) -> AsyncIterator[OpenDistribution]:
    """An open distribution, and a backend to ask about it; blocks come as transactions do."""
    document = world.schedule(**schedule_changes)
    async with open_distribution(world, document, **deploy_options) as opened:
        yield opened


@pytest.fixture
def stage(opened: OpenDistribution) -> OpenDistribution:
    """The same, by the name that those who pay out of it use."""
    return opened
