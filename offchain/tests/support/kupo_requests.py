"""Kupo's description made fit to make requests from, and how its bare flags are sent.

Schemathesis loads this file as its hooks; a test writes `requests_description` where it reads it.
"""

from __future__ import annotations

import re
from typing import Any

import requests
import schemathesis

from tests.support.wire_schemas import kupo_description

BARE_FLAGS = ("resolve_hashes", "spent", "strict", "unspent")
ERROR = {
    "description": "Refused",
    "content": {
        "application/json;charset=utf-8": {"schema": {"$ref": "#/components/schemas/BadRequest"}}
    },
}


def requests_description() -> dict[str, Any]:
    """The description with what is missing in it for making requests.

    Path parameters are named as they are declared; `/metadata/{slot_no}` declares its own; a bare flag
    has no schema; a request can be refused (400) wherever it has a parameter; slots count from 0, as
    Kupo reads them; a 304 has no body and a health check no fixed content type.
    """
    whole: dict[str, Any] = _without_slips(kupo_description())
    parameters = whole["components"]["parameters"]
    for flag in BARE_FLAGS:
        parameters[flag.replace("_", "-")]["schema"] = {"type": "string", "enum": [""]}
    for bound in ("created-after", "created-before", "spent-after", "spent-before"):
        by_slot, by_point = parameters[bound]["schema"]["oneOf"]
        by_slot["minimum"] = 0
        by_point["pattern"] = r"^[0-9]{1,18}\.[0-9a-f]{64}$"
    # A slot past the tip is answered with the next block: nobody waits for it here.
    parameters["slot-no"]["schema"]["maximum"] = 400_000
    # Kupo reads past members that it does not know, and fails (500) to go back to a block that its node
    # does not know.
    rollback = whole["components"]["schemas"]["ForcedRollback"]
    rollback["additionalProperties"] = True
    rollback["properties"]["rollback_to"]["properties"]["header_hash"] = {"enum": ["no hash"]}
    whole["paths"] = {
        re.sub(r"(?<={)[^}]*", lambda name: name[0].replace("-", "_"), path): _operations(
            path, each
        )
        for path, each in whole["paths"].items()
    }
    return whole


def _without_slips(part: Any) -> Any:
    """A copy without titles that are null, patterns that are no regular expressions, and the like.

    Labels of metadata are to be integers, which names in JSON never are; of several kinds of text
    exactly one is to fit, which every text does at once.
    """
    if isinstance(part, list):
        return [_without_slips(each) for each in part]
    if not isinstance(part, dict):
        return part
    kept = {
        str(key): _without_slips(value)
        for key, value in part.items()
        if not (key == "title" and value is None)
        and not (key == "propertyNames" and value.get("type") == "integer")
        and not (key == "pattern" and isinstance(value, str) and not _compiles(value))
    }
    kinds = kept.get("oneOf", [])
    if kinds and all(each.get("type") == "string" for each in kinds):
        kept["anyOf"] = kept.pop("oneOf")
    return kept


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def _operations(path: str, operations: dict[str, Any]) -> dict[str, Any]:
    for method, operation in operations.items():
        if path.startswith("/metadata/"):
            operation["parameters"].append({"$ref": "#/components/parameters/slot-no"})
        if operation.get("parameters") or method == "put":
            operation["responses"].setdefault("400", ERROR)
    return operations


@schemathesis.hook
def before_call(_context: Any, _case: Any, kwargs: dict[str, Any]) -> None:
    """Has every request looked at just before it is sent."""
    kwargs["auth"] = _with_bare_flags


def _with_bare_flags(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Sends an empty flag as it must be sent: its name and nothing else."""
    names = "|".join(BARE_FLAGS)
    request.url = re.sub(rf"(?<=[?&])({names})=(?=&|$)", r"\1", request.url or "")
    return request
