"""Files that people name: one reader for all of them, and one writer, which never overwrites.

Whatever is in the file, the rules are the same: a file or a pipe (no folder, socket or device), not
larger than its kind can be, UTF-8 with or without a byte order mark, no name twice in an object. Every
refusal says in words what is there instead, as far as that can be seen, and never shows it: it may be a key.
"""

from __future__ import annotations

import errno
import os
import select
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from milestones.errors import InvalidInput
from milestones.notation import parse_json, parse_yaml
from milestones.recognition import looks_like, recognised

E = TypeVar("E", bound=InvalidInput)
STANDARD_INPUT: Final = Path("-")
"""Stands for what a command is given on its standard input."""
PIPE_SECONDS: Final = 120
"""How long somebody may need to type the passphrase of what comes out of a pipe."""
_SAVE_AS_UTF_8: Final = "save it as UTF-8 (in an editor: Save As, and choose the encoding)"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: what it is called, how many bytes it can have, and what to do where it isn't that."""

    name: str
    most_bytes: int
    hint: str


SCHEDULE: Final = Kind("a schedule", 1 << 30, "give the file that `register-milestone` wrote")
ALLOCATIONS: Final = Kind(
    "a list of allocations",
    1 << 30,
    "give a table (CSV) with the columns address, amount, milestone and vests, or a JSON list of objects"
    " with beneficiary_address, token_amount, milestone_identifier and vesting_timestamp",
)
TOKEN_REGISTRY: Final = Kind(
    "a token registry",
    1 << 26,
    "give an entry of a token registry (CIP-26), a list of them, or a folder with a file for each",
)
CLAIM_FILE: Final = Kind("a claim file", 1 << 28, "give the file that `claim-file` wrote")
SIGNATURES: Final = Kind(
    "signatures", 1 << 24, "give a JSON array of entries such as `oracle sign` writes"
)
KEY: Final = Kind("a key", 1 << 16, "give a key file made by `cardano-cli address key-gen`")
PHRASE: Final = Kind(
    "a phrase", 1 << 12, "give a file with the 12 to 24 words of a wallet, and nothing else"
)
WALLET_ANSWER: Final = Kind(
    "signatures", 1 << 20, "give what the wallet's signData returned: {signature, key}"
)
NATIVE_SCRIPT: Final = Kind("a native script", 1 << 16, "give the JSON file that cardano-cli reads")
BLUEPRINT: Final = Kind(
    "a blueprint",
    4_000_000,
    "restore contracts/compiled/plutus.json, or rebuild it with `make contracts`",
)
TRANSACTION: Final = Kind(
    "a transaction",
    1_000_000,
    "give a file with its CBOR, in hexadecimal or not, or as cardano-cli writes it",
)
PARAMETERS: Final = Kind(
    "protocol parameters",
    1 << 20,
    "give the result of Ogmios' queryLedgerState/protocolParameters",
)
OUTPUT: Final = Kind(
    "an output", 1 << 20, "give an output as Ogmios shows it: an object with address and value"
)
CONFIGURATION: Final = Kind("a configuration", 1 << 20, "write one `name: value` on a line")


# -- bytes


def read_bytes(path: Path, kind: Kind, field: str, error: type[E]) -> bytes:
    """All of a file. Raises `error` about `field`: none there, not a file, too large, not readable."""
    with reading(path, field, error) as chunks:
        found = bytearray()
        for chunk in chunks:
            found += chunk
            if len(found) > kind.most_bytes:
                raise _refusal(path, field, error, f"is too large for {kind.name}", kind.hint)
    return bytes(found)


