"""The names of the contract's tokens: a label of 4 letters and a hash of 28 bytes."""

from __future__ import annotations

from typing import Final

from milestones.cardano.hashes import blake2b_224

TERMS_LABEL: Final = b"TERM"
VAULT_LABEL: Final = b"VALT"
ATTESTATION_LABEL: Final = b"ATST"


def terms_token_name(distribution_id: bytes) -> bytes:
    """The token of a distribution's terms, 32 bytes."""
    return TERMS_LABEL + distribution_id


def vault_token_name(distribution_id: bytes) -> bytes:
    """The token of each of a distribution's vaults, 32 bytes."""
    return VAULT_LABEL + distribution_id


def attestation_token_name(distribution_id: bytes, milestone: bytes) -> bytes:
    """The token of an attestation of this milestone (UTF-8) of this distribution, 32 bytes."""
    return ATTESTATION_LABEL + blake2b_224(distribution_id + milestone)
