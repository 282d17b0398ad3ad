"""What every command's help has: an example, flags as flags, what is required, defaults and variables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from milestones.cli.app import COMMANDS, app, load_command
from milestones.cli.config import CONFIG_VARIABLE, VARIABLES, Config
from milestones.cli.examples import EXAMPLES, in_lines
from milestones.cli.loading import COMPLETES

PAIRS = {("serve", "creator_pages")}
"""Flags that may be set either way: without them it depends."""


def every_command() -> Iterator[tuple[str, Any]]:
    """The words of each command, and the command; a group only where it does something itself."""
    for name in COMMANDS:
        command = load_command(name)
        commands = getattr(command, "commands", {})
        if not commands or command.invoke_without_command:
            yield name, command
        yield from ((f"{name} {each}", commands[each]) for each in commands)


FOUND = dict(every_command())
KNOWN = {name: command for name, command in FOUND.items() if name != "transaction"}


def helped(words: str) -> str:
    ran = CliRunner().invoke(app, [*words.split(), "--help"], terminal_width=80)
    assert ran.exit_code == 0, ran.output
    return ran.output


def test_every_command_has_an_example_and_no_example_is_of_another() -> None:
    assert set(EXAMPLES) == set(KNOWN)


@pytest.mark.parametrize("words", KNOWN)
def test_its_help_ends_with_the_example_and_fits(words: str) -> None:
    lines = helped(words).splitlines()
    example = [f"  {line}" for line in in_lines(EXAMPLES[words])]
    assert lines[-len(example) - 1 :] == ["Example:", *example]
    assert max(map(len, lines)) <= 80
    assert " ".join(" ".join(in_lines(EXAMPLES[words])).replace("\\", "").split()) == " ".join(
        EXAMPLES[words].split()
    )


@pytest.mark.parametrize("words", KNOWN)
def test_flags_are_flags_and_what_is_required_says_so(words: str) -> None:
    text = " ".join(helped(words).split())
    for each in KNOWN[words].params:
        opposite = [name for name in each.secondary_opts if name.startswith("--no-")]
        assert not opposite or (words, each.name) in PAIRS
        if each.required and each.param_type_name == "option":
            assert "required]" in text.partition(max(each.opts, key=len))[2]


@pytest.mark.parametrize("words", KNOWN)
def test_what_can_be_rehearsed_asks_before_it_is_done(words: str) -> None:
    """Whatever signs and sends has `--dry-run` and `--yes`."""
    names = {name for each in KNOWN[words].params for name in each.opts}
    assert ("--dry-run" in names) <= ("--yes" in names)


def test_the_programs_own_options_name_their_variables_and_defaults() -> None:
    text = " ".join(helped("").split())
    settings = {each.name for each in get_command(app).params}
    named = {
        "data_dir": "data_directory",
        "max_lag": "max_lag_slots",
        **{name: name for name in ("network", "ogmios_url", "kupo_url")},
    }
    assert CONFIG_VARIABLE in text
    for option, setting in named.items():
        assert option in settings
        assert VARIABLES[setting] in text
        default = Config.model_fields[setting].default
        assert default in (None, ()) or str(default) in text
    assert COMPLETES not in text
