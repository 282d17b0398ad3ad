"""What a person or a program sees: results on standard output, everything else on standard error."""

from __future__ import annotations

import json
import logging
import re
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, get_args

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Column, Table
from rich.text import Text

from milestones.cli.loading import Later
from milestones.cli.streams import agreed, give_up_standard_error, standard_output
from milestones.errors import MilestonesError, OutputLost

if TYPE_CHECKING:
    from pydantic import BaseModel

    from milestones.services import results
else:
    results = Later("milestones.services.results")

R = TypeVar("R", bound="BaseModel")
Form = Literal["table", "json", "csv"]
"""How results are printed: as people read them, whole, or their rows."""
FORMS: Final = get_args(Form)
_LOG: Final = logging.getLogger(__name__)
SHORT: Final = 24
"""Characters of an identifier that a table never breaks."""
SHOWN_PROBLEMS: Final = 5
"""How many of an error's problems standard error has; JSON has more of them."""
NARROWEST: Final = 9
"""Characters that a table's column needs on the average, its border included, to be read."""


class _Console(Console):
    """One that says where its stream is closed; rich would end the program."""

    def on_broken_pipe(self) -> None:
        raise  # noqa: PLE0704 - the error that is being handled


class Output:
    """Where a command's words go. JSON when standard output is not a terminal, or when asked for."""

    def __init__(self, *, form: Form | None = None, full: bool = False) -> None:
        """`form` is what was asked for; `full`: every field was, and no composed view."""
        self.form = form
        self.as_json = form == "json" or (form is None and not sys.stdout.isatty())
        self.full = full
        self._started = time.monotonic()
        self._results = _Console(soft_wrap=True)
        self._messages = _Console(stderr=True, soft_wrap=True)
        self._live = LiveLine(self._messages)

    @property
    def asks(self) -> bool:
        """Whether there is a person to ask: standard input and output are a terminal."""
        return sys.stdin.isatty() and sys.stdout.isatty()

    def result(
        self,
        result: R,
        view: Callable[[R], Iterable[RenderableType]] | None = None,
    ) -> None:
        """Prints a result, and its warnings on standard error.

        As a table for people it is composed by `view`, where there is one and not every field is asked for.
        """
        fields = result.model_dump(mode="json")
        if "elapsed_ms" in fields:
            # Last, where they don't stand before what was asked for.
            fields["elapsed_ms"] = fields.pop("elapsed_ms") or self._elapsed_ms()
            _LOG.info("done", extra={"elapsed_ms": fields["elapsed_ms"]})
            fields["warnings"] = fields.pop("warnings")
        self._live.clear()
        for warning in fields.get("warnings") or ():
            self.message(f"warning: {warning}")
        if self.form == "csv" and isinstance(result, results.Result):
            self.text(results.as_csv(result))
            return
        if view is None or self.as_json or self.full:
            self.fields(fields)
            return
        with standard_output():
            print_view(self._results, view(result))

    def text(self, text: str) -> None:
        """Prints what is a file of its own, as it is, on a terminal or not."""
        with standard_output():
            sys.stdout.write(text)

    def _elapsed_ms(self) -> int:
        return round((time.monotonic() - self._started) * 1000)

    def fields(self, fields: Mapping[str, Any]) -> None:
        """Prints the fields of a result."""
        if self.as_json:
            print_json(fields)
        else:
            with standard_output():
                self._show(fields)

    def message(self, text: str) -> None:
        """A line on standard error, on a terminal broken between words, but for what is copied whole.

        Where nobody can hear it the command goes on all the same.
        """
        try:
            self._live.clear()
            if self.is_watched:
                print_view(self._messages, [Sentence(text)])
            else:
                self._messages.print(harmless(text))
        except OSError:
            give_up_standard_error()

    @property
    def is_watched(self) -> bool:
        """Whether somebody reads standard error as it comes: it is a terminal."""
        return self._messages.is_terminal

    def doing(self, words: str) -> None:
        """What the command is at: shown to whoever watches, once it takes long."""
        self._live.words = words

    def waits(self, words: str) -> None:
        """What may take minutes: as `doing`, and a line for whoever reads standard error later."""
        if self.is_watched:
            self.doing(words)
        else:
            self.message(words)

    @asynccontextmanager
    async def busy(self) -> AsyncIterator[None]:
        """While this lasts, whoever watches is shown what the command is at, and for how long."""
        if not self.is_watched or _logs_on_standard_error():
            yield
            return
        async with self._live.shown():
            yield

    async def agreed(self, question: str) -> bool:
        """A person's answer; the live line is gone meanwhile."""
        with self._live.paused():
            return await agreed(question)

    def error(self, error: MilestonesError) -> None:
        """The error for a person on standard error and, in JSON mode, as an object on standard output.

        Nothing is said to who has stopped reading, as `head` does.
        """
        if isinstance(error, OutputLost) and error.reader_gone:
            return
        _LOG.info(
            "failed: %s",
            error.message,
            extra={
                "code": error.code,
                "exit_code": error.exit_code,
                "elapsed_ms": self._elapsed_ms(),
            },
        )
        self.message(f"error: {error.message}")
        listed = error.details.get("errors")
        if isinstance(listed, list) and len(listed) > 1:
            count = error.details.get("error_count", len(listed))
            first = f"; the first {SHOWN_PROBLEMS}" if count > SHOWN_PROBLEMS else ""
            self.message(f"{count} problems{first}:")
            for each in listed[:SHOWN_PROBLEMS]:
                self.message(f"  {each['path']}: {each['message']}")
        if error.hint:
            self.message(f"hint: {error.hint}")
        for warning in error.details.get("warnings", ()):
            self.message(f"warning: {warning}")
        if self.as_json and not isinstance(error, OutputLost):
            with suppress(OutputLost):
                print_json({"error": error.to_json()})

    def _show(self, fields: Mapping[str, Any]) -> None:
        plain = {k: v for k, v in fields.items() if not _is_rows(v) and k != "warnings"}
        for line in _lines(plain):
            self._results.print(line)
        for name, rows in fields.items():
            if _is_rows(rows) and len(rows[0]) * NARROWEST > self._results.width:
                self._show_blocks(name, rows)
            elif _is_rows(rows):
                self._results.print(_rows(name, rows))

    def _show_blocks(self, title: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """A block of lines a row: a table of that many columns would be unreadable."""
        for number, row in enumerate(rows, 1):
            heading = f"{title.replace('_', ' ')}: {number} of {len(rows)}"
            self._results.print(Text(heading, "italic"))
            for line in _lines(row):
                self._results.print(Text("  ") + line)


def _logs_on_standard_error() -> bool:
    """Whether lines come there by themselves, which a line that is written over would spoil."""
    handlers = logging.getLogger("milestones").handlers
    return any(getattr(each, "stream", None) is sys.stderr for each in handlers)


class LiveLine:
    """One line at the end of a terminal, that says what goes on: no more than written over, so safe to cut."""

    def __init__(self, console: Console) -> None:
        """Nothing is shown yet."""
        self.words = "asking Ogmios and Kupo"
        self._console, self._paused, self._is_there = console, False, False

    @asynccontextmanager
    async def shown(self) -> AsyncIterator[None]:
        """It is there from the second second on, until this ends."""
        import asyncio  # noqa: PLC0415 - commands without services need none

        async def show() -> None:
            begun = time.monotonic()
            while True:
                await asyncio.sleep(1)
                if not self._paused:
                    self._write(f"{self.words} ({time.monotonic() - begun:.0f} s)")

        task = asyncio.ensure_future(show())
        try:
            yield
        finally:
            task.cancel()
            self.clear()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing is written meanwhile: somebody is asked."""
        self.clear()
        self._paused = True
        try:
            yield
        finally:
            self._paused = False

    def clear(self) -> None:
        """The line is empty again, for what is written next."""
        if self._is_there:
            self._write("")

    def _write(self, text: str) -> None:
        shown = harmless(text).plain[: self._console.width - 1]
        with suppress(OSError):
            sys.stderr.write(f"\r{shown:<{self._console.width - 1}}\r{shown}")
            sys.stderr.flush()
        self._is_there = bool(text)


class Sentence:
    """Words of a person's language, in lines that end between words: an address or an id is never broken.

    Further lines stand below the first word, after any spaces and a `- `.
    """

    def __init__(self, text: str, style: str = "") -> None:
        """`style` is rich's."""
        self._text, self._style = harmless(text).plain, style

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The lines, for rich."""
        for paragraph in self._text.split("\n"):
            begin = re.match(r" *(?:- )?", paragraph)
            yield from self._lines(paragraph, options.max_width, begin.end() if begin else 0)

    def _lines(self, paragraph: str, width: int, indented: int) -> Iterator[Text]:
        lines = textwrap.wrap(
            paragraph,
            width,
            subsequent_indent=" " * indented,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in lines or [""]:
            yield Text(line, self._style, no_wrap=True, overflow="ignore")


def print_view(console: Console, parts: Iterable[RenderableType]) -> None:
    """A composed view: lines end between words, but for a text that says `no_wrap`, which is copied."""
    for part in parts:
        copied = isinstance(part, Text) and bool(part.no_wrap)
        shown = Sentence(part) if isinstance(part, str) else part
        console.print(shown, soft_wrap=copied, crop=False)


def print_json(value: Any) -> None:
    """One JSON document on standard output, whatever characters that can take: nothing is lost to it.

    Raises `OutputLost` where standard output is closed or full.
    """
    text = json.dumps(value, indent=2, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value, indent=2)
    with standard_output():
        sys.stdout.write(text + "\n")


def _is_rows(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and bool(value) and isinstance(value[0], dict)


def _lines(fields: Mapping[str, Any]) -> list[Text]:
    """A line a field, never cut, so that addresses and ids can be copied."""
    flat = _flat(fields, "")
    width = max((len(name) for name, _ in flat), default=0)
    return [
        Text.assemble((name.ljust(width), "bold"), "  ", _cell(value))
        for field, found in flat
        for name, value in _sentences(field, found)
    ]


def _sentences(name: str, value: Any) -> list[tuple[str, Any]]:
    """Each sentence of a list on a line of its own, the field's name before the first."""
    if isinstance(value, (list, tuple)) and any(" " in str(each) for each in value):
        return [(name if number == 0 else "", each) for number, each in enumerate(value)]
    return [(name, value)]


def _flat(fields: Mapping[str, Any], prefix: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in fields.items():
        if isinstance(value, Mapping):
            found += _flat(value, f"{prefix}{name}.")
        else:
            found.append((prefix + name, value))
    return found


def _rows(title: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    plain = [name for name, value in rows[0].items() if not isinstance(value, (dict, list))]
    # A column that says nothing would take the others' room.
    names = [name for name in plain if any(row.get(name) is not None for row in rows)]
    columns = (_column(name, [row.get(name) for row in rows]) for name in names)
    table = Table(*columns, title=title.replace("_", " "), title_justify="left")
    for row in rows:
        table.add_row(*(_cell(row.get(name)) for name in names))
    return table


def _column(name: str, values: Sequence[Any]) -> Column:
    """Words apart, so that a narrow column breaks its heading between them; short names are kept whole."""
    texts = [value for value in values if isinstance(value, str)]
    short = bool(texts) and max(map(len, texts)) <= SHORT
    return Column(name.replace("_", " "), overflow="fold", no_wrap=short and "identifier" in name)


def _cell(value: Any) -> Text:
    if value is None:
        return Text("-")
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    if isinstance(value, (list, tuple)):
        return harmless(", ".join(str(element) for element in value) or "-")
    return harmless(str(value))


def harmless(text: str) -> Text:
    """Words of others, off the chain or out of files, which then can't steer the terminal."""
    return Text(
        "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)
    )
