"""The journal of version 0.1.0, `journal/<transaction id>.json`, taken over into the database.

What a command wanted to find again was JSON under `details`, a shape for each command. Nothing is deleted:
the folder is renamed once everything is in the database.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from milestones.cardano.address import Address
from milestones.domain.posix_time import to_posix_ms
from milestones.errors import InvalidAddress
from milestones.storage import files
from milestones.storage.files import Report, refusals, sync_folder
from milestones.storage.journal_rows import COLUMNS, Reading, Row, facts_of, put, read_row

if TYPE_CHECKING:
    import sqlite3


class EarlierJournal:
    """The folder of 0.1.0's journal, if there is one."""

    def __init__(self, folder: Path, report: Callable[[Report], None]) -> None:
        self._folder = folder
        self._report = report

    def exists(self) -> bool:
        """Whether there is something to take over."""
        return self._folder.is_dir()

    def take_over(self, connection: sqlite3.Connection) -> None:
        """Puts every entry into the database, in one transaction, and renames the folder.

        Cut off at any moment it is done again, and what is in the database already stays as it is, unless
        the file says something newer. Its lock keeps a process of 0.1.0 from writing meanwhile.
        """
        with refusals(self._folder):
            lock = FileLock(
                self._folder / ".lock", timeout=files.LOCK_TIMEOUT_SECONDS, mode=files.PRIVATE_FILE
            )
            with lock:
                found = sorted(path for path in self._folder.glob("*.json") if _is_entry(path))
                count = self._put_all(connection, found)
                if os.name != "nt":
                    kept = self._rename()
            if os.name == "nt":  # a folder with an open file can't be renamed there
                kept = self._rename()
        if count:
            message = (
                f"the journal of an earlier version was taken over: {count} transactions; its files are"
                f" kept in {kept}"
            )
            self._report(Report("taken_over", self._folder, message, moved_to=kept))

    def _put_all(self, connection: sqlite3.Connection, found: list[Path]) -> int:
        connection.execute("BEGIN IMMEDIATE")
        try:
            for path in found:
                reading = _read_entry(path)
                if reading.submission is not None and not _is_newer(connection, reading):
                    put(connection, reading.submission)
                if reading.damage:
                    self._report_damage(path, reading)
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        return len(found)

    def _rename(self) -> Path:
        number, target = 1, self._folder.with_name(f"{self._folder.name}.migrated")
        while target.exists():
            number += 1
            target = self._folder.with_name(f"{self._folder.name}.migrated-{number}")
        self._folder.rename(target)
        sync_folder(target.parent)
        return target

    def _report_damage(self, path: Path, reading: Reading) -> None:
        identifier = path.stem
        if reading.submission is None:
            message = (
                f"{path} can't be used ({reading.damage}): transaction {identifier} may still be on its"
                " way, and no command knows of it any more. Before you run the command again that had"
                f" sent it, see where it stands with `milestones transaction {identifier}`"
            )
        else:
            message = (
                f"{path} is damaged ({reading.damage}): transaction {identifier} is followed to its end,"
                " but not all can be reported of it"
            )
        self._report(Report("damaged", path, message, reason=reading.damage))


def _is_entry(path: Path) -> bool:
    return re.fullmatch(r"[0-9a-f]{64}", path.stem) is not None


def _is_newer(connection: sqlite3.Connection, reading: Reading) -> bool:
    """Whether the database knows at least as much of the transaction as the file."""
    if reading.submission is None:
        return True
    statement = f"SELECT {COLUMNS} FROM submissions WHERE transaction_id = ?"  # noqa: S608
    found = connection.execute(statement, (reading.submission.transaction_id,)).fetchone()
    known = None if found is None else read_row(Row(*found)).submission
    if known is None:
        return False
    return known.history[-1].at_posix_ms >= reading.submission.history[-1].at_posix_ms


