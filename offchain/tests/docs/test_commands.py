"""Every command on every page, typed in order against the embedded chain; and the few that are not."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import milestones
import milestones.testing

from .pages import Block, blocks, page_names
from .reader import PageError, Reader
from .ready import ReadyProgram


def _all_blocks() -> list[Block]:
    return [block for page in page_names() for block in blocks(page)]


RUN = sorted({block.page for block in _all_blocks() if block.runs})


@pytest.mark.parametrize("page", RUN)
def test_the_page_does_what_it_says(page: str, tmp_path: Path, program: ReadyProgram) -> None:
    """Its commands run as written, and print what it shows."""
    with Reader(tmp_path, program) as reader:
        reader.read(page)


def test_every_block_of_commands_is_one_that_is_run_or_says_why_not() -> None:
    """Shell commands stand in `console` blocks, where the tests see them."""
    hidden = [
        b.place for b in _all_blocks() if b.language in ("sh", "bash", "shell", "shell-session")
    ]
    assert not hidden
    unprompted = [
        block.place
        for block in _all_blocks()
        if block.language == "console" and not block.text.startswith("$ ")
    ]
    assert not unprompted


def test_a_snippet_of_code_is_saved_and_used() -> None:
    """Python on a page is a file that a command on the same page runs."""
    for page in page_names():
        found = list(blocks(page))
        typed = "\n".join(block.text for block in found if block.language in ("console", "run"))
        for block in found:
            if block.language == "python":
                assert block.saved_as, f"{block.place}: not saved under a name"
                assert block.saved_as in typed, f"{block.place}: nothing runs it"


def test_python_on_a_page_uses_only_what_is_public() -> None:
    """So whoever starts from it stands on what semantic versioning covers."""
    used = set[str]()
    for block in _all_blocks():
        if block.language == "python":
            for node in ast.walk(ast.parse(block.text)):
                used |= {f"{block.place}: {name}" for name in _taken(node)}
    assert len(used) > 10
    public = {"milestones", *(f"milestones.{name}" for name in milestones.__all__)}
    public |= {f"milestones.errors.{name}" for name in vars(milestones.errors)}
    public |= {f"milestones.testing.{name}" for name in milestones.testing.__all__}
    assert [each for each in sorted(used) if each.partition(": ")[2] not in public] == []


def _taken(node: ast.AST) -> list[str]:
    """What an import or `milestones.<name>` takes of the program, dotted."""
    names: list[str] = []
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        names = [f"{node.module}.{alias.name}" for alias in node.names]
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        names = [f"{node.value.id}.{node.attr}"]
    return [name for name in names if name.partition(".")[0] == "milestones"]


def test_what_is_not_run_is_listed() -> None:
    """One page lists all of it: where, and why."""
    listed = (Path(__file__).parents[3] / "docs" / "not-executed.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1:-1] for line in listed.splitlines() if line.startswith("| [")]
    found = sorted({(b.page, b.section) for b in _all_blocks() if _is_not_run(b)})
    expected = [f"[{page}](../{page}#{section})".replace("../docs/", "") for page, section in found]
    assert [row[0].strip() for row in rows] == expected


def _is_not_run(block: Block) -> bool:
    return block.language == "console" and not block.runs


PAGE = """# A page

## First

```console
$ printf '{{"name": "value", "list": [1, 2]}}'
{output}
```

## Second

```console
$ test <name> = value
```
"""


@pytest.mark.parametrize(
    "output",
    ["", '{"name": "v…e"}', '{"list": [1]}', '"name": "…"', '{"name": "value", "list": [1, 2]}'],
)
def test_the_reader_accepts_what_is_so(output: str, tmp_path: Path, program: ReadyProgram) -> None:
    """Values carry from one command to the next."""
    _read(PAGE.format(output=output), tmp_path, program)


@pytest.mark.parametrize(
    "page",
    [
        PAGE.format(output='{"name": "other"}'),
        PAGE.format(output='{"missing": "value"}'),
        PAGE.format(output='{"list": [2]}'),
        PAGE.format(output="nothing of the kind"),
        PAGE.format(output="").replace("<name>", "<other>"),
        PAGE.format(output="(exit code 3)"),
        PAGE.format(output="").replace("= value", "= another"),
        "<!-- after: README.md#nowhere -->",
    ],
)
def test_the_reader_refuses_what_is_not(page: str, tmp_path: Path, program: ReadyProgram) -> None:
    """Another value, a missing field, an unknown placeholder, another exit code, no such section."""
    with pytest.raises(PageError):
        _read(page, tmp_path, program)


def _read(text: str, folder: Path, program: ReadyProgram) -> None:
    page = folder / "page.md"
    page.write_text(text, encoding="utf-8")
    with Reader(folder, program) as reader:
        reader.read(str(page))
