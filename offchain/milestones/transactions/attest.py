"""Attesting: the oracles' signatures go on chain, once per milestone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from milestones.cardano import plutus_data
from milestones.cardano.address import Address
from milestones.cardano.hashes import blake2b_224
from milestones.cardano.outputs import Utxo
from milestones.cardano.value import AssetId, Value
from milestones.protocol import redeemers
from milestones.protocol.attestation import Attestation
from milestones.protocol.redeemers import OracleWitness
from milestones.protocol.signing import Statement
from milestones.protocol.terms import Terms
from milestones.protocol.tokens import attestation_token_name
from milestones.transactions.draft import DraftOutput, Layout, Mint, TransactionDraft
from milestones.transactions.published_scripts import PublishedScripts


@dataclass(frozen=True, slots=True)
class Attesting:
    """An attestation to mint, and the signatures for it, in the order of the terms' oracles."""

    attestation: Attestation
    witnesses: Sequence[OracleWitness]

    @classmethod
    def of(
        cls, terms: Terms, statement: Statement, witnesses: Iterable[OracleWitness]
    ) -> Attesting:
        """The attestation of a statement, its witnesses put in the terms' order.

        One witness an oracle is kept; those whose key is no oracle's of the terms are left out.
        """
        by_oracle = {blake2b_224(witness.verification_key): witness for witness in witnesses}
        signers = tuple(oracle for oracle in terms.oracles if oracle in by_oracle)
        attestation = Attestation(
            statement.distribution_id,
            statement.milestone,
            statement.evidence_hash,
            statement.verification_posix_ms,
            signers,
        )
        return cls(attestation, tuple(by_oracle[signer] for signer in signers))

    @property
    def token_name(self) -> bytes:
        """The name of the attestation's token."""
        attestation = self.attestation
        return attestation_token_name(attestation.distribution_id, attestation.milestone)

    def mint(self, policy_id: bytes, *, terms: Utxo, output: int) -> Mint:
        """The mint, for an attestation that stands in output number `output`."""

        def redeemer(layout: Layout) -> bytes:
            attestation = self.attestation
            action = redeemers.Attest(
                terms=layout.reference_input_index(terms.reference),
                output=output,
                milestone=attestation.milestone,
                evidence_hash=attestation.evidence_hash,
                verification_posix_ms=attestation.verification_posix_ms,
                witnesses=self.witnesses,
            )
            return plutus_data.encode(action.to_data())

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
    """References the terms' UTxO; output 0 is the attestation, at the same address."""
    policy_id = scripts.contract.policy_id
    reference_inputs, witnesses = scripts.sources(registry=True)
    return TransactionDraft(
        mints=(attesting.mint(policy_id, terms=terms, output=0),),
        outputs=(attesting.output(policy_id, Address.from_bech32(terms.output.address)),),
        reference_inputs=(terms, *reference_inputs),
        scripts=witnesses,
    )
