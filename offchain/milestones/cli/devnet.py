"""`milestones devnet`: the embedded chain, and commands to one that is running."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from milestones import documents
from milestones.cli.loading import Later, new_typer
from milestones.cli.options import address, asset_name
from milestones.cli.session import session_of
from milestones.errors import InvalidConfiguration, InvalidInput

if TYPE_CHECKING:
    from milestones.cli import devnet_fork as forking
    from milestones.cli import devnet_profile as profiling
    from milestones.devnet import opening, server
    from milestones.devnet.control import client as control
    from milestones.devnet.control import flame_graph
    from milestones.devnet.ogmios import parameters as protocol_parameters
    from milestones.domain import plausibility, posix_time
else:
    plausibility = Later("milestones.domain.plausibility")
    posix_time = Later("milestones.domain.posix_time")
    profiling = Later("milestones.cli.devnet_profile")
    control = Later("milestones.devnet.control.client")
    flame_graph = Later("milestones.devnet.control.flame_graph", needed_for="the embedded chain")
    forking = Later("milestones.cli.devnet_fork", needed_for="the embedded chain")
    protocol_parameters = Later(
        "milestones.devnet.ogmios.parameters", needed_for="the embedded chain"
    )
    opening = Later("milestones.devnet.opening", needed_for="the embedded chain")
    server = Later("milestones.devnet.server", needed_for="the embedded chain")


devnet: Final = new_typer(
    invoke_without_command=True,
    help="Run a Cardano chain in one process, and do things to it while it runs.",
)
DEFAULT_CONTROL_PORT: Final = 1338
"""Where the control interface is unless another port is given: the one after Ogmios'."""

ControlUrl = Annotated[
    str | None,
    typer.Option(
        envvar="MILESTONES_CONTROL_URL",
        help="The chain's control interface, as its first line says; else http://127.0.0.1:1338.",
        show_default=False,
        show_envvar=True,
    ),
]
ControlPort = Annotated[
    int | None,
    typer.Option(help="Its port on this machine, instead of a URL.", show_default=False),
]
Count = Annotated[int, typer.Argument(help="How many blocks.", min=1)]


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


@devnet.command()
def state(
    context: typer.Context, control_url: ControlUrl = None, control_port: ControlPort = None
) -> None:
    """Show tip, time, waiting transactions, the faucet and faults."""
    _show(context, _chain(context, control_url, control_port).get("state"))


@devnet.command()
def advance(
    context: typer.Context,
    seconds: Annotated[int, typer.Argument(help="How far.", min=1)],
    control_url: ControlUrl = None,
    control_port: ControlPort = None,
) -> None:
    """Move the clock forward, and make a block there."""
    chain = _chain(context, control_url, control_port)
    _show(context, chain.post("advance", seconds=seconds))


@devnet.command()
def mine(
    context: typer.Context,
    count: Count = 1,
    control_url: ControlUrl = None,
    control_port: ControlPort = None,
) -> None:
    """Make blocks, each in a slot of its own; time moves along where they run ahead of it."""
    _show(context, _chain(context, control_url, control_port).post("mine", count=count))


@devnet.command()
def faucet(  # noqa: PLR0917 - an option each
    context: typer.Context,
    recipient: Annotated[str, typer.Argument(metavar="ADDRESS", help="Who gets it.")],
    lovelace: Annotated[
        int | None,
        typer.Option(help="How much; 2 ADA come with tokens where nothing is said.", min=1),
    ] = None,
    token: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=QUANTITY",
            help="A token of the faucet's policy: its name as text, or 0x and hex. Repeatable.",
        ),
    ] = None,
    control_url: ControlUrl = None,
    control_port: ControlPort = None,
) -> None:
    """Pay ADA, and tokens minted for it, to an address."""
    if lovelace is None and not token:
        raise InvalidInput("nothing to pay", hint="give --lovelace, --token or both")
    wanted = _tokens(token or [])
    for name in wanted:
        for doubt in plausibility.token_name_doubts(bytes.fromhex(name)):
            session_of(context).output.message(f"warning: {doubt}")
    to = address(recipient, "ADDRESS").to_bech32()
    chain = _chain(context, control_url, control_port)
    _show(context, chain.post("faucet", address=to, lovelace=lovelace, tokens=wanted or None))


@devnet.command()
def rewards(
    context: typer.Context,
    account: Annotated[str, typer.Argument(metavar="STAKE_ADDRESS", help="Who gets them.")],
    lovelace: Annotated[int, typer.Option(help="How much.", min=1)],
    control_url: ControlUrl = None,
    control_port: ControlPort = None,
) -> None:
    """Grant rewards to a registered reward account, in a block of their own."""
    chain = _chain(context, control_url, control_port)
    _show(context, chain.post("rewards", address=account, lovelace=lovelace))


@devnet.command()
def submit(
    context: typer.Context,
    transaction: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="CBOR, in hexadecimal or not, or as cardano-cli writes it."
        ),
    ],
    control_url: ControlUrl = None,
    control_port: ControlPort = None,
) -> None:
    """Give the chain a transaction as it is, such as one without the witnesses that it waives."""
    meant = profiling.transaction_in(transaction).hex()
    _show(context, _chain(context, control_url, control_port).post("submit", transaction=meant))


