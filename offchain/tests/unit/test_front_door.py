"""What `import milestones` offers: each name is there, says what it is, and costs nothing until it is used."""

from __future__ import annotations

import ast
import asyncio
import inspect
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

import milestones
from milestones.errors import InvalidBlueprint, InvalidConfiguration

LOADED = "import sys, milestones; print(*(n for n in sys.modules if n.startswith('milestones.')))"


def test_the_import_alone_loads_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


@pytest.mark.parametrize("name", milestones.__all__)
def test_every_name_is_there_and_says_what_it_is(name: str) -> None:
    value = getattr(milestones, name)
    assert name in dir(milestones)
    if name == "__version__":
        assert value == version("milestones")
    else:
        assert inspect.getdoc(value)


def test_names_are_in_order_and_all_have_a_home() -> None:
    assert milestones.__all__ == sorted(milestones.__all__)
    assert {*milestones._HOMES, "errors", "__version__"} == set(milestones.__all__)


def test_a_name_comes_from_where_it_is_defined() -> None:
    """So that a traceback and the documents name the same module."""
    for name, home in milestones._HOMES.items():
        assert getattr(milestones, name).__module__.startswith(home), name


def test_no_room_below_the_command_line_goes_through_the_front_door() -> None:
    """It stands on all of them: they would stand on themselves."""
    package = Path(milestones.__file__).parent
    modules = [
        path
        for path in package.rglob("*.py")
        if path.parent != package and package / "cli" not in path.parents
    ]
    assert len(modules) > 100
    for path in modules:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert "milestones" not in [alias.name for alias in node.names], path
            elif isinstance(node, ast.ImportFrom) and node.module == "milestones":
                taken = {alias.name for alias in node.names}
                assert not taken & set(milestones._HOMES), path


def test_another_name_is_refused_as_by_any_module() -> None:
    with pytest.raises(AttributeError, match="no attribute 'no_such'"):
        _ = milestones.no_such


def test_every_command_is_a_function_of_a_backend_or_of_a_workspace() -> None:
    """What is asynchronous takes one first."""
    for name in milestones.__all__:
        value = getattr(milestones, name)
        if inspect.iscoroutinefunction(value):
            assert next(iter(inspect.signature(value).parameters)) in ("backend", "workspace")


def test_a_workspace_in_one_line(tmp_path: Path) -> None:
    workspace = milestones.open_workspace(tmp_path / "data", network="preprod")
    assert (workspace.network.name, workspace.network.magic) == ("preprod", 1)
    assert workspace.contract == milestones.load_contract()
    assert not (tmp_path / "data").exists()
    asyncio.run(_connects(workspace))


async def _connects(workspace: milestones.Workspace) -> None:
    """Nobody listens there, and nobody is asked."""
    nowhere: dict[str, Any] = {"ogmios_url": "ws://127.0.0.1:1", "kupo_url": "http://127.0.0.1:1"}
    async with milestones.connect(workspace, **nowhere) as backend:
        assert backend.network == workspace.network


def test_any_test_network_can_be_narrowed_down_to_one(tmp_path: Path) -> None:
    assert milestones.open_workspace(tmp_path, network="testnet").network.magic is None
    narrowed = milestones.open_workspace(tmp_path, network="testnet", network_magic=7)
    assert narrowed.network.magic == 7


def test_a_network_or_a_blueprint_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match="'moonnet'"):
        milestones.open_workspace(tmp_path, network="moonnet")
    with pytest.raises(InvalidBlueprint):
        milestones.open_workspace(tmp_path, network="preprod", blueprint=tmp_path / "none.json")
