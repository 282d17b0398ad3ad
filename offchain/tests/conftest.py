"""What every test can have: random values by type, the contract, and a world in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

import tests.support.strategies  # noqa: F401 - registers them
from milestones.devnet.server import Devnet
from milestones.protocol.validator_loader import Contract, load_contract
from milestones.testing.embedded import devnet_config
from milestones.testing.world import World, open_world
from tests.support.wire_schemas import WireObserver
from tests.support.wire_schemas import directory as schemas_directory

settings.register_profile("milestones", deadline=None, max_examples=60)
settings.load_profile("milestones")


@pytest.fixture(scope="session")
def contract() -> Contract:
    """The compiled contract of this checkout."""
    return load_contract()


@pytest.fixture(autouse=True)
def _wire_answers() -> Iterator[None]:
    """Fails a test in which an answer of an embedded chain in this process breaks its schema."""
    observer = WireObserver()
    if schemas_directory() is None:
        yield
        return
    Devnet.observers.append(observer)
    Devnet.kupo_observers.append(observer)
    yield
    Devnet.observers.remove(observer)
    Devnet.kupo_observers.remove(observer)
    assert not observer.complaints, "\n\n".join(observer.complaints)


@pytest.fixture
def devnet_options() -> Mapping[str, Any]:
    """What the world's chain is made with; a test file overrides this fixture to have another chain."""
    return {}


@pytest.fixture
async def world(
    contract: Contract, tmp_path: Path, devnet_options: Mapping[str, Any]
) -> AsyncIterator[World]:
    """A chain of this test alone, on free ports; blocks come as transactions do."""
    config = devnet_config(devnet_options)
    async with open_world(tmp_path, config=config, contract=contract) as world:
        yield world
