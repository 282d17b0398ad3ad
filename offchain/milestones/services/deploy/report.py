"""What `deploy` reports."""

from __future__ import annotations

from typing import Literal

from milestones.domain.models import TransactionStatus
from milestones.domain.reading import AddressField, HexField
from milestones.services.distribution.powers import Power
from milestones.services.results import View
from milestones.services.sending.reports import CommandTransaction, SentResult
from milestones.storage.submission import OpeningPayload


class OpeningTransaction(View):
    """One of the transactions: its fee in lovelace, its size in bytes, its execution units."""

    transaction_hash: str
    role: Literal["schedule", "opening"]
    fee_lovelace: int
    size: int
    memory: int
    cpu: int

    @classmethod
    def of(cls, sent: CommandTransaction) -> OpeningTransaction:
        """From what the journal keeps of it."""
        submission = sent.submission
        return cls(
            transaction_hash=submission.transaction_id,
            role="opening" if submission.purpose == "opening" else "schedule",
            fee_lovelace=submission.fee_lovelace,
            size=submission.size,
            memory=submission.memory,
            cpu=submission.cpu,
        )


class LockedDeposits(View):
    """What stays locked until the distribution is closed, beside any ADA distributed.

    `allowances_lovelace`, what whoever pays out may take, is part of the vaults'. `board_lovelace` is 0
    where the oracles can't be replaced.
    """

    terms_lovelace: int
    vaults_lovelace: int
    allowances_lovelace: int
    board_lovelace: int
    total_lovelace: int

    @classmethod
    def of(cls, payload: OpeningPayload) -> LockedDeposits:
        """From what the journal keeps of an opening."""
        terms, vaults = payload.terms_deposit_lovelace, payload.vaults_deposit_lovelace
        board = payload.board_deposit_lovelace
        return cls(
            terms_lovelace=terms,
            vaults_lovelace=vaults,
            allowances_lovelace=payload.allowances_lovelace,
            board_lovelace=board,
            total_lovelace=terms + vaults + board,
        )


class Deployed(SentResult):
    """An opening. `schedule_transactions` are all parts of the announced schedule.

    `transactions` are those of this run, and `fee_estimate` the fee of them together, in lovelace.
    `contract_name` is what commands take for the distribution. `powers` say who can do what, and when.
    """

    status: TransactionStatus
    transaction_hash: str
    contract_address: AddressField
    contract_name: str
    distribution_id: HexField
    private: bool
    schedule_transactions: tuple[str, ...]
    allocation_count: int
    token_policy_id: HexField
    token_name: HexField
    total_token_amount: int
    fee_estimate: int
    collateral_amount: int
    deposits: LockedDeposits
    transactions: tuple[OpeningTransaction, ...]
    powers: tuple[Power, ...]
