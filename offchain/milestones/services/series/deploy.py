"""`deploy --series`: what it will take, and then all openings, each written down before it is sent."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from milestones.cardano.value import LOVELACE, AssetId
from milestones.domain.reading import HexField
from milestones.errors import NotAllowedYet
from milestones.protocol.deposits import estimated_deposits
from milestones.protocol.distribution import DistributionName
from milestones.services.backend import Backend
from milestones.services.deploy import Deployed, deploy
from milestones.services.distribution.series import (
    BLOCKS_AN_HOUR,
    OPENING_FEE_LOVELACE,
    PART_BYTES,
    PART_FEE_LOVELACE,
    ROW_BYTES,
    part_distribution,
)
from milestones.services.preflight import must_not_have_been_opened
from milestones.services.registered_token import amount_of
from milestones.services.results import Result
from milestones.services.sending.payer import PaidBy
from milestones.services.sending.words import must_be_approved
from milestones.services.series.each import SeriesDone, in_series
from milestones.storage.series_files import SeriesFolder

OPENINGS_IN_FLIGHT: Final = 5
"""Openings sent before a block is waited for: less than a block's worth, so that a mempool has room."""
OPENING_BYTES, BLOCK_BYTES = 13_900, 90_112
"""Of an opening of 16 pages, and of a block."""


class SeriesPlan(Result):
    """What opening the rest of a series takes, before anything is sent. Deposits come back when it is closed.

    `total_token_amount` is what `allocation_count` payments promise, in the token's smallest unit.
    `hours_*`: with the whole chain, and with a quarter of each block.
    """

    series_root: HexField
    distribution_count: int
    openings_left: int
    allocation_count: int
    token_policy_id: HexField
    token_name: HexField
    total_token_amount: int
    deposits_lovelace: int
    opening_fees_lovelace: int
    announcement_transactions: int
    announcement_fees_lovelace: int
    hours_of_whole_blocks: float
    hours_of_quarter_blocks: float

    @property
    def words(self) -> list[str]:
        """As somebody reads it before saying yes."""
        ada = 1_000_000
        lines = [
            f"{self.openings_left} of {self.distribution_count} openings are left:"
            f" {self.opening_fees_lovelace / ada:,.1f} ADA of fees, and"
            f" {self.deposits_lovelace / ada:,.1f} ADA of deposits until they are closed"
        ]
        if self.announcement_transactions:
            lines.append(
                f"announcing the rows in metadata: {self.announcement_transactions:,} transactions,"
                f" {self.announcement_fees_lovelace / ada:,.1f} ADA of fees"
            )
        else:
            lines.append("the rows are not announced: keep their file, or let others keep it")
        lines.append(
            f"{self.hours_of_whole_blocks:g} hours of the whole chain,"
            f" {self.hours_of_quarter_blocks:g} at a quarter of each block"
        )
        return lines


async def plan_series(
    backend: Backend, series: SeriesFolder, *, announce: bool = False
) -> SeriesPlan:
    """What `deploy_series` would do now."""
    price = (await backend.ogmios.protocol_parameters()).lovelace_per_utxo_byte
    left, promised, token = [], 0, LOVELACE
    for part in series.record.distributions:
        distribution = part_distribution(backend, series, part)
        token = distribution.token
        try:
            await must_not_have_been_opened(backend, distribution)
        except NotAllowedYet:
            continue
        promised += distribution.terms.total_token_amount
        left.append((part, estimated_deposits(distribution, price)))
    rows = sum(part.rows for part, _ in left)
    announced = -(-round(rows * (ROW_BYTES + 57)) // PART_BYTES) if announce else 0
    blocks = (OPENING_BYTES * len(left) + announced * 16_300) / BLOCK_BYTES
    return SeriesPlan(
        series_root=series.record.series_root,
        distribution_count=len(series.record.distributions),
        openings_left=len(left),
        allocation_count=rows,
        token_policy_id=token.policy_id,
        token_name=token.asset_name,
        total_token_amount=promised,
        deposits_lovelace=sum(deposits.opening_lovelace for _, deposits in left),
        opening_fees_lovelace=OPENING_FEE_LOVELACE * len(left),
        announcement_transactions=announced,
        announcement_fees_lovelace=announced * PART_FEE_LOVELACE,
        hours_of_whole_blocks=round(blocks / BLOCKS_AN_HOUR, 2),
        hours_of_quarter_blocks=round(4 * blocks / BLOCKS_AN_HOUR, 2),
    )


async def deploy_series(
    backend: Backend,
    series: SeriesFolder,
    *,
    key: PaidBy,
    announce: bool = False,
    allow_script_beneficiaries: bool = False,
    dry_run: bool = False,
    wait: bool = False,
) -> SeriesDone | SeriesPlan:
    """Opens every distribution of a series that is not open yet; a run that was cut off goes on.

    The plan is said before anything is sent, and agreed to where somebody is asked; `dry_run` ends there.
    `announce` writes the rows into transactions' metadata as well. Raises what `deploy` raises, with the part
    it is about.
    """
    plan = await plan_series(backend, series, announce=announce)
    if dry_run:
        return plan
    token = AssetId(plan.token_policy_id, plan.token_name)
    locked = await amount_of(backend, token, plan.total_token_amount)
    await must_be_approved(
        backend, [f"locks {locked} for {plan.allocation_count:,} payments", *plan.words]
    )
    by_id = {part.distribution_id: part for part in series.record.distributions}
    sent = 0

    async def open_one(backend: Backend, name: DistributionName) -> Deployed:
        nonlocal sent
        part = by_id[name.distribution_id]
        distribution = part_distribution(backend, series, part)
        await must_not_have_been_opened(backend, distribution)
        sent += 1
        # Of what is left: where blocks were rolled back the last part may be open, and one before it not.
        is_last = part.part == len(by_id) or sent == plan.openings_left
        return await deploy(
            backend,
            distribution.schedule(),
            key=key,
            private=not announce,
            allow_script_beneficiaries=allow_script_beneficiaries,
            wait=sent % OPENINGS_IN_FLIGHT == 0 or (wait and is_last),
        )

    return await in_series(
        replace(backend, approve=None),
        series,
        open_one,
        done_before=frozenset({"already_open", "opened_before"}),
    )
