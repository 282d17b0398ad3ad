"""What other people's tests need: an embedded chain, a cast of people with keys, and two worlds.

`EmbeddedDevnet` runs the chain in a thread, for any client (the pytest fixture `milestones_devnet` is one).
`World` is a chain, people and services in this process; `ProcessWorld` is the same as processes.
`ContractHarness` judges transactions without sockets. The embedded chain needs the extra `devnet`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from milestones.testing.cast import key_of
    from milestones.testing.contract import ContractHarness
    from milestones.testing.distribution import OpenDistribution, open_distribution
    from milestones.testing.embedded import Account, EmbeddedDevnet
    from milestones.testing.processes import (
        CommandResult,
        DevnetProcess,
        ProcessWorld,
        process_world,
    )
    from milestones.testing.world import World, open_world

__all__ = [
    "Account",
    "CommandResult",
    "ContractHarness",
    "DevnetProcess",
    "EmbeddedDevnet",
    "OpenDistribution",
    "ProcessWorld",
    "World",
    "key_of",
    "open_distribution",
    "open_world",
    "process_world",
]

_HOMES: Final = {
    "Account": "embedded",
    "CommandResult": "processes",
    "ContractHarness": "contract",
    "DevnetProcess": "processes",
    "EmbeddedDevnet": "embedded",
    "OpenDistribution": "distribution",
    "ProcessWorld": "processes",
    "World": "world",
    "key_of": "cast",
    "open_distribution": "distribution",
    "open_world": "world",
    "process_world": "processes",
}
"""The module of each name. It is imported when the name is first asked for."""


def __getattr__(name: str) -> Any:
    """Imports what is asked for. Raises `AttributeError` for names that are not in `__all__`."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
