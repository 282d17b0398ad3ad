"""What the ledger asks an output to hold (min-ADA). Exact, in whole lovelace.

Source: Babbage's `getMinCoinTxOut`: (160 + size of the output in bytes) x lovelace per byte.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

OUTPUT_OVERHEAD_BYTES: Final = 160
"""What an entry of the UTxO set costs beside the output itself."""


def output_price_lovelace(size_bytes: int, lovelace_per_utxo_byte: int) -> int:
    """What an output of this size must at least hold."""
    return (OUTPUT_OVERHEAD_BYTES + size_bytes) * lovelace_per_utxo_byte


def min_lovelace(
    encoded: Callable[[int], bytes], lovelace_per_utxo_byte: int, *, held_lovelace: int = 0
) -> int:
    """The least lovelace that, put on top of `held_lovelace`, pays for the output it makes.

    `encoded` gives the output's bytes for an amount of lovelace. The amount's own bytes count: it grows
    until it pays for them.
    """
    least = 0
    while True:
        needed = output_price_lovelace(len(encoded(held_lovelace + least)), lovelace_per_utxo_byte)
        if needed <= least:
            return least
        least = needed
