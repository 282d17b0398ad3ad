"""Fixtures for pytest: an embedded chain, ready for any client, and the world around it.

pytest finds this module by itself where the program is installed. Nothing else of the program is imported
before a fixture is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from milestones.testing.embedded import EmbeddedDevnet
    from milestones.testing.world import World


@pytest.fixture
def milestones_devnet_options() -> Mapping[str, Any]:
    """What the chain of `milestones_devnet` and `milestones_world` is made with; override it.

    Such as `block_interval_s` or `network_magic`; the page about testing has a table of all.
    """
    return {}


@pytest.fixture
def milestones_devnet(
    milestones_devnet_options: Mapping[str, Any],
) -> Iterator[EmbeddedDevnet]:
    """A chain of this test alone, in a thread: Ogmios and Kupo on free ports, accounts with funds.

    Raises what the start fails with, such as `InvalidConfiguration` for options that can't be.
    """
    with _kit("embedded").EmbeddedDevnet(**milestones_devnet_options) as devnet:
        yield devnet


@pytest.fixture
def milestones_world(
    tmp_path: Path, milestones_devnet_options: Mapping[str, Any]
) -> Callable[[], AbstractAsyncContextManager[World]]:
    """Opens a world in the test's own event loop: `async with milestones_world() as world`.

    It has the program's services, people with keys, and files in the test's directory. Any plugin that
    runs asynchronous tests will do, and `asyncio.run` too.
    """

    def opened() -> AbstractAsyncContextManager[World]:
        config = _kit("embedded").devnet_config(milestones_devnet_options)
        world: AbstractAsyncContextManager[World] = _kit("world").open_world(
            tmp_path, config=config
        )
        return world

    return opened


def _kit(module: str) -> Any:
    """A module of the test kit, imported where a fixture needs it; fails the test without the extra."""
    try:
        return import_module(f"milestones.testing.{module}")
    except ModuleNotFoundError as error:
        pytest.fail(
            f"the embedded chain needs {error.name}: pip install 'milestones[devnet]'",
            pytrace=False,
        )
