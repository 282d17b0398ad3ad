"""Opening a distribution: the terms and the vaults, funded, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping

from milestones.cardano import plutus_data
from milestones.cardano.address import Credential
from milestones.cardano.value import LOVELACE, Value
from milestones.protocol import redeemers
from milestones.protocol.distribution import Distribution
from milestones.protocol.vault import VaultState
from milestones.transactions.draft import DraftOutput, Mint, TransactionDraft
from milestones.transactions.published_scripts import PublishedScripts


def open_draft(
    distribution: Distribution,
    *,
    scripts: PublishedScripts,
    metadata: Mapping[int, bytes] | None = None,
) -> TransactionDraft:
    """Output 0 is the terms, outputs 1 to n the vaults in page order.

    `metadata` is the published schedule, CBOR by label. A creator that is a script must be spent from
    in the same transaction: the caller adds that input.
    """
    vaults = distribution.fresh_vaults()
    minted = {
        distribution.terms_token.asset_name: 1,
        distribution.vault_token.asset_name: len(vaults),
    }
    redeemer = plutus_data.encode(redeemers.Open().to_data())
    reference_inputs, witnesses = scripts.sources(registry=True)
    return TransactionDraft(
        mints=(Mint(distribution.contract.policy_id, minted, redeemer),),
        outputs=(_terms(distribution), *(_vault(distribution, vault) for vault in vaults)),
        reference_inputs=reference_inputs,
        scripts=witnesses,
        required_signers=creator_signers(distribution.terms.creator),
        metadata=metadata or {},
    )


def creator_signers(creator: Credential) -> tuple[bytes, ...]:
    """The signature that a creator's consent takes; none from a script."""
    return (creator.hash,) if creator.kind == "key" else ()


def _terms(distribution: Distribution) -> DraftOutput:
    return DraftOutput(
        address=distribution.address,
        value=Value.of(distribution.terms_token, 1),
        inline_datum=distribution.terms.encode(),
    )


def _vault(distribution: Distribution, vault: VaultState) -> DraftOutput:
    funds = Value.of(distribution.token, vault.remaining)
    return DraftOutput(
        address=distribution.address,
        value=funds + Value.of(distribution.vault_token, 1),
        # Lovelace to be paid out is no deposit: the deposit must still be there when all is paid.
        min_ada="add" if distribution.token == LOVELACE else "raise",
        inline_datum=vault.encode(),
    )
