"""The rule of auxiliary data: it must be what the body's hash says, and valid in itself.

Metadata comes in pieces of at most 64 bytes, Plutus scripts are well-formed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from milestones.cardano import cbor
from milestones.cardano.cbor import Item
from milestones.cardano.hashes import blake2b_256
from milestones.devnet.ledger import failures
from milestones.devnet.ledger.auxiliary_form import decode_metadata, decode_plutus_scripts, leaves
from milestones.devnet.ledger.case import Case
from milestones.devnet.ledger.failures import LedgerFailure
from milestones.devnet.ledger.plutus_core import verdict

LONGEST_METADATUM: Final = 64
"""Bytes of a byte string, or of a text in UTF-8, in metadata. Source: CDDL `metadatum`."""


def check_auxiliary_data(case: Case) -> Iterator[LedgerFailure]:
    """Ledger rule: `validateMetadata`."""
    provided, raw = case.body.auxiliary_data_hash, case.transaction.auxiliary_data
    if raw is None:
        if provided is not None:
            yield failures.missing_metadata(provided)
        return
    computed = blake2b_256(raw)
    if provided is None:
        yield failures.missing_metadata_hash(computed)
    elif provided != computed:
        yield failures.metadata_hash_mismatch(provided, computed)
    if any(map(_too_long, _all_leaves(raw))) or _has_malformed_script(case, raw):
        yield failures.invalid_metadata()


def _has_malformed_script(case: Case, raw: bytes) -> bool:
    """Ledger: not `validateAlonzoTxAuxData`."""
    version = case.parameters.protocol_version[0]
    return any(verdict(script, version).malformed for script in decode_plutus_scripts(raw))


def _all_leaves(raw: bytes) -> Iterator[Item]:
    for value in decode_metadata(raw).values():
        yield from leaves(value)


def _too_long(item: Item) -> bool:
    """Ledger: not `validMetadatum`."""
    if item.kind == cbor.TEXT:
        return len(item.text().encode()) > LONGEST_METADATUM
    return item.kind == cbor.BYTES and len(item.bytes()) > LONGEST_METADATUM
