"""How single values stand in JSON: addresses as Bech32, bytes as hexadecimal, integers as integers.

Nothing is converted silently: `"1000"`, `1000.0` and `true` are no integers here.
"""

from __future__ import annotations

import binascii
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from milestones.cardano.address import Address
from milestones.errors import InvalidAddress


def _address(value: Any) -> Address:
    if isinstance(value, Address):
        return value
    if not isinstance(value, str):
        raise _refusal(f"an address is text, not {type(value).__name__}")
    try:
        return Address.from_bech32(value)
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
        raise _refusal(
            f"{value[:24]!r} is not hexadecimal", "write two of 0-9 and a-f for each byte"
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
