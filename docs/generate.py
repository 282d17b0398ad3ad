"""Writes what the program says of itself: python docs/generate.py [--check].

The pages of `docs/reference/`, and the schemas that the package carries (`milestones/schemas/`). With `--check`
nothing is written; the exit code is 1 where a page or a schema is out of date.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import is_dataclass
from importlib import import_module
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Final, Literal, get_args, get_origin, get_type_hints

import typer
from pydantic import BaseModel, TypeAdapter
from typer.models import ArgumentInfo

import milestones
from milestones import errors, testing
from milestones.cli.app import COMMANDS, options
from milestones.cli.config import CONFIG_VARIABLE, DEFAULT_FILES, VARIABLES, Config
from milestones.cli.examples import EXAMPLES, in_lines
from milestones.clients.rejections import REJECTIONS
from milestones.demo.story import play_story
from milestones.domain.models import (
    Allocation,
    MilestoneCompletion,
    MilestoneSchedule,
    OracleSignature,
)
from milestones.domain.tables import COLUMNS, REQUIRED
from milestones.protocol.claim_file import ClaimFile
from milestones.services.oracle import SignatureEntry, WalletEntry

PROJECT: Final = Path(__file__).parents[1]
REFERENCE: Final = "docs/reference"
SCHEMAS: Final = "offchain/milestones/schemas"
NOTE: Final = "<!-- Written by docs/generate.py out of the program. Don't edit. -->\n"


def _column_names() -> str:
    """What else the required columns of a table may be called."""
    return ", ".join(f"`{name}`" for field in REQUIRED for name in COLUMNS[field])


FILES: Final[dict[str, tuple[Any, str]]] = {
    "allocations": (
        tuple[Allocation, ...],
        "`--beneficiary-allocations`: who gets what. A table (CSV) says it, too: a header, a payment a row,"
        " cells between commas, semicolons or tabs. Its columns are named as the fields below, or"
        f" {_column_names()}; they stand in any order, and others are left out, with a warning. Amounts are"
        " whole numbers of the smallest unit unless `--decimals` is given. A time is POSIX seconds, a day such"
        " as `2027-06-30` (its midnight in UTC), or a date and a time with a zone.",
    ),
    "schedule": (
        MilestoneSchedule,
        "`--schedule`, and what `register-milestone --output` writes: a whole distribution. Either"
        " `reclaim_after` or `irrevocable` is given; with neither, it is a year after the last vesting time."
        " `page_depth` is the program's choice when left out.",
    ),
    "signatures": (
        tuple[OracleSignature, ...] | OracleSignature,
        "`--oracle-signatures`: a list of entries, or one alone, with `verification_key` (a raw signature;"
        " it may come later, with `--oracle-keys`), or with the pair `cose_sign1` and `cose_key` (made"
        " by a wallet through CIP-30).",
    ),
    "claim-file": (ClaimFile, "`--claim-file`: a beneficiary's part of a private distribution."),
    "config": (
        Config,
        "The [configuration file](configuration.md), in YAML. Every setting may be left out.",
    ),
    "milestone-record": (
        MilestoneCompletion,
        "`milestones/*.json` in the [data directory](configuration.md#the-data-directory): what is known of one"
        " milestone.",
    ),
}


def pages() -> Iterator[tuple[str, str]]:
    """Every file: its path from the project's folder, and its text."""
    yield f"{REFERENCE}/commands.md", _commands()
    yield f"{REFERENCE}/configuration.md", _configuration()
    yield f"{REFERENCE}/errors.md", _errors()
    yield f"{REFERENCE}/files.md", _files()
    yield f"{REFERENCE}/api.md", _api()
    for name, schema in _schemas():
        yield f"{SCHEMAS}/{name}.json", _json(schema)


def _schemas() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, (kind, _) in FILES.items():
        yield name, _named(name, _of_a_file(kind))
    for name, model in _results():
        result = f"{name}-result"
        yield result, _named(result, model.model_json_schema(mode="serialization"))
    yield "error", _named("error", _error_schema())


def _named(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:milestones:schema:{name}:{SCHEMA_VERSION}",
    }
    return {**head, **schema}


SCHEMA_VERSION: Final = 1
"""What the schemas' ids end in; it grows when a file of before is no longer valid."""


