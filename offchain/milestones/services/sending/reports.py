"""What every report says of the transactions that a command has sent, or handed out to be signed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from milestones.domain.models import TransactionStatus
from milestones.protocol.distribution import DistributionName
from milestones.services.results import Result, View
from milestones.storage.submission import Submission


class HandedOut(View):
    """A transaction that waits for signatures, in a file that anybody's tools read.

    `to_sign` are the key hashes (hexadecimal) that must sign, or can: of a committee all members are
    named, and `signature_count` says for how many signatures the fee is planned. After `valid_until`
    (POSIX seconds) they are worthless; None: never.
    """

    transaction_hash: str
    file: str
    to_sign: tuple[str, ...]
    signature_count: int
    valid_until: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandTransaction:
    """A transaction of a command, built by this run or `resumed` from an earlier one."""

    submission: Submission
    status: TransactionStatus
    resumed: bool = False


class SentResult(Result):
    """What a command that moves money reports. `handed_out` are files that wait to be signed."""

    handed_out: tuple[HandedOut, ...] = ()


class TransactionView(View):
    """What every report says of a transaction: fee and collateral in lovelace, size in bytes.

    `memory` and `cpu` are its scripts' execution units. `resumed` says that an earlier run of the
    command had sent it.
    """

    transaction_hash: str
    status: TransactionStatus
    fee_lovelace: int
    collateral_lovelace: int
    size: int
    memory: int
    cpu: int
    resumed: bool = False


def single_transaction_fields(name: DistributionName, sent: CommandTransaction) -> dict[str, Any]:
    """What a command about a distribution reports of its one transaction."""
    submission = sent.submission
    return {
        "status": sent.status,
        "transaction_hash": submission.transaction_id,
        "contract_address": name.address,
        "distribution_id": name.distribution_id,
        "fee_estimate": submission.fee_lovelace,
        "collateral_amount": submission.collateral_lovelace,
        "size": submission.size,
        "resumed": sent.resumed,
    }


def transaction_fields(sent: CommandTransaction) -> dict[str, Any]:
    """The fields of a `TransactionView`."""
    submission = sent.submission
    return {
        "transaction_hash": submission.transaction_id,
        "status": sent.status,
        "fee_lovelace": submission.fee_lovelace,
        "collateral_lovelace": submission.collateral_lovelace,
        "size": submission.size,
        "memory": submission.memory,
        "cpu": submission.cpu,
        "resumed": sent.resumed,
    }
