"""Whether CBOR is Plutus Data, without building it: the rules need only its bytes.

Source: Conway CDDL, `plutus_data` and `bounded_bytes`.
"""

from __future__ import annotations

from milestones.cardano import cbor
from milestones.cardano.cbor import Item
from milestones.cardano.plutus_data import CHUNK, constructor_parts
from milestones.errors import InvalidEncoding


def check_plutus_data(item: Item) -> None:
    """Raises `InvalidEncoding` unless `item` is Plutus Data."""
    # A list, not recursion: data nests as deep as the reader allows.
    pending = [item]
    while pending:
        current = pending.pop()
        if current.kind in (cbor.ARRAY, cbor.MAP):
            pending += current.members()
        elif current.kind == cbor.TAG:
            pending += _tagged(current)
        elif current.kind == cbor.BYTES:
            _check_bounded(current)
        elif current.kind not in (cbor.UINT, cbor.NINT):
            raise InvalidEncoding(f"byte {current.start} holds no Plutus Data")


def _tagged(item: Item) -> tuple[Item, ...]:
    if item.tag in (2, 3):
        inner: Item = item.value
        inner.bytes()
        return (inner,)
    return constructor_parts(item)[1]


def _check_bounded(item: Item) -> None:
    if len(item.bytes()) <= CHUNK:
        return
    position = item.start + 1
    while item.indefinite and position < item.end - 1:
        chunk = cbor.read_first(item.source, position)
        if len(chunk.bytes()) > CHUNK:
            break
        position = chunk.end
    else:
        if item.indefinite:
            return
    raise InvalidEncoding(f"over {CHUNK} bytes in one piece at byte {item.start}")
