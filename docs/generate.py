"""Writes the pages of `docs/reference/` out of the program itself: python docs/generate.py [--check].

With `--check` nothing is written; the exit code is 1 where a page or a schema is out of date.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

import typer
from pydantic import BaseModel, TypeAdapter
from typer.models import ArgumentInfo

from milestones import errors
from milestones.cli.app import app
from milestones.cli.config import CONFIG_VARIABLE, DEFAULT_FILES, VARIABLES, Config
from milestones.clients.rejections import REJECTIONS
from milestones.domain.models import (
    Allocation,
    MilestoneCompletion,
    MilestoneSchedule,
    OracleSignature,
)
from milestones.protocol.claim_file import ClaimFile
from milestones.services import (
    attest,
    calculate_distribution,
    check_status,
    close,
    commit_milestone,
    deploy,
    init,
    keys,
    oracle_payload,
    oracle_sign,
    publish_script,
    register_milestone,
    submit_release,
    transaction_status,
    verify,
    write_claim_file,
)

REFERENCE: Final = Path(__file__).parent / "reference"
NOTE: Final = "<!-- Written by docs/generate.py out of the program. Don't edit. -->\n"

FILES: Final[dict[str, tuple[Any, str]]] = {
    "allocations": (tuple[Allocation, ...], "`--beneficiary-allocations`: who gets what."),
    "schedule": (
        MilestoneSchedule,
        "`--schedule`, and what `register-milestone --output` writes: a whole distribution. Either"
        " `reclaim_after` or `irrevocable` is given; `page_depth` is the program's choice when left out.",
    ),
    "signatures": (
        tuple[OracleSignature, ...],
        "`--oracle-signatures`: entries with `verification_key` (a raw signature), or with the pair"
        " `cose_sign1` and `cose_key` (made by a wallet through CIP-30).",
    ),
    "claim-file": (ClaimFile, "`--claim-file`: a beneficiary's part of a private distribution."),
    "milestone-record": (
        MilestoneCompletion,
        "`milestones/*.json` in the data directory: what is known of one milestone.",
    ),
}


def pages() -> Iterator[tuple[str, str]]:
    """Every file of the reference: its name and text."""
    yield "commands.md", _commands()
    yield "configuration.md", _configuration()
    yield "errors.md", _errors()
    yield "files.md", _files()
    for name, (kind, _) in FILES.items():
        schema = TypeAdapter(kind).json_schema(mode="validation")
        yield f"schemas/{name}.json", _json(schema)
    for name, model in _results():
        yield f"schemas/results/{name}.json", _json(model.model_json_schema(mode="serialization"))


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _row(*cells: str) -> str:
    return "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in cells) + " |\n"


# -- commands


def _commands() -> str:
    text = NOTE + _COMMANDS
    callback = app.registered_callback
    text += "" if callback is None else _options(callback.callback)
    for name, function in _walk(app, ""):
        documented = inspect.cleandoc(function.__doc__ or "")
        text += f"\n## {name}\n\n{documented}\n\n{_options(function)}"
    return text


def _walk(group: typer.Typer, path: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    for command in group.registered_commands:
        function = command.callback
        if function is not None:
            yield path + (command.name or function.__name__.replace("_", "-")), function
    for inner in group.registered_groups:
        nested = inner.typer_instance
        callback = nested.registered_callback if nested else None
        if callback is not None and callback.callback is not None:
            yield f"{path}{inner.name}", callback.callback
        if nested is not None:
            yield from _walk(nested, f"{path}{inner.name} ")


def _options(function: Callable[..., Any] | None) -> str:
    hints = get_type_hints(function, include_extras=True)
    parameters = inspect.signature(function).parameters if function else {}
    rows = [
        _option(name, hints[name], parameter.default)
        for name, parameter in parameters.items()
        if get_origin(hints[name]) is Annotated
    ]
    if not rows:
        return "It takes no options.\n"
    return _row("option", "takes", "meaning") + _row("---", "---", "---") + "".join(rows)


def _option(name: str, hint: Any, default: Any) -> str:
    kind, info = get_args(hint)[:2]
    kinds = [each for each in get_args(kind) if each is not NoneType] or [kind]
    repeated = get_origin(kinds[0]) is list
    taken = get_args(kinds[0])[0] if repeated else kinds[0]
    names = [each for each in (info.default, *(info.param_decls or ())) if isinstance(each, str)]
    shown = ", ".join(names) or f"--{name.replace('_', '-')}"
    if isinstance(info, ArgumentInfo):
        shown = info.metavar or name.upper()
    takes = "" if taken is bool else info.metavar or TAKES[taken]
    meaning = info.help or "The program's version."
    if default is inspect.Parameter.empty:
        meaning += " **Required.**"
    elif isinstance(default, (int, float, str)) and default not in ("", True, False):
        meaning += f" Default: `{default}`."
    return _row(f"`{shown}`", takes, meaning + " May be repeated." * repeated)


TAKES: Final = {str: "text", int: "number", float: "number", Path: "path"}


# -- configuration


def _configuration() -> str:
    files = " or ".join(f"`{file}`" for file in DEFAULT_FILES)
    text = NOTE + _SOURCES.format(variable=CONFIG_VARIABLE, files=files)
    text += _row("setting", "variable", "default") + _row("---", "---", "---")
    for name, field in Config.model_fields.items():
        shown = "" if field.default in (None, ()) else f"`{field.default}`"
        text += _row(f"`{name}`", f"`{VARIABLES[name]}`", shown)
    return text + _SETTINGS


_COMMANDS: Final = """# Commands

