"""The oracles' signatures that the chain takes: asked of the node, for each oracle on its own.

The contract fails a transaction for one bad signature among many, and doesn't say which. So each is
evaluated alone, against terms that are not on the chain and differ from the real ones in a quorum of
one. The node's own evaluator is the judge; nothing is verified here, and nothing is submitted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from milestones.cardano.address import Address, key_credential
from milestones.cardano.hashes import blake2b_224
from milestones.cardano.outputs import OutputReference, Utxo
from milestones.errors import ChainRejected, MilestonesError
from milestones.protocol.datums import Board, Notice
from milestones.protocol.redeemers import OracleWitness
from milestones.protocol.statements import (
    MilestoneStatement,
    NoticeStatement,
    ObjectionStatement,
    RotationStatement,
    Statement,
)
from milestones.protocol.terms import Terms
from milestones.services.distribution.on_chain import OpenDistribution
from milestones.services.distribution.proposals import proposal_named
from milestones.services.distribution.signatures import SignedStatement
from milestones.services.sending.building import BuildContext, said_at
from milestones.transactions.board_drafts import (
    Referenced,
    notify_draft,
    object_draft,
    rotate_draft,
)
from milestones.transactions.contract_drafts import Attesting, Sitting, attest_draft
from milestones.transactions.draft import TransactionDraft

REFUSED_ORACLES: Final = "refused_oracles"
"""The detail of an error that names them."""
NOWHERE: Final = OutputReference(bytes(32), 0)
"""No transaction has this id."""


class GoodSignatures:
    """Which signatures to attest with: build with `attesting`; where a script says no, ask for others.

    Each of `statements`, the best supported first, has a quorum of signatures. `refused` are the oracles
    (28 bytes each) whose signature of some statement the chain refuses.
    """

    def __init__(
        self,
        context: BuildContext,
        distribution: OpenDistribution,
        statements: Sequence[SignedStatement],
    ) -> None:
        self._context, self._distribution = context, distribution
        self._sitting = distribution.sitting
        self._statement, *self._others = statements
        self._only_good_ones = False
        self.attesting = self._statement.attesting(self._sitting)
        self.refused: frozenset[bytes] = frozenset()

    async def leave_out_bad_ones(self, error: ChainRejected) -> None:
        """After a transaction with `attesting` failed with `error`: tries every oracle's signature alone.

        The good ones are used if they are still a quorum, else another statement's. Raises `error` where
        the signatures are not to blame, and `ChainRejected` that names the bad ones where too few are left.
        """
        if not error.script_failed or self._only_good_ones:
            raise error
        bad = await self._bad_ones()
        if not bad:
            raise error
        self.refused |= bad
        if len(self._statement.witnesses) - len(bad) >= self._sitting.quorum_threshold:
            self._only_good_ones = True
            self.attesting = self._statement.attesting(self._sitting, without=bad)
        elif self._others:
            self._statement, *self._others = self._others
            self.attesting = self._statement.attesting(self._sitting)
        else:
            raise too_few_good(self._distribution.terms, self.refused, error)

    async def _bad_ones(self) -> frozenset[bytes]:
        oracles = self._statement.witnesses
        return frozenset([oracle for oracle in oracles if await self._is_refused(oracle)])

    async def _is_refused(self, oracle: bytes) -> bool:
        signed = self._statement
        draft = alone(signed.statement, signed.witnesses[oracle], self._distribution, self._context)
        return await is_refused(self._context, *draft)


def lenient(known: OpenDistribution) -> tuple[Sitting, Utxo]:
    """The oracles that count now, one of whom is a quorum, and terms that say so: they are nowhere.

    They let a quorum cancel, and one oracle stop a proposal.
    """
    terms = replace(
        known.terms,
        oracles=known.sitting.oracles,
        quorum_threshold=1,
        rotatable=None,
        objectors=1,
        cancel_by=frozenset({"quorum"}),
    )
    output = replace(known.terms_utxo.output, inline_datum=terms.encode())
    return Sitting.under(terms), Utxo(NOWHERE, output)


def alone(
    statement: Statement, witness: OracleWitness, known: OpenDistribution, context: BuildContext
) -> tuple[TransactionDraft, Utxo]:
    """A draft with one oracle's signature of a statement, and the output that makes one enough.

    That output is on no chain. Where oracles are replaced, a board sits. Raises `NotFound` for a proposal
    that isn't there, and `InvalidInput` for a moment that has passed.
    """
    if isinstance(statement, RotationStatement):
        return _rotation_alone(statement, witness, known, context)
    sitting, nowhere = lenient(known)
    referenced = Referenced(terms=nowhere, scripts=context.scripts)
    match statement:
        case MilestoneStatement():
            attesting = Attesting.of(sitting, statement, [witness])
            return attest_draft(attesting, terms=nowhere, scripts=context.scripts), nowhere
        case NoticeStatement():
            whose = (statement.policy_id, statement.distribution_id)
            signer = blake2b_224(witness.verification_key)
            notice = Notice(*whose, statement.said_at_posix_ms, statement.evidence_hash, (signer,))
            moment = said_at(context.time, statement.said_at_posix_ms, path="signed_data")
            draft = notify_draft(
                notice,
                known.terms,
                referenced,
                sitting=sitting,
                witnesses=[witness],
                valid_until_slot=moment.valid_until_slot,
            )
            return draft, nowhere
        case ObjectionStatement():
            live = proposal_named(known, str(statement.proposal))
            bond_to = statement.bond_address(known.terms.network_id)
            draft = object_draft(
                live, referenced, sitting=sitting, bond_to=bond_to, witnesses=[witness]
            )
            return draft, nowhere
    raise AssertionError(f"a statement of another kind: {statement.kind}")


def _rotation_alone(
    statement: RotationStatement,
    witness: OracleWitness,
    known: OpenDistribution,
    context: BuildContext,
) -> tuple[TransactionDraft, Utxo]:
    live = known.board
    if live is None:
        raise AssertionError("a board sits: it was looked at before")
    generous = replace(live.board, quorum_threshold=1)
    nowhere = Utxo(NOWHERE, replace(live.utxo.output, inline_datum=generous.encode()))
    following = next_board(live.board, statement)
    draft = rotate_draft(generous, nowhere, following, witnesses=[witness], scripts=context.scripts)
    return draft, nowhere


def next_board(board: Board, statement: RotationStatement) -> Board:
    """The board that a rotation puts in the place of one."""
    return replace(
        board,
        oracles=statement.oracles,
        quorum_threshold=statement.quorum_threshold,
        sequence=statement.sequence,
    )


async def is_refused(context: BuildContext, draft: TransactionDraft, nowhere: Utxo) -> bool:
    """Whether a script refuses a draft that uses an output which is on no chain."""
    imagined = replace(context, not_on_chain_yet=(nowhere, *context.not_on_chain_yet))
    try:
        await imagined.build(draft)
    except ChainRejected as error:
        if not error.script_failed:
            raise
        return True
    return False


def refusal_warnings(terms: Terms, refused: frozenset[bytes]) -> list[str]:
    """A warning for every oracle that was left out."""
    return [
        f"the chain refuses the signature of oracle {address}: it was left out"
        for address in oracle_addresses(terms, refused)
    ]


def oracle_addresses(terms: Terms, oracles: Iterable[bytes]) -> tuple[Address, ...]:
    """The oracles (28 bytes each) as addresses, in ascending order."""
    return tuple(Address(terms.network_id, key_credential(oracle)) for oracle in sorted(oracles))


def blames_signatures(error: MilestonesError) -> bool:
    """Whether it says that too few of the oracles' signatures are good."""
    return REFUSED_ORACLES in error.details


def too_few_good(terms: Terms, refused: frozenset[bytes], failure: ChainRejected) -> ChainRejected:
    """The error that names the oracles whose signature the chain refuses."""
    names = [str(address) for address in oracle_addresses(terms, refused)]
    error = ChainRejected(
        f"the chain refuses the signature of {', '.join(names)}, and without it there is no quorum",
        rejection_code=failure.rejection_code,
        data=failure.data,
        hint="let that oracle sign the bytes of `milestones oracle payload` again",
        script_failed=True,
    )
    error.details[REFUSED_ORACLES] = names
    return error
