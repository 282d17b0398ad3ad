"""The drafts of what `board` does: proposals, rotations and notices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from milestones.cardano.address import Address
from milestones.cardano.outputs import Utxo
from milestones.cardano.value import Value
from milestones.protocol import redeemers
from milestones.protocol.datums import Attestation, Board, Notice, Proposal
from milestones.protocol.redeemers import OracleWitness
from milestones.protocol.terms import Terms
from milestones.transactions.contract_drafts import (
    Attesting,
    PublishedScripts,
    Sitting,
    board_output,
    creator_signers,
)
from milestones.transactions.draft import (
    DraftOutput,
    Layout,
    Mint,
    Redeemer,
    Spend,
    TransactionDraft,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Referenced:
    """What is referred to: the terms' output, and the published scripts."""

    terms: Utxo
    scripts: PublishedScripts

    @property
    def address(self) -> Address:
        """Where the distribution is."""
        return Address.from_bech32(self.terms.output.address)

    def terms_place(self, layout: Layout) -> int:
        """The terms' place among the reference inputs."""
        return layout.reference_input_index(self.terms.reference)


def propose_draft(
    proposal: Proposal, referenced: Referenced, *, bond_lovelace: int, valid_until_slot: int
) -> TransactionDraft:
    """Proposes that a milestone is complete; output 0 is the proposal, with its bond.

    `valid_until_slot` must not end after the proposal's time.
    """
    contract = referenced.scripts.contract

    def redeemer(layout: Layout) -> bytes:
        action = redeemers.Propose(
            terms=referenced.terms_place(layout),
            output=0,
            milestone=proposal.milestone,
            evidence_hash=proposal.evidence_hash,
            said_at_posix_ms=proposal.said_at_posix_ms,
            return_to=proposal.return_to,
        )
        return redeemers.encoded(action)

    output = board_output(contract, proposal, referenced.address).with_lovelace(bond_lovelace)
    references, witnesses = referenced.scripts.sources(board=True)
    return TransactionDraft(
        mints=(Mint(contract.board_policy, {proposal.token_name: 1}, redeemer),),
        outputs=(output,),
        reference_inputs=(referenced.terms, *references),
        scripts=witnesses,
        valid_until_slot=valid_until_slot,
    )


@dataclass(frozen=True, slots=True)
class LiveProposal:
    """A proposal on the chain: its output, and what its datum says."""

    utxo: Utxo
    proposal: Proposal

    def spend(self) -> Spend:
        """The input that takes it off the chain."""
        return _closing(self.utxo)

    def burn(self, scripts: PublishedScripts, redeemer: Redeemer) -> Mint:
        """The burning of its token."""
        return Mint(scripts.contract.board_policy, {self.proposal.token_name: -1}, redeemer)

    def bond_to(self, address: Address) -> DraftOutput:
        """The output that takes its bond, all of its lovelace."""
        return DraftOutput(address=address, value=Value(self.utxo.output.value.lovelace))

    def bond_back(self) -> DraftOutput:
        """The output that returns its bond. Raises `InvalidEncoding` where there can be none."""
        network_id = Address.from_bech32(self.utxo.output.address).network_id
        return self.bond_to(self.proposal.return_address(network_id))


def _closing(utxo: Utxo) -> Spend:
    return Spend(utxo, redeemers.encoded(redeemers.Close()))


def object_draft(
    live: LiveProposal,
    referenced: Referenced,
    *,
    sitting: Sitting,
    bond_to: Address,
    witnesses: Sequence[OracleWitness],
) -> TransactionDraft:
    """Stops a proposal: output 0 takes its bond to the address that the oracles signed."""
    ordered = sitting.ordered(witnesses)

    def redeemer(layout: Layout) -> bytes:
        action = redeemers.Object(
            terms=referenced.terms_place(layout),
            board=sitting.place(layout),
            output=0,
            address=bond_to.to_data(),
            witnesses=ordered,
        )
        return redeemers.encoded(action)

    references, scripts = referenced.scripts.sources(vault=True, board=True)
    return TransactionDraft(
        spends=(live.spend(),),
        mints=(live.burn(referenced.scripts, redeemer),),
        outputs=(live.bond_to(bond_to),),
        reference_inputs=(referenced.terms, *sitting.references(), *references),
        scripts=scripts,
    )


