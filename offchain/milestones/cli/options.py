"""Options that several commands share, and how their texts are read."""

from __future__ import annotations

import binascii
import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Final

import typer

from milestones.cardano.address import Address
from milestones.errors import InvalidAddress, InvalidEncoding, InvalidInput

SigningKeyPath = Annotated[
    Path | None,
    typer.Option(
        "--signing-key-path",
        help="Payment key (.skey) that pays and signs; else the configured one.",
        show_default=False,
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Build, check and show everything, and submit nothing.")
]
Wait = Annotated[bool, typer.Option("--wait", help="Return once a block has it.")]
ContractAddress = Annotated[
    str, typer.Option("--contract-address", help="The distribution's address.", show_default=False)
]
_ISO: Final = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?)?")


def address(text: str, option: str) -> Address:
    """An address that was given on the command line. Raises `InvalidAddress` that names the option."""
    try:
        return Address.from_bech32(text.strip())
    except InvalidAddress as error:
        raise InvalidAddress(error.reason, path=option, hint=error.hint) from None


def hexadecimal(text: str, option: str) -> bytes:
    """Bytes that were given in hexadecimal. Raises `InvalidEncoding` that names the option."""
    try:
        return binascii.unhexlify(text.strip())
    except ValueError:
        raise InvalidEncoding(
            f"{text[:40]!r} is not hexadecimal",
            path=option,
            hint="write two of 0-9 and a-f for each byte",
        ) from None


def asset_name(text: str, option: str) -> str:
    """A token's name in hexadecimal, out of text or of `0x` and hexadecimal. Raises `InvalidInput`."""
    if not text.startswith("0x"):
        return text.encode().hex()
    try:
        return bytes.fromhex(text[2:]).hex()
    except ValueError:
        raise InvalidInput(
            f"{text[:80]!r} is not hexadecimal after 0x",
            path=option,
            hint="write the name as text, or 0x and two hexadecimal digits a byte",
        ) from None


def moment(text: str, option: str) -> int:
    """POSIX seconds out of a number of seconds, or an ISO 8601 time; without an offset it is UTC."""
    if re.fullmatch(r"-?\d{1,18}", text):
        return int(text)
    try:
        if _ISO.fullmatch(text) is None:
            raise ValueError
        when = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise InvalidInput(
            f"{text[:40]!r} is not a time",
            path=option,
            hint="write POSIX seconds, or a UTC time such as 2027-06-30T12:00:00Z",
        ) from None
    if when.tzinfo is None:
        when = when.replace(tzinfo=timezone.utc)
    return int(when.timestamp())
