"""What `deploy` tells."""

from __future__ import annotations

from typing import Literal

from milestones.cardano.value import LOVELACE
from milestones.domain.reading import AddressField, HexField
from milestones.services.deploy.announcement import Job, Publication
from milestones.services.results import Result, View
from milestones.services.sending.submission import (
    SubmissionState,
)
from milestones.transactions.signing import SignedTransaction


class OpeningTransaction(View):
    """One of the transactions: its fee in lovelace, its size in bytes, its execution units."""

    transaction_hash: str
    role: Literal["schedule", "opening"]
    fee_lovelace: int
    size: int
    memory: int
    cpu: int


class LockedDeposits(View):
    """Lovelace that stays locked until the distribution is closed, beside any ADA distributed."""

    terms: int
    vaults: int
    total: int


class Deployed(Result):
    """An opening. `schedule_transactions` are all parts of the published schedule.

    `transactions` are those of this run, and `fee_estimate` the fee of them together, in lovelace.
    """

    status: SubmissionState
    transaction_hash: str
    contract_address: AddressField
    distribution_id: HexField
    private: bool
    schedule_transactions: tuple[str, ...]
    total_token_amount: int
    fee_estimate: int
    collateral_amount: int
    deposits_lovelace: LockedDeposits
    transactions: tuple[OpeningTransaction, ...]


def deployed(
    job: Job, done: Publication, opening: SignedTransaction, status: SubmissionState
) -> Deployed:
    transactions = [
        *(_transaction(signed, "schedule") for signed in done.sent),
        _transaction(opening, "opening"),
    ]
    return Deployed(
        status=status,
        transaction_hash=opening.id.hex(),
        contract_address=job.distribution.address,
        distribution_id=job.distribution.id,
        private=job.private,
        schedule_transactions=tuple(link.transaction_id.hex() for link in done.links),
        total_token_amount=job.distribution.terms.total_token_amount,
        fee_estimate=sum(each.fee_lovelace for each in transactions),
        collateral_amount=opening.collateral_lovelace,
        deposits_lovelace=_deposits(job, opening),
        transactions=tuple(transactions),
        warnings=job.warnings,
    )


def _transaction(
    signed: SignedTransaction, role: Literal["schedule", "opening"]
) -> OpeningTransaction:
    return OpeningTransaction(
        transaction_hash=signed.id.hex(),
        role=role,
        fee_lovelace=signed.fee_lovelace,
        size=signed.size,
        memory=signed.units.memory,
        cpu=signed.units.cpu,
    )


def _deposits(job: Job, opening: SignedTransaction) -> LockedDeposits:
    terms, *vaults = opening.outputs[: len(job.draft.outputs)]
    held = sum(utxo.output.value.lovelace for utxo in vaults)
    if job.distribution.token == LOVELACE:
        held -= job.distribution.terms.total_token_amount
    deposit = terms.output.value.lovelace
    return LockedDeposits(terms=deposit, vaults=held, total=deposit + held)
