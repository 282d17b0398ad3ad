"""JSON and YAML, read strictly: a name stands once, every digit counts, and nothing is nested without end."""

from __future__ import annotations

import json
from decimal import Decimal, DecimalException
from typing import Any, Final, NoReturn

MOST_DIGITS: Final = 400
"""Of a number; the largest that anything here holds has under twenty."""
DEEPEST: Final = 100
"""Objects and lists inside each other; the deepest that anything here needs is under ten."""


def parse_json(text: str) -> Any:
    """A JSON value; numbers with a point or an exponent are `Decimal`, every digit kept.

    Raises ValueError that says in words what is wrong, and where.
    """
    try:
        value = json.loads(
            text,
            object_pairs_hook=unique,
            parse_int=_whole,
            parse_float=_exact,
            parse_constant=_no_number,
        )
    except RecursionError:
        raise ValueError(f"lists or objects are nested deeper than {DEEPEST}") from None
    _must_not_be_deep(value)
    return value


def parse_yaml(text: str) -> Any:
    """A YAML value: names are text and stand once, aliases are refused. Raises ValueError in words."""
    import yaml  # noqa: PLC0415 - few commands have a configuration file

    class Loader(yaml.SafeLoader):
        """Plain values and nothing else."""

        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                raise ValueError("a value is an alias (*): write it out")
            return super().compose_node(parent, index)

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:  # noqa: ARG002
            pairs = [
                (self.construct_object(name, deep=True), self.construct_object(value, deep=True))
                for name, value in node.value
            ]
            for name, _ in pairs:
                if not isinstance(name, str):
                    raise ValueError(
                        f"{name!r:.40} is a name and not text: put it in quotation marks"
                    )
            return unique(pairs)

    try:
        value = yaml.load(text, Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as refused:
        # Its own words quote the line, and a password may be in that.
        mark = getattr(refused, "problem_mark", None)
        place = "" if mark is None else f"line {mark.line + 1}: "
        raise ValueError(f"{place}{getattr(refused, 'problem', None) or 'no YAML'}") from None
    except RecursionError:
        raise ValueError(f"lists or objects are nested deeper than {DEEPEST}") from None
    _must_not_be_deep(value)
    return value


def unique(pairs: list[tuple[Any, Any]]) -> dict[str, Any]:
    """An object out of its names and values. Raises ValueError for a name that stands twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"an object has {twice!r} twice: one of its two values is meant")
    return found


def _must_not_be_deep(value: Any) -> None:
    """Raises ValueError where lists and objects are inside each other more than `DEEPEST` times."""
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for each in level for inner in _inside(each)]
        if not level:
            return
    raise ValueError(f"lists or objects are nested deeper than {DEEPEST}")


def _inside(value: Any) -> list[Any]:
    found: list[Any] = []
    if isinstance(value, (dict, list)):
        values = value.values() if isinstance(value, dict) else value
        found = [each for each in values if isinstance(each, (dict, list))]
    return found


def _whole(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"a number has {len(digits)} digits")
    return int(digits)


def _exact(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except DecimalException:
        raise ValueError("a number is out of all bounds") from None
    if len(text) > MOST_DIGITS or (number and abs(number.adjusted()) > MOST_DIGITS):
        raise ValueError("a number is out of all bounds")
    return number


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number in JSON")
