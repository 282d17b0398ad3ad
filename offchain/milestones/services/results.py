"""What services return: frozen models, whose JSON is what the command line prints."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any, ClassVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict


class View(BaseModel):
    """A part of a result."""

    model_config = ConfigDict(frozen=True)

    def cells(self) -> dict[str, Any]:
        """The fields as a row of a table (CSV) has them."""
        return self.model_dump(mode="json")


class Result(View):
    """A result. `warnings` are for people: what it rests on may be stale, or was repaired.

    `elapsed_ms` is how long the command took, in milliseconds, from its command line to this result;
    None where no command line was read. `rows_in` names the field that holds rows, where the answer is a
    list; `columns` are those that its table has, where it isn't all that have one value.
    """

    rows_in: ClassVar[str] = ""
    columns: ClassVar[tuple[str, ...]] = ()

    warnings: tuple[str, ...] = ()
    elapsed_ms: int | None = None


def as_csv(result: Result) -> str:
    """The rows of a result as a table (CSV), with a header; what holds further fields is no column.

    A field of several values has them with spaces between. Raises `ValueError` for a result without rows.
    """
    if not result.rows_in:
        raise ValueError(f"{type(result).__name__} has no rows")
    (row, _) = get_args(type(result).model_fields[result.rows_in].annotation)
    columns = result.columns or tuple(
        name for name, field in row.model_fields.items() if not _has_fields(field.annotation)
    )
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(columns)
    for each in getattr(result, result.rows_in):
        fields = each.cells()
        writer.writerow([_cell(fields[name]) for name in columns])
    return written.getvalue()


def _has_fields(annotation: Any) -> bool:
    if get_origin(annotation) is not None:
        inner = (get_origin(annotation), *get_args(annotation))
        return any(_has_fields(each) for each in inner)
    return isinstance(annotation, type) and issubclass(annotation, (BaseModel, Mapping))


def _cell(value: object) -> object:
    """Anybody can propose a milestone of any name: no spreadsheet shall take one for a formula."""
    if isinstance(value, list):
        value = " ".join(map(str, value))
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value
