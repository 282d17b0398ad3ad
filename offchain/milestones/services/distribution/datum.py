"""The contract's datums in words: what people and programs read where the chain has CBOR."""

from __future__ import annotations

from typing import Literal

from milestones.cardano.address import Credential
from milestones.domain.models import Canceller
from milestones.domain.reading import AddressField, HexField
from milestones.protocol.terms import Terms
from milestones.services.results import View


class CredentialView(View):
    """A credential, of payment or of stake."""

    type: Literal["key", "script"]
    hash: HexField


class TermsMetadataView(View):
    """What terms say about themselves."""

    created_at_posix_ms: int
    network_magic: int
    contract_version: str
    description: str


class RefundView(View):
    """Where money returns; `datum` (CBOR) or `datum_hash` (32 bytes) where it carries one."""

    address: AddressField
    datum: HexField | None
    datum_hash: HexField | None


class TermsView(View):
    """The terms' datum, field by field. `reclaim_after_posix_ms` is None where it is irrevocable.

    What was not asked for is off: 0, None, or nobody. Periods and bond are as they stand there; the
    chain counts less than seven days of grace, or a day of review, for just that.
    """

    token_policy_id: HexField
    token_name: HexField
    total_token_amount: int
    page_depth: int
    pages: tuple[HexField, ...]
    oracles: tuple[HexField, ...]
    quorum_threshold: int
    creator: CredentialView
    reclaim_after_posix_ms: int | None
    allowance_lovelace: int
    rotatable: str | None
    waiver_after_posix_ms: int | None
    staking: CredentialView | None
    refund: RefundView
    cancel_by: tuple[Canceller, ...]
    cancel_grace_ms: int
    objectors: int
    review_period_ms: int
    bond_lovelace: int
    metadata: TermsMetadataView


def credential_view(credential: Credential) -> CredentialView:
    """A credential in words."""
    return CredentialView(type=credential.kind, hash=credential.hash)


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
        creator=credential_view(terms.creator),
        reclaim_after_posix_ms=terms.reclaim_after_posix_ms,
        allowance_lovelace=terms.allowance_lovelace,
        rotatable=None if terms.rotatable is None else str(terms.rotatable),
        waiver_after_posix_ms=terms.waiver_after_posix_ms,
        staking=None if terms.staking is None else credential_view(terms.staking),
        refund=RefundView(
            address=terms.refund.address,
            datum=terms.refund.datum.inline,
            datum_hash=terms.refund.datum.hash,
        ),
        cancel_by=tuple(sorted(terms.cancel_by)),
        cancel_grace_ms=terms.cancel_grace_ms,
        objectors=terms.objectors,
        review_period_ms=terms.review_period_ms,
        bond_lovelace=terms.bond_lovelace,
        metadata=TermsMetadataView(
            created_at_posix_ms=metadata.created_at_posix_ms,
            network_magic=metadata.network_magic,
            contract_version=metadata.contract_version,
            description=metadata.description,
        ),
    )
