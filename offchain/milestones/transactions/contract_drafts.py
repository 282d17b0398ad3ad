"""The drafts of the contract's transactions: publish scripts, open, attest, release.

What `board` does is in `board_drafts`, how a distribution ends in `closing_drafts`.

A draft says what a transaction shall do; `tx_builder` makes it one that the ledger accepts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from milestones.cardano.address import Address, Credential, script_credential
from milestones.cardano.hashes import blake2b_224
from milestones.cardano.outputs import Script, Utxo
from milestones.cardano.value import LOVELACE, AssetId, Value
from milestones.domain.models import Allocation
from milestones.errors import InvalidInput
from milestones.protocol import redeemers
from milestones.protocol.datums import (
    Attestation,
    Board,
    Notice,
    Proposal,
    VaultState,
    attestation_token_name,
)
from milestones.protocol.deposits import vault_funding
from milestones.protocol.distribution import Distribution
from milestones.protocol.redeemers import MINTED_HERE, NOWHERE, Claim, OracleWitness, Release
from milestones.protocol.statements import MilestoneStatement
from milestones.protocol.terms import Terms
from milestones.protocol.validator_loader import Contract
from milestones.transactions.draft import (
    DraftOutput,
    Layout,
    Mint,
    Redeemer,
    Spend,
    TransactionDraft,
)


@dataclass(frozen=True, slots=True)
class PublishedScripts:
    """The contract, and the outputs that carry its scripts; None where the transaction must carry it."""

    contract: Contract
    vault: Utxo | None = None
    registry: Utxo | None = None
    board: Utxo | None = None

    def sources(
        self, *, vault: bool = False, registry: bool = False, board: bool = False
    ) -> tuple[tuple[Utxo, ...], tuple[Script, ...]]:
        """(reference inputs, witness scripts) of a transaction that runs these scripts."""
        wanted = [(self.vault, self.contract.vault_script)] if vault else []
        wanted += [(self.registry, self.contract.registry_script)] if registry else []
        wanted += [(self.board, self.contract.board_script)] if board else []
        published = tuple(utxo for utxo, _ in wanted if utxo is not None)
        return published, tuple(script for utxo, script in wanted if utxo is None)


def publication_address(contract: Contract, network_id: int) -> Address:
    """Where every client looks for the reference scripts: the bare address of the vault's script.

    Nothing there can ever be spent, because the vault asks for a datum.
    """
    return Address(network_id, script_credential(contract.vault_hash))


def publish_draft(
    contract: Contract, *, network_id: int, scripts: Iterable[Script] | None = None
) -> TransactionDraft:
    """Publishes the scripts, once per network, for everybody's use.

    One output of lovelace only for each script; by default all of them.
    """
    wanted = contract.scripts if scripts is None else scripts
    address = publication_address(contract, network_id)
    return TransactionDraft(
        outputs=tuple(DraftOutput(address=address, script=script) for script in wanted)
    )


def open_draft(
    distribution: Distribution,
    *,
    scripts: PublishedScripts,
    metadata: Mapping[int, bytes] | None = None,
) -> TransactionDraft:
    """Opens a distribution: output 0 is the terms, outputs 1 to n the vaults in page order, funded.

    `metadata` is the announced schedule, CBOR by label. A creator that is a script must be spent from
    in the same transaction: the caller adds that input.
    """
    vaults = distribution.fresh_vaults()
    minted = {
        distribution.terms_token.asset_name: 1,
        distribution.vault_token.asset_name: len(vaults),
    }
    board = distribution.first_board
    redeemer = redeemers.encoded(redeemers.Open())
    reference_inputs, witnesses = scripts.sources(registry=True, board=board is not None)
    outputs = [_terms(distribution), *(_vault(distribution, vault) for vault in vaults)]
    mints = [Mint(distribution.contract.policy_id, minted, redeemer)]
    if board is not None:
        birth = redeemers.encoded(redeemers.Birth(len(outputs)))
        mints.append(Mint(distribution.contract.board_policy, {board.token_name: 1}, birth))
        outputs.append(board_output(distribution.contract, board, distribution.address))
    return TransactionDraft(
        mints=tuple(mints),
        outputs=tuple(outputs),
        reference_inputs=reference_inputs,
        scripts=witnesses,
        required_signers=creator_signers(distribution.terms.creator),
        metadata=metadata or {},
    )


def board_output(contract: Contract, datum: Board | Proposal | Notice, at: Address) -> DraftOutput:
    """The output at a distribution's address that holds one token of `board`, and what it says."""
    token = AssetId(contract.board_policy, datum.token_name)
    return DraftOutput(address=at, value=Value.of(token, 1), inline_datum=datum.encode())


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
    lovelace, is_whole = vault_funding(distribution, vault.page)
    funds = Value.of(distribution.token, vault.remaining) + Value(lovelace)
    return DraftOutput(
        address=distribution.address,
        value=funds + Value.of(distribution.vault_token, 1),
        min_ada="raise" if is_whole else "add",
        inline_datum=vault.encode(),
    )


