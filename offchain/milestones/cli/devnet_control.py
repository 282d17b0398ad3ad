"""`milestones devnet <what to do>`: commands to a chain that is running."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from milestones.cli.options import address, asset_name
from milestones.cli.session import session_of
from milestones.errors import InvalidInput

if TYPE_CHECKING:
    from milestones.devnet.control.client import ControlClient

DEFAULT_CONTROL_PORT: Final = 1338
"""Where the control interface is unless another port is given: the one after Ogmios'."""

ControlUrl = Annotated[
    str | None,
    typer.Option(
        envvar="MILESTONES_CONTROL_URL",
        help="The chain's control interface, as its first line tells; else http://127.0.0.1:1338.",
        show_default=False,
        show_envvar=True,
    ),
]
ControlPort = Annotated[
    int | None,
    typer.Option(help="Its port on this machine, instead of a URL.", show_default=False),
]
Count = Annotated[int, typer.Argument(help="How many blocks.", min=1)]


def state(
    context: typer.Context, control_url: ControlUrl = None, control_port: ControlPort = None
) -> None:
    """Show tip, time, waiting transactions, the faucet and faults."""
    _show(context, _chain(context, control_url, control_port).get("state"))


def advance(
    context: typer.Context,
    seconds: Annotated[int, typer.Argument(help="How far.", min=1)],
    control_url: ControlUrl = None,
    control_port: ControlPort = None,
) -> None:
    """Move the clock forward, and make a block there."""
    chain = _chain(context, control_url, control_port)
    _show(context, chain.post("advance", seconds=seconds))


def mine(
    context: typer.Context,
    count: Count = 1,
    control_url: ControlUrl = None,
    control_port: ControlPort = None,
) -> None:
    """Make blocks."""
    _show(context, _chain(context, control_url, control_port).post("mine", count=count))


def rollback(
    context: typer.Context,
    count: Count = 1,
    control_url: ControlUrl = None,
    control_port: ControlPort = None,
) -> None:
    """Take the latest blocks away; their transactions wait again."""
    _show(context, _chain(context, control_url, control_port).post("rollback", count=count))


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
    to = address(recipient, "ADDRESS").to_bech32()
    chain = _chain(context, control_url, control_port)
    _show(context, chain.post("faucet", address=to, lovelace=lovelace, tokens=wanted or None))


def snapshot(
    context: typer.Context, control_url: ControlUrl = None, control_port: ControlPort = None
) -> None:
    """Note the chain, its mempool and its clock, to come back to; lasts until the chain ends."""
    _show(context, _chain(context, control_url, control_port).post("snapshot"))


def revert(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What `snapshot` answered.")],
    control_url: ControlUrl = None,
    control_port: ControlPort = None,
) -> None:
    """Go back to a snapshot."""
    _show(context, _chain(context, control_url, control_port).post("revert", snapshot=name))


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


def _chain(context: typer.Context, url: str | None, port: int | None) -> ControlClient:
    """The chain that is meant: by URL, by port (before or after the command), or the default's."""
    from milestones.devnet.control.client import ControlClient  # noqa: PLC0415 - only where needed

    given_before: dict[str, Any] = context.parent.params if context.parent else {}
    port = given_before.get("control_port") if port is None else port
    if port is not None or url is None:
        url = f"http://{given_before.get('host', '127.0.0.1')}:{port or DEFAULT_CONTROL_PORT}"
    return ControlClient(url)


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
