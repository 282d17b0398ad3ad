"""Documents laid out on lines of 80 columns, as the library does it that nodes print their errors with.

A group stands on one line where it fits there together with what follows up to the next break; else its
lines break. Documents are made when they are reached, so that one without end can be cut. Nothing here
recurses over what is nested. Source: the Haskell package prettyprinter, `layoutPretty`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias

WIDTH: Final = 80
"""Columns of a line."""

Document: TypeAlias = "str | list[Any] | tuple[Any, ...] | Callable[[], Any]"
"""A text without line breaks, parts in a row, a form of this module, or what makes one of these."""

_ALTERNATIVE, _NEST, _ALIGN, _GROUP = range(4)
_BREAK: Final = object()

_Pending: TypeAlias = "tuple[int, bool, Any, Any] | None"
"""(indentation, whether on one line, document, what follows)"""


def alternative(broken: object, flat: str) -> Document:
    """One of two, by whether the lines of the group around it break."""
    return _ALTERNATIVE, broken, flat


LINE: Final[Document] = alternative(_BREAK, " ")
"""A line break, or a space."""

EDGE: Final[Document] = alternative(_BREAK, "")
"""A line break, or nothing."""


def nest(columns: int, document: Document) -> Document:
    """Lines that begin within are indented by so many columns more."""
    return _NEST, columns, document


def align(document: Document) -> Document:
    """Lines that begin within are indented to where the document starts."""
    return _ALIGN, document


def group(document: Document) -> Document:
    """On one line where that fits."""
    return _GROUP, document


def between(separator: Document, documents: list[Document]) -> list[Document]:
    """Documents with a separator between each two."""
    return [part for document in documents for part in (separator, document)][1:]


def laid_out(document: Document, most: int, column: int = 0) -> str:
    """The text of a document that starts at a column; what is over `most` characters is left away."""
    out: list[str] = []
    length = 0
    for piece in _pieces(document, column):
        out.append(piece)
        length += len(piece)
        if length > most:
            return "".join(out)[:most] + "…"
    return "".join(out)


def _pieces(document: Document, column: int) -> Iterator[str]:
    pending: _Pending = (0, False, document, None)
    while pending is not None:
        indentation, flat, part, following = pending
        if callable(part):
            pending = (indentation, flat, part(), following)
        elif isinstance(part, str):
            column += len(part)
            yield part
            pending = following
        elif part is _BREAK:
            # Nothing is indented on a line that stays empty, which none of these documents has.
            yield "\n" + " " * indentation
            column = indentation
            pending = following
        elif isinstance(part, list):
            pending = _in_a_row(indentation, flat, part, following)
        elif part[0] == _ALTERNATIVE:
            pending = (indentation, flat, part[2 if flat else 1], following)
        elif part[0] == _NEST:
            pending = (indentation + part[1], flat, part[2], following)
        elif part[0] == _ALIGN:
            pending = (column, flat, part[1], following)
        else:
            flat = flat or _fits((0, True, part[1], following), WIDTH - column)
            pending = (indentation, flat, part[1], following)


def _fits(pending: _Pending, left: int) -> bool:  # noqa: C901 - a branch a form
    """Whether what is pending fits up to the next line break; what was left aside is tried last."""
    aside: list[tuple[_Pending, int]] = []
    while True:
        if left < 0:
            if not aside:
                return False
            pending, left = aside.pop()
        if pending is None:
            return True
        _, flat, part, following = pending
        if callable(part):
            pending = (0, flat, part(), following)
        elif isinstance(part, str):
            left -= len(part)
            pending = following
        elif part is _BREAK:
            return True
        elif isinstance(part, list):
            pending = _in_a_row(0, flat, part, following)
        elif part[0] == _ALTERNATIVE:
            pending = (0, flat, part[2 if flat else 1], following)
        else:
            if part[0] == _GROUP and not flat:
                aside.append(((0, False, part[1], following), left))
                flat = True
            pending = (0, flat, part[-1], following)


def _in_a_row(indentation: int, flat: bool, parts: list[Any], following: _Pending) -> _Pending:
    for part in reversed(parts):
        following = (indentation, flat, part, following)
    return following
