"""`milestones devnet`: starts the embedded chain."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from milestones.cli.devnet_commands import DEFAULT_CONTROL_PORT, devnet
from milestones.cli.loading import Later
from milestones.errors import InvalidConfiguration, InvalidInput

if TYPE_CHECKING:
    from milestones.cli import devnet_fork as forking
    from milestones.devnet import opening, server
    from milestones.devnet.ogmios import parameters as protocol_parameters
    from milestones.domain import plausibility, posix_time
else:
    plausibility = Later("milestones.domain.plausibility")
    posix_time = Later("milestones.domain.posix_time")
    forking = Later("milestones.cli.devnet_fork", needed_for="the embedded chain")
    protocol_parameters = Later(
        "milestones.devnet.ogmios.parameters", needed_for="the embedded chain"
    )
    opening = Later("milestones.devnet.opening", needed_for="the embedded chain")
    server = Later("milestones.devnet.server", needed_for="the embedded chain")


_BEFORE_A_COMMAND: Final = frozenset({"host", "control_port"})
"""Options that say where a running chain is; all others are for starting one."""


@devnet.callback()
def start(  # noqa: PLR0917 - an option each
    context: typer.Context,
    ogmios_port: Annotated[int, typer.Option(help="Port of the Ogmios interface.")] = 1337,
    kupo_port: Annotated[int, typer.Option(help="Port of the Kupo interface.")] = 1442,
    control_port: Annotated[
        int | None,
        typer.Option(
            help=f"Port of the control interface; else {DEFAULT_CONTROL_PORT}, or any free one.",
            show_default=False,
        ),
    ] = None,
    no_control: Annotated[bool, typer.Option("--no-control", help="No control interface.")] = False,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    fund: Annotated[
        list[str] | None, typer.Option(metavar="ADDRESS=LOVELACE", help="Funds from the start.")
    ] = None,
    accounts: Annotated[
        int | None,
        typer.Option(
            help="Accounts with 10,000 ADA each and well-known keys; else 10, on mainnet's magic none.",
            min=0,
            max=1000,
            show_default=False,
        ),
    ] = None,
    stake_pools: Annotated[
        int,
        typer.Option(help="Stake pools registered from the start; they make no blocks.", min=0),
    ] = 1,
    block_interval: Annotated[
        float, typer.Option(help="Seconds between blocks; 0 makes one for each transaction.")
    ] = 0.0,
    manual_blocks: Annotated[
        bool, typer.Option("--manual-blocks", help="Blocks only through the control interface.")
    ] = False,
    manual_clock: Annotated[
        bool, typer.Option("--manual-clock", help="Time moves only with blocks and by control.")
    ] = False,
    state_dir: Annotated[
        Path | None, typer.Option(help="Keep the chain in this directory and go on with it.")
    ] = None,
    network_magic: Annotated[int, typer.Option(help="The network's magic.")] = 42,
    start_time: Annotated[
        int | None, typer.Option(help="The network's start, POSIX seconds.")
    ] = None,
    parameters: Annotated[
        Path | None, typer.Option(help="Protocol parameters as Ogmios shows them, a JSON file.")
    ] = None,
    ogmios_version: Annotated[str, typer.Option(help="6.14.0 or 7.0.0.")] = "6.14.0",
    kupo_match: Annotated[
        list[str] | None, typer.Option(metavar="PATTERN", help="What the index starts with.")
    ] = None,
    fork_ogmios: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Fork a real network: its Ogmios, which is only asked."),
    ] = None,
    fork_kupo: Annotated[
        str | None, typer.Option(metavar="URL", help="Fork a real network: its Kupo.")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="SLOT[.HASH]", help="Where to fork; else the newest block that its Kupo has."
        ),
    ] = None,
    impersonate: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ADDRESS",
            help="Ask no witness of this address' key or native script. Repeatable.",
        ),
    ] = None,
) -> None:
    """Run a Cardano chain in this process, with the interfaces of Ogmios and Kupo.

    Without a command, starts the chain and prints one line of JSON when it is ready; Ctrl-C ends it. With
    one, speaks to the control interface of a chain that runs already.
    """
    if context.invoked_subcommand is not None:
        _refuse_options_for_starting(context)
        return
    if no_control and control_port is not None:
        raise InvalidInput(
            "--no-control and --control-port exclude each other",
            path="no_control",
            hint="leave one of them out",
        )
    if start_time is not None and start_time > posix_time.LATEST_POSIX_SECONDS:
        for problem in plausibility.moment_problems(start_time, "start_time", network_magic):
            raise InvalidInput(problem.message, path=problem.path, hint=problem.hint)
    chain = opening.ChainConfig(
        network_magic=network_magic,
        start_posix_ms=None if start_time is None else start_time * 1000,
        funds=_funds(fund or []),
        stake_pools=stake_pools,
        manual_clock=manual_clock,
        state_dir=state_dir,
        parameters=protocol_parameters.read_parameters(parameters),
    )
    config = server.DevnetConfig(
        chain=chain,
        host=host,
        ogmios_port=ogmios_port,
        kupo_port=kupo_port,
        control_port=_control_port(control_port, no_control=no_control),
        control_port_may_move=control_port is None,
        block_interval_s=None if manual_blocks else block_interval,
        ogmios_version=ogmios_version,
        kupo_matches=tuple(kupo_match or ()),
    )
    given = {name: _was_given(context, name) for name in ("parameters", *forking.TAKEN_OVER)}
    options = forking.ForkOptions(
        ogmios_url=fork_ogmios,
        kupo_url=fork_kupo,
        at=at,
        impersonate=tuple(impersonate or ()),
        accounts=accounts,
        given=given,
    )
    asyncio.run(forking.serve(config, options))


def _control_port(given: int | None, *, no_control: bool) -> int | None:
    if no_control:
        return None
    return DEFAULT_CONTROL_PORT if given is None else given


def _refuse_options_for_starting(context: typer.Context) -> None:
    """A chain that runs already can't be given other funds, ports or rules."""
    given = [
        name
        for name in context.params
        if name not in _BEFORE_A_COMMAND and _was_given(context, name)
    ]
    if given:
        raise InvalidInput(
            f"--{given[0].replace('_', '-')} is for starting a chain, not for "
            f"`{context.invoked_subcommand}`",
            path=given[0],
            hint="leave it out",
        )


def _was_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"


def _funds(entries: list[str]) -> dict[str, int]:
    funds: dict[str, int] = {}
    for entry in entries:
        address, equals, amount = entry.partition("=")
        if not equals or not amount.isdecimal() or len(amount) > 19 or int(amount) == 0:
            raise InvalidConfiguration(
                f"{entry[:60]!r} is not ADDRESS=LOVELACE",
                path="fund",
                hint="for example addr_test1...=1000000000",
            )
        funds[address] = funds.get(address, 0) + int(amount)
    return funds
