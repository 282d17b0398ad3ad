"""The whole story: one project that goes well and one that doesn't, on a chain that judges for real."""

from __future__ import annotations

import time as stopwatch
from typing import Final

from milestones.cardano import cbor
from milestones.cardano.outputs import Script
from milestones.cardano.value import AssetId
from milestones.demo import cancelled_project, kept_promise
from milestones.demo.cancelled_project import play_cancelled
from milestones.demo.figures import close_books
from milestones.demo.kept_promise import MILESTONES, KeptPromise
from milestones.demo.stage import BENEFICIARIES, ORACLES, QUORUM, Stage
from milestones.demo.summary import Summary
from milestones.demo.telling import Narrate, Telling
from milestones.services.sending.runner import SendDraft, perform
from milestones.transactions.draft import Mint, TransactionDraft

TOKEN_NAME: Final = b"GRANT"
MINTED: Final = kept_promise.PROMISED + cancelled_project.PROMISED


async def play_story(stage: Stage, narrate: Narrate) -> Summary:
    """Plays all chapters; `narrate` gets a line for each thing that happens.

    Raises where anything is accepted that must be refused, or the other way round.
    """
    started = stopwatch.monotonic()
    telling = Telling(stage, narrate)
    token = await mint_grants(telling)
    kept = KeptPromise(telling, token)
    await kept.open()
    await kept.attack_before_attestation()
    await kept.attest()
    await kept.claim_too_early()
    await kept.steal_payouts()
    await kept.pay()
    status = await kept.status()
    returned = await kept.close()
    cancelled = await play_cancelled(telling, token)
    books = await close_books(stage, token, MINTED, telling.fees_lovelace)
    narrate(
        f"The books: {books.lovelace_with_people:,} lovelace with people,"
        f" {books.lovelace_in_published_scripts:,} in the published scripts,"
        f" {books.lovelace_in_fees:,} in fees: together {books.lovelace_at_start:,}, as at the start."
        if books.balanced
        else f"The books don't balance: {books}"
    )
    return Summary(
        contract_address=kept.address.to_bech32(),
        distribution_id=kept.distribution.id.hex(),
        beneficiary_count=len(BENEFICIARIES),
        milestone_count=len(MILESTONES),
        oracle_count=len(ORACLES),
        quorum_threshold=QUORUM,
        refusals=tuple(telling.refusals),
        status_before_closing=status,
        transactions=tuple(telling.transactions),
        deposits_returned_lovelace=returned,
        cancelled=cancelled,
        books=books,
        books_balance=books.balanced,
        seconds=round(stopwatch.monotonic() - started, 2),
    )


async def mint_grants(telling: Telling) -> AssetId:
    """The administrator mints, under a policy of its key, what both projects promise."""
    key = telling.stage.keys["administrator"]
    policy = Script("native", _only_signed_by(key.key_hash))
    token = AssetId(policy.hash(), TOKEN_NAME)
    draft = TransactionDraft(
        mints=(Mint(token.policy_id, {TOKEN_NAME: MINTED}),), scripts=(policy,)
    )
    sent = await perform(
        telling.stage.backend, SendDraft(name="mint", draft=draft), key=key, wait=True
    )
    telling.happened(
        f"The administrator mints {MINTED:,} GRANT, for two projects.",
        "mint",
        sent.transaction_hash,
    )
    return token


def _only_signed_by(key_hash: bytes) -> bytes:
    """The native script that one key's signature satisfies."""
    kind = cbor.head(cbor.UINT, 0)
    return cbor.head(cbor.ARRAY, 2) + kind + cbor.encode_bytes(key_hash)
