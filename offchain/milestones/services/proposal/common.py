"""What the commands about one proposal share."""

from __future__ import annotations

from typing import Any, TypeVar

from milestones.domain.models import TransactionStatus
from milestones.domain.reading import AddressField, HexField
from milestones.protocol.distribution import DistributionName
from milestones.services.sending.reports import (
    CommandTransaction,
    SentResult,
    single_transaction_fields,
)
from milestones.storage.board_payloads import (
    ConfirmationPayload,
    ObjectionPayload,
    RetirementPayload,
)
from milestones.storage.submission import Submission

Ended = ConfirmationPayload | ObjectionPayload | RetirementPayload
"""What the journal keeps of a transaction that takes a proposal off the chain."""
P = TypeVar("P", ConfirmationPayload, ObjectionPayload, RetirementPayload)


class ProposalEnded(SentResult):
    """A proposal that leaves the chain, and where its bond goes. Amounts in lovelace; size in bytes.

    `proposal` is the output that held it. `resumed` says that an earlier run of the command had sent the
    transaction.
    """

    status: TransactionStatus
    transaction_hash: str
    contract_address: AddressField
    distribution_id: HexField
    proposal: str
    milestone_identifier: str
    bond_to: str
    bond_lovelace: int
    fee_estimate: int
    collateral_amount: int
    size: int
    resumed: bool = False


def ended_fields(
    name: DistributionName, sent: CommandTransaction, payload: Ended
) -> dict[str, Any]:
    """The fields of a `ProposalEnded`."""
    return {
        **single_transaction_fields(name, sent),
        "proposal": str(payload.proposal),
        "milestone_identifier": payload.milestone_identifier,
        "bond_to": payload.bond_to,
        "bond_lovelace": payload.bond_lovelace,
    }


def is_about(submission: Submission, kind: type[P], name: str) -> bool:
    """Whether a transaction of this kind ends the proposal that `name` means."""
    payload = submission.payload
    return isinstance(payload, kind) and (
        name.lower() == str(payload.proposal) or name == payload.milestone_identifier
    )
