"""From JSON values to records and back; everything that is wrong is said at once, each with its path.

How single values stand in JSON: addresses as Bech32, bytes as hexadecimal, integers as integers. Nothing
is converted silently: `"1000"`, `1000.0` and `true` are no integers here.
"""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from typing import Annotated, Any, Final, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    PlainSerializer,
    PlainValidator,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from milestones.cardano.address import Address, StakeAddress
from milestones.errors import InvalidAddress, InvalidInput

A = TypeVar("A", Address, StakeAddress)
E = TypeVar("E", bound=InvalidInput)
LISTED: Final = 50
"""How many problems an error's details list; a wrong column of a long file would fill the screen."""
SHOWN: Final = 5
"""How many of several things a sentence names."""
_EXPECTED: Final = {
    "int_type": "a whole number",
    "string_type": "text",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "model_type": "an object",
}


def _address(value: Any) -> Address:
    return _from_bech32(Address, value)


def _stake_address(value: Any) -> StakeAddress:
    return _from_bech32(StakeAddress, value)


def _from_bech32(kind: type[A], value: Any) -> A:
    if isinstance(value, kind):
        return value
    if not isinstance(value, str):
        raise _refusal(f"an address is text, not {type(value).__name__}")
    try:
        return kind.from_bech32(value)
    except InvalidAddress as error:
        raise _refusal(error.reason, error.hint) from None


def _bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise _refusal(f"hexadecimal text is expected, not {type(value).__name__}")
    try:
        return binascii.unhexlify(value)
    except ValueError:
        prefixed = ", without 0x" if value[:2].lower() == "0x" else ""
        raise _refusal(
            f"{value[:24]!r} is not hexadecimal",
            f"write two of 0-9 and a-f for each byte{prefixed}",
        ) from None


def _text(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        reason = "the text is not valid Unicode: half of a surrogate pair is in it"
        raise _refusal(reason) from None
    return value


def _refusal(reason: str, hint: str = "") -> PydanticCustomError:
    return PydanticCustomError("milestones", "{reason}", {"reason": reason, "hint": hint})


AddressField = Annotated[
    Address,
    PlainValidator(_address),
    PlainSerializer(Address.to_bech32, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^addr(_test)?1[02-9ac-hj-np-z]+$"}),
]
"""An address of the ledger; Bech32 in JSON."""

StakeAddressField = Annotated[
    StakeAddress,
    PlainValidator(_stake_address),
    PlainSerializer(StakeAddress.to_bech32, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^stake(_test)?1[02-9ac-hj-np-z]+$"}),
]
"""A reward account; Bech32 in JSON."""

HexField = Annotated[
    bytes,
    PlainValidator(_bytes),
    PlainSerializer(bytes.hex, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^([0-9a-f]{2})*$"}),
]
"""Bytes; lower-case hexadecimal in JSON."""

TextField = Annotated[str, AfterValidator(_text)]
"""Text that has a form in UTF-8: JSON can carry text that has none."""


class Record(BaseModel):
    """What is read from and written to JSON files: immutable, strict in types, no unknown field."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


T = TypeVar("T", bound=Record)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, what, and what to do."""

    path: str
    message: str
    hint: str = ""


def refusal(problems: Sequence[Problem], error: type[E]) -> E:
    """The error to raise: about the first problem; `details` have their `error_count` and `errors`, the
    first `LISTED` of them."""
    first = problems[0]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    listed = [
        {"path": problem.path, "message": problem.message, "hint": problem.hint}
        for problem in problems[:LISTED]
    ]
    details = {"error_count": len(problems), "errors": listed}
    return error(first.message + more, path=first.path, hint=first.hint, details=details)


def in_a_line(problem: Problem) -> str:
    """A problem as a warning: it is said, and nothing is refused for it."""
    return f"{problem.path}: {problem.message}"


def counted(things: Sequence[str]) -> str:
    """Several things in one sentence: all where they are few, else how many, and the first of them."""
    if len(things) <= SHOWN:
        return "; ".join(things)
    return f"{len(things)} times; the first {SHOWN}: {'; '.join(things[:SHOWN])}"


def read_record(model: type[T], raw: Any, error: type[E]) -> T:
    """A record of this kind from JSON values. Raises `error` with the paths of all its problems.

    A file may name its schema under `$schema`, for the editor that it is written in.
    """
    try:
        return model.model_validate(_tuples(without_schema_name(raw)))
    except ValidationError as refused:
        problems = [_problem(details, model) for details in refused.errors(include_url=False)]
    raise refusal(problems, error)


def read_records(model: type[T], raw: Any, error: type[E]) -> tuple[T, ...]:
    """A JSON array of records; paths start with the index, such as `[3].token_amount`."""
    adapter: TypeAdapter[tuple[T, ...]] = TypeAdapter(tuple[model, ...])  # type: ignore[valid-type]
    try:
        return adapter.validate_python(_tuples(raw))
    except ValidationError as refused:
        problems = [_problem(details, model) for details in refused.errors(include_url=False)]
    raise refusal(problems, error)


def without_schema_name(raw: Any) -> Any:
    """The same without `$schema`, which is for editors and says nothing about the subject."""
    if not isinstance(raw, dict):
        return raw
    return {key: value for key, value in raw.items() if key != "$schema"}


def _tuples(raw: Any) -> Any:
    """JSON's arrays as tuples: strict models take no list for one."""
    if isinstance(raw, (list, tuple)):
        return tuple(_tuples(element) for element in raw)
    if isinstance(raw, dict):
        return {key: _tuples(value) for key, value in raw.items()}
    return raw


def _problem(details: ErrorDetails, model: type[Record]) -> Problem:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in details["loc"])
    hint = details.get("ctx", {}).get("hint", "")
    if details["type"] == "extra_forbidden":
        fields = _fields_at(model, details["loc"][:-1])
        near = get_close_matches(str(details["loc"][-1]).lower(), fields, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(fields)}"
    return Problem(path.lstrip("."), _sentence(details), hint)


def _fields_at(model: type[Record], place: tuple[int | str, ...]) -> list[str]:
    """The fields of the record at this place inside another."""
    for part in place:
        if isinstance(part, str):
            inner = _record_in(model.model_fields[part].annotation)
            model = model if inner is None else inner
    return list(model.model_fields)


def _record_in(annotation: Any) -> type[Record] | None:
    if isinstance(annotation, type) and issubclass(annotation, Record):
        return annotation
    found = (_record_in(each) for each in get_args(annotation))
    return next((each for each in found if each is not None), None)


def _sentence(details: ErrorDetails) -> str:
    kind = details["type"]
    if kind == "missing":
        return "this field is missing"
    if kind == "extra_forbidden":
        return "there is no such field"
    if kind in _EXPECTED:
        return f"{_EXPECTED[kind]} is expected, not {_shown(details['input'])}"
    return details["msg"]


def _shown(value: Any) -> str:
    text = str(value) if isinstance(value, Decimal) else repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
