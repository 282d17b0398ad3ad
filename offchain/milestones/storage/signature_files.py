"""`signatures.json`: the oracles' entries as people hand them around, outside the data directory."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout

from milestones.documents import SIGNATURES, read_json
from milestones.domain.models import OracleSignature
from milestones.domain.quorum import merge_signatures
from milestones.domain.reading import read_records, without_schema_name
from milestones.errors import InvalidInput, InvalidSignature
from milestones.protocol.oracle_signatures import entry_of_wallet_answer
from milestones.storage.files import sweep, to_text, write_atomically

FIELD: Final = "oracle_signatures"
"""What paths in errors start with, such as `oracle_signatures[1].signed_data`."""
_LOCK_SECONDS: Final = 30


def read_signature_file(path: Path) -> tuple[OracleSignature, ...]:
    """The entries of a file: a JSON array of them, or one alone. The types of their fields are checked.

    What a wallet's `signData` returned, the whole answer, counts as the entry that it amounts to. Raises
    `InvalidSignature` that says which entry's which field is wrong, or what is wrong with the file.
    """
    document = _document(path)
    entries = document if isinstance(document, list) else [without_schema_name(document)]
    try:
        recognised = [_recognised(entry, place) for place, entry in enumerate(entries)]
        return read_records(OracleSignature, recognised, InvalidSignature)
    except InvalidSignature as error:
        raise error.inside(FIELD) from None


def _recognised(entry: Any, place: int) -> Any:
    try:
        found = entry_of_wallet_answer(entry)
    except InvalidSignature as error:
        raise error.inside(f"[{place}]") from None
    return entry if found is None else _to_json(found)


def add_to_signature_file(path: Path, entry: OracleSignature) -> int:
    """Adds an entry, in the place of an older one by the same oracle about the same; how many there are.

    Other processes can add to the same file at the same time. A file that can't be read stays as it is.
    """
    lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=_LOCK_SECONDS)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with lock:
            sweep(path.parent, path.name)
            known = read_signature_file(path) if path.exists() else ()
            merged = merge_signatures(known, [entry])
            write_atomically(path, to_text([_to_json(each) for each in merged]))
    except (OSError, Timeout) as error:
        raise InvalidInput(
            f"{path} can't be written: {getattr(error, 'strerror', None) or error}",
            path="output",
            hint="choose a file in a folder that can be written",
        ) from error
    return len(merged)


def _to_json(entry: OracleSignature) -> Any:
    return entry.model_dump(mode="json", exclude_none=True)


def _document(path: Path) -> Any:
    document = read_json(path, SIGNATURES, FIELD, InvalidSignature)
    if not document:
        raise InvalidSignature(f"{path} holds no signature", path=FIELD, hint=SIGNATURES.hint)
    return document
