"""Plutus Data: sizes, equality, and its CBOR both ways. Nothing here recurses over what is nested.

Sources: `PlutusCore.Evaluation.Machine.ExMemoryUsage`; the Plutus Core specification, appendix on the
serialisation of Data.
"""

from __future__ import annotations

from typing import NoReturn

from milestones.cardano import cbor
from milestones.cardano.plutus_data import (
    CHUNK,
    GENERAL_TAG,
    encode_bytes,
    encode_constructor,
    encode_integer,
    index_of_tag,
)
from milestones.devnet.ledger.plutus.values import (
    CONSTR,
    DATA,
    EMPTY_DATA,
    EMPTY_PAIRS,
    LIST,
    MAP,
    NUMBER,
    PAIR_OF_DATA,
    STRING,
    Cell,
    Data,
    Pair,
    constructor,
)
from milestones.errors import InvalidEncoding


def data_size(data: Data, most: int | None = None) -> tuple[int, int]:
    """(size, nodes): 4 a node, and the sizes of integers and bytes.

    With `most`, the walk ends once the size is above it.
    """
    total = nodes = 0
    pending: list[Data] = [data]
    while pending:
        node = pending.pop()
        tag, value = node.tag, node.value
        total += 4
        nodes += 1
        if tag == NUMBER:
            total += (value.bit_length() + 63) >> 6 or 1
        elif tag == STRING:
            total += (len(value) + 7) >> 3 or 1
        else:
            cell = value.second if tag == CONSTR else value
            while cell.tail is not None:
                head = cell.head
                if tag == MAP:
                    pending += (head.first, head.second)
                else:
                    pending.append(head)
                cell = cell.tail
                if most is not None and total + 4 * len(pending) > most:
                    return most + 1, nodes
        if most is not None and total > most:
            return total, nodes
    return total, nodes


def smaller_data_size(one: Data, other: Data) -> int:
    """The smaller of two sizes, in time that grows with the smaller only."""
    most = 512
    while True:
        size, _ = data_size(one, most)
        if size <= most:
            return min(size, data_size(other, size)[0])
        size, _ = data_size(other, most)
        if size <= most:
            return size
        most *= 4


def data_equal(one: Data, other: Data) -> bool:  # noqa: C901 - one loop, no recursion
    """Whether two data are the same, whatever encoding they came in."""
    pending: list[tuple[Data, Data]] = [(one, other)]
    while pending:
        first, second = pending.pop()
        if first is second:
            continue
        tag = first.tag
        if tag != second.tag:
            return False
        left, right = first.value, second.value
        if tag >= NUMBER:
            if left != right:
                return False
            continue
        if tag == CONSTR:
            if left.first != right.first:
                return False
            left, right = left.second, right.second
        while left.tail is not None and right.tail is not None:
            if tag == MAP:
                pending.append((left.head.second, right.head.second))
                pending.append((left.head.first, right.head.first))
            else:
                pending.append((left.head, right.head))
            left, right = left.tail, right.tail
        if left.tail is not right.tail:
            return False
    return True


def encode_data(data: Data) -> bytes:
    """What `serialiseData` gives."""
    out: list[bytes] = []
    pending: list[Data | bytes] = [data]
    while pending:
        node = pending.pop()
        if isinstance(node, bytes):
            out.append(node)
        elif node.tag == NUMBER:
            out.append(encode_integer(node.value))
        elif node.tag == STRING:
            out.append(encode_bytes(node.value))
        elif node.tag == MAP:
            pairs = list(node.value)
            out.append(cbor.head(cbor.MAP, len(pairs)))
            for pair in reversed(pairs):
                pending += (pair.second, pair.first)
        else:
            items = node.value
            if node.tag == CONSTR:
                out.append(encode_constructor(items.first))
                items = items.second
            elements = list(items)
            out.append(b"\x9f" if elements else b"\x80")
            if elements:
                pending.append(b"\xff")
                pending += reversed(elements)
    return b"".join(out)


class _Group:
    """A list, map or constructor that is being read: `left` is how many items are to come.

    -1 where a break ends it; `outer_break` where another break follows that of the fields.
    """

    __slots__ = ("index", "items", "left", "outer_break", "tag")

    def __init__(self, tag: int, left: int, index: int = 0, outer_break: bool = False) -> None:
        self.tag, self.left, self.index, self.outer_break = tag, left, index, outer_break
        self.items: list[Data] = []

    def made(self, position: int) -> Data:
        items = self.items
        if self.tag != MAP:
            cell = EMPTY_DATA
            for item in reversed(items):
                cell = Cell(DATA, item, cell)
            return constructor(self.index, cell) if self.tag == CONSTR else Data(LIST, cell)
        if len(items) % 2:
            _refuse(position)
        cell = EMPTY_PAIRS
        for at in range(len(items) - 2, -1, -2):
            cell = Cell(PAIR_OF_DATA, Pair(PAIR_OF_DATA, items[at], items[at + 1]), cell)
        return Data(MAP, cell)