def _of_a_file(kind: Any) -> dict[str, Any]:
    """The schema of what the program reads; an object may name its schema, for the editor."""
    schema = TypeAdapter(kind).json_schema(mode="validation")
    if "properties" in schema:
        schema["properties"]["$schema"] = {"type": "string"}
    for number, choice in enumerate(schema.get("anyOf", ())):
        if "$ref" in choice:
            alone = deepcopy(_resolved(choice, schema["$defs"]))
            alone["properties"]["$schema"] = {"type": "string"}
            schema["anyOf"][number] = alone
    return schema


def _error_schema() -> dict[str, Any]:
    fields = {
        "code": {"enum": sorted({each.code for each in _tree(errors.MilestonesError)})},
        "message": {"type": "string"},
        "details": {"type": "object"},
        "hint": {"type": "string"},
    }
    error = {"type": "object", "properties": fields, "required": list(fields)}
    return {
        "title": "Error",
        "description": "What a command prints in JSON mode where it fails.",
        "type": "object",
        "properties": {"error": error},
        "required": ["error"],
    }


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _row(*cells: str) -> str:
    return "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in cells) + " |\n"


# -- commands


def _commands() -> str:
    text = NOTE + _COMMANDS + _options(options)
    for name in COMMANDS:
        module = name.replace("-", "_")
        found = getattr(import_module(f"milestones.cli.{module}"), module)
        for path, function in _walk(name, found):
            documented = inspect.cleandoc(function.__doc__ or "")
            text += f"\n## {path}\n\n{documented}\n\n{_options(function)}"
            if path in EXAMPLES:
                text += f"\n```text\n{chr(10).join(in_lines(EXAMPLES[path], 100))}\n```\n"
    return text


def _walk(name: str, found: Any) -> Iterator[tuple[str, Callable[..., Any]]]:
    if not isinstance(found, typer.Typer):
        yield name, found
        return
    start = found.registered_callback
    if start is not None and start.callback is not None:
        yield name, start.callback
    for command in found.registered_commands:
        function = command.callback
        if function is not None:
            yield f"{name} {command.name or function.__name__.replace('_', '-')}", function


def _options(function: Callable[..., Any]) -> str:
    hints = {
        name: _annotated(hint)
        for name, hint in get_type_hints(function, include_extras=True).items()
    }
    parameters = inspect.signature(function).parameters
    rows = [
        _option(name, hints[name], parameter.default)
        for name, parameter in parameters.items()
        if get_origin(hints[name]) is Annotated
    ]
    if not rows:
        return "It takes no options.\n"
    return _row("option", "takes", "meaning") + _row("---", "---", "---") + "".join(rows)


def _annotated(hint: Any) -> Any:
    """The hint itself: Python 3.10 wraps it where the default is None."""
    inner = (each for each in get_args(hint) if get_origin(each) is Annotated)
    return hint if get_origin(hint) is Annotated else next(inner, hint)


def _option(name: str, hint: Any, default: Any) -> str:
    kind, info = get_args(hint)[:2]
    kinds = [kind]
    if get_origin(kind) is not Literal:
        kinds = [each for each in get_args(kind) if each is not NoneType] or [kind]
    repeated = get_origin(kinds[0]) is list
    taken = get_args(kinds[0])[0] if repeated else kinds[0]
    choices = get_args(taken) if get_origin(taken) is Literal else ()
    names = [each for each in (info.default, *(info.param_decls or ())) if isinstance(each, str)]
    shown = ", ".join(names) or f"--{name.replace('_', '-')}"
    if isinstance(info, ArgumentInfo):
        shown = info.metavar or name.upper()
    takes = info.metavar or (" or ".join(choices) or TAKES[taken])
    if taken is bool or getattr(info, "count", False):
        takes = ""
    meaning = info.help or "The program's version."
    if default is inspect.Parameter.empty:
        meaning += " **Required.**"
    elif isinstance(default, (int, float, str)) and default not in ("", True, False):
        meaning += f" Default: `{default}`."
    return _row(f"`{shown}`", takes, meaning + " May be repeated." * repeated)


TAKES: Final = {bool: "", str: "text", int: "number", float: "number", Path: "path"}


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
the first table stand before the command's name; `--json` and `--full` anywhere. `-h` is `--help`.

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
contract, see [its versions](../contract-versions.md). `token_registry` says what decimals tokens have that the
chain says nothing of: an entry of a token registry (CIP-26), a list of them, or a folder with a file
`<policy and name>.json` for each. `max_lag_slots` is how far Kupo may be behind the node
where something is sent; without it, more than 180 slots are warned of.

What addresses may look like, and what is trusted and waited for, is on
[a page of its own](../guides/services.md).

