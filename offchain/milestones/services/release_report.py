"""What `submit-release` tells."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from milestones.domain.claims import ClaimState
from milestones.domain.models import Allocation
from milestones.services.release_plan import Batch
from milestones.services.submission import SubmissionState
from milestones.storage.journal import Submission
from milestones.transactions.tx_builder import SignedTransaction


class _Result(BaseModel):
    model_config = ConfigDict(frozen=True)


class PaidAllocation(_Result):
    """An allocation that a transaction of this command pays. `token_amount` in the smallest unit."""

    beneficiary_index: int
    beneficiary_address: str
    token_amount: int
    milestone_identifier: str

    @classmethod
    def of(cls, index: int, allocation: Allocation) -> PaidAllocation:
        """From the schedule."""
        return cls(
            beneficiary_index=index,
            beneficiary_address=allocation.beneficiary_address.to_bech32(),
            token_amount=allocation.token_amount,
            milestone_identifier=allocation.milestone_identifier,
        )


class SkippedAllocation(_Result):
    """An allocation of the kind asked for that can't be paid now, and why."""

    beneficiary_index: int
    token_amount: int
    milestone_identifier: str
    reason: str

    @classmethod
    def of(cls, state: ClaimState) -> SkippedAllocation:
        """From its state."""
        return cls(
            beneficiary_index=state.index,
            token_amount=state.allocation.token_amount,
            milestone_identifier=state.allocation.milestone_identifier,
            reason=state.reason,
        )


class ReleaseTransaction(_Result):
    """One transaction. Fee and collateral in lovelace; size in bytes, 0 where it was sent earlier."""

    transaction_hash: str
    status: SubmissionState
    allocations: tuple[int, ...]
    attested: str | None
    fee_lovelace: int
    collateral_lovelace: int
    size: int
    memory: int
    cpu: int

    @classmethod
    def sent(
        cls, signed: SignedTransaction, batch: Batch, state: SubmissionState
    ) -> ReleaseTransaction:
        """One that was just built."""
        return cls(
            transaction_hash=signed.id.hex(),
            status=state,
            allocations=batch.indices,
            attested=batch.attests,
            fee_lovelace=signed.fee_lovelace,
            collateral_lovelace=signed.collateral_lovelace,
            size=signed.size,
            memory=signed.units.memory,
            cpu=signed.units.cpu,
        )

    @classmethod
    def resumed(cls, submission: Submission, allocations: tuple[int, ...]) -> ReleaseTransaction:
        """One that an earlier run of the command had written down."""
        details = submission.details
        attests, fee = details.get("attests"), details.get("fee_lovelace")
        collateral = details.get("collateral_lovelace")
        return cls(
            transaction_hash=submission.transaction_id,
            status="submitted",
            allocations=allocations,
            attested=attests if isinstance(attests, str) else None,
            fee_lovelace=fee if isinstance(fee, int) else 0,
            collateral_lovelace=collateral if isinstance(collateral, int) else 0,
            size=len(submission.transaction_cbor),
            memory=0,
            cpu=0,
        )


class ReleaseReport(_Result):
    """The quickstart's fields are about the first transaction; `transactions` has all of them."""

    transaction_hash: str
    status: Literal["submitted", "confirmed", "dry_run"]
    fee_estimate: int
    collateral_amount: int
    contract_address: str
    paid: tuple[PaidAllocation, ...]
    paid_token_amount: int
    skipped: tuple[SkippedAllocation, ...]
    transactions: tuple[ReleaseTransaction, ...]
    warnings: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        *,
        contract_address: str,
        transactions: tuple[ReleaseTransaction, ...],
        paid: tuple[PaidAllocation, ...],
        skipped: tuple[SkippedAllocation, ...],
    ) -> ReleaseReport:
        """The report on at least one transaction."""
        return cls(
            transaction_hash=transactions[0].transaction_hash,
            status=transactions[0].status,
            fee_estimate=sum(transaction.fee_lovelace for transaction in transactions),
            collateral_amount=max(transaction.collateral_lovelace for transaction in transactions),
            contract_address=contract_address,
            paid=paid,
            paid_token_amount=sum(allocation.token_amount for allocation in paid),
            skipped=skipped,
            transactions=transactions,
        )

    def confirmed(self) -> ReleaseReport:
        """The same, once every transaction is in a block."""
        transactions = tuple(
            transaction.model_copy(update={"status": "confirmed"})
            for transaction in self.transactions
        )
        return self.model_copy(update={"status": "confirmed", "transactions": transactions})