def confirm_draft(
    live: LiveProposal, referenced: Referenced, *, sitting: Sitting, valid_from_slot: int
) -> TransactionDraft:
    """Makes an attestation of a proposal that is due: output 0 is it, output 1 returns the bond."""
    proposal, scripts = live.proposal, referenced.scripts
    attestation = Attestation(
        proposal.distribution_id,
        proposal.milestone,
        proposal.evidence_hash,
        proposal.said_at_posix_ms,
        (),
    )
    attesting = Attesting(attestation, sitting)
    policy_id = scripts.contract.policy_id
    references, witnesses = scripts.sources(vault=True, registry=True, board=True)
    return TransactionDraft(
        spends=(live.spend(),),
        mints=(
            attesting.mint(policy_id, terms=referenced.terms, output=0),
            live.burn(scripts, redeemers.encoded(redeemers.Confirm(0))),
        ),
        outputs=(attesting.output(policy_id, referenced.address), live.bond_back()),
        reference_inputs=(referenced.terms, *references),
        scripts=witnesses,
        valid_from_slot=valid_from_slot,
    )


def retire_draft(
    live: LiveProposal, *, scripts: PublishedScripts, valid_from_slot: int
) -> TransactionDraft:
    """Takes a forgotten proposal off the chain: output 0 returns its bond."""
    references, witnesses = scripts.sources(vault=True, board=True)
    return TransactionDraft(
        spends=(live.spend(),),
        mints=(live.burn(scripts, redeemers.encoded(redeemers.Retire(0))),),
        outputs=(live.bond_back(),),
        reference_inputs=references,
        scripts=witnesses,
        valid_from_slot=valid_from_slot,
    )


def rotate_draft(
    board: Board,
    utxo: Utxo,
    following: Board,
    *,
    witnesses: Sequence[OracleWitness],
    scripts: PublishedScripts,
) -> TransactionDraft:
    """Replaces the board in `utxo` by the one that follows it, in output 0."""
    sitting, contract = Sitting(board.oracles, board.quorum_threshold, utxo), scripts.contract
    rotate = redeemers.Rotate(0, sitting.ordered(witnesses))
    minted = {board.token_name: -1, following.token_name: 1}
    output = board_output(contract, following, Address.from_bech32(utxo.output.address))
    references, scripts_ = scripts.sources(vault=True, board=True)
    return TransactionDraft(
        spends=(_closing(utxo),),
        mints=(Mint(contract.board_policy, minted, redeemers.encoded(rotate)),),
        outputs=(output.with_lovelace(utxo.output.value.lovelace),),
        reference_inputs=references,
        scripts=scripts_,
    )


def notify_draft(
    notice: Notice,
    terms: Terms,
    referenced: Referenced,
    *,
    sitting: Sitting,
    witnesses: Sequence[OracleWitness] = (),
    valid_until_slot: int | None = None,
) -> TransactionDraft:
    """Gives notice, or says that all may go home; output 0 says so.

    Without witnesses a notice takes the creator's consent: a creator that is a script must be spent from
    in the same transaction, and the caller adds that input. `valid_until_slot` must not end after the
    notice's time.
    """
    contract, ordered = referenced.scripts.contract, sitting.ordered(witnesses)

    def redeemer(layout: Layout) -> bytes:
        action = redeemers.Notify(
            terms=referenced.terms_place(layout),
            board=sitting.place(layout) if ordered else redeemers.NOWHERE,
            output=0,
            evidence_hash=notice.evidence_hash,
            said_at_posix_ms=notice.said_at_posix_ms,
            witnesses=ordered,
        )
        return redeemers.encoded(action)

    asks_creator = not ordered and not notice.is_home
    references, scripts = referenced.scripts.sources(board=True)
    return TransactionDraft(
        mints=(Mint(contract.board_policy, {notice.token_name: 1}, redeemer),),
        outputs=(board_output(contract, notice, referenced.address),),
        reference_inputs=(
            referenced.terms,
            *(sitting.references() if ordered else ()),
            *references,
        ),
        scripts=scripts,
        required_signers=creator_signers(terms.creator) if asks_creator else (),
        valid_until_slot=valid_until_slot,
    )
