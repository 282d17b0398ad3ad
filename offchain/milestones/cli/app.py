"""The program's one entry point: global options, commands, and the edge where errors become exit codes.

A command is in the module of this package that has its name, and that is imported when the command is
named. So a command's help imports no service, and the list of commands imports no command.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from importlib import import_module
from itertools import islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer
from typer.completion import completion_init  # type: ignore[attr-defined]
from typer.core import TyperCommand
from typer.main import get_command

from milestones import __version__
from milestones.cli.loading import COMPLETES, Group, Later, new_typer
from milestones.cli.output import FORMS, Form, Output
from milestones.cli.session import Session
from milestones.cli.streams import (
    heed_signals,
    is_of_standard_output,
    open_closed_streams,
    output_lost,
    signal_of,
    standard_output,
)
from milestones.errors import Interrupted, InvalidUsage, MilestonesError, OutputLost

if TYPE_CHECKING:
    from milestones.cli import log
else:
    log = Later("milestones.cli.log")

ANYWHERE: Final = ("--json", "--full")
"""Options of the program that may stand behind a command as well: they say how to print, no more."""
FILE_FORMATS: Final = ("html", "markdown")
"""What a command's own `--format` takes, of the file that it writes."""
USAGE_ERROR: Final[type[Exception]] = typer.BadParameter.__mro__[2]
"""The base of what the argument parser raises: Click's, or Typer's own copy in its newer versions."""

COMMANDS: Final[Mapping[str, str]] = {
    "init": "Check Ogmios, Kupo and the node; let Kupo watch what is needed.",
    "keys": "Show the addresses of key files or of a phrase, or make new keys. Needs no network.",
    "schedule": "Who gets what, as a table: checked, begun, or made of a plan of vesting. Needs no network.",
    "register-milestone": (
        "Validate a schedule; compute its datum, id and address; say its terms in words. Needs no network."
    ),
    "publish-script": "Publish the contract's scripts, once per network, for everybody's use.",
    "deploy": "Open a distribution: lock the tokens, announce the schedule.",
    "claim-file": "Write what a beneficiary of a private distribution needs to claim. Needs no network.",
    "demo": "Play the whole story on an embedded chain, in under a minute; nothing is left behind.",
    "commit-milestone": "Check the form of oracle signatures, and keep them."
    " Needs no network where the terms are known.",
    "attest": "Put the signatures of a quorum of oracles on the chain, which verifies them.",
    "list": "List the distributions of the contract that this Kupo knows, with what is claimable; mark one's"
    " own.",
    "find": "Find the distributions that name an address, and what can be claimed there.",
    "history": "Show what happened to a distribution, line by line, adding up to what it holds.",
    "report": "Write what became of a distribution, for people: one HTML file, or Markdown.",
    "check-status": "Show milestones, quorum, vesting, vaults and claims, verified against the chain.",
    "calculate-distribution": "Show what an address can claim now, later, and has claimed, and why.",
    "submit-release": "Pay allocations to their beneficiaries; anybody may, with any key.",
    "relay": "Pay what becomes claimable in distributions, unattended and within a budget; confirm what is"
    " due.",
    "proposal": "Milestones that anybody says are complete, and that count unless oracles object.",
    "cancel": "Give notice that a distribution will be ended; it can't be withdrawn, and `close` ends it"
    " later.",
    "close": "End a distribution: deposits, and what nobody can claim any more, go back.",
    "serve": "Serve an API and pages for people with a wallet in the browser, until Ctrl-C.",
    "verify": "Audit a distribution from the chain, before trusting it.",
    "stake": "The reward account of a distribution's staking credential: registered, delegated, emptied,"
    " closed.",
    "transaction": "What became of a transaction, what it does, and its way to whoever signs it.",
    "completion": "Complete commands and options by the tab key: print what a shell needs for that, or"
    " install it.",
    "schema": "Print the JSON Schema of a file or a result; without a name, list them.",
    "devnet": "Run a Cardano chain in one process, and do things to it while it runs.",
    "oracle": "What oracles sign, a signer for key files, and the replacement of the oracles.",
}
"""Every command and the first sentence of its help, in the order of the program's help."""