@dataclass(frozen=True, slots=True)
class Sitting:
    """The oracles that count now (28 bytes each, ascending): the terms' own, or those of a board."""

    oracles: tuple[bytes, ...]
    quorum_threshold: int
    board: Utxo | None = None

    @classmethod
    def under(cls, terms: Terms) -> Sitting:
        """Those of the terms."""
        return cls(terms.oracles, terms.quorum_threshold)

    def ordered(self, witnesses: Iterable[OracleWitness]) -> tuple[OracleWitness, ...]:
        """One witness an oracle, in the oracles' order; those of others are left out."""
        by_oracle = {blake2b_224(witness.verification_key): witness for witness in witnesses}
        return tuple(by_oracle[oracle] for oracle in self.oracles if oracle in by_oracle)

    def references(self) -> tuple[Utxo, ...]:
        """What a transaction refers to so that they count."""
        return () if self.board is None else (self.board,)

    def place(self, layout: Layout) -> int:
        """The board's place among the reference inputs, or `NOWHERE`."""
        if self.board is None:
            return NOWHERE
        return layout.reference_input_index(self.board.reference)


@dataclass(frozen=True, slots=True)
class Attesting:
    """An attestation to mint, and the signatures for it, in the order of the oracles that count.

    Without signatures the creator waives, or a proposal is confirmed.
    """

    attestation: Attestation
    sitting: Sitting
    witnesses: Sequence[OracleWitness] = ()

    @classmethod
    def of(
        cls, sitting: Sitting, statement: MilestoneStatement, witnesses: Iterable[OracleWitness]
    ) -> Attesting:
        """The attestation of a statement, its witnesses put in the oracles' order."""
        ordered = sitting.ordered(witnesses)
        attestation = Attestation(
            statement.distribution_id,
            statement.milestone,
            statement.evidence_hash,
            statement.verification_posix_ms,
            tuple(blake2b_224(witness.verification_key) for witness in ordered),
        )
        return cls(attestation, sitting, ordered)

    @property
    def token_name(self) -> bytes:
        """The name of the attestation's token."""
        attestation = self.attestation
        return attestation_token_name(attestation.distribution_id, attestation.milestone)

    @property
    def references(self) -> tuple[Utxo, ...]:
        """What must be referenced beside the terms: the board, where signatures of one count."""
        return self.sitting.references() if self.witnesses else ()

    def mint(self, policy_id: bytes, *, terms: Utxo, output: int) -> Mint:
        """The mint, for an attestation that stands in output number `output`."""

        def redeemer(layout: Layout) -> bytes:
            attestation = self.attestation
            action = redeemers.Attest(
                terms=layout.reference_input_index(terms.reference),
                board=self.sitting.place(layout) if self.witnesses else NOWHERE,
                output=output,
                milestone=attestation.milestone,
                evidence_hash=attestation.evidence_hash,
                verification_posix_ms=attestation.verification_posix_ms,
                witnesses=self.witnesses,
            )
            return redeemers.encoded(action)

        return Mint(policy_id, {self.token_name: 1}, redeemer)

    def output(self, policy_id: bytes, address: Address) -> DraftOutput:
        """The output that holds the attestation."""
        return DraftOutput(
            address=address,
            value=Value.of(AssetId(policy_id, self.token_name), 1),
            inline_datum=self.attestation.encode(),
        )


def attest_draft(
    attesting: Attesting, *, terms: Utxo, scripts: PublishedScripts
) -> TransactionDraft:
    """Puts the oracles' signatures on chain, once per milestone.

    References the terms' UTxO and the board, if one sits; output 0 is the attestation, at their address.
    """
    policy_id = scripts.contract.policy_id
    reference_inputs, witnesses = scripts.sources(registry=True)
    return TransactionDraft(
        mints=(attesting.mint(policy_id, terms=terms, output=0),),
        outputs=(attesting.output(policy_id, Address.from_bech32(terms.output.address)),),
        reference_inputs=(terms, *attesting.references, *reference_inputs),
        scripts=witnesses,
    )


