"""What the global options amount to, ready for a command to use."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

import milestones
from milestones.cli.loading import Later
from milestones.cli.options import (
    address,
    distribution,
    duration,
    is_address,
    native_script,
    read_schedule,
)
from milestones.cli.output import Output
from milestones.cli.streams import ending_the_task, signal_of
from milestones.errors import (
    Interrupted,
    InvalidConfiguration,
    InvalidInput,
    MilestonesError,
    OutcomeUnknown,
    OutputLost,
)

if TYPE_CHECKING:
    import asyncio

    from pydantic import BaseModel
    from rich.console import RenderableType

    from milestones.cardano.value import AssetId
    from milestones.cli import config as configuration
    from milestones.cli.views import figures
    from milestones.services import registered_token as registry
    from milestones.services.backend import Approve
    from milestones.services.registered_token import RegisteredToken
else:
    asyncio = Later("asyncio")
    configuration = Later("milestones.cli.config")
    figures = Later("milestones.cli.views.figures")
    registry = Later("milestones.services.registered_token")

R = TypeVar("R", bound="BaseModel")


@dataclass(frozen=True)
class Session:
    """Configuration, read when a command first needs it, and where the command's words go."""

    config_file: Path | None
    overrides: Mapping[str, Any]
    output: Output

    @cached_property
    def config(self) -> configuration.Config:
        """The configuration of this run."""
        return configuration.load_config(config_file=self.config_file, overrides=self.overrides)

    @cached_property
    def workspace(self) -> milestones.Workspace:
        """What commands need that ask nobody."""
        return milestones.open_workspace(
            data_directory=self.config.data_directory,
            network=self.config.network,
            network_magic=self.config.network_magic,
            blueprint=self.config.blueprint_path,
            reference_scripts=self.config.reference_scripts,
            max_lag_slots=self.config.max_lag_slots,
            token_registry=self.config.token_registry,
        )

    def backend(
        self, *, approve: Approve | None = None
    ) -> AbstractAsyncContextManager[milestones.Backend]:
        """A workspace with connections to the configured services; `approve` is as `connect` takes it."""
        return milestones.connect(
            self.workspace,
            ogmios_url=self.config.ogmios_url,
            kupo_url=self.config.kupo_url,
            progress=self.output.message,
            doing=self.output.doing,
            waits=self.output.waits,
            approve=approve,
        )

    def signing_key(self, path: Path | None) -> milestones.SigningKey:
        """The key in the given file, else in the configured one."""
        chosen = path or self.config.signing_key_path
        if chosen is None:
            raise InvalidConfiguration(
                "no signing key is given",
                path="signing_key_path",
                hint="give --signing-key-path, or set signing_key_path in the configuration",
            )
        return self.load_key(chosen)

    def payer(
        self,
        signing_key_path: Path | None,
        payer: str | None,
        unsigned_out: Path | None,
        valid_for: str | None,
        collateral: str | None,
        *,
        account: bool = False,
    ) -> milestones.SigningKey | milestones.Payer:
        """Who pays: a key that signs here, or whoever is named and signs what is handed out."""
        if unsigned_out is None:
            for option, value in (
                ("payer", payer),
                ("payer_account", account or None),
                ("valid_for", valid_for),
                ("collateral", collateral),
            ):
                if value is not None:
                    raise InvalidInput(
                        "goes with --unsigned-out alone",
                        path=option,
                        hint="give --unsigned-out FILE as well: what is signed here needs none of it",
                    )
            return self.signing_key(signing_key_path)
        if payer is None or signing_key_path is not None:
            raise InvalidInput(
                "what is handed out is paid by somebody who is named, and signed elsewhere",
                path="payer",
                hint="give --payer with an address or a native script's file, and no key",
            )
        seconds = None if valid_for is None else duration(valid_for, "valid_for")
        hand_out = milestones.HandOut(unsigned_out, *(() if seconds is None else (seconds,)))
        if not is_address(payer):
            if account:
                raise InvalidInput(
                    "goes with an address alone",
                    path="payer_account",
                    hint="leave it out: all addresses of a committee's script pay",
                )
            return milestones.Payer.committee(
                native_script(payer, "payer"),
                self.config.network_id,
                hand_out,
                collateral=None if collateral is None else address(collateral, "collateral"),
            )
        if collateral is not None:
            raise InvalidInput(
                "goes with a committee alone",
                path="collateral",
                hint="leave it out: a key's own outputs are its collateral",
            )
        return milestones.Payer.elsewhere(address(payer, "payer"), hand_out, whole_account=account)

    def address_of(self, text: str, option: str) -> milestones.Address:
        """An address, or that of the native script in a file on the configured network."""
        if is_address(text):
            return address(text, option)
        script = native_script(text, option)
        return milestones.script_address(script, self.config.network_id, option)

    def load_key(self, path: Path, *, may_stake: bool = False) -> milestones.SigningKey:
        """The key in a file, with a warning where every user of the machine can read it."""
        key = milestones.SigningKey.load(path, may_stake=may_stake)
        if key.is_exposed:
            self.output.message(
                f"warning: every user of this machine can read {path}: chmod 600 {path}"
            )
        return key

    def stake_key(self, path: Path) -> milestones.SigningKey:
        """A key in a file that may be a stake key: it signs, and doesn't pay."""
        return self.load_key(path, may_stake=True)

    def load_phrase(self, path: Path) -> milestones.Phrase:
        """The phrase in a file, with a warning where every user of the machine can read it."""
        phrase = milestones.Phrase.load(path)
        if phrase.is_exposed:
            self.output.message(
                f"warning: every user of this machine can read {path}: chmod 600 {path}"
            )
        return phrase

    def schedule(
        self, file: Path | None, contract_address: str | None
    ) -> milestones.MilestoneSchedule:
        """The schedule in a file, or the one that is registered in the data directory for an address."""
        if (file is None) == (contract_address is None):
            raise InvalidInput(
                "one of --schedule and --contract-address is needed, and not both",
                path="schedule",
                hint="give the schedule file, or the address of a schedule registered in this data"
                " directory",
            )
        if file is not None:
            return read_schedule(file)
        where = distribution(contract_address or "")
        return milestones.registered_schedule(self.workspace, where)

    def perform(
        self,
        service: Callable[[milestones.Backend], Awaitable[R]],
        view: Callable[[R], Iterable[RenderableType]] | None = None,
        *,
        asked_to_end: Callable[[], None] | None = None,
        yes: bool | None = None,
        always_says: bool = False,
    ) -> R:
        """Connects, runs the service to its end, and prints its result; `Output.result` says how.

        `asked_to_end` is for a service that ends by itself when a signal asks it to. `yes` is what `--yes`
        says of a command that does something for good: on a terminal it is said before, and asked unless
        that is set. `always_says`: it is said elsewhere, too. Where it is interrupted, or the result can't be
        printed, after something was sent: `OutcomeUnknown`.
        """
        sent: list[str] = []
        tokens: dict[AssetId, RegisteredToken] = {}
        approve = None if yes is None else self._approving(yes=yes, always_says=always_says)

        async def run() -> R:
            with ending_the_task(asked_to_end):
                # What ends by itself also says by itself what it does.
                watched = self.output.busy() if asked_to_end is None else nullcontext()
                async with watched, self.backend(approve=approve) as backend:
                    try:
                        result = await service(backend)
                        if view is not None and not self.output.as_json:
                            tokens.update(await self._registered(backend, result))
                        return result
                    finally:
                        sent.extend(backend.sent)

        try:
            result = asyncio.run(run())
            self.output.result(result, _registered(view, tokens))
        except KeyboardInterrupt as error:
            raise _cut_short(Interrupted(signal_of(error)), sent) from None
        except OutputLost as error:
            raise _cut_short(error, sent) from None
        except MilestonesError as error:
            if reports := self._reports():
                error.details["warnings"] = reports
            raise
        return result

    async def _registered(
        self, backend: milestones.Backend, result: BaseModel
    ) -> dict[AssetId, RegisteredToken]:
        """What the result's tokens are registered with; what stands in the way of it ends no command."""
        try:
            return await registry.registered_tokens(backend, registry.tokens_in(result))
        except MilestonesError as error:
            self.output.message(f"warning: amounts are in the smallest unit: {error.message}")
            return {}

    def show(self, result: R, view: Callable[[R], Iterable[RenderableType]]) -> None:
        """Prints the result of a service that asks nobody, with the decimals that the configured file has."""
        known = {
            each: self.registered(registry.subject_of(each)) for each in registry.tokens_in(result)
        }
        tokens = {each: token for each, token in known.items() if token is not None}
        self.output.result(result, _registered(view, tokens))

    def registered(self, subject: str) -> RegisteredToken | None:
        """What the configured token registry has of a token: its policy and name in hexadecimal."""
        return registry.registered_in_file(self.workspace, subject.strip().lower())

    def _approving(self, *, yes: bool, always_says: bool) -> Approve | None:
        """Says what is about to be done for good, and asks a person, if there is one."""
        output = self.output

        async def approve(sentences: Sequence[str]) -> bool:
            output.message("About to be sent, and then it can't be undone:")
            for sentence in sentences:
                output.message(f"- {sentence[:1].upper()}{sentence[1:]}")
            return yes or not output.asks or await output.agreed("Go on?")

        return approve if output.is_watched or always_says else None

    def say_reports(self) -> None:
        """What the user must hear of the data directory, where no result has said it."""
        for each in self._reports():
            self.output.message(f"warning: {each}")

    def _reports(self) -> list[str]:
        if "workspace" not in self.__dict__:
            return []
        return [each.message for each in self.workspace.storage.take_reports()]


def _registered(
    view: Callable[[R], Iterable[RenderableType]] | None, tokens: Mapping[AssetId, RegisteredToken]
) -> Callable[[R], Iterable[RenderableType]] | None:
    if view is None or not tokens:
        return view
    return lambda result: figures.registered(view(result), tokens)


def _cut_short(error: MilestonesError, sent: Sequence[str]) -> MilestonesError:
    """The error, which says what was sent if anything was."""
    if not sent:
        return error
    unknown = OutcomeUnknown(sent[-1], error.message, cut_short=True)
    unknown.details["transactions_sent"] = list(dict.fromkeys(sent))
    return unknown


def session_of(context: typer.Context) -> Session:
    """The session that the global options made."""
    session = context.obj
    if not isinstance(session, Session):
        raise TypeError("a command was run without the program's own options")
    return session
