"""What `milestones devnet profile` reads, and how it shows what it gets."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from milestones.errors import InvalidInput
from milestones.protocol.validator_loader import blueprint_scripts

LARGEST_FILE: Final = 1_000_000
"""Bytes of a file with a transaction; one that the network takes has 16,384, twice that in hexadecimal."""

_ID: Final = re.compile("[0-9a-fA-F]{64}")
_HEXADECIMAL: Final = re.compile("([0-9a-fA-F]{2})+")
_PATH: Final = "TRANSACTION"


def transaction_meant(given: str) -> dict[str, str]:
    """What names a transaction to the chain: its id, or its bytes out of a file. Raises `InvalidInput`.

    64 hexadecimal digits are an id; a file of such a name can be given as `./…`.
    """
    if _ID.fullmatch(given):
        return {"transaction_id": given}
    return {"transaction": _transaction_in(Path(given)).hex()}


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


def write_new(path: Path, text: str) -> None:
    """Writes a file that isn't there yet. Raises `InvalidInput`."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise InvalidInput(
            f"{path} can't be written: {error.strerror}",
            path="svg",
            hint="choose another name; a file that is there is never overwritten",
        ) from None


def tables(profile: Mapping[str, Any]) -> dict[str, Any]:
    """A profile for a terminal: shares of the CPU, the first label of each function, and no stacks."""
    shown = {name: value for name, value in profile.items() if name != "stacks"}
    if not any(row["text"] for row in shown["traces"]):
        del shown["traces"]
    if not any(row["labels"] for row in shown["functions"]):
        shown["functions"] = _without(shown["functions"], "labels")
    for name in ("steps", "builtins", "functions", "checks", "traces"):
        if rows := shown.get(name):
            shown[name] = [_row(row, profile["cpu"]) for row in rows]
    return shown


def _row(row: Mapping[str, Any], whole: int) -> dict[str, Any]:
    share = f"{row['cpu'] / whole if whole else 0:.1%}"
    shown = {**row, "share": share}
    if "labels" in row:
        shown["labels"] = ", ".join(row["labels"][:1])
    return shown


def _without(rows: Sequence[Mapping[str, Any]], name: str) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key != name} for row in rows]


def _transaction_in(path: Path) -> bytes:
    """The CBOR in a file: as it is, in hexadecimal, or under `cborHex` as cardano-cli writes it."""
    raw = _read(path)
    text = raw.decode("utf-8", "replace").strip()
    if text.startswith("{"):
        text = _enclosed(text, path)
    elif not _HEXADECIMAL.fullmatch(text):
        return raw
    return bytes.fromhex(text)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise InvalidInput(
            f"there is no file {path}",
            path=_PATH,
            hint="give a transaction's id, 64 hexadecimal digits, or a file that holds a transaction",
        ) from None
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{path} can't be read: {error}", path=_PATH) from None
    if not 0 < len(raw) <= LARGEST_FILE:
        raise InvalidInput(f"{path} is empty, or too large for a transaction", path=_PATH)
    return raw


def _enclosed(text: str, path: Path) -> str:
    try:
        envelope = json.loads(text)
    except (ValueError, RecursionError):
        envelope = {}
    encoded = envelope.get("cborHex")
    if not isinstance(encoded, str) or not _HEXADECIMAL.fullmatch(encoded):
        raise InvalidInput(
            f"{path} has no hexadecimal `cborHex`",
            path=_PATH,
            hint="give a file of cardano-cli's, or one with the CBOR itself, in hexadecimal or not",
        )
    return encoded
