"""Built-in functions of integers, byte strings, texts, bits and control.

Arguments have been checked and paid for. Functions raise `BuiltinFailure` where they fail.
Source: `PlutusCore.Default.Builtins`, `PlutusCore.Bitwise`, `PlutusCore.Crypto.ExpMod`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from milestones.devnet.ledger.plutus.printing import number_text
from milestones.devnet.ledger.plutus.values import Cell

LONGEST_RESULT: Final = 8192
"""Bytes that `integerToByteString` and `replicateByte` give at most."""

LONGEST_WRITTEN: Final = 4096
"""Bytes that `writeBits` takes since protocol version 11."""

EXPONENT_BITS: Final = 8192
"""Signed bits that base and exponent of `expModInteger` must fit; its modulus is below 2^8191."""


class BuiltinFailure(Exception):
    """A built-in function failed after it was paid; `lines` are what it logs.

    `structural` is what nodes say instead where the types are to blame.
    """

    def __init__(self, *lines: str, structural: str = "") -> None:
        super().__init__(*lines)
        self.lines, self.structural = lines, structural


def divide_integer(x: int, y: int) -> int:
    """Rounds towards minus infinity."""
    if not y:
        raise BuiltinFailure("Cannot divide by zero")
    return x // y


def mod_integer(x: int, y: int) -> int:
    """What `divideInteger` leaves."""
    if not y:
        raise BuiltinFailure("Cannot divide by zero")
    return x % y


def quotient_integer(x: int, y: int) -> int:
    """Rounds towards zero."""
    if not y:
        raise BuiltinFailure("Cannot divide by zero")
    quotient = abs(x) // abs(y)
    return quotient if (x < 0) == (y < 0) else -quotient


def remainder_integer(x: int, y: int) -> int:
    """What `quotientInteger` leaves."""
    if not y:
        raise BuiltinFailure("Cannot divide by zero")
    rest = abs(x) % abs(y)
    return -rest if x < 0 else rest


def exp_mod_integer(base: int, exponent: int, modulus: int) -> int:
    """`base` to the power of `exponent`, which may be negative, modulo `modulus`."""
    most = 1 << (EXPONENT_BITS - 1)
    if modulus < 0:
        raise BuiltinFailure("expModInteger: negative modulus")
    if not 1 <= modulus < most:
        raise BuiltinFailure("expMod: invalid modulus")
    if modulus == 1:
        return 0
    if base or exponent >= 0:
        if not (-most <= base < most and -most <= exponent < most):
            raise BuiltinFailure("expMod: out of bounds")
        try:
            return pow(base, exponent, modulus)
        except ValueError:
            pass
    shown = number_text(base), number_text(modulus)
    raise BuiltinFailure(f"expMod: {shown[0]} is not invertible modulo {shown[1]}")


def cons_byte_string(x: int, rest: bytes) -> bytes:
    """The number modulo 256 comes first; V3's prices let no other pass."""
    return bytes((x & 255,)) + rest


def slice_byte_string(start: int, length: int, data: bytes) -> bytes:
    """Negative numbers count as 0; what is beyond the end is cut."""
    start, length = max(start, 0), max(length, 0)
    return data[start : start + length]


def index_byte_string(data: bytes, index: int) -> int:
    """The byte at an index."""
    if not 0 <= index < len(data):
        raise BuiltinFailure("Index out of bounds")
    return data[index]