`milestones`, `python -m milestones` and, in `offchain/`, `python cli.py` are the same program. Options of
the first table stand before the command's name.

"""

_SOURCES: Final = """# Configuration

A setting is taken from the first of: the command line, the environment, the configuration file, the
default. The file is YAML: the one that `--config` or `{variable}` names, else {files} where the
program runs. Relative paths in it start in its own folder; one that begins with that folder's name starts
one higher.

"""

_SETTINGS: Final = """
`network` is `mainnet`, `preprod`, `preview`, `devnet` (the embedded chain, magic 42) or `testnet`: any that is
not mainnet. It is compared with the node's magic before anything is signed; `network_magic` narrows
`testnet` down to one. `reference_scripts` (`<transaction id>#<index>`, separated by commas) are outputs known
to hold the published scripts; without it they are looked up. `blueprint_path` is another compiled
contract, see [contract releases](../contract-releases.md).

The data directory holds copies of what is on the chain, collected signatures and a journal of submitted
transactions:

```text
data/
├── milestones/       a record for each milestone: the oracles' signatures
├── schedules/        complete schedules
├── cache/            what was last seen of each contract, and the network's parameters
└── journal.sqlite3   the journal of submissions
```

The journal is an SQLite database; while it is used `journal.sqlite3-wal` and `-shm` are beside it. It has to be
on a local disk: where the file system keeps no locks, or shares no memory between processes, it is refused.
Copy the directory while no command runs. What release 0.1.0 left in `journal/` is taken over, and the folder
is kept as `journal.migrated`.

A file that can't be used is kept as `<name>.corrupt-1` and reported. One that a later version of the program
has written stays as it is: a command that needs it says so and ends with exit code 2, others pass it over
with a warning.
"""


# -- files


def _files() -> str:
    text = NOTE + _UNITS
    for name, (kind, meaning) in FILES.items():
        schema = TypeAdapter(kind).json_schema(mode="validation")
        text += f"\n## {name.replace('-', ' ').capitalize()}\n\n{meaning}"
        text += f" Schema: [`{name}.json`](schemas/{name}.json).\n\n{_fields(schema)}"
    text += "\n## Results\n\nWhat each command prints in JSON mode.\n\n"
    text += _row("command", "schema") + _row("---", "---")
    for name, _ in _results():
        text += _row(f"`{name.replace('_', ' ')}`", f"[`{name}.json`](schemas/results/{name}.json)")
    return text


_UNITS: Final = """# Files and results

