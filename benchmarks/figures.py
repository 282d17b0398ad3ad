"""What a part of the benchmark found: words, tables and plots, as JSON and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from plots import Line, Plot

Cell = str | int | float | None


@dataclass(frozen=True)
class Words:
    """A paragraph that has figures in it."""

    text: str

    def markdown(self) -> str:
        """The paragraph."""
        return self.text


@dataclass(frozen=True)
class Column:
    """A column of a table: its head, and the decimals of its numbers; text where `decimals` is None."""

    head: str
    decimals: int | None = 0


@dataclass(frozen=True)
class Table:
    """Columns and rows. A cell that is None stays empty."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]

    def markdown(self) -> str:
        """The table."""
        heads = " | ".join(column.head for column in self.columns)
        rules = "|".join("---" if column.decimals is None else "---:" for column in self.columns)
        return "\n".join([f"| {heads} |", f"|{rules}|", *self._lines()])

    def _lines(self) -> Iterator[str]:
        for row in self.rows:
            cells = (shown(cell, column) for cell, column in zip(row, self.columns, strict=True))
            yield f"| {' | '.join(cells)} |"


def shown(cell: Cell, column: Column) -> str:
    """A cell as people read it."""
    if cell is None:
        return ""
    return cell if isinstance(cell, str) else f"{cell:,.{column.decimals or 0}f}"


Block = Words | Table | Plot


def to_json(blocks: Sequence[Block]) -> list[dict[str, Any]]:
    """Blocks as JSON has them: their fields, and their kind."""
    return [{"kind": type(block).__name__.lower(), **asdict(block)} for block in blocks]


def from_json(documents: Sequence[dict[str, Any]]) -> list[Block]:
    """The inverse of `to_json`."""
    return [_block(**document) for document in documents]


def _block(kind: str, **fields: Any) -> Block:
    if kind == "words":
        return Words(**fields)
    if kind == "table":
        return Table([Column(**column) for column in fields["columns"]], fields["rows"])
    lines = [Line(line["name"], [(x, y) for x, y in line["points"]]) for line in fields["lines"]]
    return Plot(**{**fields, "lines": lines})


def markdown(blocks: Sequence[Block], pictures: str) -> str:
    """All blocks, one after the other; plots are files in the folder `pictures`."""
    return "\n\n".join(
        f"![{block.alt}]({pictures}/{block.name}.svg)"
        if isinstance(block, Plot)
        else block.markdown()
        for block in blocks
    )