def decode_data(raw: bytes) -> Data:
    """Reads data in any of its legal encodings. Raises `InvalidEncoding`, also for what follows it."""
    try:
        data, end = _decode(raw)
    except IndexError:
        raise InvalidEncoding("Plutus Data ends too early") from None
    if end != len(raw):
        raise InvalidEncoding(f"bytes follow the Plutus Data at byte {end}")
    return data


def _decode(raw: bytes) -> tuple[Data, int]:  # noqa: C901, PLR0912, PLR0915 - one loop, no recursion
    position, end = 0, len(raw)
    groups: list[_Group] = []
    done: Data | None = None
    while True:
        byte = raw[position]
        if byte == 0xFF and groups and groups[-1].left < 0:
            position += 1
            groups[-1].left = 0
            done = None
        else:
            start = position
            major = byte >> 5
            if 0x40 <= byte < 0x58:
                position += byte - 0x3F
                done = Data(STRING, raw[start + 1 : position])
                if position > end:
                    raise IndexError
            elif byte < 0x18:
                position += 1
                done = Data(NUMBER, byte)
            elif byte == 0xD8 and 121 <= raw[position + 1] <= 127 and raw[position + 2] == 0x9F:
                groups.append(_Group(CONSTR, -1, raw[position + 1] - 121))
                position += 3
                continue
            elif byte in (0x9F, 0xBF):
                groups.append(_Group(LIST if byte == 0x9F else MAP, -1))
                position += 1
                continue
            elif major == cbor.BYTES:
                value, position = _read_bytes(raw, position)
                done = Data(STRING, value)
            else:
                argument, position = _read_argument(raw, position)
                if major == cbor.UINT:
                    done = Data(NUMBER, argument)
                elif major == cbor.NINT:
                    done = Data(NUMBER, -1 - argument)
                elif major in (cbor.ARRAY, cbor.MAP):
                    _check_count(raw, position, argument)
                    is_list = major == cbor.ARRAY
                    groups.append(_Group(LIST if is_list else MAP, argument << (not is_list)))
                    done = None
                elif major == cbor.TAG and argument in (2, 3):
                    digits, position = _read_bytes(raw, position)
                    number = int.from_bytes(digits, "big")
                    done = Data(NUMBER, number if argument == 2 else -1 - number)
                elif major == cbor.TAG:
                    group, position = _read_constructor(raw, position, argument, start)
                    groups.append(group)
                    done = None
                else:
                    _refuse(start)
        while True:
            if done is not None:
                if not groups:
                    return done, position
                group = groups[-1]
                group.items.append(done)
                group.left -= 1 if group.left > 0 else 0
            group = groups[-1]
            if group.left:
                break
            groups.pop()
            done = group.made(position)
            if group.outer_break:
                if raw[position] != 0xFF:
                    _refuse(position)
                position += 1


def _read_constructor(raw: bytes, position: int, tag: int, start: int) -> tuple[_Group, int]:
    outer_break = False
    index = index_of_tag(tag)
    if index is None:
        if tag != GENERAL_TAG or raw[position] not in (0x82, 0x9F):
            _refuse(start)
        outer_break = raw[position] == 0x9F
        if raw[position + 1] >> 5 != cbor.UINT:
            _refuse(position + 1)
        index, position = _read_argument(raw, position + 1)
    if raw[position] == 0x9F:
        return _Group(CONSTR, -1, index, outer_break), position + 1
    if raw[position] >> 5 != cbor.ARRAY:
        _refuse(position)
    count, position = _read_argument(raw, position)
    _check_count(raw, position, count)
    return _Group(CONSTR, count, index, outer_break), position


def _read_argument(raw: bytes, position: int) -> tuple[int, int]:
    """(a head's argument, where it ends)."""
    info = raw[position] & 31
    position += 1
    if info < 24:
        return info, position
    if info > 27:
        _refuse(position - 1)
    end = position + (1 << (info - 24))
    if end > len(raw):
        raise IndexError
    return int.from_bytes(raw[position:end], "big"), end


def _read_bytes(raw: bytes, position: int) -> tuple[bytes, int]:
    if raw[position] != 0x5F:
        return _read_piece(raw, position)
    position += 1
    pieces = []
    while raw[position] != 0xFF:
        piece, position = _read_piece(raw, position)
        pieces.append(piece)
    return b"".join(pieces), position + 1


def _read_piece(raw: bytes, position: int) -> tuple[bytes, int]:
    if raw[position] >> 5 != cbor.BYTES:
        _refuse(position)
    length, start = _read_argument(raw, position)
    if length > CHUNK:
        raise InvalidEncoding(f"over {CHUNK} bytes in one piece at byte {position}")
    if start + length > len(raw):
        raise IndexError
    return raw[start : start + length], start + length


def _check_count(raw: bytes, position: int, count: int) -> None:
    if count > len(raw) - position:
        raise IndexError


def _refuse(position: int) -> NoReturn:
    raise InvalidEncoding(f"byte {position} holds no Plutus Data")
