"""What the global options amount to, ready for a command to use."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from milestones.cli.output import Output
from milestones.errors import InvalidConfiguration

if TYPE_CHECKING:  # what follows is loaded when a command first needs it: half of the start's time
    from pydantic import BaseModel

    from milestones.cli.config import Config
    from milestones.services.backend import Backend, Workspace
    from milestones.transactions.wallet import SigningKey

R = TypeVar("R", bound="BaseModel")


@dataclass(frozen=True)
class Session:
    """Configuration, read when a command first needs it, and where the command's words go."""

    config_file: Path | None
    overrides: Mapping[str, Any]
    output: Output

    @cached_property
    def config(self) -> Config:
        """The configuration of this run."""
        from milestones.cli.config import load_config  # noqa: PLC0415 - only where needed

        return load_config(config_file=self.config_file, overrides=self.overrides)

    @cached_property
    def workspace(self) -> Workspace:
        """What commands need that ask nobody."""
        from milestones.protocol.validator_loader import (  # noqa: PLC0415 - only where needed
            load_contract,
            load_releases,
        )
        from milestones.services.backend import Network, Workspace  # noqa: PLC0415
        from milestones.storage.storage import Storage  # noqa: PLC0415

        releases = load_releases()
        if self.config.blueprint_path is not None:
            releases = (load_contract(self.config.blueprint_path), *releases)
        return Workspace(
            contract=releases[0],
            releases=releases,
            network=Network(self.config.network, self.config.expected_magic),
            storage=Storage(self.config.data_directory),
            reference_scripts=self.config.reference_scripts,
        )

    def backend(self) -> AbstractAsyncContextManager[Backend]:
        """A workspace with connections to the configured services."""
        from milestones.services.backend import connect  # noqa: PLC0415 - only where needed

        return connect(
            self.workspace, ogmios_url=self.config.ogmios_url, kupo_url=self.config.kupo_url
        )

    def signing_key(self, path: Path | None) -> SigningKey:
        """The key in the given file, else in the configured one."""
        from milestones.transactions.wallet import SigningKey  # noqa: PLC0415 - only where needed

        chosen = path or self.config.signing_key_path
        if chosen is None:
            raise InvalidConfiguration(
                "no signing key is given",
                path="signing_key_path",
                hint="give --signing-key-path, or set signing_key_path in the configuration",
            )
        return SigningKey.load(chosen)

    def perform(self, service: Callable[[Backend], Awaitable[R]]) -> R:
        """Connects, runs the service to its end, and prints its result."""

        async def run() -> R:
            async with self.backend() as backend:
                return await service(backend)

        result = asyncio.run(run())
        self.output.result(result)
        return result


def session_of(context: typer.Context) -> Session:
    """The session that the global options made."""
    session = context.obj
    if not isinstance(session, Session):
        raise TypeError("a command was run without the program's own options")
    return session