## The data directory

It holds copies of what is on the chain, collected signatures and a journal of submitted
transactions:

```text
data/
├── milestones/       a record for each milestone: the oracles' signatures
├── schedules/        complete schedules
├── cache/            what was last seen of each contract, and the network's parameters
├── reservations/     what running commands are about to spend, or to do
└── journal.sqlite3   the journal of submissions
```

The journal is an SQLite database; while it is used `journal.sqlite3-wal` and `-shm` are beside it. It has to be
on a local disk: where the file system keeps no locks, or shares no memory between processes, it is refused.
Copy the directory while no command runs. What a command has reserved is free when its process ends
([why](../decisions/reserved-and-chained.md)).

What version 0.1.0 left in `journal/` is taken over, and the folder is kept as `journal.migrated`.

Folders and files in it have the modes 0700 and 0600, whatever the umask; a warning says where others than the
owner can write in it.

A file that can't be used is kept as `<name>.corrupt-1` and reported. One that a later version of the program
has written stays as it is: a command that needs it says so and ends with exit code 2, others pass it over
with a warning.
"""


# -- files


def _files() -> str:
    text = NOTE + _UNITS
    for name, (kind, meaning) in FILES.items():
        schema = _of_a_file(kind)
        text += f"\n## {name.replace('-', ' ').capitalize()}\n\n{meaning}"
        text += f" Schema: {_link(name)}.\n\n{_fields(schema)}"
    text += _RESULTS + _row("command", "schema") + _row("---", "---")
    for name, _ in _results():
        command = name.replace("oracle-payload-", "oracle-payload --")
        command = re.sub("^(oracle|proposal)-", r"\1 ", command)
        text += _row(f"`{command}`", _link(f"{name}-result"))
    return text + _row("any that fails", _link("error"))


def _link(schema: str) -> str:
    return f"[`{schema}`](../../{SCHEMAS}/{schema}.json)"


_UNITS: Final = """# Files and results

Unknown fields are refused; `$schema` may name the schema, for the editor. Schemas are JSON Schema, draft
2020-12; `milestones schema` lists them, and `milestones schema schedule` prints one.

## Units

| name | unit |
| --- | --- |
| `*_lovelace`, `fee_estimate`, `collateral_amount` | lovelace |
| other amounts, such as `token_amount` | the token's smallest unit |
| `*_posix_ms` | POSIX milliseconds |
| `*_timestamp`, `*_at`, `now`, `reclaim_after` | POSIX seconds |
| `slot`, `*_slot` | slots since the network's start |
| `size` | bytes |
| `memory`, `cpu` | execution units |

