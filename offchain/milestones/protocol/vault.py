"""A vault's datum: which page it pays, how much is left, and which allocations it has paid.

Layout: `vault` in docs/validators/protocol.cddl. Bits as CIP-122 reads them: bit 0 is the lowest bit
of the last byte.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from milestones.cardano import plutus_data
from milestones.cardano.plutus_data import Constr, PlutusData
from milestones.domain.merkle import SUM_LIMIT
from milestones.errors import InvalidInput
from milestones.protocol.decoding import bytes_of, fields_of, int_of


@dataclass(frozen=True, slots=True)
class VaultState:
    """The state of one page. `claimed` is a bitmap with one bit a leaf, at least a byte."""

    distribution_id: bytes
    page: int
    remaining: int
    claimed: bytes

    @classmethod
    def fresh(cls, distribution_id: bytes, page: int, amount: int, page_depth: int) -> VaultState:
        """A vault at opening: everything there, nothing claimed."""
        return cls(distribution_id, page, amount, bytes(bitmap_length(page_depth)))

    def is_claimed(self, leaf: int) -> bool:
        """Whether this leaf of the page (from 0) was paid."""
        return bool(self.claimed[-1 - leaf // 8] >> leaf % 8 & 1)

    def claimed_leaves(self) -> frozenset[int]:
        """All leaves that were paid."""
        bits = int.from_bytes(self.claimed, "big")
        return frozenset(leaf for leaf in range(bits.bit_length()) if bits >> leaf & 1)

    def after(self, leaves: Iterable[int], amount: int) -> VaultState:
        """The state after paying `amount` for these leaves. Raises `InvalidInput` for one paid before."""
        bitmap = bytearray(self.claimed)
        for leaf in leaves:
            if bitmap[-1 - leaf // 8] >> leaf % 8 & 1:
                raise InvalidInput(f"leaf {leaf} of page {self.page} is claimed already")
            bitmap[-1 - leaf // 8] |= 1 << leaf % 8
        return VaultState(self.distribution_id, self.page, self.remaining - amount, bytes(bitmap))

    def encode(self) -> bytes:
        """The datum's bytes."""
        return plutus_data.encode(self.to_data())

    def to_data(self) -> Constr:
        """The datum."""
        return Constr(0, (self.distribution_id, self.page, self.remaining, self.claimed))

    @classmethod
    def decode(cls, raw: bytes) -> VaultState:
        """The state in a datum's bytes. Raises `InvalidEncoding`."""
        return cls.from_data(plutus_data.decode(raw))

    @classmethod
    def from_data(cls, data: PlutusData) -> VaultState:
        """The inverse of `to_data`; refuses every other shape."""
        distribution_id, page, remaining, claimed = fields_of(data, 0, 4, "a vault's datum")
        return cls(
            bytes_of(distribution_id, "distribution_id", 28),
            int_of(page, "page", 0),
            int_of(remaining, "remaining", 0, SUM_LIMIT - 1),
            bytes_of(claimed, "claimed"),
        )


def bitmap_length(page_depth: int) -> int:
    """Bytes of the bitmap of a page: one bit a leaf, at least a byte."""
    return max(1, (1 << page_depth) // 8)
