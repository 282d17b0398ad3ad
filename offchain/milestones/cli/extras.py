"""What can be left out of an installation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from milestones.errors import InvalidConfiguration


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
