"""What services return: frozen models, whose JSON is what the command line prints."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class View(BaseModel):
    """A part of a result."""

    model_config = ConfigDict(frozen=True)


class Result(View):
    """A result. `warnings` are for people: what it rests on may be stale, or was repaired.

    `elapsed_ms` is how long the command took, in milliseconds, from its command line to this result;
    None where no command line was read.
    """

    warnings: tuple[str, ...] = ()
    elapsed_ms: int | None = None
