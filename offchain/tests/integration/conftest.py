"""What an open distribution of a test is opened with."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def schedule_changes() -> dict[str, Any]:
    """What is different from `world.schedule()`; a test overrides it."""
    return {}


@pytest.fixture
def deploy_options() -> dict[str, Any]:
    """What `deploy` is called with beside; a test overrides it for a private distribution."""
    return {}