@devnet.command()
def rollback(
    context: typer.Context,
    count: Count = 1,
    control_url: ControlUrl = None,
    control_port: ControlPort = None,
) -> None:
    """Take the latest blocks away; their transactions wait again."""
    _show(context, _chain(context, control_url, control_port).post("rollback", count=count))


@devnet.command()
def snapshot(
    context: typer.Context, control_url: ControlUrl = None, control_port: ControlPort = None
) -> None:
    """Note the chain, its mempool and its clock, to come back to; lasts until the chain ends."""
    _show(context, _chain(context, control_url, control_port).post("snapshot"))


@devnet.command()
def revert(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What `snapshot` answered.")],
    control_url: ControlUrl = None,
    control_port: ControlPort = None,
) -> None:
    """Go back to a snapshot."""
    _show(context, _chain(context, control_url, control_port).post("revert", snapshot=name))


@devnet.command()
def freeze(
    context: typer.Context,
    interface: Annotated[str, typer.Argument(help="ogmios or kupo.")],
    fault: Annotated[
        str, typer.Argument(help="hanging, dropping, disconnected or, for kupo, stale.")
    ],
    control_url: ControlUrl = None,
    control_port: ControlPort = None,
) -> None:
    """Let an interface fail until `unfreeze`: hang, drop connections, lose the node, fall behind."""
    chain = _chain(context, control_url, control_port)
    _show(context, chain.post("freeze", interface=interface, fault=fault))


@devnet.command()
def unfreeze(
    context: typer.Context,
    interface: Annotated[
        str | None, typer.Argument(help="ogmios or kupo; else both.", show_default=False)
    ] = None,
    control_url: ControlUrl = None,
    control_port: ControlPort = None,
) -> None:
    """Mend an interface."""
    _show(context, _chain(context, control_url, control_port).post("unfreeze", interface=interface))


@devnet.command()
def profile(  # noqa: PLR0917 - an option each
    context: typer.Context,
    transaction: Annotated[
        str,
        typer.Argument(
            metavar="TRANSACTION",
            help="Its id, or a file that holds one: CBOR, in hexadecimal or not, or as cardano-cli writes it.",
        ),
    ],
    svg: Annotated[
        Path | None, typer.Option(help="Write a flame graph to this new file.", show_default=False)
    ] = None,
    memory: Annotated[
        bool, typer.Option("--memory", help="The flame graph's widths are memory, not CPU steps.")
    ] = False,
    debug_blueprint: Annotated[
        Path | None,
        typer.Option(
            help="A debug build, whose code is run in place of the released scripts: its labels show.",
            show_default=False,
        ),
    ] = None,
    blueprint: Annotated[
        Path | None,
        typer.Option(help="The released scripts' blueprint; else this program's own contract."),
    ] = None,
    control_url: ControlUrl = None,
    control_port: ControlPort = None,
) -> None:
    """Show what a transaction's scripts take, and where: by kind of step, by function, by check.

    One that the chain has is run as it was judged; any other on the outputs that are unspent now. With a debug
    build the units are those of its code, which differ.
    """
    meant: dict[str, Any] = dict(profiling.transaction_meant(transaction))
    if debug_blueprint is not None:
        meant["scripts"] = profiling.stand_ins(debug_blueprint, blueprint)
    answer = _chain(context, control_url, control_port).post("profile", **meant)
    output = session_of(context).output
    if debug_blueprint is not None and not any(each["stand_in_hash"] for each in answer["scripts"]):
        output.message("warning: no script of the debug build is one of this transaction's")
    if svg is not None:
        measure = "memory" if memory else "cpu"
        graph = flame_graph.flame_graph(answer["stacks"], measure, measure)
        documents.write_new(svg, graph, "svg", InvalidInput)
        answer["svg"] = str(svg)
    output.fields(answer if output.as_json else profiling.tables(answer))


def _chain(context: typer.Context, url: str | None, port: int | None) -> control.ControlClient:
    """The chain that is meant: by URL, by port (before or after the command), or the default's."""
    given_before: dict[str, Any] = context.parent.params if context.parent else {}
    port = given_before.get("control_port") if port is None else port
    if port is not None or url is None:
        url = f"http://{given_before.get('host', '127.0.0.1')}:{port or DEFAULT_CONTROL_PORT}"
    return control.ControlClient(url)


def _show(context: typer.Context, answer: dict[str, Any]) -> None:
    session_of(context).output.fields(answer)


def _tokens(entries: list[str]) -> dict[str, int]:
    tokens: dict[str, int] = {}
    for entry in entries:
        name, equals, quantity = entry.rpartition("=")
        if not equals or not quantity.isdecimal() or len(quantity) > 19 or int(quantity) == 0:
            raise InvalidInput(
                f"{entry[:80]!r} is not NAME=QUANTITY", path="token", hint="for example GRANT=1000"
            )
        key = asset_name(name, "token")
        tokens[key] = tokens.get(key, 0) + int(quantity)
    return tokens
