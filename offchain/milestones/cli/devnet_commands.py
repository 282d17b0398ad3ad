"""`milestones devnet …`: commands to an embedded chain that is running."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from milestones import documents
from milestones.cli.loading import Later, new_typer
from milestones.cli.options import address, asset_name
from milestones.cli.session import session_of
from milestones.errors import InvalidInput

if TYPE_CHECKING:
    from milestones.cli import devnet_profile as profiling
    from milestones.devnet.control import client as control
    from milestones.devnet.control import flame_graph
    from milestones.devnet.ogmios import parameters as protocol_parameters
    from milestones.domain import plausibility
else:
    plausibility = Later("milestones.domain.plausibility")
    profiling = Later("milestones.cli.devnet_profile")
    control = Later("milestones.devnet.control.client")
    flame_graph = Later("milestones.devnet.control.flame_graph", needed_for="the embedded chain")
    protocol_parameters = Later(
        "milestones.devnet.ogmios.parameters", needed_for="the embedded chain"
    )


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
def place(
    context: typer.Context,
    output: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="An output as Ogmios shows it, JSON: address, value, and datum, datumHash or script.",
        ),
    ],
    control_url: ControlUrl = None,
    control_port: ControlPort = None,
) -> None:
    """Put an output there out of nothing: any address, tokens, datum and reference script."""
    placed = documents.read_object(output, documents.OUTPUT, "FILE", InvalidInput)
    _show(context, _chain(context, control_url, control_port).post("place", **placed))


@devnet.command()
def parameters(
    context: typer.Context,
    changes: Annotated[
        Path, typer.Argument(metavar="FILE", help="Those that change, as Ogmios shows them, JSON.")
    ],
    control_url: ControlUrl = None,
    control_port: ControlPort = None,
) -> None:
    """Change protocol parameters: for what is submitted from now on, until the chain ends."""
    found = protocol_parameters.plain_parameters(changes)
    _show(context, _chain(context, control_url, control_port).post("parameters", **found))


@devnet.command()
def blocks(
    context: typer.Context,
    interval: Annotated[
        float | None,
        typer.Option(help="Seconds between blocks; 0 makes one for each transaction.", min=0),
    ] = None,
    manual: Annotated[
        bool, typer.Option("--manual", help="Blocks only through the control interface.")
    ] = False,
    control_url: ControlUrl = None,
    control_port: ControlPort = None,
) -> None:
    """Change when blocks are made, until the chain ends."""
    if (interval is not None) == manual:
        raise InvalidInput(
            "say when blocks are made", path="interval", hint="give one of --interval and --manual"
        )
    chain = _chain(context, control_url, control_port)
    _show(context, chain.post_all("blocks", {"interval_seconds": interval}))


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