Numbers are whole, and can be larger than 2^53: token amounts reach 2^63 - 1.
[JavaScript needs care](../guides/developer.md#large-numbers) with them.
"""

_RESULTS: Final = """
## Results

What each command prints in JSON mode.

"""


def _fields(schema: dict[str, Any]) -> str:
    definitions = schema.get("$defs", {})
    record = schema
    while "properties" not in record:
        record = record.get("anyOf", [record])[0]
        record = _resolved(record.get("items", record), definitions)
    text = _row("field", "type", "required") + _row("---", "---", "---")
    fields = {name: each for name, each in record["properties"].items() if name != "$schema"}
    for name, described in fields.items():
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


def _services() -> dict[str, Callable[..., Any]]:
    """The function that is a command, by the command's name."""
    return {
        "init": milestones.init,
        "keys": milestones.show_keys,
        "register-milestone": milestones.register_milestone,
        "publish-script": milestones.publish_script,
        "deploy": milestones.deploy,
        "claim-file": milestones.write_claim_file,
        "oracle-payload": milestones.oracle_payload,
        "oracle-payload-notice": milestones.notice_payload,
        "oracle-payload-object": milestones.objection_payload,
        "oracle-payload-rotate-to": milestones.rotation_payload,
        "oracle-rotate": milestones.oracle_rotate,
        "commit-milestone": milestones.commit_milestone,
        "attest": milestones.attest,
        "check-status": milestones.check_status,
        "calculate-distribution": milestones.calculate_distribution,
        "submit-release": milestones.submit_release,
        "relay": milestones.relay,
        "verify": milestones.verify,
        "proposal-submit": milestones.proposal_submit,
        "proposal-object": milestones.proposal_object,
        "proposal-confirm": milestones.proposal_confirm,
        "proposal-retire": milestones.proposal_retire,
        "proposal-show": milestones.proposal_show,
        "stake-register": milestones.stake_register,
        "stake-delegate": milestones.stake_delegate,
        "stake-withdraw": milestones.stake_withdraw,
        "stake-deregister": milestones.stake_deregister,
        "stake-show": milestones.stake_show,
        "cancel": milestones.cancel,
        "close": milestones.close,
        "transaction": milestones.transaction_status,
        "transaction-show": milestones.show_known_transaction,
        "transaction-check-hardware": milestones.check_hardware,
        "transaction-sign": milestones.sign_transaction,
        "transaction-assemble": milestones.assemble_known_transaction,
        "transaction-submit": milestones.submit_transaction,
        "list": milestones.list_distributions,
        "history": milestones.history,
        "report": milestones.write_report,
        "find": milestones.find_distributions,
        "schedule-template": milestones.schedule_template,
        "schedule-check": milestones.schedule_check,
        "schedule-vesting": milestones.schedule_vesting,
        "transaction-drop": milestones.drop_transaction,
        "demo": play_story,
    }


def _results() -> list[tuple[str, type[BaseModel]]]:
    """The model of what every command prints, by the command's name."""
    found = [(name, _returned(service)) for name, service in _services().items()]
    series = {
        "register-milestone-series": milestones.SeriesRegistered,
        "deploy-series-plan": milestones.SeriesPlan,
        "check-status-series": milestones.SeriesStatus,
        "verify-series": milestones.SeriesVerified,
        "series": milestones.SeriesDone,
        "oracle-sign-series": milestones.SeriesSigned,
        "claim-file-series": milestones.SeriesClaimFiles,
    }
    entries = [("oracle-sign", SignatureEntry), ("oracle-import", WalletEntry)]
    return [*found, *series.items(), *entries]


def _returned(service: Any) -> type[BaseModel]:
    module = sys.modules[service.__module__]
    model: type[BaseModel] = getattr(module, inspect.signature(service).return_annotation)
    return model


# -- the Python API

API: Final[dict[str, tuple[str, ...]]] = {
    "A workspace and a backend": (
        "open_workspace",
        "connect",
        "Workspace",
        "Backend",
        "Network",
        "load_contract",
        "Contract",
    ),
    "A series of distributions": (
        "register_series",
        "SeriesRegistered",
        "find_series",
        "plan_series",
        "SeriesPlan",
        "deploy_series",
        "in_series",
        "SeriesDone",
        "paying",
        "waiting_for",
        "sign_in_series",
        "SeriesSigned",
        "entries_about",
        "write_claim_files",
        "SeriesClaimFiles",
        "series_status",
        "SeriesStatus",
        "verify_series",
        "SeriesVerified",
    ),
    "Commands that ask the services": (
        "init",
        "publish_script",
        "deploy",
        "commit_milestone",
        "attest",
        "Waiver",
        "check_status",
        "list_distributions",
        "find_distributions",
        "history",
        "board_report",
        "report_html",
        "report_markdown",
        "write_report",
        "calculate_distribution",
        "submit_release",
        "Selection",
        "relay",
        "pay",
        "Budget",
        "AssetId",
        "proposal_submit",
        "proposal_object",
        "proposal_confirm",
        "proposal_retire",
        "proposal_show",
        "objection_payload",
        "rotation_payload",
        "oracle_rotate",
        "cancel",
        "close",
        "stake_register",
        "stake_delegate",
        "stake_withdraw",
        "stake_deregister",
        "stake_show",
        "verify",
        "transaction_status",
        "show_known_transaction",
        "assemble_known_transaction",
        "submit_transaction",
        "oldest_output",
    ),
    "Commands that ask nobody": (
        "register_milestone",
        "registered_schedule",
        "write_claim_file",
        "schedule_template",
        "schedule_check",
        "schedule_vesting",
        "oracle_payload",
        "notice_payload",
        "oracle_sign",
        "oracle_import",
        "evidence_hash_of",
        "show_transaction",
        "drop_transaction",
        "check_hardware",
        "sign_transaction",
        "assemble_transaction",
        "show_keys",
        "show_phrase_keys",
    ),
    "What goes in": (
        "parse_schedule",
        "read_allocations",
        "RegisteredToken",
        "registered_token",
        "AllocationsRead",
        "parse_claim_file",
        "parse_contract_address",
        "read_signature_file",
        "read_verification_key",
        "MilestoneSchedule",
        "Allocation",
        "OracleSignature",
        "ClaimFile",
        "Anchor",
        "Address",
        "DistributionName",
        "SigningKey",
        "Phrase",
        "DerivationPath",
        "Payer",
        "HandOut",
        "script_address",
        "Signer",
        "SigningRequest",
        "KeyWitness",
        "Transaction",
    ),
    "What comes back": (
        "Initialised",
        "Published",
        "StakeChanged",
        "StakeShown",
        "Registered",
        "Deployed",
        "MilestoneCommitted",
        "MilestoneAttested",
        "StatusReport",
        "DistributionsListed",
        "DistributionsFound",
        "DistributionHistory",
        "BoardReport",
        "ReportWritten",
        "DistributionCalculated",
        "ReleaseReport",
        "Paid",
        "Relayed",
        "ProposalSubmitted",
        "ProposalStopped",
        "ProposalConfirmed",
        "ProposalRetired",
        "ProposalsShown",
        "NoticeGiven",
        "Closed",
        "Verified",
        "TransactionReport",
        "TransactionShown",
        "TransactionInWords",
        "HardwareChecked",
        "TransactionSigned",
        "TransactionAssembled",
        "TransactionSubmitted",
        "TransactionDropped",
        "ClaimFileWritten",
        "ScheduleTemplate",
        "ScheduleChecked",
        "VestingPlanned",
        "OraclePayload",
        "NoticeToSign",
        "ObjectionToSign",
        "RotationToSign",
        "OracleSigned",
        "OraclesReplaced",
        "KeysShown",
    ),
    "Errors and version": ("errors", "MilestonesError", "__version__"),
}
"""Every public name, in the order of the page."""


def _api() -> str:
    text = NOTE + _API
    for title, names in API.items():
        text += f"\n## {title}\n"
        for name in names:
            text += f"\n### {name}\n\n{_described(name, getattr(milestones, name))}\n"
    text += _TESTING_KIT + _row("name", "meaning") + _row("---", "---")
    for name in testing.__all__:
        documented = inspect.cleandoc(getattr(testing, name).__doc__ or "")
        text += _row(f"`{name}`", _sentences(documented))
    return text


def _described(name: str, value: Any) -> str:
    if name == "__version__":
        return "The version of this program, as text."
    if name == "errors":
        return "The module with every error, see [errors and exit codes](errors.md)."
    documented = inspect.cleandoc(value.__doc__ or "")
    if not inspect.isclass(value):
        result = next((schema for schema, service in _services().items() if service is value), "")
        returned = f"\n\nReturns {_link(f'{result}-result')}." if result else ""
        return f"```text\n{_signature(name, value)}\n```\n\n{documented}{returned}"
    members = "".join(_members(value))
    return documented + (f"\n\n{_row('member', 'meaning')}{_row('---', '---')}{members}".rstrip())


def _signature(name: str, function: Callable[..., Any]) -> str:
    signature = inspect.signature(function)
    returned = str(signature.return_annotation)
    kind = "async def" if inspect.iscoroutinefunction(function) else "def"
    if returned.startswith("AsyncIterator["):
        kind, returned = "async with", returned[len("AsyncIterator[") : -1]
    taken = [_parameter(each) for each in signature.parameters.values()]
    named = [each.kind is each.KEYWORD_ONLY for each in signature.parameters.values()]
    if any(named):
        taken.insert(named.index(True), "*")
    line = f"{kind} {name}({', '.join(taken)}) -> {returned}"
    if len(line) <= 88:
        return line
    listed = "".join(f"    {each},\n" for each in taken)
    return f"{kind} {name}(\n{listed}) -> {returned}"


def _parameter(parameter: inspect.Parameter) -> str:
    taken, default = f"{parameter.name}: {parameter.annotation}", parameter.default
    if default is parameter.empty:
        return taken
    simple = default is None or isinstance(default, (bool, int, float, str, bytes, tuple))
    return f"{taken} = {default!r}" if simple else f"{taken} = …"


def _members(kind: type) -> Iterator[str]:
    """A row a public field, property and method that the class itself defines."""
    fields = {}
    if is_dataclass(kind) or issubclass(kind, BaseModel):
        fields = inspect.get_annotations(kind)
    for name, annotation in fields.items():
        if not name.startswith(("_", "model_")):
            yield _row(f"`{name}`", f"`{_READ_AS.sub(_read_as, str(annotation))}`")
    for name, value in vars(kind).items():
        inner = getattr(value, "__func__", value)
        documented = inspect.getdoc(inner) if name not in fields else None
        if name.startswith(("_", "model_")) or not documented:
            continue
        if isinstance(value, property):
            yield _row(f"`{name}`", _sentences(documented))
        elif inspect.isfunction(inner):
            taken = [each for each in inspect.signature(inner).parameters if each not in _BOUND]
            yield _row(f"`{name}({', '.join(taken)})`", _sentences(documented))


_BOUND: Final = ("self", "cls")
_READ_AS: Final = re.compile(r"\b(AddressField|HexField|TextField)\b")
"""Types of fields that say how they are written in JSON; in the program they are plain."""


def _read_as(field: re.Match[str]) -> str:
    return {"AddressField": "Address", "HexField": "bytes", "TextField": "str"}[field[0]]


def _sentences(documented: str) -> str:
    return re.split(r"\n\s*\n", documented)[0]


_API: Final = """# The Python API

What `import milestones` offers is public, and is listed here. Everything else is private, and may change with
any version.

A name is loaded when it is first used, so `import milestones` alone costs next to nothing. Results are
frozen pydantic models; `model_dump(mode="json")` is what the command of the same name prints, see
[files and results](files.md#results).

A function that takes a `Backend` asks the services through it; `connect` makes one. A function that takes a
`Workspace` asks nobody. [An application](../guides/application.md) uses them.

## What is public

These follow [semantic versioning](https://semver.org). Before 1.0 a minor version may change them, and the
[changelog](../../CHANGELOG.md) then says how.

- **`milestones.__all__`**: the names, the arguments, the fields of results and their types. Fields may be added
  to a result, and arguments with a default to a function, with any version.
- **`milestones.errors`**: the classes, `code` and `exit_code`. The words of `message` and `hint` may change.
- **`milestones.testing.__all__`**: the names below, and the [pytest fixtures](../guides/testing.md).
- **The command line**: [commands and options](commands.md), [exit codes](errors.md), and the JSON on standard
  output. What a terminal shows may change.
- **Files**: what the program [reads](files.md) stays readable. The number in a schema's id grows where a
  file of before is no longer valid.
- **The data directory**: what an older version has written is taken over, what a newer one has written is left
  alone.
- **The contract**: all [its versions](../contract-versions.md) are kept, whatever the program's version.

Private are all other modules, also those that a traceback shows, and whatever begins with `_`. Members of the
classes below that the tables don't list are private too, and so are types that this page names and doesn't
describe: hand such values on as they are. In JSON, `bytes` are hexadecimal and an `Address` is Bech32.
"""

_TESTING_KIT: Final = """
## The test kit

`milestones.testing`, in the extra `devnet`; [testing your own program](../guides/testing.md) shows it.

"""


# -- errors


def _errors() -> str:
    text = NOTE + _ERRORS
    text += (
        _row("exit code", "`code`", "meaning") + _row("---", "---", "---") + _row("0", "", "done")
    )
    for error in sorted(_tree(errors.MilestonesError), key=lambda each: each.exit_code):
        text += _row(str(error.exit_code), f"`{error.code}`", _first_paragraph(error))
    text += _RULES
    text += _row("`rule`", "message", "what to do") + _row("---", "---", "---")
    for rule in _rules():
        text += _row(*rule)
    text += _REFUSALS + _row("code", "what happened", "what to do") + _row("---", "---", "---")
    for code, rejection in sorted(REJECTIONS.items()):
        text += _row(str(code), rejection.sentence, rejection.hint)
    return text


_ERRORS: Final = """# Errors and exit codes

In JSON mode an error is an object `{"error": {"code", "message", "details", "hint"}}` on standard output; the
exit code says the kind. `hint` says what to do next. Where an input is wrong, `details.path` names the
field, such as `beneficiary_allocations[3].token_amount`.

Two commands print a result and end with another exit code than 0 all the same: `verify` with 5 where a check
fails, and `submit-release` where it has paid all but what stands under `left_out`, with the exit code of the
first `code` there.

Once a transaction has left, whatever then fails on this machine or in a service ends with 8: a full disk, a
lock that is not had, a standard output that is closed, Ctrl-C, SIGTERM and SIGHUP. The message has the
transaction's id, and the same command again goes on with it. Before that a signal ends a command with 128 and
its number, as shells have it (129, 130, 143), and a reader of standard output that has gone with 141.

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
    stale = [name for name, text in pages() if _differs(PROJECT / name, text, write=not check)]
    for name in stale:
        sys.stdout.write(f"{'out of date' if check else 'written'}: {name}\n")
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
