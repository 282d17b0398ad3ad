"""Releasing: one vault pays one or many of its allocations, each to its beneficiary.

Anybody may pay for it. The contract wants the vault in output 0 and the payouts, in the claims' order,
right behind; an attestation that is minted in the same transaction follows them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from milestones.cardano import plutus_data
from milestones.cardano.outputs import Utxo
from milestones.cardano.value import LOVELACE, Value
from milestones.errors import InvalidInput
from milestones.protocol.distribution import Distribution
from milestones.protocol.redeemers import MINTED_HERE, Claim, Release
from milestones.protocol.vault import VaultState
from milestones.transactions.attest import Attesting
from milestones.transactions.draft import (
    DraftOutput,
    Layout,
    Mint,
    Redeemer,
    Spend,
    TransactionDraft,
)
from milestones.transactions.published_scripts import PublishedScripts


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseSources:
    """What a release spends and references.

    `vault` is the page's UTxO, `terms` the terms'; `attestations` by milestone identifier. Milestones
    that `attesting` declares complete need none.
    """

    vault: Utxo
    terms: Utxo
    scripts: PublishedScripts
    attestations: Mapping[str, Utxo] = field(default_factory=dict)
    attesting: Attesting | None = None


def release_draft(
    distribution: Distribution,
    indices: Iterable[int],
    sources: ReleaseSources,
    *,
    valid_from_slot: int | None,
    valid_until_slot: int | None = None,
) -> TransactionDraft:
    """Pays the allocations `indices`, all of the vault's page.

    `valid_from_slot` must start at or after every vesting time. Raises `NotFound` for an index that
    isn't there, `InvalidInput` for one that is claimed already or a vault without datum.
    """
    wanted = sorted(set(indices))
    attesting, contract = sources.attesting, distribution.contract
    references, witnesses = sources.scripts.sources(vault=True, registry=attesting is not None)
    outputs = [_vault_after(distribution, wanted, sources.vault)]
    outputs += [_payout(distribution, index) for index in wanted]
    mints: tuple[Mint, ...] = ()
    if attesting is not None:
        mints = (attesting.mint(contract.policy_id, terms=sources.terms, output=len(outputs)),)
        outputs.append(attesting.output(contract.policy_id, distribution.address))
    return TransactionDraft(
        spends=(Spend(sources.vault, _redeemer(distribution, wanted, sources)),),
        mints=mints,
        outputs=tuple(outputs),
        reference_inputs=(sources.terms, *_evidence(distribution, wanted, sources), *references),
        scripts=witnesses,
        valid_from_slot=valid_from_slot,
        valid_until_slot=valid_until_slot,
    )


def _vault_after(distribution: Distribution, indices: list[int], vault: Utxo) -> DraftOutput:
    if vault.output.inline_datum is None:
        raise InvalidInput(f"the output {vault.reference} has no inline datum: it is no vault")
    paid = sum(distribution.allocations[index].token_amount for index in indices)
    leaves = [distribution.place(index)[1] for index in indices]
    state = VaultState.decode(vault.output.inline_datum).after(leaves, paid)
    return DraftOutput(
        address=distribution.address,
        value=vault.output.value - Value.of(distribution.token, paid),
        inline_datum=state.encode(),
    )


def _payout(distribution: Distribution, index: int) -> DraftOutput:
    distribution.place(index)
    allocation = distribution.allocations[index]
    return DraftOutput(
        address=allocation.beneficiary_address,
        value=Value.of(distribution.token, allocation.token_amount),
        # The contract wants exactly the amount, and lovelace would be part of it.
        min_ada="ignore" if distribution.token == LOVELACE else "raise",
    )


def _evidence(
    distribution: Distribution, indices: list[int], sources: ReleaseSources
) -> tuple[Utxo, ...]:
    names = {distribution.allocations[index].milestone_identifier for index in indices}
    utxos = (sources.attestations[name] for name in sorted(names) if name in sources.attestations)
    return tuple(utxos)


def _redeemer(distribution: Distribution, indices: list[int], sources: ReleaseSources) -> Redeemer:
    proof = distribution.proof(indices)

    def redeemer(layout: Layout) -> bytes:
        claims = [_claim(distribution, index, sources, layout) for index in indices]
        terms = layout.reference_input_index(sources.terms.reference)
        return plutus_data.encode(Release(terms, tuple(claims), proof).to_data())

    return redeemer


def _claim(
    distribution: Distribution, index: int, sources: ReleaseSources, layout: Layout
) -> Claim:
    allocation = distribution.allocations[index]
    utxo = sources.attestations.get(allocation.milestone_identifier)
    return Claim(
        leaf=distribution.place(index)[1],
        milestone=allocation.milestone,
        vesting_posix_ms=allocation.vesting_posix_ms,
        attestation=MINTED_HERE if utxo is None else layout.reference_input_index(utxo.reference),
    )
