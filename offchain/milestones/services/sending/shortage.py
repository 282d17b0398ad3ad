"""What a wallet lacks, tried out: so much, sent as one more output, is enough.

The figures that a refused transaction gives are its own: another input makes it larger, collateral is of a
few outputs only, and more transactions may follow. So all of the command is rehearsed with what is missing.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from milestones.cardano.outputs import OutputReference, TransactionOutput, Utxo
from milestones.cardano.value import Value
from milestones.errors import (
    InsufficientCollateral,
    InsufficientFunds,
    InsufficientTokens,
    MilestonesError,
)
from milestones.services.sending.building import RESERVED_BY
from milestones.services.sending.funds import Funds, funds_of
from milestones.transactions import fees
from milestones.transactions.draft import DraftOutput

if TYPE_CHECKING:
    from milestones.services.sending.run import Run
    from milestones.services.sending.runner import SendingCommand

RICH_LOVELACE: Final = 1_000_000_000_000
"""Enough for anything that one command does."""
SPARE_LOVELACE: Final = 2_000
"""What the place of the real output among the inputs can make of the fee."""
REHEARSALS: Final = 20
MOST_REHEARSED: Final = 8
"""Transactions: of a command that makes hundreds, what the first of them need is told."""


async def with_figures(
    run: Run, command: SendingCommand[Any], error: InsufficientFunds
) -> InsufficientFunds:
    """The refusal with the figures of the whole command: the difference, as one more output, is enough for
    its first `MOST_REHEARSED` transactions.

    `available_lovelace` leaves out what is never spent, and `details` name it. Nothing is sent. The error
    itself, where the command can't be rehearsed.
    """
    if isinstance(error, InsufficientTokens) or run.transactions or RESERVED_BY in error.details:
        return error
    funds = await funds_of(run.backend, run.payer, run.pending, mempool=run.mempool)
    alone = DraftOutput(address=funds.change_address)
    parameters = await run.backend.ogmios.protocol_parameters()
    least_change = fees.with_min_ada(alone, parameters).value.lovelace
    # Other wallets write an output as a map, which is two bytes longer.
    least = least_change + 2 * parameters.lovelace_per_utxo_byte
    gift = max(least, error.required_lovelace - error.available_lovelace)
    try:
        rehearsed = await _rehearsed(run, command, funds, RICH_LOVELACE)
        gift = max(gift, _spent(rehearsed, funds, RICH_LOVELACE) - funds.lovelace)
        for _ in range(REHEARSALS):
            try:
                rehearsed = await _rehearsed(run, command, funds, gift)
                break
            except InsufficientTokens:
                raise
            except InsufficientFunds as more:
                gift += max(1, more.required_lovelace - more.available_lovelace)
        # The figures of single refusals are on the safe side.
        lower = max(least, _spent(rehearsed, funds, gift) + least_change - funds.lovelace)
        if lower < gift:
            with suppress(InsufficientFunds):
                rehearsed, gift = await _rehearsed(run, command, funds, lower), lower
    except MilestonesError:
        return error
    return _refusal(error, funds, rehearsed, gift + SPARE_LOVELACE)


async def _rehearsed(run: Run, command: SendingCommand[Any], funds: Funds, lovelace: int) -> Run:
    """The command as a dry run, for a wallet with one more output; of many transactions the first ones."""
    output = TransactionOutput(funds.change_address.to_bech32(), Value(lovelace))
    rehearsal = run.rehearsal(gift=Utxo(_NEVER_SENT, output))
    async for request in command.build(rehearsal):
        await rehearsal.send(request)
        if len(rehearsal.transactions) == MOST_REHEARSED:
            break
    return rehearsal


_NEVER_SENT: Final = OutputReference(b"\xff" * 32, 0)
"""Sorted behind every other input, so that no redeemer changes its place."""


def _spent(rehearsed: Run, funds: Funds, gift_lovelace: int) -> int:
    """What the transactions together take of the wallet with one more output."""
    left = {utxo.reference: utxo.output.value.lovelace for utxo in funds.utxos}
    left[_NEVER_SENT] = gift_lovelace
    before = sum(left.values())
    for each in rehearsed.transactions.values():
        for reference in each.submission.inputs:
            left.pop(reference, None)
        left |= {output.reference: output.lovelace for output in each.submission.change}
    return before - sum(left.values())


def _refusal(
    error: InsufficientFunds, funds: Funds, rehearsed: Run, missing_lovelace: int
) -> InsufficientFunds:
    submissions = [each.submission for each in rehearsed.transactions.values()]
    fee = sum(each.fee_lovelace for each in submissions)
    deposits = sum(getattr(each.payload, "deposits_lovelace", 0) for each in submissions)
    address = funds.change_address.to_bech32()
    passed_over = [str(utxo.reference) for utxo in funds.not_spent]
    what = f"the fee is {fee} lovelace"
    if isinstance(error, InsufficientCollateral):
        what = f"collateral, with what its change output must hold; {what}"
    if deposits:
        what += f", and {deposits} lovelace go along as deposits"
    if len(submissions) == MOST_REHEARSED:
        what += f"; that is for the first {MOST_REHEARSED} transactions, and more may follow"
    if passed_over:
        what += f"; {', '.join(passed_over)} carry a script and are never spent"
    return type(error)(
        what,
        funds.lovelace + missing_lovelace,
        funds.lovelace,
        hint=f"send {missing_lovelace} lovelace or more to {address} and try again, or let somebody else"
        " pay: any key can",
        details={
            "fee_lovelace": fee,
            "deposits_lovelace": deposits,
            "address": address,
            "never_spent": passed_over,
        },
    )
