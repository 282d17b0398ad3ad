"""What a command loads, and when; and that an installation without the embedded chain says what is missing."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from milestones.cli.app import COMMANDS, load_command
from milestones.cli.loading import Later, needs_the_extra
from milestones.errors import InvalidConfiguration

HEAVY = (
    *("asyncio", "httpx", "nacl", "pycardano", "websockets", "yaml", "pydantic_settings"),
    *("milestones.cardano", "milestones.clients", "milestones.devnet", "milestones.services"),
)
"""What no help needs; of a package its presence alone says that something of it was loaded."""

LOADED = """
import sys
sys.argv[0] = "milestones"
from milestones.cli.app import main
try:
    main()
finally:
    print(*sys.modules, file=sys.stderr)
"""


def loaded_by(*arguments: str) -> set[str]:
    """The modules that are loaded at the end of a command, which must succeed."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *arguments], capture_output=True, text=True, check=True
    )
    return set(done.stderr.split())


def test_the_list_of_commands_loads_no_command_and_nothing_heavy() -> None:
    """The program's help is what people ask first: it comes at once."""
    loaded = loaded_by("--help")
    heavy = (*HEAVY, "pydantic", "importlib.metadata", "rich.markdown", "typer.rich_utils")
    assert not loaded & set(heavy)
    assert not loaded & {f"milestones.cli.{name.replace('-', '_')}" for name in COMMANDS}


@pytest.mark.parametrize("command", ["submit-release", "keys", "oracle sign", "devnet faucet"])
def test_the_help_of_a_command_loads_no_service(command: str) -> None:
    """Nor pydantic, which Typer takes to read options: none is given."""
    assert not loaded_by(*command.split(), "--help") & ({*HEAVY, "pydantic"} - {"asyncio"})


def test_keys_are_made_without_anything_that_reaches_a_network(tmp_path: Path) -> None:
    """A key ceremony runs where there is none."""
    loaded = loaded_by("keys", "--generate", str(tmp_path / "ada.skey"))
    assert "nacl" in loaded
    assert not loaded & {"httpx", "websockets"}
    clients = {each for each in loaded if each.startswith("milestones.clients.")}
    assert clients <= {"milestones.clients.service_address"}


STARTED = """
import asyncio, sys
from milestones.devnet.server import Devnet
async def main():
    async with Devnet():
        print(*sys.modules)
asyncio.run(main())
"""


def test_a_chain_starts_without_what_only_its_pages_need() -> None:
    """Tests start one by the hundred, and look at none."""
    done = subprocess.run(
        [sys.executable, "-c", STARTED], capture_output=True, text=True, check=True
    )
    assert not set(done.stdout.split()) & {"jinja2", "rich", "typer", "httpx"}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_what_the_command_says_of_itself(name: str) -> None:
    """The sentence in the table is the first paragraph of the command's own help."""
    command = load_command(name)
    assert command.name == name
    assert " ".join(inspect.cleandoc(command.help).split("\n\n")[0].split()) == COMMANDS[name]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_in_the_file_of_its_name(name: str) -> None:
    module = name.replace("-", "_")
    found = getattr(importlib.import_module(f"milestones.cli.{module}"), module)
    functions = [found]
    if isinstance(found, typer.Typer):
        functions = [each.callback for each in found.registered_commands]
    ours = f"milestones.cli.{module}"
    assert {function.__module__ for function in functions} <= {ours, f"{ours}_commands"}


def test_a_module_for_later_is_imported_when_it_is_used(fresh_module: str) -> None:
    later = Later(fresh_module)
    assert fresh_module not in sys.modules
    assert later.VALUE == 1
    assert fresh_module in sys.modules


@pytest.fixture
def fresh_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a module that nothing has loaded."""
    folder = tmp_path_factory.mktemp("modules")
    (folder / "loaded_later.py").write_text("VALUE = 1\n")
    sys.path.insert(0, str(folder))
    yield "loaded_later"
    sys.path.remove(str(folder))
    sys.modules.pop("loaded_later", None)


def test_a_missing_package_is_named_with_the_way_to_get_it() -> None:
    with (
        pytest.raises(
            InvalidConfiguration, match="the demo needs the package 'no_such'"
        ) as refused,
        needs_the_extra("the demo", "devnet"),
    ):
        importlib.import_module("no_such")
    assert "[devnet]" in refused.value.hint


def test_a_module_of_an_extra_that_is_not_there_says_so_when_it_is_used() -> None:
    with pytest.raises(InvalidConfiguration, match="the demo needs the package 'no_such'"):
        _ = Later("no_such", needed_for="the demo").anything


def test_a_module_of_our_own_that_is_missing_is_a_fault_and_shown_as_one() -> None:
    with pytest.raises(ModuleNotFoundError), needs_the_extra("the demo", "devnet"):
        importlib.import_module("milestones.no_such")