@contextmanager
def reading(path: Path, field: str, error: type[E]) -> Iterator[Iterator[bytes]]:
    """The pieces of a file, of any length; see `read_bytes` for errors.

    A pipe is read while somebody writes into it, and waited for no longer than `PIPE_SECONDS`.

    `STANDARD_INPUT` is no file: it is read as it comes, to its end.
    """
    if path == STANDARD_INPUT:
        yield iter(lambda: sys.stdin.buffer.read(1 << 16), b"")
        return
    try:
        _must_be_file(path, field, error)
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(path, flags)
    except (OSError, ValueError) as refused:
        raise _not_read(path, field, error, refused) from None
    try:
        yield _pieces(descriptor, path, field, error)
    finally:
        os.close(descriptor)


def _pieces(descriptor: int, path: Path, field: str, error: type[E]) -> Iterator[bytes]:
    is_pipe = stat.S_ISFIFO(os.fstat(descriptor).st_mode)
    came = not is_pipe
    try:
        while piece := _from_pipe(descriptor) if is_pipe else os.read(descriptor, 1 << 20):
            came = True
            yield piece
    except OSError as refused:
        raise _not_read(path, field, error, refused) from None
    if not came:
        words, hint = "is a pipe into which nobody writes", "write it into a file, and give that"
        raise _refusal(path, field, error, words, hint)


def _from_pipe(descriptor: int) -> bytes:
    """What comes next, such as out of `<(gpg --decrypt FILE)`; nothing where nobody writes into it."""
    with suppress(BlockingIOError):
        return os.read(descriptor, 1 << 20)
    if not select.select([descriptor], [], [], PIPE_SECONDS)[0]:
        raise OSError(errno.ETIMEDOUT, f"nothing came out of it for {PIPE_SECONDS} s")
    return os.read(descriptor, 1 << 20)


def _must_be_file(path: Path, field: str, error: type[E]) -> None:
    mode = path.stat().st_mode
    for is_kind, what in _NO_FILES:
        if is_kind(mode):
            words = f"can't be read: it is a {what}"
            raise _refusal(path, field, error, words, "write it into a file first, and give that")


_NO_FILES: Final[tuple[tuple[Callable[[int], bool], str], ...]] = (
    (stat.S_ISDIR, "folder"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISCHR, "device"),
    (stat.S_ISBLK, "device"),
)


def _not_read(path: Path, field: str, error: type[E], refused: OSError | ValueError) -> E:
    if isinstance(refused, (FileNotFoundError, NotADirectoryError, ValueError)):
        named = "such file" if field == str(path) else f"file {path}"
        return error(f"there is no {named}", path=field, hint="check the file's name")
    if isinstance(refused, PermissionError):
        words, hint = "belongs to somebody else, or can't be read by you", "correct its permissions"
        return _refusal(path, field, error, words, hint)
    words = f"can't be read: {refused.strerror or refused}"
    return _refusal(path, field, error, words, "check the file's name")


def _refusal(path: Path, field: str, error: type[E], words: str, hint: str) -> E:
    """The file is named once: by the field, where that is the file itself, or else by the sentence."""
    named = "standard input" if path == STANDARD_INPUT else path
    return error(words if field == str(path) else f"{named} {words}", path=field, hint=hint)


# -- text


_MARKS: Final = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
_BINARY: Final = (
    (b"\x1f\x8b", "compressed (gzip)"),
    (b"PK\x03\x04", "an archive or a workbook (zip, xlsx, ods)"),
    (b"%PDF", "a PDF"),
    (b"\xd0\xcf\x11\xe0", "an old workbook or document (xls, doc)"),
    (b"SQLite format 3\x00", "a database"),
)


def read_text(path: Path, kind: Kind, field: str, error: type[E]) -> str:
    """A file's text, without a byte order mark. Raises `error` about `field`; see the module."""
    return text_in(read_bytes(path, kind, field, error), path, kind, field, error)


