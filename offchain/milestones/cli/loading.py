"""What a command loads when it runs, and not when somebody asks for its help."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib import import_module
from types import ModuleType
from typing import Any

from milestones.errors import InvalidConfiguration


class Later(ModuleType):
    """A module that is imported when something of it is first used.

    Type checkers read the real import, beside it under `TYPE_CHECKING`. `needed_for` names what can't be done
    where the extra `devnet` is not installed; empty for a module that needs no extra.
    """

    def __init__(self, name: str, *, needed_for: str = "") -> None:
        super().__init__(name)
        self._needed_for = needed_for

    def __getattr__(self, name: str) -> Any:
        """Something of the module."""
        needed_for = self._needed_for
        with needs_the_devnet_extra(needed_for) if needed_for else nullcontext():
            module = import_module(self.__name__)
        return getattr(module, name)


@contextmanager
def needs_the_devnet_extra(what: str) -> Iterator[None]:
    """Imports inside may miss another project's package: `InvalidConfiguration` says how to get it."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("milestones"):
            raise
        raise InvalidConfiguration(
            f"{what} needs the package {error.name!r}, which is not installed",
            hint="pip install '.[devnet]' in the project's folder",
        ) from None
