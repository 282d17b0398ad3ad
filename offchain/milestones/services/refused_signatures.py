"""Which oracle's signature the chain refuses: asked of the node, for each oracle on its own.

The contract fails a transaction for one bad signature among many, and doesn't say which. So each is
evaluated alone, against terms that are not on the chain and differ from the real ones in a quorum of
one. The node's own evaluator is the judge; nothing is verified here, and nothing is submitted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from milestones.cardano.outputs import OutputReference, Utxo
from milestones.cardano.parameters import ProtocolParameters
from milestones.errors import ChainRejected
from milestones.protocol.terms import Terms
from milestones.services.backend import Backend
from milestones.services.funds import Funds
from milestones.services.signatures_at_hand import SignedStatement
from milestones.services.submission import build
from milestones.transactions.attest import Attesting, attest_draft
from milestones.transactions.published_scripts import PublishedScripts

SCRIPTS_FAILED: Final = 3010
"""Ogmios' code for an evaluation in which a script failed."""
NOWHERE: Final = OutputReference(bytes(32), 0)
"""No transaction has this id."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What it takes to build an attestation: the terms and their UTxO, the scripts, and who would pay."""

    terms: Terms
    terms_utxo: Utxo
    scripts: PublishedScripts
    funds: Funds
    parameters: ProtocolParameters


def is_script_failure(error: ChainRejected) -> bool:
    """Whether a script said no, and not the ledger."""
    return error.rejection_code == SCRIPTS_FAILED


async def refused_oracles(
    backend: Backend, bench: Bench, signed: SignedStatement, oracles: Iterable[bytes]
) -> frozenset[bytes]:
    """Those of the oracles (28 bytes each) whose signature of the statement the contract refuses."""
    return frozenset(
        [oracle for oracle in oracles if await _is_refused(backend, bench, signed, oracle)]
    )


async def _is_refused(
    backend: Backend, bench: Bench, signed: SignedStatement, oracle: bytes
) -> bool:
    lenient = replace(bench.terms, quorum_threshold=1)
    output = replace(bench.terms_utxo.output, inline_datum=lenient.encode())
    terms_utxo = Utxo(NOWHERE, output)
    attesting = Attesting.of(lenient, signed.statement, [signed.witnesses[oracle]])
    draft = attest_draft(attesting, terms=terms_utxo, scripts=bench.scripts)
    try:
        await build(backend, draft, bench.funds, bench.parameters, not_on_chain_yet=[terms_utxo])
    except ChainRejected as error:
        if not is_script_failure(error):
            raise
        return True
    return False
