"""What `close` reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from milestones.cardano.outputs import Utxo
from milestones.cardano.value import AssetId
from milestones.domain.models import TransactionStatus
from milestones.domain.reading import AddressField, HexField
from milestones.protocol.distribution import DistributionName
from milestones.services.sending.reports import (
    CommandTransaction,
    SentResult,
    TransactionView,
    transaction_fields,
)
from milestones.services.sending.run import Run
from milestones.storage.board_payloads import HomePayload
from milestones.storage.submission import ClosingPayload


class ClosingTransaction(TransactionView):
    """One transaction: a `closing`, or the word that all may go `home`, which comes before it.

    Deposits are in lovelace, `tokens_returned` in the token's smallest unit. `board_tokens_burnt` counts
    boards, notices and words.
    """

    purpose: Literal["closing", "home"] = "closing"
    vault_count: int
    attestations_burnt: int
    board_tokens_burnt: int = 0
    deposits_returned_lovelace: int
    tokens_returned: int


class Closed(SentResult):
    """The closing. The quickstart's fields as in `submit-release`; lovelace and the token's smallest unit.

    `deposits_returned_lovelace` is before the fee. `refund_address` is where the terms send everything;
    None: the creator signed, and everything is the creator's change. `attestations_left` are outputs,
    attestations mostly, that had no room in the transaction: what they hold is lost for ever.
    """

    transaction_hash: str
    status: TransactionStatus
    fee_estimate: int
    collateral_amount: int
    contract_address: AddressField
    distribution_id: HexField
    refund_address: str | None = None
    deposits_returned_lovelace: int
    token_policy_id: HexField
    token_name: HexField
    tokens_returned: int
    attestations_burnt: int
    attestations_left: tuple[str, ...]
    transactions: tuple[ClosingTransaction, ...]


def report_of(
    run: Run, name: DistributionName, token: AssetId, attestations_left: Sequence[Utxo]
) -> Closed:
    """All transactions, those of earlier runs that are still on their way included."""
    sent = list(run.transactions.values())
    views = tuple(map(_view, sent))
    payloads = [each.submission.payload for each in sent]
    refunds = [each.refund_address for each in payloads if isinstance(each, ClosingPayload)]
    closings = [view for view in views if view.purpose == "closing"]
    return Closed(
        transaction_hash=(closings or views)[0].transaction_hash,
        status=run.status,
        fee_estimate=sum(view.fee_lovelace for view in views),
        collateral_amount=max(view.collateral_lovelace for view in views),
        contract_address=name.address,
        distribution_id=name.distribution_id,
        refund_address=refunds[0] if refunds else None,
        deposits_returned_lovelace=sum(view.deposits_returned_lovelace for view in views),
        token_policy_id=token.policy_id,
        token_name=token.asset_name,
        tokens_returned=sum(view.tokens_returned for view in views),
        attestations_burnt=sum(view.attestations_burnt for view in views),
        attestations_left=tuple(str(utxo.reference) for utxo in attestations_left),
        transactions=views,
    )


def _view(sent: CommandTransaction) -> ClosingTransaction:
    payload = sent.submission.payload
    known = payload if isinstance(payload, ClosingPayload) else None
    return ClosingTransaction(
        **transaction_fields(sent),
        purpose="home" if isinstance(payload, HomePayload) else "closing",
        vault_count=known.vaults if known else 0,
        attestations_burnt=known.attestations_burnt if known else 0,
        board_tokens_burnt=known.board_tokens_burnt if known else 0,
        deposits_returned_lovelace=known.deposits_returned_lovelace if known else 0,
        tokens_returned=known.tokens_returned if known else 0,
    )
