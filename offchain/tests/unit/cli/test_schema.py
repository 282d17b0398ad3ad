"""`milestones schema`: how files and results look; names in them are written one way."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import resources
from typing import Any

import jsonschema
import pytest
from typer.testing import CliRunner

from milestones.cli.app import COMMANDS, app
from milestones.errors import InvalidInput

FOLDER = resources.files("milestones") / "schemas"
NAMES = sorted(each.name.removesuffix(".json") for each in FOLDER.iterdir())
PRINTS_NO_RESULT = ("completion", "devnet", "schema", "serve")
"""A chain and a server print a line when they are ready, a shell reads its script, JSON Schema has its own."""


def schema(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def run(*arguments: str) -> Any:
    done = CliRunner().invoke(app, ["schema", *arguments], catch_exceptions=False)
    assert done.exit_code == 0
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_printed_as_it_lies_in_the_package(name: str) -> None:
    printed = run(name)
    assert printed == schema(name)
    assert printed["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert printed["$id"] == f"urn:milestones:schema:{name}:1"
    jsonschema.Draft202012Validator.check_schema(printed)


def test_without_a_name_all_are_listed() -> None:
    assert run() == {"schemas": NAMES}


def test_another_name_is_refused_with_the_one_that_was_meant() -> None:
    with pytest.raises(InvalidInput, match="'shedule'") as refused:
        run("shedule")
    assert refused.value.hint == "did you mean schedule?"


def test_every_input_and_every_command_has_one() -> None:
    inputs = {"allocations", "schedule", "signatures", "claim-file", "config"}
    groups = {
        "oracle": (
            "payload",
            "payload-notice",
            "payload-object",
            "payload-rotate-to",
            "sign",
            "import",
            "rotate",
        ),
        "proposal": ("submit", "object", "confirm", "retire", "show"),
        "schedule": ("template", "check", "vesting"),
        "stake": ("register", "delegate", "withdraw", "deregister", "show"),
        "transaction": ("show", "check-hardware", "sign", "assemble", "submit", "drop"),
    }
    commands = {name for name in COMMANDS if name not in (*PRINTS_NO_RESULT, *groups)}
    commands |= {"transaction"} | {
        f"{group}-{name}" for group, names in groups.items() for name in names
    }
    commands |= {"register-milestone-series", "deploy-series-plan", "series"}
    commands |= {"check-status-series", "verify-series", "oracle-sign-series", "claim-file-series"}
    results = {f"{name}-result" for name in commands}
    assert set(NAMES) == inputs | results | {"milestone-record", "error"}


def every_part(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        yield part
    for inner in part.values() if isinstance(part, dict) else part:
        if isinstance(inner, (dict, list)):
            yield from every_part(inner)


@pytest.mark.parametrize("name", NAMES)
def test_names_and_words_are_written_with_underscores(name: str) -> None:
    """Fields, and the values of those that have a few: statuses, sources, codes."""
    words = set()
    for part in every_part(schema(name)):
        words |= set(part.get("properties", ())) - {"$schema"}
        words |= {each for each in (*part.get("enum", ()), part.get("const")) if each is not None}
    assert [word for word in words if not re.fullmatch("[a-z][a-z0-9_]*", word)] == []


def test_a_time_in_milliseconds_says_so_wherever_it_stands() -> None:
    """The datum holds milliseconds, everything else seconds: one name never means both."""
    datum = schema("register-milestone-result")["$defs"]
    assert "reclaim_after_posix_ms" in datum["TermsView"]["properties"]
    assert "created_at_posix_ms" in datum["TermsMetadataView"]["properties"]
    for part in (datum["TermsView"], datum["TermsMetadataView"]):
        assert not {"reclaim_after", "created_at"} & set(part["properties"])
