"""The reference is what the program says of itself."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest

from .pages import PROJECT

REFERENCE = PROJECT / "docs" / "reference"


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    """The script that writes the reference."""
    spec = importlib.util.spec_from_file_location("generate", PROJECT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_are_up_to_date(generate: ModuleType) -> None:
    """Where this fails: run `python docs/generate.py`."""
    for name, text in generate.pages():
        if name.endswith(".md"):
            assert (REFERENCE / name).read_text(encoding="utf-8") == text, name


def _outline(schema: Any) -> Any:
    """What a schema demands, without the words: they differ between versions of pydantic."""
    if isinstance(schema, list):
        return [_outline(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = ("properties", "$defs", "items", "anyOf", "type", "enum", "pattern", "required")
    return {name: _outline(value) for name, value in schema.items() if _is_kept(name, value, kept)}


def _is_kept(name: str, value: Any, kept: tuple[str, ...]) -> bool:
    return name in kept or (isinstance(value, dict) and name not in ("default", "examples"))


def test_the_schemas_are_up_to_date(generate: ModuleType) -> None:
    """Field by field."""
    written = {path.relative_to(REFERENCE).as_posix() for path in REFERENCE.rglob("*.json")}
    made = {name: text for name, text in generate.pages() if name.endswith(".json")}
    assert written == set(made)
    for name, text in made.items():
        committed = json.loads((REFERENCE / name).read_text(encoding="utf-8"))
        assert _outline(committed) == _outline(json.loads(text)), name


def test_every_command_is_there() -> None:
    """Also those of groups."""
    text = (REFERENCE / "commands.md").read_text(encoding="utf-8")
    for name in ("init", "oracle payload", "oracle sign", "devnet", "devnet faucet", "demo"):
        assert f"\n## {name}\n" in text
    assert "`--beneficiary-allocations`" in text


def _schema(name: str) -> Any:
    return json.loads((REFERENCE / "schemas" / f"{name}.json").read_text(encoding="utf-8"))


def test_a_schema_accepts_what_the_program_accepts_and_refuses_the_rest() -> None:
    """An allocation as it stands in the README, and one with a word for a number."""
    schema = _schema("allocations")
    jsonschema.Draft202012Validator.check_schema(schema)
    good = {
        "beneficiary_address": "addr_test1vqd36ur28qzem5ufe3kzf6zrj6x0nhxvg0dfle6rxnamlkq7ca6fn",
        "token_amount": 1,
        "milestone_identifier": "milestone-001",
        "vesting_timestamp": 1735689600,
    }
    jsonschema.validate([good], schema)
    for wrong in ({"token_amount": "1"}, {"beneficiary_address": "ada"}, {"unknown": 1}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate([{**good, **wrong}], schema)


def test_results_follow_their_schemas(tmp_path: Path) -> None:
    """What a command prints, held against its schema."""
    done = subprocess.run(
        [sys.executable, "-m", "milestones", "--json", "init"],
        cwd=tmp_path,
        env={"OGMIOS_URL": "ws://127.0.0.1:1", "KUPO_URL": "http://127.0.0.1:1", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    jsonschema.validate(json.loads(done.stdout), _schema("results/init"))
