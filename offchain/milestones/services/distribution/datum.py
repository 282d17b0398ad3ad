"""The contract's datums in words: what people and programs read where the chain has CBOR."""

from __future__ import annotations

from typing import Literal

from milestones.domain.reading import HexField
from milestones.protocol.terms import Terms
from milestones.services.results import View


class CredentialView(View):
    """A payment credential."""

    type: Literal["key", "script"]
    hash: HexField


class TermsMetadataView(View):
    """What terms say about themselves."""

    created_at_posix_ms: int
    network_magic: int
    contract_version: str
    description: str


class TermsView(View):
    """The terms' datum, field by field. `reclaim_after_posix_ms` is None where it is irrevocable."""

    token_policy_id: HexField
    token_name: HexField
    total_token_amount: int
    page_depth: int
    pages: tuple[HexField, ...]
    oracles: tuple[HexField, ...]
    quorum_threshold: int
    creator: CredentialView
    reclaim_after_posix_ms: int | None
    metadata: TermsMetadataView


def terms_view(terms: Terms) -> TermsView:
    """The terms' datum in words."""
    metadata = terms.metadata
    return TermsView(
        token_policy_id=terms.token.policy_id,
        token_name=terms.token.asset_name,
        total_token_amount=terms.total_token_amount,
        page_depth=terms.page_depth,
        pages=terms.pages,
        oracles=terms.oracles,
        quorum_threshold=terms.quorum_threshold,
        creator=CredentialView(type=terms.creator.kind, hash=terms.creator.hash),
        reclaim_after_posix_ms=terms.reclaim_after_posix_ms,
        metadata=TermsMetadataView(
            created_at_posix_ms=metadata.created_at_posix_ms,
            network_magic=metadata.network_magic,
            contract_version=metadata.contract_version,
            description=metadata.description,
        ),
    )
