"""The project's pages, taken apart: headings, links, blocks of commands, and files that the reader saves.

The convention, for whoever writes a page:

- ```` ```console ````: commands after `$ ` (a `\\` at the end goes on with the next line). Any other line is
  what the command prints: JSON of which the real output must hold at least as much, or text; `…` stands
  for anything. `(exit code 5)` says how the command ends where it is not 0.
- ```` ```console background ````: one command that goes on running while the page does, from the moment on in
  which it has printed the line that is shown.
- ```` ```console real-network ```` and ```` ```console elsewhere ````: not run by the tests, but listed.
- ```` ```json file=NAME ````, `python`, `yaml`: the reader saves this under that name.
- `<name>` in a command or a file: what an earlier command printed under `name`; `<of.name>`: under `name`
  in what stands under `of`.
- `<!-- run: COMMAND -->`, `<!-- background: COMMAND -->`: what the tests do in place of a step that needs
  the real network.
- `<!-- after: PAGE#ANCHOR -->`: the page goes on where that page's section ends.
- `<!-- section: PAGE#ANCHOR -->`: that section belongs here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parents[3]
NOT_RUN: Final = ("real-network", "elsewhere")

_FENCE: Final = re.compile(r"^(`{3,})\s*(.*)$")
_HEADING: Final = re.compile(r"^(#{1,6}) (.+)$")
_COMMENT: Final = re.compile(r"^<!-- (run|background|after|section): (.+) -->$")


@dataclass(frozen=True)
class Block:
    """A fenced block, or a comment with an order for the tests: then `language` is the order's name."""

    page: str
    line: int
    language: str
    words: tuple[str, ...]
    text: str
    section: str

    @property
    def place(self) -> str:
        """Where it stands, for messages."""
        return f"{self.page}:{self.line}"

    @property
    def saved_as(self) -> str | None:
        """The name of the file that the reader saves this under; None for other blocks."""
        names = [word.removeprefix("file=") for word in self.words if word.startswith("file=")]
        return names[0] if names else None

    @property
    def runs(self) -> bool:
        """Whether the tests run it."""
        return self.language == "console" and not set(self.words) & set(NOT_RUN)


@dataclass(frozen=True)
class Command:
    """One command of a block, and what the page says that it prints."""

    place: str
    line: str
    output: str
    exit_code: int


def page_names() -> list[str]:
    """Every page for readers, from the project's folder."""
    pages = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", PROJECT / "CHANGELOG.md"]
    pages += [PROJECT / "infra" / "README.md", PROJECT / "SECURITY.md"]
    pages += sorted((PROJECT / "docs").rglob("*.md"))
    return [path.relative_to(PROJECT).as_posix() for path in pages if path.is_file()]


def read(page: str) -> str:
    """A page's text."""
    return (PROJECT / page).read_text(encoding="utf-8")


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub and the documents' generator make it."""
    bare = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", lambda match: match[1] or "", heading)
    return re.sub(r"[^\w\- ]", "", bare.strip().lower()).replace(" ", "-")


def blocks(page: str) -> Iterator[Block]:
    """All blocks in order."""
    section, lines = "", read(page).splitlines()
    number = 0
    while number < len(lines):
        line = lines[number]
        heading, fence, comment = (p.match(line) for p in (_HEADING, _FENCE, _COMMENT))
        start = number + 1
        if heading:
            section = slug(heading[2])
        elif comment:
            yield Block(page, start, comment[1], (), comment[2], section)
        elif fence:
            end = start
            while end < len(lines) and lines[end].strip() != fence[1]:
                end += 1
            words = tuple(fence[2].split())
            text = "\n".join(lines[start:end])
            yield Block(page, start, words[0] if words else "", words[1:], text, section)
            number = end
        number += 1


def prose(page: str) -> str:
    """The page without its blocks and inline code."""
    kept, fence = [], ""
    for line in read(page).splitlines():
        found = _FENCE.match(line)
        if found and (not fence or found[1] == fence):
            fence = "" if fence else found[1]
        elif not fence:
            kept.append(re.sub(r"`[^`]*`", "", line))
    return "\n".join(kept)


def anchors(page: str) -> set[str]:
    """The anchors of all headings."""
    found, fence = set(), ""
    for line in read(page).splitlines():
        opened = _FENCE.match(line)
        if opened and (not fence or opened[1] == fence):
            fence = "" if fence else opened[1]
        heading = _HEADING.match(line)
        if heading and not fence:
            found.add(slug(heading[2]))
    return found


def commands(block: Block) -> Iterator[Command]:
    """The commands of a console block."""
    line, going_on = "", False
    output: list[str] = []
    for text in block.text.splitlines():
        if going_on:
            line, going_on = f"{line}\n{text}", text.endswith("\\")
        elif text.startswith("$ "):
            if line:
                yield _command(block, line, output)
            line, output, going_on = text[2:], [], text.endswith("\\")
        else:
            output.append(text)
    if line:
        yield _command(block, line, output)


def _command(block: Block, line: str, output: list[str]) -> Command:
    code, printed = 0, []
    for text in output:
        found = re.fullmatch(r"\(exit code (\d+)\)", text)
        if found:
            code = int(found[1])
        else:
            printed.append(text)
    return Command(block.place, line, "\n".join(printed).strip(), code)
