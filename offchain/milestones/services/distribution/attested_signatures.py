"""The oracles' signatures that the chain verified, read back out of the block that has the attestation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from milestones.cardano import plutus_data
from milestones.clients.chain_walk import BlockTransaction, RollForward
from milestones.domain.models import OracleSignature
from milestones.errors import InvalidEncoding, InvalidSignature, NotFound
from milestones.protocol.oracle_signatures import Statement, entry_of
from milestones.protocol.redeemers import Attest
from milestones.services.backend import Backend
from milestones.services.distribution.on_chain import LiveAttestation, OnChain

FARTHEST_BLOCKS: Final = 500
"""How many blocks are read to find one. An index that has only older checkpoints is not worth the walk."""


async def attested_signatures(
    backend: Backend, on_chain: OnChain, live: LiveAttestation
) -> tuple[OracleSignature, ...]:
    """The entries that an attestation was made with; none where its block can't be found any more."""
    transaction = await _transaction(backend, live)
    if transaction is None:
        return ()
    attestation = live.attestation
    statement = Statement(
        backend.contract.policy_id,
        attestation.distribution_id,
        attestation.milestone,
        attestation.evidence_hash,
        attestation.verification_posix_ms,
    )
    return tuple(
        entry
        for action in _attests(transaction)
        if action.milestone == attestation.milestone
        for entry in _entries(action, statement, on_chain.terms.network_id)
    )


async def _transaction(backend: Backend, live: LiveAttestation) -> BlockTransaction | None:
    start = await backend.kupo.checkpoint_at(max(0, live.point.slot - 1))
    try:
        async with backend.ogmios.walk_from([start] if start else []) as walk:
            for _ in range(FARTHEST_BLOCKS):
                event = await walk.next_block()
                if not isinstance(event, RollForward):
                    continue
                if event.block.point.slot >= live.point.slot:
                    return _among(event.block.transactions, live.utxo.reference.transaction_id)
    except NotFound:
        # Rolled back between two questions.
        return None
    return None


def _among(
    transactions: tuple[BlockTransaction, ...], transaction_id: bytes
) -> BlockTransaction | None:
    return next((each for each in transactions if each.transaction_id == transaction_id), None)


def _attests(transaction: BlockTransaction) -> Iterator[Attest]:
    for pointer, raw in transaction.redeemers.items():
        if pointer.purpose != "mint":
            continue
        try:
            yield Attest.from_data(plutus_data.decode(raw))
        except InvalidEncoding:
            # Another policy's redeemer.
            continue


def _entries(action: Attest, statement: Statement, network_id: int) -> Iterator[OracleSignature]:
    for witness in action.witnesses:
        try:
            yield entry_of(witness, statement, network_id)
        except InvalidSignature:
            continue
