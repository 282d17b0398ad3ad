"""What a network says, as the embedded chain has it: its calendar, its addresses, its outputs."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

from milestones.cardano import base58, bech32, cbor, encoding
from milestones.cardano.outputs import TransactionOutput
from milestones.devnet.clock import BYRON_EPOCH_SLOTS, BYRON_SLOT_MS, SLOT_MS, Bound
from milestones.devnet.funds import fields
from milestones.errors import InvalidConfiguration

ERAS: Final = 7
"""Byron to Conway."""


def calendar_of(eras: Any) -> tuple[int, int, tuple[Bound, ...]]:
    """Byron's epochs, an epoch's slots, and where the eras after Shelley began, out of Ogmios' era summaries.

    Raises `InvalidConfiguration` where no embedded chain can have it so, `ValueError` for what is no answer.
    """
    if len(eras) != ERAS:
        raise not_like_this("fork_ogmios", f"it has {len(eras)} eras, and this chain {ERAS}")
    starts = [
        Bound(
            round(era["start"]["time"]["seconds"] * 1000),
            int(era["start"]["slot"]),
            int(era["start"]["epoch"]),
        )
        for era in eras
    ]
    shelley, *later = starts[1:]
    epochs = {era["parameters"]["epochLength"] for era in eras[1:]}
    lengths = {era["parameters"]["slotLength"]["milliseconds"] for era in eras[1:]}
    slots = shelley.epoch * BYRON_EPOCH_SLOTS
    byron = Bound(slots * BYRON_SLOT_MS, slots, shelley.epoch)
    if shelley != byron or len(epochs) != 1 or lengths != {SLOT_MS}:
        reason = "its slots since Shelley are no second long, or its Byron era was another one's"
        raise not_like_this("fork_ogmios", reason)
    if any(one.slot > other.slot for one, other in pairwise(starts)):
        raise ValueError("the eras are in no order")
    return shelley.epoch, int(epochs.pop()), tuple(later)


def not_like_this(path: str, reason: str) -> InvalidConfiguration:
    """The error for a network that a chain can't be forked from."""
    return InvalidConfiguration(
        f"a chain can't be forked from this network: {reason}",
        path=path,
        hint="mainnet, preprod, preview, and embedded chains can be forked",
    )


def _address_bytes(text: str) -> bytes:
    return bech32.decode(text)[1] if text.startswith("addr") else base58.decode(text)


def address_text(raw: bytes) -> str:
    """An address as Ogmios takes it: Bech32, or Base58 of Byron's."""
    if raw[0] >> 4 == 8:
        return base58.encode(raw)
    return bech32.encode("addr" if raw[0] & 15 == 1 else "addr_test", raw)


def encoded_output(output: TransactionOutput) -> bytes:
    """An output in the map form; the bytes that the network has are in no index."""
    entries = {
        0: cbor.encode_bytes(_address_bytes(output.address)),
        1: encoding.value(output.value),
    }
    if output.inline_datum is not None:
        datum = encoding.embedded(output.inline_datum)
        entries[2] = encoding.array((encoding.integer(1), datum))
    elif output.datum_hash is not None:
        digest = cbor.encode_bytes(output.datum_hash)
        entries[2] = encoding.array((encoding.integer(0), digest))
    if output.script is not None:
        entries[3] = encoding.reference_script(output.script)
    return fields(entries)
