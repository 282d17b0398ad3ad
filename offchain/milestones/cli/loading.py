"""How commands are put together, and what one loads only when it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from importlib import import_module
from types import ModuleType
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from milestones.cli.examples import EXAMPLES, in_lines
from milestones.errors import InvalidConfiguration, InvalidUsage

COMPLETES: Final = "_MILESTONES_COMPLETE"
"""The environment variable by which a shell asks the program what could stand there."""


class WithExample:
    """A command whose help ends with an example, where there is one for it."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """The example, in lines that a shell takes as one."""
        example = EXAMPLES.get(" ".join(_words(ctx)))
        if example is None:
            return
        with formatter.section("Example"):
            for line in in_lines(example):
                formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


def _words(context: Any) -> list[str]:
    """What names a command, after the program's own name."""
    parent = context.parent
    return [] if parent is None else [*_words(parent), context.info_name or ""]


WITH_ROWS: Final = frozenset(
    {
        *("list", "find", "history", "check-status", "calculate-distribution", "submit-release"),
        *("proposal show", "schedule check", "schedule template", "schedule vesting", "verify"),
    }
)
"""Commands whose answer has rows, and so can be a table (CSV)."""


class Command(WithExample, TyperCommand):
    """A command of this program."""

    def invoke(self, ctx: Any) -> Any:
        """Runs it. Raises `InvalidUsage` where rows are asked for that its answer can't have."""
        words = " ".join(_words(ctx))
        if (
            getattr(getattr(ctx.obj, "output", None), "form", None) == "csv"
            and words not in WITH_ROWS
        ):
            raise InvalidUsage(
                f"what `{words}` answers has no rows: there is no table (CSV) of it",
                path="format",
                hint="take --format json, or leave --format out",
            )
        return super().invoke(ctx)


class Group(WithExample, TyperGroup):
    """Several commands; its help gives the whole first paragraph of each, over several lines if need be."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Reads the group's own options, which stand before the command: where one is first, there are none.

        Typer would load pydantic to read even what is not given, and a command's help would wait for it.
        """
        if not args or args[0] not in self.commands:
            return super().parse_args(ctx, args)
        options, self.params, self.add_help_option = self.params, [], False
        try:
            return super().parse_args(ctx, args)
        finally:
            self.params, self.add_help_option = options, True

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - the parser's name
        """The list of commands in the group's help."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, _first_paragraph(command)) for name, command in self.commands.items()]
            )


def _first_paragraph(command: Any) -> str:
    return " ".join((command.help or "").split("\n\n")[0].split())


class _Commands(typer.Typer):
    """A group that makes commands of this program."""

    def command(
        self, name: str | None = None, *, cls: type[TyperCommand] | None = Command, **options: Any
    ) -> Callable[[Any], Any]:
        """The decorator of a command."""
        return super().command(name, cls=cls, **options)


def new_typer(*, cls: type[Group] = Group, **options: Any) -> typer.Typer:
    """A group of commands as this program has them.

    Helps are plain text: what Typer needs to draw boxes takes longer to load than all else.
    """
    return _Commands(
        cls=cls,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
        **options,
    )


class Later(ModuleType):
    """A module that is imported when something of it is first used.

    Type checkers read the real import, beside it under `TYPE_CHECKING`. `needed_for` names what can't be done
    where the `extra` is not installed; empty for a module that needs none.
    """

    def __init__(self, name: str, *, needed_for: str = "", extra: str = "devnet") -> None:
        """Nothing is imported yet."""
        super().__init__(name)
        self._needed_for, self._extra = needed_for, extra

    def __getattr__(self, name: str) -> Any:
        """Something of the module."""
        needed_for = self._needed_for
        with needs_the_extra(needed_for, self._extra) if needed_for else nullcontext():
            module = import_module(self.__name__)
        return getattr(module, name)


@contextmanager
def needs_the_extra(what: str, extra: str) -> Iterator[None]:
    """Imports inside may miss another project's package: `InvalidConfiguration` says how to get it."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("milestones"):
            raise
        raise InvalidConfiguration(
            f"{what} needs the package {error.name!r}, which is not installed",
            hint=f"pip install '.[{extra}]' in the project's folder",
        ) from None
