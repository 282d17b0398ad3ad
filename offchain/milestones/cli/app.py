"""The program's one entry point: global options, commands, and the edge where errors become exit codes."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from milestones import __version__
from milestones.cli.administer import claim_file, deploy, register_milestone
from milestones.cli.audit import transaction, verify
from milestones.cli.demo import demo
from milestones.cli.devnet import devnet
from milestones.cli.oracles import attest, commit_milestone, oracle
from milestones.cli.output import Output
from milestones.cli.queries import calculate_distribution, check_status
from milestones.cli.release import close, submit_release
from milestones.cli.session import Session
from milestones.cli.setup import init, keys, publish_script
from milestones.errors import InvalidUsage, MilestonesError

USAGE_ERROR: Final[type[Exception]] = typer.BadParameter.__mro__[2]
"""The base of what the argument parser raises: Click's, or Typer's own copy in its newer versions."""

app = typer.Typer(
    name="milestones",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Pay out tokens on Cardano when milestones are reached.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def options(  # noqa: PLR0917 - an option each
    context: typer.Context,
    config: Annotated[Path | None, typer.Option(help="Configuration file (YAML).")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Where records are kept.")] = None,
    network: Annotated[
        str | None, typer.Option(help="mainnet, preprod, preview, devnet or testnet.")
    ] = None,
    ogmios_url: Annotated[str | None, typer.Option(help="Ogmios' WebSocket address.")] = None,
    kupo_url: Annotated[str | None, typer.Option(help="Kupo's HTTP address.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, also on a terminal.")
    ] = False,
    _version_wanted: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Options that stand before the command and hold for all of them."""
    context.obj = Session(
        config_file=config,
        overrides={
            "data_directory": data_dir,
            "network": network,
            "ogmios_url": ogmios_url,
            "kupo_url": kupo_url,
        },
        output=Output(as_json=as_json),
    )


app.command()(init)
app.command()(keys)
app.command()(register_milestone)
app.command()(publish_script)
app.command()(deploy)
app.command()(claim_file)
app.add_typer(devnet, name="devnet")
app.command()(demo)
app.add_typer(oracle, name="oracle")
app.command()(commit_milestone)
app.command()(attest)
app.command()(check_status)
app.command()(calculate_distribution)
app.command()(submit_release)
app.command()(close)
app.command()(verify)
app.command()(transaction)


def main() -> None:
    """Entry point of the console command. Exit codes: `errors.py` names them."""
    output = Output(as_json="--json" in sys.argv[1:])
    try:
        code = app(standalone_mode=False)
    except MilestonesError as error:
        output.error(error)
        code = error.exit_code
    except USAGE_ERROR as error:
        code = _usage(error, output)
    except (typer.Abort, KeyboardInterrupt):
        output.message("interrupted")
        code = 130
    except BrokenPipeError:
        code = 1
    except Exception as error:  # noqa: BLE001 - the edge of the program
        # Whatever went wrong, a program that reads our JSON gets an answer.
        traceback.print_exc()
        code = _fault(error, output)
    sys.exit(code if isinstance(code, int) else 0)


def _fault(error: Exception, output: Output) -> int:
    told = MilestonesError(
        f"{type(error).__name__}: {error}",
        hint="this is a fault of the program: please report it with the lines above; what was submitted"
        " is in the data directory's journal",
    )
    output.error(told)
    return told.exit_code


def _usage(error: Any, output: Output) -> int:
    """Says what the argument parser found wrong, as every other error is said."""
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        return InvalidUsage.exit_code
    refused = InvalidUsage(error.format_message(), hint=_way_out(error))
    output.error(refused)
    return refused.exit_code


def _way_out(error: Any) -> str:
    option = getattr(error, "option_name", "")
    known = typer.main.get_command(app).params
    if any(option in each.opts for each in known):
        return f"{option} stands before the command: milestones {option} ... <command>"
    context = getattr(error, "ctx", None)
    command = "milestones" if context is None else context.command_path
    return f"`{command} --help` shows what there is"