Amounts are integers in the token's smallest unit; names that end in `_lovelace` are lovelace. `*_timestamp`
and `reclaim_after` are POSIX seconds. Unknown fields are refused. The schemas are JSON Schema, draft
2020-12.
"""


def _fields(schema: dict[str, Any]) -> str:
    definitions = schema.get("$defs", {})
    record = schema
    while "properties" not in record:
        record = _resolved(record.get("items", record), definitions)
    text = _row("field", "type", "required") + _row("---", "---", "---")
    for name, described in record["properties"].items():
        required = "yes" if name in record.get("required", ()) else ""
        text += _row(f"`{name}`", _type(described, definitions), required)
    return text


def _resolved(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        found: dict[str, Any] = definitions[schema["$ref"].rsplit("/", 1)[1]]
        return found
    return schema


def _type(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[1]
    if "anyOf" in schema:
        return " or ".join(_type(each, definitions) for each in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f'"{value}"' for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}), definitions)}"
    if "pattern" in schema:
        return "address" if "addr" in schema["pattern"] else "hexadecimal"
    return str(schema.get("type", "any"))


def _results() -> list[tuple[str, type[BaseModel]]]:
    """The result model of every command, by the command's name."""
    services = {
        "init": init.init,
        "keys": keys.show_keys,
        "register-milestone": register_milestone.register_milestone,
        "publish-script": publish_script.publish_script,
        "deploy": deploy.deploy,
        "claim-file": write_claim_file.write_claim_file,
        "oracle_payload": oracle_payload.oracle_payload,
        "oracle_sign": oracle_sign.oracle_sign,
        "commit-milestone": commit_milestone.commit_milestone,
        "attest": attest.attest,
        "check-status": check_status.check_status,
        "calculate-distribution": calculate_distribution.calculate_distribution,
        "submit-release": submit_release.submit_release,
        "verify": verify.verify,
        "close": close.close,
        "transaction": transaction_status.transaction_status,
    }
    return [(name, _returned(service)) for name, service in services.items()]


def _returned(service: Any) -> type[BaseModel]:
    module = sys.modules[service.__module__]
    model: type[BaseModel] = getattr(module, inspect.signature(service).return_annotation)
    return model


# -- errors


def _errors() -> str:
    text = NOTE + _ERRORS
    text += (
        _row("exit code", "`code`", "meaning") + _row("---", "---", "---") + _row("0", "", "done")
    )
    for error in sorted(_tree(errors.MilestonesError), key=lambda each: each.exit_code):
        text += _row(str(error.exit_code), f"`{error.code}`", _first_paragraph(error))
    text += _row("130", "", "interrupted from the keyboard") + _RULES
    text += _row("`rule`", "message", "what to do") + _row("---", "---", "---")
    for rule in _rules():
        text += _row(*rule)
    text += _REFUSALS + _row("code", "what happened", "what to do") + _row("---", "---", "---")
    for code, rejection in sorted(REJECTIONS.items()):
        text += _row(str(code), rejection.sentence, rejection.hint)
    return text


_ERRORS: Final = """# Errors and exit codes

In JSON mode an error is an object `{"error": {"code", "message", "details", "hint"}}` on standard output; the
exit code tells the kind. `hint` says what to do next. Where an input is wrong, `details.path` names the
field, such as `beneficiary_allocations[3].token_amount`.

Two commands print a result and end with another exit code than 0 all the same: `verify` with 5 where a check
fails, and `submit-release` where it has paid all but what stands under `left_out`, with the exit code of the
first `code` there.

"""

_RULES: Final = """
## When a rule forbids it

Exit code 5, `details.rule`. `…` stands for names and numbers of the case at hand.

"""

_REFUSALS: Final = """
## When the chain refuses

Exit code 7; `details.rejection_code` is Ogmios' code. Most of these can't happen to a transaction that this
program built on a chain that stands still; they are explained all the same.

"""


def _rules() -> list[tuple[str, str, str]]:
    """Every place in the program that raises `NotAllowedYet`: rule, message, hint."""
    found = set()
    for file in sorted(Path(errors.__file__).parent.rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            if isinstance(call.func, ast.Name) and call.func.id == errors.NotAllowedYet.__name__:
                rule, message = (_text(argument) for argument in call.args[:2])
                hints = [_text(each.value) for each in call.keywords if each.arg == "hint"]
                found.add((f"`{rule}`", message, "".join(hints)))
    return sorted(found)


def _text(node: ast.expr) -> str:
    """A literal's text, with `…` for what is filled in."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) for part in node.values)
    return "…"


def _tree(error: type[errors.MilestonesError]) -> Iterator[type[errors.MilestonesError]]:
    yield error
    for inner in error.__subclasses__():
        if inner.__module__ == errors.__name__:
            yield from _tree(inner)


def _first_paragraph(error: type[errors.MilestonesError]) -> str:
    if error is errors.MilestonesError:
        return "Something that nobody expected: please report it."
    return re.split(r"\n\s*\n", inspect.cleandoc(error.__doc__ or ""))[0]


def main(check: bool) -> int:
    """Writes or compares; the exit code."""
    stale = [name for name, text in pages() if _differs(REFERENCE / name, text, write=not check)]
    for name in stale:
        sys.stdout.write(f"{'out of date' if check else 'written'}: docs/reference/{name}\n")
    return 1 if check and stale else 0


def _differs(path: Path, text: str, *, write: bool) -> bool:
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    if write:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return True


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