def waive_draft(
    attestation: Attestation,
    terms: Terms,
    *,
    terms_utxo: Utxo,
    scripts: PublishedScripts,
    valid_from_slot: int,
) -> TransactionDraft:
    """Attests a milestone by the creator's consent alone.

    `valid_from_slot` starts at or after the terms' time of waiver. A creator that is a script must be
    spent from in the same transaction: the caller adds that input.
    """
    draft = attest_draft(
        Attesting(attestation, Sitting.under(terms)), terms=terms_utxo, scripts=scripts
    )
    signers = creator_signers(terms.creator)
    return replace(draft, required_signers=signers, valid_from_slot=valid_from_slot)


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
    """Pays the allocations `indices`, all of the vault's page, each to its beneficiary.

    Anybody may pay for it, and takes the allowance out of the vault, as far as the vault's minimum lets
    them. The contract wants the vault in output 0 and the payouts, in the claims' order,
    right behind; an attestation that is minted in the same transaction follows them.
    `valid_from_slot` must start at or after every vesting time. Raises `NotFound` for an index that
    isn't there, `InvalidInput` for one that is claimed already or a vault without datum.
    """
    wanted = _looked_up(distribution, indices)
    attesting, contract = sources.attesting, distribution.contract
    references, witnesses = sources.scripts.sources(vault=True, registry=attesting is not None)
    outputs = [_vault_after(distribution, wanted, sources.vault)]
    outputs += [_payout(distribution, allocation) for allocation in wanted.values()]
    mints: tuple[Mint, ...] = ()
    if attesting is not None:
        mints = (attesting.mint(contract.policy_id, terms=sources.terms, output=len(outputs)),)
        outputs.append(attesting.output(contract.policy_id, distribution.address))
        references = (*attesting.references, *references)
    return TransactionDraft(
        spends=(Spend(sources.vault, _redeemer(distribution, wanted, sources)),),
        mints=mints,
        outputs=tuple(outputs),
        reference_inputs=(sources.terms, *_evidence(wanted.values(), sources), *references),
        scripts=witnesses,
        valid_from_slot=valid_from_slot,
        valid_until_slot=valid_until_slot,
    )


def _looked_up(distribution: Distribution, indices: Iterable[int]) -> dict[int, Allocation]:
    """Ascending. Raises `NotFound` for an index that isn't there."""
    found = {}
    for index in sorted(set(indices)):
        distribution.place(index)
        found[index] = distribution.allocations[index]
    return found


def _vault_after(
    distribution: Distribution, wanted: Mapping[int, Allocation], vault: Utxo
) -> DraftOutput:
    if vault.output.inline_datum is None:
        raise InvalidInput(f"the output {vault.reference} has no inline datum: it is no vault")
    paid = sum(allocation.token_amount for allocation in wanted.values())
    leaves = [distribution.place(index)[1] for index in wanted]
    state = VaultState.decode(vault.output.inline_datum).after(leaves, paid)
    return DraftOutput(
        address=distribution.address,
        value=vault.output.value
        - Value.of(distribution.token, paid)
        - Value(distribution.terms.allowance_lovelace * len(wanted)),
        inline_datum=state.encode(),
    )


def _payout(distribution: Distribution, allocation: Allocation) -> DraftOutput:
    datum = allocation.payout_datum
    return DraftOutput(
        address=allocation.beneficiary_address,
        value=Value.of(distribution.token, allocation.token_amount),
        inline_datum=datum.inline,
        datum_hash=datum.hash,
        # The contract wants exactly the amount, and lovelace would be part of it.
        min_ada="ignore" if distribution.token == LOVELACE else "raise",
    )


def _evidence(allocations: Iterable[Allocation], sources: ReleaseSources) -> tuple[Utxo, ...]:
    names = {allocation.milestone_identifier for allocation in allocations}
    utxos = (sources.attestations[name] for name in sorted(names) if name in sources.attestations)
    return tuple(utxos)


def _redeemer(
    distribution: Distribution, wanted: Mapping[int, Allocation], sources: ReleaseSources
) -> Redeemer:
    proof = distribution.proof(list(wanted))

    # While a transaction is balanced it is asked for again and again, and the layout hardly changes.
    @lru_cache(maxsize=2)
    def redeemer(layout: Layout) -> bytes:
        claims = [
            _claim(allocation, distribution.place(index)[1], sources, layout)
            for index, allocation in wanted.items()
        ]
        terms = layout.reference_input_index(sources.terms.reference)
        return redeemers.encoded(Release(terms, tuple(claims), proof))

    return redeemer


def _claim(allocation: Allocation, leaf: int, sources: ReleaseSources, layout: Layout) -> Claim:
    utxo = sources.attestations.get(allocation.milestone_identifier)
    return Claim(
        leaf=leaf,
        milestone=allocation.milestone,
        vesting_posix_ms=allocation.vesting_posix_ms,
        attestation=MINTED_HERE if utxo is None else layout.reference_input_index(utxo.reference),
    )