def _read_entry(path: Path) -> Reading:
    """An entry of 0.1.0 in the form of today."""
    try:
        document = json.loads(path.read_bytes())
        cbor = bytes.fromhex(document["transaction_cbor"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        return Reading(None, f"{type(error).__name__}: {error}")
    details = document.get("details")
    if not isinstance(details, dict):
        details = {}
    payload = _payload(document.get("command"), details)
    facts = facts_of(cbor)
    entry = {
        **facts,
        "inputs": document.get("inputs", facts["inputs"]),
        "change": details.get("change", ()),
        "payload": payload,
        "history": document.get("history"),
    }
    reading = read_row(_row(path.stem, cbor, document, entry))
    if payload is None and not reading.damage:
        return reading._replace(damage="what its command had kept of it can't be read")
    return reading


def _row(
    transaction_id: str, cbor: bytes, document: Mapping[str, Any], entry: dict[str, Any]
) -> Row:
    payload, history = entry["payload"], entry["history"]
    return Row(
        transaction_id=transaction_id,
        transaction_cbor=cbor,
        command=document.get("command", ""),
        distribution_id=document.get("distribution_id"),
        valid_until_slot=document.get("valid_until_slot"),
        chain=document.get("chain"),
        sole=document.get("sole"),
        purpose=payload["purpose"] if payload else None,
        status=_last(history, "status", "unknown"),
        prepared_at_posix_ms=_last(history, "at_posix_ms", 0),
        entry=json.dumps(entry),
    )


def _last(history: Any, name: str, otherwise: Any) -> Any:
    try:
        return history[-1][name]
    except (KeyError, IndexError, TypeError):
        return otherwise


def _payload(command: Any, details: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the command had kept, typed; None where it lacks something. Checked by whoever reads it."""
    try:
        if command == "deploy":
            return _opening(details["result"]) if details["role"] == "opening" else _part(details)
        return _PAYLOADS[command](details)
    except (KeyError, TypeError, AttributeError, ValueError, InvalidAddress):
        return None


def _opening(result: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "purpose": "opening",
        "private": result["private"],
        "schedule_transactions": result["schedule_transactions"],
        "total_token_amount": result["total_token_amount"],
        "terms_deposit_lovelace": result["deposits_lovelace"]["terms"],
        "vaults_deposit_lovelace": result["deposits_lovelace"]["vaults"],
    }


def _part(details: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "purpose": "schedule_part",
        "number": details["number"],
        "opening_capacity_bytes": details["opening_room"],
        "part_capacity_bytes": details["part_room"],
    }


def _attestation(details: Mapping[str, Any]) -> dict[str, Any]:
    result = details["result"]
    return {
        "purpose": "attestation",
        "milestone_identifier": result["milestone_identifier"],
        "verification_posix_ms": to_posix_ms(result["verification_timestamp"]),
        "evidence_hash": result["evidence_hash"],
        "signers": [_hash(each) for each in result["signers"]],
        "refused_oracles": [_hash(each) for each in result["refused_oracles"]],
        "deposit_lovelace": result["deposit_lovelace"],
    }


def _hash(address: str) -> str:
    return Address.from_bech32(address).payment.hash.hex()


def _release(details: Mapping[str, Any]) -> dict[str, Any]:
    result = details["result"]
    names = ("allocations", "attested", "deposits_lovelace")
    return {"purpose": "release", **{name: result[name] for name in names}}


def _closing(details: Mapping[str, Any]) -> dict[str, Any]:
    result = details["result"]
    names = ("vaults", "attestations_burnt", "deposits_returned_lovelace", "tokens_returned")
    return {"purpose": "closing", **{name: result[name] for name in names}}


def _scripts(details: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "purpose": "scripts",
        "outputs": details["places"],
        "deposits_lovelace": details["facts"]["deposits_lovelace"],
    }


_PAYLOADS: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "attest": _attestation,
    "submit-release": _release,
    "close": _closing,
    "publish-script": _scripts,
}