def load_command(name: str) -> Any:
    """The command of this name, or the group of commands, out of its module."""
    function_name = name.replace("-", "_")
    found = getattr(import_module(f"milestones.cli.{function_name}"), function_name)
    if not isinstance(found, typer.Typer):
        alone = new_typer()
        alone.command(name)(found)
        found = alone
    command = get_command(found)
    command.name = name
    return command


class LazyGroup(Group):
    """The commands by name and first sentence; each is loaded when a command line names it."""

    def __init__(self, **attributes: Any) -> None:
        """The group with a stand-in for each command."""
        super().__init__(**attributes)
        for name, sentence in COMMANDS.items():
            self.add_command(TyperCommand(name, help=sentence))

    def resolve_command(self, *arguments: Any) -> Any:
        """The command that a command line names, loaded, and what is left of the line."""
        name, command, rest = super().resolve_command(*arguments)
        return name, None if command is None else load_command(command.name or ""), rest


app = new_typer(
    cls=LazyGroup,
    name="milestones",
    no_args_is_help=True,
    help="Pay out tokens on Cardano when milestones are reached.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def options(  # noqa: PLR0917 - an option each
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            show_default=False,
            help="Configuration file (YAML); else MILESTONES_CONFIG, else config.yaml or"
            " offchain/config.yaml.",
        ),
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            show_default=False, help="Where records are kept; else MILESTONES_DATA_DIR, else data."
        ),
    ] = None,
    network: Annotated[
        str | None,
        typer.Option(
            show_default=False,
            help="mainnet, preprod, preview, devnet or testnet (any but mainnet); else CARDANO_NETWORK,"
            " else testnet.",
        ),
    ] = None,
    ogmios_url: Annotated[
        str | None,
        typer.Option(
            show_default=False,
            help="Ogmios' WebSocket address; else OGMIOS_URL, else ws://localhost:1337.",
        ),
    ] = None,
    kupo_url: Annotated[
        str | None,
        typer.Option(
            show_default=False,
            help="Kupo's HTTP address; else KUPO_URL, else http://localhost:1442.",
        ),
    ] = None,
    max_lag: Annotated[
        int | None,
        typer.Option(
            metavar="SLOTS",
            min=0,
            show_default=False,
            help="Send nothing while Kupo is further behind the node; else MILESTONES_MAX_LAG_SLOTS,"
            " else 180 slots are warned of.",
        ),
    ] = None,
    token_registry: Annotated[
        Path | None,
        typer.Option(
            show_default=False,
            help="What tokens' decimals are: a file or folder of a token registry (CIP-26); else"
            " MILESTONES_TOKEN_REGISTRY.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, also on a terminal.")
    ] = False,
    form: Annotated[
        Literal["table", "json", "csv"] | None,
        typer.Option(
            "--format",
            show_default=False,
            help="How to print a result: as on a terminal, as JSON, or its rows as CSV; else a table on a"
            " terminal, and JSON elsewhere.",
        ),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Show every field of a result on a terminal.")
    ] = False,
    verbose: Annotated[
        int,
        typer.Option(
            "-v",
            "--verbose",
            count=True,
            show_default=False,
            help="Say what is asked of which service, and what is decided; -vv says more.",
        ),
    ] = 0,
    log_file: Annotated[
        Path | None, typer.Option(help="Write all of that into a file, behind what it has.")
    ] = None,
    log_format: Annotated[
        Literal["text", "json"], typer.Option(help="Lines of text, or a JSON object each.")
    ] = "text",
    _version_wanted: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Options that stand before the command and hold for all of them."""
    if verbose or log_file is not None:
        log.start(
            context.invoked_subcommand,
            verbosity=verbose,
            file=log_file,
            file_format=log_format,
        )
    context.obj = Session(
        config_file=config,
        overrides={
            "data_directory": data_dir,
            "network": network,
            "ogmios_url": ogmios_url,
            "kupo_url": kupo_url,
            "max_lag_slots": max_lag,
            "token_registry": token_registry,
        },
        output=Output(form="json" if as_json else form, full=full),
    )
    context.call_on_close(context.obj.say_reports)


def reordered(arguments: Sequence[str]) -> list[str]:
    """A command line whose `ANYWHERE` stand where the parser takes them: before the command.

    What follows `--` is left as it is.
    """
    end = arguments.index("--") if "--" in arguments else len(arguments)
    moved, left = list[str](), list[str]()
    words = iter(arguments[:end])
    for each in words:
        if each == "--format":
            pair = [each, *islice(words, 1)]
            is_of_file = len(pair) == 1 or pair[1] in FILE_FORMATS
            (left if is_of_file else moved).extend(pair)
        elif each in ANYWHERE or each.startswith("--format="):
            (left if each[9:] in FILE_FORMATS else moved).append(each)
        else:
            left.append(each)
    return [*moved, *left, *arguments[end:]]


def main() -> None:
    """Entry point of the console command. Exit codes: `errors.py` names them."""
    open_closed_streams()
    heed_signals()
    arguments = reordered(sys.argv[1:])
    output = Output(form=_form(arguments))
    if COMPLETES in os.environ:
        # A shell asks what could stand there; Typer's own start-up does this only with options of its own.
        completion_init()
    try:
        code = app(arguments, standalone_mode=False, complete_var=COMPLETES)
    except MilestonesError as error:
        code = _reported(error, output)
    except USAGE_ERROR as error:
        code = _usage(error, output)
    except (typer.Abort, KeyboardInterrupt) as error:
        code = _reported(Interrupted(signal_of(error)), output)
    except Exception as error:  # noqa: BLE001 - the edge of the program
        code = _fault(error, output)
    try:
        with standard_output():
            pass  # A help is written by the parser.
    except OutputLost as error:
        code = code or _reported(error, output)
    sys.exit(code if isinstance(code, int) else 0)


def _form(arguments: Sequence[str]) -> Form | None:
    """How an error is said where the program's own options can't be read."""
    if "--json" in arguments or "--format=json" in arguments:
        return "json"
    given = {after for each, after in pairwise(arguments) if each == "--format"}
    return next((form for form in FORMS if form in given or f"--format={form}" in arguments), None)


def _reported(error: MilestonesError, output: Output) -> int:
    output.error(error)
    return error.exit_code


def _fault(error: Exception, output: Output) -> int:
    if isinstance(error, OSError) and is_of_standard_output(error):
        return _reported(output_lost(error), output)
    # Whatever went wrong, a program that reads our JSON gets an answer.
    traceback.print_exc()
    fault = MilestonesError(
        f"{type(error).__name__}: {error}",
        hint="this is a fault of the program: please report it with the lines above; what was submitted"
        " is in the data directory's journal",
    )
    return _reported(fault, output)


def _usage(error: Any, output: Output) -> int:
    """Says what the argument parser found wrong, as every other error is said."""
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        return InvalidUsage.exit_code
    return _reported(InvalidUsage(_what_is_wrong(error), hint=_way_out(error)), output)


def _what_is_wrong(error: Any) -> str:
    """The parser's message; of what is missing it names the first alone, and here all of it is."""
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "MissingParameter" and context is not None:
        # What is given is read before what is not, so all else that is needed is missing, too.
        known = context.command.params
        lacking = [each for each in known if each.required and each.name not in context.params]
        if len(lacking) > 1:
            return f"missing: {', '.join(_shown(each) for each in lacking)}"
    message: str = error.format_message()
    return message.replace("Value error, ", "")


def _shown(parameter: Any) -> str:
    is_option = parameter.param_type_name == "option"
    return max(parameter.opts, key=len) if is_option else f"<{parameter.name}>"


def _way_out(error: Any) -> str:
    option = getattr(error, "option_name", "")
    known = get_command(app).params
    if any(option in each.opts for each in known):
        return f"{option} stands before the command: milestones {option} ... <command>"
    context = getattr(error, "ctx", None)
    command = "milestones" if context is None else context.command_path
    return f"`{command} --help` shows what there is"