def text_in(raw: bytes, path: Path, kind: Kind, field: str, error: type[E]) -> str:
    """As `read_text`, of bytes that were read already; `path` is for the words of a refusal."""
    for mark, what in _BINARY:
        if raw.startswith(mark):
            raise _refusal(path, field, error, f"is not text: it is {what}", kind.hint)
    encoding = next((name for mark, name in _MARKS if raw.startswith(mark)), None)
    if encoding is None and raw[:64].count(0) * 3 >= len(raw[:64]) >= 8:
        encoding = "UTF-16 or UTF-32" if raw.strip(b"\x00") else None
    if encoding is not None:
        words = f"is not UTF-8 text: it is in {encoding}"
        raise _refusal(path, field, error, words, _SAVE_AS_UTF_8)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as refused:
        line = raw.count(b"\n", 0, refused.start) + 1
        words = f"is not text in UTF-8: line {line} has a byte that doesn't belong there"
        raise _refusal(path, field, error, words, _SAVE_AS_UTF_8) from None


# -- JSON


def read_json(path: Path, kind: Kind, field: str, error: type[E]) -> Any:
    """The value in a JSON file; numbers with a point or an exponent are `Decimal`, every digit kept.

    Raises `error` about `field`: also for a name that an object has twice, and for another kind of file
    that is recognised.
    """
    return json_in(read_text(path, kind, field, error), path, kind, field, error)


def json_in(text: str, path: Path, kind: Kind, field: str, error: type[E]) -> Any:
    """As `read_json`, of a text that was read already; `path` is for the words of a refusal."""
    if not text.strip():
        raise _refusal(path, field, error, "is empty", kind.hint)
    try:
        value = parse_json(text)
    except ValueError as refused:
        looks = looks_like(text)
        words = f"it looks like {looks}" if looks else str(refused)
        raise _refusal(path, field, error, f"is not JSON: {words}", kind.hint) from None
    other = recognised(value)
    if other not in (None, kind.name):
        raise _refusal(path, field, error, f"is not {kind.name}: it is {other}", kind.hint)
    return value


def read_object(path: Path, kind: Kind, field: str, error: type[E]) -> dict[str, Any]:
    """The object in a JSON file; see `read_json`."""
    value = read_json(path, kind, field, error)
    if not isinstance(value, dict):
        raise _refusal(path, field, error, "is not a JSON object", kind.hint)
    return value


# -- YAML


def read_yaml(path: Path, kind: Kind, field: str, error: type[E]) -> Any:
    """The value in a YAML file. Raises `error` about `field`, as `read_json` does."""
    text = read_text(path, kind, field, error)
    try:
        return parse_yaml(text)
    except ValueError as refused:
        raise _refusal(path, field, error, f"is not YAML: {refused}", kind.hint) from None


# -- writing


def write_new(
    path: Path, text: str, field: str, error: type[E], *, owner_only: bool = False
) -> None:
    """Writes a file that isn't there yet; one that holds just this already is left as it is.

    What is there is never overwritten. A file that can't be written whole is taken away again. Raises
    `error` about `field`.
    """
    raw = text.encode()
    try:
        descriptor = os.open(
            path,
            os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0),
            0o600 if owner_only else 0o666,
        )
    except FileExistsError:
        if not _holds(path, raw, error):
            raise _refusal(
                path,
                field,
                error,
                "is already there, and holds something else",
                "choose another name; a file that is there is never overwritten",
            ) from None
        return
    except (OSError, ValueError) as refused:
        raise _not_written(path, field, error, refused) from None
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, not a path
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
    except OSError as refused:
        with suppress(OSError):
            path.unlink()
        raise _not_written(path, field, error, refused) from None


def _holds(path: Path, raw: bytes, error: type[InvalidInput]) -> bool:
    try:
        return read_bytes(path, Kind("this", len(raw), ""), "", error) == raw
    except InvalidInput:
        return False


def _not_written(path: Path, field: str, error: type[E], refused: OSError | ValueError) -> E:
    words = f"can't be written: {getattr(refused, 'strerror', None) or refused}"
    return _refusal(
        path, field, error, words, "choose another name, in a folder that can be written"
    )
