"""JSON files that people hand in: read strictly, and told apart by name when something is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from milestones.errors import InvalidInput

if TYPE_CHECKING:  # loaded when a command first needs it
    from milestones.protocol.claim_file import ClaimFile


def read_json(path: Path, field: str) -> Any:
    """The value in a JSON file. Raises `InvalidInput` that names `field` and the file.

    A name that an object has twice is refused: whoever wrote it meant one of two values.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InvalidInput(
            f"there is no file {path}", path=field, hint="check the file's name"
        ) from None
    except OSError as error:
        raise InvalidInput(
            f"{path} can't be read: {error.strerror}",
            path=field,
            hint="check the file's permissions",
        ) from None
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} is not text", path=field, hint="give a JSON file") from None
    try:
        return json.loads(text, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(
            f"{path} is not JSON: {error}", path=field, hint="correct it there"
        ) from None


def read_object(path: Path, field: str) -> dict[str, Any]:
    """The object in a JSON file; see `read_json`."""
    value = read_json(path, field)
    if not isinstance(value, dict):
        raise InvalidInput(
            f"{path} holds no JSON object",
            path=field,
            hint="give the file that the program wrote; a list of allocations is not a whole schedule",
        )
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"an object has {twice!r} twice")
    return found


def read_claim_file(path: Path | None) -> ClaimFile | None:
    """A beneficiary's claim file; None where none is given."""
    from milestones.protocol.claim_file import parse_claim_file  # noqa: PLC0415 - only where needed

    return None if path is None else parse_claim_file(read_object(path, "claim_file"))
