"""What `milestones devnet profile` reads, and how it shows what it gets."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from milestones import documents
from milestones.errors import InvalidInput
from milestones.notation import parse_json
from milestones.protocol.validator_loader import blueprint_scripts

SHOWN_OF_A_LABEL: Final = 48
"""Characters; JSON has more of it."""

_ID: Final = re.compile("[0-9a-fA-F]{64}")
_HEXADECIMAL: Final = re.compile("([0-9a-fA-F]{2})+")
_PATH: Final = "TRANSACTION"


def transaction_meant(given: str) -> dict[str, str]:
    """What names a transaction to the chain: its id, or its bytes out of a file. Raises `InvalidInput`.

    64 hexadecimal digits are an id; a file of such a name can be given as `./…`.
    """
    if _ID.fullmatch(given):
        return {"transaction_id": given}
    return {"transaction": transaction_in(Path(given)).hex()}


def stand_ins(debug: Path, released: Path | None) -> dict[str, str]:
    """Code of a debug build, by the hash of the released script of the same title. Raises `InvalidBlueprint`.

    Without `released` the contract is the one that belongs to this program.
    """
    built = blueprint_scripts(debug)
    return {
        script.hash().hex(): built[title].code.hex()
        for title, script in blueprint_scripts(released).items()
        if title in built
    }


def tables(profile: Mapping[str, Any]) -> dict[str, Any]:
    """A profile for a terminal of 80 columns, where nobody wants the stacks: shares are of the CPU steps."""
    scripts, whole = profile["scripts"], profile["cpu"]
    lines = {name: profile[name] for name in ("transaction_id", "svg") if name in profile}
    runs = {each["run"]: _outcome(each) for each in scripts}
    shown = {**lines, **runs, "units": [_units("all", profile), *_each_run(scripts)]}
    for table, column in _COLUMNS.items():
        rows = profile[table]
        # Without traces all of a run is before the first.
        if any(row[column] for row in rows):
            shown[table] = [_row(row, column, whole, several=len(scripts) > 1) for row in rows]
    return shown


_COLUMNS: Final = {
    "steps": "kind",
    "builtins": "builtin",
    "functions": "function",
    "checks": "label",
    "traces": "text",
}
"""Tables, and the column that says what a row is about."""


def _outcome(script: Mapping[str, Any]) -> str:
    stand_in = script["stand_in_hash"]
    instead = f", in its place {stand_in}" if stand_in else ""
    return f"{script['script_hash']}{instead}" + (
        "" if script["succeeded"] else f", failed: {script['reason']}"
    )


def _each_run(scripts: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    declared = [
        {"cpu": each["declared_cpu"], "memory": each["declared_memory"]} for each in scripts
    ]
    found = []
    for each, units in zip(scripts, declared, strict=True):
        found += [_units(each["run"], each), _units(f"{each['run']}, declared", units)]
    return found


def _units(name: str, units: Mapping[str, Any]) -> dict[str, str]:
    return {"run": name, "cpu": f"{units['cpu']:,}", "memory": f"{units['memory']:,}"}


def _row(row: Mapping[str, Any], column: str, whole: int, *, several: bool) -> dict[str, Any]:
    name = _short(row[column])
    shown = {
        column: f"{row['run']}: {name}" if several and "run" in row else name,
        "count": f"{row['count']:,}",
        "cpu": f"{row['cpu']:,}",
        "share": f"{row['cpu'] / whole if whole else 0:.1%}",
        "memory": f"{row['memory']:,}",
    }
    if "total_cpu" in row:
        shown["total_cpu"] = f"{row['total_cpu']:,}"
    return shown


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_OF_A_LABEL else f"{text[: SHOWN_OF_A_LABEL - 1]}…"


def transaction_in(path: Path) -> bytes:
    """The CBOR in a file: as it is, in hexadecimal, or under `cborHex` as cardano-cli writes it."""
    raw = documents.read_bytes(path, documents.TRANSACTION, _PATH, InvalidInput)
    if not raw:
        raise InvalidInput(f"{path} is empty", path=_PATH, hint=documents.TRANSACTION.hint)
    text = raw.decode("utf-8", "replace").strip()
    if text.startswith("{"):
        text = _enclosed(text, path)
    elif not _HEXADECIMAL.fullmatch(text):
        return raw
    return bytes.fromhex(text)


def _enclosed(text: str, path: Path) -> str:
    try:
        envelope = parse_json(text)
    except ValueError as error:
        reason = f"{path} is not JSON: {error}"
        raise InvalidInput(reason, path=_PATH, hint=documents.TRANSACTION.hint) from None
    encoded = envelope.get("cborHex")
    if not isinstance(encoded, str) or not _HEXADECIMAL.fullmatch(encoded):
        raise InvalidInput(
            f"{path} has no hexadecimal `cborHex`",
            path=_PATH,
            hint=documents.TRANSACTION.hint,
        )
    return encoded
