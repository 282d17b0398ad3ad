"""How much lovelace the contract's outputs must hold (min-ADA), computed without a chain at hand.

Source: the ledger's `minUTxO` (Babbage): (160 + size of the output in bytes) x lovelace per byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from milestones.cardano import cbor, encoding
from milestones.cardano.address import Address
from milestones.cardano.value import AssetId, Value
from milestones.protocol.datums import Attestation
from milestones.protocol.distribution import Distribution

OVERHEAD_BYTES: Final = 160
"""What an entry of the UTxO set costs beside the output itself."""
USUAL_EVIDENCE: Final = bytes(32)
LARGEST_MOMENT_POSIX_MS: Final = 1 << 40


@dataclass(frozen=True, slots=True)
class Deposits:
    """Lovelace that stays locked until the distribution is closed. `vaults_lovelace` is one a page."""

    terms_lovelace: int
    vaults_lovelace: tuple[int, ...]
    attestations_lovelace: Mapping[str, int]

    @property
    def opening_lovelace(self) -> int:
        """What opening needs: terms and vaults."""
        return self.terms_lovelace + sum(self.vaults_lovelace)


def min_lovelace(
    address: Address,
    value: Value,
    lovelace_per_utxo_byte: int,
    datum: bytes | None = None,
) -> int:
    """The least lovelace an output with these tokens (and inline datum) may hold.

    The output's own lovelace counts in its size; `value.lovelace` is taken where it is larger than the
    minimum.
    """
    lovelace = value.lovelace
    while True:
        size = len(encoding.output(address, Value(lovelace, value.assets), inline_datum=datum))
        needed = (OVERHEAD_BYTES + size) * lovelace_per_utxo_byte
        if needed <= lovelace or len(cbor.head(0, needed)) == len(cbor.head(0, lovelace)):
            return needed
        lovelace = needed


def payout_min_lovelace(
    address: Address, token: AssetId, amount: int, lovelace_per_utxo_byte: int
) -> int:
    """The least lovelace beside the tokens of a payout; for ADA, the least payout there can be."""
    return min_lovelace(address, Value.of(token, amount), lovelace_per_utxo_byte)


def estimated_deposits(distribution: Distribution, lovelace_per_utxo_byte: int) -> Deposits:
    """The deposits of a distribution: its terms, its vaults, and an attestation of each milestone.

    An attestation is taken with 32 bytes of evidence and as many signers as the quorum. A vault of an
    ADA distribution needs this on top of its page's sum.
    """
    return Deposits(
        _terms_deposit(distribution, lovelace_per_utxo_byte),
        tuple(_vault_deposits(distribution, lovelace_per_utxo_byte)),
        {
            milestone: attestation_deposit(distribution, milestone, lovelace_per_utxo_byte)
            for milestone in dict.fromkeys(
                allocation.milestone_identifier for allocation in distribution.allocations.values()
            )
        },
    )


def _terms_deposit(distribution: Distribution, lovelace_per_utxo_byte: int) -> int:
    value = Value.of(distribution.terms_token, 1)
    datum = distribution.terms.encode()
    return min_lovelace(distribution.address, value, lovelace_per_utxo_byte, datum)


def _vault_deposits(distribution: Distribution, lovelace_per_utxo_byte: int) -> list[int]:
    deposits = []
    for vault in distribution.fresh_vaults():
        value = Value.of(distribution.vault_token, 1) + Value.of(
            distribution.token, vault.remaining
        )
        needed = min_lovelace(distribution.address, value, lovelace_per_utxo_byte, vault.encode())
        deposits.append(needed)
    return deposits


def attestation_deposit(
    distribution: Distribution, milestone_identifier: str, lovelace_per_utxo_byte: int
) -> int:
    """The deposit of an attestation of this milestone, signed by as many oracles as the quorum."""
    terms = distribution.terms
    datum = Attestation(
        distribution.id,
        milestone_identifier.encode(),
        USUAL_EVIDENCE,
        LARGEST_MOMENT_POSIX_MS,
        terms.oracles[: terms.quorum_threshold],
    ).encode()
    value = Value.of(distribution.attestation_token(milestone_identifier), 1)
    return min_lovelace(distribution.address, value, lovelace_per_utxo_byte, datum)
