"""What the program says of its own work: `-v` and `-vv` on standard error, `--log-file` for later.

Every room says it to its own logger below `milestones`: INFO is what was asked of which service, how
long that took, and what was decided and why; DEBUG is the rest. Nothing listens until it is asked for.
What a line is about stands in its fields (`extra`), which JSON lines keep apart. No room passes a key, a
phrase or a password to a logger; services' addresses come without what is secret in them.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final, Literal

from milestones import __version__
from milestones.errors import InvalidInput

LogFormat = Literal["text", "json"]
ROOT: Final = "milestones"
_LOG: Final = logging.getLogger(__name__)
_PLAIN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""What every record has; anything else is a field of the line."""


def start(
    command: str | None, *, verbosity: int, file: Path | None, file_format: LogFormat
) -> None:
    """Lets the program speak: on standard error from a `verbosity` of 1 on, and into `file`, if any.

    The first line names the `command`, and not its options: those may hold an address with a password.

    The file is appended to, for its owner's eyes only, with all that there is to say. Raises
    `InvalidInput` where it can't be opened.
    """
    logging.raiseExceptions = False  # A full disk must not become a traceback of ours.
    logger = logging.getLogger(ROOT)
    logger.propagate = False
    if verbosity > 0:
        _add(logger, logging.StreamHandler(sys.stderr), "text", _level(verbosity))
    if file is not None:
        _add(logger, _opened(file), file_format, logging.DEBUG)
    about = {"command": command, "version": __version__, "python": platform.python_version()}
    _LOG.info("started", extra=about)


def listen(name: str) -> None:
    """Lets one logger speak on standard error from INFO on, for a command that runs by itself.

    Nothing where all of them do already.
    """
    root, logger = logging.getLogger(ROOT), logging.getLogger(name)
    if not any(type(each) is logging.StreamHandler for each in root.handlers):
        logging.raiseExceptions = False
        root.propagate = False
        _add(logger, logging.StreamHandler(sys.stderr), "text", logging.INFO)


def _level(verbosity: int) -> int:
    return logging.DEBUG if verbosity > 1 else logging.INFO


def _add(
    logger: logging.Logger, handler: logging.Handler, line_format: LogFormat, level: int
) -> None:
    handler.setFormatter(JsonLine() if line_format == "json" else TextLine())
    handler.setLevel(level)
    logger.addHandler(handler)
    logger.setLevel(min(level, logger.level or level))


def _opened(file: Path) -> logging.Handler:
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK, 0o600)
    except OSError as error:
        raise InvalidInput(
            f"{file} can't be written: {error.strerror}",
            path="log_file",
            hint="name a file in a folder that exists and that you may write to",
        ) from None
    return logging.StreamHandler(os.fdopen(descriptor, "a", encoding="utf-8"))


class TextLine(logging.Formatter):
    """A line for a person: the time in UTC, the level, the room, the words, and what they are about."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, on which no character of others can break or steer anything."""
        room = record.name.removeprefix(f"{ROOT}.")
        told = " ".join(f"{name}={value}" for name, value in fields_of(record).items())
        line = f"{_time(record)} {record.levelname:<5} {room}: {record.getMessage()}"
        return _harmless(f"{line} ({told})" if told else line)


class JsonLine(logging.Formatter):
    """A JSON object on a line: `time` (ISO 8601, UTC), `level`, `logger`, `message`, and the fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **fields_of(record),
        }
        return json.dumps(line, default=str)


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """What the line is about, as `extra` named it."""
    return {name: value for name, value in vars(record).items() if name not in _PLAIN}


def _time(record: logging.LogRecord) -> str:
    when = datetime.fromtimestamp(record.created, tz=timezone.utc)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _harmless(line: str) -> str:
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)
