"""`oracle rotate`: a quorum of the oracles that sit puts others in their place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from milestones.domain.models import OracleSignature, TransactionStatus
from milestones.domain.reading import AddressField, HexField
from milestones.errors import NotAllowedYet
from milestones.protocol.distribution import ContractAddress
from milestones.protocol.statements import RotationStatement
from milestones.protocol.validator_loader import Contract
from milestones.services.backend import Backend, select_version
from milestones.services.board_preflight import must_be_rotatable
from milestones.services.distribution.collected import Wanted, collected, said_about
from milestones.services.distribution.naming import identify
from milestones.services.distribution.on_chain import OnChain
from milestones.services.preflight import must_be_open
from milestones.services.sending.attestations import next_board, oracle_addresses
from milestones.services.sending.payer import PaidBy
from milestones.services.sending.reports import SentResult, single_transaction_fields
from milestones.services.sending.run import Run, SubmissionRequest
from milestones.services.sending.runner import DistributionCommand, perform
from milestones.services.sending.signed import build_signed
from milestones.storage.board_payloads import RotationPayload
from milestones.transactions.board_drafts import rotate_draft


class OraclesReplaced(SentResult):
    """The board that sits from now on, and who signed for it. Fee and collateral in lovelace; size in bytes.

    Signatures that the oracles before gave for milestones, and that are not on the chain, count no more.
    """

    status: TransactionStatus
    transaction_hash: str
    contract_address: AddressField
    distribution_id: HexField
    sequence: int
    oracles: tuple[AddressField, ...]
    quorum_threshold: int
    signers: tuple[AddressField, ...]
    fee_estimate: int
    collateral_amount: int
    size: int
    resumed: bool = False


async def oracle_rotate(
    backend: Backend,
    *,
    contract_address: ContractAddress,
    signatures: Sequence[OracleSignature],
    key: PaidBy,
    dry_run: bool = False,
    wait: bool = False,
) -> OraclesReplaced:
    """Replaces the oracles, as a quorum of those that sit signed it; the key pays, anybody's will do.

    Raises `NotAllowedYet` (`closed`, `rotatable`, `replaced`, `quorum`), `InvalidSignature` where nothing
    is signed about the next board, `ChainRejected`, `InsufficientFunds`, `OutcomeUnknown`.
    """
    backend = select_version(backend, contract_address.payment.hash)
    name = await identify(backend, contract_address)
    command = _Rotate(distribution_name=name, signatures=signatures)
    return await perform(backend, command, key=key, dry_run=dry_run, wait=wait)


@dataclass(kw_only=True)
class _Rotate(DistributionCommand[OraclesReplaced]):
    """One rotation, or the one that an earlier run sent without learning what became of it."""

    name = "oracle rotate"
    signatures: Sequence[OracleSignature]

    async def build(self, run: Run) -> AsyncIterator[SubmissionRequest]:
        """Looks, checks, and builds the next board."""
        distribution = must_be_open(await self.look(run))
        if run.resume_instead(lambda sent: isinstance(sent.payload, RotationPayload)):
            return
        live = must_be_rotatable(distribution)
        board, following = live.board, live.board.sequence + 1
        self._must_be_new(distribution, board.sequence, run.backend.contract)
        wanted = Wanted(
            kind=RotationStatement,
            named=f"its oracles are replaced by board {following}, the next one",
            needed=board.quorum_threshold,
            fits=lambda statement: statement.sequence == following,
        )
        signed = collected(wanted, self.signatures, distribution, run.backend.contract)
        statement = signed.statement
        context = await run.context()
        scripts = context.scripts

        built, signers = await build_signed(
            run,
            context,
            distribution,
            signed,
            draft=lambda chosen: rotate_draft(
                board, live.utxo, next_board(board, statement), witnesses=chosen, scripts=scripts
            ),
        )
        yield SubmissionRequest(
            transaction=built,
            sole=f"rotate {following}",
            payload=RotationPayload(
                sequence=following,
                oracles=statement.oracles,
                quorum_threshold=statement.quorum_threshold,
                signers=signers,
            ),
        )

    def _must_be_new(self, on_chain: OnChain, sequence: int, contract: Contract) -> None:
        said = said_about(RotationStatement, self.signatures, on_chain, contract)
        if said and all(statement.sequence <= sequence for _, statement in said):
            raise NotAllowedYet(
                "replaced",
                f"the oracles were replaced as these signatures say, or by others: board {sequence} sits",
                hint="`milestones check-status` shows who sits; they sign the next replacement with"
                " `milestones oracle payload --rotate-to`",
                details={"sequence": sequence},
            )

    def report(self, run: Run) -> OraclesReplaced:
        """The newest rotation."""
        sent, payload = run.newest(RotationPayload)
        terms = self.on_chain.terms
        return OraclesReplaced(
            **single_transaction_fields(self.distribution_name, sent),
            sequence=payload.sequence,
            oracles=oracle_addresses(terms, payload.oracles),
            quorum_threshold=payload.quorum_threshold,
            signers=oracle_addresses(terms, payload.signers),
        )