def decode_utf8(data: bytes) -> str:
    """The text of bytes in UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise BuiltinFailure("decodeUtf8: invalid input") from None


def integer_to_byte_string(big_endian: bool, width: int, number: int) -> bytes:
    """`width` bytes, or as few as possible where it is 0."""
    name = "integerToByteString"
    if width < 0:
        raise BuiltinFailure(
            f"{name}: negative length argument", f"Length requested: {number_text(width)}"
        )
    if width > LONGEST_RESULT:
        raise BuiltinFailure(
            f"{name}: requested length is too long (maximum is {LONGEST_RESULT} bytes)",
            f"Length requested: {number_text(width)}",
        )
    if not width and number > 0 and number.bit_length() > 8 * LONGEST_RESULT:
        raise BuiltinFailure(
            f"{name}: input too long (maximum is 2^{8 * LONGEST_RESULT}-1)",
            f"Length required: {(number.bit_length() + 7) // 8}",
        )
    if number < 0:
        raise BuiltinFailure(
            f"{name}: cannot convert negative Integer", f"Input: {number_text(number)}"
        )
    needed = (number.bit_length() + 7) // 8
    if width and needed > width:
        raise BuiltinFailure(
            f"{name}: cannot represent Integer in given number of bytes",
            f"Input: {number_text(number)}",
            f"Bytes requested: {width}",
        )
    return number.to_bytes(width or needed, "big" if big_endian else "little")


def byte_string_to_integer(big_endian: bool, data: bytes) -> int:
    """The number that bytes write."""
    return int.from_bytes(data, "big" if big_endian else "little")


def _bitwise(
    combine: Callable[[int, int], int], neutral: int
) -> Callable[[bool, bytes, bytes], bytes]:
    """`pad` lengthens the shorter at its end with what changes nothing; else the longer is cut."""

    def function(pad: bool, x: bytes, y: bytes) -> bytes:
        if pad:
            length = max(len(x), len(y))
            filler = bytes((neutral,))
            x, y = x.ljust(length, filler), y.ljust(length, filler)
        else:
            length = min(len(x), len(y))
            x, y = x[:length], y[:length]
        return combine(int.from_bytes(x, "big"), int.from_bytes(y, "big")).to_bytes(length, "big")

    return function


def complement_byte_string(data: bytes) -> bytes:
    """Every bit the other way."""
    return (int.from_bytes(data, "big") ^ ((1 << 8 * len(data)) - 1)).to_bytes(len(data), "big")


def read_bit(data: bytes, index: int) -> bool:
    """Bit 0 is the lowest of the last byte."""
    if not 0 <= index < 8 * len(data):
        raise BuiltinFailure("readBit: index out of bounds", f"Index: {index}")
    return bool(data[len(data) - 1 - (index >> 3)] >> (index & 7) & 1)


def write_bits(data: bytes, indexes: Cell, bit: bool) -> bytes:
    """Sets the bits at all the indexes."""
    out, length = bytearray(data), len(data)
    for index in indexes:
        if not 0 <= index < 8 * length:
            raise BuiltinFailure("writeBits: index out of bounds", f"Index: {number_text(index)}")
        if bit:
            out[length - 1 - (index >> 3)] |= 1 << (index & 7)
        else:
            out[length - 1 - (index >> 3)] &= ~(1 << (index & 7)) & 255
    return bytes(out)


def write_bits_bounded(data: bytes, indexes: Cell, bit: bool) -> bytes:
    """As protocol version 11 has it."""
    if len(data) > LONGEST_WRITTEN:
        raise BuiltinFailure(
            f"writeBits: input too long (maximum is {LONGEST_WRITTEN} bytes)",
            f"Length: {len(data)}",
        )
    return write_bits(data, indexes, bit)


def replicate_byte(length: int, byte: int) -> bytes:
    """The same byte many times."""
    name = "replicateByte"
    if length < 0:
        raise BuiltinFailure(f"{name}: negative length requested")
    if length > LONGEST_RESULT:
        raise BuiltinFailure(
            f"{name}: requested length is too long (maximum is {LONGEST_RESULT} bytes)",
            f"Length requested: {number_text(length)}",
        )
    return bytes((byte,)) * length


def shift_byte_string(data: bytes, by: int) -> bytes:
    """To the left for positive numbers; zeros come in."""
    bits = 8 * len(data)
    if abs(by) >= bits:
        return bytes(len(data))
    number = int.from_bytes(data, "big")
    number = (number << by) & ((1 << bits) - 1) if by >= 0 else number >> -by
    return number.to_bytes(len(data), "big")


def rotate_byte_string(data: bytes, by: int) -> bytes:
    """To the left for positive numbers."""
    bits = 8 * len(data)
    if not bits:
        return data
    by %= bits
    number = int.from_bytes(data, "big")
    number = (number << by | number >> (bits - by)) & ((1 << bits) - 1)
    return number.to_bytes(len(data), "big")


def find_first_set_bit(data: bytes) -> int:
    """The index of the lowest bit that is set; -1 where none is."""
    number = int.from_bytes(data, "big")
    return (number & -number).bit_length() - 1


NUMBER_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "addInteger": int.__add__,
    "subtractInteger": int.__sub__,
    "multiplyInteger": int.__mul__,
    "divideInteger": divide_integer,
    "quotientInteger": quotient_integer,
    "remainderInteger": remainder_integer,
    "modInteger": mod_integer,
    "equalsInteger": int.__eq__,
    "lessThanInteger": int.__lt__,
    "lessThanEqualsInteger": int.__le__,
    "expModInteger": exp_mod_integer,
    "appendByteString": bytes.__add__,
    "consByteString": cons_byte_string,
    "sliceByteString": slice_byte_string,
    "lengthOfByteString": len,
    "indexByteString": index_byte_string,
    "equalsByteString": bytes.__eq__,
    "lessThanByteString": bytes.__lt__,
    "lessThanEqualsByteString": bytes.__le__,
    "appendString": str.__add__,
    "equalsString": str.__eq__,
    "encodeUtf8": str.encode,
    "decodeUtf8": decode_utf8,
    "ifThenElse": lambda condition, yes, no: yes if condition else no,
    "chooseUnit": lambda _, chosen: chosen,
    "trace": lambda _, chosen: chosen,
    "integerToByteString": integer_to_byte_string,
    "byteStringToInteger": byte_string_to_integer,
    "andByteString": _bitwise(int.__and__, 255),
    "orByteString": _bitwise(int.__or__, 0),
    "xorByteString": _bitwise(int.__xor__, 0),
    "complementByteString": complement_byte_string,
    "readBit": read_bit,
    "writeBits": write_bits_bounded,
    "replicateByte": replicate_byte,
    "shiftByteString": shift_byte_string,
    "rotateByteString": rotate_byte_string,
    "countSetBits": lambda data: bin(int.from_bytes(data, "big")).count("1"),
    "findFirstSetBit": find_first_set_bit,
}
"""By name, as protocol version 11 has them."""
