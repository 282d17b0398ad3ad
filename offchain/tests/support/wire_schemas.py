"""Every answer of the embedded chain, held against the schemas of Ogmios and Kupo.

The schemas are in the directory that `MILESTONES_WIRE_SCHEMAS` names: `ogmios-v<version>/` with
`ogmios.json` and `cardano.json`, and `kupo-v2.12.0/openapi.yaml`. Where the variable is not set,
nothing is held against them; where it is set, they must be there.
"""

from __future__ import annotations

import json
import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema_rs
import yaml

VARIABLE = "MILESTONES_WIRE_SCHEMAS"
FILES = (
    *(f"ogmios-v{version}/ogmios.json" for version in ("6.14.0", "7.0.0")),
    *(f"ogmios-v{version}/cardano.json" for version in ("6.14.0", "7.0.0")),
    "kupo-v2.12.0/openapi.yaml",
)
"""What the directory must hold."""


def directory() -> Path | None:
    """Where the schemas are; None when nobody says so.

    Raises `FileNotFoundError` where the variable is set and a schema is not there: who asks for the
    check must not get it skipped.
    """
    named = os.environ.get(VARIABLE)
    if named is None:
        return None
    missing = [file for file in FILES if not (Path(named) / file).is_file()]
    if missing:
        raise FileNotFoundError(f"{VARIABLE} is {named!r}: no {', no '.join(missing)} there")
    return Path(named)


FORKED_FROM = "that this chain was forked from"
"""What a fork says when its network is away, which Ogmios and Kupo have no words for."""


class WireObserver:
    """Collects what is wrong with answers, so that a test can ask at its end."""

    def __init__(self) -> None:
        self.seen = 0
        self.complaints: list[str] = []

    def ogmios_answered(self, version: str, text: str) -> None:
        """Validates an answer of Ogmios."""
        self.seen += 1
        answer = json.loads(text)
        if FORKED_FROM in answer.get("error", {}).get("message", ""):
            return
        name = response_name(version, answer)
        errors = [str(error) for error in ogmios_validator(version, name).iter_errors(answer)]
        if errors:
            self.complaints.append(f"{name}: {errors[0][:600]}\n{text[:1500]}")

    def kupo_answered(
        self, method: str, path: str, status: int, content_type: str, body: bytes
    ) -> None:
        """Validates an answer of Kupo, where its description has a word about it."""
        self.seen += 1
        if (
            method == "OPTIONS"
        ):  # a browser asks whether it may: no word about it in the description
            return
        if status == 503 and FORKED_FROM.encode() in body:
            return
        if body.startswith(b"# TYPE"):  # the text for Prometheus, which Kupo also calls JSON
            return
        validator = kupo_validator(method, _template(path), status, content_type)
        if validator is None:
            if status not in (304, 400, 404, 406, 500) and "text/plain" not in content_type:
                self.complaints.append(f"{method} {path} {status} {content_type}: not described")
            return
        errors = [str(error) for error in validator.iter_errors(json.loads(body))]
        if errors:
            self.complaints.append(f"{method} {path}: {errors[0][:600]}\n{body[:1500]!r}")


def response_name(version: str, answer: dict[str, Any]) -> str:
    """The schema's name for an answer. Two queries' failures have schemas of their own."""
    if "method" not in answer:
        return "RpcError"
    method = answer["method"]
    name = "".join(part[0].upper() + part[1:] for part in method.split("/"))
    if f"{name}Response" in _ogmios_schema(version)["ogmios"]["properties"]:
        return f"{name}Response"
    return name


@lru_cache
def _ogmios_schema(version: str) -> Any:
    """Both of Ogmios' files in one schema, so that they can refer to each other."""
    root = directory()
    assert root is not None
    files = {
        name: json.loads((root / f"ogmios-v{version}" / f"{name}.json").read_text())
        for name in ("ogmios", "cardano")
    }
    _mend_byron(files["cardano"]["definitions"]["Genesis<Byron>"])
    return _joined(files)


def _mend_byron(genesis: dict[str, Any]) -> None:
    """Puts right what no answer could meet: Byron's genesis requires a member that it does not allow.

    And its parameters are said to be those of later eras, while servers send Byron's own.
    """
    genesis["required"].remove("protocolParameters")
    own = {"$ref": "cardano.json#/definitions/BootstrapProtocolParameters"}
    genesis["properties"]["updatableParameters"] = own


def _joined(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_joined(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: _joined(value) for key, value in schema.items() if key not in ("$id", "$schema")}
    if isinstance(kept.get("$ref"), str):
        file, _, pointer = kept["$ref"].partition(".json#")
        kept["$ref"] = f"#/files/{file}{quote(pointer)}"
    return kept


@lru_cache
def ogmios_validator(version: str, name: str) -> Any:
    """The validator of one kind of answer."""
    schema = {"$ref": f"#/files/ogmios/properties/{name}", "files": _ogmios_schema(version)}
    return jsonschema_rs.Draft7Validator(schema)


_TEMPLATES = {
    "/matches": "/matches",
    "/patterns": "/patterns",
    "/checkpoints": "/checkpoints",
    "/health": "/health",
    "/metrics": "/metrics",
}
_PARAMETERS = {
    "matches": "pattern",
    "patterns": "pattern",
    "datums": "datum-hash",
    "scripts": "script-hash",
    "checkpoints": "slot-no",
    "metadata": "slot-no",
}


def _template(path: str) -> str:
    bare = re.sub(r"^(/v1)+", "", path)
    if bare in _TEMPLATES:
        return bare
    route = bare.split("/")[1]
    return f"/{route}/{{{_PARAMETERS.get(route, '')}}}"


@lru_cache
def kupo_description() -> Any:
    """Kupo's OpenAPI description."""
    root = directory()
    assert root is not None
    return yaml.safe_load((root / "kupo-v2.12.0" / "openapi.yaml").read_text())


@lru_cache
def kupo_validator(method: str, template: str, status: int, content_type: str) -> Any:
    """The validator of a JSON answer; None where it is not described or not JSON."""
    description = kupo_description()
    operation = description["paths"].get(template, {}).get(method.lower(), {})
    responses = {str(code): answer for code, answer in operation.get("responses", {}).items()}
    content = responses.get(str(status), {}).get("content", {})
    kind = content_type.replace(" ", "")
    if kind not in content or "json" not in kind:
        return None
    schema = {**content[kind]["schema"], "components": description["components"]}
    return jsonschema_rs.Draft202012Validator(_mended(schema))


def _mended(schema: Any) -> Any:
    """The description's own slips put right.

    A title is null; some patterns are not regular expressions; metadata's labels are to be integers,
    which names in JSON never are; and an address is to be exactly one of several kinds of text, which
    every text is at once.
    """
    if isinstance(schema, dict):
        kept = {
            str(key): _mended(value)
            for key, value in schema.items()
            if not (key == "title" and value is None)
            and not (key == "propertyNames" and value.get("type") == "integer")
            and not (key == "pattern" and isinstance(value, str))
        }
        texts = all(each.get("type") == "string" for each in kept.get("oneOf", [{}]))
        return {**kept, "oneOf": [{"type": "string"}]} if texts else kept
    if isinstance(schema, list):
        return [_mended(each) for each in schema]
    return schema
