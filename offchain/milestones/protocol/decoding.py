"""Small strict readers that datums and redeemers share. All raise `InvalidEncoding`."""

from __future__ import annotations

from milestones.cardano.plutus_data import Constr, PlutusData
from milestones.errors import InvalidEncoding


def fields_of(data: PlutusData, index: int, count: int, what: str) -> tuple[PlutusData, ...]:
    """The fields of constructor `index`, which must be exactly `count`."""
    if isinstance(data, Constr) and data.index == index and len(data.fields) == count:
        return data.fields
    raise InvalidEncoding(f"not {what}: constructor {index} with {count} fields is expected")


def bytes_of(data: PlutusData, what: str, *lengths: int) -> bytes:
    """A byte string; of one of these lengths, where any are given."""
    if not isinstance(data, bytes):
        raise InvalidEncoding(f"{what} is not a byte string")
    if lengths and len(data) not in lengths:
        wanted = " or ".join(str(length) for length in lengths)
        raise InvalidEncoding(f"{what} has {len(data)} bytes, not {wanted}")
    return data


def text_of(data: PlutusData, what: str) -> str:
    """A byte string that is UTF-8."""
    try:
        return bytes_of(data, what).decode()
    except UnicodeDecodeError:
        raise InvalidEncoding(f"{what} is not UTF-8") from None


def int_of(data: PlutusData, what: str, low: int | None = None, high: int | None = None) -> int:
    """An integer; at least `low` and at most `high`, where given."""
    if not isinstance(data, int):
        raise InvalidEncoding(f"{what} is not an integer")
    if (low is not None and data < low) or (high is not None and data > high):
        raise InvalidEncoding(f"{what} is {data}, out of its bounds")
    return data


def list_of(data: PlutusData, what: str) -> tuple[PlutusData, ...]:
    """A list."""
    if not isinstance(data, tuple):
        raise InvalidEncoding(f"{what} is not a list")
    return data
