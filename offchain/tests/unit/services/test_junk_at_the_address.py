"""What strangers leave at a distribution's address is passed over, quickly."""

from __future__ import annotations

import time

from milestones.cardano import plutus_data
from milestones.cardano.outputs import OutputReference, TransactionOutput, Utxo
from milestones.cardano.slots import Point
from milestones.cardano.value import Value
from milestones.clients.kupo_answers import Match
from milestones.protocol.validator_loader import Contract
from milestones.services.distribution.on_chain import attestations_among


def test_large_data_without_our_tokens_are_not_read(contract: Contract) -> None:
    """A few hundred of them would take longer than everything else together."""
    datum = plutus_data.encode(tuple(range(5_000)))
    junk = [
        Match(
            Utxo(
                OutputReference(number.to_bytes(32, "big"), 0),
                TransactionOutput("addr_test1…", Value(70_000_000), inline_datum=datum),
            ),
            Point(number, bytes(32)),
            0,
            datum=datum,
        )
        for number in range(1_000)
    ]
    started = time.monotonic()
    assert attestations_among(junk, bytes(28), contract) == {}
    assert time.monotonic() - started < 2
