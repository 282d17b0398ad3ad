"""The reference is what the program says of itself."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import subprocess
import sys
from dataclasses import MISSING, fields
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest

import milestones
from milestones.cli.config import load_config
from milestones.devnet.opening import ChainConfig
from milestones.devnet.server import DevnetConfig

from .pages import PROJECT, read

REFERENCE = PROJECT / "docs" / "reference"
SCHEMAS = PROJECT / "offchain" / "milestones" / "schemas"


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
            assert (PROJECT / name).read_text(encoding="utf-8") == text, name


def _outline(schema: Any) -> Any:
    """What a schema demands, without the words: they differ between versions of pydantic."""
    if isinstance(schema, list):
        return [_outline(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = (
        "$schema",
        "$id",
        "properties",
        "$defs",
        "items",
        "anyOf",
        "type",
        "enum",
        "pattern",
        "required",
    )
    return {name: _outline(value) for name, value in schema.items() if _is_kept(name, value, kept)}


def _is_kept(name: str, value: Any, kept: tuple[str, ...]) -> bool:
    return name in kept or (isinstance(value, dict) and name not in ("default", "examples"))


def test_the_schemas_are_up_to_date(generate: ModuleType) -> None:
    """Field by field."""
    written = {path.relative_to(PROJECT).as_posix() for path in SCHEMAS.iterdir()}
    made = {name: text for name, text in generate.pages() if name.endswith(".json")}
    assert written == set(made)
    for name, text in made.items():
        committed = json.loads((PROJECT / name).read_text(encoding="utf-8"))
        assert _outline(committed) == _outline(json.loads(text)), name


def test_every_command_is_there() -> None:
    """Also those of groups."""
    text = (REFERENCE / "commands.md").read_text(encoding="utf-8")
    for name in ("init", "oracle payload", "oracle sign", "devnet", "devnet faucet", "demo"):
        assert f"\n## {name}\n" in text
    assert "`--beneficiary-allocations`" in text


def test_the_page_of_the_api_lists_what_is_public(generate: ModuleType) -> None:
    """Each name once, and no other; so the page says what semantic versioning covers."""
    listed = [name for names in generate.API.values() for name in names]
    assert sorted(listed) == milestones.__all__
    text = (REFERENCE / "api.md").read_text(encoding="utf-8")
    assert [line[4:] for line in text.splitlines() if line.startswith("### ")] == listed


def test_the_options_of_a_test_chain_are_those_there_are() -> None:
    """With their defaults; what is left out is for the program itself."""
    table = read("docs/guides/testing.md").partition("## Another chain")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| `?([^|]*?)`? \|", table, re.MULTILINE)
    listed = {name: default for names, default in rows for name in re.findall(r"\w+", names)}
    known = {each.name: each for kind in (DevnetConfig, ChainConfig) for each in fields(kind)}
    own = {"chain", "accounts", "parameters", "production", "control_port_may_move"}
    own |= {"facts", "origin", "impersonated"}
    assert set(listed) == set(known) - own
    for name, default in listed.items():
        factory = known[name].default_factory
        expected = known[name].default if factory is MISSING else factory()
        assert ast.literal_eval(default) == expected, name


def _schema(name: str) -> Any:
    return json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))


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


ADDRESS = milestones.SigningKey.from_bytes(bytes(32)).address(0).to_bech32()


def test_a_file_may_name_its_schema(tmp_path: Path) -> None:
    """For the editor that it is written in: the schema allows it, and the program reads past it."""
    named: dict[str, Any] = {"$schema": "urn:milestones:schema:it:1"}
    schedule = {
        **named,
        "token_policy_id": "",
        "token_name": "",
        "beneficiary_allocations": [],
        "oracle_addresses": [ADDRESS],
        "quorum_threshold": 1,
        "creator": ADDRESS,
        "contract_metadata": {"created_at": 1, "network_magic": 42},
    }
    claims = {**named, "contract_address": ADDRESS, "distribution_id": "00", "allocations": []}
    entry = {**named, "oracle_address": ADDRESS, "signed_data": "00", "signature_timestamp": 1}
    (tmp_path / "entry.json").write_text(json.dumps(entry))
    (tmp_path / "config.yaml").write_text(
        "$schema: urn:milestones:schema:config:1\nnetwork: preprod\n"
    )
    for name, document in (("schedule", schedule), ("claim-file", claims), ("signatures", entry)):
        jsonschema.validate(document, _schema(name))
    jsonschema.validate({**named, "network": "preprod"}, _schema("config"))
    assert milestones.parse_schedule(schedule).quorum_threshold == 1
    assert milestones.parse_claim_file(claims).distribution_id == b"\0"
    assert len(milestones.read_signature_file(tmp_path / "entry.json")) == 1
    assert load_config(directory=tmp_path, environment={}).network == "preprod"


def test_an_error_follows_its_schema(tmp_path: Path) -> None:
    """One about a file, and one about the command line."""
    for arguments in (["keys", "missing.skey"], ["no-such-command"]):
        done = subprocess.run(
            [sys.executable, "-m", "milestones", "--json", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        jsonschema.validate(json.loads(done.stdout), _schema("error"))


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
    jsonschema.validate(json.loads(done.stdout), _schema("init-result"))
